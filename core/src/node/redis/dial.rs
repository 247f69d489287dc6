//! Reaching a server: name, socket, TLS, login. Each phase has its own bound.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::Target;
use crate::error::{Fault, FaultClass};
use crate::node::redis::connection::{Connection, Stream};
use crate::node::redis::greeting::{Greeting, Peer, greet};
use crate::node::redis::owner::Plan;
use crate::protocol::waiter_number;

/// A connection ready for commands.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) greeting: Greeting,
}

/// Connects and logs in. `previous` is our earlier connection, which the server may still serve.
pub(super) async fn dial(plan: &Plan, previous: Option<Peer>) -> Result<Session, Fault> {
    let bound = plan.settings.connect_timeout;
    let stream: Box<dyn Stream> = match &plan.address.target {
        Target::Tcp { host, port, tls } => {
            let stream = within(bound, "no connection in time", tcp(host, *port, bound)).await?;
            if *tls {
                let tls = plan.tls.as_ref().map_err(Clone::clone)?;
                let late = "no end of the TLS handshake in time";
                Box::new(within(bound, late, tls.handshake(host, stream)).await?)
            } else {
                Box::new(stream)
            }
        }
        Target::Unix { path } => {
            let connected = async { UnixStream::connect(path).await.map_err(|e| unreachable(&e)) };
            Box::new(within(bound, "no connection in time", connected).await?)
        }
        Target::Memory { .. } => {
            return Err(Fault::refused(
                FaultClass::Unsupported,
                "not the address of a server",
            ));
        }
    };
    within(
        bound,
        "no end of the login in time",
        login(plan, stream, previous),
    )
    .await
}

async fn within<T>(
    bound: Duration,
    late: &'static str,
    phase: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match timeout(bound, phase).await {
        Ok(result) => result,
        Err(_) => Err(Fault::refused(FaultClass::Timeout, late)),
    }
}

/// Resolves the name, afresh every time, and tries its addresses in turn; none may take more than
/// its share of the time.
async fn tcp(host: &str, port: u16, bound: Duration) -> Result<TcpStream, Fault> {
    let deadline = Instant::now() + bound;
    let unknown = || Fault::refused(FaultClass::Unreachable, "the host's name is not known");
    let addresses: Vec<SocketAddr> = lookup_host((host, port))
        .await
        .map_err(|_| unknown())?
        .collect();
    let mut last = unknown();
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, connect(*address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = unreachable(&error),
            Err(_) => last = Fault::refused(FaultClass::Timeout, "no connection in time"),
        }
    }
    Err(last)
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Finds out in the end that a silent peer is gone; a busy connection has its own watch.
    socket.set_keepalive(true)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

fn unreachable(error: &io::Error) -> Fault {
    use io::ErrorKind::{
        ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound, PermissionDenied,
    };
    let detail = match error.kind() {
        ConnectionRefused => "connection refused",
        NotFound => "there is no such socket",
        PermissionDenied => "no permission to connect",
        HostUnreachable | NetworkUnreachable => "no route to the host",
        _ => "no connection can be made",
    };
    Fault::refused(FaultClass::Unreachable, detail)
}

async fn login(
    plan: &Plan,
    stream: Box<dyn Stream>,
    previous: Option<Peer>,
) -> Result<Session, Fault> {
    let (channel, wake) = (plan.settings.wake_channel.clone(), plan.wake.clone());
    let on_message = move |payload: &[u8]| {
        if let Some(number) = waiter_number(payload) {
            // Nobody listens any more once the client is closed.
            let _ = wake.send(number);
        }
    };
    let mut connection = Connection::new(stream, channel, Box::new(on_message));
    let greeted = async {
        connection.log_in(&plan.address).await?;
        greet(&mut connection, plan, previous).await
    };
    // The greeting leaves nothing behind, whatever became of it.
    let greeting = greeted.await.map_err(|fault| Fault {
        may_have_run: false,
        ..fault
    })?;
    Ok(Session {
        connection,
        greeting,
    })
}
