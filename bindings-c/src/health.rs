//! Are these nodes fit to keep locks?

use std::ffi::{CString, c_char};
use std::mem::offset_of;
use std::sync::Arc;

use engine::{Health, NodeHealth};

use crate::boundary::boundary;
use crate::client::{ClientHandle, client_of};
use crate::handle::{Live, Table};
use crate::inspection::known;
use crate::outs::{Out, OutStruct, Versioned};
use crate::report::Report;
use crate::status::Status;
use crate::text::{micros, owned, pointer};
use crate::wait::wait;

/// What is known of the nodes, and what is wrong with them.
///
/// Threads: may be used by any number of threads at once. Fork: good in a child too.
pub struct HealthHandle {
    _opaque: [u8; 0],
}

/// The report as a whole. Set `size` with `QUORLOCK_HEALTH_INFO_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HealthInfo {
    /// `sizeof(quorlock_health_info)`.
    pub size: usize,
    /// Votes that make a majority.
    pub quorum: usize,
    /// How many nodes `quorlock_health_node` can read.
    pub node_count: usize,
    /// How many warnings `quorlock_health_warning` can read.
    pub warning_count: usize,
    /// True where a majority of the nodes can be reached: locks can be had.
    pub has_quorum: bool,
}

/// What one node says of itself, as far as its user may ask. Set `size` with
/// `QUORLOCK_NODE_HEALTH_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NodeHealthGiven {
    /// `sizeof(quorlock_node_health)`.
    pub size: usize,
    /// The node's address.
    pub node: *const c_char,
    /// The class of the fault that kept it from answering; NULL where it answered.
    pub fault: *const c_char,
    /// A few words on the fault; NULL where it answered.
    pub detail: *const c_char,
    /// `redis`, `valkey` or `memory`; NULL where it is not known, as for all that follow.
    pub server: *const c_char,
    /// The server's version.
    pub version: *const c_char,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: *const c_char,
    /// `master` or `slave`.
    pub role: *const c_char,
    /// The eviction policy.
    pub eviction: *const c_char,
    /// How long the answer took.
    pub round_trip_us: u64,
    /// Connected replicas; -1 where it is not known.
    pub replicas: i64,
    /// Whether an append-only file is on: 1 or 0; -1 where it is not known.
    pub append_only: i32,
    /// How long its answers do not count, where it came back without its data; -1 where they count.
    pub guarded_ms: i64,
}

/// One thing worth a look. Set `size` with `QUORLOCK_WARNING_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct WarningGiven {
    /// `sizeof(quorlock_warning)`.
    pub size: usize,
    /// The warning in one stable word, such as `evicts`.
    pub name: *const c_char,
    /// The warning in words, with the node's address.
    pub message: *const c_char,
}

// SAFETY: `repr(C)`, `size` first, integers and a bool.
unsafe impl Versioned for HealthInfo {
    const SIZE_MIN: usize = size_of::<Self>();
}
// SAFETY: `repr(C)`, `size` first, integers and pointers.
unsafe impl Versioned for NodeHealthGiven {
    const SIZE_MIN: usize = offset_of!(Self, guarded_ms);
}
// SAFETY: as above.
unsafe impl Versioned for WarningGiven {
    const SIZE_MIN: usize = size_of::<Self>();
}

static REPORTS: Table<Examined> = Table::new(6);

struct Examined {
    quorum: usize,
    has_quorum: bool,
    nodes: Vec<Node>,
    warnings: Vec<(CString, CString)>,
}

struct Node {
    node: CString,
    fault: Option<CString>,
    detail: Option<CString>,
    server: Option<CString>,
    version: Option<CString>,
    mode: Option<CString>,
    role: Option<CString>,
    eviction: Option<CString>,
    round_trip_us: u64,
    replicas: i64,
    append_only: i32,
    guarded_ms: i64,
}

impl From<Health> for Examined {
    fn from(health: Health) -> Self {
        let warnings = health.warnings.iter();
        Examined {
            quorum: health.quorum,
            has_quorum: health.has_quorum(),
            warnings: warnings
                .map(|warning| (owned(warning.name()), owned(&warning.to_string())))
                .collect(),
            nodes: health.nodes.iter().map(Node::from).collect(),
        }
    }
}

