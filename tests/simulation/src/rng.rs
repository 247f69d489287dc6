//! Seeded randomness: the only source of chance in a run.

use std::sync::{Mutex, PoisonError};

use quorlock::testing::config::Entropy;

/// A range with both ends in it.
pub type Span = (u64, u64);

/// SplitMix64: small, fast, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The stream numbered `stream` of `seed`; streams do not disturb each other.
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut rng = Rng(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        // Neighbouring seeds differ in few bits; two steps spread them.
        rng.draw();
        rng.draw();
        rng
    }

    /// Sixty-four random bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.draw() % limit }
    }

    /// An index below `limit`.
    pub fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap_or(0)
    }

    /// A number of the span.
    pub fn within(&mut self, (low, high): Span) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True with `per_mille` chances in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// True with `per_myriad` chances in ten thousand.
    pub fn rarely(&mut self, per_myriad: u64) -> bool {
        per_myriad > 0 && self.below(10_000) < per_myriad
    }
}

/// One client's randomness.
pub struct SeededEntropy(Mutex<Rng>);

impl SeededEntropy {
    /// Randomness from a stream.
    pub fn new(rng: Rng) -> Self {
        SeededEntropy(Mutex::new(rng))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            let drawn = rng.draw().to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}
