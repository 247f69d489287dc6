//! TLS: what is trusted, and each way a handshake fails, told apart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quorlock::FaultClass;
use quorlock::testing::protocol::Reply;
use quorlock_test_support::{Action, LyingServerOptions, Server, ServerKind};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::{Driven, Wish, acquire, token};

/// An authority of a test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("signed"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// What a server with a certificate for `name` until `year` accepts connections by.
    fn acceptor(&self, name: &str, year: i32) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("valid");
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("signed");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("valid")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("fits");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Stands before a server and speaks TLS; gives its URL.
async fn terminator(acceptor: TlsAcceptor, upstream: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("rediss://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not like the certificate leaves.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut server = TcpStream::connect(upstream)
                    .await
                    .expect("the server is there");
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    url
}

fn trusting(pem: Option<String>) -> Wish {
    Wish {
        tls_ca_pem: pem,
        ..Wish::default()
    }
}

#[tokio::test]
async fn a_good_certificate_is_accepted_and_bad_ones_are_told_apart() {
    let server = Server::start(ServerKind::Valkey);
    let authority = Authority::new();
    let good = terminator(authority.acceptor("127.0.0.1", 2100), server.addr()).await;
    let node = Driven::with(&good, trusting(Some(authority.pem())));
    assert!(matches!(
        node.ask(acquire("a", &token())).await,
        Ok(Reply::Granted(_))
    ));

    let expired = terminator(authority.acceptor("127.0.0.1", 2002), server.addr()).await;
    let other = terminator(authority.acceptor("elsewhere.example", 2100), server.addr()).await;
    let cases = [
        (
            &expired,
            trusting(Some(authority.pem())),
            "the server's certificate has expired",
        ),
        (
            &other,
            trusting(Some(authority.pem())),
            "the server's certificate is for another name",
        ),
        (
            &good,
            trusting(None),
            "the server's certificate is signed by nobody we trust",
        ),
        (
            &good,
            trusting(Some(Authority::new().pem())),
            "the server's certificate is signed by nobody we trust",
        ),
        (
            &good,
            trusting(Some("no PEM".to_owned())),
            "tls_ca_pem holds no certificate",
        ),
    ];
    for (url, wish, detail) in cases {
        let fault = Driven::with(url, wish).down(FaultClass::Tls).await;
        assert_eq!((&*fault.detail, fault.may_have_run), (detail, false));
    }
    let careless = Wish {
        tls_verify: false,
        ..Wish::default()
    };
    Driven::with(&expired, careless).up().await;
}

#[tokio::test]
async fn old_protocols_and_plain_servers_are_told_apart() {
    // A fatal alert in the dress of TLS 1.0: protocol_version.
    let alert = vec![0x15, 3, 1, 0, 2, 2, 70];
    let old = LyingServerOptions::table(&[])
        .greeting(Action::send(alert))
        .start();
    let plain = LyingServerOptions::table(&[])
        .greeting(Action::send("-ERR hello\r\n"))
        .start();
    let details = [
        (
            old.url(),
            "the server offers no protocol version we use (TLS 1.2 or 1.3)",
        ),
        (plain.url(), "the server does not speak TLS on this port"),
    ];
    for (url, detail) in details {
        let node = Driven::to(&url.replace("redis://", "rediss://"));
        assert_eq!(node.down(FaultClass::Tls).await.detail, detail);
    }
    // A server without TLS waits for the end of what it takes for a command.
    let server = Server::start(ServerKind::Valkey);
    let wish = Wish {
        connect_timeout: Duration::from_millis(200),
        ..Wish::default()
    };
    let node = Driven::with(&server.url().replace("redis://", "rediss://"), wish);
    let fault = node.down(FaultClass::Timeout).await;
    assert_eq!(fault.detail, "no end of the TLS handshake in time");
}
