//! Commands and replies in one word or number, for the trace.

use quorlock::Fault;
use quorlock::testing::config::OwnerToken;
use quorlock::testing::protocol::{Command, Counted, LeaseWord, Reply};

/// A command in one word.
pub(crate) fn word_of(command: &Command) -> &'static str {
    match command {
        Command::Acquire(_) => "acquire",
        Command::Poll(..) => "poll",
        Command::Leave { .. } => "leave",
        Command::Call { .. } => "call",
        Command::Release(_) => "release",
        Command::Extend { .. } => "extend",
        Command::Raise { .. } => "raise",
        Command::Adopt { .. } => "adopt",
        Command::Unadopt { .. } => "unadopt",
        Command::Shared(_, inner) => word_of(inner),
        Command::Intend { .. } => "intend",
        Command::Shift { .. } => "shift",
        Command::Sharers { .. } => "sharers",
        Command::Inspect { .. } => "inspect",
        Command::Recall { .. } => "recall",
        Command::Remember { .. } => "remember",
        Command::Facts => "facts",
        Command::Mark(_) => "mark",
    }
}

/// Who would own the key that a command takes.
pub(crate) fn owner_of(command: &Command) -> Option<&OwnerToken> {
    match command {
        Command::Acquire(claim) | Command::Poll(claim, _) | Command::Adopt { claim, .. } => {
            Some(&claim.token)
        }
        Command::Shared(_, inner) => owner_of(inner),
        _ => None,
    }
}

/// The owners whose missing keys an extension has set again.
pub(crate) fn filled_in<'a>(
    command: &'a Command,
    result: &'a Result<Reply, Fault>,
) -> impl Iterator<Item = &'a OwnerToken> {
    let (leases, words) = match (command, result) {
        (Command::Extend { leases, .. }, Ok(Reply::Extended(words))) => (&leases[..], &words[..]),
        _ => (&[][..], &[][..]),
    };
    let both = leases.iter().zip(words);
    both.filter(|(_, word)| **word == LeaseWord::FilledIn)
        .map(|(lease, _)| &lease.token)
}

/// What a reply comes to, in one number for the trace.
pub(crate) fn sum_of(result: &Result<Reply, Fault>) -> u64 {
    match result {
        Ok(Reply::Granted(grant)) => match grant.counted {
            Counted::At(token) => token.get(),
            Counted::No => 1,
            Counted::Behind => 70,
        },
        Ok(Reply::Refused(refusal)) => 2 + refusal.why as u64,
        Ok(Reply::Released(word)) => 20 + *word as u64,
        Ok(Reply::Awaited(word)) => 24 + *word as u64,
        Ok(Reply::Extended(words)) => words
            .iter()
            .fold(30, |sum, word| sum * 5 + *word as u64 + 1),
        Ok(Reply::Raised(to)) => to.map_or(40, |to| to.get()),
        Ok(_) => 50,
        Err(fault) => 60 + fault.class as u64,
    }
}
