//! Arithmetic that rounds towards zero, down or up.
//!
//! Single precision is computed in double precision, rounded to odd and then narrowed, which loses nothing (53 ≥ 24 + 2
//! bits) and leaves vector code. Double precision is computed exactly by [`super::exact`].

use super::exact;

/// A rounding mode: of the result's last place, or to an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To nearest, ties to even.
    Nearest,
    /// To nearest, ties away from zero: only `cvt.rna`.
    NearestAway,
    /// Towards zero.
    Zero,
    /// Towards −∞.
    Down,
    /// Towards +∞.
    Up,
}

pub(crate) use Rounding::{Down, Up, Zero};

/// A result of double precision rounded to odd: truncated, with the last bit set where anything was lost. `nearest` is
/// the result rounded to nearest, `error` something with the sign of exact − nearest, zero or NaN if it is exact.
#[inline(always)]
pub(crate) fn odd(nearest: f64, error: f64) -> f64 {
    let bits = nearest.to_bits();
    let outwards = (error.to_bits() ^ bits) >> 63 == 0;
    let truncated = if outwards { bits } else { bits.wrapping_sub(1) };
    let inexact = error.abs() > 0.0 && nearest.is_finite();
    f64::from_bits(if inexact { truncated | 1 } else { bits })
}

/// `a + b` rounded to odd.
#[inline(always)]
pub(crate) fn add_to_odd(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let b_part = sum - a;
    let error = (a - (sum - b_part)) + (b - b_part);
    odd(sum, error)
}

/// A double, exact or rounded to odd, to single precision.
#[inline(always)]
pub(crate) fn narrow(rounding: Rounding, value: f64) -> f32 {
    let nearest = value as f32;
    let wide = f64::from(nearest);
    let bits = nearest.to_bits();
    let (inwards, outwards) = (bits.wrapping_sub(1), bits.wrapping_add(1));
    let negative = bits >> 31 != 0;
    f32::from_bits(match rounding {
        Rounding::Nearest | Rounding::NearestAway => bits,
        Rounding::Zero if wide.abs() > value.abs() => inwards,
        Rounding::Down if wide > value && negative => outwards,
        Rounding::Down if wide > value => inwards,
        Rounding::Up if wide < value && negative => inwards,
        Rounding::Up if wide < value => outwards,
        _ => bits,
    })
}

/// An exact zero of a sum: rounding down gives −0 unless both terms are +0.
#[inline(always)]
fn signed_zero(rounding: Rounding, sum: f64, a: f64, b: f64) -> f64 {
    let both_positive = (a.to_bits() | b.to_bits()) >> 63 == 0;
    if matches!(rounding, Rounding::Down) && sum == 0.0 && !both_positive { -0.0 } else { sum }
}

/// `add.f32`
#[inline(always)]
pub(crate) fn add_f32(rounding: Rounding, a: f32, b: f32) -> f32 {
    let (a, b) = (f64::from(a), f64::from(b));
    narrow(rounding, signed_zero(rounding, add_to_odd(a, b), a, b))
}

/// `mul.f32`
#[inline(always)]
pub(crate) fn mul_f32(rounding: Rounding, a: f32, b: f32) -> f32 {
    narrow(rounding, f64::from(a) * f64::from(b))
}

/// `fma.f32`
#[inline(always)]
pub(crate) fn fma_f32(rounding: Rounding, a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    narrow(rounding, signed_zero(rounding, add_to_odd(product, c), product, c))
}

/// `div.f32`
#[inline(always)]
pub(crate) fn div_f32(rounding: Rounding, a: f32, b: f32) -> f32 {
    let (a, b) = (f64::from(a), f64::from(b));
    let quotient = a / b;
    let rest = quotient.mul_add(-b, a);
    // The quotient is too small where the rest has the divisor's sign.
    let error = if b < 0.0 { -rest } else { rest };
    narrow(rounding, odd(quotient, error))
}

/// `sqrt.f32`
#[inline(always)]
pub(crate) fn sqrt_f32(rounding: Rounding, a: f32) -> f32 {
    let a = f64::from(a);
    let root = a.sqrt();
    narrow(rounding, odd(root, root.mul_add(-root, a)))
}

/// `add.f64`
#[inline(never)]
pub(crate) fn add_f64(rounding: Rounding, a: f64, b: f64) -> f64 {
    exact::fma(rounding, a, 1.0, b)
}

/// `mul.f64`
#[inline(never)]
pub(crate) fn mul_f64(rounding: Rounding, a: f64, b: f64) -> f64 {
    exact::mul(rounding, a, b)
}

/// `fma.f64`
#[inline(never)]
pub(crate) fn fma_f64(rounding: Rounding, a: f64, b: f64, c: f64) -> f64 {
    exact::fma(rounding, a, b, c)
}

/// `div.f64`
#[inline(never)]
pub(crate) fn div_f64(rounding: Rounding, a: f64, b: f64) -> f64 {
    exact::div(rounding, a, b)
}

/// `sqrt.f64`
#[inline(never)]
pub(crate) fn sqrt_f64(rounding: Rounding, a: f64) -> f64 {
    exact::sqrt(rounding, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_an_inexact_result_are_told_apart() {
        let third = |rounding| div_f32(rounding, 1.0, 3.0).to_bits();
        assert_eq!([third(Zero), third(Down), third(Up)], [0x3eaa_aaaa, 0x3eaa_aaaa, 0x3eaa_aaab]);
        let minus = |rounding| div_f32(rounding, 1.0, -3.0).to_bits();
        assert_eq!([minus(Zero), minus(Down), minus(Up)], [0xbeaa_aaaa, 0xbeaa_aaab, 0xbeaa_aaaa]);
        let wide = |rounding| div_f64(rounding, 1.0, 3.0).to_bits() & 0xf;
        assert_eq!([wide(Zero), wide(Down), wide(Up)], [5, 5, 6]);
    }

    #[test]
    fn overflow_stops_at_the_greatest_number_where_rounding_turns_inwards() {
        assert_eq!(mul_f32(Zero, f32::MAX, 2.0), f32::MAX);
        assert_eq!(mul_f32(Up, f32::MAX, -2.0), f32::MIN);
        assert_eq!(mul_f32(Down, f32::MAX, -2.0), f32::NEG_INFINITY);
        assert_eq!(add_f64(Zero, f64::MAX, f64::MAX), f64::MAX);
        assert_eq!(add_f64(Up, f64::MAX, f64::MIN_POSITIVE), f64::INFINITY);
        assert_eq!(mul_f64(Down, f64::MIN_POSITIVE, f64::MIN_POSITIVE), 0.0);
        assert_eq!(mul_f64(Up, f64::MIN_POSITIVE, f64::MIN_POSITIVE), f64::from_bits(1));
    }

    #[test]
    fn exact_zeros_are_negative_only_when_rounding_down() {
        for rounding in [Zero, Down, Up] {
            let negative = matches!(rounding, Down);
            assert_eq!(add_f32(rounding, 1.0, -1.0).is_sign_negative(), negative);
            assert_eq!(add_f64(rounding, 1.0, -1.0).is_sign_negative(), negative);
            assert_eq!(fma_f64(rounding, -0.0, 1.0, 0.0).is_sign_negative(), negative);
            assert!(add_f32(rounding, 0.0, 0.0).is_sign_positive());
            assert!(add_f64(rounding, -0.0, -0.0).is_sign_negative());
        }
    }
}
