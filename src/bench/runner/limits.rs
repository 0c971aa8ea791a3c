//! The procedure `limits`: the longest sequence that the device's memory holds, found by bisection.
//!
//! The case's own length is run and checked like any other; it is also the step of the search. Every probe really allocates
//! all that the launch plan needs, and is a row, one that does not fit with the status `out_of_memory`. Nothing is launched at
//! the longer lengths: an allocation does not depend on what is in it.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use pipe_kernels::Implementation;
use pipe_model::{Basis, Case, Measurement, Metric, Status};

use super::{Runner, row};
use crate::{
    Failure, Job, Observer, Sampling,
    device::{Module, Trial},
};

/// No sequence is longer, so that the search ends where memory never does.
const LONGEST: u64 = 1 << 40;

impl Runner {
    /// Checks a case, then looks for the longest sequence of its kind; `Break` where it was stopped.
    pub(super) fn measure_limit(
        &mut self,
        implementation: &Implementation,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Vec<Measurement>>, Failure> {
        let Some(step) = job.case.seq_len else {
            return Err(Failure::error("the procedure `limits` takes cases with a seq_len"));
        };
        let once = Sampling { warm_ups: 0, min_samples: 1, max_samples: 1, ..*sampling };
        let ControlFlow::Continue(mut rows) = self.measure(implementation, job, &once, stop, observer)?
        else {
            return Ok(ControlFlow::Break(()));
        };
        let module = self.modules.get(implementation)?;

        let mut probes = Vec::new();
        let mut fits = |steps: u64| {
            let case = Case { seq_len: Some(step * steps), ..job.case.clone() };
            let probe = self.probe(implementation, &module, &case)?;
            let fits = probe.is_ok();
            probes.push((case, probe));
            Ok::<_, Failure>(fits)
        };
        // Doubled until something does not fit, then halved between the two.
        let (mut low, mut high) = (1, 2);
        while step * high <= LONGEST && fits(high)? {
            (low, high) = (high, 2 * high);
        }
        while high - low > 1 && step * high <= LONGEST {
            if stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            let middle = low + (high - low) / 2;
            if fits(middle)? { low = middle } else { high = middle }
        }

        for (case, probe) in &probes {
            let row = row(job, Metric::PEAK_MEMORY, Basis::Measured, Vec::new());
            rows.push(match probe {
                Ok(bytes) => Measurement { case: case.clone(), samples: vec![*bytes as f64], ..row },
                Err(Failure { status, message }) => {
                    Measurement { case: case.clone(), status: *status, message: message.clone(), ..row }
                }
            });
        }
        let limit = step * low;
        let refused = probes.iter().find(|(case, _)| case.seq_len == Some(step * high));
        let why = refused.and_then(|(_, probe)| probe.as_ref().err());
        let why =
            why.map_or_else(|| "longer ones were not tried".to_owned(), |failure| failure.message.clone());
        rows.push(Measurement {
            case: Case { seq_len: None, ..job.case.clone() },
            message: format!(
                "allocated at {limit}, launched and checked at {step}; at {}: {why}",
                step * high
            ),
            ..row(job, Metric::MAX_SEQ_LEN, Basis::Measured, vec![limit as f64])
        });
        Ok(ControlFlow::Continue(rows))
    }

    /// The bytes that a case takes, all of them allocated at once, or why it does not fit.
    fn probe(
        &self,
        implementation: &Implementation,
        module: &Module,
        case: &Case,
    ) -> Result<Result<u64, Failure>, Failure> {
        // Nothing that is kept for later takes room away.
        self.device.trim();
        let probe = implementation.plan(case).map_err(Failure::from).and_then(|plan| {
            Trial::new(&self.device, module, &plan)?;
            Ok(plan.bytes())
        });
        match probe {
            Err(failure) if !matches!(failure.status, Status::OutOfMemory | Status::Skipped) => Err(failure),
            outcome => Ok(outcome),
        }
    }
}
