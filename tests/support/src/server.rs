//! One real server process.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::lock;
use crate::server_options::{log_path, socket_path};
use crate::server_process::ServerProcess;
use crate::{Monitor, PortReservation, Reply, RespConnection, ServerKind, ServerOptions, TempDir};

/// A server starts in some 20 ms; two busy cores and an append-only file may need more.
const START_MAX: Duration = Duration::from_secs(10);
const START_ATTEMPTS_MAX: usize = 20;

/// A running Valkey or Redis of a test: on a loopback port and a Unix socket, in a folder of its own. It ends with this
/// value, and with the test process however that ends.
///
/// Everything takes `&self`: a test may stop a server in one thread while it is used in another.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    binary: PathBuf,
    port: PortReservation,
    tls_port: Option<PortReservation>,
    dir: TempDir,
    process: Mutex<ServerProcess>,
    /// Over the Unix socket, so that it neither counts nor suffers where a test looks at TCP.
    control: Mutex<Option<RespConnection>>,
}

impl Server {
    /// Starts a server with the defaults; panics with the reason if that fails.
    pub fn start(kind: ServerKind) -> Server {
        Server::start_with(&ServerOptions::new(kind))
            .unwrap_or_else(|error| panic!("{kind:?} does not start: {error}"))
    }

    /// Starts a server as the options say. When this returns it answers, on TCP as well.
    pub fn start_with(options: &ServerOptions) -> io::Result<Server> {
        let binary = options.kind.binary()?;
        if options.tls.is_some() && !options.kind.supports_tls()? {
            let message = format!("{} was built without TLS", binary.display());
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let mut attempt = 1;
        loop {
            let server = Server {
                options: options.clone(),
                binary: binary.clone(),
                port: PortReservation::new()?,
                tls_port: options
                    .tls
                    .as_ref()
                    .map(|_| PortReservation::new())
                    .transpose()?,
                dir: TempDir::new()?,
                process: Mutex::default(),
                control: Mutex::new(None),
            };
            match server.launch() {
                Ok(()) => return Ok(server),
                // Somebody who knows nothing of reservations was quicker: take another port.
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && attempt < START_ATTEMPTS_MAX =>
                {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// `redis://127.0.0.1:port`, without credentials.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// `redis://user:password@127.0.0.1:port`; give an empty user for the default one. Nothing is escaped.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@{}", self.addr())
    }

    /// `unix:///…/socket`
    pub fn unix_url(&self) -> String {
        format!("unix://{}", self.unix_path().display())
    }

    /// `rediss://127.0.0.1:port`, of a server with TLS.
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port
            .as_ref()
            .map(|port| format!("rediss://{}", port.addr()))
    }

    /// The path of the Unix socket.
    pub fn unix_path(&self) -> PathBuf {
        socket_path(self.dir.path())
    }

    /// Where it listens. The port stays its own while it is down.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.port()
    }

    /// The id of the process, or of the last one if the server is down.
    pub fn pid(&self) -> u32 {
        lock(&self.process).pid()
    }

    /// Which kind was started.
    pub fn kind(&self) -> ServerKind {
        self.options.kind
    }

    /// What `INFO` says: `valkey_version` where there is one, else `redis_version`.
    pub fn version(&self) -> String {
        let info = self.command(&["INFO", "server"]).text().unwrap_or_default();
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|value| value.trim().to_owned())
        };
        field("valkey_version:")
            .or_else(|| field("redis_version:"))
            .unwrap_or_default()
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        read_log(self.dir.path())
    }

    /// Whether the process runs (or is paused).
    pub fn is_running(&self) -> bool {
        lock(&self.process).is_running()
    }

    /// Runs a command as administrator, and panics if no answer comes. An error reply is an answer.
    #[track_caller]
    pub fn command(&self, args: &[impl AsRef<[u8]>]) -> Reply {
        match self.try_command(args) {
            Ok(reply) => reply,
            Err(error) => panic!("no reply from {}: {error}", self.url()),
        }
    }

    /// Runs a command as administrator; fails if the server is down, or has not answered after five seconds.
    pub fn try_command(&self, args: &[impl AsRef<[u8]>]) -> io::Result<Reply> {
        let mut control = lock(&self.control);
        let mut connection = match control.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // Put back only after a reply: what was sent on a broken one is never sent twice.
        let reply = connection.command(args)?;
        *control = Some(connection);
        Ok(reply)
    }

