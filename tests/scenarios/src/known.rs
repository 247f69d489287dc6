//! Failures that are known: `known-failures.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Runs by name, each with the reason why it fails.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    #[serde(default)]
    failures: BTreeMap<String, String>,
}

impl Known {
    pub(crate) fn read(path: &Path) -> Result<Known, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Why a run counts as failed: it failed and is not listed, or it is listed and passed.
    pub(crate) fn judge(&self, name: &str, failure: Option<&str>) -> Option<String> {
        match (self.failures.get(name), failure) {
            (None, failure) => failure.map(str::to_owned),
            (Some(_), Some(_)) => None,
            (Some(reason), None) => Some(format!(
                "passes, but is listed as known to fail ({reason}): take it off the list"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_failure_that_passes_is_a_failure() {
        let known: Known = toml::from_str("[failures]\n'a × c' = 'no queue'").expect("valid");
        assert_eq!(known.judge("a × c", Some("x")), None);
        assert!(
            known
                .judge("a × c", None)
                .expect("a failure")
                .contains("no queue")
        );
        assert_eq!(known.judge("b × c", Some("x")).as_deref(), Some("x"));
        assert_eq!(known.judge("b × c", None), None);
    }
}
