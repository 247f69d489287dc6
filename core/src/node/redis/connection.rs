//! The one file that knows the `redis` crate: words out, [`Raw`] values in.

use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, ProtocolVersion, PushInfo, PushKind,
    RedisConnectionInfo, RedisError, Value,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::unconstrained;

use crate::config::NodeAddress;
use crate::error::{Fault, FaultClass};
use crate::node::redis::limited::{Ledger, Limited};
use crate::protocol::{Line, Raw, classify};

/// Commands that go out together.
#[derive(Default)]
pub(super) struct Batch {
    pipeline: Pipeline,
}

impl Batch {
    /// Adds a command; a script goes by its digest, or with its text.
    pub(super) fn say(&mut self, line: Line<'_>, with_text: bool) {
        let call = line.script.map(|script| match with_text {
            true => ("EVAL", script.body()),
            false => ("EVALSHA", script.digest()),
        });
        let words = line.words();
        let more = call.map_or(0, |(verb, script)| verb.len() + script.len());
        let mut command = Cmd::with_capacity(2 + words.len(), more + line.bytes());
        if let Some((verb, script)) = call {
            command.arg(verb).arg(script);
        }
        for word in words {
            command.arg(word);
        }
        self.pipeline.add_command(command);
    }
}

/// Moves the bytes; ends when the connection does.
pub(super) type Pump = Pin<Box<dyn Future<Output = ()> + Send>>;
/// The replies of one batch, or what became of the connection.
pub(super) type Sent = Pin<Box<dyn Future<Output = Result<Vec<Raw>, Fault>> + Send>>;

/// More than any greeting asks for: its replies are counted by the client library.
const GREETING_REPLIES: usize = 1024;

/// A connection with the login done.
pub(super) struct Connection {
    inner: MultiplexedConnection,
    ledger: Arc<Ledger>,
}

impl Connection {
    /// Logs in over `stream`. Messages on `channel` go to `on_message`. `batches_max` is the most
    /// that [`Connection::send`] will ever have under way.
    pub(super) async fn open<S>(
        stream: S,
        address: &NodeAddress,
        batches_max: usize,
        channel: String,
        on_message: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> Result<(Connection, Pump), Fault>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let ledger = Arc::new(Ledger::default());
        ledger.expect(GREETING_REPLIES);
        let stream = Limited::new(stream, Arc::clone(&ledger));
        // No response timeout: dropping a command's future un-sends it. The database is selected
        // by the greeting, where a refusal keeps its first word.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None)
            .set_pipeline_buffer_size(2 * batches_max + 8)
            .set_push_sender(move |push: PushInfo| -> Result<(), ()> {
                if let Some(payload) = message(&push, channel.as_bytes()) {
                    on_message(payload);
                }
                Ok(())
            });
        let opened = MultiplexedConnection::new_with_config(&login(address), stream, config).await;
        match opened {
            Ok((inner, pump)) => Ok((Connection { inner, ledger }, Box::pin(pump))),
            Err(error) => Err(refusal(&error, &ledger)),
        }
    }

    /// The greeting is over: from now on every reply must have been asked for.
    pub(super) fn count_replies(&self) {
        self.ledger.clear();
    }

    /// Why the connection ended, where no batch was there to be told.
    pub(super) fn ended(&self) -> Fault {
        if self.ledger.is_broken() {
            return misbehaved();
        }
        Fault::unresolved(FaultClass::Disconnected, "the server closed the connection")
    }

    /// Sends a batch behind all earlier ones: when this returns, it has its place, and what it returns
    /// gives the replies. That must be kept to its end: a batch whose future is dropped may silently
    /// not be sent.
    pub(super) async fn send(&self, Batch { pipeline }: Batch) -> Sent {
        let count = pipeline.len();
        let (mut connection, ledger) = (self.inner.clone(), Arc::clone(&self.ledger));
        ledger.expect(count);
        let mut replies: Sent = Box::pin(async move {
            match connection.send_packed_commands(&pipeline, 0, count).await {
                Ok(values) => Ok(values.into_iter().map(raw).collect()),
                Err(error) => Err(broken(&error, &ledger)),
            }
        });
        // The first poll puts the batch into the connection's channel. The channel has room, and
        // without the cooperative budget nothing else can make the poll stop short of it.
        match unconstrained(poll_fn(|cx| Poll::Ready(replies.as_mut().poll(cx)))).await {
            Poll::Ready(result) => Box::pin(ready(result)),
            Poll::Pending => replies,
        }
    }
}

fn login(address: &NodeAddress) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        // `CLIENT SETINFO` is refused to a user with the least rights.
        .set_skip_set_lib_name();
    if let Some(user) = &address.user {
        info = info.set_username(user);
    }
    match (&address.password, &address.user) {
        (Some(password), _) => info.set_password(password),
        // A user of the server's ACL without a password: any will do.
        (None, Some(_)) => info.set_password(""),
        (None, None) => info,
    }
}

/// The payload of a message on `channel`.
fn message<'a>(push: &'a PushInfo, channel: &[u8]) -> Option<&'a [u8]> {
    match (&push.kind, &push.data[..]) {
        (PushKind::Message, [Value::BulkString(from), Value::BulkString(payload)]) => {
            (from == channel).then_some(payload)
        }
        _ => None,
    }
}

/// Why the login failed; the error's text is looked at for its class and not kept.
fn refusal(error: &RedisError, ledger: &Ledger) -> Fault {
    match (error.kind(), error.code()) {
        (ErrorKind::RESP3NotSupported, _) => classify("NOPROTO", ""),
        (_, Some(code)) => {
            let text = error.detail().unwrap_or_default();
            Fault {
                may_have_run: false,
                ..classify(code, text)
            }
        }
        _ => Fault {
            may_have_run: false,
            ..broken(error, ledger)
        },
    }
}

/// Why a connection ended.
fn broken(error: &RedisError, ledger: &Ledger) -> Fault {
    if ledger.is_broken() || error.kind() == ErrorKind::Parse {
        return misbehaved();
    }
    Fault::unresolved(
        FaultClass::Disconnected,
        "the connection ended before the reply",
    )
}

fn misbehaved() -> Fault {
    Fault::unresolved(
        FaultClass::Protocol,
        "the server sent what no server may send",
    )
}

fn raw(value: Value) -> Raw {
    match value {
        Value::Nil => Raw::Nil,
        Value::Okay => Raw::Okay,
        Value::Int(number) => Raw::Int(number),
        Value::BulkString(bytes) => Raw::Bytes(bytes),
        Value::VerbatimString { text, .. } => Raw::Bytes(text.into_bytes()),
        Value::Array(values) | Value::Set(values) => {
            Raw::List(values.into_iter().map(raw).collect())
        }
        Value::Map(pairs) => Raw::List(
            pairs
                .into_iter()
                .flat_map(|(key, value)| [raw(key), raw(value)])
                .collect(),
        ),
        Value::ServerError(error) => Raw::Error(
            error.code().to_owned(),
            error.details().unwrap_or_default().to_owned(),
        ),
        _ => Raw::Other,
    }
}
