//! A port that does not even answer who dials.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A local connection is made in microseconds; one that is not made by then never will be.
const DIAL_MAX: Duration = Duration::from_millis(50);
/// A queue of length 1 takes two on Linux; elsewhere a few more.
const FILLERS_MAX: usize = 64;

/// A listener that accepts nobody, and whose queue is full: the kernel drops further attempts to connect, which thus hang
/// as those to an address behind a silent firewall do.
pub(super) struct FullQueue {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FullQueue {
    pub(super) fn new(addr: SocketAddr) -> io::Result<FullQueue> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        // A thread of its own: the caller may be within a runtime, where no other may be entered.
        let thread = thread::Builder::new()
            .name("full-queue".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let filled = fill(addr).await;
                    let (kept, result) = match filled {
                        Ok(kept) => (Some(kept), Ok(())),
                        Err(error) => (None, Err(error)),
                    };
                    let _ = tell.send(result);
                    let _ = ended.await;
                    drop(kept);
                });
            })?;
        told.recv().map_err(io::Error::other)??;
        Ok(FullQueue {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

async fn fill(addr: SocketAddr) -> io::Result<(tokio::net::TcpListener, Vec<TcpStream>)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    let listener = socket.listen(1)?;
    let mut fillers = Vec::new();
    while fillers.len() < FILLERS_MAX {
        match timeout(DIAL_MAX, TcpStream::connect(addr)).await {
            Ok(filler) => fillers.push(filler?),
            Err(_) => return Ok((listener, fillers)),
        }
    }
    Err(io::Error::other("the queue of a listener does not fill"))
}

impl Drop for FullQueue {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
