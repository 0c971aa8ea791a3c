//! Events: points in a stream's work, and the time between them.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::capture::Capture;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;

const DISABLE_TIMING: u32 = 0x2;
const FLAGS: u32 = 0x7; // blocking sync, disable timing, interprocess

/// An event of a context.
pub(crate) struct Event {
    pub(crate) context: CUcontext,
    flags: u32,
    /// When the work before the event was done.
    reached: Mutex<Option<Instant>>,
    /// Where in a capture it was recorded last, if it was in one.
    pub(crate) captured: Mutex<Option<Capture>>,
}

impl Driver {
    /// Creates an event in the current context.
    pub(crate) fn create_event(&self, flags: u32) -> Answer<CUevent> {
        let context = self.context()?;
        if flags & !FLAGS != 0 {
            return Err(Failure::invalid_value(format!("event flags {flags:#x} are not known")));
        }
        let handle = CUevent(self.numbers.next());
        self.events.insert(
            handle,
            Event { context: context.handle, flags, reached: Mutex::new(None), captured: Mutex::new(None) },
        );
        Ok(handle)
    }

    /// Destroys an event.
    pub(crate) fn destroy_event(&self, handle: CUevent) -> Answer {
        self.event(handle)?;
        self.events.remove(handle).map(drop).ok_or_else(|| Failure::invalid_handle("event"))
    }

    /// Records an event in a stream of its own context.
    pub(crate) fn record_event(&self, handle: CUevent, stream: CUstream) -> Answer {
        let event = self.event(handle)?;
        let captured = self.capture_of(stream)?;
        let in_capture = captured.is_some();
        *lock(&event.captured) = captured;
        if in_capture {
            return Ok(());
        }
        self.enqueue(stream, |context, _| {
            if context.handle != event.context {
                return Err(Failure::new(
                    CUDA_ERROR_INVALID_HANDLE,
                    "the event and the stream belong to different contexts",
                ));
            }
            *lock(&event.reached) = Some(Instant::now());
            Ok(())
        })
    }

    /// An event of a context that works. Whoever sees it has its work behind it: recording waits for that.
    pub(crate) fn event(&self, handle: CUevent) -> Answer<Arc<Event>> {
        let event = self.events.get(handle).ok_or_else(|| Failure::invalid_handle("event"))?;
        self.context_of(event.context)?.check()?;
        Ok(event)
    }

    /// Milliseconds from one event to another.
    pub(crate) fn elapsed_ms(&self, start: CUevent, end: CUevent) -> Answer<f32> {
        let reached = |handle| {
            let event = self.event(handle)?;
            if event.flags & DISABLE_TIMING != 0 {
                return Err(Failure::new(CUDA_ERROR_INVALID_HANDLE, "the event was created without timing"));
            }
            lock(&event.reached)
                .ok_or_else(|| Failure::new(CUDA_ERROR_INVALID_HANDLE, "the event was never recorded"))
        };
        let (start, end) = (reached(start)?, reached(end)?);
        Ok(match end.checked_duration_since(start) {
            Some(later) => later.as_secs_f32() * 1e3,
            None => start.duration_since(end).as_secs_f32() * -1e3,
        })
    }
}
