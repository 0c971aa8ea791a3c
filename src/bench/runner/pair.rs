//! Two commits in one process: both kernels loaded, their samples taken in turns, so that whatever drifts hits both alike.
//!
//! Samples come in blocks of four, base-new-new-base or new-base-base-new as a coin decides: over a block a linear drift
//! cancels, and the coin keeps in step with nothing periodic.

use std::{
    ops::ControlFlow,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use oorandom::Rand32;
use pipe_kernels::Plan;
use pipe_model::Measurement;
use pipe_stats::ratio_interval;

use super::{Outcome, Runner, TimeSpent, timed};
use crate::{
    CONFIDENCE, Device, Failure, Job, Observer, Sampling, Schedule,
    device::{Module, Trial},
    op::Problem,
};

/// What a paired run produced: the rows of each side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairedOutcome {
    /// Of the base.
    pub base: Outcome,
    /// Of what is compared with it.
    pub new: Outcome,
}

/// The samples of the two sides.
#[derive(Debug, Default)]
struct Samples {
    base: Vec<f64>,
    new: Vec<f64>,
}

impl Runner {
    /// Runs the jobs of both schedules, those of the same implementation and case in turns; a job without a partner runs alone.
    /// Until the end, or until `stop` is raised: then what is finished is returned.
    pub fn run_paired(
        &mut self,
        base: &Schedule,
        new: &Schedule,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> PairedOutcome {
        let begin = Instant::now();
        self.spent = TimeSpent::default();
        let mut outcome = PairedOutcome::default();
        for job in &new.jobs {
            let partner = base
                .jobs
                .iter()
                .find(|other| other.implementation == job.implementation && other.case == job.case);
            observer.job_started(job);
            let Some((mut of_base, mut of_new)) = self.pair(partner, job, sampling, stop, observer) else {
                (outcome.base.interrupted, outcome.new.interrupted) = (true, true);
                break;
            };
            base.keep_recorded(&mut of_base);
            new.keep_recorded(&mut of_new);
            observer.job_finished(job, &of_new);
            outcome.base.measurements.extend(of_base);
            outcome.new.measurements.extend(of_new);
        }
        self.spent.total = begin.elapsed();
        outcome.new.spent = self.spent;
        outcome
    }

    /// The rows of both sides; `None` where the run was stopped.
    fn pair(
        &mut self,
        base: Option<&Job>,
        new: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Option<(Vec<Measurement>, Vec<Measurement>)> {
        let Some(base) = base else {
            return Some((Vec::new(), self.rows_of(new, sampling, stop, observer)?));
        };
        if !(base.is_timed() && new.is_timed()) {
            let of_base = self.rows_of(base, sampling, stop, &mut ())?;
            return Some((of_base, self.rows_of(new, sampling, stop, observer)?));
        }
        // Checked and counted alone first: a wrong kernel is never timed.
        let once = Sampling { warm_ups: 0, min_samples: 1, max_samples: 1, ..*sampling };
        let mut of_base = self.rows_of(base, &once, stop, &mut ())?;
        let mut of_new = self.rows_of(new, &once, stop, &mut ())?;
        let metric = self.primary_metric();
        let is_timed = |row: &Measurement| row.metric == metric && !row.samples.is_empty();
        if !of_base.iter().any(is_timed) || !of_new.iter().any(is_timed) {
            // One side has nothing to be compared with; the other is measured as ever.
            for (job, rows) in [(base, &mut of_base), (new, &mut of_new)] {
                if rows.iter().any(is_timed) {
                    *rows = self.rows_of(job, sampling, stop, observer)?;
                }
            }
            return Some((of_base, of_new));
        }
        let sampled = self.sample_in_turns(base, new, sampling, stop, observer);
        self.recover();
        match sampled {
            Ok(ControlFlow::Continue(samples)) => {
                for (rows, samples) in [(&mut of_base, samples.base), (&mut of_new, samples.new)] {
                    if let Some(row) = rows.iter_mut().find(|row| is_timed(row)) {
                        row.samples = samples;
                    }
                }
                Some((of_base, of_new))
            }
            Ok(ControlFlow::Break(())) => None,
            // Both at once do not fit, or do not run beside each other: one after the other, then.
            Err(_) => Some((
                self.rows_of(base, sampling, stop, observer)?,
                self.rows_of(new, sampling, stop, observer)?,
            )),
        }
    }

    fn sample_in_turns(
        &mut self,
        base: &Job,
        new: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Samples>, Failure> {
        let (of_base, of_new) = (self.ready(base)?, self.ready(new)?);
        let (mut of_base, mut of_new) = (of_base.trial(&self.device)?, of_new.trial(&self.device)?);
        let spent = &mut self.spent;
        for _ in 0..sampling.warm_ups {
            timed(&mut spent.launches, || of_base.run())?;
            timed(&mut spent.launches, || of_new.run())?;
        }
        in_turns(sampling, stop, |is_new, taken| {
            let trial = if is_new { &mut of_new } else { &mut of_base };
            let nanoseconds = timed(&mut spent.launches, || trial.time())?;
            if is_new {
                observer.sample_taken(new, taken + 1, nanoseconds);
            }
            Ok(nanoseconds)
        })
    }

    /// Loads what a job needs.
    fn ready(&mut self, job: &Job) -> Result<Ready, Failure> {
        let unfit = || Failure::error(format!("'{}' has no kernels to time in turns", job.implementation));
        let implementation = job.subject.kernels().ok_or_else(unfit)?;
        let plan = implementation.plan(&job.case)?;
        let problem = self.problem(implementation, &plan, &job.case)?;
        Ok(Ready { plan, module: self.modules.get(implementation)?, problem })
    }
}

/// A job's plan, its loaded kernels and its inputs.
struct Ready {
    plan: Plan,
    module: Module,
    problem: Rc<Problem>,
}

impl Ready {
    /// The job with its memory filled.
    fn trial<'a>(&'a self, device: &'a Device) -> Result<Trial<'a>, Failure> {
        let mut trial = Trial::new(device, &self.module, &self.plan)?;
        trial.fill(&self.problem.inputs)?;
        Ok(trial)
    }
}

/// Takes samples of both sides in blocks until the ratio of their medians is known as well as the limits ask for, or their time
/// (twice that of one side) is used up; `Break` where `stop` was raised before that.
fn in_turns<E>(
    sampling: &Sampling,
    stop: &AtomicBool,
    mut take: impl FnMut(bool, usize) -> Result<f64, E>,
) -> Result<ControlFlow<(), Samples>, E> {
    let begin = Instant::now();
    let mut coin = Rand32::new(1);
    let mut samples = Samples::default();
    let mut next_look = sampling.min_samples;
    loop {
        let first = coin.rand_u32() & 1 == 1;
        for is_new in [first, !first, !first, first] {
            if stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            let side = if is_new { &mut samples.new } else { &mut samples.base };
            let sample = take(is_new, side.len())?;
            side.push(sample);
        }
        let count = samples.new.len();
        if count < sampling.min_samples {
            continue;
        }
        if count >= sampling.max_samples || begin.elapsed() >= 2 * sampling.budget {
            return Ok(ControlFlow::Continue(samples));
        }
        if count >= next_look {
            next_look = count + count.div_ceil(10);
            let interval = ratio_interval(&samples.base, &samples.new, CONFIDENCE);
            if interval.is_some_and(|i| (i.high - i.low) / i.ratio <= sampling.relative_width) {
                return Ok(ControlFlow::Continue(samples));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use super::*;

    const LIMITS: Sampling = Sampling {
        warm_ups: 0,
        min_samples: 3,
        max_samples: 400,
        relative_width: 0.01,
        budget: Duration::from_secs(3600),
    };

    fn taken(mut sample: impl FnMut(bool) -> f64) -> Samples {
        let never = AtomicBool::new(false);
        match in_turns(&LIMITS, &never, |is_new, _| Ok::<_, Infallible>(sample(is_new))).unwrap() {
            ControlFlow::Continue(samples) => samples,
            ControlFlow::Break(()) => panic!("nobody said stop"),
        }
    }

    #[test]
    fn every_block_has_both_sides_twice_and_either_may_be_first() {
        let mut order = Vec::new();
        let mut noise = Rand32::new(9);
        taken(|is_new| {
            order.push(is_new);
            100.0 + f64::from(noise.rand_range(0..60))
        });
        let blocks: Vec<&[bool]> = order.chunks(4).collect();
        assert!(
            blocks.iter().all(|block| block[0] == block[3] && block[1] == block[2] && block[0] != block[1])
        );
        let first_new = blocks.iter().filter(|block| block[0]).count();
        assert!(
            (blocks.len() / 4..3 * blocks.len() / 4).contains(&first_new),
            "{first_new} of {}",
            blocks.len()
        );
    }

    /// A clock that slows down by a third while samples are taken: one side after the other would differ by much.
    #[test]
    fn drift_hits_both_sides_alike() {
        let mut time = 0.0;
        let samples = taken(|is_new| {
            time += 1.0;
            (if is_new { 110.0 } else { 100.0 }) * (1.0 + time / 2400.0)
        });
        let ratio = ratio_interval(&samples.base, &samples.new, 0.95).unwrap();
        assert!((ratio.ratio - 1.1).abs() < 0.002, "{ratio:?}");
        assert_eq!(samples.base.len(), samples.new.len());
    }

    #[test]
    fn steady_sides_take_as_few_as_an_interval_needs() {
        assert_eq!(taken(|is_new| if is_new { 2.0 } else { 1.0 }).new.len(), 6);
    }

    #[test]
    fn a_stop_leaves_no_half_pair() {
        let stop = AtomicBool::new(false);
        let taken = in_turns(&LIMITS, &stop, |_, taken| {
            stop.store(taken == 1, Ordering::Relaxed);
            Ok::<_, Infallible>(1.0)
        });
        assert!(matches!(taken, Ok(ControlFlow::Break(()))));
    }
}
