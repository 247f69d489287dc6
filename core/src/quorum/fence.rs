//! Agreeing on a fencing token over a quorum.
//!
//! "The largest of the grants" repeats tokens, and writing it back to just any majority still goes
//! backwards. What holds: a value that a quorum of the granting nodes has, each while it still
//! held the key for us. Two successive holders share such a node, and there the later grant went
//! past the earlier token.

use crate::config::FencingToken;
use crate::protocol::Counted;

/// What the grants of a round say about the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// A quorum has this value: it is the token.
    Token(FencingToken),
    /// Values differ, or a node has not counted yet: they must be brought to one.
    WriteBack,
    /// Fewer than a quorum of the nodes can count.
    Impossible,
}

/// Looks at what the counters of the nodes that granted say.
pub(crate) fn agree(granted: impl Iterator<Item = Counted> + Clone, quorum: usize) -> Agreement {
    let able = granted.clone().filter(|&counted| counted != Counted::No);
    if able.count() < quorum {
        return Agreement::Impossible;
    }
    let tokens = granted.filter_map(|counted| match counted {
        Counted::At(token) => Some(token),
        Counted::No | Counted::Behind => None,
    });
    let same = |value: &FencingToken| tokens.clone().filter(|other| other == value).count();
    match tokens.clone().find(|value| same(value) >= quorum) {
        Some(token) => Agreement::Token(token),
        None => Agreement::WriteBack,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_of_equals_settles_it() {
        let at = |number| FencingToken::new(number).expect("in range");
        let agree = |numbers: &[u64], quorum| {
            let counted = numbers.iter().map(|&number| match number {
                0 => Counted::No,
                1 => Counted::Behind,
                number => Counted::At(at(number)),
            });
            agree(counted, quorum)
        };
        assert_eq!(agree(&[7, 7, 9], 2), Agreement::Token(at(7)));
        assert_eq!(agree(&[7, 8, 9], 2), Agreement::WriteBack);
        assert_eq!(agree(&[0, 0, 9], 2), Agreement::Impossible);
        assert_eq!(agree(&[0, 9, 9], 2), Agreement::Token(at(9)));
        assert_eq!(agree(&[1, 9, 9], 2), Agreement::Token(at(9)));
        assert_eq!(agree(&[1, 9], 2), Agreement::WriteBack);
        assert_eq!(agree(&[1, 1], 2), Agreement::WriteBack);
    }
}
