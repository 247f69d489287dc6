//! The lying server, before the client that Quorlock uses.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use quorlock_test_support::{
    Action, Hello, LyingServer, LyingServerOptions, Phase, Reply, RespConnection, eventually,
};
use redis::aio::MultiplexedConnection;

const SOON: Duration = Duration::from_secs(2);

async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let config = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(Duration::from_millis(150)))
        .set_response_timeout(Some(Duration::from_millis(150)));
    redis::Client::open(url)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

fn name_of(command: &[Vec<u8>]) -> String {
    String::from_utf8_lossy(&command[0]).to_uppercase()
}

#[tokio::test]
async fn shakes_hands_with_the_redis_crate_and_answers_by_the_function() {
    let mut count = 0;
    let server = LyingServer::start(move |command| {
        count += 1;
        format!(
            "${}\r\n{}{count}\r\n",
            command[0].len() + 1,
            name_of(command)
        )
        .into_bytes()
    });
    let url = format!("redis://user:pass@{}/3?protocol=resp3", server.addr());
    let mut connection = connect(&url).await.expect("a proper handshake");
    let mut ask = async |name: &str| {
        redis::cmd(name)
            .query_async::<String>(&mut connection)
            .await
            .expect("an answer")
    };
    assert_eq!(
        (ask("GET").await.as_str(), ask("FOO").await.as_str()),
        ("GET1", "FOO2")
    );

    let commands = server.commands();
    let names: Vec<String> = commands.iter().map(|command| name_of(command)).collect();
    assert_eq!(names, ["HELLO", "SELECT", "CLIENT", "CLIENT", "GET", "FOO"]);
    assert_eq!(commands[0][1..], [&b"3"[..], b"AUTH", b"user", b"pass"]);
    assert_eq!(server.connections(), 1);
    server.answer(|_| "+changed\r\n");
    assert_eq!(ask("GET").await, "changed");
}

#[tokio::test]
async fn resp2_and_unix_style_clients_are_served_too() {
    let server = LyingServer::table(&[("ping", Action::send("+PONG\r\n"))]);
    let mut connection = connect(&format!("redis://:pass@{}/", server.addr()))
        .await
        .expect("a proper handshake");
    assert_eq!(
        redis::cmd("PING")
            .query_async::<String>(&mut connection)
            .await
            .expect("an answer"),
        "PONG"
    );
    let unknown = redis::cmd("GET")
        .arg("k")
        .query_async::<String>(&mut connection)
        .await;
    assert!(unknown.is_err());
}

#[test]
fn tells_of_itself_what_it_is_told() {
    let hello = Hello {
        server: "valkey".into(),
        version: "9.1.2".into(),
        role: "replica".into(),
        ..Hello::default()
    };
    let server = LyingServerOptions::answering(|_| Action::Nothing)
        .hello(hello)
        .start();
    let mut connection = RespConnection::tcp(server.addr()).expect("accepts");
    let Reply::Map(pairs) = connection.command(&["HELLO", "3"]).expect("answers") else {
        panic!("no map")
    };
    for (name, value) in [
        ("server", "valkey"),
        ("version", "9.1.2"),
        ("role", "replica"),
        ("mode", "standalone"),
    ] {
        assert!(
            pairs.contains(&(Reply::bulk(name), Reply::bulk(value))),
            "{pairs:?}"
        );
    }
    assert_eq!(
        connection.command(&["CLIENT", "ID"]).expect("answers"),
        Reply::Int(1)
    );
    server.send_to_all(b">1\r\n+unasked\r\n");
    assert!(matches!(connection.read().expect("a push"), Reply::Push(_)));
}

