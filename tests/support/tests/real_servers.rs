//! Real server processes: start, control, stop.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use quorlock_test_support::{
    Reply, RespConnection, Server, ServerKind, ServerOptions, Servers, Source, TlsFiles, eventually,
};

const SOON: Duration = Duration::from_secs(2);

#[test]
fn every_kind_starts_quickly_and_serves_tcp_and_unix() {
    for (kind, version) in [
        (ServerKind::Valkey, "9."),
        (ServerKind::Redis62, "6.2"),
        (ServerKind::Redis82, "8.2"),
    ] {
        let began = Instant::now();
        let server = Server::start(kind);
        let took = began.elapsed();
        println!("{kind:?} started in {took:?}");
        assert!(took < SOON, "{kind:?} took {took:?}");

        assert!(
            server.version().starts_with(version),
            "{kind:?} is {}",
            server.version()
        );
        assert!(server.command(&["SET", "key", "value"]).is_ok());
        let mut tcp = RespConnection::tcp(server.addr()).expect("listens on TCP");
        assert_eq!(
            tcp.command(&["GET", "key"]).expect("answers"),
            Reply::bulk("value")
        );
        let hello = tcp.command(&["HELLO", "3"]).expect("answers");
        assert!(matches!(hello, Reply::Map(_)), "{hello:?}");
        assert_eq!(tcp.command(&["GET", "none"]).expect("answers"), Reply::Null);
        let missing = tcp.command(&["NO-SUCH"]).expect("answers");
        assert!(
            missing
                .error()
                .is_some_and(|message| message.starts_with("ERR unknown command"))
        );
        assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
        assert!(Path::new(server.unix_url().trim_start_matches("unix://")).exists());
        assert_eq!(
            server.command(&["CONFIG", "GET", "save"]).items()[1],
            Reply::bulk("")
        );
    }
}

#[test]
fn many_start_in_parallel_and_none_outlives_its_value() {
    let groups: Vec<Servers> = thread::scope(|scope| {
        let starting: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Servers::start(5, ServerKind::Valkey)))
            .collect();
        starting
            .into_iter()
            .map(|thread| thread.join().expect("all start"))
            .collect()
    });
    let urls: HashSet<String> = groups.iter().flat_map(Servers::urls).collect();
    assert_eq!(urls.len(), 15);
    for (number, server) in groups.iter().flatten().enumerate() {
        server.command(&["SET", "who", &number.to_string()]);
    }
    for (number, server) in groups.iter().flatten().enumerate() {
        let mut tcp = RespConnection::tcp(server.addr()).expect("listens on TCP");
        let who = tcp.command(&["GET", "who"]).expect("answers");
        assert_eq!(
            who,
            Reply::bulk(number.to_string()),
            "each has its own port"
        );
    }
    let addrs: Vec<_> = groups.iter().flatten().map(Server::addr).collect();
    drop(groups);
    assert!(addrs.iter().all(|addr| TcpStream::connect(addr).is_err()));
}

