//! Text across the border: NUL-terminated UTF-8.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

use crate::report::Report;

/// What stands in C for a NUL inside a text, which other languages allow in a name.
const NUL_SHOWN_AS: &str = "\u{fffd}";

/// The text as C reads it.
pub(crate) fn owned(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', NUL_SHOWN_AS)).unwrap_or_default())
}

/// The pointer to an optional text: NULL where there is none.
pub(crate) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// The text that C gave, or an error naming `argument`.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives for `'a`.
pub(crate) unsafe fn given<'a>(
    argument: impl Into<String>,
    text: *const c_char,
) -> Result<&'a str, Box<Report>> {
    if text.is_null() {
        return Err(Report::misuse(argument, "must not be NULL"));
    }
    // SAFETY: not NULL, and the rest is the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str()
        .map_err(|_| Report::misuse(argument, "is not UTF-8"))
}

/// Like [`given`], with `None` for NULL.
///
/// # Safety
/// As [`given`].
pub(crate) unsafe fn optional<'a>(
    argument: &'static str,
    text: *const c_char,
) -> Result<Option<&'a str>, Box<Report>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise, handed on.
    unsafe { given(argument, text) }.map(Some)
}

/// Whole microseconds, as C reads a measured time.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Whole milliseconds, rounded down.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
