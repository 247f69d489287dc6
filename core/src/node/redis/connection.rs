//! One connection: words out in order, values in. The one file that knows the `redis` crate, which
//! reads the values.
//!
//! The crate's own connection costs a future, a channel and several copies per batch; here a command
//! is a piece of one buffer.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use redis::{Parser, PushKind, Value};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::config::NodeAddress;
use crate::error::{Fault, FaultClass};
use crate::node::limits::{Scanner, Violation};
use crate::protocol::{Line, Raw, Speech, classify};

/// A byte stream of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Told the payload of every message on the client's channel.
pub(super) type OnMessage = Box<dyn Fn(&[u8]) + Send>;

/// The most that is read at a time.
const READ_BYTES: usize = 16 * 1024;
/// A buffer that once was larger is not kept.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// A connection to a server. Whoever owns it moves its bytes, by [`Connection::poll_replies`].
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// What is to be sent; the first `written` bytes are.
    out: Vec<u8>,
    written: usize,
    scanner: Scanner,
    parser: Parser,
    unread: Unread,
    /// Replies that were asked for and have not come. One that nobody asked for would be taken for
    /// the answer to the next command.
    owed: usize,
    replies: VecDeque<Raw>,
    /// A subscription was asked for: a push confirms it.
    subscribing: bool,
    channel: String,
    on_message: OnMessage,
    /// Why nothing can be sent any more; what has come may still be read.
    broken: Option<Fault>,
}

/// Bytes that came and were not parsed.
#[derive(Default)]
struct Unread {
    bytes: Vec<u8>,
    first: usize,
}

impl Read for Unread {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let taken = into.len().min(self.bytes.len() - self.first);
        into[..taken].copy_from_slice(&self.bytes[self.first..self.first + taken]);
        self.first += taken;
        Ok(taken)
    }
}

impl Connection {
    /// A connection over `stream`, before any word. Messages on `channel` go to `on_message`.
    pub(super) fn new(stream: Box<dyn Stream>, channel: String, on_message: OnMessage) -> Self {
        Connection {
            stream,
            out: Vec::new(),
            written: 0,
            scanner: Scanner::new(),
            parser: Parser::new(),
            unread: Unread::default(),
            owed: 0,
            replies: VecDeque::new(),
            subscribing: false,
            channel,
            on_message,
            broken: None,
        }
    }

    /// Logs in, and so makes the server speak RESP3.
    pub(super) async fn log_in(&mut self, address: &NodeAddress) -> Result<(), Fault> {
        let mut hello = vec!["HELLO", "3"];
        match (&address.user, &address.password) {
            (None, None) => {}
            // A user of the server's ACL without a password: any will do.
            (user, password) => hello.extend([
                "AUTH",
                user.as_deref().unwrap_or("default"),
                password.as_deref().unwrap_or_default(),
            ]),
        }
        let answers = self.exchange(&[Speech::plain(&hello)]).await?;
        match &answers[..] {
            [Raw::Error(code, text)] => {
                let too_old = code == "ERR" && text.starts_with("unknown command");
                let fault = if too_old {
                    classify("NOPROTO", "")
                } else {
                    classify(code, text)
                };
                Err(fault)
            }
            _ => Ok(()),
        }
    }

    /// Asks for the messages of the channel: the next reply tells whether they will come.
    pub(super) fn will_subscribe(&mut self) {
        self.subscribing = true;
    }

    /// Puts a command behind all earlier ones; its bytes go as [`Connection::poll_replies`] is called.
    pub(super) fn say(&mut self, speech: &Speech, line: Line, with_text: bool) {
        speech.write(line, with_text, &mut self.out);
        self.owed += 1;
    }

