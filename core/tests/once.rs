//! Jobs that are done once, over embedded nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quorlock::{AcquireOptions, Client, Error, ErrorKind, Released, blocking};

const HOUR: Duration = Duration::from_secs(3600);

fn client(test: &str, nodes: impl IntoIterator<Item = u32>) -> Client {
    let nodes = nodes.into_iter();
    Client::connect(nodes.map(|node| format!("memory://once-{test}-{node}"))).expect("valid")
}

fn within(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

#[tokio::test]
async fn what_is_done_is_not_begun_again() {
    for count in 1..=7 {
        let name = format!("done{count}");
        let (ours, theirs) = (client(&name, 0..count), client(&name, 0..count));
        let job = ours.once("report", HOUR);
        assert_eq!((job.name(), job.retention()), ("report", HOUR));
        assert!(!job.is_done().await.expect("answered"));
        let guard = job.begin(()).await.expect("answered").expect("not done");
        assert!(guard.is_held() && guard.is_once() && !guard.is_adopted());
        assert_eq!(guard.release().await.expect("held"), Released::Released);
        let again = theirs.once("report", HOUR);
        assert!(again.begin(()).await.expect("answered").is_none());
        assert!(again.is_done().await.expect("answered"));
        let other = theirs.once("another", HOUR).begin(()).await;
        assert!(other.expect("answered").is_some());
        // The lock is free, and not the job.
        let lock = theirs.mutex("report").try_acquire(()).await;
        assert!(!lock.expect("answered").expect("free").is_once());
    }
}

#[tokio::test]
async fn running_elsewhere_is_told_from_done() {
    let (ours, theirs) = (client("running", 0..3), client("running", 0..3));
    let guard = ours.once("job", HOUR).begin(()).await.expect("answered");
    let job = theirs.once("job", HOUR);
    let error = job.begin(within(0)).await.expect_err("elsewhere");
    assert_eq!(error.kind(), ErrorKind::Contended, "{error}");
    let error = job.begin(within(20)).await.expect_err("elsewhere");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(!job.is_done().await.expect("answered"));
    let waiting = tokio::spawn(async move { job.begin(within(10_000)).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    guard.expect("not done").release().await.expect("held");
    let begun = waiting.await.expect("no panic").expect("answered");
    assert!(begun.is_none(), "done while it waited");
}

#[tokio::test]
async fn a_job_given_up_is_begun_anew() {
    let (ours, theirs) = (client("again", 0..3), client("again", 0..3));
    let begin = async |client: &Client| {
        let begun = client.once("job", HOUR).begin(within(5_000)).await;
        begun.expect("answered").expect("not done")
    };
    begin(&ours).await.abandon();
    drop(begin(&theirs).await);
    // An inner guard says nothing of the job while others are left.
    let outer = begin(&ours).await;
    let inner = outer.reenter().expect("held");
    assert_eq!(inner.release().await.expect("held"), Released::StillHeld);
    outer.abandon();
    begin(&theirs).await.release().await.expect("held");
    let done = ours.once("job", HOUR).begin(()).await.expect("answered");
    assert!(done.is_none());
}

#[tokio::test]
async fn work_that_fails_is_not_done() {
    let ours = client("run", 0..3);
    let job = ours.once("job", HOUR);
    let failed: Result<Option<u32>, Error> = job
        .run((), async |_| Err(Error::invalid("work", "fails")))
        .await;
    assert_eq!(failed.expect_err("fails").field(), Some("work"));
    let run = async || job.run(within(5_000), async |_| Ok::<_, Error>(7)).await;
    assert_eq!(run().await.expect("runs"), Some(7));
    assert_eq!(run().await.expect("answered"), None);
}

#[tokio::test]
async fn work_whose_lock_is_lost_is_not_done() {
    let ours = client("lost", 0..3);
    let job = ours.once("job", HOUR);
    let short = within(1000).ttl(Duration::from_millis(50)).renew(false);
    let lost: Result<Option<()>, Error> =
        job.run(short, async |_| std::future::pending().await).await;
    assert_eq!(lost.expect_err("lost").kind(), ErrorKind::LeaseLost);
    let short = within(5_000).ttl(Duration::from_millis(50)).renew(false);
    let guard = job.begin(short).await.expect("answered").expect("not done");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = guard.complete().await.expect_err("too late");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::LeaseLost, Some("complete"))
    );
    // The work was done all the same, and is not done again; another job is.
    assert!(job.is_done().await.expect("answered"));
    let job = ours.once("another", HOUR);
    let begun = job.begin(within(5_000)).await.expect("answered");
    assert!(begun.is_some());
}

#[tokio::test]
async fn many_come_and_one_does_it() {
    let done = Arc::new(AtomicU32::new(0));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let client = client("many", 0..3);
        for _ in 0..10 {
            let (job, done) = (client.once("job", HOUR), Arc::clone(&done));
            tasks.push(tokio::spawn(async move {
                let work = async |_: &_| {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    done.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, Error>(())
                };
                job.run(within(30_000), work).await.expect("answered")
            }));
        }
    }
    let mut ran = 0;
    for task in tasks {
        ran += u32::from(task.await.expect("no panic").is_some());
    }
    assert_eq!((ran, done.load(Ordering::SeqCst)), (1, 1));
}

