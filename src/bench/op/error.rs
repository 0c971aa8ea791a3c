//! How far a result is from the reference, and how far it may be.

use std::fmt;

use pipe_model::Dtype;

use super::Expected;

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
pub fn relative_error(out: &[f64], expected: &[f64]) -> f64 {
    let (difference, norm) =
        out.iter().zip(expected).fold((0.0, 0.0), |(difference, norm), (out, expected)| {
            let delta = out - expected;
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
    /// The tensor.
    pub tensor: String,
    /// Elements that are NaN or infinite.
    pub not_finite: usize,
    /// Index of the worst element, outermost dimension first.
    pub position: Vec<usize>,
    /// What the kernel wrote there.
    pub found: f64,
    /// What is right there.
    pub expected: f64,
}

impl Mismatch {
    /// Describes a result whose error is over the bound.
    pub(crate) fn new(out: &[f64], reference: &Expected, relative_error: f64) -> Self {
        let Expected { name, values: expected, shape, bound, .. } = reference;
        // A NaN is worse than any number, and the first of equals is the one to look at.
        let badness = |out: f64, expected: f64| {
            let delta = (out - expected).abs();
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
            bound: *bound,
            tensor: name.clone(),
            not_finite: out.iter().filter(|v| !v.is_finite()).count(),
            position,
            found: out.get(worst.0).copied().unwrap_or(f64::NAN),
            expected: expected.get(worst.0).copied().unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.not_finite > 0 {
            write!(f, "{} elements of the output are not finite", self.not_finite)?;
        } else if self.bound == 0.0 {
            f.write_str("the output is not what it must be exactly")?;
        } else {
            write!(f, "relative error {:.3e} is over the bound {:e}", self.relative_error, self.bound)?;
        }
        let Self { tensor, position, found, expected, .. } = self;
        write!(f, "; worst at {tensor}{position:?}: {found:e} instead of {expected:e}")
    }
}

#[cfg(test)]
mod tests {
    use pipe_kernels::Element;

    use super::*;

    #[test]
    fn the_error_is_relative_and_nan_is_never_right() {
        assert_eq!(relative_error(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert!((relative_error(&[3.3, 4.4], &[3.0, 4.0]) - 0.1).abs() < 1e-15);
        assert_eq!(relative_error(&[3.0, 4.0], &[0.0, 0.0]), 5.0);
        assert!(relative_error(&[1.0, f64::NAN], &[1.0, 2.0]).is_nan());
        assert_eq!(relative_error(&[f64::INFINITY], &[1.0]), f64::INFINITY);
    }

    #[test]
    fn a_mismatch_points_at_the_worst_element() {
        let expected = |values: &[f64], shape: &[usize], bound| Expected {
            name: "out".to_owned(),
            element: Element::F32,
            values: values.to_vec(),
            shape: shape.to_vec(),
            bound,
        };
        let wrong = Mismatch::new(
            &[1.0, 2.0, 3.0, 9.0, 5.0, 6.0],
            &expected(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3], 1e-5),
            0.5,
        );
        assert_eq!(
            wrong.to_string(),
            "relative error 5.000e-1 is over the bound 1e-5; worst at out[1, 0]: 9e0 instead of 4e0"
        );
        let poisoned =
            Mismatch::new(&[1.0, f64::NAN, f64::NAN], &expected(&[1.0, 2.0, 3.0], &[3], 1e-5), f64::NAN);
        assert_eq!(
            poisoned.to_string(),
            "2 elements of the output are not finite; worst at out[1]: NaN instead of 2e0"
        );
        let count = Mismatch::new(&[7.0], &expected(&[8.0], &[1], 0.0), 0.125);
        assert_eq!(
            count.to_string(),
            "the output is not what it must be exactly; worst at out[0]: 7e0 instead of 8e0"
        );
    }
}
