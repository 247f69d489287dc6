//! The things compared: one embedded store, and real servers through the protocol's own words.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use quorlock::Fault;
use quorlock::testing::config::wake_channel;
use quorlock::testing::node::{ClaimLine, MemoryStore, ServerTime};
use quorlock::testing::protocol::{
    Abilities, Claim, ClientId, Command, Line, Raw, Release, ReleaseWord, Reply, Speech, encode,
    parse, waiter_number,
};
use quorlock_test_support::{Reply as Resp, RespConnection, Server, ServerKind};

use crate::step::{LISTENING, claim};

/// What a command was answered, and which waiters were told.
pub(crate) struct Said {
    pub(crate) result: Result<Reply, Fault>,
    pub(crate) woken: Vec<u64>,
}

/// One of the things compared.
pub(crate) trait Target {
    fn name(&self) -> String;
    fn run(&mut self, command: &Command) -> Said;
    /// Writes a string as somebody else.
    fn set(&mut self, key: &str, value: &str, ttl_ms: Option<u64>);
    /// Writes a key of another type.
    fn set_hash(&mut self, key: &str);
    /// Removes a key.
    fn remove(&mut self, key: &str);
}

/// The embedded store under the machine's clocks.
pub(crate) struct Memory {
    store: MemoryStore,
    origin: Instant,
    /// Where waiters poll only: the embedded node has no such clients, but for the store they are
    /// clients that always listen.
    abilities: Abilities,
}

impl Memory {
    pub(crate) fn new(abilities: Abilities) -> Self {
        Memory {
            store: MemoryStore::new(),
            origin: Instant::now(),
            abilities,
        }
    }

    fn now(&self) -> ServerTime {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        ServerTime {
            elapsed_micros: micros(self.origin.elapsed()),
            wall_micros: micros(wall),
        }
    }
}

impl Target for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn run(&mut self, command: &Command) -> Said {
        let (now, wake, mut woken) = (self.now(), self.abilities.wake, Vec::new());
        if let Command::Acquire(claim) = command
            && claim.is_plain(&self.abilities)
        {
            let mut lines = vec![ClaimLine::Set];
            lines.extend(claim.proposal.map(|_| ClaimLine::Count));
            lines.extend(claim.heed_queue.then_some(ClaimLine::Queue));
            let said = lines
                .into_iter()
                .map(|line| self.store.run_line(now, claim, line));
            let result = parse(command, &self.abilities, said.collect::<Vec<_>>());
            return Said { result, woken };
        }
        let mut listeners = |client: &ClientId, waiter| {
            let listens = LISTENING.contains(&&*client.0);
            woken.extend((wake && listens).then_some(waiter));
            listens || !wake
        };
        let result = match command {
            // In plain words the counter is a command of its own, whose failure is not told.
            Command::Release(release) if release.is_plain(&self.abilities) => {
                let deletes = Command::Release(Release {
                    fence: None,
                    ..release.clone()
                });
                let result = self.store.apply(now, &deletes, &mut listeners);
                if let Some(fence) = release.fence {
                    let raises = Claim {
                        keys: release.keys.clone(),
                        proposal: Some(fence.get()),
                        ..claim("any", 0)
                    };
                    let _ = self.store.run_line(now, &raises, ClaimLine::Count);
                }
                result
            }
            command => self.store.apply(now, command, &mut listeners),
        };
        // In plain words a release does not tell who has the key, whatever else it does.
        let result = match (command, result) {
            (Command::Release(release), Ok(Reply::Released(ReleaseWord::Other)))
                if release.is_plain(&self.abilities) =>
            {
                Ok(Reply::Released(ReleaseWord::Missing))
            }
            (_, result) => result,
        };
        Said { result, woken }
    }

    fn set(&mut self, key: &str, value: &str, ttl_ms: Option<u64>) {
        self.store
            .set_foreign(self.now(), key, value.as_bytes(), ttl_ms);
    }

    fn set_hash(&mut self, key: &str) {
        self.store.set_other_type(self.now(), key, None);
    }

    fn remove(&mut self, key: &str) {
        self.store.set_foreign(self.now(), key, b"", Some(0));
    }
}

