//! The commands of the two floors: the smallest correct lock, and the engine's own words.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorlock::testing::config::{Keys, OwnerToken, Ttl};
use quorlock::testing::protocol::{
    Abilities, Claim, Command, CompareDelete, Release, Wake, encode,
};
use quorlock_test_support::ServerKind;
use redis::{Cmd, Pipeline, Value};

use crate::rig;

/// How long the floors' keys live, as the engine's do by default.
const TTL_MS: u64 = 10_000;

/// Compare and delete, as every Redlock library has it.
const RELEASE: &str = "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end";

/// How a floor speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `SET NX PX`, and a script that compares and deletes.
    Plain,
    /// What the engine says, fencing token included, where no queue is kept.
    Fenced,
}

/// One lock to take and give back.
pub(crate) struct Words {
    dialect: Dialect,
    keys: Keys,
    token: OwnerToken,
    release_digest: String,
}

/// What is sent to a node at once.
#[derive(Clone)]
pub(crate) enum Ask {
    One(Arc<Cmd>),
    Many(Arc<Pipeline>),
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
    pub(crate) fn acquire(&self) -> Ask {
        if self.dialect == Dialect::Plain {
            let mut command = redis::cmd("SET");
            command.arg(self.keys.lock()).arg(self.token.as_bytes());
            command.arg("NX").arg("PX").arg(TTL_MS);
            return Ask::One(Arc::new(command));
        }
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        said(&Command::Acquire(Claim {
            keys: self.keys.clone(),
            token: self.token.clone(),
            ttl: Ttl::from_millis(TTL_MS).expect("within bounds"),
            proposal: u64::try_from(since_epoch.as_micros()).ok(),
            heed_queue: false,
        }))
    }

    /// Gives it back.
    pub(crate) fn release(&self) -> Ask {
        if self.dialect == Dialect::Plain {
            let mut command = redis::cmd("EVALSHA");
            command.arg(&self.release_digest).arg(1);
            command.arg(self.keys.lock()).arg(self.token.as_bytes());
            return Ask::One(Arc::new(command));
        }
        said(&Command::Release(Release {
            keys: self.keys.clone(),
            token: self.token.clone(),
            fence: None,
            tomb_ms: 0,
            spent: None,
            wake: Wake::Nobody,
            put_back: None,
        }))
    }

    /// True where `reply` grants the key, or confirms that it was given back.
    pub(crate) fn is_yes(reply: &Value) -> bool {
        match reply {
            Value::Okay | Value::Int(1) => true,
            // A claim that set the key and went past the counter, or a release of one line.
            Value::Array(items) => match &items[..] {
                [Value::Nil, Value::Int(1)] => true,
                [only] => Words::is_yes(only),
                _ => false,
            },
            _ => false,
        }
    }
}

/// The scripts that a node must know before it is called by digest.
pub(crate) fn scripts(dialect: Dialect) -> Vec<String> {
    if dialect == Dialect::Plain {
        return vec![RELEASE.to_owned()];
    }
    let release = Command::Release(Release {
        keys: Keys::new("", "any").expect("short and not empty"),
        token: Words::new(dialect, "any", 0, "").token,
        fence: None,
        tomb_ms: 0,
        spent: None,
        wake: Wake::Nobody,
        put_back: None,
    });
    let speech = encode(&release, &abilities()).expect("the servers of the rig serve it");
    let scripts = speech.lines().filter_map(|line| line.script);
    scripts.map(|script| script.body().to_owned()).collect()
}

/// How long to wait for an answer before the measurement is given up as a whole.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What the servers of the rig can do; none of it is probed here.
fn abilities() -> Abilities {
    let valkey = rig::kind().is_ok_and(|kind| kind == ServerKind::Valkey);
    Abilities {
        scripts: true,
        time: true,
        fencing: true,
        queue: true,
        wake: true,
        plain: true,
        compare_delete: valkey.then_some(CompareDelete::DelIfEq),
    }
}

fn said(command: &Command) -> Ask {
    let speech = encode(command, &abilities()).expect("the servers of the rig serve it");
    let mut pipeline = Pipeline::new();
    for line in speech.lines() {
        let mut command = Cmd::new();
        if let Some(script) = line.script {
            command.arg("EVALSHA").arg(script.digest());
        }
        for word in speech.words_of(line) {
            command.arg(word);
        }
        pipeline.add_command(command);
    }
    Ask::Many(Arc::new(pipeline))
}
