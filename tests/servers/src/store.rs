//! What locks protect in the tests: a counter in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// A counter that is read and written with nothing but the lock under test between the two. Beside
/// it stands the fencing token of the last writer.
#[derive(Debug, Clone)]
pub struct PlainStore {
    path: PathBuf,
}

impl PlainStore {
    /// The store in this file, made at 0 if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !path.exists() {
            fs::write(path, "0 0")?;
        }
        Ok(PlainStore {
            path: path.to_owned(),
        })
    }

    /// The counter and the token of its last writer. Fails where somebody is writing just now,
    /// which is a violation too.
    pub fn read(&self) -> io::Result<(u64, u64)> {
        parse(&fs::read_to_string(&self.path)?)
    }

    /// Writes both.
    pub fn write(&self, count: u64, token: u64) -> io::Result<()> {
        fs::write(&self.path, format!("{count} {token}"))
    }
}

/// A counter behind a store that checks fencing tokens, as a user's data base would: it never
/// accepts a token smaller than one it has seen, for reading and for writing.
#[derive(Debug, Clone)]
pub struct FencedStore {
    path: PathBuf,
}

impl FencedStore {
    /// The store in this file, made at 0 if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !path.exists() {
            fs::write(path, "0 0")?;
        }
        Ok(FencedStore {
            path: path.to_owned(),
        })
    }

    /// The counter as `token` may read it; `None` where the token is too old.
    pub fn read(&self, token: u64) -> io::Result<Option<u64>> {
        self.fenced(token, |count| (count, count))
    }

    /// Sets the counter; false where the token is too old.
    pub fn write(&self, token: u64, count: u64) -> io::Result<bool> {
        Ok(self.fenced(token, |_| (count, ()))?.is_some())
    }

    /// The counter and the largest token seen.
    pub fn last(&self) -> io::Result<(u64, u64)> {
        let file = File::open(&self.path)?;
        let mut file = Flock::lock(file, FlockArg::LockShared).map_err(|(_, error)| error)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        parse(&text)
    }

    fn fenced<T>(&self, token: u64, change: impl FnOnce(u64) -> (u64, T)) -> io::Result<Option<T>> {
        let file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let mut file = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let (count, seen) = parse(&text)?;
        if token < seen {
            return Ok(None);
        }
        let (count, result) = change(count);
        file.rewind()?;
        // Both numbers only grow, so nothing of the old text is left behind the new one.
        file.write_all(format!("{count} {token}").as_bytes())?;
        Ok(Some(result))
    }
}

fn parse(text: &str) -> io::Result<(u64, u64)> {
    let torn = || io::Error::new(io::ErrorKind::InvalidData, format!("torn: {text:?}"));
    let (count, token) = text.split_once(' ').ok_or_else(torn)?;
    Ok((
        count.parse().map_err(|_| torn())?,
        token.parse().map_err(|_| torn())?,
    ))
}
