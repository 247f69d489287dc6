//! Where the figures come from.

use quorlock_test_support::ServerKind;

/// The machine and the server, as far as they matter to a reader of the figures.
pub(crate) struct Machine {
    /// Processor's name.
    pub(crate) processor: String,
    /// Cores this process may use.
    pub(crate) cores: usize,
    /// Kernel.
    pub(crate) kernel: String,
    /// Kind and version of the servers.
    pub(crate) server: String,
    /// Runnable processes per core when the run began: above 1, the figures are noisy.
    pub(crate) load: f64,
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Machine {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let load = read("/proc/loadavg")
            .split(' ')
            .next()
            .and_then(|l| l.parse::<f64>().ok());
        let kind = crate::rig::kind().unwrap_or(ServerKind::Valkey);
        let version = kind.binary().ok().and_then(|path| {
            let output = std::process::Command::new(path)
                .arg("--version")
                .output()
                .ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            Some(text.split(" v=").nth(1)?.split(' ').next()?.to_owned())
        });
        Machine {
            processor: read("/proc/cpuinfo")
                .lines()
                .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
                .map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned()),
            cores,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            server: format!("{kind:?} {}", version.unwrap_or_default()),
            load: load.unwrap_or(0.0) / cores as f64,
        }
    }
}
