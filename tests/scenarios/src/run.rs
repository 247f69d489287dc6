//! One scenario, played.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::cast::Run;
use crate::counting::Counting;
use crate::driver::{Call, Driver, PATIENCE, Reply};
use crate::matcher::differences;
use crate::secrets::leaks;
use crate::step::{Answer, Ask, Deed, Expect, Step};
use crate::transcript::Transcript;
use crate::troupe::Troupe;
use crate::variables::Variables;
use crate::vectors;
use crate::world::{Pool, World};

/// How long what is given back may take to go, over connections that must be made anew.
const TIDY: Duration = Duration::from_secs(8);

/// How often something is asked again that is to come true.
const AGAIN: Duration = Duration::from_millis(20);

/// What became of a run.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) failure: Option<String>,
    pub(crate) took: Duration,
    pub(crate) transcript: Arc<Transcript>,
}

/// Plays one run. A panic, such as of a server that cannot be paused, is this run's failure and nobody else's.
pub(crate) fn play(run: &Run, pool: &Pool, troupe: &Troupe) -> Outcome {
    let began = Instant::now();
    let transcript = Arc::new(Transcript::new());
    let played = catch_unwind(AssertUnwindSafe(|| play_on(run, pool, troupe, &transcript)));
    let failure = played
        .unwrap_or_else(|_| Err("the supervisor panicked".to_owned()))
        .err();
    Outcome {
        name: run.name.clone(),
        failure,
        took: began.elapsed(),
        transcript,
    }
}

fn play_on(
    run: &Run,
    pool: &Pool,
    troupe: &Troupe,
    transcript: &Arc<Transcript>,
) -> Result<(), String> {
    let mut stage = Stage {
        run,
        world: World::make(&run.case.servers, pool)?,
        transcript: Arc::clone(transcript),
        drivers: HashMap::new(),
        clients: Vec::new(),
        gone: Vec::new(),
        calls: HashMap::new(),
        variables: Variables::default(),
        counting: None,
    };
    stage.play(troupe)?;
    let Stage {
        world,
        drivers,
        gone,
        ..
    } = stage;
    no_secret(run, transcript)?;
    for (actor, driver) in drivers {
        if !gone.contains(&actor) {
            troupe.take_back(driver)?;
        }
    }
    world.give_back(pool);
    Ok(())
}

fn no_secret(run: &Run, transcript: &Transcript) -> Result<(), String> {
    let passwords: Vec<&str> = run
        .case
        .servers
        .password
        .iter()
        .map(String::as_str)
        .collect();
    let leaks = leaks(&transcript.lines(), &passwords);
    if leaks.is_empty() {
        Ok(())
    } else {
        Err(format!("secrets were said:\n  {}", leaks.join("\n  ")))
    }
}

struct Stage<'a> {
    run: &'a Run,
    world: World,
    transcript: Arc<Transcript>,
    drivers: HashMap<String, Arc<Driver>>,
    /// Which actors have which clients.
    clients: Vec<(String, Value)>,
    /// Actors whose process has ended, as the scenario wants it.
    gone: Vec<String>,
    calls: HashMap<(String, String), Call>,
    variables: Variables,
    counting: Option<Counting>,
}

