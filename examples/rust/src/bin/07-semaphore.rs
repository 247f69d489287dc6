//! Three printers and ten jobs: at most three print at a time, over all processes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use quorlock::AcquireOptions;
use quorlock::blocking::Client;

const PRINTERS: u32 = 3;

fn main() -> quorlock::Result<()> {
    let client = Client::connect(quorlock_examples::nodes())?;
    let printers = client.semaphore("example:printers", PRINTERS);
    let (printing, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for job in 0..10 {
            let (printers, printing, most) = (&printers, &printing, &most);
            scope.spawn(move || {
                let printed = printers.using((), |guard| {
                    let now = printing.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    // The slot says which printer it is: nobody else has it meanwhile.
                    println!("job {job} on printer {}", guard.slots()[0]);
                    std::thread::sleep(Duration::from_millis(20));
                    printing.fetch_sub(1, Ordering::SeqCst);
                });
                printed.expect("a printer within the time to wait");
            });
        }
    });
    println!("at most {} printed at a time", most.load(Ordering::SeqCst));

    // Maintenance takes all of them, or none.
    let all = printers.acquire(AcquireOptions::new().permits(PRINTERS))?;
    println!("maintenance has {} printers", all.slots().len());
    all.release()?;
    Ok(())
}
