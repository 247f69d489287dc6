//! The bridge as JavaScript sees it: one per environment, made when the module is loaded there.

use std::time::Duration;

use napi::bindgen_prelude::{Function, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::answer::{Answer, Answers};
use crate::link::Link;

/// How long a process that exits may be kept to give its locks back.
const EXIT_LIMIT: Duration = Duration::from_millis(100);

/// One environment's bridge to the engine.
#[napi]
pub struct Bridge {
    pub(crate) link: Link,
}

#[napi]
impl Bridge {
    /// A bridge that calls `dispatch` with a flat list of (word, id, value) for all that has come.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        #[napi(ts_arg_type = "(batch: unknown[]) => void")] dispatch: Function<
            '_,
            Answers,
            Unknown<'static>,
        >,
    ) -> Result<Self> {
        let link = Link::default();
        let source = link.clone();
        let wake = dispatch
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(move |context| Ok(source.take(&context.env)))?;
        link.open(wake);
        // Hooks run last in, first out: this one before that of the function it cuts off.
        env.add_env_cleanup_hook(link.clone(), |link| link.cut())?;
        Ok(Bridge { link })
    }

    /// Gives the call `id` up, unless it has ended.
    #[napi]
    pub fn cancel(&self, id: i64) {
        self.link.cancel(id);
    }

    /// Gives all locks of this environment back as the process exits, within 100 ms.
    #[napi]
    pub fn close_all(&self) {
        self.link.close_clients(EXIT_LIMIT);
    }

    /// Answers the call `id` without doing anything: what crossing the bridge costs.
    #[napi]
    pub fn noop(&self, env: Env, id: i64) {
        self.link.answer(&env, id, Answer::Nothing);
    }
}
