//! One worker: a process of its own that adds to the ledger under the lock, again and again.
//!
//! It tells what it saw line by line on its standard output, and takes orders on its standard
//! input; when that closes, the demo is gone and so is the worker.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quorlock::{AcquireOptions, Client, Fencing, Mutex};

use crate::ledger::{Entry, Ledger};
use crate::options::Task;

/// What all workers want.
pub(crate) const RESOURCE: &str = "demo:ledger";
/// How soon others go on when a worker dies.
pub(crate) const TTL: Duration = Duration::from_secs(1);
/// The order to add no more.
pub(crate) const STOP: &str = "stop";
/// The order to stand still in the middle of the next section, to be killed there.
pub(crate) const FREEZE: &str = "freeze";

/// How long a section takes: time enough for two holders to overwrite each other.
const SECTION: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Orders {
    stop: AtomicBool,
    freeze: AtomicBool,
}

/// Works until told to stop.
pub(crate) fn run(task: &Task) -> ExitCode {
    let orders = Arc::new(Orders::default());
    listen(Arc::clone(&orders));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let worked = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(work(task, &orders)));
    match worked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker {}: {error}", task.number + 1);
            ExitCode::FAILURE
        }
    }
}

fn listen(orders: Arc<Orders>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line.as_deref() {
                Ok(STOP) => orders.stop.store(true, Ordering::SeqCst),
                Ok(FREEZE) => orders.freeze.store(true, Ordering::SeqCst),
                _ => {}
            }
        }
        if !orders.stop.load(Ordering::SeqCst) {
            // The demo was killed: nobody reads, nobody clears up after this worker.
            std::process::exit(1);
        }
    });
}

async fn work(task: &Task, orders: &Orders) -> Result<(), String> {
    let client = Client::builder()
        .ttl(TTL)
        .fencing(Fencing::Required)
        .owner(format!("worker {}", task.number + 1))
        .connect(&task.urls)
        .map_err(|error| error.to_string())?;
    let (mutex, ledger) = (client.mutex(RESOURCE), Ledger::open(&task.dir));
    while !orders.stop.load(Ordering::SeqCst) {
        section(task, orders, &mutex, &ledger).await?;
    }
    let closed = client.close(Duration::from_secs(2)).await;
    closed.map(|_| ()).map_err(|error| error.to_string())
}

/// Waits for the lock and adds one.
async fn section(
    task: &Task,
    orders: &Orders,
    mutex: &Mutex,
    ledger: &Ledger,
) -> Result<(), String> {
    let called = Instant::now();
    let guard = match mutex
        .acquire(AcquireOptions::new().wait(Duration::from_secs(5)))
        .await
    {
        Ok(guard) => guard,
        Err(error) => {
            println!("failed {}", error.code());
            return Ok(());
        }
    };
    let waited = called.elapsed();
    let token = guard
        .fencing_token()
        .ok_or("a lock without a token, though it is required")?;
    let seen = ledger.read().map_err(|error| error.to_string())?;
    if orders.freeze.load(Ordering::SeqCst) {
        println!("frozen");
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    tokio::time::sleep(SECTION).await;
    if guard.check().is_err() {
        println!("lost");
        return Ok(());
    }
    let entry = Entry {
        token: token.get(),
        count: seen + 1,
        worker: task.number,
    };
    if ledger.write(entry).map_err(|error| error.to_string())? {
        println!("added {}", waited.as_micros());
    } else {
        println!("late");
    }
    // What became of it is the engine's business: the next section waits for the lock anyhow.
    let _ = guard.release().await;
    Ok(())
}
