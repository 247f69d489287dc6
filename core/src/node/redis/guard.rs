//! The guard of one connection: whether the server behind it still has its data.
//!
//! A restarted server ends its connections, so its marker is compared at the beginning of each. Data
//! can also go under a connection: somebody flushes them, or a proxy goes on with another server. So
//! the marker is looked at again ahead of claims, at most so long after the last look, in the same write.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Fault, FaultClass};
use crate::node::redis::greeting::Greeting;
use crate::node::redis::owner::{Owner, Plan};
use crate::node::{Answer, Answered, Link, Listener, Standing, Submission, Void};
use crate::protocol::{
    Abilities, Command, Mark, MarkWord, Marker, MarkerState, Raw, Reply, Request, Speech, parse,
};

/// So old may the last look at the marker be where an answer is to count.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is known of the run of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ServerRun {
    id: Option<Arc<str>>,
    keeps: Option<bool>,
}

impl ServerRun {
    /// What to ask a server.
    pub(super) const QUESTIONS: [&'static [&'static str]; 3] = [
        &["INFO", "server"],
        &["INFO", "replication"],
        &["CONFIG", "GET", "append*"],
    ];

    /// What the answers tell.
    pub(super) fn read([server, replication, config]: [Raw; 3]) -> Self {
        let id = field(&server, "run_id").map(Arc::from);
        // A replica knows less than was acknowledged, so a server that has any, or was one, may turn
        // out to be less than it was.
        let alone = field(&replication, "role").map(|role| {
            role == "master"
                && field(&replication, "connected_slaves") == Some("0")
                && field(&replication, "second_repl_offset").is_none_or(|offset| offset == "-1")
        });
        let synced = setting(&config, "appendonly")
            .zip(setting(&config, "appendfsync"))
            .map(|(on, fsync)| on == "yes" && fsync == "always");
        let keeps = alone.zip(synced).map(|(alone, synced)| alone && synced);
        ServerRun { id, keeps }
    }

    /// A mark with what is known of the server; nothing for any other command.
    pub(super) fn completed(&self, command: &Command) -> Option<Request> {
        let Command::Mark(mark) = command else {
            return None;
        };
        Some(Command::Mark(self.on(mark.clone())).into())
    }

    fn on(&self, mark: Mark) -> Mark {
        Mark {
            run: self.id.clone(),
            keeps: self.keeps,
            ..mark
        }
    }
}

/// One line of an `INFO` reply.
fn field<'a>(answer: &'a Raw, name: &str) -> Option<&'a str> {
    let Raw::Bytes(bytes) = answer else {
        return None;
    };
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    // It becomes a word of the marker.
    let is_word =
        !value.is_empty() && value.len() <= 64 && value.bytes().all(|b| b.is_ascii_graphic());
    is_word.then_some(value)
}

/// One pair of a `CONFIG GET` reply.
fn setting<'a>(answer: &'a Raw, name: &str) -> Option<&'a str> {
    let Raw::List(list) = answer else {
        return None;
    };
    list.chunks_exact(2).find_map(|pair| match pair {
        [Raw::Bytes(key), Raw::Bytes(value)] if key == name.as_bytes() => {
            std::str::from_utf8(value).ok()
        }
        _ => None,
    })
}

/// The mark that a connection begins with; nothing where there is no guard or the user may not keep a
/// marker.
pub(super) fn first_mark(plan: &Plan, run: &ServerRun, can: &Abilities) -> Option<Mark> {
    let terms = plan.settings.guard.as_ref()?;
    let mark = terms.mark(MarkWord::Look, &*plan.settings.entropy);
    (can.scripts && can.time).then(|| run.on(mark))
}

/// A mark in words.
pub(super) fn said(mark: &Mark) -> Speech {
    let can = Abilities {
        scripts: true,
        time: true,
        ..Abilities::default()
    };
    // With these abilities there are words for it.
    let said = Request::from(Command::Mark(mark.clone())).spell(&can, Speech::clone);
    said.unwrap_or_default()
}

/// Where the node stands by the answer to a mark.
pub(super) fn standing_of(mark: &Mark, can: &Abilities, answer: Option<Raw>) -> Standing {
    match parse(&Command::Mark(mark.clone()), can, answer) {
        Ok(Reply::Marker(marker)) => Standing::Marked(Arc::from(marker)),
        // Its rights do not suffice.
        Err(fault) if fault.class.is_permanent() && fault.class != FaultClass::Topology => {
            Standing::Blind
        }
        Err(fault) => Standing::Unread(fault),
        Ok(_) => Standing::Unread(Fault::refused(
            FaultClass::Protocol,
            "the reply is no marker",
        )),
    }
}

