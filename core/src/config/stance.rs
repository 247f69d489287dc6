//! How the holder of a read/write lock stands in it.

use crate::error::words;

/// How a read/write lock is held. Each is stronger than those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// With other readers, and with one upgradeable holder.
    Read,
    /// With readers, without another upgradeable holder or writer. It alone can wait to become a writer.
    Upgradeable,
    /// With nobody else.
    Write,
}

impl Mode {
    words! {
        /// The mode in one stable lower-case word.
        self;
        Mode::Read => "read",
        Mode::Upgradeable => "upgradeable",
        Mode::Write => "write",
    }

    /// Every mode.
    pub(crate) const ALL: [Mode; 3] = [Mode::Read, Mode::Upgradeable, Mode::Write];

    /// The letter that stands for it on a server.
    pub(crate) const fn letter(self) -> &'static str {
        match self {
            Mode::Read => "r",
            Mode::Upgradeable => "u",
            Mode::Write => "w",
        }
    }

    /// The mode of a letter.
    pub(crate) fn of_letter(letter: &[u8]) -> Option<Self> {
        let mut all = Mode::ALL.into_iter();
        all.find(|mode| mode.letter().as_bytes() == letter)
    }
}

/// A mode and the operation of its owner that gave it. A node refuses what is older than what it
/// has heard from that owner, so that a message that comes late or twice undoes nothing newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stance {
    /// How it is held.
    pub mode: Mode,
    /// The owner's operation, counted from 1: claiming or adopting the lock.
    pub op: u64,
}

impl Stance {
    /// The stance a lock is claimed or adopted in.
    pub fn first(mode: Mode) -> Self {
        Stance { mode, op: 1 }
    }
}
