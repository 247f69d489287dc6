//! The house keeps its shape: rooms import only rooms to their left, and a few things have one
//! place each.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from left to right; each may import those before it.
const ROOMS: [&str; 6] = ["error", "config", "protocol", "node", "quorum", "client"];

/// What may be named in one place only: the word, and the path it may stand in.
const ONE_PLACE: [(&str, &str); 8] = [
    ("redis::", "node/redis/connection.rs"),
    ("tokio::spawn", "client/runtime.rs"),
    ("handle.spawn(", "client/runtime.rs"),
    ("thread::Builder", "client/runtime.rs"),
    ("clock_gettime", "client/clock.rs"),
    ("SystemTime", "client/clock.rs"),
    ("std::time::Instant", "nowhere"),
    ("getrandom::", "client/entropy.rs"),
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let read = |path: PathBuf| {
        let name = path
            .strip_prefix(&root)
            .expect("below the root")
            .display()
            .to_string();
        let text = fs::read_to_string(&path).expect("readable");
        // Unit tests may look where they like.
        let text = text
            .split("#[cfg(test)]\nmod ")
            .next()
            .unwrap_or_default()
            .to_owned();
        (name, text)
    };
    found
        .into_iter()
        .map(read)
        .filter(|(name, _)| !name.contains("tests"))
        .collect()
}

#[test]
fn arrows_run_one_way() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let Some(room) = ROOMS
            .iter()
            .position(|room| name.starts_with(&format!("{room}/")))
        else {
            continue;
        };
        for line in text.lines().filter(|line| line.contains("crate::")) {
            for other in &ROOMS[room + 1..] {
                if line.contains(&format!("crate::{other}")) && !line.trim_start().starts_with("//")
                {
                    wrong.push(format!("{name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "rooms that import from their right:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn some_things_have_one_place() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for (word, place) in ONE_PLACE {
                let named = match word {
                    // The crate itself, not this crate's room of the same name.
                    "redis::" => line.contains("use redis::") || line.contains(" redis::"),
                    _ => line.contains(word),
                };
                let own_room = word == "redis::" && name == "node/mod.rs";
                if named && name != place && !own_room {
                    wrong.push(format!("{name}: {} (belongs into {place})", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
