//! Streams, events and host functions.

use std::ffi::{c_int, c_uint, c_void};

use super::Out;
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
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
    // The work before a recorded event is done, so there is nothing left to wait for.
    driver.event(event)?;
    driver.stream(stream).map(drop)
}

pub(crate) unsafe fn cuLaunchHostFunc(
    driver: &Driver,
    stream: CUstream,
    function: CUhostFn,
    data: *mut c_void,
) -> Answer {
    let function = function.ok_or_else(|| Failure::invalid_value("the host function is null"))?;
    // SAFETY: the caller hands over a function that may be called with this argument once the stream gets
    // there, which is now.
    driver.run_on_host(stream, || unsafe { function(data) })
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
    driver.event(event).map(drop)
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
