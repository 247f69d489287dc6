//! A TCP proxy that makes a network faulty.

mod acceptor;
mod carriage;
mod flow;
mod scope;
mod switchboard;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::PortReservation;

pub use acceptor::NewConnections;
pub use flow::Flow;
pub use scope::Scope;
use scope::Who;
pub use switchboard::Mark;
use switchboard::Switchboard;

const LISTEN_ATTEMPTS_MAX: usize = 20;

/// Stands on a loopback port of its own between clients and one server, on a thread of its own. At first everything
/// passes; faults are set and healed while it runs, and hold for what passes from then on.
///
/// What a fault applies to is a [`Scope`]: [`Proxy::all`], the connections that exist now ([`Proxy::existing`]), or
/// [`Proxy::new_connections`]. The proxy knows no protocol: what it delays or loses are chunks as they were read.
#[derive(Debug)]
pub struct Proxy {
    board: Arc<Switchboard>,
    port: PortReservation,
    door: Option<watch::Sender<NewConnections>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy for one server; random delays take their seed from 0.
    pub fn start(upstream: SocketAddr) -> Proxy {
        Proxy::start_seeded(upstream, 0)
    }

    /// Starts a proxy whose random delays follow the seed: connection by connection and direction by direction they
    /// are the same in every run.
    pub fn start_seeded(upstream: SocketAddr, seed: u64) -> Proxy {
        Proxy::try_start(upstream, seed)
            .unwrap_or_else(|error| panic!("no proxy for {upstream}: {error}"))
    }

    fn try_start(upstream: SocketAddr, seed: u64) -> io::Result<Proxy> {
        let (port, listener) = listen()?;
        listener.set_nonblocking(true)?;
        let board = Arc::new(Switchboard::new(upstream, seed));
        let (door, orders) = watch::channel(NewConnections::Accept);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let serving = acceptor::serve(Arc::clone(&board), listener, port.addr(), orders);
        let thread = thread::Builder::new()
            .name("proxy".to_owned())
            // The connections are tasks of this runtime and end with it.
            .spawn(move || runtime.block_on(serving))?;
        Ok(Proxy {
            board,
            port,
            door: Some(door),
            thread: Some(thread),
        })
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// `redis://127.0.0.1:port` of the proxy.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// Connections accepted from now on go to another server.
    pub fn redirect(&self, upstream: SocketAddr) {
        self.board.redirect(upstream);
    }

    /// Every connection, now and later.
    pub fn all(&self) -> Scope {
        Scope::new(&self.board, Who::All)
    }

    /// The connections that exist now, and no later one. Keep the value to heal just them.
    pub fn existing(&self) -> Scope {
        Scope::new(&self.board, Who::These(self.board.links()))
    }

    /// The connections that are yet to come.
    pub fn new_connections(&self) -> Scope {
        Scope::new(&self.board, Who::New)
    }

    /// [`Scope::requests`] of [`Proxy::all`].
    pub fn requests(&self, flow: Flow) {
        self.all().requests(flow);
    }

    /// [`Scope::replies`] of [`Proxy::all`].
    pub fn replies(&self, flow: Flow) {
        self.all().replies(flow);
    }

    /// [`Scope::both`] of [`Proxy::all`].
    pub fn both(&self, flow: Flow) {
        self.all().both(flow);
    }

    /// Heals everything: both directions of every connection pass, and new ones are accepted. What was held goes out, in
    /// order; what was swallowed is lost, and what was delayed comes when it was to come.
    pub fn pass(&self) {
        self.all().pass();
        self.on_connect(NewConnections::Accept);
    }

    /// [`Scope::cut`] of [`Proxy::existing`].
    pub fn cut(&self) {
        self.existing().cut();
    }

    /// [`Scope::hold_replies_then_cut`] of [`Proxy::existing`].
    pub fn hold_replies_then_cut(&self) {
        self.existing().hold_replies_then_cut(Duration::ZERO);
    }

    /// What is done with new connections. In force when this returns.
    pub fn on_connect(&self, new: NewConnections) {
        if let Some(door) = &self.door {
            door.send_replace(new);
            self.board.wait_for_door(new);
        }
    }

    /// How many connections were accepted, or accepted and reset: how often clients have dialled. (What the kernel
    /// refuses for [`NewConnections::Refuse`] is seen by nobody: count with [`NewConnections::Reset`].)
    pub fn connections(&self) -> usize {
        self.board.dial_times().len()
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.board.links().len()
    }

    /// When each connection was accepted.
    pub fn dial_times(&self) -> Vec<Instant> {
        self.board.dial_times()
    }

    /// How many bytes clients have sent.
    pub fn request_bytes(&self) -> u64 {
        self.board.tally().requests.read
    }

    /// How many bytes the server has sent.
    pub fn reply_bytes(&self) -> u64 {
        self.board.tally().replies.read
    }

    /// How many bytes of clients are delayed or held now. A test that holds can wait for what it holds.
    pub fn requests_waiting(&self) -> u64 {
        self.board.tally().requests.waiting
    }

    /// How many bytes of the server are delayed or held now: above zero, the server has executed something.
    pub fn replies_waiting(&self) -> u64 {
        self.board.tally().replies.waiting
    }

    /// When each chunk of clients' bytes came, and on which connection; the last 65,536 are kept.
    pub fn request_marks(&self) -> Vec<Mark> {
        self.board.request_marks()
    }

    /// Forgets [`Proxy::request_marks`].
    pub fn clear_request_marks(&self) {
        self.board.clear_request_marks();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The acceptor sees that nobody gives orders any more, and ends.
        self.door.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A port of one's own, and the listener on it. Somebody who knows nothing of reservations may be quicker.
fn listen() -> io::Result<(PortReservation, TcpListener)> {
    let mut attempt = 1;
    loop {
        let port = PortReservation::new()?;
        match TcpListener::bind(port.addr()) {
            Ok(listener) => return Ok((port, listener)),
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse && attempt < LISTEN_ATTEMPTS_MAX =>
            {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