/// Nodes that never heard of it stand for those that forgot.
#[tokio::test]
async fn who_hears_of_it_tells_those_that_do_not_know() {
    let first = client("forgot", 0..3);
    let guard = first.once("job", HOUR).begin(()).await.expect("answered");
    guard.expect("not done").release().await.expect("held");
    // One of three nodes knows: enough, and then the two others do.
    let second = client("forgot", [2, 3, 4]);
    assert!(second.once("job", HOUR).is_done().await.expect("answered"));
    let third = client("forgot", [3, 4, 5]);
    let begun = third.once("job", HOUR).begin(()).await;
    assert!(begun.expect("answered").is_none());
}

#[tokio::test]
async fn it_is_done_again_after_the_retention_and_not_before() {
    let ours = client("retention", 0..3);
    let job = ours.once("job", Duration::from_secs(1));
    let guard = job.begin(()).await.expect("answered").expect("not done");
    let released = tokio::time::Instant::now();
    guard.release().await.expect("held");
    // Asking, which tells nodes on, must not make it longer.
    while job.is_done().await.expect("answered") {
        assert!(released.elapsed() < Duration::from_secs(10), "never over");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(released.elapsed() >= Duration::from_millis(990));
    assert!(job.begin(()).await.expect("answered").is_some());
}

#[tokio::test]
async fn what_is_out_of_bounds_is_told_before_anything_is_sent() {
    let ours = client("bounds", 0..3);
    for retention in [Duration::ZERO, Duration::from_millis(999), 9000 * HOUR] {
        let error = ours.once("job", retention).begin(()).await;
        let error = error.expect_err("out of bounds");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(error.field(), Some("once.retention_ms"));
        assert_eq!(error.operation(), Some("begin"));
    }
    let error = ours.once("", HOUR).is_done().await.expect_err("no name");
    assert_eq!(error.field(), Some("name"));
    let guard = ours.once("job", HOUR).begin(()).await.expect("answered");
    let guard = guard.expect("not done");
    let error = guard.detach().await.expect_err("not handed over");
    assert_eq!(error.field(), Some("guard"));
    assert!(guard.is_held());
}

#[test]
fn threads_have_it_as_well() {
    let client = blocking::Client::connect(["memory://once-threads"]).expect("valid");
    let job = client.once("job", HOUR);
    let work = |guard: &blocking::Guard| {
        assert!(guard.is_once());
        Ok::<_, Error>(1)
    };
    assert_eq!(job.run((), work).expect("runs"), Some(1));
    assert_eq!(job.run((), work).expect("answered"), None);
    assert!(job.is_done().expect("answered"));
    assert!(job.begin(()).expect("answered").is_none());
    client.close(Duration::from_secs(1)).expect("closes");
    assert_eq!(job.begin(()).expect_err("closed").kind(), ErrorKind::Closed);
}
