//! The client as JavaScript holds it.

use napi::{Either, Env};
use napi_derive::napi;
use quorlock::{Client, Result, Ticket, span_from_ms};

use crate::answer::{Answer, Delivery};
use crate::bridge::Bridge;
use crate::failure::Failure;
use crate::link::Link;
use crate::options::{NativeClientOptions, NativeTerms, acquire_options};
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
                self.link.begin(&env, id, pending, |guard| {
                    guard.map_or(Answer::Nothing, Answer::Guard)
                });
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
