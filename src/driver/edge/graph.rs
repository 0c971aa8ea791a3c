//! Graphs: their nodes from the caller's structures, and what a launch of a graph does.

use std::ffi::{c_char, c_uint, c_void};
use std::sync::Arc;

use super::launch::launch_at;
use super::memory::{copy_box, fill_rows};
use super::{Out, list_at, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::{NodeLaunch, Work};

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
unsafe fn read<T: Copy>(params: *const T) -> Answer<T> {
    // SAFETY: as this function demands; no alignment is assumed of C callers.
    if params.is_null() { Err(null()) } else { Ok(unsafe { params.read_unaligned() }) }
}

/// The launch that a kernel node keeps: a copy of the parameters as they are now.
///
/// # Safety
///
/// As for `launch_at`.
unsafe fn kernel(driver: &Driver, params: KernelNodeParams) -> Answer<Work> {
    let function = driver.function(params.function)?;
    // SAFETY: as this function demands.
    let launch = unsafe {
        launch_at(&function, params.grid, params.block, params.shared_bytes, params.params, params.extra)
    }?;
    let first = launch.params.as_ptr().addr();
    let pointers = function.kernel()?.params().iter().map(|param| first + param.offset as usize).collect();
    Ok(Work::Launch(params.function, Arc::new(NodeLaunch { launch, pointers })))
}

/// As [`kernel`], for the structure that may name a library's kernel.
///
/// # Safety
///
/// As for `launch_at`.
unsafe fn kernel_v2(driver: &Driver, params: KernelNodeParamsV2) -> Answer<Work> {
    let mut before = params.before;
    if before.function == CUfunction::NULL {
        before.function = CUfunction(params.kernel.0);
    }
    // SAFETY: as this function demands.
    unsafe { kernel(driver, before) }
}

fn kernel_params(driver: &Driver, node: CUgraphNode) -> Answer<KernelNodeParams> {
    let Work::Launch(function, node) = driver.node_work(node)? else { return Err(other_kind()) };
    Ok(KernelNodeParams {
        function,
        grid: node.launch.grid,
        block: node.launch.block,
        shared_bytes: node.launch.dynamic_shared_bytes,
        params: node.pointers.as_ptr().cast_mut().cast(),
        extra: std::ptr::null_mut(),
    })
}

fn other_kind() -> Failure {
    Failure::invalid_value("the node is of another kind")
}

fn checked_fill(fill: MemsetNodeParams) -> Answer<Work> {
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

/// Pairs of nodes from two lists.
///
/// # Safety
///
/// Each list is null or valid for `count` reads.
unsafe fn edges_at(
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> Answer<Vec<(CUgraphNode, CUgraphNode)>> {
    // SAFETY: as this function demands.
    let (from, to) = unsafe { (list_at(from, count)?, list_at(to, count)?) };
    Ok(from.into_iter().zip(to).collect())
}

pub(crate) unsafe fn cuGraphAddDependencies(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    driver.change_edges(graph, &unsafe { edges_at(from, to, count) }?, true)
}

pub(crate) unsafe fn cuGraphRemoveDependencies(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    driver.change_edges(graph, &unsafe { edges_at(from, to, count) }?, false)
}

/// Gives a list as the graph functions do: the count alone where there is no room for it, else as much as fits, null
/// beyond its end.
///
/// # Safety
///
/// `count` is null or valid for reads and writes, `nodes` null or valid for so many writes.
unsafe fn give(list: &[CUgraphNode], nodes: *mut CUgraphNode, count: *mut usize) -> Answer {
    if count.is_null() {
        return Err(null());
    }
    // SAFETY: as this function demands.
    unsafe {
        if !nodes.is_null() {
            for i in 0..count.read_unaligned() {
                let node = list.get(i).copied().unwrap_or(CUgraphNode::NULL);
                nodes.add(i).write_unaligned(node);
            }
        }
        let given = if nodes.is_null() { list.len() } else { list.len().min(count.read_unaligned()) };
        count.write_unaligned(given);
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphGetNodes(
    driver: &Driver,
    graph: CUgraph,
    nodes: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.graph_nodes(graph, false)?, nodes, count) }
}

pub(crate) unsafe fn cuGraphGetRootNodes(
    driver: &Driver,
    graph: CUgraph,
    nodes: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.graph_nodes(graph, true)?, nodes, count) }
}

pub(crate) unsafe fn cuGraphGetEdges(
    driver: &Driver,
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    if from.is_null() != to.is_null() || count.is_null() {
        return Err(null());
    }
    let (starts, ends): (Vec<_>, Vec<_>) = driver.graph_edges(graph)?.into_iter().unzip();
    // SAFETY: as the module demands; the first list leaves the count as the second needs it.
    unsafe {
        let mut room = count.read_unaligned();
        give(&starts, from, &mut room)?;
        give(&ends, to, count)
    }
}

pub(crate) unsafe fn cuGraphNodeGetDependencies(
    driver: &Driver,
    node: CUgraphNode,
    dependencies: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.neighbours(node, false)?, dependencies, count) }
}

