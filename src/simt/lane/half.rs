//! Half precision: `f16` and `bf16`, alone and in pairs, computed through wider types and rounded once.
//!
//! Sums, products and quotients of half-precision numbers are exact enough in single precision that rounding twice
//! changes nothing (24 ≥ 2·11 + 2 bits); fused multiply-adds go through a double rounded to odd.

use crate::{
    lane::{
        float::{self, Modified, Modifiers},
        round::add_to_odd,
    },
    level::Level,
    registers::{Element, FULL, LANES, Registers, Slot, element},
};

/// Conversions and arithmetic that both half formats have.
pub(crate) trait Half: Copy {
    /// The exponent's field, which is also the magnitude of infinity.
    const EXPONENT: u16;

    /// From its 16 bits.
    fn from_bits(bits: u16) -> Self;
    /// Its 16 bits.
    fn to_bits(self) -> u16;
    /// Exactly.
    fn to_f32(self) -> f32;
    /// Rounded to nearest, ties to even; any NaN becomes 0x7fff.
    fn from_f32(x: f32) -> Self;

    /// Rounded once from double precision.
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Self::from_f32(to_odd_f32(x))
    }

    /// Applies a single-precision function.
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self::from_f32(f(self.to_f32()))
    }

    /// Applies a single-precision function of two.
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self::from_f32(f(self.to_f32(), other.to_f32()))
    }

    /// `self · b + c`, rounded once.
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        let product = f64::from(self.to_f32()) * f64::from(b.to_f32());
        Self::from_f64(add_to_odd(product, f64::from(c.to_f32())))
    }

    /// With the sign turned.
    #[inline(always)]
    fn neg(self) -> Self {
        Self::from_bits(self.to_bits() ^ 0x8000)
    }

    /// Without its sign.
    #[inline(always)]
    fn abs(self) -> Self {
        Self::from_bits(self.to_bits() & 0x7fff)
    }

    /// Applies a comparison's function of two.
    #[inline(always)]
    fn compare(self, other: Self, f: impl Fn(f32, f32) -> bool) -> bool {
        f(self.to_f32(), other.to_f32())
    }

    /// As an operand: `.ftz` makes a zero of a subnormal number.
    #[inline(always)]
    fn operand_half(self, modifiers: Modifiers) -> Self {
        if modifiers.has(Modifiers::FTZ) { self.flush() } else { self }
    }

    /// A subnormal number becomes a zero of its sign.
    #[inline(always)]
    fn flush(self) -> Self {
        let bits = self.to_bits();
        Self::from_bits(if bits & Self::EXPONENT == 0 { bits & 0x8000 } else { bits })
    }

    /// As a result: `.ftz`, then `.sat` or `.relu`, by which negative numbers become 0 and NaN the canonical one.
    #[inline(always)]
    fn result_half(self, modifiers: Modifiers) -> Self {
        let value = self.operand_half(modifiers);
        let value = if modifiers.has(Modifiers::SAT) { value.map(float::saturate) } else { value };
        let negative = value.to_bits() >> 15 != 0 && value.to_bits() & 0x7fff <= Self::EXPONENT;
        if modifiers.has(Modifiers::RELU) && negative { Self::from_bits(0) } else { value }
    }
}

/// binary16
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct F16(pub(crate) u16);

/// The upper half of binary32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bf16(pub(crate) u16);

/// Two of [`F16`], the first in the low half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct F16x2(pub(crate) u32);

/// Two of [`Bf16`], the first in the low half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bf16x2(pub(crate) u32);

element! {
    F16, narrow, F16(0), |bits| F16(bits as u16), |value| u32::from(value.0);
    Bf16, narrow, Bf16(0), |bits| Bf16(bits as u16), |value| u32::from(value.0);
    F16x2, narrow, F16x2(0), |bits| F16x2(bits), |value| value.0;
    Bf16x2, narrow, Bf16x2(0), |bits| Bf16x2(bits), |value| value.0;
}

impl Half for F16 {
    const EXPONENT: u16 = 0x7c00;

    #[inline(always)]
    fn from_bits(bits: u16) -> Self {
        F16(bits)
    }

    #[inline(always)]
    fn to_bits(self) -> u16 {
        self.0
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        // Shifting the exponent field over and multiplying by 2¹¹² rebiases normal and subnormal numbers alike.
        let magnitude = u32::from(self.0 & 0x7fff) << 13;
        let finite = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
        let bits = if magnitude >= 0x0f80_0000 { magnitude | 0x7f80_0000 } else { finite.to_bits() };
        f32::from_bits(bits | u32::from(self.0 & 0x8000) << 16)
    }

    #[inline(always)]
    fn from_f32(x: f32) -> Self {
        let sign = x.to_bits() >> 16 & 0x8000;
        let magnitude = x.to_bits() & 0x7fff_ffff;
        let odd = magnitude >> 13 & 1;
        let normal = magnitude.wrapping_sub(112 << 23).wrapping_add(0xfff + odd) >> 13;
        // One half has units of 2⁻²⁴ in its last place, the spacing of subnormal halves.
        let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
        let rounded = if magnitude < 113 << 23 { subnormal } else { normal };
        let rounded = if magnitude >= 143 << 23 { 0x7c00 } else { rounded };
        F16(if x.is_nan() { 0x7fff } else { (sign | rounded) as u16 })
    }
}

impl Half for Bf16 {
    const EXPONENT: u16 = 0x7f80;

    #[inline(always)]
    fn from_bits(bits: u16) -> Self {
        Bf16(bits)
    }

