//! What the caller's side hangs on a client: who is told of its events, and the pulse of its loop.

use std::fmt;
use std::time::Duration;

use crate::client::events::Observer;
use crate::client::pulse::Pulse;

/// The caller's side of a client.
#[derive(Clone, Default)]
pub(crate) struct Host {
    pub(crate) observer: Option<Observer>,
    /// The pulse, and how long it may be silent.
    pub(crate) pulse: Option<(Pulse, Duration)>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("is_observed", &self.observer.is_some())
            .field("pulse", &self.pulse)
            .finish()
    }
}
