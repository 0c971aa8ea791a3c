//! `cvt` of one lane, from any type to any other, by the ISA's rules of rounding, saturation and NaN.
//!
//! This is the definition; the pairs that compilers use all the time have vector forms of their own in the op table,
//! which tests hold against it.

use super::{
    float::{NAN, flush, saturate},
    half::{Bf16, F16, Half, to_odd_f32},
    round::{Rounding, narrow},
    small::{self, Small},
};

/// A numeric type that `cvt` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// An unsigned integer of so many bits.
    Unsigned(u8),
    /// A signed integer of so many bits.
    Signed(u8),
    /// binary16
    F16,
    /// The upper half of binary32.
    Bf16,
    /// binary32
    F32,
    /// binary64
    F64,
    /// Single precision with 10 bits of fraction, only to convert to.
    Tf32,
    /// A float of 8 bits or fewer, only in pairs.
    Small(Small),
    /// A power of two by its exponent alone, only in pairs.
    Ue8m0,
}

impl Number {
    /// From PTX's name of the type.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "u8" => Number::Unsigned(8),
            "u16" => Number::Unsigned(16),
            "u32" => Number::Unsigned(32),
            "u64" => Number::Unsigned(64),
            "s8" => Number::Signed(8),
            "s16" => Number::Signed(16),
            "s32" => Number::Signed(32),
            "s64" => Number::Signed(64),
            "f16" => Number::F16,
            "bf16" => Number::Bf16,
            "f32" => Number::F32,
            "f64" => Number::F64,
            "tf32" => Number::Tf32,
            "e4m3" => Number::Small(small::E4M3),
            "e5m2" => Number::Small(small::E5M2),
            "e2m1" => Number::Small(small::E2M1),
            "e2m3" => Number::Small(small::E2M3),
            "e3m2" => Number::Small(small::E3M2),
            "ue8m0" => Number::Ue8m0,
            _ => return None,
        })
    }

    /// Width in bits as it is kept in a register: floats of 6 bits take 8.
    pub(crate) fn bits(self) -> u8 {
        match self {
            Number::Small(format) if format.bits() == 6 => 8,
            Number::Small(format) => format.bits(),
            Number::Unsigned(bits) | Number::Signed(bits) => bits,
            Number::Ue8m0 => 8,
            Number::F16 | Number::Bf16 => 16,
            Number::F32 | Number::Tf32 => 32,
            Number::F64 => 64,
        }
    }

    /// Whether it is a floating-point type.
    pub(crate) fn is_float(self) -> bool {
        !matches!(self, Number::Unsigned(_) | Number::Signed(_))
    }
}

/// How many numbers a conversion converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One.
    Single,
    /// Two from registers of their own, the first of which becomes the upper half of the result.
    Joined,
    /// Both halves of a register.
    Halves,
}

/// A conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conversion {
    pub(crate) from: Number,
    pub(crate) to: Number,
    pub(crate) shape: Shape,
    /// Rounding of the result.
    pub(crate) rounding: Rounding,
    /// `.rni` and its like between floating-point types: the result is an integer.
    pub(crate) to_integral: bool,
    pub(crate) ftz: bool,
    pub(crate) saturate: bool,
    pub(crate) relu: bool,
    /// What is too great for the destination becomes its greatest number.
    pub(crate) satfinite: bool,
    /// Width of the destination register, to which a narrower integer is extended.
    pub(crate) register_bits: u8,
}

impl Conversion {
    /// Width in bits of what is read from the first register.
    pub(crate) fn source_bits(&self) -> u8 {
        match self.shape {
            Shape::Halves => 2 * self.from.bits(),
            _ => self.from.bits(),
        }
    }

    /// Width in bits of the result.
    pub(crate) fn result_bits(&self) -> u8 {
        match self.shape {
            Shape::Single => self.to.bits(),
            _ => 2 * self.to.bits(),
        }
    }
}

/// The converted bits of `a` or, by the conversion's shape, of a pair.
pub(crate) fn convert(a: u64, b: u64, conversion: &Conversion) -> u64 {
    let (high, low) = match conversion.shape {
        Shape::Single => return convert_one(a, conversion),
        Shape::Joined => (a, b),
        Shape::Halves => {
            let width = conversion.from.bits();
            (a >> width & mask(width), a & mask(width))
        }
    };
    convert_one(high, conversion) << conversion.to.bits() | convert_one(low, conversion)
}

