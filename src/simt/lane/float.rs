//! Floating-point arithmetic of one lane beyond Rust's own operators: modifiers, minimum and maximum, NaN rules.

use crate::{
    level::Level,
    registers::{Element, FULL, LANES, Registers, Slot, element},
};

/// Single precision's canonical NaN.
pub(crate) const NAN: f32 = f32::from_bits(0x7fff_ffff);

/// Replaces any NaN by the canonical one.
#[inline(always)]
pub(crate) fn canonical(x: f32) -> f32 {
    // By its bits: compilers take one NaN to be as good as another.
    if x.to_bits() & 0x7fff_ffff > 0x7f80_0000 { NAN } else { x }
}

/// `.ftz`: a subnormal becomes a zero of its sign.
#[inline(always)]
pub(crate) fn flush(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { f32::from_bits(x.to_bits() & 0x8000_0000) } else { x }
}

/// `.sat`: into [0, 1]; NaN becomes 0, and so does −0.
#[inline(always)]
pub(crate) fn saturate(x: f32) -> f32 {
    let low = if x > 0.0 { x } else { 0.0 };
    if low < 1.0 { low } else { 1.0 }
}

/// Minimum and maximum of a float type whose `$bits` are ordered like the type for equal magnitudes.
macro_rules! extrema {
    ($float:ty, $min:ident, $max:ident) => {
        /// The lesser; a NaN loses; −0 is less than +0.
        #[inline(always)]
        pub(crate) fn $min(a: $float, b: $float) -> $float {
            let equal = if a.is_nan() { b } else { <$float>::from_bits(a.to_bits() | b.to_bits()) };
            let equal = if b.is_nan() { a } else { equal };
            if a < b {
                a
            } else if b < a {
                b
            } else {
                equal
            }
        }

        /// The greater; a NaN loses; −0 is less than +0.
        #[inline(always)]
        pub(crate) fn $max(a: $float, b: $float) -> $float {
            let equal = if a.is_nan() { b } else { <$float>::from_bits(a.to_bits() & b.to_bits()) };
            let equal = if b.is_nan() { a } else { equal };
            if a > b {
                a
            } else if b > a {
                b
            } else {
                equal
            }
        }
    };
}

extrema!(f32, min_f32, max_f32);
extrema!(f64, min_f64, max_f64);

/// `min.NaN`: the lesser; a NaN wins.
#[inline(always)]
pub(crate) fn min_nan_f32(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { NAN } else { min_f32(a, b) }
}

/// `max.NaN`: the greater; a NaN wins.
#[inline(always)]
pub(crate) fn max_nan_f32(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { NAN } else { max_f32(a, b) }
}

/// `.xorsign.abs`: minimum or maximum of the magnitudes, under the product of the signs.
#[inline(always)]
pub(crate) fn xorsign(a: f32, b: f32, f: impl Fn(f32, f32) -> f32) -> f32 {
    let magnitude = f(a.abs(), b.abs());
    let sign = (a.to_bits() ^ b.to_bits()) & 0x8000_0000;
    if magnitude.is_nan() { magnitude } else { f32::from_bits(magnitude.to_bits() | sign) }
}

/// `div.approx.f32`. The ISA has it divide by multiplying by a reciprocal, which is zero above 2¹²⁶.
#[inline(always)]
pub(crate) fn div_approx(a: f32, b: f32) -> f32 {
    const LIMIT: f32 = f32::from_bits((127 + 126) << 23);
    let far = b.abs() > LIMIT && b.abs() < f32::INFINITY;
    if far { a * 0f32.copysign(b) } else { a / b }
}

/// The modifiers of a floating-point instruction, as decoded: `.ftz`, `.sat` and `.relu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modifiers(pub(crate) u16);

impl Modifiers {
    pub(crate) const FTZ: u16 = 1;
    pub(crate) const SAT: u16 = 2;
    pub(crate) const RELU: u16 = 4;

    /// Whether one of them was given.
    #[inline(always)]
    pub(crate) fn has(self, modifier: u16) -> bool {
        self.0 & modifier != 0
    }
}

