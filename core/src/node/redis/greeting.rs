//! The first words on a connection: who the server is, and what this user may do there.

use tokio::time::Instant;

use crate::error::{Fault, FaultClass};
use crate::node::Standing;
use crate::node::redis::connection::Connection;
use crate::node::redis::guard::{ServerRun, first_mark, said, standing_of};
use crate::node::redis::owner::Plan;
use crate::protocol::{
    Abilities, Claim, Command, CompareDelete, Facts, PROBE, Raw, Speech, classify, proposals_max,
};

/// What a server said of itself and of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) abilities: Abilities,
    /// From `HELLO`, which is open to every user; `INFO` knows more but may be refused.
    pub(super) facts: Facts,
    /// This connection as the server knows it, if it may be asked.
    pub(super) peer: Option<Peer>,
    /// The server's clock, if it may be asked.
    clock: Option<ServerClock>,
    /// Whether the node's answers count.
    pub(super) standing: Standing,
    /// What is known of this run of the server.
    pub(super) run: ServerRun,
}

/// What a server's clock said, and when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ServerClock {
    asked: Instant,
    micros: u64,
}

/// A number that no server gives to a connection.
const NOBODY: &str = "9223372036854775807";

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
    connection: &mut Connection,
    plan: &Plan,
    previous: Option<Peer>,
) -> Result<Greeting, Fault> {
    let (key, channel) = (plan.probe_key(), &plan.settings.wake_channel);
    let mut questions = Vec::new();
    if plan.address.db != 0 {
        questions.push(Speech::plain(&["SELECT", &plan.address.db.to_string()]));
    }
    let mut probe = Speech::new();
    probe.call(&PROBE, [&key].into_iter());
    probe.word(channel.as_bytes());
    questions.extend([
        Speech::plain(&["HELLO", "3"]),
        probe,
        Speech::plain(&["SUBSCRIBE", channel]),
        Speech::plain(&["CLIENT", "INFO"]),
        Speech::plain(&["DELIFEQ", &key, "x"]),
        Speech::plain(&["DELEX", &key, "IFEQ", "x"]),
        Speech::plain(&["ZADD", &key, "XX", "GT", "CH", "1", "x"]),
        Speech::plain(&["EXISTS", &key]),
        Speech::plain(&["TIME"]),
    ]);
    if plan.settings.guard.is_some() {
        questions.extend(ServerRun::QUESTIONS.map(Speech::plain));
    }
    let asked = Instant::now();
    connection.will_subscribe();
    let mut answers = connection.exchange(&questions).await?.into_iter();
    if plan.address.db != 0 {
        selected(&answers.next().unwrap_or(Raw::Other))?;
    }
    let mut next = || answers.next().unwrap_or(Raw::Other);
    let facts = hello(&next())?;
    let mut abilities = probed(&next()).map_err(|fault| unless_cluster(fault, &facts))?;
    let subscribed = !matches!(next(), Raw::Error(..));
    abilities.wake = abilities.queue && subscribed;
    let peer = peer(&next());
    let is = |answer: Raw| matches!(answer, Raw::Int(_));
    abilities.compare_delete = match (is(next()), is(next())) {
        (true, _) => Some(CompareDelete::DelIfEq),
        (false, true) => Some(CompareDelete::DelEx),
        (false, false) => None,
    };
    let in_words = is(next()) & is(next());
    let clock = server_clock(&next(), asked);
    let run = if plan.settings.guard.is_some() {
        ServerRun::read(ServerRun::QUESTIONS.map(|_| next()))
    } else {
        ServerRun::default()
    };

    // What the old connection still holds must not run behind what this one says. Claims in plain
    // words see no tombstone, so they go only where that is sure.
    let end_old = match (&previous, &peer) {
        (Some(old), Some(new)) if old.id < new.id => {
            let id = old.id.to_string();
            Speech::plain(&["CLIENT", "KILL", "ID", &id, "ADDR", &old.address])
        }
        // Nobody has this number; whether connections may be ended is the question.
        _ => Speech::plain(&["CLIENT", "KILL", "ID", NOBODY]),
    };
    let mark = first_mark(plan, &run, &abilities);
    let questions: Vec<Speech> = [end_old].into_iter().chain(mark.iter().map(said)).collect();
    let mut ended = connection.exchange(&questions).await?;
    let standing = match &mark {
        Some(mark) => standing_of(mark, &abilities, ended.pop()),
        None if plan.settings.guard.is_some() => Standing::Blind,
        None => Standing::Unasked,
    };
    abilities.plain = plan.settings.plain_claims
        && abilities.scripts
        && abilities.fencing
        && in_words
        && has_set_nx_get(&facts)
        && peer.is_some()
        && clock.is_some()
        && matches!(ended[..], [Raw::Int(_)]);
    Ok(Greeting {
        abilities,
        facts,
        peer,
        clock,
        standing,
        run,
    })
}

/// The server's clock as it was when we asked.
fn server_clock(answer: &Raw, asked: Instant) -> Option<ServerClock> {
    let Raw::List(parts) = answer else {
        return None;
    };
    let [Raw::Bytes(seconds), Raw::Bytes(micros)] = &parts[..] else {
        return None;
    };
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok();
    let micros = number(seconds)?
        .checked_mul(1_000_000)?
        .checked_add(number(micros)?)?;
    Some(ServerClock { asked, micros })
}

/// True where `SET` takes `NX` and `GET` together: every Valkey, Redis from 7.0.
fn has_set_nx_get(facts: &Facts) -> bool {
    let version = facts.version.as_deref().unwrap_or_default();
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    facts.server.as_deref() == Some("valkey") || major.is_some_and(|major| major >= 7)
}

impl Greeting {
    /// What can be done with `command`: a claim whose proposal is too far ahead of the server's clock
    /// goes to a script, which cuts it.
    pub(super) fn abilities_for(&self, command: &Command) -> Abilities {
        let mut can = self.abilities;
        if let Command::Acquire(Claim {
            proposal: Some(proposal),
            ..
        }) = command
        {
            let bound = self.clock.as_ref().map_or(0, ServerClock::proposals_max);
            can.plain &= *proposal <= bound;
        }
        can
    }
}

impl ServerClock {
    /// The largest proposal of a fencing token at this time: a second ahead of the server, and as
    /// much more as the clocks may have run apart.
    fn proposals_max(&self) -> u64 {
        proposals_max(self.micros, self.asked.elapsed())
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
            let [Raw::Int(time), Raw::Int(fencing), Raw::Int(queue), ..] = flags[..] else {
                return Err(nonsense());
            };
            Ok(Abilities {
                scripts: true,
                time: time == 1,
                fencing: fencing == 1,
                queue: queue == 1,
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
        let can =
            probed(&Raw::List(vec![Raw::Int(1), Raw::Int(1), Raw::Int(0)])).expect("well formed");
        assert!(can.scripts && can.time && can.fencing && !can.queue);
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