/// The converted bits of `bits`, which holds the source in its low bits.
fn convert_one(bits: u64, conversion: &Conversion) -> u64 {
    let integer = match conversion.from {
        Number::Unsigned(width) => i128::from(bits & mask(width)),
        Number::Signed(width) => i128::from((bits << (64 - width)) as i64 >> (64 - width)),
        _ => return from_float(bits, conversion),
    };
    match conversion.to {
        Number::Unsigned(_) | Number::Signed(_) => to_integer(integer, conversion),
        Number::F64 => {
            let value = round_i128(integer, conversion.rounding, 53);
            (if conversion.saturate { value.clamp(0.0, 1.0) } else { value }).to_bits()
        }
        _ => {
            // A double rounded to odd carries 53 bits of any 64-bit integer, which every narrower float rounds right.
            let value = to_odd(integer);
            narrow_float(value, conversion)
        }
    }
}

fn mask(width: u8) -> u64 {
    u64::MAX >> (64 - width)
}

/// An integer to `digits` significant bits.
fn round_i128(value: i128, rounding: Rounding, digits: u32) -> f64 {
    let magnitude = value.unsigned_abs();
    let excess = (128 - magnitude.leading_zeros()).saturating_sub(digits);
    let kept = magnitude >> excess << excess;
    let rest = magnitude - kept;
    let unit = 1u128 << excess;
    let up = match rounding {
        Rounding::Nearest | Rounding::NearestAway => {
            rest * 2 > unit || rest * 2 == unit && magnitude >> excess & 1 == 1
        }
        Rounding::Zero => false,
        Rounding::Down => rest != 0 && value < 0,
        Rounding::Up => rest != 0 && value > 0,
    };
    let rounded = (if up && rest != 0 { kept + unit } else { kept }) as f64;
    if value < 0 { -rounded } else { rounded }
}

/// An integer as a double rounded to odd.
fn to_odd(value: i128) -> f64 {
    let truncated = round_i128(value, Rounding::Zero, 53);
    if truncated as i128 == value { truncated } else { f64::from_bits(truncated.to_bits() | 1) }
}

/// Clamps or wraps an integer into the destination type and extends it to the register.
fn to_integer(value: i128, conversion: &Conversion) -> u64 {
    match conversion.to {
        Number::Signed(width) => {
            let limit = 1i128 << (width - 1);
            let value = if conversion.saturate { value.clamp(-limit, limit - 1) } else { value };
            let extended = ((value as u64) << (64 - width)) as i64 >> (64 - width);
            extended as u64 & mask(conversion.register_bits)
        }
        _ => {
            let width = conversion.to.bits();
            let value = if conversion.saturate { value.clamp(0, i128::from(mask(width))) } else { value };
            value as u64 & mask(width)
        }
    }
}

