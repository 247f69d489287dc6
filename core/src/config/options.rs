//! Options, validated as a set before any I/O.

use std::time::Duration;

use crate::config::{Fencing, NodeAddress, RestartGuard, Ttl};
use crate::error::{Error, Result};

/// The most nodes of one client.
pub const NODES_MAX: usize = 31;
/// The most local waiters of one client, over all resources.
pub const WAITERS_MAX: usize = 10_000;
/// The longest time a caller may ask to wait.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long one campaign of a candidate lasts, at least and at most.
const CAMPAIGN_MIN: Duration = Duration::from_millis(100);
const CAMPAIGN_MAX: Duration = Duration::from_secs(10);

/// The longest time to remember that a job is done.
const RETENTION_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How a client works; what a call may override is in [`AcquireOptions`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a lease lives without renewal.
    pub ttl: Ttl,
    /// How long `acquire` waits.
    pub wait: Duration,
    /// Whether leases are renewed in the background.
    pub renew: bool,
    /// How long a lease may be held in all, renewals included.
    pub hold_max: Duration,
    /// How often a lease may be renewed.
    pub renewals_max: u32,
    /// How long one node may take to answer; `None` means min(50 ms, ttl / 10).
    pub node_timeout: Option<Duration>,
    /// How long making a connection may take, handshakes included.
    pub connect_timeout: Duration,
    /// What every key begins with.
    pub key_prefix: String,
    /// Whether leases carry a fencing token.
    pub fencing: Fencing,
    /// How long a spent ticket is remembered on the nodes.
    pub ticket_retention: Duration,
    /// The most callers waiting at once.
    pub waiters_max: usize,
    /// Free text in the owner label.
    pub owner: String,
    /// The caller's language in the owner label; set by the bindings.
    pub language: String,
    /// PEM certificates to trust beside the built-in roots.
    pub tls_ca_pem: Option<String>,
    /// False switches certificate checks off.
    pub tls_verify: bool,
    /// Whether nodes that lost their data are kept from voting.
    pub restart_guard: RestartGuard,
    /// Whether a cluster of which all nodes are blank may be used at once.
    pub assume_fresh: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            ttl: Ttl::from_millis(10_000).unwrap_or(Ttl::MAX),
            wait: Duration::from_secs(30),
            renew: true,
            hold_max: Duration::from_secs(60 * 60),
            renewals_max: 100_000,
            node_timeout: None,
            connect_timeout: Duration::from_secs(1),
            key_prefix: String::new(),
            fencing: Fencing::Auto,
            ticket_retention: Duration::from_secs(60 * 60),
            waiters_max: WAITERS_MAX,
            owner: String::new(),
            language: "rust".to_owned(),
            tls_ca_pem: None,
            tls_verify: true,
            restart_guard: RestartGuard::Auto,
            assume_fresh: true,
        }
    }
}

impl Settings {
    /// Checks every option; the error names the first that is out of bounds.
    pub fn validate(&self) -> Result<()> {
        within("wait_ms", self.wait, Duration::ZERO, WAIT_MAX)?;
        within(
            "hold_ms_max",
            self.hold_max,
            self.ttl.as_duration(),
            Duration::MAX,
        )?;
        if let Some(timeout) = self.node_timeout {
            within(
                "node_timeout_ms",
                timeout,
                Duration::from_millis(1),
                self.ttl.as_duration(),
            )?;
        }
        within(
            "connect_timeout_ms",
            self.connect_timeout,
            Duration::from_millis(1),
            Duration::from_secs(60),
        )?;
        within(
            "ticket_retention_ms",
            self.ticket_retention,
            Duration::from_secs(1),
            Duration::from_secs(7 * 24 * 3600),
        )?;
        if self.renewals_max == 0 {
            return Err(Error::invalid(
                "renewals_max",
                "must be at least 1; set renew to false instead",
            ));
        }
        if !(1..=WAITERS_MAX).contains(&self.waiters_max) {
            return Err(Error::invalid(
                "waiters_max",
                format!("must be from 1 to {WAITERS_MAX}"),
            ));
        }
        if self.key_prefix.len() > 256 {
            return Err(Error::invalid("key_prefix", "must be at most 256 bytes"));
        }
        if self.key_prefix.contains(['{', '}']) {
            return Err(Error::invalid(
                "key_prefix",
                "must not contain { or }: they would change the keys' hash slot",
            ));
        }
        Ok(())
    }