impl Stage<'_> {
    fn play(&mut self, troupe: &Troupe) -> Result<(), String> {
        self.prepare(troupe)?;
        for (index, step) in self.run.case.steps.iter().enumerate() {
            self.take(step)
                .map_err(|error| format!("step {}: {error}", index + 1))?;
        }
        self.finish()
            .map_err(|error| format!("at the end: {error}"))
    }

    fn prepare(&mut self, troupe: &Troupe) -> Result<(), String> {
        for (name, value) in self.world.addresses() {
            self.variables.set(name, value);
        }
        let case = &self.run.case;
        for (actor, player) in case.actors.iter().zip(&self.run.cast) {
            let driver = troupe.hire(actor, player, &self.transcript)?;
            self.variables
                .set(format!("{actor}.language"), player.language.clone().into());
            self.variables
                .set(format!("{actor}.pid"), driver.pid().as_raw().into());
            self.drivers.insert(actor.clone(), driver);
        }
        for actor in &case.actors {
            let driver = self.driver(actor)?;
            let hello = driver.ask("hello", Map::new())?;
            let language = hello
                .result
                .as_ref()
                .ok()
                .and_then(|hello| hello["language"].as_str());
            if language != Some(driver.player.language.as_str()) {
                return Err(format!(
                    "{actor} does not say hello in {}: {hello:?}",
                    driver.player.language
                ));
            }
            if let Some(options) = &case.client {
                let mut fields = Map::new();
                fields.insert(
                    "options".to_owned(),
                    self.variables.fill_in_fields(options)?.into(),
                );
                let connect = Ask {
                    actor: actor.clone(),
                    call: "connect".to_owned(),
                    fields,
                    expect: Expect {
                        answer: Answer::Gives("?any".into()),
                        saves: Map::new(),
                        takes_ms: None,
                    },
                    starts: None,
                    eventually: false,
                };
                self.ask(&connect)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Ask(ask) => self.ask(ask),
            Step::Await {
                actor,
                call,
                expect,
            } => {
                let begun = self.calls.remove(&(actor.clone(), call.clone()));
                let begun = begun.ok_or_else(|| format!("{actor} has begun no {call:?}"))?;
                let reply = self.driver(actor)?.reply(begun, PATIENCE)?;
                self.judge(&format!("{actor} {call}"), expect, &reply)
            }
            Step::Waits { actor, call } => {
                let begun = self.calls.get(&(actor.clone(), call.clone()));
                let begun = begun.ok_or_else(|| format!("{actor} has begun no {call:?}"))?;
                if self.driver(actor)?.has_answered(*begun) {
                    let reply = self.driver(actor)?.reply(*begun, PATIENCE)?;
                    return Err(format!(
                        "{actor} {call} should still wait, it gave {:?}",
                        reply.result
                    ));
                }
                Ok(())
            }
            Step::Nodes { fault, nodes } => {
                self.transcript
                    .note("world:", &format!("{fault:?} {nodes:?}"));
                self.world.strike(*fault, nodes)
            }
            Step::Command {
                words,
                nodes,
                gives,
                eventually,
            } => {
                let words: Result<Vec<String>, String> = words
                    .iter()
                    .map(|word| self.variables.fill_in(word).map(|word| as_word(&word)))
                    .collect();
                let words = words?;
                let expected = gives
                    .as_ref()
                    .map(|gives| self.variables.fill_in(gives))
                    .transpose()?;
                self.transcript.note("world:", &words.join(" "));
                self.until(*eventually, || {
                    let said = self.world.command(&words, nodes)?;
                    match &expected {
                        Some(expected) => {
                            fits(&words.join(" "), &json!({ "each": expected }), &json!(said))
                        }
                        None => Ok(()),
                    }
                })
            }
            Step::Process { deed, actor } => {
                self.transcript.note("world:", &format!("{deed:?} {actor}"));
                let driver = self.driver(actor)?;
                match deed {
                    Deed::Stop => driver.stop(),
                    Deed::Continue => driver.go_on(),
                    Deed::Kill => {
                        driver.kill();
                        self.gone.push(actor.clone());
                        Ok(())
                    }
                }
            }
            Step::Ended { actor, code } => {
                let status = self.driver(actor)?.end(PATIENCE)?;
                self.gone.push(actor.clone());
                fits(
                    &format!("exit code of {actor}"),
                    code,
                    &json!(status.code()),
                )
            }
            Step::Sleep { ms } => {
                std::thread::sleep(Duration::from_millis(*ms));
                Ok(())
            }
            Step::NothingLeft => self.nothing_left(),
            Step::Vectors { actor, file } => vectors::play(&*self.driver(actor)?, file),
            Step::Count {
                actors,
                resource,
                options,
            } => {
                let drivers = actors
                    .iter()
                    .map(|actor| self.driver(actor))
                    .collect::<Result<_, _>>()?;
                self.counting = Some(Counting::begin(drivers, resource, options));
                Ok(())
            }
            Step::OneWins {
                actors,
                call,
                others,
                or_none,
            } => {
                let winners = self.winners(actors, call, others)?;
                if winners.len() == 1 || (*or_none && winners.is_empty()) {
                    return Ok(());
                }
                Err(format!(
                    "{} of {} won: {winners:?}",
                    winners.len(),
                    actors.len()
                ))
            }
            Step::Repeat { times, steps } => {
                for time in 1..=*times {
                    for (index, step) in steps.iter().enumerate() {
                        self.take(step)
                            .map_err(|error| format!("time {time}, step {}: {error}", index + 1))?;
                    }
                }
                Ok(())
            }
            Step::Counted { each } => {
                let counting = self.counting.take().ok_or("nobody counts")?;
                let told = counting.end(*each)?;
                self.transcript.note("world:", &told);
                Ok(())
            }
        }
    }

    fn ask(&mut self, ask: &Ask) -> Result<(), String> {
        let driver = self.driver(&ask.actor)?;
        let fields = self.complete(ask)?;
        if ask.call == "connect" {
            self.clients
                .push((ask.actor.clone(), fields["client"].clone()));
        }
        let what = format!("{} {}", ask.actor, ask.call);
        if ask.call == "exit" {
            return driver.send("exit", fields).map(drop);
        }
        if let Some(name) = &ask.starts {
            let call = driver.send(&ask.call, fields)?;
            self.calls.insert((ask.actor.clone(), name.clone()), call);
            return Ok(());
        }
        self.until(ask.eventually, || {
            let reply = driver.ask(&ask.call, fields.clone())?;
            self.judge(&what, &ask.expect, &reply)
        })
    }

    /// Who of these got what they began to ask for; the others failed with the code `others`.
    fn winners(
        &mut self,
        actors: &[String],
        call: &str,
        others: &Value,
    ) -> Result<Vec<String>, String> {
        let mut winners = Vec::new();
        for actor in actors {
            let begun = self.calls.remove(&(actor.clone(), call.to_owned()));
            let begun = begun.ok_or_else(|| format!("{actor} has begun no {call:?}"))?;
            match self.driver(actor)?.reply(begun, PATIENCE)?.result {
                Ok(_) => winners.push(actor.clone()),
                Err(error) => fits(
                    &format!("{actor} {call}"),
                    &json!({ "code": others }),
                    &error,
                )?,
            }
        }
        Ok(winners)
    }

    /// The request with what scenarios need not say.
    fn complete(&self, ask: &Ask) -> Result<Map<String, Value>, String> {
        let mut fields = self.variables.fill_in_fields(&ask.fields)?;
        let mut default = |name: &str, value: Value| {
            fields.entry(name).or_insert(value);
        };
        match ask.call.as_str() {
            "connect" => {
                default("client", "client".into());
                default("nodes", self.world.urls().into());
                default("options", json!({}));
            }
            "acquire" | "try_acquire" => {
                default("client", "client".into());
                default("resource", "resource".into());
                default("guard", "guard".into());
            }
            "adopt" => {
                default("client", "client".into());
                default("guard", "guard".into());
            }
            "inspect" => {
                default("client", "client".into());
                default("resource", "resource".into());
            }
            "health" | "stats" => default("client", "client".into()),
            "close" => {
                default("client", "client".into());
                default("limit_ms", 5000.into());
            }
            "ticket" | "block" | "exit" => {}
            "cancel" => {
                let name = fields
                    .get("call")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                let call = self.calls.get(&(ask.actor.clone(), name));
                let call = call.ok_or("there is no such call to cancel")?;
                fields.insert("call".to_owned(), call.id.into());
            }
            // Everything else is about a guard.
            _ => default("guard", "guard".into()),
        }
        if ask.call == "connect"
            && let Some(options) = fields.get_mut("options").and_then(Value::as_object_mut)
        {
            // A busy machine is no broken node.
            options.entry("node_timeout_ms").or_insert(500.into());
            options.entry("connect_timeout_ms").or_insert(5000.into());
        }
        Ok(fields)
    }

    fn judge(&self, what: &str, expect: &Expect, reply: &Reply) -> Result<(), String> {
        let (expected, said) = match (&expect.answer, &reply.result) {
            (Answer::Gives(expected), Ok(said)) | (Answer::Fails(expected), Err(said)) => {
                (expected, said)
            }
            (Answer::Gives(_), Err(error)) => return Err(format!("{what} failed: {error}")),
            (Answer::Fails(expected), Ok(said)) => {
                return Err(format!(
                    "{what} should fail with {expected}, it gave {said}"
                ));
            }
        };
        fits(what, &self.variables.fill_in(expected)?, said)?;
        if let Some(takes) = &expect.takes_ms {
            let took = u64::try_from(reply.took.as_millis()).unwrap_or(u64::MAX);
            fits(
                &format!("{what}, its time in ms"),
                &self.variables.fill_in(takes)?,
                &took.into(),
            )?;
        }
        for (name, path) in &expect.saves {
            let path = path.as_str().unwrap_or_default();
            let part = path
                .split('.')
                .filter(|part| !part.is_empty())
                .fold(said, |value, part| &value[part]);
            self.variables.set(name, part.clone());
        }
        Ok(())
    }

    /// Once, or until it is true.
    fn until(
        &self,
        eventually: bool,
        check: impl Fn() -> Result<(), String>,
    ) -> Result<(), String> {
        let limit = Instant::now() + PATIENCE;
        loop {
            match check() {
                Err(_) if eventually && Instant::now() < limit => std::thread::sleep(AGAIN),
                done => return done,
            }
        }
    }

    /// Every client is closed, as a program would before it ends, and nothing is left behind.
    fn finish(&mut self) -> Result<(), String> {
        if self.counting.is_some() {
            return Err("they still count".to_owned());
        }
        self.world.heal();
        let living = self
            .clients
            .iter()
            .filter(|(actor, _)| !self.gone.contains(actor));
        let mut closing = Vec::new();
        for (actor, client) in living {
            let fields = json!({ "client": client, "limit_ms": 1000 });
            let driver = self.driver(actor)?;
            let call = driver.send("close", fields.as_object().cloned().unwrap_or_default())?;
            closing.push((driver, call));
        }
        for (driver, call) in closing {
            let closed = driver.reply(call, PATIENCE)?.result;
            closed.map_err(|error| format!("{} does not close: {error}", driver.actor()))?;
        }
        for driver in self.drivers.values() {
            if let Some(line) = driver.noise().first() {
                return Err(format!("{} said what is no reply: {line}", driver.actor()));
            }
        }
        if self.run.case.leaves_locks {
            Ok(())
        } else {
            self.nothing_left()
        }
    }

    fn nothing_left(&self) -> Result<(), String> {
        let left = self.world.leftovers(TIDY);
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("left on the servers: {left:?}"))
        }
    }

    fn driver(&self, actor: &str) -> Result<Arc<Driver>, String> {
        self.drivers
            .get(actor)
            .cloned()
            .ok_or_else(|| format!("{actor} is nobody"))
    }
}

fn fits(what: &str, expected: &Value, said: &Value) -> Result<(), String> {
    let found = differences(expected, said);
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("{what}: {}; it said {said}", found.join("; ")))
    }
}

fn as_word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
