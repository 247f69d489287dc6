//! Stable words for the values of an enum.

/// Declares `name()` and `NAMES` of an enum in one place: the match is exhaustive, so no word can be missing
/// from the list that bindings and `tests/vectors` are held against.
macro_rules! words {
    ($(#[$doc:meta])* &$me:ident; $($value:pat => $word:literal,)*) => {
        /// Every word that `name` can say.
        pub const NAMES: &'static [&'static str] = &[$($word),*];

        $(#[$doc])*
        pub const fn name(&$me) -> &'static str {
            match $me { $($value => $word,)* }
        }
    };
    ($(#[$doc:meta])* $me:ident; $($value:pat => $word:literal,)*) => {
        /// Every word that `name` can say.
        pub const NAMES: &'static [&'static str] = &[$($word),*];

        $(#[$doc])*
        pub const fn name($me) -> &'static str {
            match $me { $($value => $word,)* }
        }
    };
}

pub(crate) use words;
