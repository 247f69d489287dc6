//! Looking at servers by other eyes than the library's.

use quorlock_test_support::Server;

/// Every key that is no fencing counter and no marker of the node: what a finished test must not leave.
///
/// Marks of buried claims and spent tickets are in it; they go with their ttl.
pub fn leftovers(server: &Server) -> Vec<String> {
    let keys = server.command(&["KEYS", "*"]);
    let mut found: Vec<String> = keys.items().iter().filter_map(|key| key.text()).collect();
    found.retain(|key| !key.contains("quorlock:fence:") && !key.ends_with("quorlock:marker"));
    found.sort();
    found
}

/// The locks themselves: [`leftovers`] without what stands beside a lock.
pub fn locks(server: &Server) -> Vec<String> {
    let mut found = leftovers(server);
    let beside = [":tomb:", ":spent:"];
    found.retain(|key| !beside.iter().any(|mark| key.contains(mark)));
    let waiting = [":queue", ":beats", ":passes"];
    found.retain(|key| !waiting.iter().any(|mark| key.ends_with(mark)));
    found
}

/// How many requests of clients a server has served, and not many more: what a request is in plain
/// words is counted by its first, which scripts say as well.
pub fn requests(server: &Server) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]).text();
    let stats = stats.unwrap_or_default();
    let calls = |name: &str| {
        let prefix = format!("cmdstat_{name}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&prefix));
        let count = line.and_then(|line| line.split(',').next()?.parse::<u64>().ok());
        count.unwrap_or(0)
    };
    let names = ["evalsha", "eval", "set", "delifeq"];
    names.into_iter().map(calls).sum()
}
