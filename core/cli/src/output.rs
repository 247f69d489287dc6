//! What goes to standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Writes text as it is, at once.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(Failure::system)
}

/// Writes a value as JSON: on several lines for a person, on one for a stream.
pub(crate) fn write_json(value: &impl Serialize, on_one_line: bool) -> Result<(), Failure> {
    let text = if on_one_line {
        serde_json::to_string(value)
    } else {
        serde_json::to_string_pretty(value)
    };
    let text = text.map_err(|error| Failure::system(error.into()))?;
    write(&format!("{text}\n"))
}
