//! Tickets: the right to a lock, as text that travels inside a job.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use engine::{FencingToken, Ticket};

use crate::acquire_options::AcquireOptionsGiven;
use crate::boundary::boundary;
use crate::client::{ClientHandle, client_of};
use crate::guard::{GuardHandle, hold};
use crate::handle::{Live, Table};
use crate::outs::{Out, OutStruct, Versioned};
use crate::report::Report;
use crate::status::Status;
use crate::text::{given, millis, owned};
use crate::wait::wait_or_cancel;

/// The right to take over one held lock. Its text is a secret like the lock itself.
///
/// Threads: may be used by any number of threads at once. Fork: good in a child too.
pub struct TicketHandle {
    _opaque: [u8; 0],
}

/// What a ticket says of itself. Set `size` with `QUORLOCK_TICKET_INFO_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TicketInfo {
    /// `sizeof(quorlock_ticket_info)`.
    pub size: usize,
    /// The hand-over's id: safe to log, the same for every delivery of the ticket.
    pub id: *const c_char,
    /// The resource it is for.
    pub resource: *const c_char,
    /// How long it is good for, from when it was made, until somebody adopts it.
    pub ttl_ms: u64,
    /// The fencing token of the lease that was handed over; 0 where it had none.
    pub fencing_token: u64,
}

// SAFETY: `repr(C)`, `size` first, integers and pointers.
unsafe impl Versioned for TicketInfo {
    const SIZE_MIN: usize = size_of::<Self>();
}

static TICKETS: Table<HeldTicket> = Table::new(4);

struct HeldTicket {
    ticket: Ticket,
    id: CString,
    resource: CString,
    text: CString,
}

/// A handle for a ticket.
pub(crate) fn keep(ticket: Ticket) -> Result<*mut TicketHandle, Box<Report>> {
    TICKETS.insert(HeldTicket {
        id: owned(ticket.id()),
        resource: owned(ticket.resource()),
        text: owned(&ticket.encode()),
        ticket,
    })
}

fn ticket_of(handle: *const TicketHandle) -> Result<Arc<Live<HeldTicket>>, Box<Report>> {
    TICKETS.get("ticket", handle)
}

/// Reads a ticket's text, as any language made it. No I/O.
///
/// `QUORLOCK_INVALID_ARGUMENT` says what is wrong with the text without repeating it. Ownership:
/// free the ticket with `quorlock_ticket_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_ticket_decode(
    text: *const c_char,
    ticket_out: *mut *mut TicketHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("ticket_out", ticket_out) };
    boundary(out, |out| {
        // SAFETY: the caller's promise: NULL or a string.
        let ticket = Ticket::decode(unsafe { given("ticket", text) }?)?;
        out.set(keep(ticket)?);
        Ok(())
    })
}

/// The ticket as printable ASCII without spaces or quotes, for a job's data. The text lives until
/// the ticket is freed. No I/O.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_ticket_encode(
    ticket: *const TicketHandle,
    text_out: *mut *const c_char,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("text_out", text_out) };
    boundary(out, |out| {
        out.set(ticket_of(ticket)?.text.as_ptr());
        Ok(())
    })
}

/// What the ticket says of itself. The texts live until the ticket is freed. No I/O.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_ticket_read(
    ticket: *const TicketHandle,
    info_out: *mut TicketInfo,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("info_out", info_out) };
    boundary(out, |out| {
        let held = ticket_of(ticket)?;
        out.set(TicketInfo {
            size: size_of::<TicketInfo>(),
            id: held.id.as_ptr(),
            resource: held.resource.as_ptr(),
            ttl_ms: millis(held.ticket.ttl()),
            fencing_token: held.ticket.fencing_token().map_or(0, FencingToken::get),
        });
        Ok(())
    })
}

/// Takes over the lock that a ticket stands for. Exactly one of all who try wins; renewal and a
/// new, larger fencing token begin with it. The ttl is the ticket's unless the options set one.
/// Waits.
///
/// `QUORLOCK_NOT_HELD` where the ticket is used up, in use, or has run out (the message tells
/// which), `QUORLOCK_QUORUM_UNAVAILABLE`, `QUORLOCK_CONTENDED` (several adopters at once, none won
/// in time), `QUORLOCK_CANCELLED`, `QUORLOCK_CLOSED`. Ownership: free the guard with
/// `quorlock_guard_free`; the ticket stays yours. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_client_adopt(
    client: *const ClientHandle,
    ticket: *const TicketHandle,
    options: *const AcquireOptionsGiven,
    guard_out: *mut *mut GuardHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("guard_out", guard_out) };
    boundary(out, |out| {
        let client = client_of(client)?.client.clone();
        let held = ticket_of(ticket)?;
        // SAFETY: the caller's promise: NULL or a struct of the size it says.
        let (options, canceller) = unsafe { AcquireOptionsGiven::read(options) }?;
        let guard = wait_or_cancel(canceller, || client.start_adopt(&held.ticket, &options))?;
        out.set(hold(guard)?);
        Ok(())
    })
}

/// Frees a ticket; the lock it stands for is not touched. NULL is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_ticket_free(ticket: *mut TicketHandle) -> Status {
    boundary((), |()| TICKETS.remove("ticket", ticket).map(drop))
}
