//! Memory, the short way: the C side under AddressSanitizer, which also watches what the library
//! allocates and whether all of it is given back. `make sanitize-c` is the long way.

use std::path::PathBuf;

use crate::program::run_with;

#[test]
fn nothing_is_leaked_and_nothing_is_read_after_it_is_freed() {
    let sanitizer = [PathBuf::from("-fsanitize=address,undefined")];
    for name in ["behaviour", "handles"] {
        run_with(&format!("{name}-sanitized"), name, None, &sanitizer);
    }
}
