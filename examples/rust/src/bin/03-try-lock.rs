//! Do not wait: a job that somebody else does already need not be done again.
//!
//! That somebody else holds the lock is a result; that too few servers answer is an error.

use quorlock::{Client, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Two schedulers, as on two machines; the owner text is what `inspect` shows.
    let connect = |owner| {
        Client::builder()
            .owner(owner)
            .connect(quorlock_examples::nodes())
    };
    let (first, second) = (connect("scheduler 1")?, connect("scheduler 2")?);
    let job = "example:nightly-report";

    let Some(guard) = first.mutex(job).try_acquire(()).await? else {
        println!("another run of this example is at it");
        return Ok(());
    };
    println!("scheduler 1: starts the report");

    match second.mutex(job).try_acquire(()).await? {
        Some(_) => println!("scheduler 2: starts the report as well, which must not be"),
        None => {
            let holder = second.inspect(job).await?.holder;
            println!(
                "scheduler 2: nothing to do, held by {}",
                holder.as_deref().unwrap_or("nobody")
            );
        }
    }

    guard.release().await?;
    let free = second.mutex(job).try_acquire(()).await?;
    println!(
        "scheduler 2: {}",
        if free.is_some() {
            "free again"
        } else {
            "still held"
        }
    );
    Ok(())
}
