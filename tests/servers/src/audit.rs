//! Looking at servers by other eyes than the library's.

use quorlock_test_support::Server;

/// Every key that is neither a fencing counter nor the floor: what a finished test must not leave.
///
/// Marks of buried claims and spent tickets are in it; they go with their ttl.
pub fn leftovers(server: &Server) -> Vec<String> {
    let keys = server.command(&["KEYS", "*"]);
    let mut found: Vec<String> = keys.items().iter().filter_map(|key| key.text()).collect();
    found.retain(|key| !key.ends_with(":fence") && !key.ends_with("quorlock:floor"));
    found.sort();
    found
}

/// The locks themselves: [`leftovers`] without what stands beside a lock.
pub fn locks(server: &Server) -> Vec<String> {
    let mut found = leftovers(server);
    let beside = [":tomb:", ":spent:"];
    found.retain(|key| !beside.iter().any(|mark| key.contains(mark)));
    found.retain(|key| !key.ends_with(":queue") && !key.ends_with(":beats"));
    found
}

/// How many scripts clients have called on a server: every request of the library is one.
pub fn script_calls(server: &Server) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]).text();
    let stats = stats.unwrap_or_default();
    let calls = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(name));
        let count = line.and_then(|line| line.split(',').next()?.parse::<u64>().ok());
        count.unwrap_or(0)
    };
    calls("cmdstat_evalsha:calls=") + calls("cmdstat_eval:calls=")
}
