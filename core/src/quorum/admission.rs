//! What is to be done about nodes that were found without their data, from what is seen of all nodes.

use std::sync::Arc;

use crate::config::Ttl;
use crate::node::{Link, Standing};
use crate::protocol::{MarkWord, Marker, MarkerState};

/// One node as the warden sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// A connection is being made.
    Awaited,
    /// Out of reach.
    Away,
    /// It votes without a marker.
    Free,
    /// Its marker could not be read.
    Unread,
    /// Its marker.
    Marked(Arc<Marker>),
}

/// What the warden wants of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) node: usize,
    pub(super) word: MarkWord,
    pub(super) ttl_max: Ttl,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing.
    Rest,
    /// All nodes are blank: see whether they still are, and open them.
    Begin,
    /// This.
    Do(Vec<Wish>),
}

/// What the decision depends on besides the nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) quorum: usize,
    /// How many blank nodes make a new cluster: all.
    pub(super) fresh: usize,
    /// Whether a new cluster may begin without waiting.
    pub(super) assume_fresh: bool,
    /// True where this client has seen the cluster in use.
    pub(super) in_use: bool,
    /// The longest ttl this client uses.
    pub(super) ttl_max: Ttl,
    /// The longest ttl of the others is left out.
    pub(super) own_ttl_only: bool,
}

/// What is to be done, given what is seen of all nodes.
pub(super) fn decide(views: &[View], rules: Rules) -> Plan {
    let markers = || {
        views
            .iter()
            .enumerate()
            .filter_map(|(node, view)| match view {
                View::Marked(marker) => Some((node, marker)),
                _ => None,
            })
    };
    let is_blank = |view: &View| match view {
        View::Marked(marker) => marker.state.is_blank(),
        View::Free => true,
        View::Awaited | View::Away | View::Unread => false,
    };
    let in_use = rules.in_use || markers().any(|(_, marker)| !marker.state.is_blank());
    let blank = views.iter().filter(|view| is_blank(view)).count();
    if rules.assume_fresh
        && !rules.in_use
        && blank >= rules.fresh
        && markers().any(|(_, marker)| marker.state.is_blank())
    {
        return Plan::Begin;
    }
    let longest = markers()
        .map(|(_, marker)| marker.ttl_max_ms)
        .max()
        .unwrap_or(0);
    let longest = if rules.own_ttl_only { 0 } else { longest };
    let ttl_max = Ttl::from_millis(longest).map_or(rules.ttl_max, |ttl| ttl.max(rules.ttl_max));
    let heard = markers().count();
    let all_asked = !views.contains(&View::Awaited) && heard >= rules.quorum;
    let begun: Vec<&Marker> = markers()
        .map(|(_, marker)| &**marker)
        .filter(|marker| marker.state == MarkerState::Open && !marker.with.is_empty())
        .collect();
    let wish = |(node, marker): (usize, &Arc<Marker>)| {
        let id = marker.id.clone();
        let guard = MarkWord::Guard {
            id: id.clone(),
            in_use,
        };
        let with = begun.iter().find(|other| other.with.contains(&id));
        let word = match (marker.state, with) {
            // The cluster began without it, because whoever opened the others was stopped.
            (MarkerState::New | MarkerState::Blank, Some(other)) if rules.assume_fresh => {
                MarkWord::Open {
                    id,
                    with: other.with.clone(),
                }
            }
            (MarkerState::New | MarkerState::Lost, _) if all_asked => guard,
            (MarkerState::Blank, _) if in_use => guard,
            _ if marker.ttl_max_ms < ttl_max.as_millis() => MarkWord::Look,
            _ => return None,
        };
        Some(Wish {
            node,
            word,
            ttl_max,
        })
    };
    let wishes: Vec<Wish> = markers().filter_map(wish).collect();
    if wishes.is_empty() {
        Plan::Rest
    } else {
        Plan::Do(wishes)
    }
}

