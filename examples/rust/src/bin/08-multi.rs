//! Two accounts as one lock: transfers in both directions never block each other, and no money is lost.

use std::sync::Mutex;

use quorlock::blocking::Client;

fn main() -> quorlock::Result<()> {
    let client = Client::connect(quorlock_examples::nodes())?;
    // Stands for a data base that checks nothing.
    let balances = Mutex::new([100_i64, 100]);
    std::thread::scope(|scope| {
        for (from, to) in [(0, 1), (1, 0)] {
            let (client, balances) = (&client, &balances);
            scope.spawn(move || {
                for _ in 0..20 {
                    let accounts = [from, to].map(|account| format!("example:account:{account}"));
                    let moved = client.multi(accounts).using((), |guard| {
                        let read = *balances.lock().expect("no panic");
                        std::thread::yield_now();
                        let mut written = read;
                        written[from] -= 1;
                        written[to] += 1;
                        *balances.lock().expect("no panic") = written;
                        guard.check()
                    });
                    moved.and_then(|held| held).expect("held to the end");
                }
            });
        }
    });
    let balances = balances.into_inner().expect("no panic");
    println!(
        "balances {balances:?}, together {}",
        balances[0] + balances[1]
    );
    Ok(())
}
