//! The proxy, before a real server.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use quorlock_test_support::{
    Flow, NewConnections, Proxy, Reply, RespConnection, Server, ServerKind, Servers, eventually,
};

const SOON: Duration = Duration::from_secs(2);

fn server_and_proxy() -> (Server, Proxy) {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    (server, proxy)
}

fn dial(proxy: &Proxy) -> RespConnection {
    let mut connection = RespConnection::tcp(proxy.addr()).expect("the proxy accepts");
    pong(&mut connection);
    connection
}

fn pong(connection: &mut RespConnection) {
    assert_eq!(
        connection.command(&["PING"]).expect("passes"),
        Reply::Simple("PONG".to_owned())
    );
}

fn assert_silent(connection: &mut RespConnection) {
    connection
        .set_timeout(Duration::from_millis(40))
        .expect("a timeout");
    let error = connection.read().expect_err("nothing comes").kind();
    assert!(
        matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error:?}"
    );
    connection.set_timeout(SOON).expect("a timeout");
}

#[test]
fn passes_and_counts() {
    let (_server, proxy) = server_and_proxy();
    let before = Instant::now();
    let mut one = dial(&proxy);
    let mut two = dial(&proxy);
    let big = "x".repeat(1_000_000);
    assert!(two.command(&["SET", "big", &big]).expect("passes").is_ok());
    assert_eq!(
        one.command(&["GET", "big"]).expect("passes"),
        Reply::bulk(big)
    );

    assert_eq!((proxy.connections(), proxy.open_connections()), (2, 2));
    assert!(proxy.request_bytes() > 1_000_000 && proxy.reply_bytes() > 1_000_000);
    assert_eq!((proxy.requests_waiting(), proxy.replies_waiting()), (0, 0));
    let marks = proxy.request_marks();
    assert_eq!(
        (marks[0].connection, marks[0].bytes, marks[1].connection),
        (0, 14, 1)
    );
    assert!(marks.iter().all(|mark| mark.at > before));
    assert_eq!(
        marks.iter().map(|mark| mark.bytes as u64).sum::<u64>(),
        proxy.request_bytes()
    );
    assert!(proxy.dial_times()[0] <= proxy.dial_times()[1]);
    proxy.clear_request_marks();
    assert!(proxy.request_marks().is_empty());

    drop(one);
    eventually(SOON, "the end is passed on", || {
        proxy.open_connections() == 1
    });
}

