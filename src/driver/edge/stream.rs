//! Streams, events and host functions.

use std::ffi::{c_int, c_uint, c_void};

use super::capture::submit;
use super::{Out, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::Work;
use crate::embedded::stream::LEAST_PRIORITY;

pub(crate) unsafe fn cuStreamCreate(driver: &Driver, stream: *mut CUstream, flags: c_uint) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuStreamCreateWithPriority(driver, stream, flags, LEAST_PRIORITY) }
}

pub(crate) unsafe fn cuStreamCreateWithPriority(
    driver: &Driver,
    stream: *mut CUstream,
    flags: c_uint,
    priority: c_int,
) -> Answer {
    // SAFETY: as the module demands.
    let stream = unsafe { Out::new(stream) }?;
    stream.set(driver.create_stream(flags, priority)?)
}

pub(crate) unsafe fn cuStreamDestroy_v2(driver: &Driver, stream: CUstream) -> Answer {
    driver.destroy_stream(stream)
}

pub(crate) unsafe fn cuStreamGetFlags(driver: &Driver, stream: CUstream, flags: *mut c_uint) -> Answer {
    // SAFETY: as the module demands.
    let flags = unsafe { Out::new(flags) }?;
    flags.set(driver.stream(stream)?.1.flags)
}

pub(crate) unsafe fn cuStreamGetPriority(driver: &Driver, stream: CUstream, priority: *mut c_int) -> Answer {
    // SAFETY: as the module demands.
    let priority = unsafe { Out::new(priority) }?;
    priority.set(driver.stream(stream)?.1.priority)
}

pub(crate) unsafe fn cuStreamGetCtx(driver: &Driver, stream: CUstream, context: *mut CUcontext) -> Answer {
    // SAFETY: as the module demands.
    let context = unsafe { Out::new(context) }?;
    context.set(driver.stream(stream)?.0.handle)
}

pub(crate) unsafe fn cuStreamGetDevice(driver: &Driver, stream: CUstream, device: *mut CUdevice) -> Answer {
    // SAFETY: as the module demands.
    let device = unsafe { Out::new(device) }?;
    device.set(driver.stream(stream)?.0.device as CUdevice)
}

pub(crate) unsafe fn cuStreamGetId(driver: &Driver, stream: CUstream, id: *mut u64) -> Answer {
    // SAFETY: as the module demands.
    let id = unsafe { Out::new(id) }?;
    let (context, of_context) = driver.stream(stream)?;
    // Handles are given out once; the default stream, under any of its names, goes by its context's.
    let default = std::sync::Arc::ptr_eq(&of_context, &context.default_stream);
    id.set(if default { context.handle.0 as u64 } else { stream.0 as u64 })
}

/// `CU_STREAM_ATTRIBUTE_…` that streams keep nothing of: access policy, synchronisation policy, memory domains.
const UNKEPT: [c_uint; 4] = [1, 3, 9, 10];
const PRIORITY: c_uint = 8;

pub(crate) unsafe fn cuStreamGetAttribute(
    driver: &Driver,
    stream: CUstream,
    attribute: c_uint,
    value: *mut LaunchAttributeValue,
) -> Answer {
    // SAFETY: as the module demands.
    let value = unsafe { Out::new(value) }?;
    let mut words = [0; 16];
    match attribute {
        PRIORITY => words[0] = driver.stream(stream)?.1.priority,
        id if UNKEPT.contains(&id) => drop(driver.stream(stream)?),
        id => return Err(Failure::invalid_value(format!("stream attribute {id} is not known"))),
    }
    value.set(LaunchAttributeValue { words })
}

pub(crate) unsafe fn cuStreamSetAttribute(
    driver: &Driver,
    stream: CUstream,
    attribute: c_uint,
    value: *const LaunchAttributeValue,
) -> Answer {
    driver.stream(stream)?;
    if value.is_null() {
        return Err(null());
    }
    match attribute {
        id if UNKEPT.contains(&id) => Err(Failure::not_supported(&format!("stream attribute {id}"))),
        id => Err(Failure::invalid_value(format!("stream attribute {id} cannot be set"))),
    }
}

pub(crate) unsafe fn cuStreamCopyAttributes(driver: &Driver, to: CUstream, from: CUstream) -> Answer {
    // Nothing that can be set is kept.
    driver.stream(to)?;
    driver.stream(from).map(drop)
}

pub(crate) unsafe fn cuEventRecordWithFlags(
    driver: &Driver,
    event: CUevent,
    stream: CUstream,
    flags: c_uint,
) -> Answer {
    // CU_EVENT_RECORD_DEFAULT and CU_EVENT_RECORD_EXTERNAL.
    if flags > 1 {
        return Err(Failure::invalid_value(format!("event record flags {flags:#x} are not known")));
    }
    driver.record_event(event, stream)
}

pub(crate) unsafe fn cuEventElapsedTime_v2(
    driver: &Driver,
    milliseconds: *mut f32,
    start: CUevent,
    end: CUevent,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuEventElapsedTime(driver, milliseconds, start, end) }
}

pub(crate) unsafe fn cuStreamQuery(driver: &Driver, stream: CUstream) -> Answer {
    driver.query_stream(stream)
}

pub(crate) unsafe fn cuStreamSynchronize(driver: &Driver, stream: CUstream) -> Answer {
    driver.synchronize_stream(stream)
}

pub(crate) unsafe fn cuStreamWaitEvent(
    driver: &Driver,
    stream: CUstream,
    event: CUevent,
    flags: c_uint,
) -> Answer {
    // CU_EVENT_WAIT_DEFAULT and CU_EVENT_WAIT_EXTERNAL.
    if flags > 1 {
        return Err(Failure::invalid_value(format!("event wait flags {flags:#x} are not known")));
    }
    driver.wait_for(stream, event)
}

pub(crate) unsafe fn cuLaunchHostFunc(
    driver: &Driver,
    stream: CUstream,
    function: CUhostFn,
    data: *mut c_void,
) -> Answer {
    let function = function.ok_or_else(|| Failure::invalid_value("the host function is null"))?;
    let work = || Ok(Work::Host(HostNodeParams { function: Some(function), data: data.expose_provenance() }));
    // SAFETY: the caller hands over a function that may be called with this argument once the stream gets
    // there, which is now.
    submit(driver, stream, work, || driver.run_on_host(stream, || unsafe { function(data) }))
}

pub(crate) unsafe fn cuEventCreate(driver: &Driver, event: *mut CUevent, flags: c_uint) -> Answer {
    // SAFETY: as the module demands.
    let event = unsafe { Out::new(event) }?;
    event.set(driver.create_event(flags)?)
}

pub(crate) unsafe fn cuEventDestroy_v2(driver: &Driver, event: CUevent) -> Answer {
    driver.destroy_event(event)
}

pub(crate) unsafe fn cuEventRecord(driver: &Driver, event: CUevent, stream: CUstream) -> Answer {
    driver.record_event(event, stream)
}

pub(crate) unsafe fn cuEventQuery(driver: &Driver, event: CUevent) -> Answer {
    driver.event(event).map(drop)
}

pub(crate) unsafe fn cuEventSynchronize(driver: &Driver, event: CUevent) -> Answer {
    driver.event(event)?;
    driver.flush_prints();
    Ok(())
}

pub(crate) unsafe fn cuEventElapsedTime(
    driver: &Driver,
    milliseconds: *mut f32,
    start: CUevent,
    end: CUevent,
) -> Answer {
    // SAFETY: as the module demands.
    let milliseconds = unsafe { Out::new(milliseconds) }?;
    milliseconds.set(driver.elapsed_ms(start, end)?)
}
