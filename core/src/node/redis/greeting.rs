//! The first words on a connection: who the server is, and what this user may do there.

use std::sync::Arc;

use crate::error::{Fault, FaultClass};
use crate::node::redis::connection::{Connection, Say};
use crate::node::redis::owner::Plan;
use crate::protocol::{Abilities, CompareDelete, Facts, Line, PROBE, Raw, classify};

/// What a server said of itself and of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) abilities: Abilities,
    /// From `HELLO`, which is open to every user; `INFO` knows more but may be refused.
    pub(super) facts: Facts,
    /// This connection as the server knows it, if it may be asked.
    pub(super) peer: Option<Peer>,
}

/// A connection as its server knows it. The number alone is not enough to end one by: a restarted
/// server counts from one again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    id: u64,
    address: String,
}

/// Asks all that must be known before the first command. Nothing in it is a secret, so that a
/// server that echoes words in an error gives none away.
pub(super) async fn greet(
    connection: &Connection,
    plan: &Plan,
    previous: Option<Peer>,
) -> Result<Greeting, Fault> {
    let mut questions = Vec::new();
    if plan.address.db != 0 {
        questions.push(words(&["SELECT", &plan.address.db.to_string()]));
    }
    let (key, channel) = (plan.probe_key(), &plan.settings.wake_channel);
    questions.extend([
        words(&["HELLO", "3"]),
        words(&["EVAL", PROBE.body(), "1", &key, channel]),
        words(&["SUBSCRIBE", channel]),
        words(&["CLIENT", "INFO"]),
    ]);
    let mut answers = connection.send(&questions).await.await?.into_iter();
    if plan.address.db != 0 {
        selected(&answers.next().unwrap_or(Raw::Other))?;
    }
    let mut next = || answers.next().unwrap_or(Raw::Other);
    let facts = hello(&next())?;
    let mut abilities = probed(&next()).map_err(|fault| unless_cluster(fault, &facts))?;
    abilities.wake = abilities.queue && !matches!(next(), Raw::Error(..));
    let peer = peer(&next());

    let mut questions = Vec::new();
    let wants_plain = !abilities.scripts || plan.settings.plain_preferred;
    if wants_plain {
        questions.extend([
            words(&["DELIFEQ", &key, "x"]),
            words(&["DELEX", &key, "IFEQ", "x"]),
        ]);
    }
    if let Some(old) = previous.filter(|old| peer.as_ref().is_some_and(|new| old.id < new.id)) {
        // What the old connection still holds must not run behind what this one says.
        let id = old.id.to_string();
        questions.push(words(&["CLIENT", "KILL", "ID", &id, "ADDR", &old.address]));
    }
    if !questions.is_empty() {
        let answers = connection.send(&questions).await.await?;
        if wants_plain {
            abilities.compare_delete = match &answers[..] {
                [Raw::Int(_), ..] => Some(CompareDelete::DelIfEq),
                [_, Raw::Int(_), ..] => Some(CompareDelete::DelEx),
                _ => None,
            };
        }
    }
    Ok(Greeting {
        abilities,
        facts,
        peer,
    })
}

fn words(words: &[&str]) -> Say {
    let line = Line {
        script: None,
        words: words.iter().collect(),
    };
    Say {
        lines: Arc::new([line]),
        index: 0,
        with_text: false,
    }
}

/// A cluster without its slots says that it is down; that it is a cluster is what matters, for good.
fn unless_cluster(fault: Fault, facts: &Facts) -> Fault {
    let is_cluster = facts.mode.as_deref() == Some("cluster");
    if is_cluster && fault.class == FaultClass::Transient && fault.detail.starts_with("CLUSTERDOWN")
    {
        return Fault::refused(
            FaultClass::Topology,
            "CLUSTERDOWN: the node is a cluster member",
        );
    }
    fault
}

fn selected(answer: &Raw) -> Result<(), Fault> {
    match answer {
        Raw::Okay => Ok(()),
        Raw::Error(code, text) => Err(never_ran(classify(code, text))),
        _ => Err(nonsense()),
    }
}

/// What `HELLO` tells.
fn hello(answer: &Raw) -> Result<Facts, Fault> {
    let list = match answer {
        Raw::List(list) => list,
        Raw::Error(code, text) => return Err(never_ran(classify(code, text))),
        _ => return Err(nonsense()),
    };
    let field = |name: &str| {
        list.chunks_exact(2).find_map(|pair| match pair {
            [Raw::Bytes(key), Raw::Bytes(value)] if key == name.as_bytes() => {
                let graphic = value.iter().copied().filter(u8::is_ascii_graphic);
                Some(graphic.take(64).map(char::from).collect::<String>())
            }
            _ => None,
        })
    };
    Ok(Facts {
        server: field("server"),
        version: Some(field("version").ok_or_else(nonsense)?),
        mode: field("mode"),
        // `INFO` has the older word for it.
        role: field("role").map(|role| {
            if role == "replica" {
                "slave".into()
            } else {
                role
            }
        }),
        ..Facts::default()
    })
}

