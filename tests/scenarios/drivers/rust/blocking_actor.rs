//! The client as code with threads uses it: every request a thread that blocks.
//!
//! A blocking call can be given up by nobody but its own thread, so `acquire` waits in slices, as
//! `Pending::wait_for` is meant to be used; everything else goes through `quorlock::blocking`.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quorlock::{Error, FencingToken, Loss, Pending, Released, Ticket, blocking};
use serde_json::{Value, json};

use crate::answer::{self, Answer, Failure};
use crate::request::Request;

#[derive(Default)]
struct Actor {
    clients: Mutex<HashMap<String, quorlock::Client>>,
    guards: Mutex<HashMap<String, Arc<dyn Held>>>,
    given_up: Mutex<HashSet<u64>>,
}

/// Serves until standard input ends.
pub(crate) fn run() {
    let actor = Arc::new(Actor::default());
    for request in crate::requests() {
        let actor = Arc::clone(&actor);
        std::thread::spawn(move || {
            let done = actor.obey(&request);
            answer::give(request.id, done);
        });
    }
    let clients = std::mem::take(&mut *locked(&actor.clients));
    for client in clients.into_values() {
        // Closed already is as good.
        let _ = blocking::Client::from(client).close(Duration::from_secs(1));
    }
}

impl Actor {
    fn obey(&self, request: &Request) -> Answer {
        match request.call.as_str() {
            "hello" => Ok(answer::hello("blocking")),
            "connect" => {
                let client = request.connect()?;
                locked(&self.clients).insert(request.text("client")?.to_owned(), client);
                Ok(Value::Null)
            }
            "acquire" => {
                let mutex = self.asynchronous(request)?.mutex(request.text("resource")?);
                let pending = mutex.start_acquire(request.acquire_options()?);
                let guard = self.wait(request, pending)?;
                self.keep(request, guard)
            }
            "try_acquire" => {
                let mutex = self.client(request)?.mutex(request.text("resource")?);
                match mutex.try_acquire(request.acquire_options()?)? {
                    Some(guard) => self.keep(request, guard),
                    None => Ok(Value::Null),
                }
            }
            "adopt" => {
                let (client, ticket) = (self.client(request)?, request.ticket()?);
                let guard = client.adopt_with(&ticket, request.acquire_options()?)?;
                self.keep(request, guard)
            }
            "cancel" => {
                locked(&self.given_up).insert(request.number("call")?);
                Ok(Value::Null)
            }
            "is_held" => Ok(json!(self.guard(request)?.is_held())),
            "remaining" => Ok(json!(answer::ms(self.guard(request)?.remaining()))),
            "check" => Ok(self.guard(request)?.check().map(|()| Value::Null)?),
            "loss" => Ok(json!(self.guard(request)?.loss().map(|loss| loss.name()))),
            "wait_lost" => {
                let (said, heard) = mpsc::channel();
                // Nobody listens any more once the time is over.
                self.guard(request)?
                    .on_lost(Box::new(move |loss| said.send(loss).unwrap_or_default()));
                let within = Duration::from_millis(request.number("within_ms")?);
                // A guard that is released drops the callback, and then nothing comes any more.
                Ok(json!(
                    heard.recv_timeout(within).ok().map(|loss| loss.name())
                ))
            }
            "extend" => Ok(self.guard(request)?.extend().map(|()| Value::Null)?),
            "release" => Ok(answer::released(&self.guard(request)?.release()?)),
            "drop" => {
                let guard = locked(&self.guards).remove(request.text("guard")?);
                drop(guard);
                Ok(Value::Null)
            }
            "detach" => {
                let ticket = self.guard(request)?.detach(request.span("ttl_ms")?)?;
                Ok(json!({ "ticket": ticket.encode() }))
            }
            "ticket" => Ok(answer::ticket(&request.ticket()?)),
            "inspect" => Ok(answer::inspection(
                &self.client(request)?.inspect(request.text("resource")?)?,
            )),
            "health" => Ok(answer::health(&self.client(request)?.health()?)),
            "stats" => Ok(answer::stats(&self.client(request)?.stats()?)),
            "close" => {
                let limit = Duration::from_millis(request.number("limit_ms")?);
                Ok(json!(self.client(request)?.close(limit)?))
            }
            "block" => {
                std::thread::sleep(Duration::from_millis(request.number("ms")?));
                Ok(Value::Null)
            }
            "exit" => std::process::exit(i32::try_from(request.number("code")?).unwrap_or(1)),
            other => Err(Failure::of_driver(format!("{other:?}: no such request"))),
        }
    }

