//! Graphs that can be launched, and what a launch does.

use std::ffi::{c_char, c_uint, c_void};

use super::super::Out;
use super::super::memory::{copy_box, fill_rows};
use super::{checked_fill, kernel, kernel_v2, read};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::Work;

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
    driver.refuse_capture(stream)?;
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
