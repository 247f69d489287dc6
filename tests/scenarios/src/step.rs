//! One line of a scenario.

use serde_json::{Map, Value};

/// What happens next.
#[derive(Debug)]
pub(crate) enum Step {
    /// An actor is asked for something.
    Ask(Ask),
    /// The reply to a request that was begun before: `{ waiter = "awaits", call = "wait", gives = … }`.
    Await {
        actor: String,
        call: String,
        expect: Expect,
    },
    /// That request has no reply yet: `{ waiter = "waits", call = "wait" }`.
    Waits { actor: String, call: String },
    /// A fault, or its end, at some nodes.
    Nodes { fault: NodeFault, nodes: Nodes },
    /// A command on some servers, and what each says.
    Command {
        words: Vec<Value>,
        nodes: Nodes,
        gives: Option<Value>,
        eventually: bool,
    },
    /// Something done to an actor's process.
    Process { deed: Deed, actor: String },
    /// Its exit code, once the process has ended.
    Ended { actor: String, code: Value },
    /// Time that must pass.
    Sleep { ms: u64 },
    /// No lock and no queue is left on any server.
    NothingLeft,
    /// A process makes every call of a file of `tests/vectors`.
    Vectors { actor: String, file: String },
    /// All these actors increment a counter under one lock until the step `counted`.
    Count {
        actors: Vec<String>,
        resource: String,
        options: Map<String, Value>,
    },
    /// Of these, who have all begun `call`, exactly one gets what it wants, or none where
    /// that is said; the others fail so.
    OneWins {
        actors: Vec<String>,
        call: String,
        others: Value,
        or_none: bool,
    },
    /// The same several times.
    Repeat { times: u64, steps: Vec<Step> },
    /// The counting ends; everybody has counted so often at least.
    Counted { each: u64 },
}

/// A request, and what is to come of it.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) actor: String,
    pub(crate) call: String,
    pub(crate) fields: Map<String, Value>,
    pub(crate) expect: Expect,
    /// Begun only, under this name.
    pub(crate) starts: Option<String>,
    /// Asked again until the answer fits.
    pub(crate) eventually: bool,
}