/// What the owner asked for itself, it has heard already.
struct Nobody;

impl Listener for Nobody {
    fn answered(&self, _: Answered) {}
}

/// When the marker was looked at on this connection.
pub(super) struct Watch {
    asked: Instant,
}

impl Watch {
    /// The greeting has just looked.
    pub(super) fn new() -> Self {
        Watch {
            asked: Instant::now(),
        }
    }
}

impl Owner {
    /// A look at the marker, where `command` needs one whose answer comes before its own.
    pub(super) fn due_look(
        &self,
        watch: &mut Watch,
        greeting: &Greeting,
        command: &Command,
        now: Instant,
    ) -> Option<Submission> {
        let terms = self.plan.settings.guard.as_ref()?;
        let marker = greeting.standing.marker()?;
        if marker.state != MarkerState::Open || !command.votes() {
            return None;
        }
        // The server must know of a longer ttl before an answer with it counts.
        let ttl = command.ttl_max();
        let longer = ttl.filter(|ttl| ttl.as_millis() > marker.ttl_max_ms);
        if longer.is_none() && now.duration_since(watch.asked) < LOOK_EVERY {
            return None;
        }
        if let Some(ttl) = longer {
            terms.note(ttl);
        }
        watch.asked = now;
        let mark = terms.mark(MarkWord::Look, &*self.plan.settings.entropy);
        Some(Submission {
            command: Command::Mark(mark).into(),
            connect_by: now,
            void: Void::default(),
            answer: Answer::new(0, Arc::new(Nobody)),
        })
    }

    /// Takes in a marker, or that it could not be read.
    pub(super) fn hear(
        &mut self,
        greeting: &mut Greeting,
        command: &Command,
        result: &Result<Reply, Fault>,
    ) {
        match result {
            Ok(Reply::Marker(marker)) => {
                self.stand(greeting, Standing::Marked(Arc::new(Marker::clone(marker))));
            }
            Err(fault) if matches!(command, Command::Mark(_)) => {
                self.stand(greeting, Standing::Unread(fault.clone()));
            }
            _ => {}
        }
    }

    fn stand(&mut self, greeting: &mut Greeting, standing: Standing) {
        if greeting.standing != standing {
            greeting.standing = standing;
            self.show(greeting);
        }
    }

    /// Tells everybody who watches the link how things are.
    pub(super) fn show(&self, greeting: &Greeting) {
        self.link.send_replace(Link::Up {
            epoch: self.epoch,
            abilities: greeting.abilities,
            standing: greeting.standing.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Raw {
        Raw::Bytes(text.as_bytes().to_vec())
    }

    fn answers(replication: &str, fsync: &str) -> [Raw; 3] {
        let config = ["appendonly", "yes", "appendfsync", fsync];
        [
            bytes("# Server\r\nrun_id:abc\r\ntcp_port:1\r\n"),
            bytes(replication),
            Raw::List(config.map(bytes).to_vec()),
        ]
    }

    #[test]
    fn a_server_keeps_its_data_only_where_nothing_speaks_against_it() {
        let alone = "role:master\r\nconnected_slaves:0\r\nsecond_repl_offset:-1\r\n";
        let cases = [
            (alone, "always", Some(true)),
            (alone, "everysec", Some(false)),
            (
                "role:master\r\nconnected_slaves:1\r\n",
                "always",
                Some(false),
            ),
            (
                "role:master\r\nconnected_slaves:0\r\nsecond_repl_offset:71\r\n",
                "always",
                Some(false),
            ),
            (
                "role:slave\r\nconnected_slaves:0\r\n",
                "always",
                Some(false),
            ),
        ];
        for (replication, fsync, keeps) in cases {
            let run = ServerRun::read(answers(replication, fsync));
            assert_eq!(run.keeps, keeps, "{replication} {fsync}");
            assert_eq!(run.id.as_deref(), Some("abc"));
        }
        let refused = || Raw::Error("NOPERM".to_owned(), String::new());
        let run = ServerRun::read([refused(), refused(), refused()]);
        assert_eq!(run, ServerRun::default());
        let [server, replication, _] = answers(alone, "always");
        let run = ServerRun::read([server, replication, refused()]);
        assert_eq!(run.keeps, None, "not known");
    }
}
