//! The line between the engine and callers' own code that it runs.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a caller's own code: an observer, a loss callback, a pulse. Its panic is its own: the panic
/// hook has reported it, and neither a lock nor the engine's thread shall be lost by it.
pub(crate) fn shielded(theirs: impl FnOnce()) {
    // Nothing of ours is borrowed that a panic could leave half done.
    drop(catch_unwind(AssertUnwindSafe(theirs)));
}
