//! The thread of a proxy: takes new connections, or does not.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::carriage::carry;
use super::switchboard::Switchboard;

/// What a proxy does with clients that dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewConnections {
    /// Connect them to the server. If that refuses, they are reset.
    Accept,
    /// Nobody listens: the kernel refuses them. Those that wait to be accepted are reset.
    Refuse,
    /// Accept, count and reset them.
    Reset,
}

/// Serves until the giver of orders is gone.
pub(crate) async fn serve(
    board: Arc<Switchboard>,
    listener: std::net::TcpListener,
    addr: SocketAddr,
    mut orders: watch::Receiver<NewConnections>,
) {
    let mut listener = Some(TcpListener::from_std(listener).expect("a non-blocking listener"));
    loop {
        let door = *orders.borrow_and_update();
        match door {
            NewConnections::Refuse => listener = None,
            NewConnections::Accept | NewConnections::Reset if listener.is_none() => {
                let bound = TcpListener::bind(addr).await;
                listener = Some(bound.expect("the port is reserved while nobody listens on it"));
            }
            NewConnections::Accept | NewConnections::Reset => {}
        }
        board.note_door(door);
        let ended = match &listener {
            None => orders.changed().await.is_err(),
            Some(listener) => tokio::select! {
                changed = orders.changed() => changed.is_err(),
                accepted = listener.accept() => {
                    if let Ok((client, _)) = accepted {
                        greet(&board, client, door);
                    }
                    false
                }
            },
        };
        if ended {
            return;
        }
    }
}

fn greet(board: &Arc<Switchboard>, client: TcpStream, door: NewConnections) {
    if door == NewConnections::Accept {
        tokio::spawn(carry(Arc::clone(board), client));
    } else {
        board.note_dial();
        reset(&client);
    }
}

/// When it is dropped, the client gets a reset and no orderly end.
pub(crate) fn reset(client: &TcpStream) {
    // It fails on a socket that is closed already.
    let _ = client.set_zero_linger();
}
