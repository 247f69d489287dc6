//! The arguments of the command, and its help.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::nodes::Nodes;
use crate::span;

const EXIT_CODES: &str = "\
Exit codes:
  0    done; `run` passes the command's own code on
  2    an argument or the configuration is wrong
  69   too few nodes answered (no quorum)
  70   unexpected failure
  75   not acquired: somebody else had the lock all the time
  77   the ticket is used up, in use, or has run out
  80   the lock was lost while the command ran
  126  the command cannot be executed
  127  the command was not found
  128+ the command was ended by this signal

Each option can be set in the environment under the name shown with it.
`quorlock SUBCOMMAND --help` tells more.";

const RUN_USAGE: &str = "\
quorlock run [OPTIONS] KEY -- COMMAND...
       quorlock run [OPTIONS] KEY --detach
       quorlock run [OPTIONS] --ticket TICKET -- COMMAND...";

const RUN_EXAMPLES: &str = "\
Examples:
  quorlock run nightly-backup -- ./backup.sh
  quorlock run report:7 --wait 0 -- make report        # skip it if somebody else does it
  ticket=$(quorlock run invoice:42 --detach)           # lock here …
  QUORLOCK_TICKET=$ticket quorlock run -- ./pay 42     # … and go on there, without a gap

The command sees QUORLOCK_FENCING_TOKEN, a number larger than every earlier holder's, and
QUORLOCK_RESOURCE. It runs in a process group of its own: signals sent to quorlock are passed on to
the group, and if the lock is lost the group gets SIGTERM, then SIGKILL. Processes that the command
leaves behind in the background run on without the lock.

Exit codes: the command's own; 2 usage, 69 no quorum, 75 not acquired, 77 ticket refused,
80 lock lost, 126 not executable, 127 not found, 128+N ended by signal N.";

const ADMIT_HELP: &str = "\
A node that lost its data forgot which locks are held, so it does not vote until the longest ttl of all
clients has passed. Admit it earlier only if no lock from before can be held any more, or none matters:
a lock it forgot may be given to a second holder.";

/// Distributed locks over independent Redis or Valkey servers, from the command line
#[derive(Parser, Debug)]
#[command(name = "quorlock", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run a command while holding a lock, as flock(1) does on one machine
    Run(Run),
    /// Show who holds a lock, node by node
    Inspect(Inspect),
    /// Check whether the nodes are fit to keep locks
    Health(Health),
    /// Let a node vote that is kept from voting because it came back without its data
    Admit(Admit),
    /// Follow who holds and who waits
    Watch(Watch),
    /// Measure how fast locks are taken and given back
    Bench(Bench),
}

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES, override_usage = RUN_USAGE)]
pub(crate) struct Run {
    /// The resource to lock; with --ticket, what the ticket has to be for
    #[arg(required_unless_present = "ticket")]
    pub(crate) key: Option<String>,
    /// How long the lock would outlive its holder [default: 10s]
    #[arg(long, value_name = "TIME", env = "QUORLOCK_TTL", hide_env_values = true, value_parser = span::parse)]
    pub(crate) ttl: Option<Duration>,
    /// How long to wait for the lock; 0 tries once
    #[arg(long, value_name = "TIME", env = "QUORLOCK_WAIT", hide_env_values = true, value_parser = span::parse, default_value = "30s")]
    pub(crate) wait: Duration,
    /// How long the lock may be held in all
    #[arg(long, value_name = "TIME", env = "QUORLOCK_HOLD_MAX", hide_env_values = true, value_parser = span::parse, default_value = "24h")]
    pub(crate) hold_max: Duration,
    /// Between SIGTERM and SIGKILL, when the lock is lost
    #[arg(long, value_name = "TIME", env = "QUORLOCK_KILL_AFTER", hide_env_values = true, value_parser = span::parse, default_value = "5s")]
    pub(crate) kill_after: Duration,
    /// Go on with the lock that this ticket stands for; the environment hides it from others
    #[arg(
        long,
        value_name = "TICKET",
        env = "QUORLOCK_TICKET",
        hide_env_values = true
    )]
    pub(crate) ticket: Option<String>,
    /// Run nothing: print a ticket with which another `run` goes on
    #[arg(long, conflicts_with = "command")]
    pub(crate) detach: bool,
    /// How long the ticket is good for [default: the ttl]
    #[arg(long, value_name = "TIME", value_parser = span::parse, conflicts_with = "command")]
    pub(crate) ticket_ttl: Option<Duration>,
    /// Say nothing of what becomes of the lock: the exit code tells
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The command and its arguments
    #[arg(
        last = true,
        required_unless_present = "detach",
        value_name = "COMMAND"
    )]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
}

/// Arguments of `inspect`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The resource
    pub(crate) key: String,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
}

/// Arguments of `health`.
#[derive(Args, Debug)]
pub(crate) struct Health {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
}

/// Arguments of `admit`.
#[derive(Args, Debug)]
#[command(after_help = ADMIT_HELP)]
pub(crate) struct Admit {
    /// The node, as `quorlock health` names it
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
}

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// The resources
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// Between two looks
    #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "1s")]
    pub(crate) interval: Duration,
    /// End after so many looks [default: go on until interrupted]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// As JSON, one line for each resource and look
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// How long each of the two parts lasts, one call after the other and concurrent
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) seconds: u64,
    /// How many locks at once in the concurrent part
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) concurrency: u64,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
}
