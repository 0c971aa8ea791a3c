//! The procedure `slices`: a sequence that is too long to be run at once, in slices that are run and checked.
//!
//! Dilated attention is within segments, so a slice that holds whole segments is a problem of its own: nothing outside it
//! matters. Slices spread over the sequence are run, each with numbers of its own, held against the reference and timed. What
//! the whole sequence takes is multiplied up and is said to be `extrapolated`, unless every slice was run.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use pipe_kernels::{Implementation, Op};
use pipe_model::{Basis, Case, DeviceKind, Measurement, Metric, Status};
use pipe_simt::Counts;

use super::{Runner, parameter, row, timed};
use crate::{Failure, Job, Observer, Sampling, device::Trial, op};

impl Runner {
    /// Runs, checks and times slices of a case; `Break` where it was stopped.
    pub(super) fn measure_slices(
        &mut self,
        implementation: &Implementation,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Vec<Measurement>>, Failure> {
        let Sliced { case, length, count, chosen } = Sliced::of(implementation.op(), &job.case)?;
        let plan = implementation.plan(&case)?;
        let module = self.modules.get(implementation)?;
        let mut trial = Trial::new(&self.device, &module, &plan)?;
        let spent = &mut self.spent;

        let (mut times, mut errors, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for slice in &chosen {
            let problem = timed(&mut spent.checks, || op::slice(implementation.op(), &case, *slice))?;
            trial.fill(&problem.inputs)?;
            let recording = errors.is_empty();
            let (ran, launches) = timed(&mut spent.launches, || match recording {
                true => pipe_driver::embedded::record_launches(|| trial.run()),
                false => (trial.run(), Vec::new()),
            });
            ran?;
            counted.extend(launches);
            let output = trial.outputs()?;
            let checked = timed(&mut spent.checks, || problem.check(&output));
            errors.push(checked.map_err(|mismatch| Failure {
                message: format!("slice {slice} of {count}: {mismatch}"),
                ..Failure::from(mismatch)
            })?);
            let warm_ups = if recording { sampling.warm_ups } else { 0 };
            for _ in 0..warm_ups {
                timed(&mut spent.launches, || trial.run())?;
            }
            let nanoseconds = timed(&mut spent.launches, || trial.time())?;
            times.push(nanoseconds);
            observer.sample_taken(job, times.len(), nanoseconds);
            if stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
        }

        let run = chosen.len() as u64;
        let from = format!("from {run} of {count} slices of {length} tokens, which ran and were checked");
        let whole = |metric: Metric, value: f64| {
            let row = row(job, metric, Basis::Extrapolated, vec![value]);
            Measurement { message: from.clone(), ..row }
        };
        let time = pipe_stats::Summary::of(&times).map_or(0.0, |summary| summary.median);
        let total = match run == count {
            true => row(job, self.primary_metric(), Basis::Measured, vec![times.iter().sum()]),
            false => whole(self.primary_metric(), time * count as f64),
        };
        let mut rows = vec![
            row(job, Metric::SLICE_TIME, Basis::Measured, times),
            row(job, Metric::PEAK_MEMORY, Basis::Measured, vec![plan.bytes() as f64]),
            row(job, Metric::RELATIVE_ERROR, Basis::Measured, errors),
            total,
        ];
        if self.device.kind() == DeviceKind::Embedded {
            let counts: Counts = counted.iter().map(|launch| launch.counts).sum();
            let all = counts.iter().chain([("launches", counted.len() as u64)]);
            rows.extend(
                all.filter_map(|(name, value)| Some(whole(name.parse().ok()?, (value * count) as f64))),
            );
        }
        Ok(ControlFlow::Continue(rows))
    }
}

/// What of a sequence is run.
#[derive(Debug, PartialEq, Eq)]
struct Sliced {
    /// The problem that a slice is.
    case: Case,
    /// Tokens of a slice.
    length: u64,
    /// Slices of the sequence.
    count: u64,
    /// Those that are run.
    chosen: Vec<u64>,
}

impl Sliced {
    /// As the parameters `slice_len` and `slices` of a case say.
    fn of(op: Op, case: &Case) -> Result<Self, Failure> {
        if op == Op::Attention {
            let message = "full attention is over the whole sequence and has no slices; see `ring-steps`";
            return Err(Failure { status: Status::Skipped, message: message.to_owned() });
        }
        let (length, slices) = (parameter(case, "slice_len")?, parameter(case, "slices")?);
        let seq_len = case.seq_len.unwrap_or(0);
        if seq_len == 0 || !seq_len.is_multiple_of(length) {
            return Err(Failure::error(format!("seq_len {seq_len} is not a multiple of slice_len {length}")));
        }
        let count = seq_len / length;
        let mut slice = Case { seq_len: Some(length), ..case.clone() };
        slice.parameters.retain(|name, _| name != "slice_len" && name != "slices");
        Ok(Self { case: slice, length, count, chosen: spread(count, slices) })
    }
}

/// So many of the numbers below `count` as evenly apart as can be, the first and the last among them.
pub(super) fn spread(count: u64, wanted: u64) -> Vec<u64> {
    match wanted.min(count) {
        0 | 1 => vec![0],
        wanted => (0..wanted).map(|number| number * (count - 1) / (wanted - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_spread_over_the_sequence() {
        assert_eq!(spread(512, 3), [0, 255, 511]);
        assert_eq!(spread(4, 4), [0, 1, 2, 3]);
        assert_eq!(spread(4, 100), [0, 1, 2, 3]);
        assert_eq!(spread(9, 1), [0]);
    }
}
