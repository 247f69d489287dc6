//! What a client counts of its own work.

use crate::boundary::boundary;
use crate::client::{ClientHandle, client_of};
use crate::client_options::UNSET;
use crate::outs::{OutStruct, Versioned};
use crate::status::Status;
use crate::text::micros;

/// What one client did since it was made, in this process. Set `size` with `QUORLOCK_STATS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct StatsGiven {
    /// `sizeof(quorlock_stats)`.
    pub size: usize,
    /// Locks won by `acquire` and `try_acquire`.
    pub acquired: u64,
    /// Tries that found somebody else holding the lock.
    pub contended: u64,
    /// Calls that ended with an error.
    pub failed: u64,
    /// Renewals confirmed by a majority.
    pub renewed: u64,
    /// Leases lost.
    pub lost: u64,
    /// Locks given back.
    pub released: u64,
    /// Locks handed over as tickets.
    pub detached: u64,
    /// Locks taken over by tickets.
    pub adopted: u64,
    /// Nodes that could not serve their part of a failed call.
    pub node_faults: u64,
    /// Rounds it took to win, in all.
    pub rounds: u64,
    /// Time from the call to the lock, over all locks won.
    pub waited_us: u64,
    /// Time locks were held, over all given back.
    pub held_us: u64,
    /// The least validity that was left when a renewal was confirmed; `QUORLOCK_UNSET` before the
    /// first.
    pub renewal_margin_min_us: u64,
}

// SAFETY: `repr(C)`, `size` first, integers.
unsafe impl Versioned for StatsGiven {
    const SIZE_MIN: usize = size_of::<Self>();
}

/// What this client did so far, in this process. Local, no I/O.
///
/// `QUORLOCK_CLOSED`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_client_stats(
    client: *const ClientHandle,
    stats_out: *mut StatsGiven,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("stats_out", stats_out) };
    boundary(out, |out| {
        let stats = client_of(client)?.client.stats()?;
        out.set(StatsGiven {
            size: size_of::<StatsGiven>(),
            acquired: stats.acquired,
            contended: stats.contended,
            failed: stats.failed,
            renewed: stats.renewed,
            lost: stats.lost,
            released: stats.released,
            detached: stats.detached,
            adopted: stats.adopted,
            node_faults: stats.node_faults,
            rounds: stats.rounds,
            waited_us: micros(stats.waited),
            held_us: micros(stats.held),
            renewal_margin_min_us: stats.renewal_margin_min.map_or(UNSET, micros),
        });
        Ok(())
    })
}
