//! A loopback port that stays one's own while nobody listens on it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Below the range from which the kernel takes the ports of outgoing connections: a client that dials a stopped server
/// again and again would otherwise get that very port as its own some day, and be connected to itself.
const RANGE: std::ops::Range<u32> = 15_000..32_000;

/// A TCP port of 127.0.0.1, reserved among all users of this crate, in this process and in others.
///
/// The reservation is a bound UDP socket of the same number: exclusive, without a file, and gone with the process, also
/// when it is killed. So a server can be down for a while and come back on its port, with no other test moving in.
#[derive(Debug)]
pub struct PortReservation {
    port: u16,
    _claim: UdpSocket,
}

impl PortReservation {
    /// Reserves a port on which nobody listens.
    pub fn new() -> io::Result<PortReservation> {
        let mut last = io::Error::other("no port in range");
        for _ in RANGE {
            let port = next_port();
            match claim(port) {
                Ok(reservation) => return Ok(reservation),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1` with this port.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

fn claim(port: u16) -> io::Result<PortReservation> {
    let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    // A listener that knows nothing of reservations may have it.
    drop(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?);
    Ok(PortReservation {
        port,
        _claim: claim,
    })
}

/// Counts up through the range from a place that differs between processes: a port is not used again soon, and parallel
/// test processes rarely meet.
fn next_port() -> u16 {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.subsec_nanos());
        AtomicU32::new(nanos.wrapping_add(process::id().wrapping_mul(7919)))
    });
    let offset = next.fetch_add(1, Ordering::Relaxed) % (RANGE.end - RANGE.start);
    u16::try_from(RANGE.start + offset).expect("the range lies below 65,536")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    #[test]
    fn parallel_reservations_are_distinct() {
        let reserved: Vec<PortReservation> = thread::scope(|scope| {
            let reserving: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..25)
                            .map(|_| PortReservation::new().expect("a port"))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            reserving
                .into_iter()
                .flat_map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        let ports: HashSet<u16> = reserved.iter().map(PortReservation::port).collect();
        assert_eq!(ports.len(), 200);
        assert!(
            claim(reserved[0].port()).is_err(),
            "a reserved port cannot be claimed twice"
        );
    }
}
