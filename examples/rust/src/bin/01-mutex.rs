//! One holder at a time: ten tasks add to a counter that is read, and written back a moment later.
//!
//! Without the lock most of the additions would be lost. Each task has a client of its own, as if
//! it were a process of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quorlock::{AcquireOptions, Client, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let balance = Arc::new(AtomicU32::new(0));
    let mut tasks = Vec::new();
    for _ in 0..10 {
        tasks.push(tokio::spawn(add_ten(Arc::clone(&balance))));
    }
    for task in tasks {
        task.await.expect("no task panics")?;
    }
    println!("balance {} of 100", balance.load(Ordering::SeqCst));
    Ok(())
}

async fn add_ten(balance: Arc<AtomicU32>) -> Result<()> {
    let client = Client::connect(quorlock_examples::nodes())?;
    let account = client.mutex("example:account:7");
    for _ in 0..10 {
        // Waits in a queue, first in, first out over all clients, for up to 10 s.
        let guard = account
            .acquire(AcquireOptions::new().wait(Duration::from_secs(10)))
            .await?;
        let seen = balance.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
        // An error if the lock was lost meanwhile: then the write must not happen.
        guard.check()?;
        balance.store(seen + 1, Ordering::SeqCst);
        guard.release().await?;
    }
    Ok(())
}
