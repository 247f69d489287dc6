//! `tests/vectors/*.json` say what the engine does: the tables that every language is held against.
//!
//! Inputs stand in the files; what comes of them is worked out here and compared with the files, byte by byte.
//! `QUORLOCK_BLESS=1` writes the files instead: look at the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quorlock::blocking::Client;
use quorlock::testing::config::{Keys, Moment, Settings, Ttl, deadline, quorum};
use quorlock::{
    AcquireOptions, ClientBuilder, Error, ErrorKind, EventKind, FaultClass, Fencing, Loss,
    NodeStatus, Released, RestartGuard, Ticket, Warning,
};
use serde_json::{Map, Value, json};

type Row = Map<String, Value>;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(file)
}

/// The rows of one table as they stand in the file.
fn rows(file: &str, table: &str) -> Vec<Row> {
    let text = fs::read_to_string(path(file)).expect("the file is there");
    let tables: Value = serde_json::from_str(&text).expect("JSON");
    let rows = tables[table].as_array().expect("a list of rows");
    rows.iter()
        .map(|row| row.as_object().expect("an object").clone())
        .collect()
}

/// Holds the file against these tables: one row per line.
fn hold(file: &str, about: &str, tables: &[(&str, Vec<Value>)]) {
    let mut text = format!("{{\n\"about\": {}", json!(about));
    for (table, rows) in tables {
        let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
        text += &format!(",\n\"{table}\": [\n{}\n]", rows.join(",\n"));
    }
    text += "\n}\n";
    if std::env::var_os("QUORLOCK_BLESS").is_some() {
        fs::write(path(file), text).expect("written");
        return;
    }
    let there = fs::read_to_string(path(file)).expect("the file is there");
    for (there, here) in there.lines().zip(text.lines()) {
        assert_eq!(there, here, "{file}");
    }
    assert_eq!(there, text, "{file}: rows are missing");
}

/// The fields of `row` that are inputs, followed by what came of them.
fn with(row: &Row, inputs: &[&str], results: Value) -> Value {
    let mut full = Row::new();
    for input in inputs {
        if let Some(value) = row.get(*input) {
            full.insert((*input).to_owned(), value.clone());
        }
    }
    full.extend(results.as_object().expect("an object").clone());
    full.into()
}

fn text<'a>(row: &'a Row, field: &str) -> &'a str {
    row[field].as_str().expect("a string")
}

fn number(row: &Row, field: &str) -> u64 {
    row[field].as_u64().expect("a whole number")
}

#[test]
fn errors() {
    let rows = ErrorKind::ALL.iter().map(|kind| {
        json!({ "kind": kind.name(), "number": kind.number(), "code": kind.code(), "retryable": kind.is_retryable() })
    });
    hold(
        "errors.json",
        "The error table: one row per kind.",
        &[("rows", rows.collect())],
    );
}

#[test]
fn statuses() {
    let fencing = ["auto", "required", "off"];
    for word in fencing {
        word.parse::<Fencing>().expect("a word of it");
    }
    let rows = [
        ("node_status", NodeStatus::NAMES),
        ("fault_class", FaultClass::NAMES),
        ("loss", Loss::NAMES),
        ("released", Released::NAMES),
        ("warning", Warning::NAMES),
        ("event", EventKind::NAMES),
        ("fencing", &fencing),
        ("restart_guard", RestartGuard::NAMES),
    ];
    let rows = rows.map(|(name, words)| json!({ "name": name, "words": words }));
    hold(
        "statuses.json",
        "The words of each list, all of them.",
        &[("rows", rows.into())],
    );
}

/// Tries values for an option and gives its row.
struct Bounds<'a> {
    scope: &'a str,
    name: &'a str,
    unit: &'a str,
    default: Value,
}

