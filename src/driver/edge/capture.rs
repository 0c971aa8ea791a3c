//! Stream capture, and the calls that a capture makes nodes of.

use std::cell::RefCell;
use std::ffi::c_uint;

use super::Out;
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::Work;

/// Does work in a stream, or notes it down where the stream captures.
pub(super) fn submit(
    driver: &Driver,
    stream: CUstream,
    work: impl FnOnce() -> Answer<Work>,
    now: impl FnOnce() -> Answer,
) -> Answer {
    if driver.capture(stream, work)? { Ok(()) } else { now() }
}

pub(crate) unsafe fn cuStreamBeginCapture_v2(driver: &Driver, stream: CUstream, mode: c_uint) -> Answer {
    driver.begin_capture(stream, mode)
}

pub(crate) unsafe fn cuStreamEndCapture(driver: &Driver, stream: CUstream, graph: *mut CUgraph) -> Answer {
    // SAFETY: as the module demands.
    let graph = unsafe { Out::new(graph) }?;
    let ended = driver.end_capture(stream);
    graph.set(*ended.as_ref().unwrap_or(&CUgraph::NULL))?;
    ended.map(drop)
}

/// `CUstreamCaptureStatus`
fn status_of(broken: Option<bool>) -> c_uint {
    match broken {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    }
}

pub(crate) unsafe fn cuStreamIsCapturing(driver: &Driver, stream: CUstream, status: *mut c_uint) -> Answer {
    // SAFETY: as the module demands.
    let status = unsafe { Out::new(status) }?;
    status.set(status_of(driver.capture_of(stream)?.map(|capture| capture.broken)))
}

pub(crate) unsafe fn cuStreamGetCaptureInfo_v2(
    driver: &Driver,
    stream: CUstream,
    status: *mut c_uint,
    id: *mut u64,
    graph: *mut CUgraph,
    dependencies: *mut *const CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; all but the first may be left out.
    let (status, id, graph, count, dependencies) = unsafe {
        (
            Out::new(status)?,
            Out::optional(id),
            Out::optional(graph),
            Out::optional(count),
            Out::optional(dependencies),
        )
    };
    thread_local! {
        /// What the caller's pointer points to until its next call.
        static TAIL: RefCell<Vec<CUgraphNode>> = const { RefCell::new(Vec::new()) };
    }
    let capture = driver.capture_of(stream)?;
    status.set(status_of(capture.as_ref().map(|capture| capture.broken)))?;
    let Some(capture) = capture else { return Ok(()) };
    id.map_or(Ok(()), |out| out.set(capture.id))?;
    graph.map_or(Ok(()), |out| out.set(capture.graph))?;
    count.map_or(Ok(()), |out| out.set(capture.tail.len()))?;
    let tail = TAIL.with_borrow_mut(|tail| {
        *tail = capture.tail;
        tail.as_ptr()
    });
    dependencies.map_or(Ok(()), |out| out.set(tail))
}

pub(crate) unsafe fn cuStreamGetCaptureInfo_v3(
    driver: &Driver,
    stream: CUstream,
    status: *mut c_uint,
    id: *mut u64,
    graph: *mut CUgraph,
    dependencies: *mut *const CUgraphNode,
    _edges: *mut *const GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands. Edges carry nothing here.
    unsafe { cuStreamGetCaptureInfo_v2(driver, stream, status, id, graph, dependencies, count) }
}

pub(crate) unsafe fn cuThreadExchangeStreamCaptureMode(_driver: &Driver, mode: *mut c_uint) -> Answer {
    thread_local! {
        /// `CU_STREAM_CAPTURE_MODE_GLOBAL` at first.
        static MODE: std::cell::Cell<c_uint> = const { std::cell::Cell::new(0) };
    }
    // SAFETY: as the module demands.
    let (out, new) = unsafe { (Out::new(mode)?, mode.read_unaligned()) };
    if new > 2 {
        return Err(Failure::invalid_value(format!("capture mode {new} is not known")));
    }
    out.set(MODE.replace(new))
}
