//! What a node does, read and changed.

use super::super::Out;
use super::{checked_fill, kernel, kernel_v2, read};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::Work;

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
