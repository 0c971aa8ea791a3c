//! The numbers that describe a set of samples.

use crate::{mean, quantile, sorted};

/// What is stored beside the samples of a measurement. Everything is in the unit of the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many samples.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation, divisor n − 1; `None` for a single sample, whose spread nobody knows.
    pub std_dev: Option<f64>,
    /// Smallest sample.
    pub min: f64,
    /// First quartile. Quartiles and median as [`quantile`] defines them.
    pub q1: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub q3: f64,
    /// Largest sample.
    pub max: f64,
}

impl Summary {
    /// Summarises samples in any order.
    ///
    /// `None` for an empty slice, for a NaN or an infinity, and where mean or variance leave the range of
    /// `f64`.
    pub fn of(samples: &[f64]) -> Option<Summary> {
        let sorted = sorted(samples)?;
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        // Summed in ascending order, so that the order of the samples cannot change the last digit.
        let mean = mean(&sorted)?.clamp(min, max);
        let squares: f64 = sorted.iter().map(|sample| (sample - mean).powi(2)).sum();
        if !squares.is_finite() {
            return None;
        }
        Some(Summary {
            count: sorted.len(),
            mean,
            std_dev: (sorted.len() > 1).then(|| (squares / (sorted.len() - 1) as f64).sqrt()),
            min,
            q1: quantile(&sorted, 0.25)?,
            median: quantile(&sorted, 0.5)?,
            q3: quantile(&sorted, 0.75)?,
            max,
        })
    }

    /// Standard deviation over mean; `None` where either is missing or zero mean makes it meaningless.
    pub fn relative_std_dev(&self) -> Option<f64> {
        let ratio = self.std_dev? / self.mean.abs();
        ratio.is_finite().then_some(ratio)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_set() {
        let summary = Summary::of(&[9.0, 2.0, 4.0, 4.0, 5.0, 4.0, 7.0, 5.0]).unwrap();
        assert_eq!((summary.count, summary.mean), (8, 5.0));
        assert_eq!((summary.min, summary.q1, summary.median), (2.0, 4.0, 4.5));
        assert_eq!((summary.q3, summary.max), (5.5, 9.0));
        assert!((summary.std_dev.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn one_sample_has_no_spread() {
        let summary = Summary::of(&[3.0]).unwrap();
        assert_eq!((summary.mean, summary.median, summary.std_dev), (3.0, 3.0, None));
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for samples in [&[][..], &[f64::NAN], &[1.0, f64::INFINITY], &[f64::MAX, -f64::MAX]] {
            assert_eq!(Summary::of(samples), None, "{samples:?}");
        }
    }

    proptest! {
        #[test]
        fn the_numbers_are_in_order(samples in prop::collection::vec(-1e15..1e15_f64, 1..60)) {
            let s = Summary::of(&samples).unwrap();
            prop_assert!(s.min <= s.q1 && s.q1 <= s.median && s.median <= s.q3 && s.q3 <= s.max);
            prop_assert!(s.min <= s.mean && s.mean <= s.max);
            prop_assert!(s.std_dev.is_none_or(|spread| spread >= 0.0 && spread <= s.max - s.min));
        }

        #[test]
        fn the_order_of_the_samples_does_not_matter(
            samples in prop::collection::vec(-1e6..1e6_f64, 1..30).prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle()))
        ) {
            prop_assert_eq!(Summary::of(&samples.0), Summary::of(&samples.1));
        }

        #[test]
        fn nothing_panics(samples in prop::collection::vec(any::<f64>(), 0..20)) {
            if let Some(s) = Summary::of(&samples) {
                prop_assert!([s.mean, s.min, s.q1, s.median, s.q3, s.max].iter().all(|value| value.is_finite()));
            }
        }
    }
}
