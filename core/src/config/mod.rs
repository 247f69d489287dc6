//! Values with rules: addresses, options, names, tokens, time. No I/O, and no clock is read here.

mod address;
mod bundle;
mod fencing;
mod guarding;
mod moment;
mod name;
mod options;
mod planted;
mod stance;
mod ticket;
mod token;
mod ttl;
mod validity;

pub use address::{NodeAddress, Target};
pub use bundle::PERMITS_MAX;
pub use fencing::{Fencing, FencingToken};
pub use guarding::RestartGuard;
pub use moment::{Clock, Entropy, Moment};
pub use name::{COUNTERS, Keys, marker_key, wake_channel};
pub use options::{AcquireOptions, Settings, Terms, parse_nodes, retention_ms};
pub use planted::{Planted, PlantedBug};
pub use stance::{Mode, Stance};
pub use ticket::{Ticket, TicketId};
pub(crate) use token::random_hex;
pub use token::{OwnerLabel, OwnerToken, is_own_format};
pub use ttl::Ttl;
pub use validity::{deadline, quorum};
