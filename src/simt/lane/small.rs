//! Floats that registers only hold for conversion: those of 8 bits and fewer, powers of two, and tf32.

use super::round::Rounding;

/// A float of 8 bits or fewer: a sign, an exponent, a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Small {
    exponent_bits: u8,
    fraction_bits: u8,
    /// The bits of the greatest magnitude.
    greatest: u8,
    /// The magnitude that is infinite, if there is one.
    infinity: Option<u8>,
    /// The canonical NaN, and with it every magnitude past infinity; where there is none, NaN converts to the greatest.
    nan: Option<u8>,
}

/// 448 is the greatest; no infinity.
pub(crate) const E4M3: Small =
    Small { exponent_bits: 4, fraction_bits: 3, greatest: 0x7e, infinity: None, nan: Some(0x7f) };
/// 57344 is the greatest; as IEEE 754 would have it.
pub(crate) const E5M2: Small =
    Small { exponent_bits: 5, fraction_bits: 2, greatest: 0x7b, infinity: Some(0x7c), nan: Some(0x7f) };
/// 0, 0.5, 1, 1.5, 2, 3, 4, 6
pub(crate) const E2M1: Small =
    Small { exponent_bits: 2, fraction_bits: 1, greatest: 0x07, infinity: None, nan: None };
/// 7.5 is the greatest.
pub(crate) const E2M3: Small =
    Small { exponent_bits: 2, fraction_bits: 3, greatest: 0x1f, infinity: None, nan: None };
/// 28 is the greatest.
pub(crate) const E3M2: Small =
    Small { exponent_bits: 3, fraction_bits: 2, greatest: 0x1f, infinity: None, nan: None };

impl Small {
    /// Bits of a number.
    pub(crate) fn bits(self) -> u8 {
        1 + self.exponent_bits + self.fraction_bits
    }

    fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// The exact value.
    pub(crate) fn decode(self, bits: u8) -> f64 {
        let sign_bit = 1 << (self.bits() - 1);
        let magnitude = bits & (sign_bit - 1);
        let value = if self.infinity == Some(magnitude) {
            f64::INFINITY
        } else if self.nan.is_some() && magnitude > self.greatest {
            return f64::NAN;
        } else {
            let exponent = i32::from(magnitude >> self.fraction_bits);
            let fraction = i32::from(magnitude & ((1 << self.fraction_bits) - 1));
            let hidden = if exponent == 0 { 0 } else { 1 << self.fraction_bits };
            let unit = exponent.max(1) - self.bias() - i32::from(self.fraction_bits);
            f64::from(fraction + hidden) * 2f64.powi(unit)
        };
        if bits & sign_bit != 0 { -value } else { value }
    }

    /// Rounded to nearest, ties to even; what is too great becomes the greatest, as `.satfinite` has it.
    pub(crate) fn encode(self, x: f64) -> u8 {
        if x.is_nan() {
            return self.nan.unwrap_or(self.greatest);
        }
        let sign = u8::from(x.is_sign_negative()) << (self.bits() - 1);
        let magnitude = x.abs();
        if magnitude >= self.decode(self.greatest) {
            return sign | self.greatest;
        }
        let exponent = (magnitude.to_bits() >> 52) as i32 - 1023;
        let unit = exponent.max(1 - self.bias()) - i32::from(self.fraction_bits);
        // Both scaling by a power of two and rounding to an integer are exact here.
        let steps = (magnitude * 2f64.powi(-unit)).round_ties_even() as i32;
        // The number's bits count steps from zero: each binade above the first adds as many as its own fraction has.
        let first = 1 - self.bias() - i32::from(self.fraction_bits);
        let count = ((unit - first) << self.fraction_bits) + steps;
        sign | (count as u8).min(self.greatest)
    }
}

