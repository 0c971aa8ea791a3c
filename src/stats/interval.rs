//! A confidence interval of the median that assumes nothing about the distribution.

use crate::{quantile, sorted};

/// Two samples that hold the median of the distribution between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MedianInterval {
    /// Lower end, a sample.
    pub low: f64,
    /// The median of the samples.
    pub median: f64,
    /// Upper end, a sample.
    pub high: f64,
    /// The probability that the interval covers the true median: at least the one asked for.
    pub confidence: f64,
}

impl MedianInterval {
    /// The width over the median: 0.02 says that the median is known to within about one per cent either way.
    ///
    /// 0 where both ends are the same; infinite where the median is 0 and they are not.
    pub fn relative_width(&self) -> f64 {
        if self.low == self.high { 0.0 } else { ((self.high - self.low) / self.median).abs() }
    }
}

/// The narrowest symmetric interval between two order statistics that covers the median with at least
/// `confidence`.
///
/// Of n independent samples of a continuous distribution the number below the median is binomial(n, ½), so
/// the k-th smallest and the k-th largest enclose it with probability 1 − 2·P(Bin(n, ½) < k), whatever the
/// distribution (David and Nagaraja, "Order Statistics", section 7.1; Hahn and Meeker, "Statistical
/// Intervals", section 5.2). Ties only widen the coverage.
///
/// `None` where n is too small for the confidence (below 6 samples at 0.95, below 8 at 0.99), where a sample
/// is NaN or infinite, and where `confidence` is not inside (0, 1).
pub fn median_interval(samples: &[f64], confidence: f64) -> Option<MedianInterval> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let sorted = sorted(samples)?;
    let (rank, tail) = rank_from_the_end(sorted.len(), (1.0 - confidence) / 2.0)?;
    Some(MedianInterval {
        low: *sorted.get(rank - 1)?,
        median: quantile(&sorted, 0.5)?,
        high: *sorted.get(sorted.len() - rank)?,
        confidence: 1.0 - 2.0 * tail,
    })
}

/// The largest k ≥ 1 with P(Bin(n, ½) < k) ≤ `bound`, and that probability.
fn rank_from_the_end(n: usize, bound: f64) -> Option<(usize, f64)> {
    // In logarithms, because 2⁻ⁿ is below the range of f64 from n = 1075.
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    let mut best = None;
    for below in 0..n.div_ceil(2) {
        tail += log_term.exp();
        if tail > bound {
            break;
        }
        best = Some((below + 1, tail));
        log_term += ((n - below) as f64 / (below + 1) as f64).ln();
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ranks and coverage from the table in Le Boudec, "Performance Evaluation of Computer and Communication
    /// Systems", appendix A.
    #[test]
    fn ranks_are_those_of_the_published_table() {
        for (n, low_rank, coverage) in
            [(6, 1, 0.969), (9, 2, 0.961), (20, 6, 0.959), (31, 10, 0.971), (50, 18, 0.967), (70, 27, 0.959)]
        {
            let samples: Vec<f64> = (1..=n).map(f64::from).collect();
            let interval = median_interval(&samples, 0.95).unwrap();
            assert_eq!(interval.low, f64::from(low_rank), "n = {n}");
            assert_eq!(interval.high, f64::from(n + 1 - low_rank), "n = {n}");
            assert!((interval.confidence - coverage).abs() < 1e-3, "n = {n}: {}", interval.confidence);
        }
    }

    #[test]
    fn too_few_samples_have_no_interval() {
        assert_eq!(median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95), None);
        assert!(median_interval(&[1.0; 6], 0.95).is_some());
        assert_eq!(median_interval(&[1.0; 7], 0.99), None);
        assert!(median_interval(&[1.0; 8], 0.99).is_some());
        for confidence in [0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!(median_interval(&[1.0; 100], confidence), None);
        }
    }

    #[test]
    fn many_samples_do_not_underflow() {
        let samples: Vec<f64> = (0..100_001).map(f64::from).collect();
        let interval = median_interval(&samples, 0.95).unwrap();
        // The normal approximation: n/2 ± 1.96·√n/2.
        let half_width = 0.98 * 100_001_f64.sqrt();
        assert!(((interval.high - interval.low) / 2.0 - half_width).abs() < 2.0, "{interval:?}");
        assert!((0.95..0.9501).contains(&interval.confidence), "{interval:?}");
    }

    #[test]
    fn the_relative_width_of_odd_medians() {
        let interval = |low, median, high| MedianInterval { low, median, high, confidence: 0.95 };
        assert_eq!(interval(0.0, 0.0, 0.0).relative_width(), 0.0);
        assert_eq!(interval(-1.0, 0.0, 1.0).relative_width(), f64::INFINITY);
        assert_eq!(interval(98.0, 100.0, 103.0).relative_width(), 0.05);
    }

    proptest! {
        #[test]
        fn the_median_lies_inside(samples in prop::collection::vec(-1e9..1e9_f64, 6..80)) {
            let narrow = median_interval(&samples, 0.5).unwrap();
            let wide = median_interval(&samples, 0.95).unwrap();
            prop_assert!(wide.low <= narrow.low && narrow.low <= narrow.median);
            prop_assert!(narrow.median <= narrow.high && narrow.high <= wide.high);
            prop_assert!(wide.confidence >= 0.95);
        }
    }
}
