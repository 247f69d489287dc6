//! One connection of a lying server.

use std::io::{self, BufReader};
use std::net::TcpStream;

use super::{Action, LyingServerOptions, Phase, Shared};
use crate::{Reply, lock};

/// Talks until one of the two closes.
pub(super) fn converse(shared: &Shared, id: usize, stream: &TcpStream) -> io::Result<()> {
    let greeting = lock(&shared.options).greeting.clone();
    let mut goes_on = greeting.perform(stream)?;
    let mut reader = BufReader::new(stream);
    while goes_on {
        let command = read_command(&mut reader)?;
        lock(&shared.seen).commands.push(command.clone());
        let action = lock(&shared.options).action_upon(&command, id);
        goes_on = action.perform(stream)?;
    }
    Ok(())
}

impl LyingServerOptions {
    fn action_upon(&mut self, command: &[Vec<u8>], connection: usize) -> Action {
        let name = command
            .first()
            .map(|name| name.to_ascii_uppercase())
            .unwrap_or_default();
        let phase = match name.as_slice() {
            b"HELLO" => Phase::Hello,
            b"AUTH" | b"SELECT" | b"CLIENT" => Phase::Setup,
            _ => Phase::Commands,
        };
        if self.is_silent_at(phase) {
            return Action::Nothing;
        }
        match phase {
            Phase::Connect | Phase::Hello => {
                let proper = || Action::Send(self.hello.reply(command, connection));
                self.hello_instead.clone().unwrap_or_else(proper)
            }
            Phase::Setup
                if command
                    .get(1)
                    .is_some_and(|sub| sub.eq_ignore_ascii_case(b"ID")) =>
            {
                Action::send(format!(":{}\r\n", connection + 1))
            }
            Phase::Setup => Action::send("+OK\r\n"),
            Phase::Commands => (self.answer)(command),
        }
    }
}

fn read_command(reader: &mut BufReader<&TcpStream>) -> io::Result<Vec<Vec<u8>>> {
    let Reply::Array(args) = Reply::read(reader)? else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no command"));
    };
    let bytes = |arg: Reply| match arg {
        Reply::Bulk(Some(bytes)) => Ok(bytes),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("no argument: {other:?}"),
        )),
    };
    args.into_iter().map(bytes).collect()
}