    /// How long one node may take to answer a command about a lease of `ttl`.
    pub fn node_timeout(&self, ttl: Ttl) -> Duration {
        let default =
            (ttl.as_duration() / 10).clamp(Duration::from_millis(2), Duration::from_millis(50));
        self.node_timeout.unwrap_or(default).min(ttl.as_duration())
    }
}

/// Checks the list of node URLs: how many, each one, none twice.
pub fn parse_nodes<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Result<Vec<NodeAddress>> {
    let mut nodes: Vec<NodeAddress> = Vec::new();
    for (index, url) in urls.into_iter().enumerate() {
        if index == NODES_MAX {
            return Err(Error::config(
                "nodes",
                format!("at most {NODES_MAX} nodes are supported"),
            ));
        }
        let node = NodeAddress::parse(&format!("nodes[{index}]"), url.as_ref())?;
        if let Some(twin) = nodes.iter().position(|other| other.target == node.target) {
            let message =
                "is the same server as another entry: a node listed twice would vote twice";
            return Err(Error::config(
                format!("nodes[{index}]"),
                format!("{message} (nodes[{twin}])"),
            ));
        }
        nodes.push(node);
    }
    if nodes.is_empty() {
        return Err(Error::config("nodes", "at least one node is needed"));
    }
    Ok(nodes)
}

/// What one `acquire`, `try_acquire` or `adopt` may set apart from the client's settings.
///
/// `()` converts into it, so that `acquire(())` uses the defaults.
///
/// ```
/// use quorlock::AcquireOptions;
/// use std::time::Duration;
/// let options = AcquireOptions::new().ttl(Duration::from_secs(5)).wait(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct AcquireOptions {
    ttl: Option<Duration>,
    wait: Option<Duration>,
    renew: Option<bool>,
    hold_max: Option<Duration>,
    permits: Option<u32>,
}

impl AcquireOptions {
    /// The client's settings, nothing changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the lease lives without renewal: 10 ms to 24 h.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long to wait for the lock at most; zero means one try.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// Whether the lease is renewed in the background until it is released.
    pub fn renew(mut self, renew: bool) -> Self {
        self.renew = Some(renew);
        self
    }

    /// How long the lease may be held in all; renewal stops there and the lease is lost.
    pub fn hold_max(mut self, hold_max: Duration) -> Self {
        self.hold_max = Some(hold_max);
        self
    }

    /// How many permits of a semaphore to take, all or none: 1 to its limit, 1 unless set. Locks that
    /// have no permits refuse it.
    pub fn permits(mut self, permits: u32) -> Self {
        self.permits = Some(permits);
        self
    }

    /// The permits asked for, and the options of a lock that has none.
    pub(crate) fn split_permits(mut self) -> (Self, u32) {
        let permits = self.permits.take().unwrap_or(1);
        (self, permits)
    }

    /// These options over the client's settings, checked together.
    pub(crate) fn resolve(&self, settings: &Settings) -> Result<Terms> {
        self.resolve_over(settings, settings.ttl)
    }

    /// These options for a leader, who holds for as long as it lives.
    pub(crate) fn resolve_tenure(&self, settings: &Settings) -> Result<Terms> {
        if self.wait.is_some() {
            let message =
                "a candidate waits for as long as it takes; limit the wait for the result";
            return Err(Error::invalid("acquire.wait_ms", message));
        }
        if self.renew == Some(false) {
            let message = "the lease of a leader is always renewed";
            return Err(Error::invalid("acquire.renew", message));
        }
        let terms = self.resolve(settings)?;
        Ok(Terms {
            // Then it stands in the queue anew, and can say what is wrong meanwhile.
            wait: settings.wait.clamp(CAMPAIGN_MIN, CAMPAIGN_MAX),
            renew: true,
            hold_max: self.hold_max.unwrap_or(Duration::MAX),
            renewals_max: u32::MAX,
            ..terms
        })
    }

