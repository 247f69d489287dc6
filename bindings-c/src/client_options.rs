//! A client's options.

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use engine::{ClientBuilder, Error, Fencing, RestartGuard, span_from_ms};

use crate::client::{EventCallback, EventSink};
use crate::outs::{Versioned, size_given};
use crate::report::Report;
use crate::text::optional;

/// `QUORLOCK_UNSET`: a number that no option can have, so that 0 and every negative number that C
/// converts by itself stay what they are: values out of bounds, and an error.
pub(crate) const UNSET: u64 = 1 << 63;
/// `QUORLOCK_UNSET_FLAG`.
const UNSET_FLAG: i32 = -1;

/// Options of a client. Start from `QUORLOCK_CLIENT_OPTIONS_INIT`, which leaves all of them unset;
/// NULL means the same as that. Texts are copied; they need not outlive the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ClientOptions {
    /// `sizeof(quorlock_client_options)`, set by the `_INIT` macro.
    pub size: usize,
    /// How long a lease lives without renewal: 10 ms to 24 h, 10 s by default.
    pub ttl_ms: u64,
    /// How long `acquire` waits at most: 30 s by default.
    pub wait_ms: u64,
    /// How long a lease may be held in all, renewals included: 1 h by default.
    pub hold_ms_max: u64,
    /// How often a lease may be renewed: 100,000 times by default.
    pub renewals_max: u64,
    /// How long one node may take to answer: the smaller of 50 ms and a tenth of the ttl by
    /// default.
    pub node_timeout_ms: u64,
    /// How long each phase of making a connection may take: 1 s by default.
    pub connect_timeout_ms: u64,
    /// How long the nodes remember that a ticket's work is done: 1 h by default.
    pub ticket_retention_ms: u64,
    /// The most calls of this client that may wait at once: 10,000 by default and at most.
    pub waiters_max: u64,
    /// Whether leases are renewed in the background: 1 (default) or 0.
    pub renew: i32,
    /// One of `QUORLOCK_FENCING_AUTO` (default), `_REQUIRED` and `_OFF`.
    pub fencing: i32,
    /// 0 switches the checks of certificates off, and each connection logs a warning; 1 by default.
    pub tls_verify: i32,
    /// One of `QUORLOCK_GUARD_AUTO` (default: with three nodes or more), `_ON` and `_OFF`: whether a
    /// node that came back without its data is kept from voting until it is safe.
    pub restart_guard: i32,
    /// What every key begins with; NULL for nothing. At most 256 bytes, no `{` or `}`.
    pub key_prefix: *const c_char,
    /// Free text that `inspect` shows beside host, process and language of a holder; NULL for none.
    pub owner: *const c_char,
    /// Certificates to trust for `rediss://`, in PEM, beside the built-in roots; NULL for none.
    pub tls_ca_pem: *const c_char,
    /// Told of everything that happens to this client's locks; NULL for nobody.
    pub on_event: EventCallback,
    /// Handed to `on_event` as it is.
    pub event_data: *mut c_void,
    /// 0 lets a cluster wait for the longest ttl of which every node answers and none has ever been
    /// used; by default, 1, it may be used at once.
    pub assume_fresh: i32,
    /// Unused, 0.
    pub reserved: i32,
}

// SAFETY: `repr(C)`, `size` first, integers, pointers and an optional function.
unsafe impl Versioned for ClientOptions {
    const SIZE_MIN: usize = offset_of!(Self, assume_fresh);
}

impl ClientOptions {
    /// Nothing set.
    const UNSET: Self = ClientOptions {
        size: size_of::<Self>(),
        ttl_ms: UNSET,
        wait_ms: UNSET,
        hold_ms_max: UNSET,
        renewals_max: UNSET,
        node_timeout_ms: UNSET,
        connect_timeout_ms: UNSET,
        ticket_retention_ms: UNSET,
        waiters_max: UNSET,
        renew: UNSET_FLAG,
        fencing: UNSET_FLAG,
        tls_verify: UNSET_FLAG,
        restart_guard: 0,
        key_prefix: ptr::null(),
        owner: ptr::null(),
        tls_ca_pem: ptr::null(),
        on_event: None,
        event_data: ptr::null_mut(),
        assume_fresh: UNSET_FLAG,
        reserved: 0,
    };