fn from_float(bits: u64, conversion: &Conversion) -> u64 {
    let value = match conversion.from {
        Number::F16 => f64::from(F16(bits as u16).to_f32()),
        Number::Bf16 => f64::from(Bf16(bits as u16).to_f32()),
        Number::F32 => {
            let value = f32::from_bits(bits as u32);
            f64::from(if conversion.ftz { flush(value) } else { value })
        }
        Number::Small(format) => format.decode(bits as u8),
        Number::Ue8m0 => small::decode_ue8m0(bits as u8),
        _ => f64::from_bits(bits),
    };
    let integral = |value: f64| match conversion.rounding {
        Rounding::Nearest | Rounding::NearestAway => value.round_ties_even(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    };
    match conversion.to {
        Number::Unsigned(width) | Number::Signed(width) => {
            if value.is_nan() {
                let wide = conversion.from == Number::F64 || width == 64;
                return if wide { 1 << (width - 1) } else { 0 };
            }
            // `as` clamps to i128, far outside every destination; floats always clamp to the destination.
            to_integer(integral(value) as i128, &Conversion { saturate: true, ..*conversion })
        }
        Number::F64 => {
            let value = if conversion.to_integral { integral(value) } else { value };
            (if conversion.saturate { saturate_f64(value) } else { value }).to_bits()
        }
        _ if conversion.to_integral => narrow_float(integral(value), conversion),
        _ => narrow_float(value, conversion),
    }
}

fn saturate_f64(x: f64) -> f64 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

/// Rounds a double, exact or rounded to odd, to single precision or less.
fn narrow_float(value: f64, conversion: &Conversion) -> u64 {
    let value = if conversion.saturate { saturate_f64(value) } else { value };
    let value = if conversion.relu && value <= 0.0 { 0.0 } else { value };
    match conversion.to {
        Number::F32 => {
            let rounded = if value.is_nan() { NAN } else { narrow(conversion.rounding, value) };
            let rounded = if conversion.ftz { flush(rounded) } else { rounded };
            u64::from(if conversion.saturate { saturate(rounded) } else { rounded }.to_bits())
        }
        Number::Tf32 => u64::from(small::tf32(value as f32, conversion.rounding, conversion.satfinite)),
        Number::Small(format) => u64::from(format.encode(value)),
        // Its sources are no wider than single precision.
        Number::Ue8m0 => {
            u64::from(small::encode_ue8m0(value as f32, conversion.rounding, conversion.satfinite))
        }
        Number::F16 => u64::from(half::<F16>(value, conversion).to_bits()),
        _ => u64::from(half::<Bf16>(value, conversion).to_bits()),
    }
}

/// A double to a half format, within its finite numbers where asked.
fn half<H: Half>(value: f64, conversion: &Conversion) -> H {
    let rounded: H = round_half(value, conversion.rounding);
    let infinite = rounded.abs().to_bits() == H::EXPONENT;
    if conversion.satfinite && infinite { H::from_bits(rounded.to_bits() - 1) } else { rounded }
}

/// A double to a half format in any rounding mode.
fn round_half<H: Half>(value: f64, rounding: Rounding) -> H {
    let nearest = H::from_f32(to_odd_f32(value));
    let wide = f64::from(nearest.to_f32());
    let too_great = match rounding {
        Rounding::Nearest | Rounding::NearestAway => return nearest,
        Rounding::Zero => wide.abs() > value.abs(),
        Rounding::Down => wide > value,
        Rounding::Up => wide < value,
    };
    if !too_great {
        return nearest;
    }
    // One step: a magnitude too great shrinks, one too small grows.
    let bits = nearest.to_bits();
    let shrink = wide.abs() > value.abs();
    H::from_bits(match (shrink, bits & 0x7fff) {
        (true, _) => bits - 1,
        (false, 0) => {
            if value < 0.0 {
                0x8001
            } else {
                1
            }
        }
        (false, _) => bits + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversion(to: &str, from: &str, rounding: Rounding) -> Conversion {
        let to = Number::named(to).unwrap();
        Conversion {
            from: Number::named(from).unwrap(),
            to,
            shape: Shape::Single,
            rounding,
            to_integral: false,
            ftz: false,
            saturate: false,
            relu: false,
            satfinite: false,
            register_bits: to.bits().max(16),
        }
    }

    #[test]
    fn floats_clamp_to_integers_and_nan_follows_the_isa() {
        let to = |name, x: f32| convert_one(u64::from(x.to_bits()), &conversion(name, "f32", Rounding::Zero));
        assert_eq!(to("s32", 3e9), 0x7fff_ffff);
        assert_eq!(to("s32", -3e9), 0x8000_0000);
        assert_eq!(to("u32", -1.5), 0);
        assert_eq!(to("u8", 300.0), 255);
        assert_eq!(to("s32", f32::NAN), 0);
        assert_eq!(to("s64", f32::NAN), 1 << 63);
        let nan = f64::NAN.to_bits();
        assert_eq!(convert_one(nan, &conversion("u32", "f64", Rounding::Zero)), 1 << 31);
        assert_eq!(convert_one(2.5f64.to_bits(), &conversion("s32", "f64", Rounding::Nearest)), 2);
        assert_eq!(convert_one((-2.5f64).to_bits(), &conversion("s32", "f64", Rounding::Down)) as i32, -3);
        assert_eq!(convert_one(2.1f64.to_bits(), &conversion("s32", "f64", Rounding::Up)), 3);
    }

    #[test]
    fn pairs_keep_their_order_and_saturate_to_finite_numbers() {
        let joined = Conversion { shape: Shape::Joined, ..conversion("e4m3", "f32", Rounding::Nearest) };
        let (one, minus_two) = (1f32.to_bits().into(), (-2f32).to_bits().into());
        assert_eq!(convert(one, minus_two, &joined), 0x38c0);
        let halves = Conversion { shape: Shape::Halves, ..conversion("f16", "e4m3", Rounding::Nearest) };
        assert_eq!(convert(0x38c0, 0, &halves), 0x3c00_c000);
        let finite =
            Conversion { satfinite: true, relu: true, ..conversion("f16", "f32", Rounding::Nearest) };
        assert_eq!(convert_one(1e30f32.to_bits().into(), &finite), 0x7bff);
        assert_eq!(convert_one(f32::NEG_INFINITY.to_bits().into(), &finite), 0);
        assert_eq!(convert_one(f32::NAN.to_bits().into(), &finite), 0x7fff);
    }

    #[test]
    fn integers_wrap_saturate_and_extend() {
        assert_eq!(convert_one(0x1ff, &conversion("u8", "u32", Rounding::Zero)), 0xff);
        assert_eq!(convert_one(0x80, &conversion("s8", "u32", Rounding::Zero)), 0xff80);
        let saturating = Conversion { saturate: true, ..conversion("s8", "s32", Rounding::Zero) };
        assert_eq!(convert_one(1000, &saturating), 127);
        let unsigned = Conversion { saturate: true, ..conversion("u32", "s32", Rounding::Zero) };
        assert_eq!(convert_one(u64::from(u32::MAX), &unsigned), 0);
        assert_eq!(convert_one(u64::from(u32::MAX), &conversion("s64", "s32", Rounding::Zero)), u64::MAX);
    }

    #[test]
    fn integers_round_once_to_floats() {
        for value in [0u64, 1, 16_777_217, 0x8000_0080_0000_0001, u64::MAX, 0xffff_ff7f_ffff_ffff] {
            let single = convert_one(value, &conversion("f32", "u64", Rounding::Nearest));
            assert_eq!(f32::from_bits(single as u32), value as f32, "{value}");
            let double = convert_one(value, &conversion("f64", "s64", Rounding::Nearest));
            assert_eq!(f64::from_bits(double), value as i64 as f64, "{value}");
        }
        let up = convert_one(16_777_217, &conversion("f32", "u32", Rounding::Up));
        let zero = convert_one(16_777_217, &conversion("f32", "u32", Rounding::Zero));
        assert_eq!([f32::from_bits(up as u32), f32::from_bits(zero as u32)], [16_777_218.0, 16_777_216.0]);
    }

    #[test]
    fn floats_round_in_every_mode() {
        let x = 1.0f64 + 2f64.powi(-30);
        let to_f32 =
            |x: f64, r| f32::from_bits(convert_one(x.to_bits(), &conversion("f32", "f64", r)) as u32);
        assert_eq!(to_f32(x, Rounding::Up), 1.0f32.next_up());
        assert_eq!(to_f32(x, Rounding::Down), 1.0);
        assert_eq!(to_f32(-x, Rounding::Down), (-1.0f32).next_down());
        assert_eq!(to_f32(-x, Rounding::Zero), -1.0);
        assert_eq!(to_f32(1e300, Rounding::Zero), f32::MAX);
        assert_eq!(to_f32(1e300, Rounding::Nearest), f32::INFINITY);
        let to_f16 = |x: f64, r| convert_one(x.to_bits(), &conversion("f16", "f64", r)) as u16;
        assert_eq!(to_f16(1.0 + 2f64.powi(-20), Rounding::Up), 0x3c01);
        assert_eq!(to_f16(1e-30, Rounding::Up), 1);
        assert_eq!(to_f16(-1e-30, Rounding::Down), 0x8001);
        assert_eq!(to_f16(70000.0, Rounding::Zero), 0x7bff);
        // Half-way in f16 plus one part in 2⁵⁰: rounding through f32 would lose it.
        assert_eq!(to_f16(1.0 + 2f64.powi(-11) + 2f64.powi(-50), Rounding::Nearest), 0x3c01);
    }
}
