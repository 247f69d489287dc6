//! The examples in C run, over the embedded node and over real servers; and the worker settles every
//! order once, whatever happens to the workers.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::AcquireOptions;
use engine::blocking::Client;
use quorlock_test_support::{Reply, Server, ServerKind, Servers};

use crate::program::{binding, compile, compile_with, succeed};

/// The examples, and what each says when it went as it should.
const EXAMPLES: [(&str, &str); 5] = [
    ("01-mutex", "balance 100 of 100"),
    ("02-auto-renew", "held four times the ttl, then released"),
    ("03-try-lock", "scheduler 2: free again"),
    ("04-handoff", "has the lock, and a larger token: true"),
    ("05-fencing", "slow: written false\nstored: by quick"),
];

fn folder() -> PathBuf {
    binding().join("../examples/c")
}

fn run_examples(nodes: Option<&str>) {
    for (name, expected) in EXAMPLES {
        let label = format!(
            "{name}-{}",
            if nodes.is_some() { "servers" } else { "memory" }
        );
        let program = compile(&label, &folder().join(format!("{name}.c")));
        let mut command = Command::new(program);
        command.env_remove("QUORLOCK_NODES");
        if let Some(nodes) = nodes {
            command.env("QUORLOCK_NODES", nodes);
        }
        let said = succeed(&mut command);
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn over_the_embedded_node() {
    run_examples(None);
}

#[test]
fn over_five_servers() {
    let servers = Servers::start(5, ServerKind::Valkey);
    run_examples(Some(&servers.urls().join(", ")));
}

/// The queue, the lock nodes, and the program that works.
struct Shop {
    program: PathBuf,
    nodes: Servers,
    queue: Server,
}

impl Shop {
    fn open(name: &str) -> Self {
        let hiredis = binding().join("../.venv/hiredis");
        assert!(
            hiredis.is_dir(),
            "hiredis is not there: `make hiredis` fetches it"
        );
        let mut more = vec![PathBuf::from("-isystem"), hiredis.clone()];
        let parts = [
            "alloc",
            "async",
            "hiredis",
            "net",
            "read",
            "sds",
            "sockcompat",
        ];
        let object = |part: &str| {
            let object = crate::program::folder(&format!("{name}-{part}")).join("part.o");
            let mut command = crate::program::compiler(false);
            command.args(["-O1", "-c", "-o"]).arg(&object);
            succeed(command.arg(hiredis.join(part).with_extension("c")));
            object
        };
        more.extend(parts.map(object));
        Shop {
            program: compile_with(name, &folder().join("worker.c"), &more),
            nodes: Servers::start(3, ServerKind::Valkey),
            queue: Server::start(ServerKind::Valkey),
        }
    }

    fn worker(&self, name: &str, work_ms: u32) -> Child {
        Command::new(&self.program)
            .arg(name)
            .env_remove("LD_LIBRARY_PATH")
            .env("QUORLOCK_NODES", self.nodes.urls().join(","))
            .env(
                "QUEUE_URL",
                format!("redis://127.0.0.1:{}", self.queue.port()),
            )
            .env("WORK_MS", work_ms.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the worker starts")
    }

    fn ask(&self, command: &[&str]) -> Reply {
        self.queue.command(command)
    }

    /// A publisher whose tickets are good for `ttl` unless told otherwise.
    fn publisher(&self, ttl: Duration) -> Client {
        let client = engine::Client::builder()
            .ttl(ttl)
            .connect(self.nodes.urls());
        Client::from(client.expect("valid"))
    }

    /// Locks an order and puts its job into the queue, as often as a careless queue delivers it.
    fn publish(&self, client: &Client, order: &str, ttl: Duration, times: usize) {
        let wait = AcquireOptions::new().wait(Duration::from_secs(10));
        let guard = client
            .mutex(format!("settlement:{order}"))
            .acquire(wait)
            .expect("free");
        let job = format!("{} {order}", guard.detach_for(ttl).expect("held").encode());
        for _ in 0..times {
            self.ask(&["LPUSH", "settlements", &job]);
        }
    }

    fn times(&self, order: &str) -> Option<String> {
        self.ask(&["HGET", &format!("settled:{order}"), "times"])
            .text()
    }

    /// Waits until every order is settled and no job is left.
    fn wait_for(&self, orders: &[String], workers: &[&str]) {
        let limit = Instant::now() + Duration::from_secs(60);
        let lists: Vec<String> = workers
            .iter()
            .map(|name| format!("settlements:{name}"))
            .collect();
        let empty = |list: &str| self.ask(&["LLEN", list]).int() == Some(0);
        loop {
            let settled = orders.iter().all(|order| self.times(order).is_some());
            if settled && empty("settlements") && lists.iter().all(|list| empty(list)) {
                return;
            }
            assert!(Instant::now() < limit, "some orders are not settled");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Asks a worker to stop, and gives what it said.
fn stop(child: Child) -> String {
    succeed(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[test]
fn workers_settle_every_order_once() {
    let shop = Shop::open("worker-once");
    let client = shop.publisher(Duration::from_millis(500));
    let orders: Vec<String> = (0..30).map(|number| format!("order-{number}")).collect();
    for (index, order) in orders.iter().enumerate() {
        // Every third is delivered twice, and the ticket of every fifth has run out by then.
        let ttl = Duration::from_millis(if index % 5 == 4 { 10 } else { 60_000 });
        shop.publish(&client, order, ttl, 1 + usize::from(index % 3 == 0));
    }
    std::thread::sleep(Duration::from_millis(600));
    let workers = [shop.worker("one", 5), shop.worker("two", 5)];
    shop.wait_for(&orders, &["one", "two"]);
    let said: String = workers.map(stop).concat();
    for order in &orders {
        assert_eq!(shop.times(order).as_deref(), Some("1"), "{order}\n{said}");
    }
    assert!(
        said.contains("was done before") || said.contains("is settled already"),
        "{said}"
    );
    assert!(said.contains("without its ticket"), "{said}");
}

#[test]
fn a_worker_killed_in_the_middle_settles_when_it_comes_back() {
    let shop = Shop::open("worker-killed");
    let client = shop.publisher(Duration::from_millis(1500));
    shop.publish(&client, "killed", Duration::from_millis(1500), 1);
    let mut first = shop.worker("one", 60_000);
    let limit = Instant::now() + Duration::from_secs(30);
    while shop.ask(&["LLEN", "settlements:one"]).int() != Some(1) {
        assert!(Instant::now() < limit, "the worker takes no job");
        std::thread::sleep(Duration::from_millis(20));
    }
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    assert_eq!(shop.times("killed"), None);
    let orders = ["killed".to_owned()];
    let again = shop.worker("one", 0);
    shop.wait_for(&orders, &["one"]);
    let said = stop(again);
    assert_eq!(shop.times("killed").as_deref(), Some("1"), "{said}");
}
