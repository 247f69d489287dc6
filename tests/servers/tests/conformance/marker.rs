//! The marker of a node, which says whether its answers count.

use std::thread;
use std::time::Duration;

use quorlock::testing::protocol::{Command, Mark, MarkWord, Marker, MarkerState, Reply};

use crate::rig::{ABLE, Rig};
use crate::step::*;

const KEY: &str = "t:quorlock:marker";

fn mark(fresh_id: &str, run: Option<&str>, keeps: Option<bool>, word: MarkWord) -> Mark {
    Mark {
        key: KEY.into(),
        word,
        ttl_max: ttl(LONG_MS),
        fresh_id: fresh_id.to_owned(),
        run: run.map(Into::into),
        keeps,
    }
}

fn look(fresh_id: &str, run: Option<&str>, keeps: Option<bool>) -> Step {
    Step::Run(Command::Mark(mark(fresh_id, run, keeps, MarkWord::Look)))
}

fn open(id: &str) -> Step {
    let word = MarkWord::Open {
        id: id.to_owned(),
        with: vec![id.to_owned(), "z".to_owned()],
    };
    Step::Run(Command::Mark(mark("x", None, None, word)))
}

fn guard(id: &str, in_use: bool) -> Step {
    let word = MarkWord::Guard {
        id: id.to_owned(),
        in_use,
    };
    Step::Run(Command::Mark(mark("x", None, None, word)))
}

/// Where the node stands after a step.
fn after(rig: &mut Rig, step: &Step) -> Marker {
    match rig.step(step) {
        Some(Reply::Marker(marker)) => *marker,
        other => panic!("{step:?}: {other:?}"),
    }
}

#[test]
fn a_new_cluster_begins_at_once() {
    let mut rig = Rig::new("new", ABLE);
    let found = after(&mut rig, &look("a", Some("1"), Some(false)));
    assert_eq!((found.state, &*found.id), (MarkerState::New, "a"));
    rig.run([look("b", Some("1"), None), open("b"), guard("b", true)]);
    assert_eq!(
        after(&mut rig, &look("c", None, None)).state,
        MarkerState::New
    );
    let opened = after(&mut rig, &open("a"));
    assert_eq!(opened.state, MarkerState::Open);
    assert_eq!(opened.with, ["a", "z"]);
    // Nothing closes it again but another run.
    rig.run([guard("a", true), open("a"), look("d", Some("1"), None)]);
    assert_eq!(
        after(&mut rig, &look("e", None, None)).state,
        MarkerState::Open
    );
}

#[test]
fn another_run_does_not_vote_unless_everything_was_kept() {
    for (then, now, state) in [
        (Some(true), Some(true), MarkerState::Open),
        (Some(false), Some(true), MarkerState::Lost),
        (Some(true), Some(false), MarkerState::Lost),
        (Some(true), None, MarkerState::Lost),
        (None, Some(true), MarkerState::Lost),
    ] {
        let mut rig = Rig::new(format!("kept {then:?}, {now:?}"), ABLE);
        rig.run([look("a", Some("1"), then), open("a")]);
        let found = after(&mut rig, &look("b", Some("2"), now));
        assert_eq!(found.state, state, "{then:?} {now:?}");
        rig.run([
            look("c", Some("2"), now),
            open("b"),
            look("d", Some("3"), now),
        ]);
        rig.run([
            guard("b", false),
            guard("d", false),
            look("e", Some("3"), now),
        ]);
        rig.run([look("f", Some("4"), now)]);
    }
    // Who may not ask for the run trusts the marker.
    let mut rig = Rig::new("no run", ABLE);
    rig.run([look("a", None, None), open("a"), look("b", None, None)]);
    assert_eq!(
        after(&mut rig, &look("c", Some("7"), None)).state,
        MarkerState::Open
    );
    assert_eq!(
        after(&mut rig, &look("d", None, None)).state,
        MarkerState::Open
    );
    assert_eq!(
        after(&mut rig, &look("e", Some("8"), None)).state,
        MarkerState::Lost
    );
}

#[test]
fn a_blank_node_that_others_remember_is_guarded_and_its_operator_may_admit_it() {
    let mut rig = Rig::new("blank", ABLE);
    rig.run([
        look("a", Some("1"), None),
        guard("b", true),
        guard("a", false),
    ]);
    assert_eq!(
        after(&mut rig, &look("b", None, None)).state,
        MarkerState::Blank
    );
    assert_eq!(
        after(&mut rig, &guard("a", true)).state,
        MarkerState::Guarded
    );
    rig.run([open("a"), guard("a", false)]);
    let admit = Step::Run(Command::Mark(mark("c", None, None, MarkWord::Admit)));
    assert_eq!(after(&mut rig, &admit).state, MarkerState::Open);
    rig.run([
        Step::Remove(KEY.to_owned()),
        admit,
        Step::Remove(KEY.to_owned()),
    ]);
    // Not ours: somebody was here.
    rig.run([Step::Set(KEY.to_owned(), "o", None)]);
    assert_eq!(
        after(&mut rig, &look("d", None, None)).state,
        MarkerState::Lost
    );
    rig.run([Step::SetHash(KEY.to_owned()), look("e", None, None)]);
}

#[test]
fn a_guard_ends_by_the_nodes_own_clock_after_the_longest_ttl() {
    let mut rig = Rig::new("time", ABLE);
    let brief = |word| Mark {
        ttl_max: ttl(700),
        ..mark("a", Some("1"), None, word)
    };
    let step = |word| Step::Run(Command::Mark(brief(word)));
    let guarded = MarkWord::Guard {
        id: "a".to_owned(),
        in_use: true,
    };
    let longer = Step::Run(Command::Mark(Mark {
        ttl_max: ttl(1500),
        ..brief(MarkWord::Look)
    }));
    rig.run([step(MarkWord::Look)]);
    thread::sleep(Duration::from_millis(720));
    assert_eq!(
        after(&mut rig, &step(MarkWord::Look)).state,
        MarkerState::New,
        "the others were not asked"
    );
    assert_eq!(after(&mut rig, &longer).ttl_max_ms, 1500);
    assert_eq!(after(&mut rig, &step(guarded)).state, MarkerState::Guarded);
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(
        after(&mut rig, &step(MarkWord::Look)).state,
        MarkerState::Open
    );
}
