//! Ends the servers of a test process that did not come to end them itself.
//!
//! `Drop` does not run when a test process is killed, aborts or calls `exit`, and then its servers would live for ever.
//! (`PR_SET_PDEATHSIG` is no remedy: it fires when the *thread* that started the server ends.) So one small shell per test
//! process reads the ids of its servers from a pipe, and kills what is left when the pipe closes. Then it removes the
//! folders of that test process.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use crate::{TempDir, lock};

/// Reads `+ pid` and `- pid` until the other end is gone. An id is taken off the list before its process is reaped by
/// the test, so that no id is killed which has come to mean another process.
const SCRIPT: &str = r#"
trap '' INT HUP TERM
all=' '
while read -r sign pid; do
    case $sign in
    +) all="$all$pid " ;;
    -) case $all in *" $pid "*) all="${all%% $pid *} ${all#* $pid }" ;; esac ;;
    esac
done
for pid in $all; do kill -9 "$pid"; done
rm -rf "$1"*
"#;

static REAPER: OnceLock<Option<Mutex<Child>>> = OnceLock::new();

/// From now on the process is killed when this one ends.
pub(crate) fn register(pid: u32) {
    tell(&format!("+ {pid}\n"));
}

/// The process is about to be ended by its owner.
pub(crate) fn forget(pid: u32) {
    tell(&format!("- {pid}\n"));
}

fn tell(line: &str) {
    // Without a shell the tests still work; only a killed run leaves servers behind.
    let Some(reaper) = REAPER.get_or_init(|| start(&TempDir::prefix()).map(Mutex::new)) else {
        return;
    };
    if let Some(pipe) = lock(reaper).stdin.as_mut() {
        let _ = pipe.write_all(line.as_bytes());
    }
}

fn start(folders: &Path) -> Option<Child> {
    Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(folders)
        .stdin(Stdio::piped())
        // Not inherited: whoever reads the output of the test process would wait for the shell as well.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A Ctrl-C is meant for the tests; the shell must outlive them.
        .process_group(0)
        .spawn()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holds_within;
    use std::time::Duration;

    fn sleeper() -> Child {
        Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep starts")
    }

    #[test]
    fn kills_what_is_left_and_spares_what_was_forgotten() {
        let (mut left, mut forgotten) = (sleeper(), sleeper());
        // A reaper of its own: the one of this process lives until the process ends.
        let dir = TempDir::new().expect("a folder");
        std::fs::create_dir(dir.join("left-1")).expect("a folder");
        let mut reaper = start(&dir.join("left-")).expect("a shell");
        let mut pipe = reaper.stdin.take().expect("a pipe");
        let lines = format!(
            "+ {}\n+ {}\n- {}\n",
            left.id(),
            forgotten.id(),
            forgotten.id()
        );
        pipe.write_all(lines.as_bytes()).expect("the shell reads");
        drop(pipe);
        reaper.wait().expect("the shell ends");

        assert!(holds_within(Duration::from_secs(2), || left
            .try_wait()
            .is_ok_and(|status| status.is_some())));
        assert!(!dir.join("left-1").exists() && dir.path().exists());
        assert!(forgotten.try_wait().expect("a child").is_none());
        forgotten.kill().expect("own child");
        forgotten.wait().expect("own child");
    }
}
