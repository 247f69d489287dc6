//! Who can play: the drivers of the languages.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use std::collections::BTreeMap;

/// The languages of the project; one without a driver fails the run.
pub(crate) const LANGUAGES: [&str; 4] = ["rust", "python", "node", "c"];

/// One way to use Quorlock from one language.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    /// Such as `python-async`.
    pub(crate) name: String,
    pub(crate) language: String,
    /// The program and its arguments, from the root of the project.
    pub(crate) command: Vec<String>,
    /// Rows of the vectors that the language cannot express.
    pub(crate) cannot: Vec<String>,
}

/// `drivers/<language>/driver.toml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// What makes the driver and the binding it stands on.
    build: String,
    /// Files that are there once that is done.
    needs: Vec<String>,
    #[serde(default)]
    cannot: Vec<String>,
    players: BTreeMap<String, Vec<String>>,
}

/// The folder of the whole project.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        here.canonicalize().unwrap_or(here)
    })
}

/// Every player that is wanted, in a fixed order; a complaint per driver that is not there.
pub(crate) fn players(wanted: Option<&[String]>) -> (Vec<Player>, Vec<String>) {
    let (mut players, mut missing) = (Vec::new(), Vec::new());
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.iter().any(|want| want == name));
    for language in LANGUAGES {
        let of_language = |name: &str| name.split('-').next() == Some(language);
        let asked = wanted.is_none_or(|wanted| wanted.iter().any(|name| of_language(name)));
        if !asked {
            continue;
        }
        match players_of(language) {
            Ok(found) => {
                players.extend(
                    found
                        .into_iter()
                        .filter(|player| is_wanted(language) || is_wanted(&player.name)),
                );
            }
            Err(complaint) => missing.push(format!("{language}: {complaint}")),
        }
    }
    for name in wanted.unwrap_or_default() {
        let known =
            LANGUAGES.contains(&name.as_str()) || players.iter().any(|player| player.name == *name);
        if !known && missing.is_empty() {
            missing.push(format!("{name}: no such language or player"));
        }
    }
    (players, missing)
}

fn players_of(language: &str) -> Result<Vec<Player>, String> {
    let path = root()
        .join("tests/scenarios/drivers")
        .join(language)
        .join("driver.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("no driver, {}: {error}", path.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for need in &manifest.needs {
        if !root().join(need).exists() {
            return Err(format!(
                "not built, {need} is not there: run `{}`",
                manifest.build
            ));
        }
    }
    let player = |(name, command): (&String, &Vec<String>)| Player {
        name: name.clone(),
        language: language.to_owned(),
        command: command.clone(),
        cannot: manifest.cannot.clone(),
    };
    Ok(manifest.players.iter().map(player).collect())
}
