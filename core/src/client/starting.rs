//! How the calls of every lock object begin and end: checked first, then run as the engine's work.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};

use crate::client::acquiring::{acquire, try_acquire};
use crate::client::engine::Engine;
use crate::client::pending::Pending;
use crate::client::{Client, Guard};
use crate::config::{Keys, Settings, Terms};
use crate::error::{Error, ErrorKind, Result};

/// What a lock object asks for, once it is checked.
type Ready = Result<(Keys, Terms)>;

/// Begins to take what `ready` says, waiting for it.
pub(super) fn start_acquire(
    client: &Client,
    resource: &str,
    ready: impl FnOnce(&Settings) -> Ready,
) -> Pending<Guard> {
    let call =
        |engine, keys, terms| async move { acquire(engine, keys, terms).await.map(Guard::new) };
    start(client, ("acquire", resource), ready, call)
}

/// Begins to take what `ready` says if it can be had at once.
pub(super) fn start_try_acquire(
    client: &Client,
    resource: &str,
    ready: impl FnOnce(&Settings) -> Ready,
) -> Pending<Option<Guard>> {
    let call = |engine, keys, terms| async move {
        let lease = try_acquire(engine, keys, terms).await?;
        Ok(lease.map(Guard::new))
    };
    start(client, ("try_acquire", resource), ready, call)
}

fn start<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    client: &Client,
    (operation, resource): (&'static str, &str),
    ready: impl FnOnce(&Settings) -> Ready,
    call: impl FnOnce(Arc<Engine>, Keys, Terms) -> F,
) -> Pending<T> {
    let ready = || {
        let (keys, terms) = ready(client.settings())?;
        Ok((client.engine()?, keys, terms))
    };
    match ready() {
        Ok((engine, keys, terms)) => engine.clone().run(call(engine, keys, terms)),
        Err(error) => {
            let error: Error = error;
            let error = error.with_operation(operation).with_resource(resource);
            Pending::ready(Err(error))
        }
    }
}

/// Runs `work` under a lock and gives it back whatever comes of it; `work` is dropped, and the result
/// is `LeaseLost`, where the lock is lost meanwhile.
pub(super) async fn using<T>(guard: Guard, work: impl AsyncFnOnce(&Guard) -> T) -> Result<T> {
    let done = {
        let (work, lost) = (pin!(work(&guard)), pin!(guard.lost()));
        match select(work, lost).await {
            Either::Left((value, _)) => Ok(value),
            Either::Right((loss, _)) => {
                let error = Error::new(ErrorKind::LeaseLost, loss.to_string());
                Err(error
                    .with_operation("using")
                    .with_resource(guard.resource()))
            }
        }
    };
    // Whatever becomes of the release, the engine sees it through.
    let _ = guard.release().await;
    done
}