#[test]
fn a_paused_server_accepts_and_says_nothing_until_resumed() {
    let server = Server::start(ServerKind::Valkey);
    server.pause();
    let mut tcp = RespConnection::tcp(server.addr()).expect("the kernel still accepts");
    tcp.set_timeout(Duration::from_millis(50))
        .expect("a timeout");
    tcp.send(&["PING"]).expect("the kernel takes it");
    let late = tcp.read().expect_err("no answer").kind();
    assert!(
        matches!(late, ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{late:?}"
    );
    server.resume();
    tcp.set_timeout(SOON).expect("a timeout");
    assert_eq!(
        tcp.read().expect("the late answer"),
        Reply::Simple("PONG".to_owned())
    );
}

#[test]
fn killing_does_not_wait_for_a_command_that_hangs() {
    let server = Server::start(ServerKind::Valkey);
    server.command(&["PING"]);
    server.pause();
    thread::scope(|scope| {
        let hanging = scope.spawn(|| server.try_command(&["PING"]));
        thread::sleep(Duration::from_millis(30));
        let began = Instant::now();
        server.kill();
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
        assert!(hanging.join().expect("no panic").is_err());
    });
}

#[test]
fn a_server_that_ends_by_itself_is_seen_to() {
    let server = Server::start(ServerKind::Redis82);
    assert!(server.is_running());
    assert!(server.try_command(&["SHUTDOWN", "NOSAVE"]).is_err());
    eventually(SOON, "it ends", || !server.is_running());
    server.start_again();
    assert!(server.is_running());
}

#[test]
fn a_killed_server_comes_back_on_its_port() {
    let server = Server::start(ServerKind::Redis62);
    let (addr, pid) = (server.addr(), server.pid());
    server.command(&["SET", "key", "value"]);
    // Killing works on a paused process too.
    server.pause();
    server.kill();
    assert!(!server.is_running());
    assert_eq!(
        TcpStream::connect(addr).expect_err("down").kind(),
        ErrorKind::ConnectionRefused
    );
    assert!(server.try_command(&["PING"]).is_err());

    server.start_again();
    assert_eq!(server.addr(), addr);
    assert_ne!(server.pid(), pid);
    assert!(
        server.command(&["GET", "key"]).is_nil(),
        "nothing was on disk"
    );
}

#[test]
fn with_an_append_only_file_data_survives_as_asked() {
    for kind in ServerKind::ALL {
        let server = ServerOptions::new(kind)
            .append_only()
            .start()
            .expect("starts");
        server.command(&["SET", "key", "value"]);
        server.kill();
        server.start_again();
        assert_eq!(
            server.command(&["GET", "key"]),
            Reply::bulk("value"),
            "{kind:?}"
        );
        server.restart_empty();
        assert!(server.command(&["GET", "key"]).is_nil(), "{kind:?}");
    }
}

#[test]
fn passwords_users_and_limits_are_configured() {
    let server = ServerOptions::new(ServerKind::Valkey)
        .password("secret")
        .user("locker", "on >pass ~lock:* resetchannels -@all +set")
        .config("maxmemory 3mb")
        .start()
        .expect("starts");
    assert_eq!(
        server.command(&["CONFIG", "GET", "maxmemory"]).items()[1],
        Reply::bulk("3145728")
    );
    assert_eq!(
        server.url_as("locker", "pass"),
        format!("redis://locker:pass@{}", server.addr())
    );

    let mut tcp = RespConnection::tcp(server.addr()).expect("listens");
    let refused = tcp.command(&["GET", "key"]).expect("answers");
    assert!(
        refused
            .error()
            .is_some_and(|message| message.starts_with("NOAUTH")),
        "{refused:?}"
    );
    assert!(
        tcp.command(&["AUTH", "locker", "pass"])
            .expect("answers")
            .is_ok()
    );
    assert!(
        tcp.command(&["SET", "lock:a", "1"])
            .expect("answers")
            .is_ok()
    );
    let refused = tcp.command(&["GET", "lock:a"]).expect("answers");
    assert!(
        refused
            .error()
            .is_some_and(|message| message.starts_with("NOPERM")),
        "{refused:?}"
    );
    server.monitor();
}

#[test]
fn an_administrator_serves_where_the_default_user_is_off() {
    let server = ServerOptions::new(ServerKind::Redis82)
        .user("default", "off")
        .user("root", "on >top ~* &* +@all")
        .admin(Some("root"), "top")
        .start()
        .expect("starts");
    assert_eq!(server.command(&["ACL", "WHOAMI"]), Reply::bulk("root"));
}

#[test]
fn a_refused_configuration_is_explained() {
    for kind in ServerKind::ALL {
        let error = ServerOptions::new(kind)
            .config("no-such-option 1")
            .start()
            .expect_err("refused");
        assert!(
            error.to_string().contains("no-such-option"),
            "{kind:?}: {error}"
        );
    }
}

#[test]
fn tls_is_refused_where_the_binary_has_none() {
    for kind in ServerKind::ALL {
        if kind.supports_tls().expect("the server says") {
            continue;
        }
        let file = || "/nowhere.pem".into();
        let files = TlsFiles {
            certificate: file(),
            key: file(),
            authority: file(),
        };
        let error = ServerOptions::new(kind)
            .tls(files)
            .start()
            .expect_err("no TLS");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn a_monitor_records_clients_and_scripts_up_to_now() {
    for kind in ServerKind::ALL {
        let server = Server::start(kind);
        let (monitor, other) = (server.monitor(), server.monitor());
        let mut tcp = RespConnection::tcp(server.addr()).expect("listens");
        tcp.command(&["SET", "key", "a \"quoted\" value"])
            .expect("answers");
        tcp.command(&["EVAL", "return redis.call('get', KEYS[1])", "1", "key"])
            .expect("answers");
        server.command(&["DEL", "key"]);

        let commands = monitor.commands();
        let names: Vec<String> = commands.iter().map(|command| command.name()).collect();
        assert_eq!(
            names,
            ["SET", "EVAL", "GET", "DEL"],
            "{kind:?}: {:?}",
            monitor.lines()
        );
        assert_eq!(commands[0].args, ["SET", "key", "a \"quoted\" value"]);
        assert_eq!(commands[2].source, Source::Script);
        assert_eq!(commands[3].source, Source::Unix);
        let wire: Vec<String> = monitor
            .tcp_commands()
            .iter()
            .map(|command| command.name())
            .collect();
        assert_eq!(wire, ["SET", "EVAL"]);
        assert_eq!(other.commands(), commands);

        monitor.clear();
        assert!(monitor.lines().is_empty());
        server.kill();
        assert!(monitor.lines().is_empty(), "a monitor outlives its server");
    }
}

#[test]
fn a_dropped_monitor_leaves_no_connection() {
    let server = Server::start(ServerKind::Valkey);
    let clients = || server.command(&["INFO", "clients"]).text().expect("text");
    server.command(&["PING"]);
    let before = clients();
    let monitor = server.monitor();
    assert_ne!(clients(), before);
    drop(monitor);
    eventually(SOON, "the connections close", || clients() == before);
}

/// Not a test of its own: the process that the next test starts. Without the variable it does nothing.
#[test]
fn start_a_server_and_abort() {
    if std::env::var_os(ABORT).is_some() {
        let server = Server::start(ServerKind::Valkey);
        println!(
            "\nport={}\nsocket={}",
            server.port(),
            server.unix_path().display()
        );
        std::process::abort();
    }
}

const ABORT: &str = "QUORLOCK_TEST_ABORT";

#[test]
fn a_server_does_not_outlive_a_test_process_that_aborts() {
    let output = Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", "start_a_server_and_abort", "--nocapture"])
        .env(ABORT, "1")
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    let told = |name| {
        said.lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("it has started a server")
    };
    let addr = format!("127.0.0.1:{}", told("port="));
    eventually(SOON, "the server is ended", || {
        TcpStream::connect(&addr).is_err()
    });
    let folder = Path::new(told("socket=")).parent().expect("a folder");
    eventually(SOON, "its folder is removed", || !folder.exists());
}
