//! Who owns a key: the token a holder writes into it.

use std::fmt;
use std::sync::Arc;

use crate::config::Entropy;

/// Random bytes in a token: 160 bits.
pub(crate) const TOKEN_RANDOM_BYTES: usize = 20;

/// How every token of Quorlock begins, which tells it from a foreign library's.
pub(crate) const TOKEN_MARK: &str = "q1.";

/// The longest owner label inside a token.
pub(crate) const LABEL_BYTES_MAX: usize = 96;

/// The value of a lock key: `q1.<40 hex digits>.<owner label>`.
///
/// The digits are 160 fresh bits for every attempt; servers compare the whole value. The label says
/// who holds the lock and is what `inspect` shows; the digits are a secret and never printed.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerToken(Arc<str>);

impl OwnerToken {
    /// A token never used before.
    pub fn fresh(entropy: &dyn Entropy, label: &OwnerLabel) -> Self {
        OwnerToken(format!("{TOKEN_MARK}{}.{}", random_hex(entropy), label.0).into())
    }

    /// The token written as `text`, if it has Quorlock's form.
    pub fn parse(text: &str) -> Option<Self> {
        split(text).map(|_| OwnerToken(text.into()))
    }

    /// The bytes as they stand on the server.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The token in full; a secret.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The random digits alone.
    pub fn id(&self) -> &str {
        &self.0[TOKEN_MARK.len()..TOKEN_MARK.len() + 2 * TOKEN_RANDOM_BYTES]
    }
}

impl fmt::Debug for OwnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerToken({}…)", &self.id()[..6])
    }
}

/// Who a holder says it is: `host/pid/language/free text`, printable, no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerLabel(String);

impl OwnerLabel {
    /// A label of these parts; characters outside printable ASCII become `?`, and it is cut to
    /// [`LABEL_BYTES_MAX`] bytes.
    pub fn new(host: &str, pid: u32, language: &str, text: &str) -> Self {
        let mut label = format!("{host}/{pid}/{language}/{text}");
        label = label
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '?'
                }
            })
            .collect();
        label.truncate(LABEL_BYTES_MAX);
        OwnerLabel(label)
    }

    /// The label inside a lock key's value; `None` where a foreign library wrote it.
    pub fn of_value(value: &[u8]) -> Option<Self> {
        let (_, label) = split(std::str::from_utf8(value).ok()?)?;
        Some(OwnerLabel(label.to_owned()))
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True where `value` was written by Quorlock.
pub fn is_own_format(value: &[u8]) -> bool {
    std::str::from_utf8(value).ok().and_then(split).is_some()
}

/// The 40 digits and the label of a token.
fn split(text: &str) -> Option<(&str, &str)> {
    let (digits, label) = text.strip_prefix(TOKEN_MARK)?.split_once('.')?;
    let hex =
        digits.len() == 2 * TOKEN_RANDOM_BYTES && digits.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then_some((digits, label))
}

/// 160 fresh bits as hex digits.
pub(crate) fn random_hex(entropy: &dyn Entropy) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = [0; TOKEN_RANDOM_BYTES];
    entropy.fill(&mut bytes);
    let mut hex = String::with_capacity(2 * TOKEN_RANDOM_BYTES);
    for byte in bytes {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let digits = "0123456789abcdef0123456789abcdef01234567";
        let token = OwnerToken::parse(&format!("q1.{digits}.host/1/rust/")).expect("well formed");
        assert_eq!(token.id(), digits);
        assert_eq!(format!("{token:?}"), "OwnerToken(012345…)");
    }

    #[test]
    fn foreign_values_are_told_apart() {
        assert!(!is_own_format(b"3f2504e0-4f89-11d3-9a0c-0305e82c3301"));
        assert!(!is_own_format(&[0xff; 20]));
        assert!(!is_own_format(b"q1.short.host"));
    }

    #[test]
    fn labels_are_made_printable_and_short() {
        let label = OwnerLabel::new("hö\nst", 7, "rust", &"x".repeat(200));
        assert!(label.as_str().starts_with("h??st/7/rust/xxx"));
        assert_eq!(label.as_str().len(), LABEL_BYTES_MAX);
    }
}