/// One node, by the state of the way to it.
pub(super) fn view(link: &Link) -> View {
    match link {
        Link::Connecting => View::Awaited,
        Link::Down(_) => View::Away,
        Link::Up { standing, .. } => match standing {
            Standing::Unasked | Standing::Blind => View::Free,
            Standing::Unread(_) => View::Unread,
            Standing::Marked(marker) => View::Marked(Arc::clone(marker)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MarkerState::{Blank, Guarded, Lost, New, Open};

    fn marked(id: &str, state: MarkerState, ttl_max_ms: u64, with: &[&str]) -> View {
        View::Marked(Arc::new(Marker {
            state,
            id: id.to_owned(),
            left_ms: 1,
            ttl_max_ms,
            with: with.iter().map(|id| (*id).to_owned()).collect(),
        }))
    }

    fn rules() -> Rules {
        Rules {
            quorum: 2,
            fresh: 3,
            assume_fresh: true,
            in_use: false,
            ttl_max: Ttl::MIN,
            own_ttl_only: false,
        }
    }

    fn wishes(views: &[View], rules: Rules) -> Vec<(usize, MarkWord, u64)> {
        match decide(views, rules) {
            Plan::Do(wishes) => wishes
                .into_iter()
                .map(|wish| (wish.node, wish.word, wish.ttl_max.as_millis()))
                .collect(),
            Plan::Rest => Vec::new(),
            Plan::Begin => panic!("a new cluster"),
        }
    }

    fn guard(id: &str, in_use: bool) -> MarkWord {
        MarkWord::Guard {
            id: id.to_owned(),
            in_use,
        }
    }

    #[test]
    fn a_cluster_is_new_only_where_all_nodes_are_blank() {
        let new = |id| marked(id, New, 10, &[]);
        let all = [new("a"), marked("b", Blank, 10, &[]), new("c")];
        assert_eq!(decide(&all, rules()), Plan::Begin);
        let seen = Rules {
            in_use: true,
            ..rules()
        };
        assert_eq!(wishes(&all, seen).len(), 3, "this client remembers");
        let waits = Rules {
            assume_fresh: false,
            ..rules()
        };
        assert_eq!(wishes(&all, waits)[0], (0, guard("a", false), 10));
        // One is missing: the others wait for a ttl, and stay blank.
        let two = [new("a"), new("b"), View::Away];
        let expected = [(0, guard("a", false), 10), (1, guard("b", false), 10)];
        assert_eq!(wishes(&two, rules()), expected);
        let two = [new("a"), new("b"), View::Awaited];
        assert_eq!(decide(&two, rules()), Plan::Rest, "it may still come");
        let one = [new("a"), View::Away, View::Away];
        assert_eq!(decide(&one, rules()), Plan::Rest, "nobody is there to ask");
    }

    #[test]
    fn a_node_that_lost_its_data_waits_for_the_longest_ttl_of_all() {
        for state in [New, Lost] {
            let views = [
                marked("a", state, 10, &[]),
                marked("b", Open, 70, &[]),
                marked("c", Open, 20, &[]),
            ];
            let expected = [(0, guard("a", true), 70), (2, MarkWord::Look, 70)];
            assert_eq!(wishes(&views, rules()), expected);
        }
        let views = [
            marked("a", Blank, 70, &[]),
            marked("b", Guarded, 70, &[]),
            View::Away,
        ];
        assert_eq!(wishes(&views, rules()), [(0, guard("a", true), 70)]);
    }

    #[test]
    fn whoever_opens_a_new_cluster_may_be_stopped_half_way() {
        let with = ["a", "b", "c"];
        let views = [
            marked("a", Open, 10, &with),
            marked("b", New, 10, &[]),
            marked("x", New, 10, &[]),
        ];
        let open = MarkWord::Open {
            id: "b".to_owned(),
            with: with.map(str::to_owned).to_vec(),
        };
        // The third has lost its data since.
        let expected = [(1, open, 10), (2, guard("x", true), 10)];
        assert_eq!(wishes(&views, rules()), expected);
    }
}
