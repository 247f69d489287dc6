//! What is said to a server and what it says back, as data: commands, Lua scripts, replies. Pure.

mod class;
mod command;
mod encode;
mod marker;
mod parse;
mod reply;
mod request;
mod script;
mod several;
mod shared;
mod shown;
mod speech;
mod wire;

pub use class::classify;
pub use command::{Claim, ClientId, Command, Place, Release, Renewal, Spent, WaiterId, Wake};
#[cfg(feature = "testing")]
pub use encode::encode;
pub use encode::waiter_member;
pub use marker::{Mark, MarkWord, Marker, MarkerState};
pub use parse::{parse, waiter_number};
pub use reply::{
    Counted, Facts, Grant, LeaseWord, Refusal, RefusalKind, ReleaseWord, Reply, Sharer, Sharers,
    SlotView, View,
};
pub use request::Request;
pub(crate) use script::PROBE;
#[cfg(feature = "testing")]
pub use script::Script;
pub use shared::{WaiterKind, shared_member};
pub use speech::{Line, Speech};
pub use wire::{Abilities, CompareDelete, Raw, proposals_max};
