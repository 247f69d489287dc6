//! A command on its way to a node, and its answer on the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::{Fault, FaultClass};
use crate::protocol::{Command, Reply};

/// A command handed to a node.
pub struct Submission {
    /// What is asked.
    pub command: Arc<Command>,
    /// Until when it may wait for a connection that is being made.
    pub connect_by: Instant,
    /// Set once the caller has given up, before its clean-up is submitted: a void command that
    /// leaves state is not sent any more, and not sent again.
    pub void: Void,
    /// Where the answer goes.
    pub answer: Answer,
}

/// Whether an attempt was given up; shared by its submissions.
#[derive(Debug, Clone, Default)]
pub struct Void(Arc<AtomicBool>);

impl Void {
    /// Gives the attempt up.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// True once the attempt was given up.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// One node's answer.
#[derive(Debug)]
pub struct Answered {
    /// The node's place in the client's list.
    pub node: usize,
    /// What it said, or why it could not.
    pub result: Result<Reply, Fault>,
}

/// The way back for one answer. Dropped unused, it answers that the matter is unresolved, so that
/// no caller waits for an answer that cannot come.
pub struct Answer {
    node: usize,
    sink: Option<mpsc::UnboundedSender<Answered>>,
}

impl Answer {
    /// An answer of the node at `node` in the client's list.
    pub fn new(node: usize, sink: mpsc::UnboundedSender<Answered>) -> Self {
        Answer {
            node,
            sink: Some(sink),
        }
    }

    /// Answers.
    pub fn give(mut self, result: Result<Reply, Fault>) {
        self.send(result);
    }

    fn send(&mut self, result: Result<Reply, Fault>) {
        if let Some(sink) = self.sink.take() {
            // Nobody listens any more once the matter was settled without this node.
            let _ = sink.send(Answered {
                node: self.node,
                result,
            });
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.sink.is_some() {
            self.send(Err(Fault::unresolved(
                FaultClass::Closed,
                "the client was closed",
            )));
        }
    }
}
