//! What is frozen: the exported symbols, the sizes of structs, the name in the library; and that the
//! header is fresh and clean in every dialect.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::header::{functions, text};
use crate::program::{binding, compile, compiler, folder, library, succeed};

/// The structs of the interface and their sizes on 64-bit targets: they may grow, and then
/// `QUORLOCK_ABI_VERSION` grows, and `SIZE_MIN` keeps the size that is here.
const SIZES: [(&str, usize); 12] = [
    ("client_options", 136),
    ("acquire_options", 48),
    ("error", 80),
    ("outcome", 48),
    ("ticket_info", 40),
    ("inspection_info", 40),
    ("node_view", 64),
    ("health_info", 40),
    ("node_health", 104),
    ("warning", 24),
    ("stats", 112),
    ("event", 48),
];

/// What `name_out` lists: one word per symbol that others can link with.
fn exported(library: &Path) -> BTreeSet<String> {
    let listed = succeed(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(library),
    );
    listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .map(|symbol| symbol.split('@').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let mut declared: BTreeSet<String> = functions().into_iter().map(|one| one.name).collect();
    if cfg!(feature = "panic-injection") {
        declared.insert("quorlock_test_panic_next".to_owned());
    }
    assert_eq!(exported(&library()), declared);
}

#[test]
fn the_library_has_its_name_and_stays_in_memory() {
    let said = succeed(Command::new("readelf").arg("-d").arg(library()));
    assert!(
        said.contains("Library soname: [libquorlock.so.0]"),
        "{said}"
    );
    assert!(said.contains("NODELETE"), "{said}");
}

#[test]
fn structs_have_the_sizes_that_programs_were_built_with() {
    let mut source = String::from("#include <quorlock.h>\n#include <assert.h>\n");
    for (name, size) in SIZES {
        source.push_str(&format!(
            "static_assert(sizeof(quorlock_{name}) == {size}, \"{name}\");\n"
        ));
    }
    source.push_str("int main(void) { return quorlock_abi_version() != QUORLOCK_ABI_VERSION; }\n");
    let path = folder("sizes-source").join("sizes.c");
    std::fs::write(&path, source).expect("an empty folder");
    succeed(&mut Command::new(compile("sizes", &path)));
    let declared: BTreeSet<&str> = text()
        .split("} quorlock_")
        .skip(1)
        .filter_map(|rest| rest.split(';').next().map(str::to_owned))
        .map(|name| SIZES.iter().find(|(known, _)| *known == name))
        .filter_map(|known| known.map(|(name, _)| *name))
        .collect();
    assert_eq!(declared.len(), SIZES.len());
}

/// The header as C99, C11 and C++17 see it, alone and with every `_INIT` macro used.
#[test]
fn the_header_is_clean_in_every_dialect() {
    let folder = folder("dialects");
    let mut source = String::from("#include <quorlock.h>\n\nint main(void) {\n");
    for (name, _) in SIZES.iter().filter(|(name, _)| *name != "event") {
        source.push_str(&format!(
            "    quorlock_{name} {name} = QUORLOCK_{}_INIT;\n    (void){name};\n",
            name.to_uppercase()
        ));
    }
    source.push_str("    return quorlock_status_is_retryable(QUORLOCK_OK) ? 1 : 0;\n}\n");
    for (cpp, file, standard) in [
        (false, "c.c", "-std=c99"),
        (false, "c.c", "-std=c11"),
        (true, "cpp.cpp", "-std=c++17"),
    ] {
        let path = folder.join(file);
        std::fs::write(&path, &source).expect("an empty folder");
        let mut command = compiler(cpp);
        if cpp && command.arg("--version").output().is_err() {
            println!("no C++ compiler here: the header was not compiled as C++");
            continue;
        }
        let mut command = compiler(cpp);
        command
            .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"])
            .arg("-I")
            .arg(binding().join("include"))
            .arg(&path)
            .arg("-o")
            .arg(folder.join("object.o"));
        succeed(&mut command);
    }
}