/// `cvt.tf32.f32`: single precision with 10 bits of fraction, the rest zero.
pub(crate) fn tf32(x: f32, rounding: Rounding, satfinite: bool) -> u32 {
    const LOST: u32 = 0x1fff;
    const GREATEST: u32 = 0x7f7f_e000;
    if x.is_nan() {
        return 0x7fff_ffff;
    }
    let (sign, magnitude) = (x.to_bits() & 0x8000_0000, x.to_bits() & 0x7fff_ffff);
    let rounded = match rounding {
        Rounding::NearestAway => magnitude + 0x1000,
        Rounding::Nearest => magnitude + 0xfff + (magnitude >> 13 & 1),
        _ => magnitude,
    } & !LOST;
    sign | if satfinite { rounded.min(GREATEST) } else { rounded.min(0x7f80_0000) }
}

/// The power of two whose biased exponent `bits` is; 255 is NaN.
pub(crate) fn decode_ue8m0(bits: u8) -> f64 {
    if bits == u8::MAX { f64::NAN } else { 2f64.powi(i32::from(bits) - 127) }
}

/// `.ue8m0`: the exponent of a magnitude, rounded down by `.rz` and up by `.rp`. What is less than the least power of two,
/// zero included, becomes that; what is too great becomes NaN or, by `.satfinite`, the greatest.
pub(crate) fn encode_ue8m0(x: f32, rounding: Rounding, satfinite: bool) -> u8 {
    const LEAST: u32 = 0x0040_0000;
    if x.is_nan() {
        return u8::MAX;
    }
    let magnitude = x.to_bits() & 0x7fff_ffff;
    let exponent = (magnitude >> 23) as u8;
    let up = rounding == Rounding::Up && x.is_finite() && magnitude > LEAST && magnitude & 0x007f_ffff != 0;
    (exponent + u8::from(up)).min(u8::MAX - u8::from(satfinite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_float_survives_a_round_trip() {
        for format in [E4M3, E5M2, E2M1, E2M3, E3M2] {
            for bits in 0..=u8::MAX >> (8 - format.bits()) {
                let value = format.decode(bits);
                if value.is_finite() {
                    assert_eq!(format.encode(value), bits, "{format:?} {bits:#x}");
                }
            }
        }
    }

    #[test]
    fn small_floats_round_to_the_nearest_of_all_their_values() {
        for format in [E4M3, E5M2, E2M1, E2M3, E3M2] {
            for step in 0..4000 {
                let x = f64::from(step) * 0.007 + f64::from(step % 7) * 9.0;
                let got = format.decode(format.encode(x));
                let best = (0..=format.greatest)
                    .map(|bits| (format.decode(bits) - x).abs())
                    .fold(f64::INFINITY, f64::min);
                assert_eq!((got - x).abs(), best, "{format:?} {x}");
            }
        }
    }

    #[test]
    fn ends_of_the_range_follow_the_isa() {
        assert_eq!(
            [E4M3.encode(1e9), E4M3.encode(f64::NEG_INFINITY), E4M3.encode(f64::NAN)],
            [0x7e, 0xfe, 0x7f]
        );
        assert_eq!([E5M2.encode(1e9), E5M2.encode(f64::NAN), E5M2.encode(2f64.powi(-17))], [0x7b, 0x7f, 0]);
        assert_eq!([E2M1.encode(f64::NAN), E2M1.encode(-100.0), E2M1.encode(0.25)], [7, 0xf, 0]);
        assert_eq!(E5M2.decode(0xfc), f64::NEG_INFINITY);
        assert!(E4M3.decode(0xff).is_nan());
        assert_eq!(tf32(1.0 + 2f32.powi(-11), Rounding::NearestAway, false), 0x3f80_2000);
        assert_eq!(tf32(1.0 + 2f32.powi(-11), Rounding::Nearest, false), 0x3f80_0000);
        assert_eq!(tf32(f32::MAX, Rounding::NearestAway, false), 0x7f80_0000);
        assert_eq!(tf32(f32::INFINITY, Rounding::Zero, true), 0x7f7f_e000);
    }
}
