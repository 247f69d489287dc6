//! Writes `bindings-c/include/quorlock.h` from the sources of the binding, or with `--check` says
//! whether the one that is there is up to date.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let binding = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let header = binding.join("include/quorlock.h");
    let fresh = generate(&binding);
    if std::env::args().nth(1).as_deref() == Some("--check") {
        let present = std::fs::read_to_string(&header).unwrap_or_default();
        if present == fresh {
            return ExitCode::SUCCESS;
        }
        eprintln!("bindings-c/include/quorlock.h is out of date: run `make header-c`");
        return ExitCode::FAILURE;
    }
    if let Err(error) = std::fs::write(&header, fresh) {
        eprintln!("cannot write {}: {error}", header.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn generate(binding: &Path) -> String {
    let mut config = cbindgen::Config::from_file(binding.join("cbindgen.toml"))
        .expect("cbindgen.toml is well formed");
    let macros = config.after_includes.take().unwrap_or_default();
    config.after_includes = Some(macros.replace("@VERSION@", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    cbindgen::Builder::new()
        .with_crate(binding)
        .with_config(config)
        .generate()
        .expect("the sources can be read")
        .write(&mut text);
    String::from_utf8(text).expect("the sources are UTF-8")
}
