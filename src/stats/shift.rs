//! The Hodges-Lehmann shift: by how much the samples of one side lie above those of the other.

use crate::sorted;

/// The median of all differences, one sample of `new` less one of `base`; in the unit of the samples.
///
/// Less wild than the difference of the medians, and what [`mann_whitney`](crate::mann_whitney) tests for being 0
/// (Hodges and Lehmann, "Estimates of location based on rank tests", 1963). All m·n differences count but are never
/// written down: the middle one is found by bisection over the numbers that f64 has, in O((m + n) · 64). `None` where a
/// side is empty or holds a NaN or an infinity.
pub fn hodges_lehmann(base: &[f64], new: &[f64]) -> Option<f64> {
    let (base, new) = (sorted(base)?, sorted(new)?);
    let pairs = base.len() as u64 * new.len() as u64;
    let upper = nth_difference(&base, &new, pairs / 2)?;
    if pairs % 2 == 1 {
        return Some(upper);
    }
    let lower = nth_difference(&base, &new, (pairs / 2).checked_sub(1)?)?;
    Some(lower / 2.0 + upper / 2.0)
}

/// The `n`-th smallest difference, from 0, of ascending samples.
fn nth_difference(base: &[f64], new: &[f64], n: u64) -> Option<f64> {
    let (mut low, mut high) = (key(new.first()? - base.last()?), key(new.last()? - base.first()?));
    // The smallest number that more than n differences do not exceed.
    while low < high {
        let middle = low + (high - low) / 2;
        if differences_up_to(base, new, number(middle)) > n {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(number(low))
}

/// How many differences are at most `bound`. They grow along `new` and shrink along `base`, so that one walk along both counts.
fn differences_up_to(base: &[f64], new: &[f64], bound: f64) -> u64 {
    let mut first = base.len();
    let mut count = 0;
    for sample in new.iter().rev() {
        // As `sample` gets smaller, more of `base` is near enough below it.
        while first > 0 && sample - base[first - 1] <= bound {
            first -= 1;
        }
        count += (base.len() - first) as u64;
    }
    count
}

/// A number's place among all of f64, in ascending order.
fn key(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The inverse of [`key`].
fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `numpy.median` of all differences.
    #[test]
    fn known_shifts() {
        let base = [12.1, 11.9, 12.4, 12.0, 12.2, 13.0];
        let new = [12.6, 12.9, 12.5, 13.1, 12.3];
        assert!((hodges_lehmann(&base, &new).unwrap() - 0.45).abs() < 1e-12);
        let tied = [1.0, 2.0, 2.0, 3.0, 5.0, 5.0];
        assert_eq!(hodges_lehmann(&tied, &[2.0, 3.0, 3.0, 4.0, 5.0, 6.0, 7.0]), Some(1.0));
        assert_eq!(hodges_lehmann(&[], &[1.0]), None);
        assert_eq!(hodges_lehmann(&[1.0], &[f64::INFINITY]), None);
    }

    proptest! {
        #[test]
        fn the_middle_of_all_differences(
            base in prop::collection::vec(-1e6..1e6_f64, 1..25), new in prop::collection::vec(-1e6..1e6_f64, 1..25)
        ) {
            let all: Vec<f64> = new.iter().flat_map(|y| base.iter().map(move |x| y - x)).collect();
            let expected = crate::median(&all).unwrap();
            let found = hodges_lehmann(&base, &new).unwrap();
            prop_assert!((found - expected).abs() <= expected.abs() * 1e-12, "{found} is not {expected}");
        }
    }
}
