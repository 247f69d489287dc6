//! The words that come back, as replies.

use crate::config::{FencingToken, is_own_format};
use crate::error::{Fault, FaultClass};
use crate::protocol::classify;
use crate::protocol::command::Command;
use crate::protocol::encode::is_plain;
use crate::protocol::reply::{
    Facts, Grant, LeaseWord, Refusal, RefusalKind, ReleaseWord, Reply, View,
};
use crate::protocol::wire::{Abilities, Raw};

/// The reply to `command` in the server's words, which come one per [`Wire`] of [`encode`].
pub fn parse(command: &Command, can: &Abilities, words: Vec<Raw>) -> Result<Reply, Fault> {
    if is_plain(command, can) {
        return parse_plain(command, words);
    }
    let mut words = words.into_iter();
    let word = match words.next() {
        Some(Raw::Error(code, text)) => return Err(classify(&code, &text)),
        Some(word) => word,
        None => return Err(nonsense()),
    };
    match (command, word) {
        (Command::Acquire(_) | Command::Poll(..) | Command::Adopt { .. }, Raw::List(list)) => {
            parse_claim(list, matches!(command, Command::Adopt { .. }))
        }
        (Command::Acquire(_), Raw::Bytes(token)) => Ok(Reply::Granted(Grant {
            fence: fence_of(&token)?,
            again: false,
            score: None,
        })),
        (Command::Release(_) | Command::Unadopt { .. }, Raw::Int(found)) => match found {
            1 => Ok(Reply::Released(ReleaseWord::Done)),
            0 => Ok(Reply::Released(ReleaseWord::Missing)),
            2 => Ok(Reply::Released(ReleaseWord::Other)),
            _ => Err(nonsense()),
        },
        (Command::Leave { .. }, Raw::Int(gone)) => Ok(Reply::Left(gone == 1)),
        (Command::Extend { leases, .. }, Raw::List(list)) if list.len() == leases.len() => {
            let words = list.into_iter().map(|word| match word {
                Raw::Int(1) => Ok(LeaseWord::Renewed),
                Raw::Int(0) => Ok(LeaseWord::Missing),
                Raw::Int(2) => Ok(LeaseWord::Other),
                Raw::Int(3) => Ok(LeaseWord::FilledIn),
                _ => Err(nonsense()),
            });
            words.collect::<Result<_, _>>().map(Reply::Extended)
        }
        (Command::Raise { .. }, Raw::Bytes(bytes)) => fence_of(&bytes).map(Reply::Raised),
        (Command::Inspect { .. }, Raw::List(list)) => parse_view(list),
        (Command::Facts, Raw::Bytes(bytes)) => Ok(Reply::Facts(Box::new(parse_info(&bytes)))),
        _ => Err(nonsense()),
    }
}

fn parse_plain(command: &Command, words: Vec<Raw>) -> Result<Reply, Fault> {
    let error = |word: &Raw| match word {
        Raw::Error(code, text) => Some(classify(code, text)),
        _ => None,
    };
    if let Command::Extend { leases, .. } = command {
        if words.len() != leases.len() {
            return Err(nonsense());
        }
        let words = words.into_iter().map(|word| match word {
            Raw::Okay => Ok(LeaseWord::Renewed),
            // IFEQ tells neither a missing key nor another owner apart.
            Raw::Nil => Ok(LeaseWord::Other),
            other => Err(error(&other).unwrap_or_else(nonsense)),
        });
        return words.collect::<Result<_, _>>().map(Reply::Extended);
    }
    let mut words = words.into_iter();
    let word = words.next().ok_or_else(nonsense)?;
    if let Some(fault) = error(&word) {
        return Err(fault);
    }
    match (command, word) {
        (Command::Acquire(_), Raw::Nil | Raw::Okay) => Ok(Reply::Granted(Grant {
            fence: None,
            again: false,
            score: None,
        })),
        (Command::Acquire(claim), Raw::Bytes(value)) if value == claim.token.as_bytes() => {
            Ok(Reply::Granted(Grant {
                fence: None,
                again: true,
                score: None,
            }))
        }
        (Command::Acquire(_), Raw::Bytes(value)) => {
            let own = is_own_format(&value);
            Ok(Reply::Refused(Refusal::bare(if own {
                RefusalKind::Held
            } else {
                RefusalKind::Foreign
            })))
        }
        (Command::Release(_), Raw::Int(1)) => Ok(Reply::Released(ReleaseWord::Done)),
        // DELIFEQ answers 0 for a missing key and for another owner's alike.
        (Command::Release(_), Raw::Int(_)) => Ok(Reply::Released(ReleaseWord::Missing)),
        (Command::Inspect { .. }, value) => {
            let value = match value {
                Raw::Bytes(bytes) => Some(bytes),
                Raw::Nil => None,
                _ => return Err(nonsense()),
            };
            let ttl_ms = match words.next() {
                Some(Raw::Int(ms)) => u64::try_from(ms).ok(),
                _ => None,
            };
            Ok(Reply::View(View {
                value,
                ttl_ms,
                ..View::default()
            }))
        }
        (Command::Facts, Raw::Bytes(bytes)) => Ok(Reply::Facts(Box::new(parse_info(&bytes)))),
        _ => Err(nonsense()),
    }
}

