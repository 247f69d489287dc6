//! Leaders, over embedded nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quorlock::{AcquireOptions, Client, ClientBuilder, ErrorKind, Loss, Pulse, Released, blocking};

const SOON: Duration = Duration::from_secs(10);

fn nodes(test: &str) -> impl Iterator<Item = String> {
    let test = test.to_owned();
    (0..3).map(move |node| format!("memory://election-{test}-{node}"))
}

fn client(test: &str) -> Client {
    Client::connect(nodes(test)).expect("valid")
}

fn built(test: &str, with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    with(Client::builder()).connect(nodes(test)).expect("valid")
}

#[tokio::test]
async fn one_leads_and_hands_over_when_it_resigns() {
    let (ours, theirs) = (client("resign"), client("resign"));
    let first = ours.elect("crown", ()).expect("open");
    let tenure = first.won().await.expect("free");
    assert!(first.is_leader() && tenure.is_held());
    assert_eq!(first.fencing_token(), tenure.fencing_token());
    let second = theirs.elect("crown", ()).expect("open");
    let error = second.won_within(Duration::from_millis(30)).await;
    let error = error.expect_err("the first leads");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Timeout, Some("won"))
    );
    assert!(!second.is_leader() && second.fencing_token().is_none());
    assert_eq!(first.resign().await.expect("ours"), Released::Released);
    assert!(!first.is_leader() && !tenure.is_held());
    assert_eq!(tenure.lost().await, Loss::Resigned);
    assert_eq!(
        tenure.check().expect_err("over").kind(),
        ErrorKind::LeaseLost
    );
    let next = second.won_within(SOON).await.expect("handed over");
    assert!(next.fencing_token() > tenure.fencing_token());
    assert_eq!(
        first.won().await.expect_err("over").kind(),
        ErrorKind::NotHeld
    );
    assert!(first.resign().await.is_ok(), "again");
}

#[tokio::test]
async fn dropping_and_closing_hand_over_as_well() {
    let (one, two, three) = (client("drop"), client("drop"), client("drop"));
    let first = one.elect("crown", ()).expect("open");
    let tenure = first.won().await.expect("free");
    let second = two.elect("crown", ()).expect("open");
    drop(first);
    assert!(!tenure.is_held());
    second.won_within(SOON).await.expect("handed over");
    let third = three.elect("crown", ()).expect("open");
    assert!(two.close(SOON).await.expect("closes"), "the campaign ends");
    assert!(!second.is_leader());
    assert_eq!(
        second.won().await.expect_err("closed").kind(),
        ErrorKind::Closed
    );
    third.won_within(SOON).await.expect("handed over");
    let error = two.elect("crown", ()).expect_err("closed");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Closed, Some("elect"))
    );
}

#[tokio::test]
async fn a_candidate_that_resigns_while_it_waits_leaves_the_queue() {
    let (ours, theirs) = (client("waits"), client("waits"));
    let leader = ours.elect("crown", ()).expect("open");
    leader.won().await.expect("free");
    let waiting = theirs.elect("crown", ()).expect("open");
    let waiters = async || {
        let seen = ours.inspect("crown").await.expect("open");
        seen.nodes
            .iter()
            .filter_map(|node| node.waiters)
            .sum::<u64>()
    };
    while waiters().await == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(
        waiting.resign().await.expect("ours"),
        Released::AlreadyExpired
    );
    while waiters().await > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(leader.is_leader());
}

#[tokio::test]
async fn the_limits_of_ordinary_locks_do_not_end_a_leadership() {
    let short = |builder: ClientBuilder| {
        let ttl = Duration::from_millis(500);
        builder.ttl(ttl).hold_max(ttl).renewals_max(1).renew(false)
    };
    let ours = built("limits", short);
    let election = ours.elect("crown", ()).expect("open");
    let tenure = election.won().await.expect("free");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(tenure.is_held(), "{:?}", tenure.loss());
    assert_eq!(election.fencing_token(), tenure.fencing_token());
    // A guard of the tenure is not the tenure.
    assert_eq!(tenure.release().await.expect("ours"), Released::StillHeld);
    assert!(election.is_leader());
    let tenure = election.won().await.expect("leads");
    assert_eq!(
        tenure.detach().await.expect_err("no").field(),
        Some("guard")
    );
}

