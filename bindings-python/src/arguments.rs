//! Python values as the engine's: what Rust's types would not let through is refused here, by its
//! name.

use std::time::Duration;

use crate::errors::raised;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDict, PyFloat, PyInt, PyString};
use quorlock::{AcquireOptions, ClientBuilder, Error, Fencing, Result, span_from_seconds};

/// Text; a lone surrogate is no text.
pub(crate) fn text(field: &str, value: &Bound<'_, PyAny>) -> Result<String> {
    let Ok(text) = value.cast::<PyString>() else {
        return Err(wrong_type(field, "a str", value));
    };
    text.extract().map_err(|_| {
        Error::invalid(
            field.to_owned(),
            "must be valid Unicode, without surrogates",
        )
    })
}

/// True or false, and no number that could mean it.
fn flag(field: &str, value: &Bound<'_, PyAny>) -> Result<bool> {
    match value.cast::<PyBool>() {
        Ok(flag) => Ok(flag.is_true()),
        Err(_) => Err(wrong_type(field, "a bool", value)),
    }
}

/// Seconds as `int`, `float` or `timedelta`. A bool is an int to Python, and a slip here.
pub(crate) fn span(field: &str, value: &Bound<'_, PyAny>) -> Result<Duration> {
    let is_number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    let seconds = if value.is_instance_of::<PyBool>() {
        None
    } else if is_number {
        // An int beyond every double is as infinite as can be.
        Some(value.extract::<f64>().unwrap_or(f64::INFINITY))
    } else if value.is_instance_of::<PyDelta>() {
        value
            .call_method0("total_seconds")
            .and_then(|seconds| seconds.extract())
            .ok()
    } else {
        None
    };
    match seconds {
        Some(seconds) => span_from_seconds(field, seconds),
        None => Err(wrong_type(
            field,
            "seconds (int or float) or a timedelta",
            value,
        )),
    }
}

/// The seconds of a span, checked as the engine checks all of them.
#[pyfunction]
pub(crate) fn seconds_of(py: Python<'_>, field: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    match span(field, value) {
        Ok(span) => Ok(span.as_secs_f64()),
        Err(error) => Err(raised(py, &error)),
    }
}

/// A count within the bounds of `T`.
pub(crate) fn count<T: TryFrom<u64>>(field: &str, value: &Bound<'_, PyAny>) -> Result<T> {
    if value.is_instance_of::<PyBool>() || !value.is_instance_of::<PyInt>() {
        return Err(wrong_type(field, "an int", value));
    }
    let number: Option<u64> = value.extract().ok();
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| Error::invalid(field.to_owned(), "is negative or too large"))
}

/// The URLs of the nodes, from any iterable but text, which Python would take letter by letter.
pub(crate) fn nodes(value: &Bound<'_, PyAny>) -> Result<Vec<String>> {
    let no_list = || wrong_type("nodes", "a list of URLs", value);
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyDict>() {
        return Err(no_list());
    }
    let mut urls = Vec::new();
    for (index, url) in value.try_iter().map_err(|_| no_list())?.enumerate() {
        let url = url.map_err(|_| no_list())?;
        urls.push(text(&format!("nodes[{index}]"), &url)?);
    }
    Ok(urls)
}

/// Names, from any iterable but text.
pub(crate) fn names(value: &Bound<'_, PyAny>) -> Result<Vec<String>> {
    let no_list = || wrong_type("names", "a list of str", value);
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyDict>() {
        return Err(no_list());
    }
    let names = value.try_iter().map_err(|_| no_list())?;
    names
        .map(|name| text("names", &name.map_err(|_| no_list())?))
        .collect()
}

/// What a call sets apart from the client's options; `None` leaves the client's.
pub(crate) fn acquire_options(
    ttl: Option<&Bound<'_, PyAny>>,
    timeout: Option<&Bound<'_, PyAny>>,
    renew: Option<&Bound<'_, PyAny>>,
    hold_max: Option<&Bound<'_, PyAny>>,
) -> Result<AcquireOptions> {
    let mut options = AcquireOptions::new();
    if let Some(ttl) = ttl {
        options = options.ttl(span("acquire.ttl_ms", ttl)?);
    }
    if let Some(timeout) = timeout {
        options = options.wait(span("acquire.wait_ms", timeout)?);
    }
    if let Some(renew) = renew {
        options = options.renew(flag("acquire.renew", renew)?);
    }
    if let Some(hold_max) = hold_max {
        options = options.hold_max(span("acquire.hold_ms_max", hold_max)?);
    }
    Ok(options)
}

/// A client's options by their Python names; those that are `None` keep the engine's defaults.
pub(crate) fn client_options(options: &Bound<'_, PyDict>) -> Result<ClientBuilder> {
    let mut builder = ClientBuilder::default();
    for (name, value) in options {
        if value.is_none() {
            continue;
        }
        let name = text("options", &name)?;
        builder = match name.as_str() {
            "ttl" => builder.ttl(span("ttl_ms", &value)?),
            "timeout" => builder.wait(span("wait_ms", &value)?),
            "renew" => builder.renew(flag("renew", &value)?),
            "hold_max" => builder.hold_max(span("hold_ms_max", &value)?),
            "renewals_max" => builder.renewals_max(count("renewals_max", &value)?),
            "node_timeout" => builder.node_timeout(span("node_timeout_ms", &value)?),
            "connect_timeout" => builder.connect_timeout(span("connect_timeout_ms", &value)?),
            "key_prefix" => builder.key_prefix(text("key_prefix", &value)?),
            "fencing" => builder.fencing(fencing(&value)?),
            "ticket_retention" => builder.ticket_retention(span("ticket_retention_ms", &value)?),
            "waiters_max" => builder.waiters_max(count("waiters_max", &value)?),
            "owner" => builder.owner(text("owner", &value)?),
            "tls_ca_pem" => builder.tls_ca_pem(text("tls_ca_pem", &value)?),
            "tls_verify" => builder.tls_verify(flag("tls_verify", &value)?),
            "restart_guard" => builder.restart_guard(text("restart_guard", &value)?.parse()?),
            "assume_fresh" => builder.assume_fresh(flag("assume_fresh", &value)?),
            _ => return Err(Error::invalid(name, "is no option of a client")),
        };
    }
    Ok(builder)
}

fn fencing(value: &Bound<'_, PyAny>) -> Result<Fencing> {
    text("fencing", value)?.parse()
}

fn wrong_type(field: &str, wanted: &str, value: &Bound<'_, PyAny>) -> Error {
    let found = value
        .get_type()
        .name()
        .and_then(|name| name.extract::<String>())
        .unwrap_or_else(|_| "something else".to_owned());
    Error::invalid(field.to_owned(), format!("must be {wanted}, is {found}"))
}