impl Bounds<'_> {
    /// `refused` tells the field that is named where a value is refused.
    fn row(&self, least: u64, most: Option<u64>, refused: impl Fn(u64) -> Option<String>) -> Value {
        let field = if self.scope == "client" {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.scope, self.name)
        };
        let outside = [least.checked_sub(1), most.map(|most| most + 1)];
        for value in outside.into_iter().flatten() {
            assert_eq!(refused(value), Some(field.clone()), "{field} {value}");
        }
        for value in [Some(least), most].into_iter().flatten() {
            assert_eq!(refused(value), None, "{field} {value}");
        }
        self.unbounded(json!(least), json!(most))
    }

    fn unbounded(&self, least: Value, most: Value) -> Value {
        let field = if self.scope == "client" {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.scope, self.name)
        };
        json!({
            "scope": self.scope, "name": self.name, "field": field, "unit": self.unit,
            "default": self.default, "least": least, "most": most,
        })
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn options() {
    let defaults = Settings::default();
    let of = |span: Duration| json!(u64::try_from(span.as_millis()).expect("small"));
    let client = |name, unit, default| Bounds {
        scope: "client",
        name,
        unit,
        default,
    };
    let built = |set: &dyn Fn(ClientBuilder) -> ClientBuilder| {
        let built = set(Client::builder()).connect(["memory://vectors-options"]);
        built
            .err()
            .map(|error| error.field().unwrap_or_default().to_owned())
    };
    let mut rows = vec![
        client("ttl_ms", "ms", json!(defaults.ttl.as_millis()))
            .row(10, Some(86_400_000), |v| built(&|b| b.ttl(ms(v)))),
        client("wait_ms", "ms", of(defaults.wait))
            .row(0, Some(604_800_000), |v| built(&|b| b.wait(ms(v)))),
        client("renew", "bool", json!(defaults.renew)).unbounded(Value::Null, Value::Null),
    ];
    // Not below the ttl, whatever that is.
    let hold = client("hold_ms_max", "ms", of(defaults.hold_max));
    hold.row(10_000, None, |v| built(&|b| b.hold_max(ms(v))));
    rows.push(hold.unbounded(json!("ttl_ms"), Value::Null));
    let renewals = client("renewals_max", "count", json!(defaults.renewals_max));
    renewals.row(1, None, |v| {
        built(&|b| b.renewals_max(u32::try_from(v).expect("small")))
    });
    assert_eq!(built(&|b| b.renewals_max(u32::MAX)), None);
    rows.push(renewals.unbounded(json!(1), json!(u32::MAX)));
    assert!(defaults.node_timeout.is_none());
    for (ttl_ms, timeout_ms) in [(10, 2), (100, 10), (500, 50), (10_000, 50)] {
        let ttl = Ttl::from_millis(ttl_ms).expect("in bounds");
        assert_eq!(defaults.node_timeout(ttl), ms(timeout_ms));
    }
    let timeout = client(
        "node_timeout_ms",
        "ms",
        json!("min(50, ttl_ms / 10), at least 2"),
    );
    timeout.row(1, Some(10_000), |v| built(&|b| b.node_timeout(ms(v))));
    rows.push(timeout.unbounded(json!(1), json!("ttl_ms")));
    rows.extend([
        client("connect_timeout_ms", "ms", of(defaults.connect_timeout)).row(
            1,
            Some(60_000),
            |v| built(&|b| b.connect_timeout(ms(v))),
        ),
        client("key_prefix", "bytes", json!(defaults.key_prefix)).row(0, Some(256), |v| {
            built(&|b| b.key_prefix("p".repeat(v as usize)))
        }),
        client("fencing", "word", json!("auto")).unbounded(Value::Null, Value::Null),
        client("ticket_retention_ms", "ms", of(defaults.ticket_retention)).row(
            1000,
            Some(604_800_000),
            |v| built(&|b| b.ticket_retention(ms(v))),
        ),
        client("waiters_max", "count", json!(defaults.waiters_max))
            .row(1, Some(10_000), |v| built(&|b| b.waiters_max(v as usize))),
        client("owner", "text", json!(defaults.owner)).unbounded(Value::Null, Value::Null),
        client("tls_ca_pem", "pem", json!(defaults.tls_ca_pem)).unbounded(Value::Null, Value::Null),
        client("tls_verify", "bool", json!(defaults.tls_verify))
            .unbounded(Value::Null, Value::Null),
        client(
            "restart_guard",
            "word",
            json!(defaults.restart_guard.name()),
        )
        .unbounded(Value::Null, Value::Null),
        client("assume_fresh", "bool", json!(defaults.assume_fresh))
            .unbounded(Value::Null, Value::Null),
    ]);
    assert_eq!(defaults.fencing, Fencing::Auto);
    let pulse = quorlock::Pulse::new(|| {});
    rows.push(
        client("silence_ms_max", "ms", Value::Null)
            .row(100, None, |v| built(&|b| b.pulse(&pulse, ms(v)))),
    );
    let nodes = |count: u64| {
        (0..count)
            .map(|node| format!("memory://vectors-{node}"))
            .collect::<Vec<_>>()
    };
    let refused = |count| {
        let built = Client::connect(nodes(count));
        built
            .err()
            .map(|error| error.field().unwrap_or_default().to_owned())
    };
    rows.push(client("nodes", "count", Value::Null).row(1, Some(31), refused));

    let open = Client::connect(["memory://vectors-options"]).expect("valid");
    let call = |name, unit| Bounds {
        scope: "acquire",
        name,
        unit,
        default: json!("client"),
    };
    let tried = |options: AcquireOptions| {
        let error = open.mutex("a").try_acquire(options).err();
        error.map(|error| error.field().unwrap_or_default().to_owned())
    };
    rows.extend([
        call("ttl_ms", "ms").row(10, Some(86_400_000), |v| {
            tried(AcquireOptions::new().ttl(ms(v)))
        }),
        call("wait_ms", "ms").row(0, Some(604_800_000), |v| {
            tried(AcquireOptions::new().wait(ms(v)))
        }),
        call("renew", "bool").unbounded(Value::Null, Value::Null),
    ]);
    call("hold_ms_max", "ms").row(10_000, None, |v| {
        tried(AcquireOptions::new().hold_max(ms(v)))
    });
    rows.push(call("hold_ms_max", "ms").unbounded(json!("acquire.ttl_ms"), Value::Null));
    let detach = Bounds {
        scope: "detach",
        name: "ttl_ms",
        unit: "ms",
        default: json!("acquire.ttl_ms"),
    };
    rows.push(detach.row(10, Some(86_400_000), |v| {
        let guard = open.mutex("detach").acquire(()).expect("free");
        let handed = guard.detach_for(ms(v));
        let kept = handed
            .as_ref()
            .ok()
            .map(|ticket| open.adopt(ticket).expect("fresh"));
        drop(kept);
        handed
            .err()
            .map(|error| error.field().unwrap_or_default().to_owned())
    }));
    let about = "Every option of a client, of acquire, try_acquire and adopt, and of detach. `least` and `most` may name \
                 another option; null is no bound.";
    hold_rows("options.json", about, rows);
}

