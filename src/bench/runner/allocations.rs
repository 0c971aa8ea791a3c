//! The procedure `allocations`: a trace replayed twice by an allocator that begins with nothing. The second pass asks for
//! what the first gave back.
//!
//! Every buffer is filled with words of its own and read back before it is given back, so that two buffers in one place,
//! or one beyond its memory, are seen. Only an allocator that passes is timed, without the filling and the reading.

use std::{ops::ControlFlow, sync::atomic::AtomicBool};

use pipe_model::{Basis, Measurement, Metric, Status};

use super::{Runner, row, timed};
use crate::{
    Device, Failure, Job, Observer, Sampling,
    allocation::{Held, Strategy, Trace, Visitor, replay},
    device::{Allocator, Figures},
};

impl Runner {
    /// Checks a strategy on the trace of a case and times it; `Break` where it was stopped.
    pub(super) fn measure_allocations(
        &mut self,
        strategy: Strategy,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Vec<Measurement>>, Failure> {
        let trace = Trace::of(&job.case)?;
        let device = &self.device;
        // What the device keeps for the buffers of other cases is not this allocator's.
        device.trim();

        let survey = timed(&mut self.spent.checks, || survey(strategy, &trace, device))?;
        let calls = trace.allocations as f64;
        let (mut reuse, mut free) = (Vec::new(), Vec::new());
        let allocation = sampling.collect(stop, |taken| {
            let (first, second) = timed(&mut self.spent.launches, || {
                let mut allocator = strategy.fresh(device)?;
                let first = replay(&trace, &mut *allocator, &mut ())?;
                Ok::<_, Failure>((first, replay(&trace, &mut *allocator, &mut ())?))
            })?;
            reuse.push(second.allocating as f64 / calls);
            free.push((first.freeing + second.freeing) as f64 / (2.0 * calls));
            let nanoseconds = first.allocating as f64 / calls;
            observer.sample_taken(job, taken + 1, nanoseconds);
            Ok::<_, Failure>(nanoseconds)
        })?;
        let ControlFlow::Continue(allocation) = allocation else { return Ok(ControlFlow::Break(())) };

        let Survey { peak_live, peak_reserved, figures, .. } = survey;
        let one = |metric, value: f64| row(job, metric, Basis::Measured, vec![value]);
        let mut rows = vec![
            row(job, Metric::ALLOCATION_TIME, Basis::Measured, allocation),
            row(job, Metric::REUSE_TIME, Basis::Measured, reuse),
            row(job, Metric::FREE_TIME, Basis::Measured, free),
            one(Metric::FRAGMENTATION, 1.0 - peak_live as f64 / peak_reserved.max(peak_live) as f64),
            one(Metric::PEAK_MEMORY, peak_reserved as f64),
            one(Metric::LIVE_MEMORY, peak_live as f64),
        ];
        let counts = [
            (Metric::DEVICE_ALLOCATIONS, figures.device_allocations),
            (Metric::HOT_CACHE_HITS, figures.hot_cache_hits),
        ];
        rows.extend(counts.into_iter().filter_map(|(metric, count)| Some(one(metric, count? as f64))));
        Ok(ControlFlow::Continue(rows))
    }
}

/// Replays a trace twice with every buffer written and read back.
fn survey<'a>(strategy: Strategy, trace: &Trace, device: &'a Device) -> Result<Survey<'a>, Failure> {
    let mut allocator = strategy.fresh(device)?;
    let mut survey = Survey::new(device);
    for pass in 0..2 {
        survey.pass = pass;
        replay(trace, &mut *allocator, &mut survey)?;
    }
    survey.figures = figures(&*allocator)?;
    Ok(survey)
}

fn figures(allocator: &dyn Allocator) -> Result<Figures, Failure> {
    allocator.figures().map_err(|error| Failure::of_driver(error, "asking how much memory is reserved"))
}

/// What is seen of an allocator while every buffer is written and read back.
struct Survey<'a> {
    device: &'a Device,
    pass: u32,
    live: u64,
    peak_live: u64,
    peak_reserved: u64,
    figures: Figures,
    /// What was read last.
    words: Vec<u32>,
}

impl<'a> Survey<'a> {
    fn new(device: &'a Device) -> Self {
        Self {
            device,
            pass: 0,
            live: 0,
            peak_live: 0,
            peak_reserved: 0,
            figures: Figures::default(),
            words: Vec::new(),
        }
    }

    /// The word that fills a buffer: another for every buffer and pass.
    fn word(&self, held: Held) -> u32 {
        (2 * held.buffer as u32 + self.pass + 1).wrapping_mul(0x9e37_79b9)
    }
}

impl Visitor for Survey<'_> {
    fn allocated(&mut self, allocator: &dyn Allocator, held: Held) -> Result<(), Failure> {
        self.live += held.bytes;
        self.peak_live = self.peak_live.max(self.live);
        self.peak_reserved = self.peak_reserved.max(figures(allocator)?.reserved_bytes);
        self.device.fill_words(held.address, held.bytes, self.word(held))
    }

    fn freeing(&mut self, held: Held) -> Result<(), Failure> {
        self.live -= held.bytes;
        self.words.resize(held.bytes as usize / 4, 0);
        self.device.read_words(held.address, &mut self.words)?;
        let expected = self.word(held);
        let Some((at, found)) = self.words.iter().enumerate().find(|(_, word)| **word != expected) else {
            return Ok(());
        };
        let Held { buffer, bytes, .. } = held;
        let message = format!(
            "buffer {buffer} of {bytes} bytes reads {found:#010x} at byte {}, {expected:#010x} was written: another buffer \
             lies over it",
            4 * at
        );
        Err(Failure { status: Status::WrongResult, message })
    }
}
