//! Who is measured: the floors, and the engine as each kind of caller uses it.

use std::rc::Rc;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use quorlock::{Client, Fencing, blocking};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::floor::Floor;
use crate::sample::Sample;
use crate::usage;
use crate::wire::Dialect;

/// A way to take a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The bare client library.
    Floor,
    /// The same with the engine's words.
    FencedFloor,
    /// `quorlock::Client`; the engine has a thread of its own.
    Async,
    /// `quorlock::Client` on the caller's runtime.
    AsyncOnCaller,
    /// `quorlock::Client` without fencing tokens.
    AsyncUnfenced,
    /// `quorlock::blocking::Client`.
    Blocking,
}

impl Way {
    /// All, floors first.
    pub(crate) const ALL: [Way; 6] = [
        Way::Floor,
        Way::FencedFloor,
        Way::Async,
        Way::AsyncOnCaller,
        Way::AsyncUnfenced,
        Way::Blocking,
    ];

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Floor => "floor",
            Way::FencedFloor => "floor, fenced",
            Way::Async => "async",
            Way::AsyncOnCaller => "async, caller's runtime",
            Way::AsyncUnfenced => "async, no fencing",
            Way::Blocking => "blocking",
        }
    }
}

/// How callers choose names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Each caller has its own and keeps it.
    Kept,
    /// A new one for every cycle.
    Fresh,
}

/// One way, connected to its nodes.
pub(crate) struct Contender {
    /// Which.
    pub(crate) way: Way,
    runtime: Runtime,
    connected: Connected,
}

enum Connected {
    Floor(Rc<Floor>),
    Engine(Client),
    Blocking(blocking::Client),
}

impl Contender {
    /// Connects.
    pub(crate) fn new(way: Way, urls: &[String]) -> Contender {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let floor =
            |dialect| Connected::Floor(Rc::new(runtime.block_on(Floor::connect(urls, dialect))));
        let engine = |fencing, own: bool| {
            let mut builder = Client::builder().fencing(fencing);
            if own {
                builder = builder.runtime(runtime.handle().clone());
            }
            builder.connect(urls).expect("URLs of the test support")
        };
        let connected = match way {
            Way::Floor => floor(Dialect::Plain),
            Way::FencedFloor => floor(Dialect::Fenced),
            Way::Async => Connected::Engine(engine(Fencing::Auto, false)),
            Way::AsyncOnCaller => Connected::Engine(engine(Fencing::Auto, true)),
            Way::AsyncUnfenced => Connected::Engine(engine(Fencing::Off, false)),
            Way::Blocking => Connected::Blocking(engine(Fencing::Auto, false).into()),
        };
        Contender {
            way,
            runtime,
            connected,
        }
    }

    /// Lets `lanes` callers cycle for `span`; `round` tells new names apart.
    pub(crate) fn round(&self, lanes: usize, names: Names, round: usize, span: Duration) -> Sample {
        let name = move |lane: usize, cycle: usize| match names {
            Names::Kept => format!("bench:{lane}"),
            Names::Fresh => format!("bench:{round}:{lane}:{cycle}"),
        };
        let (cpu, begun) = (usage::own_cpu(), Instant::now());
        let until = begun + span;
        let lanes_ns: Vec<Vec<u64>> = match &self.connected {
            Connected::Floor(floor) => self.local(lanes, |lane| {
                let floor = Rc::clone(floor);
                async move {
                    let mut way = floor.lane();
                    let mut cycles = Vec::new();
                    while Instant::now() < until {
                        let name = name(lane, cycles.len());
                        let begun = Instant::now();
                        way.cycle(&name).await;
                        cycles.push(nanos(begun.elapsed()));
                    }
                    way.finish().await;
                    cycles
                }
            }),
            Connected::Engine(client) => self.local(lanes, |lane| {
                let client = client.clone();
                async move {
                    let mut cycles = Vec::new();
                    while Instant::now() < until {
                        let name = name(lane, cycles.len());
                        let begun = Instant::now();
                        let guard = client.mutex(name).acquire(()).await.expect("free");
                        guard.release().await.expect("ours");
                        cycles.push(nanos(begun.elapsed()));
                    }
                    cycles
                }
            }),
            Connected::Blocking(client) => {
                let start = Barrier::new(lanes);
                std::thread::scope(|scope| {
                    let caller = |lane| {
                        let start = &start;
                        move || {
                            let mut cycles = Vec::new();
                            start.wait();
                            while Instant::now() < until {
                                let name = name(lane, cycles.len());
                                let begun = Instant::now();
                                let guard = client.mutex(name).acquire(()).expect("free");
                                guard.release().expect("ours");
                                cycles.push(nanos(begun.elapsed()));
                            }
                            cycles
                        }
                    };
                    let callers: Vec<_> =
                        (0..lanes).map(|lane| scope.spawn(caller(lane))).collect();
                    callers
                        .into_iter()
                        .map(|caller| caller.join().expect("no panic"))
                        .collect()
                })
            }
        };
        let (wall, cpu) = (begun.elapsed(), usage::own_cpu() - cpu);
        Sample {
            cycles_ns: lanes_ns.concat(),
            wall,
            cpu,
        }
    }

    /// Runs one task per lane on this contender's runtime.
    fn local<F: Future<Output = Vec<u64>> + 'static>(
        &self,
        lanes: usize,
        task: impl Fn(usize) -> F,
    ) -> Vec<Vec<u64>> {
        let tasks = LocalSet::new();
        tasks.block_on(&self.runtime, async {
            let running: Vec<_> = (0..lanes)
                .map(|lane| tokio::task::spawn_local(task(lane)))
                .collect();
            let mut done = Vec::new();
            for lane in running {
                done.push(lane.await.expect("no panic"));
            }
            // What the engine left to finish on this runtime would else stand still until the
            // next round.
            tokio::time::sleep(Duration::from_millis(2)).await;
            done
        })
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
