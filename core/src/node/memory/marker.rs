//! The marker of an embedded or simulated server: does what `marker.lua` does.

use crate::error::Fault;
use crate::node::memory::call::Call;
use crate::node::memory::keyspace::Value;
use crate::protocol::{Mark, MarkWord, Marker, MarkerState, Reply};

/// A marker as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    state: MarkerState,
    id: String,
    run: Option<String>,
    ttl_max_ms: u64,
    seen_ms: u64,
    keeps: bool,
    with: Vec<String>,
}

impl Call<'_> {
    pub(super) fn keep_marker(&mut self, mark: &Mark) -> Result<Reply, Fault> {
        let now_micros = self.now.elapsed_micros;
        let now_ms = now_micros / 1000;
        let mut kept = match self.keys.get(&mark.key, now_micros) {
            Some(Value::Marker(kept)) => Kept::clone(kept),
            None => Kept::fresh(MarkerState::New, mark, now_ms),
            // A text that is not one of ours: somebody was here.
            Some(_) => {
                self.keys.text(&mark.key, now_micros)?;
                Kept::fresh(MarkerState::Lost, mark, now_ms)
            }
        };
        kept.look(mark, now_ms);
        kept.obey(&mark.word);
        let left_ms = match kept.state {
            MarkerState::Open => 0,
            _ => (kept.seen_ms + kept.ttl_max_ms).saturating_sub(now_ms),
        };
        if left_ms == 0 && matches!(kept.state, MarkerState::Blank | MarkerState::Guarded) {
            kept.open(Vec::new());
        }
        let marker = Marker {
            state: kept.state,
            id: kept.id.clone(),
            left_ms,
            ttl_max_ms: kept.ttl_max_ms,
            with: kept.with.clone(),
        };
        self.keys
            .set(&mark.key, Value::Marker(Box::new(kept)), None, now_micros);
        Ok(Reply::Marker(Box::new(marker)))
    }
}

impl Kept {
    fn fresh(state: MarkerState, mark: &Mark, now_ms: u64) -> Self {
        Kept {
            state,
            id: mark.fresh_id.clone(),
            run: None,
            ttl_max_ms: 0,
            seen_ms: now_ms,
            keeps: false,
            with: Vec::new(),
        }
    }

    /// Compares the run of the server, and takes over what is new.
    fn look(&mut self, mark: &Mark, now_ms: u64) {
        let run = mark.run.as_deref();
        let is_another = self
            .run
            .as_deref()
            .zip(run)
            .is_some_and(|(old, new)| old != new);
        if is_another && !(self.keeps && mark.keeps == Some(true)) {
            let state = if self.state.is_blank() {
                MarkerState::New
            } else {
                MarkerState::Lost
            };
            *self = Kept {
                ttl_max_ms: self.ttl_max_ms,
                keeps: self.keeps,
                ..Kept::fresh(state, mark, now_ms)
            };
        }
        if let Some(run) = run {
            self.run = Some(run.to_owned());
        }
        self.keeps = mark.keeps.unwrap_or(self.keeps);
        self.ttl_max_ms = self.ttl_max_ms.max(mark.ttl_max.as_millis());
    }

    fn obey(&mut self, word: &MarkWord) {
        match word {
            MarkWord::Open { id, with } if *id == self.id && self.state.is_blank() => {
                self.open(with.clone());
            }
            MarkWord::Guard { id, in_use } if *id == self.id && self.state != MarkerState::Open => {
                self.state = if self.state.is_blank() && !in_use {
                    MarkerState::Blank
                } else {
                    MarkerState::Guarded
                };
            }
            MarkWord::Admit => self.open(Vec::new()),
            MarkWord::Look | MarkWord::Open { .. } | MarkWord::Guard { .. } => {}
        }
    }

    fn open(&mut self, with: Vec<String>) {
        self.state = MarkerState::Open;
        self.with = with;
    }
}
