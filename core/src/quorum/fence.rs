//! Agreeing on a fencing token over a quorum.
//!
//! "The largest of the grants" repeats tokens, and writing it back to just any majority still goes
//! backwards. What holds: a value that a quorum of the granting nodes has, each while it still
//! held the key for us. Two successive holders share such a node, and there the later grant went
//! past the earlier token.

use crate::config::FencingToken;

/// What the grants of a round say about the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// A quorum has this value: it is the token.
    Token(FencingToken),
    /// Values differ: the largest must be written back and confirmed by a quorum.
    WriteBack(FencingToken),
    /// Fewer than a quorum of the nodes can count.
    Impossible,
}

/// Looks at the tokens of the nodes that granted, `None` where a node cannot count.
pub(crate) fn agree(
    granted: impl Iterator<Item = Option<FencingToken>> + Clone,
    quorum: usize,
) -> Agreement {
    let counted = granted.flatten();
    if counted.clone().count() < quorum {
        return Agreement::Impossible;
    }
    let same = |value: &FencingToken| counted.clone().filter(|other| other == value).count();
    match counted.clone().find(|value| same(value) >= quorum) {
        Some(token) => Agreement::Token(token),
        None => counted
            .max()
            .map_or(Agreement::Impossible, Agreement::WriteBack),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_of_equals_settles_it() {
        let token = FencingToken::new;
        let agree = |numbers: &[u64], quorum| agree(numbers.iter().map(|&n| token(n)), quorum);
        assert_eq!(
            agree(&[7, 7, 9], 2),
            Agreement::Token(token(7).expect("in range"))
        );
        assert_eq!(
            agree(&[7, 8, 9], 2),
            Agreement::WriteBack(token(9).expect("in range"))
        );
        assert_eq!(agree(&[0, 0, 9], 2), Agreement::Impossible);
        assert_eq!(
            agree(&[0, 9, 9], 2),
            Agreement::Token(token(9).expect("in range"))
        );
    }
}
