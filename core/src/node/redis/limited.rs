//! A stream held to the bounds, and the count of replies that are owed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::node::limits::{Scanner, Violation};

/// What is known of a stream outside the client library: above all how many replies are owed. One
/// that nobody asked for would be taken for the answer to the next command.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    owed: AtomicUsize,
    broken: AtomicBool,
}

impl Ledger {
    /// So many replies are asked for now.
    pub(super) fn expect(&self, replies: usize) {
        self.owed.fetch_add(replies, Ordering::SeqCst);
    }

    /// Nothing is asked for any more.
    pub(super) fn clear(&self) {
        self.owed.store(0, Ordering::SeqCst);
    }

    /// True once the server broke the bounds.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    fn settle(&self, replies: usize) -> Result<(), Violation> {
        let less = |owed: usize| owed.checked_sub(replies);
        match self
            .owed
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(Violation::UNASKED),
        }
    }
}

/// A stream whose incoming side is held to the bounds.
pub(super) struct Limited<S> {
    inner: S,
    scanner: Scanner,
    ledger: Arc<Ledger>,
}

impl<S> Limited<S> {
    pub(super) fn new(inner: S, ledger: Arc<Ledger>) -> Self {
        Limited {
            inner,
            scanner: Scanner::new(),
            ledger,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let scanned = self.scanner.feed(&buf.filled()[before..]);
        if let Err(violation) = scanned.and_then(|replies| self.ledger.settle(replies)) {
            buf.set_filled(before);
            self.ledger.broken.store(true, Ordering::SeqCst);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reply_nobody_asked_for_ends_the_stream() {
        use tokio::io::AsyncReadExt;
        let ledger = Arc::new(Ledger::default());
        ledger.expect(1);
        let mut stream = Limited::new(&b"+OK\r\n+OK\r\n"[..], Arc::clone(&ledger));
        let mut bytes = [0; 5];
        stream
            .read_exact(&mut bytes)
            .await
            .expect("the first is owed");
        let error = stream
            .read_exact(&mut bytes)
            .await
            .expect_err("the second is not");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(ledger.is_broken());
    }
}
