//! Streams.
//!
//! Work runs where it is enqueued, on the thread that enqueues it, before the call returns. The order in
//! which calls are made is then the order in which they run: one of those that the order within streams,
//! events and the default stream allow. Two threads that use one stream take turns; threads with streams of
//! their own run side by side. What cannot be told from a GPU by its results differs in one way: a host
//! function that waits for something its enqueuing thread does later waits for ever.
//!
//! Failures of work are reported as CUDA does: the enqueuing call succeeds, the calls after it fail.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use crate::abi::*;
use crate::embedded::capture::Capture;
use crate::embedded::context::Context;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;
use crate::embedded::{Device, Driver};

/// Lowest priority of a stream, the default; greater numbers are lower priorities.
pub(crate) const LEAST_PRIORITY: i32 = 0;
/// Highest priority of a stream. Priorities are kept and change nothing: work never waits.
pub(crate) const GREATEST_PRIORITY: i32 = -5;

const FLAGS: u32 = 0x1; // CU_STREAM_NON_BLOCKING

/// `CU_STREAM_LEGACY` and `CU_STREAM_PER_THREAD`: other ways to name the default stream.
const DEFAULT_STREAMS: [CUstream; 3] = [CUstream::NULL, CUstream(1), CUstream(2)];

thread_local! {
    static IN_HOST_FUNCTION: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a host function of a stream.
pub(crate) fn in_host_function() -> bool {
    IN_HOST_FUNCTION.get()
}

/// A stream of a context.
pub(crate) struct Stream {
    pub(crate) context: CUcontext,
    pub(crate) flags: u32,
    pub(crate) priority: i32,
    /// Held while work of this stream runs.
    order: Mutex<()>,
    /// What it captures, if it does.
    pub(crate) capture: Mutex<Option<Capture>>,
}

impl Stream {
    pub(crate) fn new(context: CUcontext, flags: u32, priority: i32) -> Self {
        Self { context, flags, priority, order: Mutex::new(()), capture: Mutex::default() }
    }
}

impl Driver {
    /// Creates a stream in the current context. A priority out of range becomes the nearest.
    pub(crate) fn create_stream(&self, flags: u32, priority: i32) -> Answer<CUstream> {
        let context = self.context()?;
        if flags & !FLAGS != 0 {
            return Err(Failure::invalid_value(format!("stream flags {flags:#x} are not known")));
        }
        let handle = CUstream(self.numbers.next());
        let priority = priority.clamp(GREATEST_PRIORITY, LEAST_PRIORITY);
        self.streams.insert(handle, Stream::new(context.handle, flags, priority));
        Ok(handle)
    }

    /// Destroys a stream; its work is done.
    pub(crate) fn destroy_stream(&self, handle: CUstream) -> Answer {
        self.stream(handle)?;
        self.streams.remove(handle).map(drop).ok_or_else(|| Failure::invalid_handle("stream"))
    }

    /// A stream, the default one of the current context where the handle says so, and its context, which
    /// works.
    pub(crate) fn stream(&self, handle: CUstream) -> Answer<(Arc<Context>, Arc<Stream>)> {
        if DEFAULT_STREAMS.contains(&handle) {
            let context = self.context()?;
            let stream = Arc::clone(&context.default_stream);
            return Ok((context, stream));
        }
        let stream = self.streams.get(handle).ok_or_else(|| Failure::invalid_handle("stream"))?;
        let context = self.context_of(stream.context)?;
        context.check()?;
        Ok((context, stream))
    }

    /// Runs work in a stream's turn. What fails here is the call; a kernel that traps breaks the context
    /// instead.
    pub(crate) fn enqueue(&self, handle: CUstream, work: impl FnOnce(&Context, &Device) -> Answer) -> Answer {
        self.refuse_capture(handle)?;
        let (context, stream) = self.stream(handle)?;
        let _turn = lock(&stream.order);
        work(&context, self.device_of(&context))
    }

    /// Runs a host function in a stream's turn; it must not call the driver.
    pub(crate) fn run_on_host(&self, handle: CUstream, function: impl FnOnce()) -> Answer {
        /// Ends the host function's part of the thread's time, even by a panic.
        struct Running;
        impl Drop for Running {
            fn drop(&mut self) {
                IN_HOST_FUNCTION.set(false);
            }
        }

        self.enqueue(handle, |_, _| {
            IN_HOST_FUNCTION.set(true);
            let _running = Running;
            function();
            Ok(())
        })
    }

    /// Waits for a stream's work: that of other threads, since this thread's is done.
    pub(crate) fn synchronize_stream(&self, handle: CUstream) -> Answer {
        self.refuse_capture(handle)?;
        let (context, stream) = self.stream(handle)?;
        drop(lock(&stream.order));
        self.flush_prints();
        context.check()
    }

    /// Waits for the work of all streams of the current context.
    pub(crate) fn synchronize_context(&self) -> Answer {
        self.synchronize(&*self.context()?)
    }

    /// Waits for the work of all streams of a context.
    pub(crate) fn synchronize(&self, context: &Context) -> Answer {
        drop(lock(&context.default_stream.order));
        for stream in self.streams.all_if(|stream| stream.context == context.handle) {
            drop(lock(&stream.order));
        }
        self.flush_prints();
        context.check()
    }

    /// Whether a stream's work is done.
    pub(crate) fn query_stream(&self, handle: CUstream) -> Answer {
        self.refuse_capture(handle)?;
        let (context, stream) = self.stream(handle)?;
        match stream.order.try_lock() {
            Err(std::sync::TryLockError::WouldBlock) => {
                Err(Failure::new(CUDA_ERROR_NOT_READY, "the stream has work left"))
            }
            _ => context.check(),
        }
    }
}
