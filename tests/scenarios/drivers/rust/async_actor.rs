//! The client as async code uses it: every request a task on one thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use quorlock::{Client, Guard};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::answer::{self, Answer, Failure};
use crate::request::Request;

#[derive(Default)]
struct Actor {
    clients: RefCell<HashMap<String, Client>>,
    guards: RefCell<HashMap<String, Rc<Guard>>>,
    /// How to give up what is under way.
    calls: RefCell<HashMap<u64, oneshot::Sender<()>>>,
}

/// Serves until standard input ends.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let (sink, mut arriving) = mpsc::unbounded_channel();
    // It ends with the process.
    std::thread::spawn(move || crate::requests().try_for_each(|request| sink.send(request)));
    let actor = Rc::new(Actor::default());
    let tasks = LocalSet::new();
    runtime.block_on(tasks.run_until(async {
        while let Some(request) = arriving.recv().await {
            let actor = Rc::clone(&actor);
            let (give_up, given_up) = oneshot::channel();
            actor.calls.borrow_mut().insert(request.id, give_up);
            tokio::task::spawn_local(async move {
                let done = tokio::select! {
                    biased;
                    Ok(()) = given_up => Err(Failure::cancelled()),
                    done = actor.obey(&request) => done,
                };
                actor.calls.borrow_mut().remove(&request.id);
                answer::give(request.id, done);
            });
        }
        let clients: Vec<Client> = actor
            .clients
            .borrow_mut()
            .drain()
            .map(|(_, client)| client)
            .collect();
        for client in clients {
            // Closed already is as good.
            let _ = client.close(Duration::from_secs(1)).await;
        }
    }));
}

impl Actor {
    async fn obey(&self, request: &Request) -> Answer {
        match request.call.as_str() {
            "hello" => Ok(answer::hello("async")),
            "connect" => {
                let client = request.connect()?;
                self.clients
                    .borrow_mut()
                    .insert(request.text("client")?.to_owned(), client);
                Ok(Value::Null)
            }
            "acquire" => {
                let mutex = self.client(request)?.mutex(request.text("resource")?);
                let guard = mutex.acquire(request.acquire_options()?).await?;
                self.keep(request, guard)
            }
            "try_acquire" => {
                let mutex = self.client(request)?.mutex(request.text("resource")?);
                match mutex.try_acquire(request.acquire_options()?).await? {
                    Some(guard) => self.keep(request, guard),
                    None => Ok(Value::Null),
                }
            }
            "adopt" => {
                let (client, ticket) = (self.client(request)?, request.ticket()?);
                let guard = client
                    .adopt_with(&ticket, request.acquire_options()?)
                    .await?;
                self.keep(request, guard)
            }
            "cancel" => {
                let call = self.calls.borrow_mut().remove(&request.number("call")?);
                // It may have ended a moment ago.
                let _ = call.map(|call| call.send(()));
                Ok(Value::Null)
            }
            "is_held" => Ok(json!(self.guard(request)?.is_held())),
            "remaining" => Ok(json!(answer::ms(self.guard(request)?.remaining()))),
            "check" => Ok(self.guard(request)?.check().map(|()| Value::Null)?),
            "loss" => Ok(json!(self.guard(request)?.loss().map(|loss| loss.name()))),
            "wait_lost" => {
                let guard = self.guard(request)?;
                let within = Duration::from_millis(request.number("within_ms")?);
                let lost = tokio::time::timeout(within, guard.lost()).await;
                Ok(json!(lost.ok().map(|loss| loss.name())))
            }
            "extend" => Ok(self.guard(request)?.extend().await.map(|()| Value::Null)?),
            "release" => Ok(answer::released(&self.guard(request)?.release().await?)),
            "drop" => {
                let guard = self.guards.borrow_mut().remove(request.text("guard")?);
                drop(guard);
                Ok(Value::Null)
            }
            "detach" => {
                let guard = self.guard(request)?;
                let ticket = match request.span("ttl_ms")? {
                    Some(ttl) => guard.detach_for(ttl).await?,
                    None => guard.detach().await?,
                };
                Ok(json!({ "ticket": ticket.encode() }))
            }
            "ticket" => Ok(answer::ticket(&request.ticket()?)),
            "inspect" => {
                let seen = self
                    .client(request)?
                    .inspect(request.text("resource")?)
                    .await?;
                Ok(answer::inspection(&seen))
            }
            "health" => Ok(answer::health(&self.client(request)?.health().await?)),
            "stats" => Ok(answer::stats(&self.client(request)?.stats()?)),
            "close" => {
                let limit = Duration::from_millis(request.number("limit_ms")?);
                Ok(json!(self.client(request)?.close(limit).await?))
            }
            "block" => {
                std::thread::sleep(Duration::from_millis(request.number("ms")?));
                Ok(Value::Null)
            }
            "exit" => std::process::exit(i32::try_from(request.number("code")?).unwrap_or(1)),
            other => Err(Failure::of_driver(format!("{other:?}: no such request"))),
        }
    }

    fn client(&self, request: &Request) -> Result<Client, Failure> {
        let client = self.clients.borrow().get(request.text("client")?).cloned();
        client.ok_or_else(|| Failure::of_driver("no such client"))
    }

    fn guard(&self, request: &Request) -> Result<Rc<Guard>, Failure> {
        let guard = self.guards.borrow().get(request.text("guard")?).cloned();
        guard.ok_or_else(|| Failure::of_driver("no such guard"))
    }

    fn keep(&self, request: &Request, guard: Guard) -> Answer {
        let shown = answer::guard(
            guard.resource(),
            guard.fencing_token(),
            guard.remaining(),
            guard.is_adopted(),
        );
        self.guards
            .borrow_mut()
            .insert(request.text("guard")?.to_owned(), Rc::new(guard));
        Ok(shown)
    }
}