pub(crate) unsafe fn cuGraphNodeGetDependentNodes(
    driver: &Driver,
    node: CUgraphNode,
    dependents: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.neighbours(node, true)?, dependents, count) }
}

pub(crate) unsafe fn cuGraphNodeGetType(
    driver: &Driver,
    node: CUgraphNode,
    kind: *mut CUgraphNodeType,
) -> Answer {
    // SAFETY: as the module demands.
    let kind = unsafe { Out::new(kind) }?;
    kind.set(driver.node_work(node)?.kind())
}

pub(crate) unsafe fn cuGraphKernelNodeGetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *mut KernelNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    let params = unsafe { Out::new(params) }?;
    params.set(kernel_params(driver, node)?)
}

pub(crate) unsafe fn cuGraphKernelNodeGetParams_v2(
    driver: &Driver,
    node: CUgraphNode,
    params: *mut KernelNodeParamsV2,
) -> Answer {
    // SAFETY: as the module demands.
    let params = unsafe { Out::new(params) }?;
    let before = kernel_params(driver, node)?;
    params.set(KernelNodeParamsV2 { before, kernel: CUkernel::NULL, context: driver.current_handle() })
}

pub(crate) unsafe fn cuGraphKernelNodeSetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *const KernelNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    driver.set_node_work(node, unsafe { kernel(driver, read(params)?) }?)
}

pub(crate) unsafe fn cuGraphKernelNodeSetParams_v2(
    driver: &Driver,
    node: CUgraphNode,
    params: *const KernelNodeParamsV2,
) -> Answer {
    // SAFETY: as the module demands.
    driver.set_node_work(node, unsafe { kernel_v2(driver, read(params)?) }?)
}

pub(crate) unsafe fn cuGraphMemcpyNodeGetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *mut Memcpy3d,
) -> Answer {
    // SAFETY: as the module demands.
    let params = unsafe { Out::new(params) }?;
    let Work::Copy(copy) = driver.node_work(node)? else { return Err(other_kind()) };
    params.set(copy)
}

pub(crate) unsafe fn cuGraphMemcpyNodeSetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *const Memcpy3d,
) -> Answer {
    // SAFETY: as the module demands.
    driver.set_node_work(node, Work::Copy(unsafe { read(params) }?))
}

pub(crate) unsafe fn cuGraphMemsetNodeGetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *mut MemsetNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    let params = unsafe { Out::new(params) }?;
    let Work::Fill(fill) = driver.node_work(node)? else { return Err(other_kind()) };
    params.set(fill)
}

pub(crate) unsafe fn cuGraphMemsetNodeSetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *const MemsetNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    driver.set_node_work(node, checked_fill(unsafe { read(params) }?)?)
}

pub(crate) unsafe fn cuGraphHostNodeGetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *mut HostNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    let params = unsafe { Out::new(params) }?;
    let Work::Host(call) = driver.node_work(node)? else { return Err(other_kind()) };
    params.set(call)
}

