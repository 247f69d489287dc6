//! A client: options checked, calls begun.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use quorlock::{Client, Error, Result};

use crate::arguments::{self, acquire_options, client_options, count, nodes, span, text};
use crate::bridge::NativeBridge;
use crate::call::NativeCall;
use crate::election::NativeElection;
use crate::errors::raised;
use crate::host::Host;
use crate::lock::{Kind, NativeLock};
use crate::once::NativeOnce;
use crate::reports;
use crate::ticket::NativeTicket;

type Argument<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// A client of the engine, for threads and event loops alike.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeClient {
    client: Client,
    host: Arc<Host>,
    size: usize,
}

fn connect(
    urls: &[String],
    options: &Bound<'_, PyDict>,
    host: &Arc<Host>,
    silence_max: Argument<'_, '_>,
) -> Result<Client> {
    let observer = Arc::clone(host);
    let mut builder = client_options(options)?
        .language("python")
        .on_event(move |event| observer.observe(event));
    if let Some(silence_max) = silence_max {
        builder = builder.pulse(host.pulse(), span("silence_ms_max", silence_max)?);
    }
    builder.connect(urls)
}

#[pymethods]
impl NativeClient {
    /// `key` names the client in events, which are told from `level_min` on. With `silence_max` the
    /// event loop's pulse is felt.
    #[new]
    #[pyo3(signature = (urls, options, key, level_min, silence_max))]
    fn new(
        py: Python<'_>,
        urls: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        key: u64,
        level_min: u8,
        silence_max: Argument<'_, '_>,
    ) -> PyResult<Self> {
        let host = Host::new(key, level_min);
        let connected = nodes(urls).and_then(|urls| {
            let client = connect(&urls, options, &host, silence_max)?;
            Ok((client, urls.len()))
        });
        let (client, size) = connected.map_err(|error| raised(py, &error))?;
        Ok(NativeClient { client, host, size })
    }

    /// How many nodes it has.
    #[getter]
    fn size(&self) -> usize {
        self.size
    }

    /// From now on `bridge` is told of events and asked for the pulse.
    fn attach(&self, bridge: &NativeBridge) {
        self.host.attach(bridge.outbox());
    }

    /// From now on events of `level_min` and above are told.
    fn listen(&self, level_min: u8) {
        self.host.listen(level_min);
    }

    #[pyo3(signature = (name, ttl, timeout, renew, hold_max))]
    fn acquire(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        ttl: Argument<'_, '_>,
        timeout: Argument<'_, '_>,
        renew: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
    ) -> PyResult<NativeCall> {
        begun(py, || {
            let options = acquire_options(ttl, timeout, renew, hold_max)?;
            let mutex = self.client.mutex(text("name", name)?);
            Ok(NativeCall::new(mutex.start_acquire(options)))
        })
    }

    #[pyo3(signature = (name, ttl, renew, hold_max))]
    fn try_acquire(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        ttl: Argument<'_, '_>,
        renew: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
    ) -> PyResult<NativeCall> {
        begun(py, || {
            let options = acquire_options(ttl, None, renew, hold_max)?;
            let mutex = self.client.mutex(text("name", name)?);
            Ok(NativeCall::new(mutex.start_try_acquire(options)))
        })
    }

    #[pyo3(signature = (ticket, ttl, timeout, renew, hold_max))]
    fn adopt(
        &self,
        py: Python<'_>,
        ticket: &NativeTicket,
        ttl: Argument<'_, '_>,
        timeout: Argument<'_, '_>,
        renew: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
    ) -> PyResult<NativeCall> {
        begun(py, || {
            let options = acquire_options(ttl, timeout, renew, hold_max)?;
            let adopting = self.client.start_adopt(&ticket.ticket, &options);
            Ok(NativeCall::new(adopting))
        })
    }

    fn multi(&self, py: Python<'_>, names: &Bound<'_, PyAny>) -> PyResult<NativeLock> {
        match arguments::names(names) {
            Ok(names) => Ok(NativeLock::new(Kind::Multi(self.client.multi(names)))),
            Err(error) => Err(raised(py, &error)),
        }
    }

    fn semaphore(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        permits: &Bound<'_, PyAny>,
    ) -> PyResult<NativeLock> {
        let made = || -> Result<NativeLock> {
            let name = text("name", name)?;
            let semaphore = self.client.semaphore(name, count("permits", permits)?);
            Ok(NativeLock::new(Kind::Semaphore(semaphore)))
        };
        made().map_err(|error| raised(py, &error))
    }

    fn once(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        retention: &Bound<'_, PyAny>,
    ) -> PyResult<NativeOnce> {
        let made = || -> Result<NativeOnce> {
            let retention = span("once.retention_ms", retention)?;
            let once = self.client.once(text("name", name)?, retention);
            Ok(NativeOnce { once })
        };
        made().map_err(|error| raised(py, &error))
    }

    #[pyo3(signature = (name, ttl, hold_max))]
    fn elect(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        ttl: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
    ) -> PyResult<NativeElection> {
        let made = || -> Result<NativeElection> {
            let options = acquire_options(ttl, None, None, hold_max)?;
            let election = self.client.elect(text("name", name)?, options)?;
            Ok(NativeElection { election })
        };
        made().map_err(|error| raised(py, &error))
    }

    fn inspect(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<NativeCall> {
        begun(py, || {
            Ok(NativeCall::new(
                self.client.start_inspect(&text("name", name)?),
            ))
        })
    }

    fn health(&self) -> NativeCall {
        NativeCall::new(self.client.start_health())
    }

    fn stats(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.client.stats() {
            Ok(stats) => reports::stats(py, &stats),
            Err(error) => Err(raised(py, &error)),
        }
    }

    fn close(&self, py: Python<'_>, limit: &Bound<'_, PyAny>) -> PyResult<NativeCall> {
        begun(py, || {
            let limit = span("limit_ms", limit)?;
            Ok(NativeCall::new(self.client.start_close(limit)))
        })
    }
}

fn begun(
    py: Python<'_>,
    begin: impl FnOnce() -> Result<NativeCall, Error>,
) -> PyResult<NativeCall> {
    begin().map_err(|error| raised(py, &error))
}
