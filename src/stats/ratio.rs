//! The ratio of two medians with a confidence interval: how much longer the new one takes.

use oorandom::Rand64;
use statrs::function::beta::beta_reg;

use crate::{median, median_interval, quantile, sorted};

/// Resamples drawn for an interval. At 95 % its ends then move by less than a twentieth of the interval between seeds.
const RESAMPLES: usize = 4_000;
/// The same samples give the same interval, today and tomorrow.
const SEED: u128 = 0x7069_7065;

/// New over base: 1.1 is ten per cent more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioInterval {
    /// Lower end.
    pub low: f64,
    /// Median of the new samples over median of the base's.
    pub ratio: f64,
    /// Upper end.
    pub high: f64,
}

/// The ratio of the medians, new over base, with its percentile bootstrap interval (Efron and Tibshirani, "An introduction to
/// the bootstrap", 1993, chapter 13).
///
/// The median of a resample of n is the middle of n uniform draws among the ordered samples, and how that is distributed is
/// known (Efron, "Bootstrap methods: another look at the jackknife", 1979, section 3): the r-th of n uniform draws is Beta(r, n − r + 1).
/// So each median is drawn at once rather than n samples at a time, and ten thousand samples cost as little as ten.
///
/// `None` where a side has too few samples for a [`median_interval`] at `confidence` (below 6 at 0.95), a NaN, an infinity
/// or a sample that is not above 0, and where `confidence` is not inside (0, 1).
pub fn ratio_interval(base: &[f64], new: &[f64], confidence: f64) -> Option<RatioInterval> {
    median_interval(base, confidence)?;
    median_interval(new, confidence)?;
    let (base, new) = (Medians::of(base)?, Medians::of(new)?);
    let mut random = Rand64::new(SEED);
    let ratios: Vec<f64> = (0..RESAMPLES).map(|_| new.draw(&mut random) / base.draw(&mut random)).collect();
    let ratios = sorted(&ratios)?;
    let tail = (1.0 - confidence) / 2.0;
    let ratio = new.median / base.median;
    // The ratio itself lies inside whatever was drawn.
    let (low, high) = (quantile(&ratios, tail)?.min(ratio), quantile(&ratios, 1.0 - tail)?.max(ratio));
    Some(RatioInterval { low, ratio, high })
}

/// The medians of resamples of one set of samples.
struct Medians {
    sorted: Vec<f64>,
    median: f64,
    /// By sample: the probability that the (lower) middle of a resample is no later one.
    up_to: Vec<f64>,
}

impl Medians {
    fn of(samples: &[f64]) -> Option<Self> {
        let sorted = sorted(samples)?;
        if *sorted.first()? <= 0.0 {
            return None;
        }
        let n = sorted.len();
        let (rank, size) = (n.div_ceil(2) as f64, n as f64);
        let mut up_to: Vec<f64> =
            (1..n).map(|k| beta_reg(rank, size - rank + 1.0, k as f64 / size)).collect();
        up_to.push(1.0);
        Some(Self { median: median(&sorted)?, sorted, up_to })
    }

    fn draw(&self, random: &mut Rand64) -> f64 {
        let n = self.sorted.len();
        let probability = random.rand_float();
        let index = self.up_to.partition_point(|up_to| *up_to <= probability).min(n - 1);
        let lower = self.sorted[index];
        if n % 2 == 1 {
            return lower;
        }
        // The upper middle is the least of the n/2 draws above the lower one, which lies at `at` of its sample's share.
        let before = index.checked_sub(1).map_or(0.0, |before| self.up_to[before]);
        let at = (index as f64 + (probability - before) / (self.up_to[index] - before)) / n as f64;
        let least = 1.0 - (1.0 - random.rand_float()).powf(2.0 / n as f64);
        let upper = ((at + (1.0 - at) * least) * n as f64) as usize;
        lower / 2.0 + self.sorted[upper.clamp(index, n - 1)] / 2.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `scipy.stats.bootstrap(method='percentile', n_resamples=400000)` of the ratio of `numpy.median`s, scipy 1.17.1.
    #[test]
    fn intervals_are_those_of_plain_resampling() {
        let odd = (
            &[
                96.84, 100.78, 97.43, 102.92, 100.58, 100.27, 98.23, 99.64, 94.01, 96.61, 101.09, 93.61,
                102.54, 94.76, 102.27,
            ][..],
            &[102.46, 107.34, 105.39, 100.39, 108.75, 109.33, 104.8, 104.18, 104.52, 102.07, 108.3][..],
            (1.0283018867924527, 1.0517864311521476, 1.105951878429717),
        );
        let even = (
            &[98.37, 99.85, 97.62, 98.12, 96.17, 103.77, 99.54, 102.9, 100.04, 97.92, 99.02, 98.32][..],
            &[
                105.02, 103.87, 104.1, 100.86, 102.58, 109.96, 102.99, 101.84, 106.01, 109.22, 100.64,
                104.37, 103.1, 99.72, 107.2, 104.93, 105.21, 102.74, 106.36, 103.38,
            ][..],
            (1.0334036568213782, 1.0535994731242717, 1.068839290253699),
        );
        for (base, new, (low, ratio, high)) in [odd, even] {
            let found = ratio_interval(base, new, 0.95).unwrap();
            assert!((found.ratio - ratio).abs() < 1e-12, "{found:?}");
            let width = high - low;
            assert!((found.low - low).abs() < width / 15.0, "{found:?} begins at {low}");
            assert!((found.high - high).abs() < width / 15.0, "{found:?} ends at {high}");
        }
    }

    #[test]
    fn what_has_no_interval_has_none() {
        let good = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert!(ratio_interval(&good, &good, 0.95).is_some());
        for bad in [&good[..5], &[0.0; 6], &[f64::NAN; 6], &[]] {
            assert_eq!(ratio_interval(bad, &good, 0.95), None, "{bad:?}");
            assert_eq!(ratio_interval(&good, bad, 0.95), None, "{bad:?}");
        }
        assert_eq!(ratio_interval(&good, &good, 1.0), None);
    }

    proptest! {
        #[test]
        fn the_same_samples_give_the_same_interval_around_the_ratio(
            base in prop::collection::vec(1e-3..1e6_f64, 6..60), new in prop::collection::vec(1e-3..1e6_f64, 6..60)
        ) {
            let interval = ratio_interval(&base, &new, 0.95).unwrap();
            prop_assert_eq!(Some(interval), ratio_interval(&base, &new, 0.95));
            prop_assert!(interval.low <= interval.ratio && interval.ratio <= interval.high);
            let narrow = ratio_interval(&base, &new, 0.5).unwrap();
            prop_assert!(interval.low <= narrow.low && narrow.high <= interval.high);
        }
    }

    /// Of 300 pairs of samples from one distribution about 5 % miss the true ratio of 1.
    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let mut random = Rand64::new(11);
        let mut normal = || {
            let (a, b) = (random.rand_float(), random.rand_float());
            100.0 + (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        for n in [8, 15, 40] {
            let missed = (0..300)
                .filter(|_| {
                    let (base, new): (Vec<f64>, Vec<f64>) = (0..n).map(|_| (normal(), normal())).unzip();
                    let interval = ratio_interval(&base, &new, 0.95).unwrap();
                    interval.low > 1.0 || interval.high < 1.0
                })
                .count();
            assert!(missed <= 27, "n = {n}: {missed} of 300 miss");
        }
    }
}