impl From<&NodeHealth> for Node {
    fn from(node: &NodeHealth) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(owned);
        Node {
            node: owned(&node.node),
            fault: node.fault.as_ref().map(|fault| owned(fault.class.name())),
            detail: node.fault.as_ref().map(|fault| owned(&fault.detail)),
            server: text(&node.server),
            version: text(&node.version),
            mode: text(&node.mode),
            role: text(&node.role),
            eviction: text(&node.eviction),
            round_trip_us: micros(node.round_trip),
            replicas: known(node.replicas),
            append_only: node.append_only.map_or(-1, i32::from),
            guarded_ms: node.guarded.map_or(-1, |left| {
                i64::try_from(left.as_millis()).unwrap_or(i64::MAX)
            }),
        }
    }
}

fn health_of(handle: *const HealthHandle) -> Result<Arc<Live<Examined>>, Box<Report>> {
    REPORTS.get("health", handle)
}

/// Checks the nodes before they are relied on: reach, role, version, persistence, eviction, the
/// same server twice. Whatever is wrong with them is part of the report. Waits for two connection
/// timeouts at most.
///
/// `QUORLOCK_CLOSED`. Ownership: free the report with `quorlock_health_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_client_health(
    client: *const ClientHandle,
    health_out: *mut *mut HealthHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("health_out", health_out) };
    boundary(out, |out| {
        let client = client_of(client)?.client.clone();
        let health = wait(|| client.start_health())?;
        out.set(REPORTS.insert(Examined::from(health))?);
        Ok(())
    })
}

/// The report as a whole.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_health_read(
    health: *const HealthHandle,
    info_out: *mut HealthInfo,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("info_out", info_out) };
    boundary(out, |out| {
        let examined = health_of(health)?;
        out.set(HealthInfo {
            size: size_of::<HealthInfo>(),
            quorum: examined.quorum,
            node_count: examined.nodes.len(),
            warning_count: examined.warnings.len(),
            has_quorum: examined.has_quorum,
        });
        Ok(())
    })
}

/// What one node says of itself, in the order of the configuration from index 0. The texts live
/// until the report is freed.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_health_node(
    health: *const HealthHandle,
    index: usize,
    node_out: *mut NodeHealthGiven,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("node_out", node_out) };
    boundary(out, |out| {
        let examined = health_of(health)?;
        let beyond = || Report::misuse("index", "is beyond the last node");
        let node = examined.nodes.get(index).ok_or_else(beyond)?;
        out.set(NodeHealthGiven {
            size: size_of::<NodeHealthGiven>(),
            node: node.node.as_ptr(),
            fault: pointer(node.fault.as_ref()),
            detail: pointer(node.detail.as_ref()),
            server: pointer(node.server.as_ref()),
            version: pointer(node.version.as_ref()),
            mode: pointer(node.mode.as_ref()),
            role: pointer(node.role.as_ref()),
            eviction: pointer(node.eviction.as_ref()),
            round_trip_us: node.round_trip_us,
            replicas: node.replicas,
            append_only: node.append_only,
            guarded_ms: node.guarded_ms,
        });
        Ok(())
    })
}

/// One warning, most serious first, from index 0. The texts live until the report is freed.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_health_warning(
    health: *const HealthHandle,
    index: usize,
    warning_out: *mut WarningGiven,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("warning_out", warning_out) };
    boundary(out, |out| {
        let examined = health_of(health)?;
        let beyond = || Report::misuse("index", "is beyond the last warning");
        let (name, message) = examined.warnings.get(index).ok_or_else(beyond)?;
        out.set(WarningGiven {
            size: size_of::<WarningGiven>(),
            name: name.as_ptr(),
            message: message.as_ptr(),
        });
        Ok(())
    })
}

/// Frees a report. NULL is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_health_free(health: *mut HealthHandle) -> Status {
    boundary((), |()| REPORTS.remove("health", health).map(drop))
}
