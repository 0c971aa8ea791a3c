//! Quantiles by linear interpolation.

/// The samples in ascending order; `None` where one is NaN or infinite.
pub fn sorted(samples: &[f64]) -> Option<Vec<f64>> {
    if !samples.iter().all(|sample| sample.is_finite()) {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

/// The `q`-quantile of samples in ascending order, 0 ≤ q ≤ 1; `None` for an empty slice or a `q` outside.
///
/// Between two samples the value is interpolated linearly at position q·(n−1): definition 7 of Hyndman and
/// Fan, "Sample quantiles in statistical packages", 1996. NumPy's default and DuckDB's `quantile_cont` are
/// the same.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let position = sorted.len().checked_sub(1)? as f64 * q;
    let low = *sorted.get(position.floor() as usize)?;
    let high = *sorted.get(position.ceil() as usize)?;
    let weight = position.fract();
    // Weighted from both ends: the difference of two samples of opposite sign could overflow.
    let between = if low == high { low } else { low * (1.0 - weight) + high * weight };
    Some(between.clamp(low, high))
}

/// The median, samples in any order; `None` for an empty slice, a NaN or an infinity.
pub fn median(samples: &[f64]) -> Option<f64> {
    quantile(&sorted(samples)?, 0.5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `numpy.quantile([1, 2, 4, 8, 16], q)`.
    #[test]
    fn quantiles_are_numpys() {
        let samples = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (q, expected) in
            [(0.0, 1.0), (0.1, 1.4), (0.25, 2.0), (0.5, 4.0), (0.75, 8.0), (0.9, 12.8), (1.0, 16.0)]
        {
            let found = quantile(&samples, q).unwrap();
            assert!((found - expected).abs() < 1e-12, "q {q}: {found} is not {expected}");
        }
    }

    #[test]
    fn what_has_no_quantile_has_none() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0], -0.1), None);
        assert_eq!(quantile(&[1.0], f64::NAN), None);
        assert_eq!(median(&[1.0, f64::NAN]), None);
        assert_eq!(median(&[f64::MAX, -f64::MAX]), Some(0.0));
    }

    proptest! {
        #[test]
        fn a_quantile_grows_with_q_and_stays_inside(
            samples in prop::collection::vec(-1e12..1e12_f64, 1..50), a in 0.0..=1.0_f64, b in 0.0..=1.0_f64
        ) {
            let samples = sorted(&samples).unwrap();
            let (low, high) = (quantile(&samples, a.min(b)).unwrap(), quantile(&samples, a.max(b)).unwrap());
            // Two interpolations of nearly the same position may differ by their rounding.
            prop_assert!(low <= high + high.abs() * 1e-12);
            prop_assert!(samples[0] <= low && high <= samples[samples.len() - 1]);
        }

        #[test]
        fn half_of_the_samples_lie_on_either_side_of_the_median(
            samples in prop::collection::vec(-1e12..1e12_f64, 1..50)
        ) {
            let median = median(&samples).unwrap();
            let half = samples.len().div_ceil(2);
            prop_assert!(samples.iter().filter(|sample| **sample <= median).count() >= half);
            prop_assert!(samples.iter().filter(|sample| **sample >= median).count() >= half);
        }
    }
}
