//! The tables of `tests/vectors`, put to a driver: the same answers in every language.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::driver::Driver;
use crate::player::root;

/// The node of these clients: in the driver's own process, so that nothing but the binding is looked at.
const NODE: &str = "memory://vectors";

/// Every row of a file; an error that lists those that were answered otherwise.
pub(crate) fn play(driver: &Driver, file: &str) -> Result<(), String> {
    let path = root().join("tests/vectors").join(file);
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let tables: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let rows = tables["rows"].as_array().ok_or("no rows")?;
    let mut session = Session {
        driver,
        clients: BTreeSet::new(),
    };
    let (mut wrong, mut excused) = (Vec::new(), BTreeSet::new());
    for row in rows {
        let case = format!("{file}: {}", row["case"].as_str().unwrap_or_default());
        if driver.player.cannot.contains(&case) {
            excused.insert(case);
            continue;
        }
        let done = match file {
            "inputs.json" => session.input(row),
            "tickets.json" => session.ticket(row),
            "names.json" => session.name(row),
            _ => return Err(format!("{file} has no calls")),
        };
        if let Err(difference) = done {
            wrong.push(format!("{case}: {difference}"));
        }
    }
    for client in session.clients {
        driver.ask(
            "close",
            Map::from_iter([
                ("client".to_owned(), client.into()),
                ("limit_ms".to_owned(), json!(1000)),
            ]),
        )?;
    }
    let unused = driver
        .player
        .cannot
        .iter()
        .filter(|case| case.starts_with(file) && !excused.contains(*case));
    wrong.extend(unused.map(|case| format!("{case}: there is no such row")));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} of {} rows are answered otherwise:\n  {}",
        wrong.len(),
        rows.len(),
        wrong.join("\n  ")
    ))
}

struct Session<'a> {
    driver: &'a Driver,
    /// Clients that are connected, named by their options.
    clients: BTreeSet<String>,
}

impl Session<'_> {
    fn input(&mut self, row: &Value) -> Result<(), String> {
        let mut fields = row["with"].as_object().cloned().unwrap_or_default();
        let call = row["call"].as_str().unwrap_or_default();
        match call {
            "ticket" => {}
            "connect" => {
                fields.insert("client".to_owned(), "refused".into());
            }
            _ => {
                let client = self.client(row.get("client").unwrap_or(&json!({})))?;
                if call == "detach" {
                    self.acquire(&client, "to detach")?;
                } else {
                    fields.insert("client".to_owned(), client.into());
                }
                if call != "inspect" {
                    fields.insert("guard".to_owned(), "guard".into());
                }
            }
        }
        let reply = self.driver.ask(call, fields)?.result;
        if call == "detach" {
            self.driver.ask("release", named("guard", "guard"))?;
        }
        refused_as(row, reply)
    }

    fn ticket(&self, row: &Value) -> Result<(), String> {
        let reply = self.driver.ask(
            "ticket",
            named("ticket", row["text"].as_str().unwrap_or_default()),
        )?;
        if row.get("code").is_some() {
            return refused_as(row, reply.result);
        }
        let said = reply.result.map_err(|error| format!("failed: {error}"))?;
        for field in ["id", "resource", "ttl_ms", "fencing_token"] {
            if said[field] != row[field] {
                return Err(format!(
                    "{field} should be {}, is {}",
                    row[field], said[field]
                ));
            }
        }
        Ok(())
    }

    fn name(&mut self, row: &Value) -> Result<(), String> {
        let client = self.client(&json!({ "key_prefix": row["prefix"] }))?;
        let name = row["name"].as_str().unwrap_or_default();
        if row.get("code").is_some() {
            let reply = self.driver.ask("try_acquire", lock(&client, name))?;
            return refused_as(row, reply.result);
        }
        let guard = self.acquire(&client, name)?;
        self.driver.ask("release", named("guard", "guard"))?;
        if guard["resource"] == row["name"] {
            Ok(())
        } else {
            Err(format!("the guard is for {}", guard["resource"]))
        }
    }

    fn acquire(&self, client: &str, name: &str) -> Result<Value, String> {
        let reply = self.driver.ask("try_acquire", lock(client, name))?;
        let guard = reply.result.map_err(|error| format!("failed: {error}"))?;
        if guard.is_null() {
            Err("somebody else has it".to_owned())
        } else {
            Ok(guard)
        }
    }

    fn client(&mut self, options: &Value) -> Result<String, String> {
        let name = options.to_string();
        if self.clients.insert(name.clone()) {
            let mut fields = named("client", &name);
            fields.insert("nodes".to_owned(), json!([NODE]));
            fields.insert("options".to_owned(), options.clone());
            let connected = self.driver.ask("connect", fields)?;
            connected
                .result
                .map_err(|error| format!("connect failed: {error}"))?;
        }
        Ok(name)
    }
}

fn refused_as(row: &Value, reply: Result<Value, Value>) -> Result<(), String> {
    match reply {
        Ok(said) => Err(format!(
            "should fail with {} at {}, gave {said}",
            row["code"], row["field"]
        )),
        Err(error) if error["code"] == row["code"] && error["field"] == row["field"] => Ok(()),
        Err(error) => Err(format!(
            "should fail with {} at {}, failed with {error}",
            row["code"], row["field"]
        )),
    }
}

fn lock(client: &str, resource: &str) -> Map<String, Value> {
    let mut fields = named("client", client);
    fields.insert("resource".to_owned(), resource.into());
    fields.insert("guard".to_owned(), "guard".into());
    fields
}

fn named(field: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(field.to_owned(), value.into())])
}