/// What a reply must be.
#[derive(Debug)]
pub(crate) struct Expect {
    pub(crate) answer: Answer,
    /// Names for parts of the answer.
    pub(crate) saves: Map<String, Value>,
    /// Bounds for the time it took, as a matcher.
    pub(crate) takes_ms: Option<Value>,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Gives(Value),
    Fails(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeFault {
    /// Connections end, and new ones are refused.
    Cut,
    /// Connections end once, and new ones are accepted.
    Sever,
    /// Nothing passes, and connections stay open.
    Hold,
    /// Everything is late.
    Delay { ms: u64 },
    /// All of the above ends.
    Heal,
    /// SIGSTOP for the server.
    Pause,
    /// SIGCONT.
    Resume,
    /// SIGKILL.
    Kill,
    /// Started again with the data on its disk.
    Restart,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Stop,
    Continue,
    Kill,
}

/// Which nodes.
#[derive(Debug, Clone)]
pub(crate) enum Nodes {
    All,
    /// Indices.
    These(Vec<usize>),
    /// The node that keeps the queue of this resource.
    Home(String),
}

/// Fields of a request that a scenario may set; what else stands in a step is a mistake.
const REQUEST_FIELDS: [&str; 11] = [
    "client",
    "nodes",
    "options",
    "resource",
    "guard",
    "ticket",
    "ttl_ms",
    "within_ms",
    "limit_ms",
    "ms",
    "code",
];

impl Step {
    pub(crate) fn parse(mut fields: Map<String, Value>, actors: &[String]) -> Result<Step, String> {
        let mut who = actors.iter().filter(|actor| fields.contains_key(*actor));
        let step = match (who.next().cloned(), who.next()) {
            (Some(_), Some(_)) => return Err("two actors in one step".to_owned()),
            (Some(actor), None) => Step::of_actor(actor, &mut fields)?,
            (None, _) => Step::of_world(&mut fields, actors)?,
        };
        match fields.keys().next() {
            Some(unknown) => Err(format!("{unknown:?} is not known here")),
            None => Ok(step),
        }
    }

    fn of_actor(actor: String, fields: &mut Map<String, Value>) -> Result<Step, String> {
        let call = text(fields, &actor)?;
        match call.as_str() {
            "awaits" => Ok(Step::Await {
                actor,
                call: text(fields, "call")?,
                expect: Expect::take(fields)?,
            }),
            "waits" => Ok(Step::Waits {
                actor,
                call: text(fields, "call")?,
            }),
            "ended" => Ok(Step::Ended {
                actor,
                code: fields.remove("code").ok_or("code is missing")?,
            }),
            "plays vectors" => Ok(Step::Vectors {
                actor,
                file: text(fields, "file")?,
            }),
            "stops" => Ok(Step::Process {
                deed: Deed::Stop,
                actor,
            }),
            "goes on" => Ok(Step::Process {
                deed: Deed::Continue,
                actor,
            }),
            "is killed" => Ok(Step::Process {
                deed: Deed::Kill,
                actor,
            }),
            _ => {
                let mut given = Map::new();
                for name in REQUEST_FIELDS
                    .into_iter()
                    .chain((call == "cancel").then_some("call"))
                {
                    given.extend(fields.remove_entry(name));
                }
                let eventually = flag(fields, "eventually")?;
                let starts = fields
                    .remove("starts")
                    .map(|name| as_text("starts", name))
                    .transpose()?;
                let expect = Expect::take(fields)?;
                Ok(Step::Ask(Ask {
                    actor,
                    call,
                    fields: given,
                    expect,
                    starts,
                    eventually,
                }))
            }
        }
    }

    fn of_world(fields: &mut Map<String, Value>, actors: &[String]) -> Result<Step, String> {
        for name in [
            "cut", "sever", "hold", "delay", "heal", "pause", "resume", "kill", "restart",
        ] {
            if let Some(nodes) = fields.remove(name) {
                let fault = match name {
                    "cut" => NodeFault::Cut,
                    "sever" => NodeFault::Sever,
                    "hold" => NodeFault::Hold,
                    "delay" => NodeFault::Delay {
                        ms: number(fields, "ms")?,
                    },
                    "heal" => NodeFault::Heal,
                    "pause" => NodeFault::Pause,
                    "resume" => NodeFault::Resume,
                    "kill" => NodeFault::Kill,
                    _ => NodeFault::Restart,
                };
                return Ok(Step::Nodes {
                    fault,
                    nodes: Nodes::parse(nodes)?,
                });
            }
        }
        if let Some(words) = fields.remove("server") {
            let Value::Array(words) = words else {
                return Err("server must be a list of words".to_owned());
            };
            let nodes = Nodes::parse(fields.remove("on").unwrap_or_else(|| "all".into()))?;
            let eventually = flag(fields, "eventually")?;
            return Ok(Step::Command {
                words,
                nodes,
                gives: fields.remove("gives"),
                eventually,
            });
        }
        if fields.contains_key("sleep_ms") {
            return Ok(Step::Sleep {
                ms: number(fields, "sleep_ms")?,
            });
        }
        if fields.contains_key("nothing_left") {
            return flag(fields, "nothing_left").map(|_| Step::NothingLeft);
        }
        if fields.contains_key("count") {
            let resource = text(fields, "count")?;
            let options = match fields.remove("options") {
                None => Map::new(),
                Some(Value::Object(options)) => options,
                Some(_) => return Err("options must be a table".to_owned()),
            };
            return Ok(Step::Count {
                actors: actors.to_vec(),
                resource,
                options,
            });
        }
        if let Some(winners) = fields.remove("one_wins") {
            let winners = winners
                .as_array()
                .ok_or("one_wins must be a list of actors")?;
            let named = winners.iter().map(|name| {
                let actor = actors.iter().find(|actor| name.as_str() == Some(actor));
                actor.cloned().ok_or_else(|| format!("{name} is nobody"))
            });
            let others = fields.remove("others").ok_or("others is missing")?;
            let or_none = flag(fields, "or_none")?;
            let actors = named.collect::<Result<_, _>>()?;
            return Ok(Step::OneWins {
                actors,
                call: text(fields, "call")?,
                others,
                or_none,
            });
        }
        if fields.contains_key("repeat") {
            let times = number(fields, "repeat")?;
            let Some(Value::Array(steps)) = fields.remove("steps") else {
                return Err("steps are missing".to_owned());
            };
            let parsed = steps.into_iter().map(|step| match step {
                Value::Object(step) => Step::parse(step, actors),
                other => Err(format!("{other} is no step")),
            });
            return Ok(Step::Repeat {
                times,
                steps: parsed.collect::<Result<_, _>>()?,
            });
        }
        if fields.contains_key("counted") {
            return Ok(Step::Counted {
                each: number(fields, "counted")?,
            });
        }
        Err("neither an actor of this scenario nor a deed".to_owned())
    }

    /// How long the step takes at least.
    pub(crate) fn least_ms(&self) -> u64 {
        match self {
            Step::Sleep { ms } => *ms,
            Step::Repeat { times, steps } => times * steps.iter().map(Step::least_ms).sum::<u64>(),
            Step::Ask(ask) if ask.starts.is_none() => ask
                .fields
                .get("ms")
                .or_else(|| ask.fields.get("within_ms"))
                .and_then(Value::as_u64)
                .unwrap_or(0),
            _ => 0,
        }
    }
}

impl Expect {
    fn take(fields: &mut Map<String, Value>) -> Result<Expect, String> {
        let answer = match (fields.remove("gives"), fields.remove("fails")) {
            (None, None) => Answer::Gives("?any".into()),
            (Some(value), None) => Answer::Gives(value),
            // The code alone, in short.
            (None, Some(Value::String(code))) => Answer::Fails(serde_json::json!({ "code": code })),
            (None, Some(error)) => Answer::Fails(error),
            (Some(_), Some(_)) => return Err("gives and fails".to_owned()),
        };
        let saves = match fields.remove("saves") {
            None => Map::new(),
            Some(Value::Object(saves)) => saves,
            Some(_) => return Err("saves must be a table of names".to_owned()),
        };
        Ok(Expect {
            answer,
            saves,
            takes_ms: fields.remove("takes_ms"),
        })
    }
}

impl Nodes {
    fn parse(value: Value) -> Result<Nodes, String> {
        match &value {
            Value::String(text) if text == "all" => Ok(Nodes::All),
            Value::String(text) => match text.strip_prefix("home of ") {
                Some(resource) => Ok(Nodes::Home(resource.to_owned())),
                None => Err(format!("{text:?} are no nodes")),
            },
            Value::Array(items) => {
                let indices = items
                    .iter()
                    .map(|item| item.as_u64().and_then(|index| usize::try_from(index).ok()));
                indices
                    .collect::<Option<_>>()
                    .map(Nodes::These)
                    .ok_or_else(|| format!("{value} are no nodes"))
            }
            _ => Err(format!("{value} are no nodes")),
        }
    }
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<String, String> {
    as_text(
        name,
        fields
            .remove(name)
            .ok_or_else(|| format!("{name} is missing"))?,
    )
}

fn as_text(name: &str, value: Value) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{name} must be a text"))
}

fn number(fields: &mut Map<String, Value>, name: &str) -> Result<u64, String> {
    let value = fields.remove(name).and_then(|value| value.as_u64());
    value.ok_or_else(|| format!("{name} must be a whole number"))
}

fn flag(fields: &mut Map<String, Value>, name: &str) -> Result<bool, String> {
    match fields.remove(name) {
        None => Ok(false),
        Some(Value::Bool(true)) => Ok(true),
        Some(_) => Err(format!("{name} can only be true")),
    }
}
