//! No password and no token in anything the library says, whatever goes wrong.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};

use quorlock::{Client, Error, Fencing, Ticket};
use quorlock_test_support::{LyingServer, Phase, Server, ServerKind, ServerOptions, Servers};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::rig::{owner, patient, within};

const PASSWORD: &str = "hunter2-canary-password";
const WRONG: &str = "hunter3-canary-password";
const USER: &str = "canary-user";

/// Everything traced in this process, from the first test that asks on.
static TRACED: OnceLock<Mutex<String>> = OnceLock::new();

/// A subscriber at TRACE that keeps the text of every event and span.
struct Capture;

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

fn keep(metadata: &Metadata<'_>, record: impl FnOnce(&mut Text<'_>)) {
    let mut line = format!(
        "{} {} {}",
        metadata.level(),
        metadata.target(),
        metadata.name()
    );
    record(&mut Text(&mut line));
    let traced = TRACED.get_or_init(Mutex::default);
    let mut traced = traced.lock().unwrap_or_else(PoisonError::into_inner);
    traced.push_str(&line);
    traced.push('\n');
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The runtime's own events say nothing about locks, and there are very many.
        !metadata.target().starts_with("mio") && !metadata.target().starts_with("tokio")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        keep(span.metadata(), |text| span.record(text));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        keep(event.metadata(), |text| event.record(text));
    }
}

/// What was said, to be searched at the end.
#[derive(Default)]
struct Said(String);

impl Said {
    fn note(&mut self, thing: &(impl fmt::Debug + ?Sized)) {
        let _ = writeln!(self.0, "{thing:?}\n{thing:#?}");
    }

    fn error(&mut self, error: &Error) {
        let mut source: Option<&dyn std::error::Error> = Some(error);
        while let Some(one) = source {
            let _ = writeln!(self.0, "{one}\n{one:?}");
            source = one.source();
        }
        self.note(error.outcomes());
    }
}

fn secured(kind: ServerKind, count: usize) -> Servers {
    // The user may do nothing that is needed, so that servers complain and echo.
    let rights = format!("on >{PASSWORD} ~app:* -@all +get");
    Servers::start(
        count,
        ServerOptions::new(kind)
            .password(PASSWORD)
            .user(USER, &rights),
    )
}

fn connect(urls: &[String], fencing: Fencing) -> Client {
    patient()
        .key_prefix("app:")
        .fencing(fencing)
        .connect(urls)
        .expect("valid")
}

#[tokio::test]
async fn nothing_that_is_said_holds_a_password_or_a_token() {
    let _ = tracing::subscriber::set_global_default(Capture);
    let (mut said, mut secrets) = (Said::default(), BTreeSet::new());
    secrets.extend([PASSWORD, WRONG, USER].map(str::to_owned));
    for kind in ServerKind::ALL {
        let servers = secured(kind, 3);
        let all = |user: &str, password: &str| -> Vec<String> {
            servers
                .iter()
                .map(|server: &Server| server.url_as(user, password))
                .collect()
        };
        work(
            &connect(&all("", PASSWORD), Fencing::Auto),
            &servers,
            &mut said,
            &mut secrets,
        )
        .await;
        // Wrong passwords, no rights, and rights that only a script finds missing.
        for urls in [
            all("", WRONG),
            all("nobody-canary-user", WRONG),
            all(USER, PASSWORD),
            servers.urls(),
        ] {
            let client = connect(&urls, Fencing::Required);
            said.note(&client);
            said.error(
                &client
                    .mutex("a")
                    .acquire(within(200))
                    .await
                    .expect_err("refused"),
            );
            said.error(
                &client
                    .mutex("a")
                    .try_acquire(())
                    .await
                    .expect_err("refused"),
            );
            said.note(&client.inspect("a").await.expect("a report"));
            let health = client.health().await.expect("a report");
            for warning in &health.warnings {
                said.note(&warning.to_string());
            }
            said.note(&health);
        }
        // A server that echoes whatever it is told, and servers that say nothing.
        let echo = || {
            LyingServer::start(|args| {
                let words: Vec<_> = args
                    .iter()
                    .map(|arg| String::from_utf8_lossy(arg).replace(['\r', '\n'], " "))
                    .collect();
                format!(
                    "-ERR unknown command '{}', with args beginning with: {}\r\n",
                    words[0],
                    words.join(" ")
                )
                .into_bytes()
            })
        };
        let liars = [echo(), echo(), LyingServer::tarpit(Phase::Hello)];
        let urls: Vec<String> = liars
            .iter()
            .map(|liar| {
                liar.url()
                    .replace("redis://", &format!("redis://{USER}:{PASSWORD}@"))
            })
            .collect();
        said.error(
            &connect(&urls, Fencing::Auto)
                .mutex("a")
                .acquire(within(200))
                .await
                .expect_err("lies"),
        );
    }
    // URLs that cannot be used are named without what is in them.
    for url in [
        "redis://u:{}@host:99999",
        "redis://u:{}@",
        "http://u:{}@host",
        "redis://u:{}@host/x",
        "redis://u:{}@h?a={}",
    ] {
        said.error(&Client::connect([url.replace("{}", PASSWORD)]).expect_err("no node"));
    }
    let traced = TRACED
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    // The net holds water: what should be said was caught.
    assert!(
        traced.contains("acquired") && traced.contains("failed") && traced.contains("connected"),
        "{traced}"
    );
    assert!(
        said.0.contains("permission") && secrets.len() > 10,
        "{} secrets",
        secrets.len()
    );
    for secret in &secrets {
        for (what, text) in [("said", &said.0), ("traced", &traced)] {
            if let Some(line) = text.lines().find(|line| line.contains(secret.as_str())) {
                panic!("{what}: {secret} in {line}");
            }
        }
    }
}

/// The life of some locks; collects their tokens as secrets, and everything that is shown of them.
async fn work(client: &Client, servers: &Servers, said: &mut Said, secrets: &mut BTreeSet<String>) {
    let mutex = client.mutex("a");
    for _ in 0..3 {
        let guard = mutex.acquire(within(10_000)).await.expect("right password");
        secrets.insert(digits(&owner(servers, "app:a")));
        said.note(&guard);
        said.note(&mutex);
        said.error(&mutex.acquire(within(30)).await.expect_err("held"));
        said.note(&client.inspect("a").await.expect("a report"));
        guard.extend().await.expect("held");
        let ticket = guard.detach().await.expect("held");
        said.note(&ticket);
        let mut changed = ticket.encode();
        changed.pop();
        said.error(&Ticket::decode(&changed).expect_err("cut short"));
        let adopted = client.adopt(&ticket).await.expect("the first");
        secrets.insert(digits(&owner(servers, "app:a")));
        said.error(&client.adopt(&ticket).await.expect_err("in use"));
        said.error(&guard.release().await.expect_err("handed over"));
        // Somebody steals it, so that it is lost.
        servers.iter().for_each(|server| {
            drop(server.command(&["SET", "app:a", "stolen-canary-value", "PX", "5000"]))
        });
        secrets.insert("stolen-canary-value".to_owned());
        said.note(&client.inspect("a").await.expect("a report"));
        said.error(&adopted.extend().await.expect_err("stolen"));
        said.note(&adopted.release().await);
        servers
            .iter()
            .for_each(|server| drop(server.command(&["DEL", "app:a"])));
    }
}

/// The random part of a token, which is the secret in it.
fn digits(token: &str) -> String {
    token.split('.').nth(1).expect("a token").to_owned()
}