/// A real server, spoken to by one connection and listened to by another.
pub(crate) struct Real {
    server: Server,
    connection: RespConnection,
    ear: RespConnection,
    abilities: Abilities,
}

impl Real {
    pub(crate) fn start(kind: ServerKind, abilities: Abilities, prefix: &str) -> Self {
        let server = Server::start(kind);
        let connection = server.connect().expect("it has just started");
        let mut ear = server.connect().expect("it has just started");
        for client in LISTENING {
            ear.command(&["SUBSCRIBE", &wake_channel(prefix, client)])
                .expect("subscribes");
        }
        Real {
            server,
            connection,
            ear,
            abilities,
        }
    }

    fn ask(&mut self, words: &[Vec<u8>]) -> Resp {
        self.connection.command(words).expect("the server answers")
    }

    fn order(&mut self, words: &[&str]) {
        let reply = self.connection.command(words).expect("the server answers");
        assert!(reply.error().is_none(), "{words:?}: {reply:?}");
    }

    /// The wake-up messages so far: what was published before the ping comes before its answer.
    fn woken(&mut self) -> Vec<u64> {
        let mut woken = Vec::new();
        let mut reply = self.ear.command(&["PING"]).expect("the server answers");
        while reply.items().first().and_then(Resp::text).as_deref() == Some("message") {
            let message = reply
                .items()
                .last()
                .and_then(Resp::text)
                .expect("a message");
            woken.push(waiter_number(message.as_bytes()).expect("a waiter"));
            reply = self.ear.read().expect("the server answers");
        }
        woken
    }
}

impl Target for Real {
    fn name(&self) -> String {
        format!("{:?} {}", self.server.kind(), self.server.version())
    }

    fn run(&mut self, command: &Command) -> Said {
        let result = encode(command, &self.abilities).and_then(|speech| {
            let lines = speech.lines().map(|line| words(&speech, line));
            let said: Vec<Raw> = lines.map(|words| raw(self.ask(&words))).collect();
            parse(command, &self.abilities, said)
        });
        Said {
            result,
            woken: self.woken(),
        }
    }

    fn set(&mut self, key: &str, value: &str, ttl_ms: Option<u64>) {
        match ttl_ms {
            Some(ms) => self.order(&["SET", key, value, "PX", &ms.to_string()]),
            None => self.order(&["SET", key, value]),
        }
    }

    fn set_hash(&mut self, key: &str) {
        self.order(&["DEL", key]);
        self.order(&["HSET", key, "field", "1"]);
    }

    fn remove(&mut self, key: &str) {
        self.order(&["DEL", key]);
        // The store keeps a queue and its beats as one.
        if let Some(stem) = key.strip_suffix(":queue") {
            self.order(&["DEL", &format!("{stem}:beats")]);
        }
    }
}

fn words(speech: &Speech, line: Line) -> Vec<Vec<u8>> {
    let call = line.script.map(|script| ["EVAL", script.body()]);
    let call = call.iter().flatten().map(|word| word.as_bytes());
    call.chain(speech.words_of(line))
        .map(<[u8]>::to_vec)
        .collect()
}

fn raw(reply: Resp) -> Raw {
    match reply {
        Resp::Simple(text) if text == "OK" => Raw::Okay,
        Resp::Error(text) => {
            let (code, rest) = text.split_once(' ').unwrap_or((&text, ""));
            Raw::Error(code.to_owned(), rest.to_owned())
        }
        Resp::Int(number) => Raw::Int(number),
        Resp::Bulk(Some(bytes)) => Raw::Bytes(bytes),
        Resp::Bulk(None) | Resp::Null => Raw::Nil,
        Resp::Array(items) => Raw::List(items.into_iter().map(raw).collect()),
        _ => Raw::Other,
    }
}

pub(crate) fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).expect("fits for 500 000 years")
}