    /// How many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.out.len() - self.written
    }

    /// The next reply that has come.
    pub(super) fn reply(&mut self) -> Option<Raw> {
        self.replies.pop_front()
    }

    /// Asks and waits for all answers; for the greeting, before anything else is said.
    pub(super) async fn exchange(&mut self, questions: &[Speech]) -> Result<Vec<Raw>, Fault> {
        let mut count = 0;
        for speech in questions {
            for line in speech.lines() {
                self.say(speech, line, true);
                count += 1;
            }
        }
        let mut answers = Vec::with_capacity(count);
        while answers.len() < count {
            match self.reply() {
                Some(answer) => answers.push(answer),
                None => poll_fn(|cx| self.poll_replies(cx)).await?,
            }
        }
        self.subscribing = false;
        Ok(answers)
    }

    /// Sends what can be sent and reads what has come: ready once there are replies or messages, or
    /// with what ended the connection once all that came before it is read.
    pub(super) fn poll_replies(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.broken.is_none()
            && let Poll::Ready(Err(_)) = self.poll_write(cx)
        {
            self.broken = Some(ended());
        }
        loop {
            match self.poll_read(cx) {
                Poll::Ready(Ok(None)) => return Poll::Ready(Err(ended())),
                // A part of a value is none yet.
                Poll::Ready(Ok(Some(0))) => {}
                Poll::Ready(Ok(Some(_))) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                // What cannot be sent will never be answered.
                Poll::Pending => {
                    return match &self.broken {
                        Some(fault) => Poll::Ready(Err(fault.clone())),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.written < self.out.len() {
            while self.written < self.out.len() {
                let unsent = &self.out[self.written..];
                match ready!(Pin::new(&mut self.stream).poll_write(cx, unsent))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => self.written += written,
                }
            }
            self.written = 0;
            self.out.clear();
            self.out.shrink_to(KEPT_BYTES_MAX);
        }
        // A layer below may keep bytes back, as TLS does.
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Reads once: how many values became complete, or nothing at the stream's end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<usize>, Fault>> {
        let unread = &mut self.unread;
        if unread.first == unread.bytes.len() {
            unread.bytes.clear();
            unread.bytes.shrink_to(KEPT_BYTES_MAX);
            unread.first = 0;
        }
        let mut room = [std::mem::MaybeUninit::uninit(); READ_BYTES];
        let mut room = ReadBuf::uninit(&mut room);
        match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room)) {
            Ok(()) if room.filled().is_empty() => Poll::Ready(Ok(None)),
            Ok(()) => {
                // Before the parser sees them: it makes room for what they announce.
                let scanned = self.scanner.feed(room.filled());
                unread.bytes.extend_from_slice(room.filled());
                let values = scanned.and_then(|values| self.parse(values).map(|()| values));
                Poll::Ready(values.map(Some).map_err(|_| misbehaved()))
            }
            Err(_) => Poll::Ready(Err(ended())),
        }
    }

    /// Takes so many values, which have come in whole.
    fn parse(&mut self, values: usize) -> Result<(), Violation> {
        for _ in 0..values {
            let value = self.parser.parse_value(&mut self.unread);
            match value.map_err(|_| Violation::UNREADABLE)? {
                Value::Push { kind, data } => match (kind, &data[..]) {
                    (PushKind::Message, [Value::BulkString(from), Value::BulkString(payload)])
                        if from == self.channel.as_bytes() =>
                    {
                        (self.on_message)(payload);
                    }
                    (PushKind::Subscribe, _) if !self.subscribing => {
                        return Err(Violation::UNASKED);
                    }
                    (PushKind::Subscribe, _) => {
                        self.subscribing = false;
                        self.answered(Raw::Okay)?;
                    }
                    _ => {}
                },
                value => self.answered(raw(value))?,
            }
        }
        Ok(())
    }

    fn answered(&mut self, answer: Raw) -> Result<(), Violation> {
        self.owed = self.owed.checked_sub(1).ok_or(Violation::UNASKED)?;
        self.replies.push_back(answer);
        Ok(())
    }
}

fn ended() -> Fault {
    Fault::unresolved(FaultClass::Disconnected, "the server closed the connection")
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
