//! The nodes to talk to, as every subcommand takes them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use quorlock::{Client, ClientBuilder};

use crate::exit;
use crate::failure::Failure;
use crate::span;

/// Options that say which servers keep the locks.
#[derive(Args, Debug)]
#[command(next_help_heading = "Nodes")]
pub(crate) struct Nodes {
    /// The servers that keep the locks: redis://, rediss:// or unix://
    #[arg(
        long,
        value_name = "URL,URL",
        value_delimiter = ',',
        env = "QUORLOCK_NODES",
        hide_env_values = true
    )]
    nodes: Vec<String>,
    /// What every key begins with; the same for all who share locks
    #[arg(
        long,
        value_name = "PREFIX",
        env = "QUORLOCK_KEY_PREFIX",
        hide_env_values = true,
        default_value = ""
    )]
    key_prefix: String,
    /// How long one node may take to answer [default: a tenth of the ttl, 50ms at most]
    #[arg(long, value_name = "TIME", env = "QUORLOCK_NODE_TIMEOUT", hide_env_values = true, value_parser = span::parse)]
    node_timeout: Option<Duration>,
    /// PEM certificates to trust for rediss:// beside the built-in ones
    #[arg(
        long,
        value_name = "FILE",
        env = "QUORLOCK_CA_FILE",
        hide_env_values = true
    )]
    ca_file: Option<PathBuf>,
}

impl Nodes {
    /// A client over these nodes, with what the subcommand adds.
    pub(crate) fn connect(
        &self,
        with: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, Failure> {
        let wrong = |message: String| Failure::new(exit::USAGE, message);
        let urls: Vec<&str> = self.nodes.iter().map(|url| url.trim()).collect();
        if urls.iter().all(|url| url.is_empty()) {
            let message = "no nodes are named: give --nodes URL,URL,URL or set QUORLOCK_NODES";
            return Err(wrong(message.to_owned()));
        }
        if let Some(index) = urls.iter().position(|url| url.starts_with("memory:")) {
            let message = "memory:// lives inside one process and cannot be shared by commands";
            return Err(wrong(format!("--nodes, URL {}: {message}", index + 1)));
        }
        let mut builder = Client::builder().key_prefix(&self.key_prefix);
        if let Some(timeout) = self.node_timeout {
            builder = builder.node_timeout(timeout);
        }
        if let Some(path) = &self.ca_file {
            let pem = fs::read_to_string(path)
                .map_err(|error| wrong(format!("--ca-file {}: {error}", path.display())))?;
            builder = builder.tls_ca_pem(pem);
        }
        Ok(with(builder).connect(urls)?)
    }
}
