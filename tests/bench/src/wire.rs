//! The commands of the two floors: the smallest correct lock, and the engine's own scripts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorlock::FencingToken;
use quorlock::testing::config::{Keys, OwnerToken, Ttl};
use quorlock::testing::protocol::{Abilities, Claim, Command, Release, Wire, encode};
use redis::{Cmd, Value};

/// How long the floors' keys live, as the engine's do by default.
const TTL_MS: u64 = 10_000;

/// Compare and delete, as every Redlock library has it.
const RELEASE: &str = "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end";

/// What a server of today can do; none of it is probed here.
const ABILITIES: Abilities = Abilities {
    scripts: true,
    time: true,
    queue: true,
    wake: true,
    compare_delete: None,
};

/// How a floor speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `SET NX PX`, and a script that compares and deletes.
    Plain,
    /// The engine's scripts: fencing token, queue and wake-up included.
    Fenced,
}

/// One lock to take and give back.
pub(crate) struct Words {
    dialect: Dialect,
    keys: Keys,
    token: OwnerToken,
    release_digest: String,
}

impl Words {
    /// The words for `name`, owned by a token made of `number`.
    pub(crate) fn new(dialect: Dialect, name: &str, number: u64, release_digest: &str) -> Self {
        // As long as the engine's, but not random: the floor spends nothing on the client's side.
        let token = format!("q1.{number:040x}.bench-host/{}/rust/", std::process::id());
        Words {
            dialect,
            keys: Keys::new("", name).expect("short and not empty"),
            token: OwnerToken::parse(&token).expect("of the engine's form"),
            release_digest: release_digest.to_owned(),
        }
    }

    /// Takes the key.
    pub(crate) fn acquire(&self) -> Cmd {
        if self.dialect == Dialect::Plain {
            let mut command = redis::cmd("SET");
            command.arg(self.keys.lock()).arg(self.token.as_bytes());
            command.arg("NX").arg("PX").arg(TTL_MS);
            return command;
        }
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        script_call(&Command::Acquire(Claim {
            keys: self.keys.clone(),
            token: self.token.clone(),
            ttl: Ttl::from_millis(TTL_MS).expect("within bounds"),
            proposal: u64::try_from(since_epoch.as_micros()).ok(),
            heed_queue: true,
        }))
    }

    /// Gives it back; `granted` is what a node said to [`Words::acquire`].
    pub(crate) fn release(&self, granted: &Value) -> Cmd {
        if self.dialect == Dialect::Plain {
            let mut command = redis::cmd("EVALSHA");
            command.arg(&self.release_digest).arg(1);
            command.arg(self.keys.lock()).arg(self.token.as_bytes());
            return command;
        }
        script_call(&Command::Release(Release {
            keys: self.keys.clone(),
            token: self.token.clone(),
            fence: fence(granted),
            tomb_ms: 0,
            spent: None,
            put_back: None,
        }))
    }

    /// True where `reply` grants the key, or confirms that it was given back.
    pub(crate) fn is_yes(reply: &Value) -> bool {
        match reply {
            // An acquire by script answers with the bare fencing token.
            Value::Okay | Value::Int(1) | Value::BulkString(_) => true,
            Value::Array(items) => items.first() == Some(&Value::Int(1)),
            _ => false,
        }
    }
}

/// The scripts that a node must know before it is called by digest.
pub(crate) fn scripts(dialect: Dialect) -> Vec<String> {
    if dialect == Dialect::Plain {
        return vec![RELEASE.to_owned()];
    }
    let words = Words::new(dialect, "any", 0, "");
    let claim = Claim {
        keys: words.keys.clone(),
        token: words.token.clone(),
        ttl: Ttl::from_millis(TTL_MS).expect("within bounds"),
        proposal: None,
        heed_queue: true,
    };
    let release = Release {
        keys: words.keys,
        token: words.token,
        fence: None,
        tomb_ms: 0,
        spent: None,
        put_back: None,
    };
    [Command::Acquire(claim), Command::Release(release)]
        .iter()
        .map(|command| called(command).0)
        .collect()
}

/// How long to wait for an answer before the measurement is given up as a whole.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

fn called(command: &Command) -> (String, Cmd) {
    let wires = encode(command, &ABILITIES).expect("a server with scripts serves it");
    let Some(Wire::Call { script, keys, args }) = wires.into_iter().next() else {
        unreachable!("with fencing and a queue these commands are scripts");
    };
    let mut command = redis::cmd("EVALSHA");
    command.arg(script.digest()).arg(keys.len());
    for key in &keys {
        command.arg(key);
    }
    for arg in &args {
        command.arg(arg.as_slice());
    }
    (script.body().to_owned(), command)
}

fn script_call(command: &Command) -> Cmd {
    called(command).1
}

fn fence(granted: &Value) -> Option<FencingToken> {
    let Value::BulkString(text) = granted else {
        return None;
    };
    FencingToken::new(std::str::from_utf8(text).ok()?.parse().ok()?)
}
