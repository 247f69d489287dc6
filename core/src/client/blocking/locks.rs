//! Lock objects whose calls block the calling thread.

use crate::client::blocking::Guard;
use crate::client::{Inspection, may_block};
use crate::config::AcquireOptions;
use crate::error::Result;

/// See [`crate::Mutex`].
#[derive(Debug, Clone)]
pub struct Mutex {
    pub(super) inner: crate::client::Mutex,
}

/// See [`crate::Multi`].
#[derive(Debug, Clone)]
pub struct Multi {
    pub(super) inner: crate::client::Multi,
}

/// See [`crate::Semaphore`].
#[derive(Debug, Clone)]
pub struct Semaphore {
    pub(super) inner: crate::client::Semaphore,
}

impl Mutex {
    /// The resource's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }
}

impl Multi {
    /// The resources' names.
    pub fn names(&self) -> &[String] {
        self.inner.names()
    }
}

impl Semaphore {
    /// The semaphore's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// How many permits there are in all.
    pub fn permits(&self) -> u32 {
        self.inner.permits()
    }

    /// See [`crate::Semaphore::inspect`].
    ///
    /// # Errors
    /// As there.
    pub fn inspect(&self) -> Result<Inspection> {
        may_block()?;
        self.inner.start_inspect().wait()
    }
}

/// The calls that every lock object has.
macro_rules! blocking_calls {
    ($($lock:ident)*) => { $(
        impl $lock {
            #[doc = concat!("See [`crate::", stringify!($lock), "::acquire`].")]
            ///
            /// # Errors
            /// As there; `InvalidArgument` inside an async runtime.
            pub fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
                may_block()?;
                let acquiring = self.inner.start_acquire(options.into());
                acquiring.wait().map(Guard::new)
            }

            #[doc = concat!("See [`crate::", stringify!($lock), "::try_acquire`].")]
            ///
            /// # Errors
            /// As there; `InvalidArgument` inside an async runtime.
            pub fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
                may_block()?;
                let acquiring = self.inner.start_try_acquire(options.into());
                Ok(acquiring.wait()?.map(Guard::new))
            }

            /// Runs `work` under the lock and releases it whatever comes of it. `work` goes on if the lock
            /// is lost meanwhile: ask `guard.check()` before each step that needs it.
            ///
            /// # Errors
            #[doc = concat!("As [`", stringify!($lock), "::acquire`].")]
            pub fn using<T>(
                &self,
                options: impl Into<AcquireOptions>,
                work: impl FnOnce(&Guard) -> T,
            ) -> Result<T> {
                let guard = self.acquire(options)?;
                let done = work(&guard);
                // Whatever becomes of the release, the engine sees it through.
                let _ = guard.release();
                Ok(done)
            }
        }
    )* };
}

blocking_calls!(Mutex Multi Semaphore);
