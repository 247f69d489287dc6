//! A client in a process of its own, for the tests; see `quorlock_server_tests::worker`.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    quorlock_server_tests::worker::run(&args);
}
