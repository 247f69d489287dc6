//! The supervisor sees what it is there to see: each scenario in `tests/wrong` must fail, and say why.

use std::process::Command;

/// What is said of each.
const WRONG: [(&str, &str); 5] = [
    (
        "another_answer",
        "step 2: one is_held: it should be false, is true",
    ),
    ("another_error", "step 1: one acquire should fail with"),
    (
        "left_behind",
        "at the end: left on the servers: [\"resource\"]",
    ),
    ("secret", "secrets were said"),
    ("two_holders", "still had the lock"),
];

fn scenarios(arguments: &[&str]) -> (bool, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_scenarios"))
        .args([
            "--languages",
            "rust-async",
            "--cases",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wrong"),
        ])
        .args(arguments)
        .output()
        .expect("the supervisor starts");
    let said =
        String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    (run.status.success(), said)
}

#[test]
fn whatever_is_wrong_is_seen_and_told() {
    // Built beside the supervisor, which looks for it there.
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_quorlock-driver-rust")).exists());
    let (passed, said) = scenarios(&[]);
    assert!(!passed, "{said}");
    for (name, why) in WRONG {
        let told = said.lines().any(|line| {
            line.starts_with(&format!("FAIL  {name} × rust-async:")) && line.contains(why)
        });
        let two_lines = name == "secret" && said.contains(why);
        assert!(told || two_lines, "{name}: {why} not in\n{said}");
    }
    assert!(
        said.contains(&format!("0 passed, {} failed", WRONG.len())),
        "{said}"
    );
}

#[test]
fn a_language_that_is_not_there_is_named() {
    let (passed, said) = scenarios(&["--languages", "rust,cobol"]);
    assert!(
        !passed && said.contains("cobol: no such language or player"),
        "{said}"
    );
}
