//! Exit codes: the same for every subcommand, and away from those that commands use for themselves.

/// Everything went well; `run` passes the command's own code on instead.
pub(crate) const OK: u8 = 0;
/// An argument or the configuration is wrong; nothing was locked.
pub(crate) const USAGE: u8 = 2;
/// Too few nodes answered to know anything.
pub(crate) const NO_QUORUM: u8 = 69;
/// Something unexpected: the system refused, or Quorlock has a bug.
pub(crate) const INTERNAL: u8 = 70;
/// Somebody else has the lock, for all of `--wait`.
pub(crate) const NOT_ACQUIRED: u8 = 75;
/// The ticket is used up, in use, or has run out.
pub(crate) const TICKET_REFUSED: u8 = 77;
/// The lock was lost while the command ran.
pub(crate) const LOST: u8 = 80;
/// The command cannot be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub(crate) const NOT_FOUND: u8 = 127;
/// A signal ended it: this and the signal's number.
pub(crate) const SIGNALLED: u8 = 128;