    /// A new connection over the Unix socket, logged in as administrator.
    pub fn connect(&self) -> io::Result<RespConnection> {
        let mut connection = RespConnection::unix(&self.unix_path())?;
        if let Some((user, password)) = &self.options.admin {
            let mut args = vec!["AUTH"];
            args.extend(user.as_deref());
            args.push(password);
            if let Some(message) = connection.command(&args)?.error() {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    message.to_owned(),
                ));
            }
        }
        Ok(connection)
    }

    /// Records every command that the server executes from now on.
    pub fn monitor(&self) -> Monitor {
        let ready = || Monitor::start(self.connect()?, self.connect()?);
        ready().unwrap_or_else(|error| panic!("no MONITOR on {}: {error}", self.url()))
    }

    /// Stops the process (SIGSTOP): its sockets stay open, and nothing answers.
    pub fn pause(&self) {
        let paused = lock(&self.process).pause();
        paused.unwrap_or_else(|error| panic!("{} cannot be paused: {error}", self.url()));
    }

    /// Lets a paused process go on (SIGCONT).
    pub fn resume(&self) {
        let resumed = lock(&self.process).resume();
        resumed.unwrap_or_else(|error| panic!("{} cannot be resumed: {error}", self.url()));
    }

    /// Ends the process at once (SIGKILL), paused or not. Its port is kept for [`Server::start_again`].
    pub fn kill(&self) {
        lock(&self.process).kill();
        // Only then: a command that another thread waits for fails with the process, and sets this free.
        lock(&self.control).take();
    }

    /// Starts it on the same port, with the data that is on disk: all of it with an append-only file, else none. A server
    /// that still runs is killed first.
    pub fn start_again(&self) {
        self.kill();
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            match self.launch() {
                Ok(()) => return,
                // A client that dials may hold the port for a moment, if the kernel was told a wider range.
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline =>
                {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!("{} does not start again: {error}", self.url()),
            }
        }
    }

    /// Kills it and starts it on the same port with nothing at all, as after the loss of a disk.
    pub fn restart_empty(&self) {
        self.kill();
        let wiped = fs::remove_dir_all(self.data_dir());
        wiped.unwrap_or_else(|error| panic!("{} cannot be emptied: {error}", self.url()));
        self.start_again();
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn launch(&self) -> io::Result<()> {
        let (dir, data) = (self.dir.path(), self.data_dir());
        fs::create_dir_all(&data)?;
        let config = self.dir.join("conf");
        let tls_port = self.tls_port.as_ref().map(PortReservation::port);
        fs::write(
            &config,
            self.options.config_file(dir, &data, self.port(), tls_port),
        )?;
        // What an earlier run left: an old log would explain a new failure.
        for stale in [socket_path(dir), log_path(dir)] {
            match fs::remove_file(stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // Complaints about the configuration come before there is a log file.
        let early = fs::File::create(self.dir.join("early"))?;
        let mut command = Command::new(&self.binary);
        command.arg(&config).current_dir(&data).stdin(Stdio::null());
        command.stdout(early.try_clone()?).stderr(early);
        lock(&self.process).spawn(&mut command)?;
        let ready = self.wait_until_ready();
        if ready.is_err() {
            self.kill();
        }
        ready
    }

    /// The server binds its TCP port before its Unix socket, and the socket lies in a folder of its own. So an answer on
    /// the socket proves that *this* server has the port, which an answer on the port would not.
    fn wait_until_ready(&self) -> io::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if !self.is_running() {
                let log = self.log();
                let in_use = log.contains("Address already in use")
                    || log.contains("Failed listening on port");
                let kind = if in_use {
                    io::ErrorKind::AddrInUse
                } else {
                    io::ErrorKind::Other
                };
                return Err(io::Error::new(
                    kind,
                    format!("the server ended:\n{}", tail(&log)),
                ));
            }
            let pong = RespConnection::unix(&self.unix_path()).and_then(|mut connection| {
                connection.set_timeout(Duration::from_secs(1))?;
                connection.command(&["PING"])
            });
            // Also an error is an answer (a password is asked for), unless it still loads its data.
            if pong.is_ok_and(|reply| {
                !reply
                    .error()
                    .is_some_and(|message| message.starts_with("LOADING"))
            }) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        let message = format!("no answer within {START_MAX:?}:\n{}", tail(&self.log()));
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the log of {} ends:\n{}", self.url(), tail(&self.log()));
        }
        self.kill();
    }
}

fn read_log(dir: &Path) -> String {
    let part = |name: PathBuf| {
        fs::read(name).map_or_else(
            |_| String::new(),
            |log| String::from_utf8_lossy(&log).into_owned(),
        )
    };
    part(dir.join("early")) + &part(log_path(dir))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
