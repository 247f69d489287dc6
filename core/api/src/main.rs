//! `quorlock-api`: fails where the public API of the engine is not what `core/api.txt` says; `--write` writes that file.
//!
//! rustdoc describes the crate as JSON, which macros and re-exports cannot hide from, and `public-api` turns it into one line
//! per item. rustdoc's JSON is unstable: the pinned toolchain is asked for it with `RUSTC_BOOTSTRAP`, in a folder of its own,
//! so that nothing that is shipped or tested is built that way.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let snapshot = root.join("core/api.txt");
    let api = api(&describe(&root)?)?;
    if std::env::args().any(|word| word == "--write") {
        return std::fs::write(&snapshot, api)
            .map_err(|error| format!("{}: {error}", snapshot.display()));
    }
    let known = std::fs::read_to_string(&snapshot)
        .map_err(|error| format!("{}: {error}", snapshot.display()))?;
    if known == api {
        println!("public API: as core/api.txt says");
        return Ok(());
    }
    let (known, api): (Vec<&str>, Vec<&str>) = (known.lines().collect(), api.lines().collect());
    for gone in known.iter().filter(|line| !api.contains(line)) {
        eprintln!("- {gone}");
    }
    for new in api.iter().filter(|line| !known.contains(line)) {
        eprintln!("+ {new}");
    }
    Err("the public API is not what core/api.txt says; if that is meant, run `make api`".to_owned())
}

/// Has rustdoc describe the engine as users get it, without its testing doors.
fn describe(root: &Path) -> Result<PathBuf, String> {
    let target = root.join("target/api");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "rustdoc",
            "--quiet",
            "--locked",
            "--package",
            "quorlock",
            "--lib",
            "--target-dir",
        ])
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() {
        Ok(target.join("doc/quorlock.json"))
    } else {
        Err(format!("rustdoc: {status}"))
    }
}

/// Auto traits that users of locks rely on; the others come and go with the compiler.
const AUTO_TRAITS: [&str; 2] = ["core::marker::Send", "core::marker::Sync"];

/// One line per public item. Impls that come of themselves are left out, because they say everything twice, but not
/// whether a type may go to another thread.
fn api(json: &Path) -> Result<String, String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| format!("{}: {error}", json.display()))?;
    let lines = api.items().map(|item| item.to_string());
    Ok(lines
        .filter(|line| is_kept(line))
        .map(|line| {
            line + "
"
        })
        .collect())
}

fn is_kept(line: &str) -> bool {
    let of_compiler = line.starts_with("impl")
        && ["core::marker::", "core::panic::unwind_safe::"]
            .iter()
            .any(|module| {
                line.split(" for ")
                    .next()
                    .is_some_and(|bound| bound.contains(module))
            });
    !of_compiler || AUTO_TRAITS.iter().any(|wanted| line.contains(wanted))
}
