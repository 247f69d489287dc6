//! What the peers need stays out of the crates that are shipped.

use std::process::Command;

#[test]
fn the_shipped_crates_know_one_redis_crate_and_no_peer() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for package in ["quorlock", "quorlock-c", "quorlock-python", "quorlock-node"] {
        let output = Command::new(&cargo)
            .args([
                "tree",
                "--locked",
                "--offline",
                "-e",
                "normal",
                "--prefix",
                "none",
                "-p",
                package,
            ])
            .output()
            .expect("cargo runs");
        let tree = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let redis: std::collections::BTreeSet<&str> = tree
            .lines()
            .filter(|line| line.starts_with("redis v"))
            .map(|line| line.trim_end_matches(" (*)"))
            .collect();
        assert_eq!(redis.len(), 1, "{package}: {redis:?}");
        assert!(!tree.contains("rslock"), "{package}");
    }
}