/// A refusal ends with the waiter's score, or with the owner where a lease was to be taken over.
fn parse_claim(list: Vec<Raw>, names_owner: bool) -> Result<Reply, Fault> {
    let text = |word: Option<&Raw>| match word {
        Some(Raw::Bytes(bytes)) => Ok(bytes.clone()),
        _ => Err(nonsense()),
    };
    let score = |word: Option<&Raw>| match word {
        Some(Raw::Bytes(bytes)) => Ok(std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse().ok())),
        None => Ok(None),
        _ => Err(nonsense()),
    };
    let span = |word: Option<&Raw>| match word {
        Some(Raw::Int(number)) => Ok(u64::try_from(*number).ok()),
        _ => Err(nonsense()),
    };
    match list.first() {
        Some(Raw::Int(kind @ 1..=2)) => Ok(Reply::Granted(Grant {
            fence: fence_of(&text(list.get(1))?)?,
            again: *kind == 2,
            score: score(list.get(2))?,
        })),
        Some(Raw::Int(0)) => {
            let why = match &*text(list.get(1))? {
                b"held" => RefusalKind::Held,
                b"foreign" => RefusalKind::Foreign,
                b"queued" => RefusalKind::Queued,
                b"buried" => RefusalKind::Buried,
                b"missing" => RefusalKind::Missing,
                b"spent" => RefusalKind::Spent,
                _ => return Err(nonsense()),
            };
            let owner = names_owner
                .then(|| text(list.get(4)))
                .transpose()?
                .filter(|owner| !owner.is_empty());
            Ok(Reply::Refused(Refusal {
                why,
                ttl_ms: span(list.get(2))?,
                place: span(list.get(3))?,
                score: if names_owner {
                    None
                } else {
                    score(list.get(4))?
                },
                owner,
            }))
        }
        _ => Err(nonsense()),
    }
}

fn parse_view(list: Vec<Raw>) -> Result<Reply, Fault> {
    let [
        Raw::Bytes(kind),
        Raw::Bytes(value),
        Raw::Int(left),
        Raw::Bytes(counter),
        Raw::Int(waiters),
    ] = &list[..]
    else {
        return Err(nonsense());
    };
    Ok(Reply::View(View {
        value: (kind == b"string").then(|| value.clone()),
        other_type: kind == b"other",
        ttl_ms: u64::try_from(*left).ok(),
        counter: fence_of(counter)?,
        waiters: u64::try_from(*waiters).ok(),
    }))
}

/// The lines of `INFO` that matter to a lock.
fn parse_info(bytes: &[u8]) -> Facts {
    let text = String::from_utf8_lossy(bytes);
    let field = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| {
            value
                .trim()
                .chars()
                .filter(|c| c.is_ascii_graphic())
                .take(64)
                .collect::<String>()
        })
    };
    let valkey = field("valkey_version");
    Facts {
        server: Some(if valkey.is_some() { "valkey" } else { "redis" }.to_owned()),
        version: valkey.or_else(|| field("redis_version")),
        mode: field("redis_mode").or_else(|| field("server_mode")),
        role: field("role"),
        run_id: field("run_id"),
        append_only: field("aof_enabled").map(|value| value == "1"),
        eviction: field("maxmemory_policy"),
        memory_max: field("maxmemory").and_then(|value| value.parse().ok()),
        replicas: field("connected_slaves").and_then(|value| value.parse().ok()),
    }
}

fn fence_of(bytes: &[u8]) -> Result<Option<FencingToken>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let number = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok());
    number
        .and_then(FencingToken::new)
        .map(Some)
        .ok_or_else(nonsense)
}

/// A reply that does not fit its command: nothing is known of what the server did.
fn nonsense() -> Fault {
    Fault::unresolved(FaultClass::Protocol, "the reply does not fit the command")
}

/// The waiter's number in a wake-up message.
pub fn waiter_number(message: &[u8]) -> Option<u64> {
    std::str::from_utf8(message)
        .ok()?
        .split(':')
        .nth(1)?
        .parse()
        .ok()
}
