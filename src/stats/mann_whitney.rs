//! The Mann-Whitney U test: do the samples of one side tend to be larger than those of the other?

use statrs::function::erf::erfc;

use crate::sorted;

/// Up to this many samples on both sides together p is exact; beyond, the normal approximation errs by less than a
/// thousandth of what matters.
const MOST_EXACT: usize = 50;

/// What the test says of two sets of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// How many of the pairs (one sample of each side) have the new one larger, a tie counting half.
    pub u: f64,
    /// The probability of a U as far off its middle, were both sides of one distribution; two-sided.
    pub p_value: f64,
    /// Whether p is counted over all arrangements, not approximated.
    pub exact: bool,
    /// Cliff's delta, −1 to 1: the share of pairs with the new one larger less that with the new one smaller (Cliff,
    /// "Dominance statistics", 1993). 0 is no effect, ±1 no overlap.
    pub cliffs_delta: f64,
}

/// Compares two sets of samples in any order, of any sizes. `None` where one is empty or holds a NaN or an infinity.
///
/// U counts pairs (Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
/// 1947). Up to 50 samples p is the exact permutation probability, with ties at their middle ranks: all ways to deal
/// the pooled ranks to two sides of these sizes are counted, and the smaller tail is doubled. Beyond, it is the normal
/// approximation with the variance corrected for ties and a continuity correction of ½.
pub fn mann_whitney(base: &[f64], new: &[f64]) -> Option<MannWhitney> {
    if base.is_empty() || new.is_empty() {
        return None;
    }
    let pooled = sorted(&[base, new].concat())?;
    let ties = Ties::of(&pooled);
    let twice_rank_sum: u64 = new.iter().map(|sample| ties.twice_rank(&pooled, *sample)).sum();
    let (m, n) = (new.len() as f64, base.len() as f64);
    let u = twice_rank_sum as f64 / 2.0 - m * (m + 1.0) / 2.0;
    let exact = pooled.len() <= MOST_EXACT;
    let p_value = if exact {
        exact_p(&ties.twice_ranks(), new.len(), twice_rank_sum)
    } else {
        let ties: f64 = ties.sizes.iter().map(|size| (*size as f64).powi(3) - *size as f64).sum();
        let all = m + n;
        let variance = m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0);
        if variance > 0.0 { erfc(distance / (2.0 * variance).sqrt()) } else { 1.0 }
    };
    Some(MannWhitney { u, p_value, exact, cliffs_delta: 2.0 * u / (m * n) - 1.0 })
}

/// How many samples are equal, group by group in ascending order.
struct Ties {
    sizes: Vec<usize>,
}

impl Ties {
    fn of(pooled: &[f64]) -> Self {
        Self { sizes: pooled.chunk_by(|a, b| a == b).map(<[f64]>::len).collect() }
    }

    /// Twice the rank of every pooled sample, which is a whole number where ties share their middle rank.
    fn twice_ranks(&self) -> Vec<u64> {
        let mut ranks = Vec::new();
        for size in &self.sizes {
            let before = ranks.len() as u64;
            ranks.extend(std::iter::repeat_n(2 * before + *size as u64 + 1, *size));
        }
        ranks
    }

    fn twice_rank(&self, pooled: &[f64], sample: f64) -> u64 {
        let below = pooled.partition_point(|other| *other < sample) as u64;
        let up_to = pooled.partition_point(|other| *other <= sample) as u64;
        below + up_to + 1
    }
}

