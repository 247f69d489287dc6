//! A tiny blocking client, so that tests look at a server by other eyes than those of the library under test.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::Reply;
use crate::reply::encode_command;

/// No answer of a healthy local server takes this long; a test that stops a server sets less.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One blocking connection to a server, RESP2 until a `HELLO 3` is sent.
pub struct RespConnection {
    socket: Socket,
    reader: BufReader<Box<dyn Read + Send>>,
}

#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Ends reads and writes, also those that wait in another thread.
    pub(crate) fn shutdown(&self) {
        // It fails if the other end was quicker.
        let _ = match self {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Both),
            Socket::Unix(socket) => socket.shutdown(Shutdown::Both),
        };
    }

    fn set_timeouts(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Socket::Tcp(socket) => {
                socket.set_read_timeout(timeout)?;
                socket.set_write_timeout(timeout)
            }
            Socket::Unix(socket) => {
                socket.set_read_timeout(timeout)?;
                socket.set_write_timeout(timeout)
            }
        }
    }
}

impl RespConnection {
    /// Connects over TCP.
    pub fn tcp(addr: SocketAddr) -> io::Result<RespConnection> {
        let socket = TcpStream::connect_timeout(&addr, TIMEOUT)?;
        socket.set_nodelay(true)?;
        let reader = BufReader::new(Box::new(socket.try_clone()?) as Box<dyn Read + Send>);
        let mut connection = RespConnection {
            socket: Socket::Tcp(socket),
            reader,
        };
        connection.set_timeout(TIMEOUT)?;
        Ok(connection)
    }

    /// Connects over a Unix socket.
    pub fn unix(path: &Path) -> io::Result<RespConnection> {
        let socket = UnixStream::connect(path)?;
        let reader = BufReader::new(Box::new(socket.try_clone()?) as Box<dyn Read + Send>);
        let mut connection = RespConnection {
            socket: Socket::Unix(socket),
            reader,
        };
        connection.set_timeout(TIMEOUT)?;
        Ok(connection)
    }

    /// The longest time one read or write may take from now on (at first five seconds).
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.socket.set_timeouts(Some(timeout))
    }

    pub(crate) fn wait_for_ever(&mut self) -> io::Result<()> {
        self.socket.set_timeouts(None)
    }

    /// The same socket once more, to shut it down from elsewhere.
    pub(crate) fn socket(&self) -> io::Result<Socket> {
        Ok(match &self.socket {
            Socket::Tcp(socket) => Socket::Tcp(socket.try_clone()?),
            Socket::Unix(socket) => Socket::Unix(socket.try_clone()?),
        })
    }

    /// Sends a command and reads its reply. After an error the connection is of no more use: a late reply would be
    /// taken for the next one.
    pub fn command(&mut self, args: &[impl AsRef<[u8]>]) -> io::Result<Reply> {
        self.send(args)?;
        self.read()
    }

    /// Sends a command, and reads nothing.
    pub fn send(&mut self, args: &[impl AsRef<[u8]>]) -> io::Result<()> {
        self.send_raw(&encode_command(args))
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.socket {
            Socket::Tcp(socket) => socket.write_all(bytes),
            Socket::Unix(socket) => socket.write_all(bytes),
        }
    }

    /// Reads the next reply (or push).
    pub fn read(&mut self) -> io::Result<Reply> {
        Reply::read(&mut self.reader)
    }
}

impl fmt::Debug for RespConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RespConnection").field(&self.socket).finish()
    }
}