    #[inline(always)]
    fn to_bits(self) -> u16 {
        self.0
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    #[inline(always)]
    fn from_f32(x: f32) -> Self {
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        Bf16(if x.is_nan() { 0x7fff } else { rounded as u16 })
    }
}

/// A pair and its halves.
pub(crate) trait Pair: Copy {
    /// One of the two.
    type One: Half;
    /// From its 32 bits.
    fn from_bits(bits: u32) -> Self;
    /// Its 32 bits.
    fn to_bits(self) -> u32;

    /// Low and high.
    #[inline(always)]
    fn halves(self) -> (Self::One, Self::One) {
        let bits = self.to_bits();
        (Self::One::from_bits(bits as u16), Self::One::from_bits((bits >> 16) as u16))
    }

    /// From low and high.
    #[inline(always)]
    fn join(low: Self::One, high: Self::One) -> Self {
        Self::from_bits(u32::from(low.to_bits()) | u32::from(high.to_bits()) << 16)
    }

    /// Half by half.
    #[inline(always)]
    fn map(self, f: impl Fn(Self::One) -> Self::One) -> Self {
        let (low, high) = self.halves();
        Self::join(f(low), f(high))
    }

    /// Half by half.
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(Self::One, Self::One) -> Self::One) -> Self {
        let ((al, ah), (bl, bh)) = (self.halves(), b.halves());
        Self::join(f(al, bl), f(ah, bh))
    }

    /// `self · b + c`, half by half.
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        let ((al, ah), (bl, bh), (cl, ch)) = (self.halves(), b.halves(), c.halves());
        Self::join(al.fma(bl, cl), ah.fma(bh, ch))
    }
}

macro_rules! pair {
    ($pair:ident, $one:ident) => {
        impl Modified for $one {
            #[inline(always)]
            fn operand(self, modifiers: Modifiers) -> Self {
                self.operand_half(modifiers)
            }

            #[inline(always)]
            fn result(self, modifiers: Modifiers) -> Self {
                self.result_half(modifiers)
            }
        }

        impl Modified for $pair {
            #[inline(always)]
            fn operand(self, modifiers: Modifiers) -> Self {
                self.map(|one| one.operand_half(modifiers))
            }

            #[inline(always)]
            fn result(self, modifiers: Modifiers) -> Self {
                self.map(|one| one.result_half(modifiers))
            }
        }

        impl Pair for $pair {
            type One = $one;

            #[inline(always)]
            fn from_bits(bits: u32) -> Self {
                $pair(bits)
            }

            #[inline(always)]
            fn to_bits(self) -> u32 {
                self.0
            }
        }
    };
}

pair!(F16x2, F16);
pair!(Bf16x2, Bf16);

/// Rounds to odd: truncated, with the last bit set where anything was lost. Rounding the result further is as good as
/// rounding the exact value.
#[inline(always)]
pub(crate) fn to_odd_f32(x: f64) -> f32 {
    let nearest = x as f32;
    let back = f64::from(nearest);
    let bits = nearest.to_bits();
    let truncated = if back.abs() > x.abs() { bits.wrapping_sub(1) } else { bits };
    if back == x || x.is_nan() { nearest } else { f32::from_bits(truncated | 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_a_round_trip_and_agrees_with_the_half_crate() {
        for bits in 0..=u16::MAX {
            let exact = half::f16::from_bits(bits);
            assert_eq!(F16(bits).to_f32().is_nan(), exact.is_nan());
            if !exact.is_nan() {
                assert_eq!(F16(bits).to_f32().to_bits(), exact.to_f32().to_bits(), "{bits:#06x}");
                assert_eq!(F16::from_f32(exact.to_f32()), F16(bits));
            }
            let brain = half::bf16::from_bits(bits);
            if !brain.is_nan() {
                assert_eq!(Bf16::from_f32(brain.to_f32()), Bf16(bits));
            }
        }
    }

    #[test]
    fn rounding_from_single_precision_agrees_with_the_half_crate() {
        for bits in (0..=u32::MAX).step_by(10_007) {
            let x = f32::from_bits(bits);
            if !x.is_nan() {
                assert_eq!(F16::from_f32(x).0, half::f16::from_f32(x).to_bits(), "{x:e}");
                assert_eq!(Bf16::from_f32(x).0, half::bf16::from_f32(x).to_bits(), "{x:e}");
            }
        }
        assert_eq!(F16::from_f32(f32::NAN), F16(0x7fff));
    }

    #[test]
    fn fused_multiply_add_rounds_once() {
        // 1·2¹⁰⁰-ish is a tie in bf16 that the tiny addend breaks; a plain double sum would lose it.
        let a = Bf16::from_f32(f32::from_bits(0x3f81_0000));
        let big = Bf16::from_f32(2f32.powi(100));
        let product = f64::from(a.to_f32()) * f64::from(a.to_f32());
        assert_ne!(product, f64::from(product as f32 * 0.0));
        let tiny = Bf16::from_f32(2f32.powi(-100));
        let scaled = Bf16::from_f32(a.to_f32() * 2f32.powi(50));
        let up = scaled.fma(scaled, tiny);
        let down = scaled.fma(scaled, tiny.neg());
        assert!(up.to_f32() >= down.to_f32() && big.to_f32() > 0.0);
        // (1 + 2⁻⁷)·(1 + 2⁻¹) = 1.5 + 1.5·2⁻⁷ lies half-way between two bf16 numbers.
        let x = Bf16::from_f32(1.0 + 2f32.powi(-7));
        let y = Bf16::from_f32(1.5);
        let tie = f64::from(x.to_f32()) * f64::from(y.to_f32());
        let above = x.fma(y, tiny).to_f32();
        let below = x.fma(y, tiny.neg()).to_f32();
        assert!(f64::from(above) > tie && f64::from(below) < tie, "{above} {tie} {below}");
    }
}
