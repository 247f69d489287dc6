//! Options as JavaScript gives them: numbers are doubles, so what is no span or count is refused
//! here by the engine's own rules.

use std::time::Duration;

use napi_derive::napi;
use quorlock::{AcquireOptions, ClientBuilder, Error, Result, span_from_ms};

/// How long the event loop may be silent unless the caller says otherwise: long enough for a
/// debugger's short stop, short enough that a dead-locked process frees its locks.
const HOST_SILENCE_MAX: Duration = Duration::from_secs(60);

/// Options of a client.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct NativeClientOptions {
    pub ttl_ms: Option<f64>,
    pub wait_ms: Option<f64>,
    pub renew: Option<bool>,
    pub hold_ms_max: Option<f64>,
    pub renewals_max: Option<f64>,
    pub node_timeout_ms: Option<f64>,
    pub connect_timeout_ms: Option<f64>,
    pub key_prefix: Option<String>,
    pub fencing: Option<String>,
    pub ticket_retention_ms: Option<f64>,
    pub waiters_max: Option<f64>,
    pub owner: Option<String>,
    pub tls_ca_pem: Option<String>,
    pub tls_verify: Option<bool>,
    pub restart_guard: Option<String>,
    pub assume_fresh: Option<bool>,
    pub host_silence_ms_max: Option<f64>,
}

impl NativeClientOptions {
    /// How long the event loop may be silent.
    pub(crate) fn host_silence_max(&self) -> Result<Duration> {
        self.host_silence_ms_max.map_or(Ok(HOST_SILENCE_MAX), |ms| {
            span_from_ms("silence_ms_max", ms)
        })
    }

    /// A builder with these options.
    pub(crate) fn builder(self) -> Result<ClientBuilder> {
        let span = |field, ms: Option<f64>| ms.map(|ms| span_from_ms(field, ms)).transpose();
        let mut builder = ClientBuilder::default().language("node");
        if let Some(ttl) = span("ttl_ms", self.ttl_ms)? {
            builder = builder.ttl(ttl);
        }
        if let Some(wait) = span("wait_ms", self.wait_ms)? {
            builder = builder.wait(wait);
        }
        if let Some(renew) = self.renew {
            builder = builder.renew(renew);
        }
        if let Some(hold) = span("hold_ms_max", self.hold_ms_max)? {
            builder = builder.hold_max(hold);
        }
        if let Some(renewals) = self.renewals_max {
            builder = builder.renewals_max(count("renewals_max", renewals)?);
        }
        if let Some(timeout) = span("node_timeout_ms", self.node_timeout_ms)? {
            builder = builder.node_timeout(timeout);
        }
        if let Some(timeout) = span("connect_timeout_ms", self.connect_timeout_ms)? {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(prefix) = self.key_prefix {
            builder = builder.key_prefix(prefix);
        }
        if let Some(fencing) = self.fencing {
            builder = builder.fencing(fencing.parse()?);
        }
        if let Some(retention) = span("ticket_retention_ms", self.ticket_retention_ms)? {
            builder = builder.ticket_retention(retention);
        }
        if let Some(waiters) = self.waiters_max {
            builder = builder.waiters_max(count("waiters_max", waiters)? as usize);
        }
        if let Some(owner) = self.owner {
            builder = builder.owner(owner);
        }
        if let Some(pem) = self.tls_ca_pem {
            builder = builder.tls_ca_pem(pem);
        }
        if let Some(verify) = self.tls_verify {
            builder = builder.tls_verify(verify);
        }
        if let Some(guard) = self.restart_guard {
            builder = builder.restart_guard(guard.parse()?);
        }
        if let Some(assume) = self.assume_fresh {
            builder = builder.assume_fresh(assume);
        }
        Ok(builder)
    }
}

/// What one acquire or adopt sets apart from the client's options.
#[napi(object, object_to_js = false)]
pub struct NativeTerms {
    pub ttl_ms: Option<f64>,
    pub wait_ms: Option<f64>,
    pub renew: Option<bool>,
    pub hold_ms_max: Option<f64>,
    pub permits: Option<f64>,
}

/// The same as the engine's options.
pub(crate) fn acquire_options(terms: Option<NativeTerms>) -> Result<AcquireOptions> {
    let mut options = AcquireOptions::new();
    let Some(terms) = terms else {
        return Ok(options);
    };
    if let Some(ms) = terms.ttl_ms {
        options = options.ttl(span_from_ms("acquire.ttl_ms", ms)?);
    }
    if let Some(ms) = terms.wait_ms {
        options = options.wait(span_from_ms("acquire.wait_ms", ms)?);
    }
    if let Some(renew) = terms.renew {
        options = options.renew(renew);
    }
    if let Some(ms) = terms.hold_ms_max {
        options = options.hold_max(span_from_ms("acquire.hold_ms_max", ms)?);
    }
    if let Some(permits) = terms.permits {
        options = options.permits(count("permits", permits)?);
    }
    Ok(options)
}

pub(crate) fn count(field: &str, number: f64) -> Result<u32> {
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        return Ok(number as u32);
    }
    Err(Error::invalid(
        field,
        "must be a whole number from 0 to 2^32 - 1",
    ))
}
