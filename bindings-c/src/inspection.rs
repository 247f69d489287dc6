//! Who holds a resource, node by node.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use engine::{FencingToken, Inspection, NodeView};

use crate::boundary::boundary;
use crate::client::{ClientHandle, client_of};
use crate::handle::{Live, Table};
use crate::outs::{Out, OutStruct, Versioned};
use crate::report::Report;
use crate::status::Status;
use crate::text::{given, millis, owned, pointer};
use crate::wait::wait;

/// What the nodes showed of one resource at one moment.
///
/// Threads: may be used by any number of threads at once. Fork: good in a child too.
pub struct InspectionHandle {
    _opaque: [u8; 0],
}

/// What the nodes show together. Set `size` with `QUORLOCK_INSPECTION_INFO_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct InspectionInfo {
    /// `sizeof(quorlock_inspection_info)`.
    pub size: usize,
    /// The resource.
    pub resource: *const c_char,
    /// The owner whose key a majority shows, as it labelled itself (`host/pid/language/text`);
    /// `foreign` where another library wrote the key; NULL where nobody holds it.
    pub holder: *const c_char,
    /// Votes that make a majority.
    pub quorum: usize,
    /// How many nodes `quorlock_inspection_node` can read.
    pub node_count: usize,
}

/// What one node shows. Set `size` with `QUORLOCK_NODE_VIEW_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NodeViewGiven {
    /// `sizeof(quorlock_node_view)`.
    pub size: usize,
    /// The node's address.
    pub node: *const c_char,
    /// The label of the owner; NULL where there is no key.
    pub owner: *const c_char,
    /// The class of the fault that kept it from answering; NULL where it answered.
    pub fault: *const c_char,
    /// A few words on the fault; NULL where it answered.
    pub detail: *const c_char,
    /// How long the key still lives; -1 where it is not known.
    pub remaining_ms: i64,
    /// Waiters in the queue there; -1 where the user may not ask.
    pub waiters: i64,
    /// The resource's fencing counter there; 0 where it is not known.
    pub fencing_counter: u64,
}

// SAFETY: `repr(C)`, `size` first, integers and pointers.
unsafe impl Versioned for InspectionInfo {
    const SIZE_MIN: usize = size_of::<Self>();
}
// SAFETY: as above.
unsafe impl Versioned for NodeViewGiven {
    const SIZE_MIN: usize = size_of::<Self>();
}

static INSPECTIONS: Table<Inspected> = Table::new(5);

struct Inspected {
    resource: CString,
    holder: Option<CString>,
    quorum: usize,
    nodes: Vec<View>,
}

struct View {
    node: CString,
    owner: Option<CString>,
    fault: Option<CString>,
    detail: Option<CString>,
    remaining_ms: i64,
    waiters: i64,
    fencing_counter: u64,
}

impl From<Inspection> for Inspected {
    fn from(inspection: Inspection) -> Self {
        Inspected {
            resource: owned(&inspection.resource),
            holder: inspection.holder.as_deref().map(owned),
            quorum: inspection.quorum,
            nodes: inspection.nodes.iter().map(View::from).collect(),
        }
    }
}

impl From<&NodeView> for View {
    fn from(view: &NodeView) -> Self {
        View {
            node: owned(&view.node),
            owner: view.owner.as_deref().map(owned),
            fault: view.fault.as_ref().map(|fault| owned(fault.class.name())),
            detail: view.fault.as_ref().map(|fault| owned(&fault.detail)),
            remaining_ms: known(view.remaining.map(millis)),
            waiters: known(view.waiters),
            fencing_counter: view.fencing_counter.map_or(0, FencingToken::get),
        }
    }
}

/// A number that may be missing, as C reads it.
pub(crate) fn known(number: Option<u64>) -> i64 {
    number.map_or(-1, |number| i64::try_from(number).unwrap_or(i64::MAX))
}

fn inspection_of(handle: *const InspectionHandle) -> Result<Arc<Live<Inspected>>, Box<Report>> {
    INSPECTIONS.get("inspection", handle)
}

/// Shows, node by node, who holds `name`: read-only. A node that does not answer is part of the
/// result. Waits for one connection timeout at most.
///
/// `QUORLOCK_INVALID_ARGUMENT`, `QUORLOCK_CLOSED`. Ownership: free the inspection with
/// `quorlock_inspection_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_client_inspect(
    client: *const ClientHandle,
    name: *const c_char,
    inspection_out: *mut *mut InspectionHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("inspection_out", inspection_out) };
    boundary(out, |out| {
        // SAFETY: the caller's promise: NULL or a string.
        let name = unsafe { given("name", name) };
        let (client, name) = (client_of(client)?.client.clone(), name?);
        let inspection = wait(|| client.start_inspect(name))?;
        out.set(INSPECTIONS.insert(Inspected::from(inspection))?);
        Ok(())
    })
}

/// What the nodes show together. The texts live until the inspection is freed.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_inspection_read(
    inspection: *const InspectionHandle,
    info_out: *mut InspectionInfo,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("info_out", info_out) };
    boundary(out, |out| {
        let inspected = inspection_of(inspection)?;
        out.set(InspectionInfo {
            size: size_of::<InspectionInfo>(),
            resource: inspected.resource.as_ptr(),
            holder: pointer(inspected.holder.as_ref()),
            quorum: inspected.quorum,
            node_count: inspected.nodes.len(),
        });
        Ok(())
    })
}

/// What one node shows, in the order of the configuration from index 0. The texts live until the
/// inspection is freed.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_inspection_node(
    inspection: *const InspectionHandle,
    index: usize,
    node_out: *mut NodeViewGiven,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("node_out", node_out) };
    boundary(out, |out| {
        let inspected = inspection_of(inspection)?;
        let beyond = || Report::misuse("index", "is beyond the last node");
        let view = inspected.nodes.get(index).ok_or_else(beyond)?;
        out.set(NodeViewGiven {
            size: size_of::<NodeViewGiven>(),
            node: view.node.as_ptr(),
            owner: pointer(view.owner.as_ref()),
            fault: pointer(view.fault.as_ref()),
            detail: pointer(view.detail.as_ref()),
            remaining_ms: view.remaining_ms,
            waiters: view.waiters,
            fencing_counter: view.fencing_counter,
        });
        Ok(())
    })
}

/// Frees an inspection. NULL is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_inspection_free(inspection: *mut InspectionHandle) -> Status {
    boundary((), |()| {
        INSPECTIONS.remove("inspection", inspection).map(drop)
    })
}