fn hold_rows(file: &str, about: &str, rows: Vec<Value>) {
    hold(file, about, &[("rows", rows)]);
}

#[test]
fn names() {
    let rows = rows("names.json", "rows").into_iter().map(|row| {
        let result = match Keys::new(text(&row, "prefix"), text(&row, "name")) {
            Ok(keys) => json!({ "key": keys.lock() }),
            Err(error) => refusal(&error),
        };
        with(&row, &["case", "prefix", "name"], result)
    });
    let about = "Names of resources: the lock key that stands on the servers, or the error of the first call.";
    hold_rows("names.json", about, rows.collect());
}

#[test]
fn validity() {
    let rows = rows("validity.json", "rows").into_iter().map(|row| {
        let at = |field| Moment::from_nanos(number(&row, field) * 1_000_000);
        let ttl = Ttl::from_millis(number(&row, "ttl_ms")).expect("in bounds");
        let (sent, answered) = (at("sent_ms"), at("answered_ms"));
        let end = deadline(sent, ttl);
        let whole = |span: Duration| u64::try_from(span.as_millis()).expect("small");
        let results = json!({
            "drift_ms": whole((sent + ttl.as_duration()).since(end)),
            "deadline_ms": end.as_nanos() / 1_000_000,
            "held": answered < end,
            "remaining_ms": whole(end.since(answered)),
        });
        with(&row, &["ttl_ms", "sent_ms", "answered_ms"], results)
    });
    let quorums = (1..=31).map(|nodes| json!({ "nodes": nodes, "quorum": quorum(nodes) }));
    let about = "When a lease asked for at `sent_ms` may be used, whose deciding answer came at `answered_ms`; and the \
                 votes that make a majority.";
    hold(
        "validity.json",
        about,
        &[("rows", rows.collect()), ("quorums", quorums.collect())],
    );
}

