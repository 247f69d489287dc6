//! What servers show of themselves and of semaphores, as data.

use crate::error::Fault;
use crate::protocol::parse::nonsense;
use crate::protocol::reply::{Facts, Reply, SlotView, View};
use crate::protocol::wire::Raw;

/// The lines of `INFO` that matter to a lock.
pub(super) fn parse_info(bytes: &[u8]) -> Facts {
    let text = String::from_utf8_lossy(bytes);
    let field = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| {
            value
                .trim()
                .chars()
                .filter(|c| c.is_ascii_graphic())
                .take(64)
                .collect::<String>()
        })
    };
    let valkey = field("valkey_version");
    Facts {
        server: Some(if valkey.is_some() { "valkey" } else { "redis" }.to_owned()),
        version: valkey.or_else(|| field("redis_version")),
        mode: field("redis_mode").or_else(|| field("server_mode")),
        role: field("role"),
        run_id: field("run_id"),
        append_only: field("aof_enabled").map(|value| value == "1"),
        eviction: field("maxmemory_policy"),
        memory_max: field("maxmemory").and_then(|value| value.parse().ok()),
        replicas: field("connected_slaves").and_then(|value| value.parse().ok()),
    }
}

/// The slots of a semaphore behind the number of its waiters.
pub(super) fn parse_slots(list: &[Raw]) -> Result<Reply, Fault> {
    let [Raw::Int(waiters), slots @ ..] = list else {
        return Err(nonsense());
    };
    let taken = slots.chunks(3).map(|shown| match shown {
        [slot, Raw::Bytes(value), Raw::Int(left)] => Ok(SlotView {
            slot: slot_of(slot)?,
            value: value.clone(),
            ttl_ms: u64::try_from(*left).ok(),
        }),
        _ => Err(nonsense()),
    });
    Ok(Reply::View(View {
        waiters: u64::try_from(*waiters).ok(),
        slots: taken.collect::<Result<_, _>>()?,
        ..View::default()
    }))
}

pub(super) fn slot_of(word: &Raw) -> Result<u32, Fault> {
    match word {
        Raw::Int(number) => u32::try_from(*number).map_err(|_| nonsense()),
        _ => Err(nonsense()),
    }
}
