//! Servers that answer nonsense, too much or nothing.

use quorlock::FaultClass;
use quorlock::testing::node::{Link, Void};
use quorlock::testing::protocol::Reply;
use quorlock_test_support::{Action, LyingServer, LyingServerOptions};

use crate::harness::{Driven, acquire, token};

/// What a script's reply begins with on a good server.
const ABLE: &str = "*3\r\n:1\r\n:1\r\n:1\r\n";
const PROBE_MARK: &[u8] = b"Asks what this user may do here";

/// Answers the greeting well and every other script by `reply`.
fn liar(reply: Action) -> LyingServer {
    LyingServer::start(move |command: &[Vec<u8>]| {
        let is_probe = command.get(1).is_some_and(|body| {
            body.windows(PROBE_MARK.len())
                .any(|part| part == PROBE_MARK)
        });
        match command[0].to_ascii_uppercase().as_slice() {
            b"EVAL" if is_probe => Action::send(ABLE),
            b"SUBSCRIBE" => Action::send(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"),
            b"DELIFEQ" | b"DELEX" | b"ZADD" | b"EXISTS" | b"TIME" => {
                Action::send("-ERR unknown command\r\n")
            }
            _ => reply.clone(),
        }
    })
}

#[tokio::test]
async fn nonsense_is_a_protocol_fault_and_costs_the_connection() {
    let long = format!("+{}\r\n", "x".repeat(20_000));
    let deep = format!("{}:1\r\n", "*1\r\n".repeat(200));
    let cases: Vec<Action> = [
        "+OK\r\n",
        "_\r\n",
        ":1\r\n",
        "*0\r\n",
        "*2\r\n:3\r\n$0\r\n\r\n",
        "*1\r\n:1\r\n",
        "#t\r\n",
        ",1.5\r\n",
        "*2\r\n:1\r\n$3\r\nabc\r\n",
        "*5\r\n:0\r\n$4\r\nwhat\r\n:1\r\n:1\r\n$0\r\n\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "*2\r\n:1\r\n-ERR no\r\n",
        "$-5\r\n",
        "$999999999999\r\n",
        "*1000000000\r\n",
        "%1000000000\r\n",
        "*1\r\n>1\r\n",
        "garbage\r\n",
        "\0\0\0\0",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        &long,
        &deep,
        ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
    ]
    .into_iter()
    .map(Action::send)
    .chain([
        Action::SendForever(b"*1\r\n".to_vec()),
        Action::SendForever(b"$5\r\nhello\r\n".to_vec()),
        Action::SendForever(b"xxxxxxxx".to_vec()),
    ])
    .collect();
    for action in cases {
        let server = liar(action.clone());
        let node = Driven::to(&server.url());
        let (epoch, _) = node.up().await;
        let fault = node
            .ask(acquire("a", &token()))
            .await
            .expect_err("nonsense");
        assert_eq!(
            (fault.class, fault.may_have_run),
            (FaultClass::Protocol, true),
            "{action:?}"
        );
        node.link(|link| matches!(link, Link::Up { epoch: now, .. } if *now > epoch))
            .await;
    }
}

#[tokio::test]
async fn an_answer_nobody_asked_for_is_not_taken_for_the_next() {
    let server = liar(Action::send("*2\r\n:1\r\n$0\r\n\r\n*2\r\n:1\r\n$0\r\n\r\n"));
    let node = Driven::to(&server.url());
    let (epoch, _) = node.up().await;
    // The first may count as answered; the second reply must never become the next answer.
    let _ = node.ask(acquire("a", &token())).await;
    node.link(|link| match link {
        Link::Down(fault) => fault.class == FaultClass::Protocol,
        Link::Up { epoch: now, .. } => *now > epoch,
        Link::Connecting => false,
    })
    .await;
}

#[tokio::test]
async fn an_early_end_is_told_and_the_rest_unresolved() {
    for action in [Action::Close, Action::send_and_close("$100\r\nabc")] {
        let server = liar(action);
        let node = Driven::to(&server.url());
        node.up().await;
        let answers: Vec<_> = (0..5)
            .map(|_| node.submit(acquire("a", &token()), &Void::default()))
            .collect();
        for answer in answers {
            let fault = answer.get().await.expect_err("the end");
            assert!(fault.class == FaultClass::Disconnected, "{fault}");
        }
    }
}

#[tokio::test]
async fn a_greeting_of_nonsense_is_a_protocol_fault() {
    let hellos = ["+OK\r\n", "*1\r\n:1\r\n", "x", "$-7\r\n", "%99999999\r\n"];
    for hello in hellos {
        let options = LyingServerOptions::table(&[]).hello_instead(Action::send(hello));
        let server = options.start();
        let node = Driven::to(&server.url());
        node.down(FaultClass::Protocol).await;
    }
    let full = LyingServerOptions::table(&[])
        .greeting(Action::send_and_close(
            "-ERR max number of clients reached\r\n",
        ))
        .start();
    Driven::to(&full.url()).down(FaultClass::Transient).await;
    let old = LyingServerOptions::table(&[])
        .hello_instead(Action::send(
            "-ERR unknown command `HELLO`, with args beginning with: `3`\r\n",
        ))
        .start();
    Driven::to(&old.url()).down(FaultClass::Unsupported).await;
    let resp2 = LyingServerOptions::table(&[])
        .hello_instead(Action::send("-NOPROTO unsupported protocol version\r\n"))
        .start();
    Driven::to(&resp2.url()).down(FaultClass::Unsupported).await;
}

#[tokio::test]
async fn error_replies_are_classed_and_their_text_is_dropped() {
    let cases = [
        ("-LOADING canary\r\n", FaultClass::Transient),
        ("-BUSY canary\r\n", FaultClass::Transient),
        ("-OOM canary\r\n", FaultClass::Operator),
        ("-MISCONF canary\r\n", FaultClass::Operator),
        ("-NOREPLICAS canary\r\n", FaultClass::Operator),
        ("-READONLY canary\r\n", FaultClass::Operator),
        ("-NOPERM canary\r\n", FaultClass::Permission),
        ("-MOVED 1 canary:1\r\n", FaultClass::Topology),
        ("-CROSSSLOT canary\r\n", FaultClass::Topology),
        ("-WRONGTYPE canary\r\n", FaultClass::ForeignFormat),
        (
            "-ERR unknown command 'EVAL', with args beginning with: 'canary'\r\n",
            FaultClass::Unsupported,
        ),
        ("-ERR canary\r\n", FaultClass::Unknown),
        ("-CANARY canary\r\n", FaultClass::Unknown),
        ("!10\r\nERR canary\r\n", FaultClass::Unknown),
        ("-\r\n", FaultClass::Unknown),
    ];
    for (reply, class) in cases {
        let server = liar(Action::send(reply));
        let node = Driven::to(&server.url());
        let fault = node
            .ask(acquire("a", &token()))
            .await
            .expect_err("an error");
        assert_eq!(fault.class, class, "{reply:?}");
        assert!(
            !format!("{fault} {fault:?}")
                .to_lowercase()
                .contains("canary"),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_good_reply_among_pushes_is_found() {
    let push = ">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n>2\r\n+invalidate\r\n_\r\n";
    let server = liar(Action::send(format!("{push}*2\r\n:1\r\n$0\r\n\r\n{push}")));
    let node = Driven::to(&server.url());
    for _ in 0..3 {
        assert!(matches!(
            node.ask(acquire("a", &token())).await,
            Ok(Reply::Granted(_))
        ));
    }
    assert_eq!(server.connections(), 1);
}
