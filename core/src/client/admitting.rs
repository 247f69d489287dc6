//! Letting a guarded node vote before its time: the operator's override.

use std::sync::Arc;

use tokio::time::Instant;

use crate::client::Client;
use crate::client::pending::Pending;
use crate::config::NodeAddress;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Command, MarkWord, Reply};
use crate::quorum::{Fleet, Round};

impl Client {
    /// Lets a node vote that is kept from voting because it came back without its data. Every client
    /// counts its answers from then on.
    ///
    /// Only where no lease from before the restart can be valid any more, or none matters: a lease that
    /// the node forgot may be given to a second holder.
    ///
    /// # Errors
    /// `InvalidArgument` where `node` is none of the client's nodes, as `health` names them, or where no
    /// node is guarded (`restart_guard`); `QuorumUnavailable` where it does not answer, `Closed`.
    pub async fn admit(&self, node: &str) -> Result<()> {
        self.start_admit(node).await
    }

    /// Begins [`Client::admit`].
    pub fn start_admit(&self, node: &str) -> Pending<()> {
        match self.ready_to_admit(node) {
            Ok((fleet, index)) => match self.engine() {
                Ok(engine) => engine.run(async move { admit(&fleet, index).await }),
                Err(error) => Pending::ready(Err(error.with_operation("admit"))),
            },
            Err(error) => Pending::ready(Err(error.with_operation("admit"))),
        }
    }

    fn ready_to_admit(&self, node: &str) -> Result<(Arc<Fleet>, usize)> {
        let fleet = Arc::clone(&self.engine()?.fleet);
        if fleet.guard.is_none() {
            let message =
                "no node is guarded: restart_guard is off, or auto with fewer than three nodes";
            return Err(Error::invalid("node", message));
        }
        // However it is written, with a password or without.
        let wanted = NodeAddress::parse("node", node).map(|address| address.to_string());
        let index = fleet.nodes.iter().position(|one| {
            one.address() == node
                || wanted
                    .as_deref()
                    .is_ok_and(|wanted| wanted == one.address())
        });
        let unknown = || Error::invalid("node", "is none of the nodes of this client");
        Ok((fleet, index.ok_or_else(unknown)?))
    }
}

async fn admit(fleet: &Arc<Fleet>, index: usize) -> Result<()> {
    let timeout = fleet.settings.connect_timeout;
    fleet.connected(Instant::now() + timeout).await;
    let Some(terms) = &fleet.guard else {
        return Ok(());
    };
    let mut round = Round::new(fleet, timeout);
    let mark = terms.mark(MarkWord::Admit, &*fleet.entropy);
    round.ask(index, &Command::Mark(mark).into());
    match round.next().await.map(|answered| answered.result) {
        Some(Ok(Reply::Marker(_))) => Ok(()),
        _ => {
            let error = Error::new(
                ErrorKind::QuorumUnavailable,
                "the node did not admit itself",
            );
            Err(error
                .with_operation("admit")
                .with_outcomes(round.outcomes()))
        }
    }
}