#[tokio::test]
async fn leaders_take_turns_where_a_tenure_has_an_end() {
    let ttl = Duration::from_millis(50);
    let turns = || AcquireOptions::new().ttl(ttl).hold_max(ttl * 2);
    let (ours, theirs) = (client("turns"), client("turns"));
    let first = ours.elect("crown", turns()).expect("open");
    let tenure = first.won().await.expect("free");
    let second = theirs.elect("crown", turns()).expect("open");
    let next = second.won_within(SOON).await.expect("its turn");
    assert_eq!(tenure.loss(), Some(Loss::HoldLimit));
    let again = first.won_within(SOON).await.expect("elected again");
    assert!(next.fencing_token() > tenure.fencing_token());
    assert!(again.fencing_token() > next.fencing_token());
}

#[tokio::test]
async fn a_dead_locked_process_does_not_win_again_before_it_answers() {
    let answers = Arc::new(AtomicBool::new(false));
    let pulse = Pulse::new(|| {});
    let silence = Duration::from_millis(100);
    let felt = pulse.clone();
    let ours = built("silent", |builder| {
        builder.ttl(Duration::from_millis(60)).pulse(&felt, silence)
    });
    let election = ours.elect("crown", ()).expect("open");
    let tenure = election.won().await.expect("free");
    assert_eq!(tenure.lost().await, Loss::HostSilent);
    // Somebody who answers can be elected meanwhile.
    let theirs = client("silent").elect("crown", ()).expect("open");
    theirs.won_within(SOON).await.expect("free again");
    drop(theirs);
    let error = election.won_within(silence * 2).await.expect_err("silent");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    answers.store(true, Ordering::SeqCst);
    let beating = tokio::spawn(async move {
        while answers.load(Ordering::SeqCst) {
            pulse.beat();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    election.won_within(SOON).await.expect("it answers");
    beating.abort();
}

#[tokio::test]
async fn everybody_sees_who_leads() {
    let ours = built("label", |builder| builder.owner("number one"));
    let theirs = client("label").elect("crown", ()).expect("open");
    theirs.won().await.expect("free");
    theirs.resign().await.expect("ours");
    assert_eq!(theirs.leader().await.expect("answered"), None);
    let election = ours.elect("crown", ()).expect("open");
    election.won().await.expect("free");
    let seen = theirs.leader().await.expect("answered").expect("somebody");
    assert!(seen.ends_with("/rust/number one"), "{seen}");
    assert!(election.trouble().is_none());
}

#[tokio::test]
async fn what_makes_no_sense_for_a_leader_is_refused() {
    let ours = client("refused");
    for (options, field) in [
        (AcquireOptions::new().wait(SOON), "acquire.wait_ms"),
        (AcquireOptions::new().renew(false), "acquire.renew"),
        (AcquireOptions::new().ttl(Duration::ZERO), "acquire.ttl_ms"),
        (
            AcquireOptions::new().hold_max(Duration::ZERO),
            "acquire.hold_ms_max",
        ),
    ] {
        let error = ours.elect("crown", options).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(error.field(), Some(field));
    }
    let error = ours.elect("", ()).expect_err("no name");
    assert_eq!(
        (error.field(), error.operation()),
        (Some("name"), Some("elect"))
    );
}

#[tokio::test]
async fn a_candidate_tells_why_it_is_not_elected_and_goes_on() {
    // Nobody listens there.
    let ours = Client::builder().wait(Duration::ZERO);
    let ours = ours.connect(["redis://127.0.0.1:9"]).expect("valid");
    let election = ours.elect("crown", ()).expect("open");
    let trouble = loop {
        if let Some(trouble) = election.trouble() {
            break trouble;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(trouble.kind(), ErrorKind::QuorumUnavailable, "{trouble}");
    let error = election.leader().await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::QuorumUnavailable);
    assert!(!election.is_leader());
    assert!(ours.close(SOON).await.expect("closes"));
}

#[test]
fn threads_have_it_as_well() {
    let client = blocking::Client::connect(nodes("threads")).expect("valid");
    let election = client.elect("crown", ()).expect("open");
    let tenure = election.won().expect("free");
    assert!(tenure.is_held() && election.is_leader());
    assert_eq!(election.fencing_token(), tenure.fencing_token());
    assert!(election.leader().expect("answered").is_some());
    assert!(election.won_within(SOON).is_ok() && election.trouble().is_none());
    assert_eq!(election.resign().expect("ours"), Released::Released);
    assert!(!tenure.is_held());
}
