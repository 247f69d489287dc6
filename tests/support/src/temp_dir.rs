//! A folder of one test, gone with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A fresh folder below the system's temporary folder, removed when dropped.
///
/// Its path is kept short: a Unix socket path may have no more than 107 bytes.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// Makes a folder that did not exist before.
    pub fn new() -> io::Result<TempDir> {
        loop {
            let mut path = TempDir::prefix().into_os_string();
            path.push(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
            let path = PathBuf::from(path);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(TempDir { path }),
                // Left behind by a killed process that had the same id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What the paths of all folders of this process begin with, and of no other's.
    pub(crate) fn prefix() -> PathBuf {
        std::env::temp_dir().join(format!("quorlock-test-{}-", process::id()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Nothing sensible is left to do if it fails, and a folder in /tmp harms no later test.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_fresh_and_goes_with_its_content() {
        let (one, two) = (TempDir::new().expect("one"), TempDir::new().expect("two"));
        assert_ne!(one.path(), two.path());
        fs::write(one.join("file"), "content").expect("a file in it");
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
        assert!(two.path().exists());
    }
}
