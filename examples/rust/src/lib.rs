//! Rust examples of Quorlock: each is one program in `src/bin`.
//!
//! They run over the servers named in `QUORLOCK_NODES`, comma-separated, or over an embedded node
//! when it is not set, so that `cargo run --bin 01-mutex` works with no server at all.

/// The nodes to lock on.
pub fn nodes() -> Vec<String> {
    let named = std::env::var("QUORLOCK_NODES").unwrap_or_default();
    let nodes: Vec<String> = named
        .split(',')
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(str::to_owned)
        .collect();
    if nodes.is_empty() {
        vec!["memory://examples".to_owned()]
    } else {
        nodes
    }
}
