//! Hand a held lock to whoever does the work: the publisher locks, the consumer releases.
//!
//! Between the two there is no moment in which the resource is free, and of all who get the same
//! ticket, because a queue delivers at least once, one goes on with the lock.

use std::time::Duration;

use quorlock::{AcquireOptions, Client, Result, Ticket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let connect = || Client::connect(quorlock_examples::nodes());
    let (publisher, consumer, twin) = (connect()?, connect()?, connect()?);

    let wait = AcquireOptions::new().wait(Duration::from_secs(10));
    let guard = publisher.mutex("example:payment:42").acquire(wait).await?;
    let before = guard.fencing_token();
    // Good for 30 s in the queue; the publisher's guard ends here.
    let ticket = guard.detach_for(Duration::from_secs(30)).await?;
    println!(
        "publisher: ticket {} for {}",
        ticket.id(),
        ticket.resource()
    );

    // A secret like the lock itself: into the job's data with it, not into a log.
    let job = ticket.encode();

    let ticket = Ticket::decode(&job)?;
    let guard = consumer.adopt(&ticket).await?;
    println!(
        "consumer: has the lock, and a larger token: {}",
        guard.fencing_token() > before
    );

    let refused = twin.adopt(&ticket).await.expect_err("one adopter at most");
    println!("delivered twice: {}", refused.message());

    guard.release().await?;
    let refused = twin.adopt(&ticket).await.expect_err("the work is done");
    println!("delivered later: {}", refused.message());
    Ok(())
}