#[test]
fn delays_each_direction_and_keeps_the_order() {
    let (server, proxy) = server_and_proxy();
    let mut connection = dial(&proxy);
    proxy.requests(Flow::delay(Duration::from_millis(60)));
    let began = Instant::now();
    pong(&mut connection);
    assert!(
        began.elapsed() >= Duration::from_millis(60),
        "{:?}",
        began.elapsed()
    );

    proxy.requests(Flow::delay_between(
        Duration::ZERO,
        Duration::from_millis(20),
    ));
    proxy.replies(Flow::delay_between(
        Duration::ZERO,
        Duration::from_millis(20),
    ));
    for number in 0..20 {
        connection
            .send(&["RPUSH", "list", &number.to_string()])
            .expect("passes");
        std::thread::sleep(Duration::from_millis(1));
    }
    for length in 1..=20 {
        assert_eq!(connection.read().expect("passes"), Reply::Int(length));
    }
    let list = server.command(&["LRANGE", "list", "0", "-1"]);
    let numbers: Vec<String> = list.items().iter().filter_map(Reply::text).collect();
    assert_eq!(
        numbers,
        (0..20).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn held_replies_come_late_and_in_order() {
    let (server, proxy) = server_and_proxy();
    let mut connection = dial(&proxy);
    proxy.replies(Flow::Hold);
    for _ in 0..3 {
        connection.send(&["INCR", "n"]).expect("passes");
    }
    assert_silent(&mut connection);
    assert_eq!(
        server.command(&["GET", "n"]),
        Reply::bulk("3"),
        "the server has executed"
    );
    assert_eq!(proxy.replies_waiting(), 12);
    proxy.pass();
    for n in 1..=3 {
        assert_eq!(connection.read().expect("late"), Reply::Int(n));
    }
    assert_eq!(proxy.replies_waiting(), 0);
}

#[test]
fn a_request_is_late_on_the_old_connection_while_a_new_one_passes() {
    let (server, proxy) = server_and_proxy();
    let mut old = dial(&proxy);
    let scope = proxy.existing();
    scope.requests(Flow::Hold);
    old.send(&["SET", "key", "orphan"])
        .expect("the proxy takes it");
    eventually(SOON, "the request waits", || proxy.requests_waiting() > 0);
    // The client gives up; what is under way stays under way.
    drop(old);

    let mut new = dial(&proxy);
    assert_eq!(new.command(&["DEL", "key"]).expect("passes"), Reply::Int(0));
    assert_eq!(scope.open_connections(), 1);
    scope.pass();
    eventually(SOON, "the late request arrives", || {
        server.command(&["GET", "key"]) == Reply::bulk("orphan")
    });
    eventually(SOON, "and the old connection ends", || {
        scope.open_connections() == 0
    });
    pong(&mut new);
}

#[test]
fn a_fault_for_new_connections_spares_the_old() {
    let (_server, proxy) = server_and_proxy();
    let mut old = dial(&proxy);
    proxy.new_connections().replies(Flow::Hold);
    let mut new = RespConnection::tcp(proxy.addr()).expect("accepts");
    new.send(&["PING"]).expect("the proxy takes it");
    assert_silent(&mut new);
    pong(&mut old);
    proxy.existing().pass();
    assert_eq!(new.read().expect("late"), Reply::Simple("PONG".to_owned()));
    let mut newer = RespConnection::tcp(proxy.addr()).expect("accepts");
    newer.send(&["PING"]).expect("the proxy takes it");
    assert_silent(&mut newer);
}

#[test]
fn cut_resets_at_once_and_new_ones_are_accepted_refused_or_reset() {
    let (server, proxy) = server_and_proxy();
    let mut connection = dial(&proxy);
    proxy.cut();
    assert_eq!(proxy.open_connections(), 0);
    assert_eq!(
        connection.read().expect_err("cut").kind(),
        ErrorKind::ConnectionReset
    );
    let mut connection = dial(&proxy);

    proxy.on_connect(NewConnections::Refuse);
    let refused = TcpStream::connect(proxy.addr())
        .expect_err("refused")
        .kind();
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    pong(&mut connection);

    let dials = proxy.connections();
    proxy.on_connect(NewConnections::Reset);
    for _ in 0..3 {
        let reset = RespConnection::tcp(proxy.addr())
            .and_then(|mut connection| connection.command(&["PING"]));
        assert!(reset.is_err());
    }
    eventually(SOON, "each dial is counted", || {
        proxy.connections() == dials + 3
    });

    proxy.pass();
    dial(&proxy);
    drop(server);
    let gone =
        RespConnection::tcp(proxy.addr()).and_then(|mut connection| connection.command(&["PING"]));
    assert!(gone.is_err(), "without a server nothing is connected");
}

#[test]
fn half_open_swallows_and_closes_nothing() {
    let (server, proxy) = server_and_proxy();
    let mut connection = dial(&proxy);
    proxy.both(Flow::Swallow);
    connection
        .send(&["SET", "key", "value"])
        .expect("the proxy takes it");
    assert_silent(&mut connection);
    assert!(server.command(&["GET", "key"]).is_nil());
    // Not even the death of the server is heard of.
    server.kill();
    assert_silent(&mut connection);
    assert_eq!(proxy.open_connections(), 1);
}

#[test]
fn the_death_of_the_server_is_passed_on() {
    let (server, proxy) = server_and_proxy();
    let mut connection = dial(&proxy);
    server.kill();
    assert!(
        connection
            .read()
            .is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
    );
    drop(connection);
    eventually(SOON, "nothing is left", || proxy.open_connections() == 0);
    server.start_again();
    dial(&proxy);
}

#[test]
fn trickles_until_healed() {
    let (_server, proxy) = server_and_proxy();
    let mut connection = dial(&proxy);
    proxy.replies(Flow::trickle(1, Duration::from_millis(10)));
    let began = Instant::now();
    // "+PONG\r\n": six pauses before its last byte.
    pong(&mut connection);
    assert!(
        began.elapsed() >= Duration::from_millis(60),
        "{:?}",
        began.elapsed()
    );
    proxy.replies(Flow::trickle(1, Duration::from_secs(60)));
    connection.send(&["PING"]).expect("passes");
    assert_silent(&mut connection);
    proxy.pass();
    // The first byte was read by the failed read.
    assert!(connection.read().is_err());
    pong(&mut connection);
}

#[test]
fn a_reply_is_lost_after_the_server_has_executed() {
    let (server, proxy) = server_and_proxy();
    let (mut one, mut idle) = (dial(&proxy), dial(&proxy));
    proxy.hold_replies_then_cut();
    let lost = one
        .command(&["SET", "key", "value"])
        .expect_err("cut")
        .kind();
    assert_eq!(lost, ErrorKind::ConnectionReset);
    assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
    dial(&proxy);
    assert!(
        idle.command(&["PING"]).is_err(),
        "each connection has its own turn"
    );

    let mut late = dial(&proxy);
    proxy
        .existing()
        .hold_replies_then_cut(Duration::from_millis(60));
    let began = Instant::now();
    late.command(&["PING"]).expect_err("cut");
    assert!(began.elapsed() >= Duration::from_millis(60));
    assert_eq!(proxy.replies_waiting(), 0, "what was cut waits no more");
}

#[test]
fn goes_on_with_another_server() {
    let servers = Servers::start(2, ServerKind::Valkey);
    let proxy = Proxy::start(servers[0].addr());
    servers[1].command(&["SET", "key", "second"]);
    let mut old = dial(&proxy);
    proxy.redirect(servers[1].addr());
    assert!(old.command(&["GET", "key"]).expect("passes").is_nil());
    assert_eq!(
        dial(&proxy).command(&["GET", "key"]).expect("passes"),
        Reply::bulk("second")
    );
}
