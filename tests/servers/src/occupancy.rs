//! Who is inside, in files of one folder that all processes share: what a limit is counted by, apart
//! from the locks under test.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder in which everybody inside has a file.
#[derive(Debug, Clone)]
pub struct Occupancy {
    folder: PathBuf,
}

/// One's own file; whoever leaves removes it.
#[derive(Debug)]
pub struct Inside(PathBuf);

impl Occupancy {
    /// The occupancy that this folder shows.
    pub fn of(folder: &Path) -> Self {
        Occupancy {
            folder: folder.to_owned(),
        }
    }

    /// Comes in with so many permits; says how many are inside then.
    pub fn enter(&self, permits: usize) -> io::Result<(Inside, usize)> {
        static ENTERED: AtomicU64 = AtomicU64::new(0);
        let number = ENTERED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}-{permits}", std::process::id());
        let inside = self.alone(&name)?;
        let mut sum = 0;
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let permits = name
                .rsplit('-')
                .next()
                .and_then(|permits| permits.parse::<usize>().ok());
            sum += permits.unwrap_or(0);
        }
        Ok((inside, sum))
    }

    /// Comes in under a name that nobody else may have meanwhile; an error where somebody has.
    pub fn alone(&self, name: &str) -> io::Result<Inside> {
        let path = self.folder.join(name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Inside(path))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // The folder is the test's, which may be over.
        let _ = fs::remove_file(&self.0);
    }
}
