//! Clocks: the lease goes by the clock that counts suspend, and the wall clock may say what it likes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use quorlock::testing::Parts;
use quorlock::testing::config::{Clock, Entropy, Moment, Planted, Settings};
use quorlock::testing::node::{MemoryServer, Node};
use quorlock::testing::quorum::{Spawn, Task};
use quorlock::{AcquireOptions, Client, Loss};

const HOUR: Duration = Duration::from_secs(3600);

/// A machine's clocks, which a test can set.
struct Clocks {
    began: Instant,
    slept_ns: AtomicU64,
    wall_off_us: AtomicI64,
}

impl Clock for Clocks {
    fn now(&self) -> Moment {
        let slept = Duration::from_nanos(self.slept_ns.load(Ordering::SeqCst));
        Moment::default() + HOUR + self.began.elapsed() + slept
    }

    fn wall_micros(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let micros = i64::try_from(since.as_micros()).expect("before 200000");
        u64::try_from(micros + self.wall_off_us.load(Ordering::SeqCst)).unwrap_or(0)
    }

    fn longest_sleep(&self) -> Duration {
        Duration::from_millis(50)
    }
}

/// Never the same bytes twice.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

struct OnTokio;

impl Spawn for OnTokio {
    fn spawn(&self, task: Task) {
        drop(tokio::spawn(task));
    }
}

/// A machine of its own, and a client there of three servers elsewhere, whose clocks are right.
fn machine() -> (Arc<Clocks>, Client) {
    let clocks = || {
        Arc::new(Clocks {
            began: Instant::now(),
            slept_ns: AtomicU64::new(0),
            wall_off_us: AtomicI64::new(0),
        })
    };
    let (own, theirs) = (clocks(), clocks());
    let client = Client::from_parts(Parts {
        settings: Settings::default(),
        nodes: Box::new(move |id, wake| {
            let node = |number: u32| -> Arc<dyn Node> {
                let server = MemoryServer::new(theirs.clone());
                let address = format!("memory://clocks-{number}");
                Arc::new(server.connect(address, id.clone(), wake.clone()))
            };
            (0..3).map(node).collect()
        }),
        clock: own.clone(),
        entropy: Arc::new(Counting(AtomicU64::new(1))),
        spawner: Arc::new(OnTokio),
        planted: Planted::default(),
    });
    (own, client)
}

/// a suspended machine wakes up without its lock, and says so at once and once.
#[tokio::test]
async fn time_asleep_counts() {
    let (clocks, client) = machine();
    let guard = client.mutex("a").acquire(()).await.expect("free");
    let (said, heard) = mpsc::channel();
    guard.on_lost(move |loss| said.send(loss).expect("open"));
    assert!(guard.is_held());
    clocks.slept_ns.fetch_add(
        u64::try_from(HOUR.as_nanos()).expect("small"),
        Ordering::SeqCst,
    );
    let woke = Instant::now();
    assert!(
        !guard.is_held() && guard.remaining().is_zero(),
        "before anybody told it"
    );
    assert_eq!(guard.lost().await, Loss::Expired);
    // 50 ms on a machine with nothing else to do.
    assert!(
        woke.elapsed() < Duration::from_secs(2),
        "{:?}",
        woke.elapsed()
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [Loss::Expired]);
}

/// a step of the wall clock changes nothing, and tokens go on rising.
#[tokio::test]
async fn the_wall_clock_may_step() {
    let (clocks, client) = machine();
    let hour = i64::try_from(HOUR.as_micros()).expect("small");
    let options = AcquireOptions::new().ttl(Duration::from_millis(600));
    let mut last = None;
    for step in [
        0,
        hour,
        -hour,
        -2 * hour,
        24 * 365 * hour,
        -20 * 24 * 365 * hour,
    ] {
        let guard = client
            .mutex("a")
            .acquire(options.clone())
            .await
            .expect("free");
        let before = guard.remaining();
        clocks.wall_off_us.store(step, Ordering::SeqCst);
        let after = guard.remaining();
        assert!(
            after <= before && before - after < Duration::from_millis(300),
            "{step}"
        );
        // Over the first renewal.
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(guard.is_held(), "{step}: {:?}", guard.loss());
        let token = guard.fencing_token();
        assert!(token > last, "{step}: {token:?} after {last:?}");
        last = token;
        guard.release().await.expect("held");
    }
}
