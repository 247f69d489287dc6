//! Building a client: options, then nodes, checked together before any I/O.

use std::sync::Arc;
use std::time::Duration;

use crate::client::host::Host;
use crate::client::{Client, Event, Pulse};
use crate::config::{Fencing, RestartGuard, Settings, Ttl, parse_nodes};
use crate::error::{Error, Result};
use crate::node::check_ca_pem;

/// Options of a [`Client`], with [`ClientBuilder::connect`] at the end. An option out of bounds is
/// reported there, by its name.
///
/// ```
/// use quorlock::Client;
/// use std::time::Duration;
/// let client = Client::builder()
///     .ttl(Duration::from_secs(20))
///     .key_prefix("billing:")
///     .owner("invoice-worker")
///     .connect(["memory://builder-doc"])?;
/// # drop(client);
/// # Ok::<(), quorlock::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ClientBuilder {
    settings: Settings,
    hold_max: Option<Duration>,
    wrong: Option<Error>,
    runtime: Option<tokio::runtime::Handle>,
    host: Host,
}

impl ClientBuilder {
    /// How long a lease lives without renewal: 10 ms to 24 h, 10 s by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        match Ttl::from_span("ttl_ms", ttl) {
            Ok(ttl) => {
                self.settings.ttl = ttl;
            }
            Err(error) => self.wrong = self.wrong.or(Some(error)),
        }
        self
    }

    /// How long `acquire` waits at most: 30 s by default.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.settings.wait = wait;
        self
    }

    /// Whether leases are renewed in the background: yes by default.
    pub fn renew(mut self, renew: bool) -> Self {
        self.settings.renew = renew;
        self
    }

    /// How long a lease may be held in all, renewals included: 1 h by default, or the ttl where that is
    /// longer. A dead-locked process would otherwise keep its lock for ever.
    pub fn hold_max(mut self, hold_max: Duration) -> Self {
        self.hold_max = Some(hold_max);
        self
    }

    /// How often a lease may be renewed: 100,000 times by default.
    pub fn renewals_max(mut self, renewals_max: u32) -> Self {
        self.settings.renewals_max = renewals_max;
        self
    }

    /// How long one node may take to answer: the smaller of 50 ms and a tenth of the ttl by
    /// default. Raise it where nodes are far away.
    pub fn node_timeout(mut self, timeout: Duration) -> Self {
        self.settings.node_timeout = Some(timeout);
        self
    }

    /// How long making a connection may take, each phase: 1 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// What every key begins with: nothing by default. At most 256 bytes, no `{` or `}`.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.key_prefix = prefix.into();
        self
    }

    /// Whether leases carry a fencing token: where the nodes can count, by default.
    pub fn fencing(mut self, fencing: Fencing) -> Self {
        self.settings.fencing = fencing;
        self
    }

    /// How long the nodes remember that a ticket's work is done: 1 h by default. At least as long
    /// as a queue may deliver a job again.
    pub fn ticket_retention(mut self, retention: Duration) -> Self {
        self.settings.ticket_retention = retention;
        self
    }

    /// The most callers of this client that may wait at once: 10,000 by default and at most.
    pub fn waiters_max(mut self, waiters_max: usize) -> Self {
        self.settings.waiters_max = waiters_max;
        self
    }

    /// Free text that `inspect` shows beside host, process and language of a holder.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.settings.owner = owner.into();
        self
    }

    /// The language that `inspect` shows; for bindings.
    #[doc(hidden)]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.settings.language = language.into();
        self
    }

    /// Certificates to trust for `rediss://`, in PEM, beside the built-in roots.
    pub fn tls_ca_pem(mut self, pem: impl Into<String>) -> Self {
        self.settings.tls_ca_pem = Some(pem.into());
        self
    }

    /// Switches the checks of certificates off. Whoever can reach the network can then read and
    /// change everything; each connection made so is logged as a warning.
    pub fn tls_verify(mut self, verify: bool) -> Self {
        self.settings.tls_verify = verify;
        self
    }

    /// Whether a node that came back without its data is kept from voting until no lease from before can
    /// be valid any more: with three nodes or more, by default.
    pub fn restart_guard(mut self, guard: RestartGuard) -> Self {
        self.settings.restart_guard = guard;
        self
    }

    /// Whether a cluster of which every node answers and none has ever been used may be used at once: yes
    /// by default. False lets it wait for the longest ttl, which is safe even where all nodes lost their
    /// data together.
    pub fn assume_fresh(mut self, assume_fresh: bool) -> Self {
        self.settings.assume_fresh = assume_fresh;
        self
    }

    /// Tells `observer` of everything that happens to this client's locks, beside `tracing` and
    /// `metrics`. It is called on the engine's thread, or on a caller's: it must be short and must
    /// not block.
    pub fn on_event(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.host.observer = Some(Arc::new(observer));
        self
    }

    /// Feels the `pulse` of the loop that uses the locks whenever leases are renewed. A loop that
    /// does not answer for `silence_max` (100 ms at least) loses them: noticed at the next renewal, a third
    /// of the ttl later at most. Without a pulse only the hold limit frees the locks of a process that hangs.
    pub fn pulse(mut self, pulse: &Pulse, silence_max: Duration) -> Self {
        if silence_max < Duration::from_millis(100) {
            let error = Error::invalid("silence_ms_max", "must be at least 100 ms");
            self.wrong = self.wrong.or(Some(error));
        }
        self.host.pulse = Some((pulse.clone(), silence_max));
        self
    }

    /// Runs the engine on the caller's own runtime, which needs timers and I/O, instead of the engine's
    /// thread. Renewal then stops whenever that runtime is blocked; once it is shut down, calls end with
    /// `Closed`. A forked child has an engine's thread of its own.
    pub fn runtime(mut self, handle: tokio::runtime::Handle) -> Self {
        self.runtime = Some(handle);
        self
    }

    /// A client over these nodes. Connections are made in the background; nothing here waits.
    ///
    /// # Errors
    /// `InvalidArgument` or `Config`, naming the option or `nodes[i]`.
    pub fn connect<S: AsRef<str>>(mut self, nodes: impl IntoIterator<Item = S>) -> Result<Client> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let ttl = self.settings.ttl.as_duration();
        let at_least_ttl = self.settings.hold_max.max(ttl);
        self.settings.hold_max = self.hold_max.unwrap_or(at_least_ttl);
        self.settings.validate()?;
        if let Some(pem) = &self.settings.tls_ca_pem {
            check_ca_pem(pem).map_err(|fault| Error::config("tls_ca_pem", fault.detail))?;
        }
        Client::start(
            Arc::new(parse_nodes(nodes)?),
            self.settings,
            self.runtime,
            self.host,
        )
    }
}
