//! Spans of time as people write and read them.

use std::time::Duration;

/// Reads `10s`, `1m30s`, `250ms`, or a bare `0`. The text is not repeated in the error.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "a time with its unit is needed, such as 250ms, 10s or 5m".to_owned();
    humantime::parse_duration(text.trim()).map_err(|_| wrong())
}

/// Short, to two or three digits: `950ms`, `8.2s`, `12m05s`, `3h07m`.
pub(crate) fn short(span: Duration) -> String {
    let (secs, ms) = (span.as_secs(), span.as_millis());
    match secs {
        0 => format!("{ms}ms"),
        1..60 => format!("{}.{}s", secs, span.subsec_millis() / 100),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        _ => format!("{}h{:02}m", secs / 3600, secs / 60 % 60),
    }
}

/// A span in whole milliseconds, as JSON has it.
pub(crate) fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_a_bare_zero() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        for wrong in ["", "10", "-1s", "ten", "1x", "s", "99999999999999999999s"] {
            let message = parse(wrong).expect_err(wrong);
            assert!(message.contains("unit"), "{message}");
        }
    }

    #[test]
    fn shows_few_digits() {
        let cases = [
            (950, "950ms"),
            (8_250, "8.2s"),
            (725_000, "12m05s"),
            (11_220_000, "3h07m"),
        ];
        for (ms, shown) in cases {
            assert_eq!(short(Duration::from_millis(ms)), shown);
        }
    }
}