pub(crate) unsafe fn cuGraphHostNodeSetParams(
    driver: &Driver,
    node: CUgraphNode,
    params: *const HostNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    driver.set_node_work(node, Work::Host(unsafe { read(params) }?))
}

pub(crate) unsafe fn cuGraphInstantiate_v2(
    driver: &Driver,
    executable: *mut CUgraphExec,
    graph: CUgraph,
    error_node: *mut CUgraphNode,
    log: *mut c_char,
    log_bytes: usize,
) -> Answer {
    // SAFETY: as the module demands; the node at fault and the log may be left out. No single node ever is at fault.
    unsafe {
        if let Some(node) = Out::optional(error_node) {
            node.set(CUgraphNode::NULL)?;
        }
        if !log.is_null() && log_bytes > 0 {
            log.write(0);
        }
        cuGraphInstantiateWithFlags(driver, executable, graph, 0)
    }
}

pub(crate) unsafe fn cuGraphInstantiateWithFlags(
    driver: &Driver,
    executable: *mut CUgraphExec,
    graph: CUgraph,
    flags: u64,
) -> Answer {
    // SAFETY: as the module demands.
    let executable = unsafe { Out::new(executable) }?;
    executable.set(driver.instantiate(graph, flags)?)
}

pub(crate) unsafe fn cuGraphInstantiateWithParams(
    driver: &Driver,
    executable: *mut CUgraphExec,
    graph: CUgraph,
    params: *mut GraphInstantiateParams,
) -> Answer {
    /// `CUDA_GRAPH_INSTANTIATE_ERROR`
    const ERROR: c_uint = 1;
    // SAFETY: as the module demands.
    unsafe {
        let (executable, out, mut params) = (Out::new(executable)?, Out::new(params)?, read(params)?);
        let answer = driver.instantiate(graph, params.flags);
        params.error_node = CUgraphNode::NULL;
        params.result = if answer.is_ok() { 0 } else { ERROR };
        out.set(params)?;
        executable.set(answer?)
    }
}

pub(crate) unsafe fn cuGraphExecKernelNodeSetParams(
    driver: &Driver,
    executable: CUgraphExec,
    node: CUgraphNode,
    params: *const KernelNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    driver.executable(executable)?.set_work(node, unsafe { kernel(driver, read(params)?) }?)
}

pub(crate) unsafe fn cuGraphExecKernelNodeSetParams_v2(
    driver: &Driver,
    executable: CUgraphExec,
    node: CUgraphNode,
    params: *const KernelNodeParamsV2,
) -> Answer {
    // SAFETY: as the module demands.
    driver.executable(executable)?.set_work(node, unsafe { kernel_v2(driver, read(params)?) }?)
}

pub(crate) unsafe fn cuGraphExecMemcpyNodeSetParams(
    driver: &Driver,
    executable: CUgraphExec,
    node: CUgraphNode,
    copy: *const Memcpy3d,
    context: CUcontext,
) -> Answer {
    driver.named_context(context)?;
    // SAFETY: as the module demands.
    driver.executable(executable)?.set_work(node, Work::Copy(unsafe { read(copy) }?))
}

pub(crate) unsafe fn cuGraphExecMemsetNodeSetParams(
    driver: &Driver,
    executable: CUgraphExec,
    node: CUgraphNode,
    fill: *const MemsetNodeParams,
    context: CUcontext,
) -> Answer {
    driver.named_context(context)?;
    // SAFETY: as the module demands.
    driver.executable(executable)?.set_work(node, checked_fill(unsafe { read(fill) }?)?)
}

pub(crate) unsafe fn cuGraphExecHostNodeSetParams(
    driver: &Driver,
    executable: CUgraphExec,
    node: CUgraphNode,
    params: *const HostNodeParams,
) -> Answer {
    // SAFETY: as the module demands.
    driver.executable(executable)?.set_work(node, Work::Host(unsafe { read(params) }?))
}

pub(crate) unsafe fn cuGraphExecGetFlags(
    driver: &Driver,
    executable: CUgraphExec,
    flags: *mut u64,
) -> Answer {
    // SAFETY: as the module demands.
    let flags = unsafe { Out::new(flags) }?;
    flags.set(driver.executable(executable)?.flags)
}

