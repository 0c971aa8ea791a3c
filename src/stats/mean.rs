//! Arithmetic and geometric mean.

/// The arithmetic mean; `None` for an empty slice, a NaN, an infinity or a sum beyond the range of `f64`.
pub fn mean(samples: &[f64]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let mean = samples.iter().sum::<f64>() / samples.len() as f64;
    mean.is_finite().then_some(mean)
}

/// The geometric mean, the right mean for ratios; `None` for an empty slice or a value that is not finite and
/// above 0.
///
/// The geometric mean of ratios is the ratio of the geometric means, whichever side is the base (Fleming and
/// Wallace, "How not to lie with statistics", 1986).
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let usable = |value: &f64| value.is_finite() && *value > 0.0;
    if !values.iter().all(usable) {
        return None;
    }
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    mean(&logarithms).map(f64::exp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_no_mean_has_none() {
        for samples in [&[][..], &[1.0, f64::NAN], &[f64::INFINITY], &[f64::MAX, f64::MAX]] {
            assert_eq!(mean(samples), None, "{samples:?}");
        }
        for values in [&[][..], &[0.0], &[-1.0, 2.0], &[1.0, f64::NAN], &[f64::INFINITY]] {
            assert_eq!(geometric_mean(values), None, "{values:?}");
        }
        assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
    }

    proptest! {
        #[test]
        fn the_geometric_mean_of_ratios_does_not_depend_on_the_base(
            pairs in prop::collection::vec((1e-3..1e9_f64, 1e-3..1e9_f64), 1..20)
        ) {
            let forward: Vec<f64> = pairs.iter().map(|(a, b)| a / b).collect();
            let backward: Vec<f64> = pairs.iter().map(|(a, b)| b / a).collect();
            let product = geometric_mean(&forward).unwrap() * geometric_mean(&backward).unwrap();
            prop_assert!((product - 1.0).abs() < 1e-9, "{product}");
        }
    }
}
