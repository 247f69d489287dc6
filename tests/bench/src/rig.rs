//! The servers under every benchmark.

use std::io;

use quorlock_test_support::{ServerKind, ServerOptions, Servers};

/// The kind of server measured against: Valkey where there is one.
pub(crate) fn kind() -> io::Result<ServerKind> {
    let kinds = [ServerKind::Valkey, ServerKind::Redis82, ServerKind::Redis62];
    let found = kinds.into_iter().find(|kind| kind.binary().is_ok());
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "no Valkey or Redis server found: run `make setup`",
        )
    })
}

/// Starts `count` servers.
pub(crate) fn servers(count: usize) -> Servers {
    let kind = kind().expect("looked for at the start of the run");
    Servers::start(count, ServerOptions::new(kind))
}

/// How often the servers executed commands since they started, as `INFO commandstats` counts:
/// what clients sent, what was published, and everything with what scripts did inside.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Commands {
    /// Scripts called.
    pub(crate) scripts: u64,
    /// `PUBLISH`, mostly inside scripts.
    pub(crate) published: u64,
    /// `PEXPIRE`: one for each lease renewed on one node.
    pub(crate) expires: u64,
    /// All, inside scripts as well.
    pub(crate) all: u64,
}

impl Commands {
    /// The counts of all `servers` together.
    pub(crate) fn of(servers: &Servers) -> Commands {
        let mut sum = Commands::default();
        for server in servers {
            let info = server
                .command(&["INFO", "commandstats"])
                .text()
                .unwrap_or_default();
            for line in info.lines() {
                let Some((name, fields)) = line
                    .strip_prefix("cmdstat_")
                    .and_then(|l| l.split_once(':'))
                else {
                    continue;
                };
                let calls = fields
                    .strip_prefix("calls=")
                    .and_then(|f| f.split(',').next());
                let calls: u64 = calls.and_then(|number| number.parse().ok()).unwrap_or(0);
                match name {
                    "eval" | "evalsha" => sum.scripts += calls,
                    "publish" => sum.published += calls,
                    "pexpire" => sum.expires += calls,
                    "info" => continue,
                    _ => {}
                }
                sum.all += calls;
            }
        }
        sum
    }

    /// What was added since `before`.
    pub(crate) fn since(self, before: Commands) -> Commands {
        Commands {
            scripts: self.scripts - before.scripts,
            published: self.published - before.published,
            expires: self.expires - before.expires,
            all: self.all - before.all,
        }
    }
}
