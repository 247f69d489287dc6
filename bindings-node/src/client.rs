//! The client as JavaScript holds it.

use napi::{Either, Env};
use napi_derive::napi;
use quorlock::{Client, Result, Ticket, span_from_ms};

use crate::answer::{Answer, Delivery};
use crate::bridge::Bridge;
use crate::election::NativeElection;
use crate::failure::Failure;
use crate::link::Link;
use crate::options::{NativeClientOptions, NativeTerms, acquire_options, count};
use crate::report::StatsReport;

/// A client of N servers.
#[napi]
pub struct NativeClient {
    client: Client,
    link: Link,
    id: i64,
}

impl Drop for NativeClient {
    fn drop(&mut self) {
        self.link.forget_client(self.id);
    }
}

/// A client over `nodes`. Its events are delivered as news to the listener `id` if `is_observed`.
#[napi]
pub fn connect(
    bridge: &Bridge,
    id: i64,
    nodes: Vec<String>,
    options: NativeClientOptions,
    is_observed: bool,
) -> Either<NativeClient, Failure> {
    let link = bridge.link.clone();
    let made = || -> Result<Client> {
        let silence_max = options.host_silence_max()?;
        let mut builder = options.builder()?.pulse(&link.pulse(), silence_max);
        if is_observed {
            let listener = link.clone();
            builder = builder.on_event(move |event| {
                listener.push(Delivery::news(id, Answer::Event(event.clone())));
            });
        }
        builder.connect(&nodes)
    };
    match made() {
        Ok(client) => {
            link.add_client(id, client.clone());
            Either::A(NativeClient { client, link, id })
        }
        Err(error) => Either::B(Failure::from(&error)),
    }
}

#[napi]
impl NativeClient {
    #[napi]
    pub fn acquire(&self, env: Env, id: i64, name: String, terms: Option<NativeTerms>) {
        match acquire_options(terms) {
            Ok(options) => {
                let pending = self.client.mutex(name).start_acquire(options);
                self.link.begin(&env, id, pending, Answer::Guard);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    #[napi]
    pub fn try_acquire(&self, env: Env, id: i64, name: String, terms: Option<NativeTerms>) {
        match acquire_options(terms) {
            Ok(options) => {
                let pending = self.client.mutex(name).start_try_acquire(options);
                self.link.begin(&env, id, pending, Answer::maybe);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    #[napi]
    pub fn adopt(&self, env: Env, id: i64, ticket: String, terms: Option<NativeTerms>) {
        let read = || -> Result<_> {
            let ticket = Ticket::decode(&ticket)?;
            Ok((ticket, acquire_options(terms)?))
        };
        match read() {
            Ok((ticket, options)) => {
                let pending = self.client.start_adopt(&ticket, &options);
                self.link.begin(&env, id, pending, Answer::Guard);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    /// Takes several resources at once; without waiting, where it is told so.
    #[napi]
    pub fn acquire_multi(
        &self,
        env: Env,
        id: i64,
        names: Vec<String>,
        terms: Option<NativeTerms>,
        waits: bool,
    ) {
        match acquire_options(terms) {
            Ok(options) => {
                let multi = self.client.multi(names);
                if waits {
                    let pending = multi.start_acquire(options);
                    self.link.begin(&env, id, pending, Answer::Guard);
                } else {
                    let pending = multi.start_try_acquire(options);
                    self.link.begin(&env, id, pending, Answer::maybe);
                }
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    /// Takes permits of a semaphore with so many; without waiting, where it is told so.
    #[napi]
    pub fn acquire_permits(
        &self,
        env: Env,
        id: i64,
        name: String,
        permits: f64,
        terms: Option<NativeTerms>,
        waits: bool,
    ) {
        let ready = || -> Result<_> {
            let options = acquire_options(terms)?;
            Ok((
                self.client.semaphore(name, count("permits", permits)?),
                options,
            ))
        };
        match ready() {
            Ok((semaphore, options)) if waits => {
                let pending = semaphore.start_acquire(options);
                self.link.begin(&env, id, pending, Answer::Guard);
            }
            Ok((semaphore, options)) => {
                let pending = semaphore.start_try_acquire(options);
                self.link.begin(&env, id, pending, Answer::maybe);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    #[napi]
    pub fn begin_once(
        &self,
        env: Env,
        id: i64,
        name: String,
        retention_ms: f64,
        terms: Option<NativeTerms>,
    ) {
        let ready = || -> Result<_> {
            let retention = span_from_ms("once.retention_ms", retention_ms)?;
            Ok((self.client.once(name, retention), acquire_options(terms)?))
        };
        match ready() {
            Ok((once, options)) => {
                let pending = once.start_begin(options);
                self.link.begin(&env, id, pending, Answer::maybe);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    #[napi]
    pub fn is_done(&self, env: Env, id: i64, name: String, retention_ms: f64) {
        match span_from_ms("once.retention_ms", retention_ms) {
            Ok(retention) => {
                let pending = self.client.once(name, retention).start_is_done();
                self.link.begin(&env, id, pending, Answer::Yes);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }

    #[napi]
    pub fn elect(
        &self,
        name: String,
        terms: Option<NativeTerms>,
    ) -> Either<NativeElection, Failure> {
        let elected = acquire_options(terms).and_then(|options| self.client.elect(name, options));
        match elected {
            Ok(election) => Either::A(NativeElection::new(election)),
            Err(error) => Either::B(Failure::from(&error)),
        }
    }

    #[napi]
    pub fn inspect(&self, env: Env, id: i64, name: String) {
        let pending = self.client.start_inspect(&name);
        self.link.begin(&env, id, pending, Answer::Inspection);
    }

    #[napi]
    pub fn health(&self, env: Env, id: i64) {
        let pending = self.client.start_health();
        self.link.begin(&env, id, pending, Answer::Health);
    }

    #[napi]
    pub fn stats(&self) -> Either<StatsReport, Failure> {
        match self.client.stats() {
            Ok(stats) => Either::A(StatsReport::from(stats)),
            Err(error) => Either::B(Failure::from(&error)),
        }
    }

    #[napi]
    pub fn close(&self, env: Env, id: i64, limit_ms: f64) {
        match span_from_ms("close.limit_ms", limit_ms) {
            Ok(limit) => {
                let pending = self.client.start_close(limit);
                self.link.begin(&env, id, pending, Answer::Yes);
            }
            Err(error) => self.link.refuse(&env, id, error),
        }
    }
}
