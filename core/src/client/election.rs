//! A leader for as long as it lives: campaigns in the background, and hands over when it goes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::client::candidate::{Candidate, campaign};
use crate::client::pending::{Pending, forked};
use crate::client::{Client, Guard};
use crate::config::{AcquireOptions, FencingToken, Keys};
use crate::error::{Error, ErrorKind, Result};
use crate::quorum::Released;

/// A candidate for the leadership of one name, over all processes that use the same nodes.
///
/// From [`Client::elect`] on it campaigns in the background: it waits in the queue of the mutex of that
/// name, holds it for as long as this value lives, and campaigns again where it was lost. Dropping it,
/// [`Election::resign`] and closing the client hand over at once.
///
/// The limits of ordinary locks on hold time and renewals do not end a leadership. Where the options name
/// a `hold_max`, each tenure ends there, and the next candidate in the queue has its turn.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// let client = quorlock::Client::connect(["memory://elect-doc"])?;
/// let election = client.elect("scheduler", ())?;
/// let tenure = election.won().await?;
/// assert!(election.is_leader());
/// // … lead, with tenure.check() before each step, until tenure.lost() …
/// assert_eq!(election.leader().await?.is_some(), true);
/// election.resign().await?;
/// assert!(!election.is_leader() && !tenure.is_held());
/// # Ok::<(), quorlock::Error>(())
/// # }).unwrap();
/// ```
///
/// *Threads*: all methods may be called from any thread. *Fork*: in a forked child it is inert: it does
/// not lead there, and neither campaigns nor resigns for the parent.
pub struct Election {
    client: Client,
    candidate: Arc<Candidate>,
}

impl Election {
    /// Begins to campaign.
    pub(crate) fn begin(client: &Client, name: &str, options: &AcquireOptions) -> Result<Self> {
        let ready = || {
            let settings = client.settings();
            let keys = Keys::new(&settings.key_prefix, name)?;
            let terms = options.resolve_tenure(settings)?;
            Ok((client.engine()?, keys, terms))
        };
        let sign = |error: Error| error.with_operation("elect").with_resource(name);
        let (engine, keys, terms) = ready().map_err(sign)?;
        let candidate = Candidate::new(Arc::clone(&engine), keys, terms);
        candidate.campaigns(engine.run(campaign(Arc::clone(&candidate))));
        Ok(Election {
            client: client.clone(),
            candidate,
        })
    }

    /// The name that is led.
    pub fn name(&self) -> &str {
        self.candidate.keys.name()
    }

    /// True where this candidate leads at this moment. Local, no I/O, well under a microsecond; it tells
    /// the truth also after the process was paused.
    pub fn is_leader(&self) -> bool {
        !self.is_elsewhere() && self.candidate.is_leader()
    }

    /// The fencing token of the present tenure, larger than that of every earlier one: hand it to every
    /// store you write to. `None` where this candidate does not lead, or tokens are not to be had.
    pub fn fencing_token(&self) -> Option<FencingToken> {
        if self.is_elsewhere() {
            return None;
        }
        self.candidate.fencing_token()
    }

    /// Waits until this candidate leads, for as long as that takes, and gives a guard of the tenure.
    ///
    /// The guard tells whether the tenure lasts, hears of its end ([`Guard::lost`]), and has its fencing
    /// token. Releasing or dropping it does not end the tenure, and it cannot be handed over. Called
    /// again in the same tenure, it gives one more guard of it.
    ///
    /// # Errors
    /// `NotHeld` once resigned, `Closed`, `Forked`. Servers out of reach are no error here: the candidate
    /// goes on, and [`Election::trouble`] tells.
    pub async fn won(&self) -> Result<Guard> {
        self.start_won(None).await
    }

    /// Like [`Election::won`], for `limit` at most.
    ///
    /// # Errors
    /// As there, and `Timeout`.
    pub async fn won_within(&self, limit: Duration) -> Result<Guard> {
        self.start_won(Some(limit)).await
    }

    /// Begins [`Election::won`], or [`Election::won_within`] where a limit is given.
    pub fn start_won(&self, limit: Option<Duration>) -> Pending<Guard> {
        if self.is_elsewhere() {
            return Pending::ready(Err(forked()));
        }
        let candidate = Arc::clone(&self.candidate);
        self.candidate.engine.run(async move {
            let won = match limit {
                None => candidate.won().await,
                Some(limit) => timeout(limit, candidate.won()).await.unwrap_or_else(|_| {
                    let message = format!("not elected within {} ms", limit.as_millis());
                    Err(Error::new(ErrorKind::Timeout, message))
                }),
            };
            won.map_err(|error| candidate.sign(error, "won"))
        })
    }

    /// Who leads, as it labelled itself: `host/pid/language/text`; `None` where nobody does. Asks the
    /// nodes, and is an answer about the past.
    ///
    /// # Errors
    /// `QuorumUnavailable` where too few nodes answered, `Closed`.
    pub async fn leader(&self) -> Result<Option<String>> {
        self.start_leader().await
    }

    /// Begins [`Election::leader`].
    pub fn start_leader(&self) -> Pending<Option<String>> {
        if self.is_elsewhere() {
            return Pending::ready(Err(forked()));
        }
        let inspecting = self.client.start_inspect(self.name());
        let candidate = Arc::clone(&self.candidate);
        self.candidate.engine.run(async move {
            let seen = inspecting.await?;
            let answered = seen.nodes.iter().filter(|node| node.fault.is_none());
            if answered.count() < seen.quorum {
                let message = "too few nodes could tell who leads";
                let error = Error::new(ErrorKind::QuorumUnavailable, message);
                return Err(candidate.sign(error, "leader"));
            }
            Ok(seen.holder)
        })
    }

    /// Why the last attempt to be elected failed, if it did: servers out of reach, say. The candidate goes
    /// on by itself. `None` once it leads. Local.
    pub fn trouble(&self) -> Option<Error> {
        if self.is_elsewhere() {
            return None;
        }
        self.candidate.trouble()
    }

    /// Stops being a candidate, and hands over at once where this one leads; the tenure's guards hear
    /// `Loss::Resigned`. It may be called again. Cancelled, it goes on.
    ///
    /// # Errors
    /// `Forked`. Where there was nothing to give back the result is `AlreadyExpired`.
    pub async fn resign(&self) -> Result<Released> {
        self.start_resign().await
    }

    /// Begins [`Election::resign`].
    pub fn start_resign(&self) -> Pending<Released> {
        if self.is_elsewhere() {
            return Pending::ready(Err(forked()));
        }
        self.candidate.resign()
    }

    fn is_elsewhere(&self) -> bool {
        self.candidate.engine.pid != std::process::id()
    }
}

impl Drop for Election {
    fn drop(&mut self) {
        if self.is_elsewhere() {
            // The parent's: its locks may be held by threads that do not exist here.
            std::mem::forget(Arc::clone(&self.candidate));
            return;
        }
        self.candidate.resign_in_background();
    }
}

impl fmt::Debug for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Election")
            .field("name", &self.name())
            .field("is_leader", &self.is_leader())
            .finish_non_exhaustive()
    }
}
