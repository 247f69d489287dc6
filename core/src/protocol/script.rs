//! The Lua scripts, by name and digest.

use std::sync::LazyLock;

/// A script: the text a server runs and the digest it is called by.
pub struct Script {
    name: &'static str,
    body: &'static str,
    digest: LazyLock<String>,
}

/// Declares the scripts, each behind the shared functions of `lib.lua`, and of one more file where it
/// is `beside` that. Where a common case needs none of them it stands before or alone: a server makes a
/// script's functions anew at every call.
macro_rules! scripts {
    (@body $file:literal alone) => { include_str!($file) };
    (@body $file:literal) => { concat!(include_str!("scripts/lib.lua"), include_str!($file)) };
    (@body $file:literal after $common:literal) => {
        concat!(include_str!($common), include_str!("scripts/lib.lua"), include_str!($file))
    };
    (@body $file:literal beside $more:literal) => {
        concat!(include_str!("scripts/lib.lua"), include_str!($more), include_str!($file))
    };
    (@body $file:literal beside $more:literal after $common:literal) => {
        concat!(
            include_str!($common),
            include_str!("scripts/lib.lua"),
            include_str!($more),
            include_str!($file)
        )
    };
    ($( $(#[$doc:meta])* $name:ident = $file:literal $($how:ident $($common:literal)?)*; )*) => { $(
        $(#[$doc])*
        pub(crate) static $name: Script = {
            const BODY: &str = scripts!(@body $file $($how $($common)?)*);
            Script { name: $file, body: BODY, digest: LazyLock::new(|| sha1_smol::Sha1::from(BODY).hexdigest()) }
        };
    )* };
}

scripts! {
    /// Takes the lock on one node.
    ACQUIRE = "scripts/acquire.lua" after "scripts/acquire_free.lua";
    /// Stands in the queue and takes the lock when first.
    POLL = "scripts/poll.lua";
    /// Leaves the queue.
    LEAVE = "scripts/leave.lua";
    /// Gives the lock back.
    RELEASE = "scripts/release.lua" after "scripts/release_own.lua";
    /// Gives the lock back where that is all.
    DELETE = "scripts/delete.lua" alone;
    /// Renews many leases.
    EXTEND = "scripts/extend.lua";
    /// Writes a fencing token back.
    RAISE = "scripts/raise.lua";
    /// Takes a lease over.
    ADOPT = "scripts/adopt.lua";
    /// Takes an adoption back.
    UNADOPT = "scripts/unadopt.lua";
    /// Shows a resource.
    INSPECT = "scripts/inspect.lua";
    /// Takes several locks on one node.
    ACQUIRE_SEVERAL = "scripts/acquire_several.lua" beside "scripts/several.lua" after "scripts/acquire_several_free.lua";
    /// Stands in the queue of one of several names and takes all when first.
    POLL_SEVERAL = "scripts/poll_several.lua" beside "scripts/several.lua";
    /// Stands in the queue of a semaphore and takes slots when it is its turn.
    POLL_SLOTS = "scripts/poll_slots.lua" beside "scripts/several.lua";
    /// Gives several locks back.
    RELEASE_SEVERAL = "scripts/release_several.lua" after "scripts/release_several_own.lua";
    /// Writes a fencing token back for several locks.
    RAISE_SEVERAL = "scripts/raise_several.lua" beside "scripts/several.lua";
    /// Takes several leases over.
    ADOPT_SEVERAL = "scripts/adopt_several.lua" beside "scripts/several.lua";
    /// Takes an adoption of several leases back.
    UNADOPT_SEVERAL = "scripts/unadopt_several.lua" alone;
    /// Shows the slots of a semaphore.
    INSPECT_SLOTS = "scripts/inspect_slots.lua" alone;
    /// Keeps the marker of a node.
    MARKER = "scripts/marker.lua" alone;
    /// Takes a place in a read/write lock.
    SHARED_CLAIM = "scripts/shared_claim.lua" beside "scripts/shared.lua";
    /// Gives a place in a read/write lock back.
    SHARED_RELEASE = "scripts/shared_release.lua" beside "scripts/shared.lua";
    /// Renews places in read/write locks.
    SHARED_EXTEND = "scripts/shared_extend.lua" beside "scripts/shared.lua";
    /// Makes an owner weaker.
    SHARED_SHIFT = "scripts/shared_shift.lua" beside "scripts/shared.lua";
    /// Writes a fencing token back for an owner in a read/write lock.
    SHARED_RAISE = "scripts/shared_raise.lua" beside "scripts/shared.lua";
    /// Stands among the waiting writers.
    SHARED_INTEND = "scripts/shared_intend.lua" beside "scripts/shared.lua";
    /// Stops waiting for a read/write lock.
    SHARED_LEAVE = "scripts/shared_leave.lua" beside "scripts/shared.lua";
    /// Takes over a place in a read/write lock.
    SHARED_ADOPT = "scripts/shared_adopt.lua" beside "scripts/shared.lua";
    /// Takes such an adoption back.
    SHARED_UNADOPT = "scripts/shared_unadopt.lua" beside "scripts/shared.lua";
    /// Shows a read/write lock.
    SHARED_INSPECT = "scripts/shared_inspect.lua" beside "scripts/shared.lua";
    /// Asks what this user may do.
    PROBE = "scripts/probe.lua" alone;
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Script {
    /// The file's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The text.
    pub fn body(&self) -> &'static str {
        self.body
    }

    /// The SHA-1 digest in hex, as `EVALSHA` takes it.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}