    /// What the caller set, over nothing set.
    ///
    /// # Safety
    /// `place` is NULL, or its first field holds the number of bytes that can be read there; texts
    /// in it are NUL-terminated.
    pub(crate) unsafe fn read(place: *const Self) -> Result<Self, Box<Report>> {
        let mut given = MaybeUninit::new(Self::UNSET);
        if !place.is_null() {
            // SAFETY: the caller's promise; `size` is at most the size of the struct, and what lies
            // beyond it stays unset.
            unsafe {
                let size = size_given("options", place)?;
                ptr::copy_nonoverlapping(place.cast::<u8>(), given.as_mut_ptr().cast::<u8>(), size);
            }
        }
        // SAFETY: made of a whole value, over which bytes of another were copied.
        Ok(unsafe { given.assume_init() })
    }

    /// The engine's builder with what is set here, and where its events go.
    ///
    /// # Safety
    /// The texts are NULL or NUL-terminated.
    pub(crate) unsafe fn builder(
        &self,
    ) -> Result<(ClientBuilder, Option<Arc<EventSink>>), Box<Report>> {
        let mut builder = engine::Client::builder().language("c");
        type Setter = fn(ClientBuilder, Duration) -> ClientBuilder;
        let spans: [(&'static str, u64, Setter); 6] = [
            ("ttl_ms", self.ttl_ms, ClientBuilder::ttl),
            ("wait_ms", self.wait_ms, ClientBuilder::wait),
            ("hold_ms_max", self.hold_ms_max, ClientBuilder::hold_max),
            (
                "node_timeout_ms",
                self.node_timeout_ms,
                ClientBuilder::node_timeout,
            ),
            (
                "connect_timeout_ms",
                self.connect_timeout_ms,
                ClientBuilder::connect_timeout,
            ),
            (
                "ticket_retention_ms",
                self.ticket_retention_ms,
                ClientBuilder::ticket_retention,
            ),
        ];
        for (field, ms, set) in spans {
            if ms != UNSET {
                builder = set(builder, span_from_ms(field, ms as f64)?);
            }
        }
        if self.renewals_max != UNSET {
            builder = builder.renewals_max(count("renewals_max", self.renewals_max)?);
        }
        if self.waiters_max != UNSET {
            builder = builder.waiters_max(count("waiters_max", self.waiters_max)?);
        }
        if let Some(renew) = flag_given("renew", self.renew)? {
            builder = builder.renew(renew);
        }
        if let Some(verify) = flag_given("tls_verify", self.tls_verify)? {
            builder = builder.tls_verify(verify);
        }
        if let Some(assume) = flag_given("assume_fresh", self.assume_fresh)? {
            builder = builder.assume_fresh(assume);
        }
        builder = builder.restart_guard(match self.restart_guard {
            0 => RestartGuard::Auto,
            1 => RestartGuard::On,
            2 => RestartGuard::Off,
            _ => {
                let message = "must be QUORLOCK_GUARD_AUTO, _ON or _OFF";
                return Err(Report::misuse("restart_guard", message));
            }
        });
        match self.fencing {
            UNSET_FLAG => {}
            0 => builder = builder.fencing(Fencing::Auto),
            1 => builder = builder.fencing(Fencing::Required),
            2 => builder = builder.fencing(Fencing::Off),
            _ => {
                let message = "must be QUORLOCK_FENCING_AUTO, _REQUIRED or _OFF";
                return Err(Report::misuse("fencing", message));
            }
        }
        // SAFETY: the caller's promise, handed on.
        let texts = unsafe {
            (
                optional("key_prefix", self.key_prefix)?,
                optional("owner", self.owner)?,
                optional("tls_ca_pem", self.tls_ca_pem)?,
            )
        };
        if let Some(prefix) = texts.0 {
            builder = builder.key_prefix(prefix);
        }
        if let Some(owner) = texts.1 {
            builder = builder.owner(owner);
        }
        if let Some(pem) = texts.2 {
            builder = builder.tls_ca_pem(pem);
        }
        let Some(on_event) = self.on_event else {
            return Ok((builder, None));
        };
        let sink = Arc::new(EventSink::new(on_event, self.event_data));
        let told = Arc::clone(&sink);
        Ok((builder.on_event(move |event| told.tell(event)), Some(sink)))
    }
}

/// A yes or no of the caller: `None` where it is unset.
pub(crate) fn flag_given(field: &'static str, flag: i32) -> Result<Option<bool>, Box<Report>> {
    match flag {
        UNSET_FLAG => Ok(None),
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        _ => {
            let message = "must be 0, 1 or QUORLOCK_UNSET_FLAG";
            Err(Report::misuse(field, message))
        }
    }
}

/// A number that the engine keeps in fewer bits.
fn count<T: TryFrom<u64>>(field: &'static str, number: u64) -> Result<T, Box<Report>> {
    T::try_from(number).map_err(|_| Error::invalid(field, "is too large").into())
}
