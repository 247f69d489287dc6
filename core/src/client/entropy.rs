//! Randomness from the operating system, for each use: a generator kept in the process would give
//! parent and child the same owner tokens after a fork.

use crate::config::Entropy;

/// The operating system's randomness.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no owner token is safe, and no smaller answer would be honest.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