#[test]
fn lies_in_every_way() {
    let server = LyingServer::table(&[
        ("GARBAGE", Action::send("hello\r\n")),
        ("HUGE", Action::send("$536870912\r\nfew")),
        ("CUT", Action::send_and_close("$10\r\nab")),
        ("CLOSE", Action::Close),
        ("NOTHING", Action::Nothing),
        (
            "LATE",
            Action::SendAfter(Duration::from_millis(50), b"+OK\r\n".to_vec()),
        ),
        ("ENDLESS", Action::SendForever(vec![b'*'; 1024])),
        ("OK", "+OK\r\n".into()),
    ]);
    let ask = |name: &str| {
        let mut connection = RespConnection::tcp(server.addr()).expect("accepts");
        connection
            .set_timeout(Duration::from_millis(200))
            .expect("a timeout");
        connection.command(&[name])
    };
    assert_eq!(
        ask("GARBAGE").expect_err("garbage").kind(),
        ErrorKind::InvalidData
    );
    assert!(matches!(
        ask("HUGE").expect_err("too short").kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    assert_eq!(
        ask("CUT").expect_err("too short").kind(),
        ErrorKind::UnexpectedEof
    );
    assert_eq!(
        ask("CLOSE").expect_err("closed").kind(),
        ErrorKind::UnexpectedEof
    );
    assert!(matches!(
        ask("NOTHING").expect_err("silent").kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    let began = Instant::now();
    assert!(ask("LATE").expect("late").is_ok());
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert!(ask("ok").expect("in any case").is_ok());

    let mut endless = RespConnection::tcp(server.addr()).expect("accepts");
    endless.send(&["ENDLESS"]).expect("sends");
    drop(endless);
    eventually(SOON, "all connections end with their clients", || {
        server.open_connections() == 0
    });
}

#[test]
fn greets_or_refuses_hello_as_told() {
    let full = Action::send_and_close("-ERR max number of clients reached\r\n");
    let server = LyingServerOptions::answering(|_| Action::Nothing)
        .greeting(full)
        .start();
    let mut connection = RespConnection::tcp(server.addr()).expect("accepts");
    assert_eq!(
        connection.read().expect("unasked").error(),
        Some("ERR max number of clients reached")
    );

    let old = Action::send("-ERR unknown command `HELLO`\r\n");
    let server = LyingServerOptions::answering(|_| "+OK\r\n")
        .hello_instead(old)
        .start();
    let mut connection = RespConnection::tcp(server.addr()).expect("accepts");
    assert!(
        connection
            .command(&["HELLO", "3"])
            .expect("answers")
            .error()
            .is_some()
    );
    assert!(connection.command(&["GET"]).expect("answers").is_ok());
}

#[tokio::test]
async fn tarpits_are_silent_from_their_phase_on() {
    // Nothing to connect to: neither accepted nor refused.
    let server = LyingServer::tarpit(Phase::Connect);
    let addr = server.addr();
    let dialled = TcpStream::connect_timeout(&addr, Duration::from_millis(150));
    assert_eq!(dialled.expect_err("no answer").kind(), ErrorKind::TimedOut);
    drop(server);
    let refused = TcpStream::connect_timeout(&addr, SOON);
    assert_eq!(
        refused.expect_err("gone").kind(),
        ErrorKind::ConnectionRefused
    );

    for (phase, connects, heard) in [
        (Phase::Hello, false, 0),
        (Phase::Setup, false, 0),
        (Phase::Commands, true, 4),
    ] {
        let server = LyingServer::tarpit(phase);
        let connection = connect(&format!("{}/?protocol=resp3", server.url())).await;
        assert_eq!(connection.is_ok(), connects, "{phase:?}");
        if let Ok(mut connection) = connection {
            let answer = redis::cmd("GET")
                .arg("key")
                .query_async::<String>(&mut connection)
                .await;
            assert!(answer.is_err_and(|error| error.is_timeout()));
        }
        assert!(
            server.commands().len() >= heard,
            "{phase:?} goes on reading"
        );
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn everything_ends_with_it() {
    let server = LyingServer::tarpit(Phase::Hello);
    let addr = server.addr();
    let mut stream = TcpStream::connect(addr).expect("accepts");
    eventually(SOON, "accepted", || server.open_connections() == 1);
    drop(server);
    stream.set_read_timeout(Some(SOON)).expect("a timeout");
    assert_eq!(stream.read(&mut [0; 8]).expect("an orderly end"), 0);
    assert!(TcpStream::connect(addr).is_err());
}
