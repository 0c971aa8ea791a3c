//! How far a result is from the reference, and how far it may be.

use std::fmt;

use pipe_model::Dtype;

/// The largest ‖out − ref‖ / ‖ref‖ of a right result.
///
/// f32: a sum over thousands of keys in any order, with `ex2.approx` (2 ulp), stays near 1e-6; 1e-5 leaves
/// room for other orders and none for a lost term. f16 and bf16 accumulate in f32, so that what shows is the
/// rounding of the inputs to the products and of the output: about four roundings of 2^-11 and 2^-8.
pub const fn error_bound(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F32 => 1e-5,
        Dtype::F16 => 2e-3,
        Dtype::Bf16 => 1.6e-2,
    }
}

/// ‖out − ref‖ / ‖ref‖, the 2-norms taken in f64 over all elements. NaN where any element of `out` is; where
/// the reference is all zero, ‖out‖ itself.
pub fn relative_error(out: &[f32], expected: &[f64]) -> f64 {
    let (difference, norm) =
        out.iter().zip(expected).fold((0.0, 0.0), |(difference, norm), (out, expected)| {
            let delta = f64::from(*out) - expected;
            (difference + delta * delta, norm + expected * expected)
        });
    if norm == 0.0 { f64::sqrt(difference) } else { f64::sqrt(difference / norm) }
}

/// Where and how a wrong result is wrong; its text is the message of a `wrong_result` row.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// ‖out − ref‖ / ‖ref‖.
    pub relative_error: f64,
    /// The most that is allowed.
    pub bound: f64,
    /// Elements that are NaN or infinite.
    pub not_finite: usize,
    /// Index of the worst element, outermost dimension first.
    pub position: Vec<usize>,
    /// What the kernel wrote there.
    pub found: f32,
    /// What is right there.
    pub expected: f64,
}

impl Mismatch {
    /// Describes a result whose error is over the bound. `shape` is the output's.
    pub(crate) fn new(
        out: &[f32],
        expected: &[f64],
        shape: &[usize],
        relative_error: f64,
        bound: f64,
    ) -> Self {
        // A NaN is worse than any number, and the first of equals is the one to look at.
        let badness = |out: f32, expected: f64| {
            let delta = (f64::from(out) - expected).abs();
            if delta.is_nan() { f64::INFINITY } else { delta }
        };
        let mut worst = (0, f64::NEG_INFINITY);
        for (index, (out, expected)) in out.iter().zip(expected).enumerate() {
            let badness = badness(*out, *expected);
            if badness > worst.1 {
                worst = (index, badness);
            }
        }
        let mut rest = worst.0;
        let mut position: Vec<usize> = shape
            .iter()
            .rev()
            .map(|extent| {
                let index = rest % extent.max(&1);
                rest /= extent.max(&1);
                index
            })
            .collect();
        position.reverse();
        Self {
            relative_error,
            bound,
            not_finite: out.iter().filter(|v| !v.is_finite()).count(),
            position,
            found: out.get(worst.0).copied().unwrap_or(f32::NAN),
            expected: expected.get(worst.0).copied().unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.not_finite > 0 {
            write!(f, "{} elements of the output are not finite", self.not_finite)?;
        } else {
            write!(f, "relative error {:.3e} is over the bound {:e}", self.relative_error, self.bound)?;
        }
        let Self { position, found, expected, .. } = self;
        write!(f, "; worst at out{position:?}: {found:e} instead of {expected:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_relative_and_nan_is_never_right() {
        assert_eq!(relative_error(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert!((relative_error(&[3.3, 4.4], &[3.0, 4.0]) - 0.1).abs() < 1e-7);
        assert_eq!(relative_error(&[3.0, 4.0], &[0.0, 0.0]), 5.0);
        assert!(relative_error(&[1.0, f32::NAN], &[1.0, 2.0]).is_nan());
        assert_eq!(relative_error(&[f32::INFINITY], &[1.0]), f64::INFINITY);
    }

    #[test]
    fn a_mismatch_points_at_the_worst_element() {
        let wrong = Mismatch::new(
            &[1.0, 2.0, 3.0, 9.0, 5.0, 6.0],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            &[2, 3],
            0.5,
            1e-5,
        );
        assert_eq!(
            wrong.to_string(),
            "relative error 5.000e-1 is over the bound 1e-5; worst at out[1, 0]: 9e0 instead of 4e0"
        );
        let poisoned = Mismatch::new(&[1.0, f32::NAN, f32::NAN], &[1.0, 2.0, 3.0], &[3], f64::NAN, 1e-5);
        assert_eq!(
            poisoned.to_string(),
            "2 elements of the output are not finite; worst at out[1]: NaN instead of 2e0"
        );
    }
}
