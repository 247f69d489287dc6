//! What the supervisor asks for.

use std::time::Duration;

use quorlock::{AcquireOptions, Client, ClientBuilder, Error, Ticket};
use serde_json::{Map, Value};

use crate::answer::Failure;

/// One line of standard input.
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) call: String,
    fields: Map<String, Value>,
}

impl Request {
    /// Reads a line; one that makes no sense becomes a request nobody knows.
    pub(crate) fn parse(line: &str) -> Request {
        let fields = match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let call = fields
            .get("do")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let id = fields.get("id").and_then(Value::as_u64).unwrap_or_default();
        Request { id, call, fields }
    }

    /// A text that must be there.
    pub(crate) fn text(&self, field: &str) -> Result<&str, Failure> {
        let text = self.fields.get(field).and_then(Value::as_str);
        text.ok_or_else(|| Failure::of_driver(format!("{field} is missing")))
    }

    /// A number that must be there.
    pub(crate) fn number(&self, field: &str) -> Result<u64, Failure> {
        let number = self.fields.get(field).and_then(Value::as_u64);
        number.ok_or_else(|| Failure::of_driver(format!("{field} is missing")))
    }

    /// A time in milliseconds, where one is given.
    pub(crate) fn span(&self, field: &str) -> Result<Option<Duration>, Failure> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.number(field).map(Duration::from_millis).map(Some),
        }
    }

    /// The ticket.
    pub(crate) fn ticket(&self) -> Result<Ticket, Failure> {
        Ok(Ticket::decode(self.text("ticket")?)?)
    }

    /// The client that `connect` describes.
    pub(crate) fn connect(&self) -> Result<Client, Failure> {
        let nodes = self.fields.get("nodes").and_then(Value::as_array);
        let nodes = nodes.ok_or_else(|| Failure::of_driver("nodes is missing"))?;
        let nodes: Option<Vec<&str>> = nodes.iter().map(Value::as_str).collect();
        let nodes = nodes.ok_or_else(|| Failure::of_driver("nodes is no list of strings"))?;
        let mut builder = Client::builder();
        for (name, value) in self.options()? {
            builder = client_option(builder, name, value)?;
        }
        Ok(builder.connect(nodes)?)
    }

    /// The options of an acquire or adopt.
    pub(crate) fn acquire_options(&self) -> Result<AcquireOptions, Failure> {
        let mut options = AcquireOptions::new();
        for (name, value) in self.options()? {
            options = match name {
                "ttl_ms" => options.ttl(ms(name, value)?),
                "wait_ms" => options.wait(ms(name, value)?),
                "renew" => options.renew(flag(name, value)?),
                "hold_ms_max" => options.hold_max(ms(name, value)?),
                _ => return Err(unknown(name)),
            };
        }
        Ok(options)
    }

    fn options(&self) -> Result<impl Iterator<Item = (&str, &Value)>, Failure> {
        let options = match self.fields.get("options") {
            None | Some(Value::Null) => None,
            Some(Value::Object(options)) => Some(options),
            Some(_) => return Err(Failure::of_driver("options is no object")),
        };
        let all = options.into_iter().flatten();
        Ok(all.map(|(name, value)| (name.as_str(), value)))
    }
}

fn client_option(
    builder: ClientBuilder,
    name: &str,
    value: &Value,
) -> Result<ClientBuilder, Failure> {
    Ok(match name {
        "ttl_ms" => builder.ttl(ms(name, value)?),
        "wait_ms" => builder.wait(ms(name, value)?),
        "renew" => builder.renew(flag(name, value)?),
        "hold_ms_max" => builder.hold_max(ms(name, value)?),
        "renewals_max" => builder.renewals_max(whole(name, value)?),
        "node_timeout_ms" => builder.node_timeout(ms(name, value)?),
        "connect_timeout_ms" => builder.connect_timeout(ms(name, value)?),
        "key_prefix" => builder.key_prefix(word(name, value)?),
        "restart_guard" => {
            builder.restart_guard(word(name, value)?.parse().map_err(|error: Error| error)?)
        }
        "assume_fresh" => builder.assume_fresh(flag(name, value)?),
        "fencing" => builder.fencing(word(name, value)?.parse().map_err(|error: Error| error)?),
        "ticket_retention_ms" => builder.ticket_retention(ms(name, value)?),
        "waiters_max" => builder.waiters_max(whole(name, value)?),
        "owner" => builder.owner(word(name, value)?),
        "tls_ca_pem" => builder.tls_ca_pem(word(name, value)?),
        "tls_verify" => builder.tls_verify(flag(name, value)?),
        _ => return Err(unknown(name)),
    })
}

fn ms(name: &str, value: &Value) -> Result<Duration, Failure> {
    whole(name, value).map(Duration::from_millis)
}

fn whole<T: TryFrom<u64>>(name: &str, value: &Value) -> Result<T, Failure> {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| Failure::of_driver(format!("{name}: Rust cannot express {value}")))
}

fn word<'a>(name: &str, value: &'a Value) -> Result<&'a str, Failure> {
    value
        .as_str()
        .ok_or_else(|| Failure::of_driver(format!("{name}: Rust cannot express {value}")))
}

fn flag(name: &str, value: &Value) -> Result<bool, Failure> {
    value
        .as_bool()
        .ok_or_else(|| Failure::of_driver(format!("{name}: Rust cannot express {value}")))
}

fn unknown(name: &str) -> Failure {
    Failure::of_driver(format!("{name}: no such option"))
}
