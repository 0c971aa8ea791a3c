//! Rings of participants, and the procedure `ring-steps`: some steps of one participant of a ring that is too long to be gone
//! round.
//!
//! Every participant has the queries of one chunk of the sequence; keys and values go round, a chunk a step, and the state of the
//! online softmax is carried from step to step. What a participant holds is bounded by the chunk, however long the sequence is.
//!
//! An implementation can be a participant where its manifest has the parameters `ring_size` and `ring_queries`: it launches
//! once a step, step `s` sees the keys of chunk `s` alone, and only the first `ring_queries` positions are computed.

use std::{ops::ControlFlow, sync::atomic::AtomicBool, time::Instant};

use pipe_kernels::{Implementation, Plan};
use pipe_model::{Basis, Case, Measurement, Metric, Status};

use super::{Runner, parameter, row, slices::spread, timed};
use crate::{
    Failure, Job, Observer, Sampling,
    device::RingPart,
    op::{self, Problem},
};

/// What each participant of a ring does.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) plan: Plan,
    /// Tokens of a chunk.
    pub(super) chunk: u64,
    /// Bytes of a chunk of any tensor.
    pub(super) chunk_bytes: u64,
}

impl Ring {
    /// A ring of `size` participants on a case.
    pub(super) fn of(implementation: &Implementation, case: &Case, size: u64) -> Result<Self, Failure> {
        if !["ring_size", "ring_queries"].iter().all(|name| implementation.has_parameter(name)) {
            let name = implementation.name();
            let message =
                format!("{name} cannot be part of a ring: its manifest has no ring_size and ring_queries");
            return Err(Failure { status: Status::Skipped, message });
        }
        let seq_len = case.seq_len.unwrap_or(0);
        if size == 0 || seq_len == 0 || !seq_len.is_multiple_of(size) {
            return Err(Failure::error(format!(
                "seq_len {seq_len} cannot be cut into {size} chunks of one size"
            )));
        }
        let chunk = seq_len / size;
        let mut of_ring = case.clone();
        for (name, value) in [("ring_size", size), ("ring_queries", chunk)] {
            of_ring.parameters.insert(name.to_owned(), value.to_string());
        }
        let plan = implementation.plan(&of_ring)?;
        if plan.launches.len() as u64 != size {
            let launches = plan.launches.len();
            return Err(Failure::error(format!(
                "a ring of {size} is {launches} launches; it must be one a step"
            )));
        }
        let row_elements = case.num_heads.unwrap_or(1) * case.head_dim.unwrap_or(1);
        let chunk_bytes = chunk * row_elements * case.dtype.map_or(1, pipe_model::Dtype::size);
        Ok(Self { plan, chunk, chunk_bytes })
    }

    /// Chunk `number` of an input.
    pub(super) fn chunk_of<'a>(&self, problem: &'a Problem, name: &str, number: usize) -> Option<&'a [u8]> {
        let input = problem.inputs.iter().find(|input| input.name == name)?;
        let bytes = self.chunk_bytes as usize;
        input.content.get(number * bytes..(number + 1) * bytes)
    }

    /// Bytes that a participant has on its device.
    pub(super) fn bytes(&self) -> u64 {
        RingPart::bytes(&self.plan, self.chunk_bytes)
    }
}

/// The case with another length, which every segment spans: what a ring goes round.
pub(super) fn with_length(case: &Case, seq_len: u64) -> Case {
    let mut case = Case { seq_len: Some(seq_len), ..case.clone() };
    if let Some(lengths) = case.parameters.get_mut("segment_lengths") {
        let count = lengths.split(',').count();
        *lengths = vec![seq_len.to_string(); count].join(",");
    }
    case.parameters.retain(|name, _| !["ring_size", "steps", "devices"].contains(&name.as_str()));
    case
}

impl Runner {
    /// Runs steps of one participant, checks what they compute and times them; `Break` where it was stopped.
    ///
    /// The first and the last step are among those that run, so that positions reach the end of the sequence. Together they
    /// are the attention of the chunk's queries to the keys of so many chunks, which the reference computes, too.
    pub(super) fn measure_ring_steps(
        &mut self,
        implementation: &Implementation,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Vec<Measurement>>, Failure> {
        let size = parameter(&job.case, "ring_size")?;
        let ring = Ring::of(implementation, &job.case, size)?;
        let labels = spread(size, parameter(&job.case, "steps")?);
        let seen = with_length(&job.case, ring.chunk * labels.len() as u64);
        let module = self.modules.get(implementation)?;
        let mut part = RingPart::new(&self.device, &module, &ring.plan, ring.chunk_bytes)?;
        let spent = &mut self.spent;
        let problem = timed(&mut spent.checks, || op::problem(implementation.op(), &seen))?;

        let chunk = |number: usize| {
            let (ring, problem) = (&ring, &problem);
            move |name: &str| ring.chunk_of(problem, name, number)
        };
        let mut turn = |part: &mut RingPart<'_>| -> Result<f64, Failure> {
            part.begin(chunk(0))?;
            let begin = Instant::now();
            for (number, label) in labels.iter().enumerate() {
                part.launch(*label as usize, number)?;
                if number + 1 < labels.len() {
                    part.receive(number + 1, chunk(number + 1))?;
                }
                part.wait()?;
            }
            let elapsed = begin.elapsed();
            spent.launches += elapsed;
            Ok(elapsed.as_nanos() as f64 / labels.len() as f64)
        };
        turn(&mut part)?;
        let relative_error = problem.check_beginning(&part.output()?)?;
        let samples = sampling.collect(stop, |taken| {
            let nanoseconds = turn(&mut part)?;
            observer.sample_taken(job, taken + 1, nanoseconds);
            Ok::<_, Failure>(nanoseconds)
        })?;
        let ControlFlow::Continue(samples) = samples else { return Ok(ControlFlow::Break(())) };

        let (run, chunk) = (labels.len(), ring.chunk);
        let from = format!(
            "from {run} of {size} steps of one of {size} participants with {chunk} tokens each, which ran and were checked"
        );
        let step = pipe_stats::Summary::of(&samples).map_or(0.0, |summary| summary.median);
        let extrapolated = |metric, value| {
            let row = row(job, metric, Basis::Extrapolated, vec![value]);
            Measurement { message: from.clone(), ..row }
        };
        let size = size as f64;
        Ok(ControlFlow::Continue(vec![
            row(job, Metric::RING_STEP_TIME, Basis::Measured, samples),
            row(job, Metric::PEAK_MEMORY, Basis::Measured, vec![ring.bytes() as f64]),
            row(job, Metric::RELATIVE_ERROR, Basis::Measured, vec![relative_error]),
            extrapolated(Metric::RING_TIME, step * size),
            extrapolated(self.primary_metric(), step * size * size),
        ]))
    }
}