/// What the probe script found, or what its refusal means.
fn probed(answer: &Raw) -> Result<Abilities, Fault> {
    match answer {
        Raw::List(flags) => {
            let [Raw::Int(time), Raw::Int(queue), ..] = flags[..] else {
                return Err(nonsense());
            };
            let (time, queue) = (time == 1, queue == 1);
            Ok(Abilities {
                scripts: true,
                time,
                queue,
                ..Abilities::default()
            })
        }
        Raw::Error(code, text) => {
            let fault = never_ran(classify(code, text));
            let by_command = text.contains("permissions to run");
            if code == "NOPERM" && text.contains("key") && !by_command {
                let why = "the user's key patterns do not cover the key prefix";
                return Err(Fault::refused(FaultClass::Permission, why));
            }
            match fault.class {
                // No scripts; whether plain words may serve instead is asked next.
                FaultClass::Permission | FaultClass::Unsupported => Ok(Abilities::default()),
                _ => Err(fault),
            }
        }
        _ => Err(nonsense()),
    }
}

/// This connection's number and address from `CLIENT INFO`.
fn peer(answer: &Raw) -> Option<Peer> {
    let Raw::Bytes(bytes) = answer else {
        return None;
    };
    let text = std::str::from_utf8(bytes).ok()?;
    let field = |name: &str| {
        text.split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(name))
    };
    Some(Peer {
        id: field("id=")?.parse().ok()?,
        address: field("addr=")?.to_owned(),
    })
}

/// The greeting leaves nothing behind, whatever became of it.
fn never_ran(fault: Fault) -> Fault {
    Fault {
        may_have_run: false,
        ..fault
    }
}

fn nonsense() -> Fault {
    Fault::refused(
        FaultClass::Protocol,
        "the server's greeting is not that of a server",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, text: &str) -> Raw {
        Raw::Error(code.to_owned(), text.to_owned())
    }

    #[test]
    fn a_refused_script_is_an_ability_that_is_missing_and_a_busy_server_is_not() {
        let cases = [
            (
                error(
                    "NOPERM",
                    "User key has no permissions to run the 'eval' command",
                ),
                None,
            ),
            (
                error(
                    "ERR",
                    "unknown command 'EVAL', with args beginning with: 'x'",
                ),
                None,
            ),
            (
                error("NOPERM", "No permissions to access a key"),
                Some(FaultClass::Permission),
            ),
            (
                error("LOADING", "Valkey is loading the dataset in memory"),
                Some(FaultClass::Transient),
            ),
            (
                error("BUSY", "Redis is busy running a script"),
                Some(FaultClass::Transient),
            ),
            (error("MOVED", "1 127.0.0.1:1"), Some(FaultClass::Topology)),
            (error("WAT", ""), Some(FaultClass::Unknown)),
            (Raw::Okay, Some(FaultClass::Protocol)),
            (Raw::List(vec![Raw::Nil]), Some(FaultClass::Protocol)),
        ];
        for (answer, class) in cases {
            match (probed(&answer), class) {
                (Ok(can), None) => assert_eq!(can, Abilities::default()),
                (Err(fault), Some(class)) => {
                    assert_eq!((fault.class, fault.may_have_run), (class, false));
                }
                (got, _) => panic!("{answer:?}: {got:?}"),
            }
        }
        let can = probed(&Raw::List(vec![Raw::Int(1), Raw::Int(0)])).expect("well formed");
        assert!(can.scripts && can.time && !can.queue);
    }

    #[test]
    fn reads_what_servers_tell_and_keeps_nothing_unprintable() {
        let bytes = |text: &str| Raw::Bytes(text.as_bytes().to_vec());
        let facts = hello(&Raw::List(vec![
            bytes("server"),
            bytes("valkey"),
            bytes("version"),
            bytes("9.1\r\n\u{1b}[2J"),
            bytes("id"),
            Raw::Int(7),
            bytes("role"),
            bytes("replica"),
        ]));
        let facts = facts.expect("well formed");
        assert_eq!(facts.server.as_deref(), Some("valkey"));
        assert_eq!(facts.version.as_deref(), Some("9.1[2J"));
        assert_eq!(facts.role.as_deref(), Some("slave"));
        let told = peer(&bytes(
            "id=12 addr=10.0.0.1:5 laddr=10.0.0.2:6379 fd=8 name= age=0",
        ));
        assert_eq!(
            told,
            Some(Peer {
                id: 12,
                address: "10.0.0.1:5".into()
            })
        );
        assert_eq!(peer(&bytes("id=x addr=1")), None);
    }
}
