//! A command on its way to a node, and its answer on the way back.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::time::Instant;

use crate::error::{Fault, FaultClass};
use crate::protocol::{Reply, Request};

/// A command handed to a node.
pub struct Submission {
    /// What is asked.
    pub command: Arc<Request>,
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

/// Somebody who is told answers as they come, on the node's task: it must be quick.
pub trait Listener: Send + Sync {
    /// One node has answered.
    fn answered(&self, answered: Answered);
}

/// The way back for one answer. Dropped unused, it answers that the matter is unresolved, so that
/// no caller waits for an answer that cannot come.
pub struct Answer {
    node: usize,
    listener: Option<Arc<dyn Listener>>,
}

impl Answer {
    /// An answer of the node at `node` in the client's list.
    pub fn new(node: usize, listener: Arc<dyn Listener>) -> Self {
        Answer {
            node,
            listener: Some(listener),
        }
    }

    /// Answers.
    pub fn give(mut self, result: Result<Reply, Fault>) {
        self.send(result);
    }

    fn send(&mut self, result: Result<Reply, Fault>) {
        if let Some(listener) = self.listener.take() {
            listener.answered(Answered {
                node: self.node,
                result,
            });
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.send(Err(Fault::unresolved(
            FaultClass::Closed,
            "the client was closed",
        )));
    }
}

/// Answers kept until one reader takes them, in the order they came. Much smaller than a channel,
/// which matters where every round has its own.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Letters>);

#[derive(Debug, Default)]
struct Letters {
    waiting: VecDeque<Answered>,
    reader: Option<Waker>,
}

impl Mailbox {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The next answer. Ask only while one can still come.
    pub async fn next(&self) -> Answered {
        poll_fn(|context| {
            let mut letters = self.letters();
            match letters.waiting.pop_front() {
                Some(answered) => Poll::Ready(answered),
                None => {
                    letters.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Mailbox {
    fn answered(&self, answered: Answered) {
        let mut letters = self.letters();
        letters.waiting.push_back(answered);
        let reader = letters.reader.take();
        drop(letters);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
