//! Gives the shared library its SONAME, which a plain cdylib lacks, and keeps it in memory: its
//! threads and thread-local values outlive a `dlclose`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // For every target: the test's copy of the library is an example, which the more exact
        // instructions leave out, and the linker ignores both for programs.
        println!("cargo:rustc-link-arg=-Wl,-soname,libquorlock.so.0");
        println!("cargo:rustc-link-arg=-Wl,-z,nodelete");
    }
}