/// The doubled smaller tail of the sum of `chosen` of the ranks, every choice being as likely.
fn exact_p(twice_ranks: &[u64], chosen: usize, observed: u64) -> f64 {
    let most = twice_ranks.iter().sum::<u64>() as usize;
    // ways[c][s]: choices of c ranks with sum s; below 2⁵³ for 50 samples, so exact.
    let mut ways = vec![vec![0.0_f64; most + 1]; chosen + 1];
    ways[0][0] = 1.0;
    let mut sum_so_far = 0;
    for rank in twice_ranks.iter().map(|rank| *rank as usize) {
        sum_so_far += rank;
        for count in (1..=chosen).rev() {
            let (fewer, more) = ways.split_at_mut(count);
            let (fewer, more) = (&fewer[count - 1], &mut more[0]);
            for sum in rank..=sum_so_far {
                more[sum] += fewer[sum - rank];
            }
        }
    }
    let ways = &ways[chosen];
    let all: f64 = ways.iter().sum();
    let observed = observed as usize;
    let below: f64 = ways[..=observed].iter().sum();
    let above: f64 = ways[observed..].iter().sum();
    (2.0 * below.min(above) / all).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::stats_tests::{
        Alternative,
        mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu},
    };

    use super::*;

    /// `scipy.stats.mannwhitneyu(method='exact')`, scipy 1.17.1.
    #[test]
    fn small_samples_are_scipys() {
        let base = [12.1, 11.9, 12.4, 12.0, 12.2, 13.0];
        let new = [12.6, 12.9, 12.5, 13.1, 12.3];
        let test = mann_whitney(&base, &new).unwrap();
        assert_eq!((test.u, test.exact), (25.0, true));
        assert!((test.p_value - 0.082_251_082_251_082_26).abs() < 1e-15, "{test:?}");
    }

    /// `scipy.stats.permutation_test` of the rank sum over all arrangements, scipy 1.17.1.
    #[test]
    fn ties_are_counted_exactly() {
        let test =
            mann_whitney(&[1.0, 2.0, 2.0, 3.0, 5.0, 5.0], &[2.0, 3.0, 3.0, 4.0, 5.0, 6.0, 7.0]).unwrap();
        assert_eq!(test.u, 30.0);
        assert!((test.p_value - 0.227_272_727_272_727_27).abs() < 1e-15, "{test:?}");
        assert!((test.cliffs_delta - 0.428_571_428_571_428_55).abs() < 1e-15, "{test:?}");
        let test = mann_whitney(&[1.0, 1.0, 1.0, 2.0], &[1.0, 2.0, 2.0, 2.0]).unwrap();
        assert!((test.p_value - 0.485_714_285_714_285_7).abs() < 1e-15, "{test:?}");
        assert_eq!(mann_whitney(&[1.0; 9], &[1.0; 9]).unwrap().p_value, 1.0);
        assert_eq!(mann_whitney(&[1.0; 90], &[1.0; 90]).unwrap().p_value, 1.0);
    }

    /// Three samples a side can never be significant at 5 %, four can.
    #[test]
    fn the_smallest_p_of_few_samples() {
        assert!((mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).unwrap().p_value - 0.1).abs() < 1e-15);
        let four = mann_whitney(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]).unwrap();
        assert!((four.p_value - 2.0 / 70.0).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_tested_is_not() {
        for (base, new) in [(&[][..], &[1.0][..]), (&[1.0], &[]), (&[1.0], &[f64::NAN])] {
            assert_eq!(mann_whitney(base, new), None);
        }
    }

    proptest! {
        #[test]
        fn the_approximation_is_that_of_statrs(more in prop::collection::vec(0_u8..20, 60..90)) {
            let (a, b): (Vec<f64>, Vec<f64>) = (
                more.iter().step_by(2).map(|x| f64::from(*x)).collect(),
                more.iter().skip(1).step_by(2).map(|x| f64::from(*x) + 2.0).collect(),
            );
            let ours = mann_whitney(&a, &b).unwrap();
            let method = MannWhitneyUMethod::AsymptoticInclContinuityCorrection;
            let (_, p) = mannwhitneyu(&b, &a, method, Alternative::TwoSided).unwrap();
            // With nothing but ties statrs has no answer.
            prop_assert!(p.is_nan() || (ours.p_value - p).abs() < 1e-6, "{ours:?} is not {p}");
        }

        #[test]
        fn the_other_way_round_is_the_mirror(
            base in prop::collection::vec(0_u8..9, 1..12), new in prop::collection::vec(0_u8..9, 1..12)
        ) {
            let side = |samples: &[u8]| samples.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
            let there = mann_whitney(&side(&base), &side(&new)).unwrap();
            let back = mann_whitney(&side(&new), &side(&base)).unwrap();
            prop_assert!((there.p_value - back.p_value).abs() < 1e-12);
            prop_assert!((there.cliffs_delta + back.cliffs_delta).abs() < 1e-12);
        }
    }
}
