//! The workers as the demo sees them: processes, what they tell, and the orders they get.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;

use crate::options::Task;
use crate::worker::{FREEZE, STOP};

/// What a worker told, or that it ended.
pub(crate) struct News {
    worker: usize,
    at: Instant,
    line: Option<String>,
}

/// What others have to know of the news.
pub(crate) enum Event {
    /// A worker stands still in the middle of its section, and was killed there.
    KilledInSection {
        /// Which.
        worker: usize,
        /// When, since the beginning.
        at: Duration,
    },
}

/// One worker process and what it saw.
pub(crate) struct Worker {
    /// Its process.
    pub(crate) pid: u32,
    child: Child,
    orders: Option<ChildStdin>,
    /// How long it waited for the lock, once per section, in microseconds.
    pub(crate) waits_us: Vec<u64>,
    /// Locks lost before the write.
    pub(crate) lost: u32,
    /// Writes that the ledger refused.
    pub(crate) late: u32,
    /// Calls that failed.
    pub(crate) failed: u32,
    /// True once the demo has killed it.
    pub(crate) killed: bool,
    /// How it ended by itself.
    pub(crate) ended_well: Option<bool>,
}

/// All workers.
pub(crate) struct Crew {
    /// In order of their numbers.
    pub(crate) workers: Vec<Worker>,
    /// What they tell.
    pub(crate) news: Receiver<News>,
    /// When each update was made, since the beginning.
    pub(crate) updates: Vec<Duration>,
}

impl Crew {
    /// Starts `count` workers.
    pub(crate) fn start(count: usize, urls: &[String], dir: &Path) -> io::Result<Crew> {
        let (sender, news) = mpsc::channel();
        let workers = (0..count).map(|number| {
            let task = Task {
                number,
                dir: dir.to_owned(),
                urls: urls.to_vec(),
            };
            Worker::start(&task, sender.clone())
        });
        let workers = workers.collect::<io::Result<_>>()?;
        Ok(Crew {
            workers,
            news,
            updates: Vec::new(),
        })
    }

    /// Takes in what a worker told; a worker that froze, as ordered, is killed.
    pub(crate) fn learn(&mut self, news: News, begun: Instant) -> Option<Event> {
        let worker = &mut self.workers[news.worker];
        let at = news.at.saturating_duration_since(begun);
        let Some(line) = news.line else {
            worker.ended_well = Some(worker.child.wait().is_ok_and(|status| status.success()));
            return None;
        };
        match line.split_once(' ').map_or((&line[..], ""), |pair| pair) {
            ("added", waited_us) => {
                worker.waits_us.push(waited_us.parse().unwrap_or(0));
                self.updates.push(at);
            }
            ("frozen", _) => {
                worker.kill();
                return Some(Event::KilledInSection {
                    worker: news.worker,
                    at: begun.elapsed(),
                });
            }
            ("lost", _) => worker.lost += 1,
            ("late", _) => worker.late += 1,
            _ => worker.failed += 1,
        }
        None
    }

    /// Tells a worker to stand still in its next section.
    pub(crate) fn freeze(&mut self, worker: usize) {
        self.workers[worker].order(FREEZE);
    }

    /// Lets everybody end, within `limit`.
    pub(crate) fn finish(&mut self, begun: Instant, limit: Duration) {
        for worker in &mut self.workers {
            worker.order(STOP);
        }
        let until = Instant::now() + limit;
        while self
            .workers
            .iter()
            .any(|worker| worker.ended_well.is_none())
        {
            let left = until.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                // A worker that froze after the end is killed like any other.
                Ok(news) => drop(self.learn(news, begun)),
                Err(_) => return,
            }
        }
    }
}

impl Worker {
    fn start(task: &Task, news: Sender<News>) -> io::Result<Worker> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(task.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // Ctrl-C is for the demo, which ends its workers itself.
        command.process_group(0);
        let mut child = command.spawn()?;
        let (orders, told) = (child.stdin.take(), child.stdout.take());
        let worker = task.number;
        std::thread::spawn(move || {
            let lines = told
                .map(|told| BufReader::new(told).lines())
                .into_iter()
                .flatten();
            for line in lines.map_while(Result::ok) {
                // The demo may be over already.
                let _ = news.send(News {
                    worker,
                    at: Instant::now(),
                    line: Some(line),
                });
            }
            let _ = news.send(News {
                worker,
                at: Instant::now(),
                line: None,
            });
        });
        Ok(Worker {
            pid: child.id(),
            child,
            orders,
            waits_us: Vec::new(),
            lost: 0,
            late: 0,
            failed: 0,
            killed: false,
            ended_well: None,
        })
    }

    fn order(&mut self, order: &str) {
        if let Some(orders) = &mut self.orders {
            // A worker that has ended takes no orders.
            let _ = writeln!(orders, "{order}");
        }
    }

    fn kill(&mut self) {
        self.killed = true;
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
