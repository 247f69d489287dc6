//! Compiling C programs against the header and the library of this build, and running them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the binding.
pub fn binding() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Words from an environment variable that `make sanitize-c` sets.
fn words(variable: &str) -> Vec<String> {
    let given = std::env::var(variable).unwrap_or_default();
    given.split_whitespace().map(str::to_owned).collect()
}

/// The shared library that cargo built for this test, the example of the package; or the one in
/// `QUORLOCK_C_LIBRARY`.
pub fn library() -> PathBuf {
    if let Some(given) = std::env::var_os("QUORLOCK_C_LIBRARY") {
        return given.into();
    }
    let program = std::env::current_exe().expect("a test has a path");
    let profile = program.ancestors().nth(2).expect("in deps of a profile");
    let library = profile.join("examples/libquorlock_tested.so");
    assert!(
        library.exists(),
        "{} is built by a plain `cargo test`",
        library.display()
    );
    library
}

/// A folder of this test run for `name`, made empty.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    // It may not be there yet.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// The C compiler, or the C++ compiler.
pub fn compiler(cpp: bool) -> Command {
    let (variable, usual) = if cpp { ("CXX", "c++") } else { ("CC", "cc") };
    Command::new(std::env::var_os(variable).unwrap_or_else(|| usual.into()))
}

/// Runs a command to its end and wants it to succeed.
pub fn succeed(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        // Cargo's own folders, which may hold the library of another build.
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (said, complained) = (
        String::from_utf8_lossy(&stdout).into_owned(),
        String::from_utf8_lossy(&stderr),
    );
    assert!(
        status.success(),
        "{command:?}: {status}\n{said}{complained}"
    );
    said
}

/// Compiles one C source against the header and the library; gives the program's path.
pub fn compile(name: &str, source: &Path) -> PathBuf {
    compile_with(name, source, &[])
}

/// Like [`compile`], with further arguments for the compiler, beside those in `QUORLOCK_C_FLAGS`.
pub fn compile_with(name: &str, source: &Path, more: &[PathBuf]) -> PathBuf {
    let folder = folder(name);
    for link in ["libquorlock.so", "libquorlock.so.0"] {
        std::os::unix::fs::symlink(library(), folder.join(link)).expect("an empty folder");
    }
    let program = folder.join(name);
    let mut command = compiler(false);
    command
        .args([
            "-std=gnu11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-g",
        ])
        .arg("-I")
        .arg(binding().join("include"))
        .arg("-I")
        .arg(binding().join("tests/c"))
        .arg(source)
        .args(more)
        .args(words("QUORLOCK_C_FLAGS"))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(&folder)
        .args(["-lquorlock", "-lpthread"])
        .arg(format!("-Wl,-rpath,{}", folder.display()));
    succeed(&mut command);
    program
}

/// The command that runs a program, inside the one that `QUORLOCK_C_RUNNER` names if it does.
pub fn command(program: &Path) -> Command {
    let runner = words("QUORLOCK_C_RUNNER");
    let Some((first, rest)) = runner.split_first() else {
        return Command::new(program);
    };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// Compiles a program of `tests/c` and runs it, over these nodes or the embedded one.
pub fn run(name: &str, nodes: Option<&str>) {
    let label = format!(
        "{name}-{}",
        if nodes.is_some() { "servers" } else { "memory" }
    );
    run_with(&label, name, nodes, &[]);
}

/// The same under a label of its own and with further arguments for the compiler.
pub fn run_with(label: &str, name: &str, nodes: Option<&str>, more: &[PathBuf]) {
    let source = binding().join(format!("tests/c/{name}.c"));
    let program = compile_with(label, &source, more);
    let mut command = command(&program);
    command.env_remove("QUORLOCK_NODES");
    if let Some(nodes) = nodes {
        command.env("QUORLOCK_NODES", nodes);
    }
    let said = succeed(&mut command);
    assert!(said.contains(" passed, 0 failed"), "{said}");
}
