//! The resource under contention: a file with a count, and a store's own check of tokens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// A count that is read in one step and written in another.
///
/// Each step alone is atomic, as in any store; the two together are not. Like a careful store it
/// refuses a write whose fencing token is not larger than every token before.
pub(crate) struct Ledger {
    dir: PathBuf,
}

/// One accepted write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The writer's fencing token.
    pub(crate) token: u64,
    /// The count it wrote.
    pub(crate) count: u64,
    /// Who wrote it.
    pub(crate) worker: usize,
}

impl Ledger {
    /// A new ledger at 0.
    pub(crate) fn create(dir: &Path) -> io::Result<Ledger> {
        let ledger = Ledger::open(dir);
        File::create(ledger.file("lock"))?;
        File::create(ledger.file("log"))?;
        fs::write(ledger.file("count"), "0 0")?;
        Ok(ledger)
    }

    /// The ledger that is there.
    pub(crate) fn open(dir: &Path) -> Ledger {
        Ledger {
            dir: dir.to_owned(),
        }
    }

    /// The count: the first step.
    pub(crate) fn read(&self) -> io::Result<u64> {
        let _step = self.step()?;
        Ok(self.state()?.0)
    }

    /// Writes the count: the second step. False where the token came too late.
    pub(crate) fn write(&self, entry: Entry) -> io::Result<bool> {
        let _step = self.step()?;
        if entry.token <= self.state()?.1 {
            return Ok(false);
        }
        fs::write(
            self.file("count"),
            format!("{} {}", entry.count, entry.token),
        )?;
        let mut log = OpenOptions::new().append(true).open(self.file("log"))?;
        writeln!(log, "{} {} {}", entry.token, entry.count, entry.worker)?;
        Ok(true)
    }

    /// Everything that was written, in order.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let _step = self.step()?;
        let log = fs::read_to_string(self.file("log"))?;
        log.lines()
            .map(|line| {
                let mut numbers = line.split(' ').map(str::parse::<u64>);
                let mut next = || {
                    numbers
                        .next()
                        .and_then(Result::ok)
                        .ok_or_else(|| damaged(line))
                };
                let (token, count, worker) = (next()?, next()?, next()?);
                Ok(Entry {
                    token,
                    count,
                    worker: usize::try_from(worker).map_err(io::Error::other)?,
                })
            })
            .collect()
    }

    /// The count and the largest token.
    fn state(&self) -> io::Result<(u64, u64)> {
        let text = fs::read_to_string(self.file("count"))?;
        let numbers = text
            .split_once(' ')
            .and_then(|(count, token)| Some((count.parse().ok()?, token.parse().ok()?)));
        numbers.ok_or_else(|| damaged(&text))
    }

    /// One step at a time, over all processes.
    fn step(&self) -> io::Result<Flock<File>> {
        let file = File::open(self.file("lock"))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn damaged(text: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the ledger says {text:?}"),
    )
}
