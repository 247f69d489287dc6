//! An installed copy, used with the compiler alone, with pkg-config and with CMake. `make package-c`
//! does the same with the library that is shipped, and with the static one.

use std::process::Command;

use crate::program::{binding, folder, library, succeed};

#[test]
fn programs_are_built_against_an_installed_copy() {
    let prefix = folder("prefix");
    let script = |name: &str| {
        let mut command = Command::new("bash");
        command.arg(binding().join("install").join(name));
        command
    };
    succeed(script("install.sh").arg(library()).env("PREFIX", &prefix));
    let said = succeed(script("use.sh").arg(&prefix));
    assert!(said.contains("compiler: quorlock"), "{said}");
    println!("{said}");
}

#[test]
fn a_package_is_staged_below_destdir() {
    let stage = folder("stage");
    let mut install = Command::new("bash");
    install
        .arg(binding().join("install/install.sh"))
        .arg(library())
        .env("PREFIX", "/opt/quorlock")
        .env("LIBDIR", "/opt/quorlock/lib64")
        .env("DESTDIR", &stage);
    succeed(&mut install);
    let root = stage.join("opt/quorlock");
    assert!(root.join("include/quorlock.h").is_file());
    assert!(root.join("lib64/libquorlock.so").is_file());
    let pc = std::fs::read_to_string(root.join("lib64/pkgconfig/quorlock.pc")).expect("installed");
    assert!(pc.contains("libdir=/opt/quorlock/lib64\n"), "{pc}");
    assert!(!pc.contains(&*stage.to_string_lossy()), "{pc}");
}
