//! How far samples spread, without letting a few wild ones decide it.

use crate::{median, quantile, sorted};

/// A normal distribution's standard deviation over its median absolute deviation: 1 / Φ⁻¹(¾).
const NORMAL_OVER_MAD: f64 = 1.482_602_218_505_602;
/// The share of neighbouring differences that is taken to be noise and nothing else.
const QUIET_SHARE: f64 = 0.7;
/// The quantile of |z| of a standard normal z at [`QUIET_SHARE`]: Φ⁻¹(0.85).
const QUIET_QUANTILE: f64 = 1.036_433_389_493_79;

/// The median distance from the median; `None` for an empty slice, a NaN or an infinity.
///
/// Up to half of the samples may be anything at all (Hampel, "The influence curve and its role in robust estimation", 1974).
pub fn median_absolute_deviation(samples: &[f64]) -> Option<f64> {
    let center = median(samples)?;
    let distances: Vec<f64> = samples.iter().map(|sample| (sample - center).abs()).collect();
    median(&distances)
}

/// The standard deviation that normally distributed samples with this [`median_absolute_deviation`] would have.
pub fn robust_std_dev(samples: &[f64]) -> Option<f64> {
    Some(median_absolute_deviation(samples)? * NORMAL_OVER_MAD)
}

/// The standard deviation of the noise in a series whose level may change: from the differences of neighbours, of which a
/// change of level widens only one.
///
/// It is the standard deviation of normal noise whose differences have the same 70 % quantile: up to three differences
/// in ten may be steps and spikes. A series that jumps between two levels at random all the time counts as noisy, which
/// the median difference would miss. `None` below 3 values, for a NaN and for an infinity.
pub fn noise_of_differences(series: &[f64]) -> Option<f64> {
    if series.len() < 3 {
        return None;
    }
    let differences: Vec<f64> = series.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let wide = quantile(&sorted(&differences)?, QUIET_SHARE)?;
    Some(wide / (QUIET_QUANTILE * std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.median_abs_deviation`, plain and with `scale='normal'`, scipy 1.17.1.
    #[test]
    fn deviations_are_scipys() {
        let samples = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(median_absolute_deviation(&samples), Some(0.5));
        assert!((robust_std_dev(&samples).unwrap() - 0.741_301_109_252_801).abs() < 1e-15);
        assert_eq!(median_absolute_deviation(&[]), None);
        assert_eq!(robust_std_dev(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn a_step_does_not_widen_the_noise() {
        let wobble = |i: usize| [0.0, 1.0, -0.5, 0.3, -1.0, 0.6][i % 6];
        let flat: Vec<f64> = (0..48).map(|i| 100.0 + wobble(i)).collect();
        let stepped: Vec<f64> = (0..48).map(|i| if i < 24 { 100.0 } else { 150.0 } + wobble(i)).collect();
        let (flat, stepped) = (noise_of_differences(&flat).unwrap(), noise_of_differences(&stepped).unwrap());
        assert!((stepped / flat - 1.0).abs() < 0.1, "{stepped} is not about {flat}");
        assert_eq!(noise_of_differences(&[1.0, 2.0]), None);
    }
}
