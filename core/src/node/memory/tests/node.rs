//! The node around the store.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::Instant;

use super::*;
use crate::config::{Clock, Moment};
use crate::node::{
    Answer, Answered, Link, Mailbox, MemoryNode, MemoryServer, Node, Submission, Void,
};

struct Still;

impl Clock for Still {
    fn now(&self) -> Moment {
        Moment::from_nanos(ELAPSED * 1000)
    }

    fn wall_micros(&self) -> u64 {
        WALL
    }

    fn longest_sleep(&self) -> Duration {
        Duration::MAX
    }
}

fn connect(server: &Arc<MemoryServer>, name: &str) -> (MemoryNode, UnboundedReceiver<u64>) {
    let (wake, woken) = mpsc::unbounded_channel();
    (
        server.connect("memory://test".to_owned(), client(name), wake),
        woken,
    )
}

fn submit_as(node: &MemoryNode, command: Command, void: Void) -> Result<Reply, Fault> {
    let mailbox = Mailbox::new();
    node.submit(Submission {
        command: command.into(),
        connect_by: Instant::now(),
        void,
        answer: Answer::new(3, mailbox.clone()),
    });
    let answered = std::pin::pin!(mailbox.next()).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Answered { node, result }) = answered else {
        panic!("not answered at once")
    };
    assert_eq!(node, 3);
    result
}

fn submit(node: &MemoryNode, command: Command) -> Result<Reply, Fault> {
    submit_as(node, command, Void::default())
}

#[test]
fn clients_of_one_server_exclude_and_wake_each_other() {
    let server = MemoryServer::new(Arc::new(Still));
    let (first, _first_woken) = connect(&server, "a");
    let (second, mut woken) = connect(&server, "b");
    assert_eq!(first.address(), "memory://test");
    assert!(matches!(*first.link().borrow(), Link::Up { epoch: 1, .. }));
    assert_eq!(submit(&first, Command::Acquire(claim(1))), Ok(granted(1)));
    assert!(submit(&second, Command::Poll(claim(2), place("b", 8))).is_ok());
    assert_eq!(
        submit(&first, Command::Release(release(1))),
        Ok(released(ReleaseWord::Done))
    );
    assert_eq!(woken.try_recv(), Ok(8));
    assert_eq!(server.with_store(|store, now| store.dump(now)), []);
}

#[test]
fn a_closed_node_answers_so_and_its_waiters_are_gone() {
    let server = MemoryServer::new(Arc::new(Still));
    let (first, _first_woken) = connect(&server, "a");
    let (second, mut woken) = connect(&server, "b");
    submit(&first, Command::Acquire(claim(1))).expect("free");
    submit(&second, Command::Poll(claim(2), place("b", 8))).expect("refused");
    second.close();
    assert!(
        matches!(&*second.link().borrow(), Link::Down(fault) if fault.class == FaultClass::Closed)
    );
    let fault = submit(&second, Command::Facts).expect_err("closed");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Closed, false)
    );
    submit(&first, Command::Release(release(1))).expect("held");
    assert_eq!(
        woken.try_recv(),
        Err(mpsc::error::TryRecvError::Disconnected)
    );
    assert_eq!(
        submit(&first, Command::Acquire(claim(3))),
        Ok(granted(2)),
        "nobody waits"
    );
}

#[test]
fn one_client_may_list_a_server_twice() {
    let server = MemoryServer::new(Arc::new(Still));
    let (one, _one_woken) = connect(&server, "a");
    let (two, mut woken) = connect(&server, "a");
    drop(one);
    assert_eq!(submit(&two, Command::Acquire(claim(1))), Ok(granted(1)));
    submit(&two, Command::Poll(claim(2), place("a", 5))).expect("refused");
    submit(&two, Command::Release(release(1))).expect("held");
    assert_eq!(woken.try_recv(), Ok(5));
    let run_id = |node| match submit(node, Command::Facts) {
        Ok(Reply::Facts(facts)) => facts.run_id,
        other => panic!("{other:?}"),
    };
    let (other, _other_woken) = connect(&MemoryServer::new(Arc::new(Still)), "a");
    let (three, _three_woken) = connect(&server, "b");
    assert_eq!(run_id(&two), run_id(&three));
    assert_ne!(run_id(&two), run_id(&other));
}

#[test]
fn a_void_command_that_leaves_state_does_not_run() {
    let server = MemoryServer::new(Arc::new(Still));
    let (node, _woken) = connect(&server, "a");
    let void = Void::default();
    void.set();
    let fault = submit_as(&node, Command::Acquire(claim(1)), void.clone()).expect_err("void");
    assert!(!fault.may_have_run);
    assert_eq!(
        submit_as(&node, Command::Release(release(1)), void),
        Ok(released(ReleaseWord::Missing))
    );
}

#[test]
fn a_panic_of_one_client_does_not_stop_the_others() {
    let server = MemoryServer::new(Arc::new(Still));
    let (node, _woken) = connect(&server, "a");
    let poison = server.clone();
    let panicked = std::thread::spawn(move || poison.with_store(|_, _| panic!("on purpose")));
    assert!(panicked.join().is_err());
    assert_eq!(submit(&node, Command::Acquire(claim(1))), Ok(granted(1)));
}
