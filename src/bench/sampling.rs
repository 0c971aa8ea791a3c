//! How many samples to take of one case.
//!
//! Sampling ends when the median is known well enough or the time for the case is used up, as in NVBench: a
//! steady kernel takes few samples, a noisy one as many as its budget allows. Nothing is thrown away
//! afterwards.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use pipe_kernels::Profile;
use pipe_model::DeviceKind;
use pipe_stats::median_interval;

/// Confidence of the median's interval.
pub const CONFIDENCE: f64 = 0.95;

/// When enough samples of a case are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Runs before the first sample, beside the one whose result is checked.
    pub warm_ups: usize,
    /// Never fewer samples, however long they take.
    pub min_samples: usize,
    /// Never more samples.
    pub max_samples: usize,
    /// Enough when the median's confidence interval, high − low, is narrower than this share of the median.
    pub relative_width: f64,
    /// Enough when the case has been sampled for this long.
    pub budget: Duration,
}

impl Sampling {
    /// The limits that suit a device and a profile.
    ///
    /// A GPU's samples are short and many. The embedded device's are long, and its times are a by-product of
    /// exact counts: three say whether something is off.
    pub fn of(kind: DeviceKind, profile: Profile) -> Self {
        let budget = match profile {
            Profile::Quick => Duration::from_millis(500),
            Profile::Standard => Duration::from_secs(2),
            Profile::Full => Duration::from_secs(10),
        };
        match kind {
            DeviceKind::Embedded => {
                Self { warm_ups: 0, min_samples: 3, max_samples: 50, relative_width: 0.02, budget }
            }
            DeviceKind::Cuda | DeviceKind::Imported => {
                Self { warm_ups: 3, min_samples: 20, max_samples: 10_000, relative_width: 0.01, budget }
            }
        }
    }

    /// Takes samples until there are enough; `Break` where `stop` was raised before that.
    ///
    /// # Errors
    /// The first error of `take`.
    pub(crate) fn collect<E>(
        &self,
        stop: &AtomicBool,
        mut take: impl FnMut(usize) -> Result<f64, E>,
    ) -> Result<ControlFlow<(), Vec<f64>>, E> {
        let begin = Instant::now();
        let mut samples = Vec::new();
        // The interval is looked at whenever there is a tenth more to see: sorting at every sample would cost
        // more than short samples.
        let mut next_look = self.min_samples;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            samples.push(take(samples.len())?);
            let enough = samples.len() >= self.min_samples
                && (samples.len() >= self.max_samples || begin.elapsed() >= self.budget);
            if enough {
                return Ok(ControlFlow::Continue(samples));
            }
            if samples.len() >= next_look {
                next_look = samples.len() + samples.len().div_ceil(10);
                let interval = median_interval(&samples, CONFIDENCE);
                if interval.is_some_and(|interval| interval.relative_width() <= self.relative_width) {
                    return Ok(ControlFlow::Continue(samples));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const LIMITS: Sampling = Sampling {
        warm_ups: 0,
        min_samples: 3,
        max_samples: 1000,
        relative_width: 0.05,
        budget: Duration::from_secs(3600),
    };

    fn count(limits: Sampling, mut sample: impl FnMut(usize) -> f64) -> usize {
        let taken = limits.collect(&AtomicBool::new(false), |n| Ok::<_, Infallible>(sample(n)));
        match taken.unwrap() {
            ControlFlow::Continue(samples) => samples.len(),
            ControlFlow::Break(()) => panic!("nobody said stop"),
        }
    }

    #[test]
    fn a_steady_kernel_takes_as_few_as_an_interval_needs() {
        // 95 % confidence needs six samples.
        assert_eq!(count(LIMITS, |_| 100.0), 6);
    }

    #[test]
    fn a_noisy_kernel_takes_more_until_the_median_is_known() {
        let mut state = 1_u32;
        let taken = count(LIMITS, |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            100.0 + f64::from(state >> 16) / 65536.0 * 40.0
        });
        assert!((20..1000).contains(&taken), "{taken}");
    }

    #[test]
    fn an_endless_argument_ends() {
        let wild = |n: usize| if n.is_multiple_of(2) { 1.0 } else { 1000.0 };
        assert_eq!(count(LIMITS, wild), 1000);
        assert_eq!(
            count(Sampling { budget: Duration::ZERO, ..LIMITS }, wild),
            3,
            "but never fewer than three"
        );
    }

    #[test]
    fn a_stop_leaves_no_half_case() {
        let stop = AtomicBool::new(false);
        let taken = LIMITS.collect(&stop, |n| {
            stop.store(n == 1, Ordering::Relaxed);
            Ok::<_, Infallible>(1.0)
        });
        assert_eq!(taken, Ok(ControlFlow::Break(())));
    }

    #[test]
    fn a_failure_ends_it() {
        let taken = LIMITS.collect(&AtomicBool::new(false), |n| if n < 2 { Ok(1.0) } else { Err("trap") });
        assert_eq!(taken, Err("trap"));
    }
}
