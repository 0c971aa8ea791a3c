//! Graphs: their nodes from the caller's structures.

use std::ffi::c_uint;
use std::sync::Arc;

use super::launch::launch_at;
use super::{Out, list_at, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::{NodeLaunch, Work};
use crate::embedded::launch::Launch;
use crate::embedded::module::Function;

mod edges;
mod executable;
mod params;

pub(crate) use edges::*;
pub(crate) use executable::*;
pub(crate) use params::*;

pub(crate) unsafe fn cuGraphCreate(driver: &Driver, graph: *mut CUgraph, flags: c_uint) -> Answer {
    // SAFETY: as the module demands.
    let graph = unsafe { Out::new(graph) }?;
    if flags != 0 {
        return Err(Failure::invalid_value(format!("cuGraphCreate takes flags 0, not {flags:#x}")));
    }
    graph.set(driver.create_graph())
}

pub(crate) unsafe fn cuGraphDestroy(driver: &Driver, graph: CUgraph) -> Answer {
    driver.destroy_graph(graph)
}

/// Adds a node for work that was made of the caller's structures.
///
/// # Safety
///
/// `node` is null or valid for a write, `dependencies` null or valid for `count` reads.
unsafe fn add(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    work: Work,
) -> Answer {
    // SAFETY: as this function demands.
    let (node, dependencies) = unsafe { (Out::new(node)?, list_at(dependencies, count)?) };
    node.set(driver.add_node(graph, &dependencies, work)?)
}

/// What a pointer to a structure points to.
///
/// # Safety
///
/// The pointer is null or valid for a read.
pub(super) unsafe fn read<T: Copy>(params: *const T) -> Answer<T> {
    // SAFETY: as this function demands; no alignment is assumed of C callers.
    if params.is_null() { Err(null()) } else { Ok(unsafe { params.read_unaligned() }) }
}

/// The launch that a kernel node keeps: a copy of the parameters as they are now.
///
/// # Safety
///
/// As for `launch_at`.
pub(super) unsafe fn kernel(driver: &Driver, params: KernelNodeParams) -> Answer<Work> {
    let function = driver.function(params.function)?;
    // SAFETY: as this function demands.
    let launch = unsafe {
        launch_at(&function, params.grid, params.block, params.shared_bytes, params.params, params.extra)
    }?;
    launch_work(params.function, &function, launch)
}

/// A launch as a node keeps it.
pub(super) fn launch_work(handle: CUfunction, function: &Function, launch: Launch) -> Answer<Work> {
    let first = launch.params.as_ptr().addr();
    let pointers = function.kernel()?.params().iter().map(|param| first + param.offset as usize).collect();
    Ok(Work::Launch(handle, Arc::new(NodeLaunch { launch, pointers })))
}

/// As [`kernel`], for the structure that may name a library's kernel.
///
/// # Safety
///
/// As for `launch_at`.
pub(super) unsafe fn kernel_v2(driver: &Driver, params: KernelNodeParamsV2) -> Answer<Work> {
    let mut before = params.before;
    if before.function == CUfunction::NULL {
        before.function = CUfunction(params.kernel.0);
    }
    // SAFETY: as this function demands.
    unsafe { kernel(driver, before) }
}

pub(super) fn checked_fill(fill: MemsetNodeParams) -> Answer<Work> {
    if ![1, 2, 4].contains(&fill.element_bytes) {
        return Err(Failure::invalid_value(format!("values of {} bytes cannot be set", fill.element_bytes)));
    }
    Ok(Work::Fill(fill))
}

pub(crate) unsafe fn cuGraphAddKernelNode(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    params: *const KernelNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, kernel(driver, read(params)?)?) }
}

pub(crate) unsafe fn cuGraphAddKernelNode_v2(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    params: *const KernelNodeParamsV2,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, kernel_v2(driver, read(params)?)?) }
}

pub(crate) unsafe fn cuGraphAddMemcpyNode(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    copy: *const Memcpy3d,
    context: CUcontext,
) -> Answer {
    driver.named_context(context)?;
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, Work::Copy(read(copy)?)) }
}

pub(crate) unsafe fn cuGraphAddMemsetNode(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    fill: *const MemsetNodeParams,
    context: CUcontext,
) -> Answer {
    driver.named_context(context)?;
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, checked_fill(read(fill)?)?) }
}

pub(crate) unsafe fn cuGraphAddEmptyNode(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, Work::Empty) }
}

pub(crate) unsafe fn cuGraphAddHostNode(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    params: *const HostNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, Work::Host(read(params)?)) }
}

pub(crate) unsafe fn cuGraphAddEventRecordNode(
    driver: &Driver,
    node: *mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    event: CUevent,
) -> Answer {
    driver.event(event)?;
    // SAFETY: as the module demands.
    unsafe { add(driver, node, graph, dependencies, count, Work::Record(event)) }
}

pub(crate) unsafe fn cuGraphDestroyNode(driver: &Driver, node: CUgraphNode) -> Answer {
    driver.destroy_node(node)
}
