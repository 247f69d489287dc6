//! Durations as callers in other languages give them, checked once for all of them.

use std::time::Duration;

use crate::error::{Error, Result};

/// The largest number of milliseconds a double counts exactly.
const MS_MAX: f64 = 9_007_199_254_740_992.0;

/// A span of whole milliseconds, as JavaScript gives it.
///
/// # Errors
/// `InvalidArgument` naming `field` where it is no number, infinite, negative, a fraction or beyond
/// 2^53.
pub fn span_from_ms(field: &str, ms: f64) -> Result<Duration> {
    let whole = checked(field, ms)?;
    if whole.fract() != 0.0 {
        return Err(Error::invalid(field, "must be whole milliseconds"));
    }
    Ok(Duration::from_millis(whole as u64))
}

/// A span of seconds with a fraction, as Python gives it, to the nearest millisecond.
///
/// # Errors
/// `InvalidArgument` naming `field` where it is no number, infinite, negative or beyond 2^53 ms.
pub fn span_from_seconds(field: &str, seconds: f64) -> Result<Duration> {
    let ms = checked(field, seconds * 1000.0)?;
    Ok(Duration::from_millis(ms.round() as u64))
}

fn checked(field: &str, ms: f64) -> Result<f64> {
    if ms.is_nan() {
        return Err(Error::invalid(field, "must be a number, is NaN"));
    }
    if ms < 0.0 {
        return Err(Error::invalid(field, "must not be negative"));
    }
    if ms > MS_MAX {
        return Err(Error::invalid(field, "must be finite and at most 2^53 ms"));
    }
    Ok(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_are_spans_pass() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.5, 1e300] {
            let error = span_from_ms("ttl_ms", bad).expect_err("no span");
            assert_eq!(error.field(), Some("ttl_ms"));
        }
        assert_eq!(span_from_ms("x", -0.0).expect("zero"), Duration::ZERO);
        assert_eq!(
            span_from_ms("x", 1500.0).expect("whole"),
            Duration::from_millis(1500)
        );
        let sum = span_from_seconds("x", 0.1 + 0.2).expect("a fraction");
        assert_eq!(sum, Duration::from_millis(300));
        assert!(span_from_seconds("x", f64::INFINITY).is_err());
        assert!(span_from_seconds("x", -0.001).is_err());
    }
}
