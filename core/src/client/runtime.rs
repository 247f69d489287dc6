//! The engine's own runtime: one thread, fed by a queue.
//!
//! One thread and not several: everything queued while it is busy goes out in one write per
//! connection, which is what makes many concurrent callers cheap.

use std::cell::Cell;
use std::sync::Arc;

use nix::sys::signal::SigSet;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;

use crate::client::process::ProcessLocal;
use crate::error::{Error, ErrorKind, Result};
use crate::quorum::{Spawn, Task};

/// Stack of the engine's thread; nothing there recurses.
const STACK_BYTES: usize = 512 * 1024;

thread_local! {
    static IS_ENGINE: Cell<bool> = const { Cell::new(false) };
}

/// This process's runtime.
static SHARED: ProcessLocal<Arc<OwnRuntime>> = ProcessLocal::empty();

/// True on the engine's own thread, where blocking would wait for itself.
pub(crate) fn is_engine_thread() -> bool {
    IS_ENGINE.get()
}

/// Where a client's tasks run.
pub(crate) enum Executor {
    /// The engine's own thread, shared by all clients of the process.
    Own(Arc<OwnRuntime>),
    /// A runtime the caller brought.
    Foreign(Handle),
}

impl Executor {
    /// The process's own runtime, started if need be.
    pub(crate) fn own() -> Result<Self> {
        SHARED
            .get_or_make(|| OwnRuntime::start().map(Arc::new))
            .map(Executor::Own)
    }
}

impl Spawn for Executor {
    fn spawn(&self, task: Task) {
        match self {
            Executor::Own(runtime) => runtime.spawn(task),
            Executor::Foreign(handle) => drop(handle.spawn(task)),
        }
    }
}

/// A thread that runs tasks. It ends when this handle is dropped and its queue is empty.
pub(crate) struct OwnRuntime {
    tasks: mpsc::UnboundedSender<Task>,
}

impl OwnRuntime {
    fn start() -> Result<Self> {
        let failed = |what: &str| {
            Error::new(
                ErrorKind::Internal,
                format!("cannot start the engine's {what}"),
            )
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| failed("runtime"))?;
        let (tasks, mut inbox) = mpsc::unbounded_channel::<Task>();
        let body = move || {
            // Signals belong to the application's threads. A refusal would change nothing else.
            let _ = SigSet::all().thread_block();
            IS_ENGINE.set(true);
            runtime.block_on(async move {
                let mut batch = Vec::new();
                while inbox.recv_many(&mut batch, 256).await > 0 {
                    for task in batch.drain(..) {
                        drop(tokio::spawn(task));
                    }
                }
            });
        };
        let thread = std::thread::Builder::new()
            .name("quorlock".into())
            .stack_size(STACK_BYTES);
        drop(thread.spawn(body).map_err(|_| failed("thread"))?);
        Ok(OwnRuntime { tasks })
    }

    fn spawn(&self, task: Task) {
        if is_engine_thread() {
            drop(tokio::spawn(task));
        } else {
            // The thread ends only after this handle, so somebody takes the task.
            let _ = self.tasks.send(task);
        }
    }
}
