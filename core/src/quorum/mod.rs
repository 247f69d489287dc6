//! Majorities: one round over all nodes, what its votes mean, and the cleaning up after it. Knows
//! neither Redis nor key formats; starts no task but through [`Spawn`].

mod admission;
mod adopt;
mod approach;
mod ballot;
mod busy;
mod claim;
mod crowd;
mod extend;
mod fence;
mod fleet;
mod lease;
mod proposals;
mod recall;
mod release;
mod round;
mod slots;
mod sweep;
mod tally;
mod warden;

pub use adopt::{NotAdopted, Rejection, adopt};
pub use approach::{Approach, NotWon};
pub use ballot::{Why, Won};
pub use busy::{Busy, Work};
pub use claim::{Bid, claim};
pub use crowd::Crowd;
pub use extend::Extension;
pub use fleet::{Fleet, Spawn, Task};
pub use lease::{LeaseState, Loss, Renewed, Standing, Votes};
pub use proposals::Proposals;
pub use recall::{NotKnown, recall};
pub use release::{Held, Released, outcome, shift, start_release};
pub use round::{Next, Round, Sent};
pub use sweep::Sweep;
pub use tally::{Defeat, Tally, Verdict, Vote};
pub use warden::{Change, watch};