    /// The same, with another ttl where the options name none.
    pub(crate) fn resolve_over(&self, settings: &Settings, ttl: Ttl) -> Result<Terms> {
        if self.permits.is_some() {
            return Err(Error::invalid("permits", "only a semaphore has permits"));
        }
        let ttl = self
            .ttl
            .map_or(Ok(ttl), |ttl| Ttl::from_span("acquire.ttl_ms", ttl))?;
        let wait = self.wait.unwrap_or(settings.wait);
        within("acquire.wait_ms", wait, Duration::ZERO, WAIT_MAX)?;
        let hold_max = self
            .hold_max
            .unwrap_or(settings.hold_max.max(ttl.as_duration()));
        within(
            "acquire.hold_ms_max",
            hold_max,
            ttl.as_duration(),
            Duration::MAX,
        )?;
        let renew = self.renew.unwrap_or(settings.renew);
        Ok(Terms {
            ttl,
            wait,
            renew,
            hold_max,
            renewals_max: settings.renewals_max,
            done_ms: None,
        })
    }
}

impl From<()> for AcquireOptions {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// The terms one lease is asked for on, all set.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long it lives without renewal.
    pub ttl: Ttl,
    /// How long to wait for it.
    pub wait: Duration,
    /// Whether it is renewed.
    pub renew: bool,
    /// How long it may be held in all.
    pub hold_max: Duration,
    /// How often it may be renewed.
    pub renewals_max: u32,
    /// How long the nodes remember that its work is done, where it is to be done once.
    pub done_ms: Option<u64>,
}

/// How long the nodes remember that a job is done, in milliseconds, checked.
pub fn retention_ms(retention: Duration) -> Result<u64> {
    within(
        "once.retention_ms",
        retention,
        Duration::from_secs(1),
        RETENTION_MAX,
    )?;
    Ok(u64::try_from(retention.as_millis()).unwrap_or(u64::MAX))
}

fn within(field: &str, value: Duration, least: Duration, most: Duration) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let most = if most == Duration::MAX {
        String::new()
    } else {
        format!(" to {} ms", most.as_millis())
    };
    let message = format!(
        "must be from {} ms{most}, is {} ms",
        least.as_millis(),
        value.as_millis()
    );
    Err(Error::invalid(field, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn defaults_are_valid() {
        Settings::default().validate().expect("valid");
    }

    #[test]
    fn node_lists_are_checked_as_a_whole() {
        let none: [&str; 0] = [];
        assert_eq!(parse_nodes(none).expect_err("none").field(), Some("nodes"));
        let twice =
            parse_nodes(["redis://a", "redis://b", "redis://u:p@a:6379/0"]).expect_err("twice");
        assert_eq!(
            (twice.kind(), twice.field()),
            (ErrorKind::Config, Some("nodes[2]"))
        );
        let many: Vec<String> = (1..=32).map(|port| format!("redis://h:{port}")).collect();
        assert!(parse_nodes(&many[..31]).is_ok());
        assert_eq!(parse_nodes(&many).expect_err("32").field(), Some("nodes"));
    }

    #[test]
    fn options_name_their_field() {
        let settings = Settings::default();
        let resolve = |options: AcquireOptions| options.resolve(&settings).map(|_| ());
        for ttl in [
            Duration::ZERO,
            Duration::from_millis(9),
            Duration::from_millis(24 * 3_600_000 + 1),
        ] {
            let error = resolve(AcquireOptions::new().ttl(ttl)).expect_err("out of bounds");
            assert_eq!(error.field(), Some("acquire.ttl_ms"));
        }
        assert!(resolve(AcquireOptions::new().ttl(Duration::from_millis(10))).is_ok());
        assert!(resolve(AcquireOptions::new().ttl(Duration::from_secs(86_400))).is_ok());
        let longer_than_cap = AcquireOptions::new()
            .ttl(Duration::from_secs(60))
            .hold_max(Duration::from_secs(59));
        assert_eq!(
            resolve(longer_than_cap).expect_err("cap").field(),
            Some("acquire.hold_ms_max")
        );
        let error = resolve(AcquireOptions::new().wait(WAIT_MAX + Duration::from_secs(1)));
        assert_eq!(
            error.expect_err("too long").field(),
            Some("acquire.wait_ms")
        );
    }
}
