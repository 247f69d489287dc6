//! How a test server is to be started.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Server, ServerKind};

/// What to start: a kind of server, and what it shall be told beyond the defaults.
///
/// By default a server listens on a free loopback port and on a Unix socket, keeps nothing on disk, and asks for no password.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub(crate) kind: ServerKind,
    pub(crate) append_only: bool,
    pub(crate) tls: Option<TlsFiles>,
    /// The user (none: the default one) and password by which [`Server::command`] and [`crate::Monitor`] log in.
    pub(crate) admin: Option<(Option<String>, String)>,
    lines: Vec<String>,
}

/// The files of a server with TLS, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, or its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority's certificate.
    pub authority: PathBuf,
}

impl ServerOptions {
    /// The defaults for a kind of server.
    pub fn new(kind: ServerKind) -> ServerOptions {
        ServerOptions {
            kind,
            append_only: false,
            tls: None,
            admin: None,
            lines: Vec::new(),
        }
    }

    /// One more line of the configuration file, for example `maxmemory 3mb`. The last of equal names counts.
    #[must_use]
    pub fn config(mut self, line: impl Into<String>) -> ServerOptions {
        self.lines.push(line.into());
        self
    }

    /// The default user has this password; [`Server::command`] uses it.
    #[must_use]
    pub fn password(self, password: &str) -> ServerOptions {
        self.config(format!("requirepass {password}"))
            .admin(None, password)
    }

    /// One more user, by ACL rules such as `on >secret ~lock:* resetchannels -@all +set`.
    #[must_use]
    pub fn user(self, name: &str, rules: &str) -> ServerOptions {
        self.config(format!("user {name} {rules}"))
    }

    /// The user by which [`Server::command`] and [`crate::Monitor`] log in, where the default one will not do.
    #[must_use]
    pub fn admin(mut self, user: Option<&str>, password: &str) -> ServerOptions {
        self.admin = Some((user.map(str::to_owned), password.to_owned()));
        self
    }

    /// Keep the data in an append-only file, synced at once: it survives [`Server::kill`] and [`Server::start_again`].
    #[must_use]
    pub fn append_only(mut self) -> ServerOptions {
        self.append_only = true;
        self
    }

    /// Listen with TLS on a second port. Starting fails with [`io::ErrorKind::Unsupported`] where the binary has none:
    /// see [`ServerKind::supports_tls`].
    #[must_use]
    pub fn tls(mut self, files: TlsFiles) -> ServerOptions {
        self.tls = Some(files);
        self
    }

    /// Starts it.
    pub fn start(&self) -> io::Result<Server> {
        Server::start_with(self)
    }

    /// The configuration file. A file and not arguments: `user` may be repeated, and quoting is the server's own.
    pub(crate) fn config_file(
        &self,
        dir: &Path,
        data: &Path,
        port: u16,
        tls_port: Option<u16>,
    ) -> String {
        let mut file = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            writeln!(file, "{text}").expect("a String takes everything");
        };
        line(format_args!("bind 127.0.0.1"));
        line(format_args!("port {port}"));
        line(format_args!("unixsocket {}", socket_path(dir).display()));
        line(format_args!("dir {}", data.display()));
        line(format_args!("logfile {}", log_path(dir).display()));
        line(format_args!("save \"\""));
        if self.append_only {
            line(format_args!("appendonly yes"));
            line(format_args!("appendfsync always"));
        }
        if let (Some(files), Some(tls_port)) = (&self.tls, tls_port) {
            line(format_args!("tls-port {tls_port}"));
            line(format_args!(
                "tls-cert-file {}",
                files.certificate.display()
            ));
            line(format_args!("tls-key-file {}", files.key.display()));
            line(format_args!(
                "tls-ca-cert-file {}",
                files.authority.display()
            ));
            line(format_args!("tls-auth-clients no"));
        }
        for extra in &self.lines {
            line(format_args!("{extra}"));
        }
        file
    }
}

impl From<ServerKind> for ServerOptions {
    fn from(kind: ServerKind) -> ServerOptions {
        ServerOptions::new(kind)
    }
}

pub(crate) fn socket_path(dir: &Path) -> PathBuf {
    dir.join("socket")
}

pub(crate) fn log_path(dir: &Path) -> PathBuf {
    dir.join("log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_lines_come_last_and_tls_only_when_asked() {
        let options = ServerOptions::new(ServerKind::Valkey)
            .config("port 1")
            .user("a", "on nopass");
        let file = options.config_file(Path::new("/d"), Path::new("/d/data"), 2, Some(3));
        assert!(file.ends_with("port 1\nuser a on nopass\n"), "{file}");
        assert!(!file.contains("tls"), "{file}");
    }
}
