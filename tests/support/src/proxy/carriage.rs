//! One connection through a proxy: a lane for requests and a lane for replies.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::Flow;
use super::acceptor::reset;
use super::flow::Dice;
use super::switchboard::{Direction, Link, Switchboard};

/// What came, and when it may go on. No bytes: the end of the stream.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

/// Carries one connection to its end.
pub(crate) async fn carry(board: Arc<Switchboard>, client: TcpStream) {
    let (link, upstream) = board.open();
    // Noted only when the sockets are closed: who cuts waits for that.
    carry_link(&board, &link, client, upstream).await;
    board.note_closed(link.id);
}

async fn carry_link(board: &Switchboard, link: &Link, mut client: TcpStream, addr: SocketAddr) {
    let mut cut = link.cut.subscribe();
    let Some(mut upstream) = (tokio::select! {
        dialled = TcpStream::connect(addr) => dialled.ok(),
        _ = cut.wait_for(|cut| *cut) => None,
    }) else {
        reset(&client);
        return;
    };
    // The proxy shall add no delay that it was not asked for.
    let _ = client.set_nodelay(true);
    let _ = upstream.set_nodelay(true);

    let orderly = {
        let (from_client, to_client) = client.split();
        let (from_upstream, to_upstream) = upstream.split();
        let requests = Lane {
            board,
            link,
            direction: Direction::Requests,
        };
        let replies = Lane {
            board,
            link,
            direction: Direction::Replies,
        };
        // Each lane goes on when the other has ended: requests under way reach a server though the client is gone.
        let both = async {
            tokio::join!(
                requests.run(from_client, to_upstream),
                replies.run(from_upstream, to_client)
            )
        };
        tokio::select! {
            (requests, _) = both => requests.is_ok(),
            _ = cut.wait_for(|cut| *cut) => false,
        }
    };
    if !orderly {
        reset(&client);
    }
}

struct Lane<'a> {
    board: &'a Switchboard,
    link: &'a Link,
    direction: Direction,
}

/// Bytes that wait in a lane, so that the count is right also when the lane is cut.
struct Waiting<'a> {
    lane: &'a Lane<'a>,
    bytes: AtomicUsize,
}

impl Lane<'_> {
    /// Until the end of the stream has been passed on, or writing fails.
    async fn run(
        &self,
        from: impl AsyncRead + Unpin,
        to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let (put, take) = mpsc::unbounded_channel();
        let waiting = Waiting {
            lane: self,
            bytes: AtomicUsize::new(0),
        };
        let (_, written) = tokio::join!(
            self.read(from, put, &waiting),
            self.write(to, take, &waiting)
        );
        written
    }

    async fn read(
        &self,
        mut from: impl AsyncRead + Unpin,
        put: mpsc::UnboundedSender<Piece>,
        waiting: &Waiting<'_>,
    ) {
        let flow = self.link.watch(self.direction);
        let mut dice = Dice::new(
            self.board.seed ^ (self.link.id << 1) ^ u64::from(self.direction == Direction::Replies),
        );
        let mut buffer = vec![0; 64 * 1024];
        let mut due = Instant::now();
        loop {
            let count = tokio::select! {
                read = from.read(&mut buffer) => read.unwrap_or(0),
                // Nobody can be written to any more.
                () = put.closed() => return,
            };
            if count > 0 {
                waiting.add(count);
            }
            let delay = flow.borrow().delay_of_chunk(&mut dice);
            // Never before the one ahead.
            due = due.max(Instant::now() + delay);
            let sent = put.send(Piece {
                due,
                bytes: buffer[..count].to_vec(),
            });
            if count == 0 || sent.is_err() {
                return;
            }
        }
    }

    async fn write(
        &self,
        mut to: impl AsyncWrite + Unpin,
        mut take: mpsc::UnboundedReceiver<Piece>,
        waiting: &Waiting<'_>,
    ) -> io::Result<()> {
        let mut flow = self.link.watch(self.direction);
        while let Some(Piece { due, bytes }) = take.recv().await {
            if due > Instant::now() {
                sleep_until(due).await;
            }
            let mut rest = bytes.as_slice();
            let end = rest.is_empty();
            while end || !rest.is_empty() {
                let now = *flow.borrow_and_update();
                match now {
                    Flow::Hold => changed(&mut flow).await,
                    Flow::Swallow if end => changed(&mut flow).await,
                    Flow::Swallow => {
                        waiting.take(rest.len());
                        rest = &[];
                    }
                    Flow::Cut { after } => {
                        sleep(after).await;
                        self.link.cut.send_replace(true);
                        std::future::pending::<()>().await;
                    }
                    Flow::Pass | Flow::Delay { .. } | Flow::Trickle { .. } if end => {
                        return to.shutdown().await;
                    }
                    Flow::Pass | Flow::Delay { .. } => {
                        // Before they are written: who has read them finds them counted as gone.
                        waiting.take(rest.len());
                        to.write_all(rest).await?;
                        rest = &[];
                    }
                    Flow::Trickle { bytes, every } => {
                        let (now, later) = rest.split_at(bytes.clamp(1, rest.len()));
                        waiting.take(now.len());
                        to.write_all(now).await?;
                        rest = later;
                        tokio::select! {
                            () = sleep(every) => {}
                            () = changed(&mut flow) => {}
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The sender lives in the link, which the connection itself holds.
async fn changed(flow: &mut watch::Receiver<Flow>) {
    flow.changed().await.expect("a link outlives its lanes");
}

impl Waiting<'_> {
    fn add(&self, count: usize) {
        self.bytes.fetch_add(count, Ordering::Relaxed);
        self.lane
            .board
            .note_read(self.lane.link, self.lane.direction, count);
    }

    fn take(&self, count: usize) {
        self.bytes.fetch_sub(count, Ordering::Relaxed);
        self.lane.board.note_gone(self.lane.direction, count);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let rest = *self.bytes.get_mut();
        self.take(rest);
    }
}
