//! The client: connecting, closing, and being told of events.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use engine::{Event, span_from_ms};

use crate::boundary::boundary;
use crate::callback::Door;
use crate::client_options::ClientOptions;
use crate::handle::{Live, Table};
use crate::outs::Out;
use crate::report::Report;
use crate::status::Status;
use crate::text::{given, micros, owned};
use crate::wait::wait;

/// A client of N independent servers.
///
/// Threads: may be used by any number of threads at once. Fork: in a child it works on, with
/// connections of its own.
pub struct ClientHandle {
    _opaque: [u8; 0],
}

static CLIENTS: Table<HeldClient> = Table::new(1);

/// The most nodes read from an array: one more than a client may have, so that the engine sees that
/// there are too many.
const NODES_READ_MAX: usize = 32;

/// What a client handle stands for.
pub(crate) struct HeldClient {
    pub(crate) client: engine::Client,
    sink: Option<Arc<EventSink>>,
}

/// The client of this handle.
pub(crate) fn client_of(handle: *const ClientHandle) -> Result<Arc<Live<HeldClient>>, Box<Report>> {
    CLIENTS.get("client", handle)
}

/// One thing that happened to a lock of a client. The texts live until the callback returns.
#[repr(C)]
pub struct EventGiven {
    /// The size of this struct in the library.
    pub size: usize,
    /// What happened: `acquired`, `contended`, `failed`, `renewed`, `lost`, `released`, `detached`
    /// or `adopted`.
    pub kind: *const c_char,
    /// The resource.
    pub resource: *const c_char,
    /// `failed`: the error's code. `lost`: the reason. `released`: `released`, `already_expired` or
    /// `unknown`. `detached`: the ticket's id. Else empty.
    pub detail: *const c_char,
    /// `acquired`, `adopted`, `failed`: time since the call. `renewed`: validity that was left.
    /// `released`: how long the lock was held. Else 0.
    pub span_us: u64,
    /// Rounds tried; 0 where there are none.
    pub attempts: u32,
}

/// Told of everything that happens to a client's locks.
///
/// It runs on the engine's thread or on a caller's, possibly on several at once; it must be short,
/// must not wait, must not throw or `longjmp`. Functions that do not wait may be called; those that
/// wait return `QUORLOCK_INVALID_ARGUMENT`.
pub type EventCallback =
    Option<unsafe extern "C" fn(event: *const EventGiven, user_data: *mut c_void)>;

/// Where a client's events go.
pub(crate) struct EventSink {
    function: unsafe extern "C" fn(*const EventGiven, *mut c_void),
    user_data: *mut c_void,
    door: Door,
}

// SAFETY: the header says that the callback and its user data are used on other threads, also at
// the same time.
unsafe impl Send for EventSink {}
// SAFETY: as above.
unsafe impl Sync for EventSink {}

impl EventSink {
    pub(crate) fn new(
        function: unsafe extern "C" fn(*const EventGiven, *mut c_void),
        user_data: *mut c_void,
    ) -> Self {
        EventSink {
            function,
            user_data,
            door: Door::new(),
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        let texts = (
            owned(event.kind.name()),
            owned(&event.resource),
            owned(&event.detail),
        );
        let event = EventGiven {
            size: size_of::<EventGiven>(),
            kind: texts.0.as_ptr(),
            resource: texts.1.as_ptr(),
            detail: texts.2.as_ptr(),
            span_us: micros(event.span),
            attempts: event.attempts,
        };
        self.door.pass(|| {
            // SAFETY: the function and its data are good until the client is freed, which shuts the
            // door and waits for this to end.
            unsafe { (self.function)(&raw const event, self.user_data) };
        });
    }
}

/// Makes a client over `node_count` nodes: `redis://`, `rediss://`, `unix://` or `memory://name`
/// URLs. Connections are made in the background; nothing here waits.
///
/// `QUORLOCK_INVALID_CONFIG` names a wrong node as `nodes[i]`, `QUORLOCK_INVALID_ARGUMENT` a wrong
/// option. Ownership: free the client with `quorlock_client_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_client_connect(
    nodes: *const *const c_char,
    node_count: usize,
    options: *const ClientOptions,
    client_out: *mut *mut ClientHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("client_out", client_out) };
    boundary(out, |out| {
        let mut urls = Vec::new();
        if nodes.is_null() && node_count > 0 {
            return Err(Report::misuse("nodes", "must not be NULL"));
        }
        for index in 0..node_count.min(NODES_READ_MAX) {
            // SAFETY: the caller's promise: `node_count` pointers, each NULL or to a string.
            urls.push(unsafe {
                let url = nodes.byte_add(index * size_of::<*const c_char>());
                given(format!("nodes[{index}]"), url.read_unaligned())?
            });
        }
        // SAFETY: the caller's promise: a struct of the size it says, with texts in it.
        let (builder, sink) = unsafe { ClientOptions::read(options)?.builder()? };
        let client = builder.connect(urls)?;
        out.set(CLIENTS.insert(HeldClient { client, sink })?);
        Ok(())
    })
}

/// Closes a client: later calls fail with `QUORLOCK_CLOSED`, every lock of it is released, and what
/// is under way may finish within `limit_ms`. `finished_out` (may be NULL) tells whether all of it
/// did. The handle stays valid until it is freed. Waits.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_client_close(
    client: *const ClientHandle,
    limit_ms: u64,
    finished_out: *mut bool,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::optional("finished_out", finished_out) };
    boundary(out, |out| {
        let limit = span_from_ms("limit_ms", limit_ms as f64)?;
        let client = client_of(client)?.client.clone();
        out.set(wait(|| client.start_close(limit))?);
        Ok(())
    })
}

/// Frees a client. Its guards stay held until each is freed or released; close the client first to
/// release all of them. When this returns, `on_event` is not running and never will again, unless
/// this is called inside a callback: then it may run until that callback returns. NULL is fine.
///
/// Threads: any; calls of other threads that are under way end as if nothing happened.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_client_free(client: *mut ClientHandle) -> Status {
    boundary((), |()| {
        let held = CLIENTS.remove("client", client)?;
        if let Some(sink) = held.as_ref().and_then(|held| held.sink.as_ref()) {
            sink.door.shut();
        }
        Ok(())
    })
}
