//! Which library this is.

use std::ffi::{CStr, c_char};

use crate::boundary::boundary_or;

/// The version of the interface: grows when something is added, and the SONAME changes when
/// something is taken away.
const ABI_VERSION: u32 = 2;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"unknown",
    };

/// The library's version, such as `0.1.0`; `QUORLOCK_VERSION` is that of the header. Never NULL;
/// static.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_version() -> *const c_char {
    boundary_or(VERSION, || VERSION).as_ptr()
}

/// The version of the library's interface. A program built with this header runs with any library
/// whose number is at least `QUORLOCK_ABI_VERSION`.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_abi_version() -> u32 {
    boundary_or(ABI_VERSION, || ABI_VERSION)
}
