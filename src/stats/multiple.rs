//! Many tests at once: how many of the findings are chance.

/// Adjusts p-values so that calling everything up to q a finding makes at most a share q of the findings false, in the order
/// given.
///
/// The i-th smallest of m becomes min over j ≥ i of p₍ⱼ₎·m/j (Benjamini and Hochberg, "Controlling the false discovery rate",
/// 1995), which holds for independent tests and for positively dependent ones, as cases of one kernel are. A NaN is no
/// test: it stays NaN and is not counted.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|i| !p_values[*i].is_nan()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let tests = order.len() as f64;
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[*index] * (tests / (rank + 1) as f64));
        adjusted[*index] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `scipy.stats.false_discovery_control`, scipy 1.17.1.
    #[test]
    fn adjusted_values_are_scipys() {
        let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.002, 0.9, 0.5]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.012, 0.9, 0.6]) {
            assert!((found - expected).abs() < 1e-15, "{adjusted:?}");
        }
    }

    #[test]
    fn what_was_not_tested_does_not_count() {
        let with = benjamini_hochberg(&[0.01, f64::NAN, 0.02]);
        assert_eq!((with[0], with[2]), (0.02, 0.02));
        assert!(with[1].is_nan());
        assert!(benjamini_hochberg(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_never_flatters(p_values in prop::collection::vec(0.0..=1.0_f64, 1..40)) {
            let adjusted = benjamini_hochberg(&p_values);
            for (i, p) in p_values.iter().enumerate() {
                prop_assert!(adjusted[i] >= *p && adjusted[i] <= 1.0);
                for (j, other) in p_values.iter().enumerate() {
                    prop_assert!(p > other || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
