//! Strategies by name, and a trace replayed with one of them.

use std::{fmt, str::FromStr, time::Instant};

use cust::error::CudaResult;

use super::{Event, Trace};
use crate::{
    Device, Failure,
    device::{Allocator, AsyncAllocator, PlainAllocator, PoolAllocator},
};

/// Where device memory comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// `cuMemAlloc` and `cuMemFree` for every buffer.
    Plain,
    /// The driver's pool: `cuMemAllocAsync` and `cuMemFreeAsync`.
    DriverPool,
    /// [`pipe_pool::Pool`] over `cuMemAlloc`.
    BucketedPool,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: &[Strategy] = &[Strategy::Plain, Strategy::DriverPool, Strategy::BucketedPool];

    /// The name in a type's file and in the column `implementation`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Strategy::Plain => "plain",
            Strategy::DriverPool => "driver-pool",
            Strategy::BucketedPool => "bucketed-pool",
        }
    }

    /// An allocator that has nothing yet.
    pub(crate) fn fresh(self, device: &Device) -> Result<Box<dyn Allocator + '_>, Failure> {
        Ok(match self {
            Strategy::Plain => {
                let allocator = PlainAllocator::new();
                Box::new(allocator.map_err(|error| Failure::of_driver(error, "asking for the free memory"))?)
            }
            Strategy::DriverPool => Box::new(AsyncAllocator::new(device)?),
            Strategy::BucketedPool => Box::new(PoolAllocator::new()),
        })
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        Strategy::ALL.iter().copied().find(|strategy| strategy.as_str() == text).ok_or(UnknownStrategy)
    }
}

/// A name that no strategy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such strategy of allocation; there are plain, driver-pool, bucketed-pool")]
pub struct UnknownStrategy;

/// Nanoseconds of all calls of one pass over a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spent {
    pub(crate) allocating: u64,
    pub(crate) freeing: u64,
}

/// A buffer of a trace that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Its number in the trace.
    pub(crate) buffer: usize,
    pub(crate) address: u64,
    pub(crate) bytes: u64,
}

/// What is done with the buffers of a trace while it is replayed.
pub(crate) trait Visitor {
    /// A buffer was allocated.
    fn allocated(&mut self, allocator: &dyn Allocator, held: Held) -> Result<(), Failure>;
    /// A buffer is about to be given back.
    fn freeing(&mut self, held: Held) -> Result<(), Failure>;
}

/// Nothing is done: only the allocator's time counts.
impl Visitor for () {
    fn allocated(&mut self, _: &dyn Allocator, _: Held) -> Result<(), Failure> {
        Ok(())
    }
    fn freeing(&mut self, _: Held) -> Result<(), Failure> {
        Ok(())
    }
}

/// Replays a trace once. Whatever fails, nothing stays allocated.
pub(crate) fn replay(
    trace: &Trace,
    allocator: &mut dyn Allocator,
    visitor: &mut impl Visitor,
) -> Result<Spent, Failure> {
    let mut buffers: Vec<Option<Held>> = Vec::with_capacity(trace.allocations);
    let mut spent = Spent::default();
    let replayed = trace.events.iter().try_for_each(|event| match *event {
        Event::Allocate { bytes } => {
            let address = timed(&mut spent.allocating, || allocator.allocate(bytes)).map_err(|error| {
                Failure::of_driver(error, &format!("allocating buffer {} of {bytes} bytes", buffers.len()))
            })?;
            let held = Held { buffer: buffers.len(), address, bytes };
            buffers.push(Some(held));
            visitor.allocated(allocator, held)
        }
        Event::Free { buffer } => match buffers.get_mut(buffer).and_then(Option::take) {
            Some(held) => {
                let visited = visitor.freeing(held);
                timed(&mut spent.freeing, || allocator.free(held.address))
                    .map_err(|error| Failure::of_driver(error, &format!("giving buffer {buffer} back")))?;
                visited
            }
            None => Ok(()),
        },
    });
    for held in buffers.into_iter().flatten() {
        let _ = allocator.free(held.address);
    }
    replayed.map(|()| spent)
}

fn timed<T>(total: &mut u64, call: impl FnOnce() -> CudaResult<T>) -> CudaResult<T> {
    let begin = Instant::now();
    let result = call();
    *total += begin.elapsed().as_nanos() as u64;
    result
}
