//! The verdict on two sets of samples: faster, slower, same or unclear.

use pipe_model::{Direction, Verdict};

use crate::{MannWhitney, RatioInterval, hodges_lehmann, mann_whitney, ratio_interval};

/// The probability of a false alarm that a verdict accepts; where many cases are judged at once, the share of false
/// alarms among all alarms ([`benjamini_hochberg`](crate::benjamini_hochberg)).
pub const ALPHA: f64 = 0.05;

/// Everything that is known of two sets of samples side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// New over base with its interval; `None` below six samples a side.
    pub ratio: Option<RatioInterval>,
    /// The test of a difference.
    pub test: MannWhitney,
    /// Hodges-Lehmann shift, in the unit of the samples.
    pub shift: f64,
}

impl Comparison {
    /// Compares samples in any order. `None` where a side is empty or holds a NaN or an infinity.
    pub fn of(base: &[f64], new: &[f64]) -> Option<Self> {
        Some(Self {
            ratio: ratio_interval(base, new, 1.0 - ALPHA),
            test: mann_whitney(base, new)?,
            shift: hodges_lehmann(base, new)?,
        })
    }

    /// The verdict of this comparison alone, where a difference below `threshold` (0.02 is two per cent) does not matter.
    pub fn verdict(&self, threshold: f64, direction: Direction) -> Verdict {
        match self.ratio {
            Some(ratio) => decide(ratio, self.test.p_value, threshold, direction),
            None => Verdict::Unclear,
        }
    }
}

/// The verdict on measured values.
///
/// * `slower` or `faster`: a difference is proven (`p_value`, adjusted where many cases are judged, is at most [`ALPHA`]) and the
///   ratio is further from 1 than `threshold`;
/// * `same`: the whole interval of the ratio lies within `threshold` of 1;
/// * `unclear`: neither; the samples do not decide it.
///
/// Distances are relative to the smaller value: 1.25 and 0.8 are as far from 1. Where less is better a ratio above 1 is
/// slower; of a metric that has no better way a proven change is `unclear`.
pub fn decide(ratio: RatioInterval, p_value: f64, threshold: f64, direction: Direction) -> Verdict {
    let bound = 1.0 + threshold.max(0.0);
    let beyond = |ratio: f64| ratio > bound || ratio < 1.0 / bound;
    if p_value <= ALPHA && beyond(ratio.ratio) {
        return towards(ratio.ratio, direction);
    }
    if beyond(ratio.low) || beyond(ratio.high) { Verdict::Unclear } else { Verdict::Same }
}

/// The verdict on exact values, such as counts: any difference beyond `threshold` is one, and 0 is the usual threshold.
pub fn decide_exact(base: f64, new: f64, threshold: f64, direction: Direction) -> Verdict {
    if base == new {
        return Verdict::Same;
    }
    let bound = 1.0 + threshold.max(0.0);
    let (small, large) = if base < new { (base, new) } else { (new, base) };
    match large.partial_cmp(&(small * bound)) {
        Some(std::cmp::Ordering::Greater) => towards(if new > base { 2.0 } else { 0.5 }, direction),
        Some(_) => Verdict::Same,
        None => Verdict::Unclear,
    }
}

fn towards(ratio: f64, direction: Direction) -> Verdict {
    match (direction, ratio > 1.0) {
        (Direction::Lower, true) | (Direction::Higher, false) => Verdict::Slower,
        (Direction::Lower, false) | (Direction::Higher, true) => Verdict::Faster,
        (Direction::Neutral, _) => Verdict::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use Direction::{Higher, Lower, Neutral};

    use super::*;

    fn around(center: f64, width: f64) -> Vec<f64> {
        (0..15).map(|i| center + width * (f64::from(i) / 7.0 - 1.0)).collect()
    }

    #[test]
    fn verdicts_of_samples() {
        let base = around(100.0, 1.0);
        for (new, threshold, verdict) in [
            (around(110.0, 1.0), 0.02, Verdict::Slower),
            (around(90.0, 1.0), 0.02, Verdict::Faster),
            (around(100.1, 1.0), 0.02, Verdict::Same),
            (around(100.5, 20.0), 0.02, Verdict::Unclear),
            // Proven, and too little to matter.
            (around(103.0, 1.0), 0.05, Verdict::Same),
            // Too few to say.
            (vec![200.0, 210.0, 205.0], 0.02, Verdict::Unclear),
        ] {
            let comparison = Comparison::of(&base, &new).unwrap();
            assert_eq!(comparison.verdict(threshold, Lower), verdict, "{comparison:?}");
        }
    }

    #[test]
    fn more_throughput_is_faster() {
        let comparison = Comparison::of(&around(100.0, 1.0), &around(110.0, 1.0)).unwrap();
        assert_eq!(comparison.verdict(0.02, Higher), Verdict::Faster);
        assert_eq!(comparison.verdict(0.02, Neutral), Verdict::Unclear);
    }

    #[test]
    fn any_difference_of_counts_is_one() {
        assert_eq!(decide_exact(1e9, 1e9 + 1.0, 0.0, Lower), Verdict::Slower);
        assert_eq!(decide_exact(0.0, 1.0, 0.0, Lower), Verdict::Slower);
        assert_eq!(decide_exact(5.0, 0.0, 0.0, Lower), Verdict::Faster);
        assert_eq!(decide_exact(0.0, 0.0, 0.0, Lower), Verdict::Same);
        assert_eq!(decide_exact(100.0, 101.0, 0.02, Lower), Verdict::Same);
        assert_eq!(decide_exact(100.0, f64::NAN, 0.0, Lower), Verdict::Unclear);
    }
}
