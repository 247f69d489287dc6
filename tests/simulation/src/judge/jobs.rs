//! Jobs that are done once: what was confirmed as done is never begun again, and nothing is said to be
//! done that nobody did.

use crate::judge::{Judge, Oracle};

/// The job of one resource.
#[derive(Default)]
pub(crate) struct Job {
    /// Somebody came to the end of it, and said so or died over it.
    was_ended: bool,
    /// Who was told that a majority knows, and when.
    done: Option<(usize, u64)>,
}

impl Judge {
    /// `client` begins the job, under a lock that it was just given.
    pub(crate) fn job_begun(&mut self, now: u64, client: usize, resource: usize) {
        let log = &self.resources[resource];
        if let Some((by, at)) = log.job.done {
            let what = format!(
                "{}: client {client} begins what client {by} had done at {at} µs",
                log.name
            );
            self.object(now, Oracle::Once, what);
        }
    }

    /// `client` is told that the job is done.
    pub(crate) fn job_told_done(&mut self, now: u64, client: usize, resource: usize) {
        let log = &self.resources[resource];
        if !log.job.was_ended {
            let what = format!("{}: client {client} hears it is done, by nobody", log.name);
            self.object(now, Oracle::Once, what);
        }
    }

    /// Somebody is about to say that the job is done.
    pub(crate) fn job_ending(&mut self, resource: usize) {
        self.resources[resource].job.was_ended = true;
    }

    /// `client` hears that a majority knows that it has done the job.
    pub(crate) fn job_done(&mut self, now: u64, client: usize, resource: usize) {
        let log = &mut self.resources[resource];
        if let Some((by, at)) = log.job.done.replace((client, now)) {
            let what = format!(
                "{}: client {client} has done what client {by} had done at {at} µs",
                log.name
            );
            self.object(now, Oracle::Once, what);
        }
    }
}