#[test]
fn tickets() {
    let rows = rows("tickets.json", "rows").into_iter().map(|row| {
        let result = match Ticket::decode(text(&row, "text")) {
            Ok(ticket) => json!({
                "id": ticket.id(),
                "resource": ticket.resource(),
                "ttl_ms": u64::try_from(ticket.ttl().as_millis()).expect("small"),
                "fencing_token": ticket.fencing_token().map(|token| token.get()),
            }),
            Err(error) => {
                let mut result = refusal(&error);
                result["message"] = json!(error.message());
                result
            }
        };
        with(&row, &["case", "text"], result)
    });
    let about = "Texts of tickets: what they say, or why they are refused.";
    hold_rows("tickets.json", about, rows.collect());
}

fn refusal(error: &Error) -> Value {
    json!({ "code": error.code(), "field": error.field() })
}

#[test]
fn inputs() {
    let rows = rows("inputs.json", "rows");
    assert!(rows.len() >= 100);
    let rows = rows.into_iter().map(|row| {
        let error = refused(&row).expect_err(text(&row, "case"));
        with(&row, &["case", "call", "client", "with"], refusal(&error))
    });
    let about = "Bad input that every language can express: a call, the options of its client where they matter, what it \
                 is given, and the error.";
    hold_rows("inputs.json", about, rows.collect());
}

fn refused(row: &Row) -> Result<(), Error> {
    let given = row["with"].as_object().expect("an object");
    let none = Row::new();
    let options = given
        .get("options")
        .map_or(&none, |options| options.as_object().expect("an object"));
    if text(row, "call") == "connect" {
        let nodes = given["nodes"].as_array().expect("a list");
        let nodes = nodes.iter().map(|node| node.as_str().expect("a string"));
        return client_options(options)?.connect(nodes).map(drop);
    }
    let settings = row
        .get("client")
        .map_or(&none, |client| client.as_object().expect("an object"));
    let client = Client::from(client_options(settings)?.connect(["memory://vectors-inputs"])?);
    match text(row, "call") {
        "acquire" => client
            .mutex(text(given, "resource"))
            .acquire(call_options(options))
            .map(drop),
        "try_acquire" => client
            .mutex(text(given, "resource"))
            .try_acquire(call_options(options))
            .map(drop),
        "inspect" => client.inspect(text(given, "resource")).map(drop),
        "ticket" => Ticket::decode(text(given, "ticket")).map(drop),
        "adopt" => {
            let ticket = Ticket::decode(text(given, "ticket"))?;
            client.adopt_with(&ticket, call_options(options)).map(drop)
        }
        "detach" => client
            .mutex("detach")
            .acquire(())?
            .detach_for(ms(number(given, "ttl_ms")))
            .map(drop),
        other => panic!("no call {other:?}"),
    }
}

fn client_options(options: &Row) -> Result<ClientBuilder, Error> {
    let mut builder = Client::builder();
    for (option, value) in options {
        let span = || ms(value.as_u64().expect("a whole number"));
        let word = || value.as_str().expect("a string");
        builder = match option.as_str() {
            "ttl_ms" => builder.ttl(span()),
            "wait_ms" => builder.wait(span()),
            "hold_ms_max" => builder.hold_max(span()),
            "renewals_max" => {
                builder.renewals_max(number(options, option).try_into().expect("small"))
            }
            "node_timeout_ms" => builder.node_timeout(span()),
            "connect_timeout_ms" => builder.connect_timeout(span()),
            "ticket_retention_ms" => builder.ticket_retention(span()),
            "waiters_max" => {
                builder.waiters_max(number(options, option).try_into().expect("small"))
            }
            "key_prefix" => builder.key_prefix(word()),
            "fencing" => builder.fencing(word().parse()?),
            "tls_ca_pem" => builder.tls_ca_pem(word()),
            other => panic!("no option {other:?}"),
        };
    }
    Ok(builder)
}

fn call_options(options: &Row) -> AcquireOptions {
    options
        .iter()
        .fold(AcquireOptions::new(), |given, (option, value)| {
            let span = ms(value.as_u64().expect("a whole number"));
            match option.as_str() {
                "ttl_ms" => given.ttl(span),
                "wait_ms" => given.wait(span),
                "hold_ms_max" => given.hold_max(span),
                other => panic!("no option {other:?}"),
            }
        })
}
