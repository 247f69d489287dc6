//! Tickets: text in JavaScript, read here.

use napi::Either;
use napi_derive::napi;
use quorlock::Ticket;

use crate::failure::Failure;
use crate::guard::number_of;

/// What a ticket says, and its text.
#[napi(object, use_nullable = true)]
pub struct TicketReport {
    pub id: String,
    pub resource: String,
    pub ttl_ms: f64,
    pub fencing_token: Option<f64>,
    pub text: String,
}

impl From<&Ticket> for TicketReport {
    fn from(ticket: &Ticket) -> Self {
        TicketReport {
            id: ticket.id().to_owned(),
            resource: ticket.resource().to_owned(),
            ttl_ms: ticket.ttl().as_secs_f64() * 1e3,
            fencing_token: ticket.fencing_token().map(number_of),
            text: ticket.encode(),
        }
    }
}

/// Reads a ticket's text.
#[napi]
pub fn read_ticket(text: String) -> Either<TicketReport, Failure> {
    match Ticket::decode(&text) {
        Ok(ticket) => Either::A(TicketReport::from(&ticket)),
        Err(error) => Either::B(Failure::from(&error)),
    }
}
