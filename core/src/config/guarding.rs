//! Whether nodes that lost their data are kept from voting.

use std::str::FromStr;

use crate::error::{Error, words};

/// Whether a node that came back without its data is kept from voting until no lease from before can be
/// valid any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartGuard {
    /// With three nodes or more: with fewer, a restarted node would stop the service.
    #[default]
    Auto,
    /// With any number of nodes.
    On,
    /// Never: a restarted node votes at once, and may let a second holder in.
    Off,
}

impl RestartGuard {
    words! {
        /// The word for it in options.
        self;
        RestartGuard::Auto => "auto",
        RestartGuard::On => "on",
        RestartGuard::Off => "off",
    }

    /// Whether it is on for so many nodes.
    pub const fn is_on(self, nodes: usize) -> bool {
        match self {
            RestartGuard::Auto => nodes >= 3,
            RestartGuard::On => true,
            RestartGuard::Off => false,
        }
    }
}

impl FromStr for RestartGuard {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let all = [RestartGuard::Auto, RestartGuard::On, RestartGuard::Off];
        let found = all.into_iter().find(|guard| guard.name() == word);
        found.ok_or_else(|| Error::invalid("restart_guard", "must be auto, on or off"))
    }
}
