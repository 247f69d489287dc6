//! Several servers, as a quorum lock needs them.

use std::io;
use std::ops::Deref;
use std::thread;

use crate::{Server, ServerOptions};

/// Servers of one kind, started in parallel. Used as a slice of [`Server`].
#[derive(Debug)]
pub struct Servers {
    servers: Vec<Server>,
}

impl Servers {
    /// Starts that many, of a [`crate::ServerKind`] or with [`ServerOptions`]; panics with the reason if one fails.
    pub fn start(count: usize, options: impl Into<ServerOptions>) -> Servers {
        let options = options.into();
        Servers::try_start(count, &options)
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", options.kind))
    }

    /// Starts that many; if one fails, those that were started are ended.
    pub fn try_start(count: usize, options: &ServerOptions) -> io::Result<Servers> {
        let servers: io::Result<Vec<Server>> = thread::scope(|scope| {
            let starting: Vec<_> = (0..count)
                .map(|_| scope.spawn(|| options.start()))
                .collect();
            // Joined all before the first error is looked at.
            let started: Vec<_> = starting
                .into_iter()
                .map(|thread| thread.join().expect("start does not panic"))
                .collect();
            started.into_iter().collect()
        });
        Ok(Servers { servers: servers? })
    }

    /// The URL of each.
    pub fn urls(&self) -> Vec<String> {
        self.iter().map(Server::url).collect()
    }
}

impl Deref for Servers {
    type Target = [Server];

    fn deref(&self) -> &[Server] {
        &self.servers
    }
}

impl<'a> IntoIterator for &'a Servers {
    type Item = &'a Server;
    type IntoIter = std::slice::Iter<'a, Server>;

    fn into_iter(self) -> Self::IntoIter {
        self.servers.iter()
    }
}