pub(crate) unsafe fn cuGraphUpload(driver: &Driver, executable: CUgraphExec, stream: CUstream) -> Answer {
    // There is nowhere to upload it to.
    driver.executable(executable)?;
    driver.stream(stream).map(drop)
}

pub(crate) unsafe fn cuGraphLaunch(driver: &Driver, executable: CUgraphExec, stream: CUstream) -> Answer {
    for work in driver.executable(executable)?.steps() {
        match work {
            Work::Launch(function, node) => {
                let function = driver.function(function)?;
                driver.launch(&function, stream, node.launch.clone())?;
            }
            // SAFETY: who made the node vouches for the places it names for as long as the graph is launched.
            Work::Copy(copy) => driver.enqueue(stream, |_, _| unsafe { copy_box(driver, &copy) })?,
            Work::Fill(fill) => driver.enqueue(stream, |_, _| fill_rows(driver, &fill))?,
            Work::Host(HostNodeParams { function, data }) => {
                let function = function.ok_or_else(|| Failure::invalid_value("the host function is null"))?;
                let data: *mut c_void = std::ptr::with_exposed_provenance_mut(data);
                // SAFETY: who made the node hands over a function that may be called with this argument.
                driver.run_on_host(stream, || unsafe { function(data) })?;
            }
            Work::Empty => {}
            Work::Record(event) => driver.record_event(event, stream)?,
        }
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphExecDestroy(driver: &Driver, executable: CUgraphExec) -> Answer {
    driver.destroy_executable(executable)
}

/// Refuses edges that carry more than an order.
///
/// # Safety
///
/// The list is null or valid for `count` reads.
unsafe fn check_edge_data(data: *const GraphEdgeData, count: usize) -> Answer {
    if data.is_null() {
        return Ok(());
    }
    // SAFETY: as this function demands.
    match unsafe { list_at(data, count) }?.iter().all(|edge| edge.bytes == [0; 8]) {
        true => Ok(()),
        false => Err(Failure::not_supported("edges of a graph with ports or of other types")),
    }
}

/// Gives the edges' data, of which there is none.
///
/// # Safety
///
/// The list is null or valid for as many writes as `count`, which is valid for a read, says.
unsafe fn give_edge_data(data: *mut GraphEdgeData, count: *const usize) {
    if !data.is_null() {
        // SAFETY: as this function demands.
        (0..unsafe { count.read_unaligned() })
            .for_each(|i| unsafe { data.add(i).write_unaligned(GraphEdgeData { bytes: [0; 8] }) });
    }
}

pub(crate) unsafe fn cuGraphAddDependencies_v2(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    data: *const GraphEdgeData,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe {
        check_edge_data(data, count)?;
        cuGraphAddDependencies(driver, graph, from, to, count)
    }
}

pub(crate) unsafe fn cuGraphRemoveDependencies_v2(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    data: *const GraphEdgeData,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe {
        check_edge_data(data, count)?;
        cuGraphRemoveDependencies(driver, graph, from, to, count)
    }
}

pub(crate) unsafe fn cuGraphGetEdges_v2(
    driver: &Driver,
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    data: *mut GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the count is there where the first call succeeds.
    unsafe {
        cuGraphGetEdges(driver, graph, from, to, count)?;
        give_edge_data(data, count);
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphNodeGetDependencies_v2(
    driver: &Driver,
    node: CUgraphNode,
    dependencies: *mut CUgraphNode,
    data: *mut GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the count is there where the first call succeeds.
    unsafe {
        cuGraphNodeGetDependencies(driver, node, dependencies, count)?;
        give_edge_data(data, count);
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphNodeGetDependentNodes_v2(
    driver: &Driver,
    node: CUgraphNode,
    dependents: *mut CUgraphNode,
    data: *mut GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the count is there where the first call succeeds.
    unsafe {
        cuGraphNodeGetDependentNodes(driver, node, dependents, count)?;
        give_edge_data(data, count);
    }
    Ok(())
}