    fn wait<T>(&self, request: &Request, mut pending: Pending<T>) -> Result<T, Failure> {
        loop {
            if let Some(done) = pending.wait_for(Duration::from_millis(20)) {
                return Ok(done?);
            }
            if locked(&self.given_up).remove(&request.id) {
                return Err(Failure::cancelled());
            }
        }
    }

    fn asynchronous(&self, request: &Request) -> Result<quorlock::Client, Failure> {
        let client = locked(&self.clients).get(request.text("client")?).cloned();
        client.ok_or_else(|| Failure::of_driver("no such client"))
    }

    fn client(&self, request: &Request) -> Result<blocking::Client, Failure> {
        self.asynchronous(request).map(blocking::Client::from)
    }

    fn guard(&self, request: &Request) -> Result<Arc<dyn Held>, Failure> {
        let guard = locked(&self.guards).get(request.text("guard")?).cloned();
        guard.ok_or_else(|| Failure::of_driver("no such guard"))
    }

    fn keep(&self, request: &Request, guard: impl Held + 'static) -> Answer {
        let shown = answer::guard(
            guard.resource(),
            guard.fencing_token(),
            guard.remaining(),
            guard.is_adopted(),
        );
        locked(&self.guards).insert(request.text("guard")?.to_owned(), Arc::new(guard));
        Ok(shown)
    }
}

/// What the guards of a blocking and of a sliced acquire have in common.
trait Held: Send + Sync {
    fn resource(&self) -> &str;
    fn fencing_token(&self) -> Option<FencingToken>;
    fn remaining(&self) -> Duration;
    fn is_adopted(&self) -> bool;
    fn is_held(&self) -> bool;
    fn check(&self) -> Result<(), Error>;
    fn loss(&self) -> Option<Loss>;
    fn on_lost(&self, callback: Box<dyn FnOnce(Loss) + Send>);
    fn extend(&self) -> Result<(), Error>;
    fn release(&self) -> Result<Released, Error>;
    fn detach(&self, ttl: Option<Duration>) -> Result<Ticket, Error>;
}

/// The calls that are the same in both.
macro_rules! local_calls {
    () => {
        fn resource(&self) -> &str {
            self.resource()
        }
        fn fencing_token(&self) -> Option<FencingToken> {
            self.fencing_token()
        }
        fn remaining(&self) -> Duration {
            self.remaining()
        }
        fn is_adopted(&self) -> bool {
            self.is_adopted()
        }
        fn is_held(&self) -> bool {
            self.is_held()
        }
        fn check(&self) -> Result<(), Error> {
            self.check()
        }
        fn loss(&self) -> Option<Loss> {
            self.loss()
        }
        fn on_lost(&self, callback: Box<dyn FnOnce(Loss) + Send>) {
            self.on_lost(callback);
        }
    };
}

impl Held for blocking::Guard {
    local_calls!();

    fn extend(&self) -> Result<(), Error> {
        self.extend()
    }

    fn release(&self) -> Result<Released, Error> {
        self.release()
    }

    fn detach(&self, ttl: Option<Duration>) -> Result<Ticket, Error> {
        ttl.map_or_else(|| self.detach(), |ttl| self.detach_for(ttl))
    }
}

impl Held for quorlock::Guard {
    local_calls!();

    fn extend(&self) -> Result<(), Error> {
        self.start_extend().wait()
    }

    fn release(&self) -> Result<Released, Error> {
        self.start_release().wait()
    }

    fn detach(&self, ttl: Option<Duration>) -> Result<Ticket, Error> {
        self.start_detach(ttl).wait()
    }
}

/// Also after a panic of another request's thread.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
