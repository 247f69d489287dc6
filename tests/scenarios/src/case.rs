//! A scenario as it is written: `cases/<name>.toml`.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::step::Step;

/// One scenario.
#[derive(Debug)]
pub(crate) struct Case {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) actors: Vec<String>,
    pub(crate) servers: ServerPlan,
    /// Options of the client that every actor has from the beginning; none where it connects itself.
    pub(crate) client: Option<Map<String, Value>>,
    /// Mixed, it is played by every ordered pair of players and not by a few.
    pub(crate) all_pairs: bool,
    /// Locks may be left on the servers when all drivers have ended.
    pub(crate) leaves_locks: bool,
    pub(crate) steps: Vec<Step>,
}

/// The servers of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerPlan {
    #[serde(default = "ServerPlan::kind")]
    pub(crate) kind: String,
    #[serde(default = "ServerPlan::count")]
    pub(crate) count: usize,
    /// Keeps its data over a restart.
    #[serde(default)]
    pub(crate) durable: bool,
    pub(crate) password: Option<String>,
    /// More lines for the configuration file.
    #[serde(default)]
    pub(crate) config: Vec<String>,
}

impl ServerPlan {
    fn kind() -> String {
        "valkey".to_owned()
    }

    const fn count() -> usize {
        3
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    #[serde(default = "File::one_actor")]
    actors: Vec<String>,
    servers: Option<ServerPlan>,
    client: Option<Map<String, Value>>,
    #[serde(default = "File::yes")]
    connect: bool,
    #[serde(default)]
    all_pairs: bool,
    #[serde(default)]
    leaves_locks: bool,
    steps: Vec<Map<String, Value>>,
}

impl File {
    fn one_actor() -> Vec<String> {
        vec!["one".to_owned()]
    }

    const fn yes() -> bool {
        true
    }
}

impl Case {
    /// Reads one file.
    pub(crate) fn read(path: &Path) -> Result<Case, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Case::parse(name, &text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(name: String, text: &str) -> Result<Case, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let steps = file.steps.into_iter().enumerate().map(|(index, fields)| {
            Step::parse(fields, &file.actors)
                .map_err(|error| format!("step {}: {error}", index + 1))
        });
        let no_lines = || ServerPlan {
            kind: ServerPlan::kind(),
            count: ServerPlan::count(),
            durable: false,
            password: None,
            config: Vec::new(),
        };
        Ok(Case {
            name,
            about: file.about,
            steps: steps.collect::<Result<_, _>>()?,
            servers: file.servers.unwrap_or_else(no_lines),
            client: file.connect.then(|| file.client.unwrap_or_default()),
            all_pairs: file.all_pairs,
            leaves_locks: file.leaves_locks,
            actors: file.actors,
        })
    }

    /// How long it takes at least: the long ones begin first.
    pub(crate) fn least_ms(&self) -> u64 {
        self.steps.iter().map(Step::least_ms).sum()
    }
}

/// All scenarios of a folder, by name.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Case>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_their_step() {
        let wrong = |steps: &str| {
            let text = format!("about = 'x'\nactors = ['a', 'b']\nsteps = [\n{steps}\n]");
            Case::parse("x".to_owned(), &text).expect_err("a mistake")
        };
        assert!(wrong("{ a = 'acquire' },\n{ c = 'release' },").contains("step 2"));
        assert!(wrong("{ a = 'acquire', give = 1 },").contains("give"));
        assert!(wrong("{ a = 'acquire', b = 'release' },").contains("step 1"));
        assert!(wrong("{ a = 'acquire', gives = 1, fails = 'X' },").contains("step 1"));
        assert!(wrong("{ cut = 'some' },").contains("some"));
    }

    #[test]
    fn every_scenario_of_the_project_reads_and_is_in_the_table() {
        let cases =
            read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).expect("readable");
        let readme = include_str!("../README.md");
        for case in &cases {
            let row = format!(
                "| `{}` | {} | {} | ✓ |",
                case.name,
                case.about,
                case.actors.len()
            );
            assert!(readme.contains(&row), "README.md lacks {row}");
        }
        assert_eq!(
            readme.matches("| ✓ |").count(),
            cases.len(),
            "README.md has a row too many"
        );
    }
}