/// A lane type seen by the modifiers: they act on floating-point types up to single precision and leave others alone.
pub(crate) trait Modified: Copy {
    /// The value as an operand.
    #[inline(always)]
    fn operand(self, _: Modifiers) -> Self {
        self
    }

    /// The value as a result.
    #[inline(always)]
    fn result(self, _: Modifiers) -> Self {
        self
    }

    /// The value as a result without modifiers.
    #[inline(always)]
    fn plain(self) -> Self {
        self
    }
}

impl Modified for f32 {
    #[inline(always)]
    fn operand(self, modifiers: Modifiers) -> Self {
        if modifiers.has(Modifiers::FTZ) { flush(self) } else { self }
    }

    #[inline(always)]
    fn result(self, modifiers: Modifiers) -> Self {
        let value = canonical(self);
        let value = if modifiers.has(Modifiers::FTZ) { flush(value) } else { value };
        if modifiers.has(Modifiers::SAT) { saturate(value) } else { value }
    }

    #[inline(always)]
    fn plain(self) -> Self {
        canonical(self)
    }
}

macro_rules! unmodified {
    ($($ty:ty)*) => { $( impl Modified for $ty {} )* };
}

unmodified!(u8 u16 i16 u32 i32 u64 i64 f64 Raw32 crate::registers::Flag);

/// Single precision as its bits: a result whose NaN keeps its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raw32(pub(crate) u32);

/// Two of single precision in 64 bits, the first in the low half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct F32x2(f32, f32);

element! {
    Raw32, narrow, Raw32(0), |bits| Raw32(bits), |value| value.0;
    F32x2, wide, F32x2(0.0, 0.0),
        |bits| F32x2(f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)),
        |value| u64::from(value.0.to_bits()) | u64::from(value.1.to_bits()) << 32;
}

impl F32x2 {
    /// Half by half.
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        F32x2(f(self.0), f(self.1))
    }

    /// Half by half.
    #[inline(always)]
    pub(crate) fn zip(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        F32x2(f(self.0, b.0), f(self.1, b.1))
    }

    /// Half by half.
    #[inline(always)]
    pub(crate) fn zip3(self, b: Self, c: Self, f: impl Fn(f32, f32, f32) -> f32) -> Self {
        F32x2(f(self.0, b.0, c.0), f(self.1, b.1, c.1))
    }
}

impl Modified for F32x2 {
    #[inline(always)]
    fn operand(self, modifiers: Modifiers) -> Self {
        self.map(|half| half.operand(modifiers))
    }

    #[inline(always)]
    fn result(self, modifiers: Modifiers) -> Self {
        self.map(|half| half.result(modifiers))
    }

    #[inline(always)]
    fn plain(self) -> Self {
        self.map(canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extrema_order_zeros_and_lose_nans() {
        for (a, b) in [(0.0, -0.0), (-0.0, 0.0)] {
            assert_eq!(min_f32(a, b).to_bits(), (-0.0f32).to_bits());
            assert_eq!(max_f32(a, b).to_bits(), 0);
        }
        assert_eq!(min_f32(f32::NAN, 1.0), 1.0);
        assert_eq!(max_f64(2.0, f64::NAN), 2.0);
        assert!(min_f32(f32::NAN, f32::NAN).is_nan());
        assert!(max_nan_f32(1.0, f32::NAN).is_nan());
        assert_eq!(max_f32(-3.0, f32::INFINITY), f32::INFINITY);
        assert_eq!(min_f32(-3.0, -2.0), -3.0);
    }

    #[test]
    fn modifiers_flush_and_saturate() {
        assert_eq!(flush(-1e-40).to_bits(), (-0.0f32).to_bits());
        assert_eq!(flush(f32::MIN_POSITIVE), f32::MIN_POSITIVE);
        assert_eq!(saturate(f32::NAN), 0.0);
        assert_eq!(saturate(-0.0).to_bits(), 0);
        assert_eq!([saturate(7.0), saturate(0.25), saturate(-1.0)], [1.0, 0.25, 0.0]);
    }
}
