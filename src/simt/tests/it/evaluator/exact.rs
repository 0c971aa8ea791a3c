//! Floating-point formats and exact numbers of any size: the only rounding is the one asked for.

use num_bigint::{BigInt, BigUint, Sign};

/// A binary floating-point format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) exponent_bits: u32,
    pub(crate) fraction_bits: u32,
    /// Magnitudes from here on are not finite; the first is infinity, unless there is none.
    pub(crate) finite_end: u64,
    pub(crate) has_infinity: bool,
    /// The NaN that conversions and arithmetic give, where the ISA says which.
    pub(crate) nan: Option<u64>,
}

pub(crate) const F16: Format =
    Format { exponent_bits: 5, fraction_bits: 10, finite_end: 0x7c00, has_infinity: true, nan: Some(0x7fff) };
pub(crate) const BF16: Format =
    Format { exponent_bits: 8, fraction_bits: 7, finite_end: 0x7f80, has_infinity: true, nan: Some(0x7fff) };
pub(crate) const F32: Format = Format {
    exponent_bits: 8,
    fraction_bits: 23,
    finite_end: 0x7f80_0000,
    has_infinity: true,
    nan: Some(0x7fff_ffff),
};
pub(crate) const F64: Format = Format {
    exponent_bits: 11,
    fraction_bits: 52,
    finite_end: 0x7ff0_0000_0000_0000,
    has_infinity: true,
    nan: None,
};
/// tf32 in its own 19 bits.
pub(crate) const TF32: Format = Format {
    exponent_bits: 8,
    fraction_bits: 10,
    finite_end: 0x3fc00,
    has_infinity: true,
    nan: Some(0x3ffff),
};
pub(crate) const E4M3: Format =
    Format { exponent_bits: 4, fraction_bits: 3, finite_end: 0x7f, has_infinity: false, nan: Some(0x7f) };
pub(crate) const E5M2: Format =
    Format { exponent_bits: 5, fraction_bits: 2, finite_end: 0x7c, has_infinity: true, nan: Some(0x7f) };
/// The formats without NaN take it to their greatest number.
pub(crate) const E2M1: Format =
    Format { exponent_bits: 2, fraction_bits: 1, finite_end: 0x8, has_infinity: false, nan: Some(0x7) };
pub(crate) const E2M3: Format =
    Format { exponent_bits: 2, fraction_bits: 3, finite_end: 0x20, has_infinity: false, nan: Some(0x1f) };
pub(crate) const E3M2: Format =
    Format { exponent_bits: 3, fraction_bits: 2, finite_end: 0x20, has_infinity: false, nan: Some(0x1f) };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Nearest,
    NearestAway,
    Zero,
    Down,
    Up,
}

/// What bits stand for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    Nan,
    Infinite(bool),
    Finite(Dyadic),
}

/// ±(magnitude + a little where `more`) · 2^exponent. Zero has a sign too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dyadic {
    pub(crate) negative: bool,
    pub(crate) magnitude: BigUint,
    pub(crate) exponent: i64,
    pub(crate) more: bool,
}

fn zero() -> BigUint {
    BigUint::from(0u32)
}

impl Dyadic {
    pub(crate) fn integer(value: i128) -> Self {
        Dyadic {
            negative: value < 0,
            magnitude: BigUint::from(value.unsigned_abs()),
            exponent: 0,
            more: false,
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.magnitude == zero() && !self.more
    }

    fn signed(&self, exponent: i64) -> BigInt {
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        BigInt::from_biguint(sign, self.magnitude.clone() << (self.exponent - exponent) as u64)
    }

    /// The sum; an exact zero of unlike terms is negative only when rounding down.
    pub(crate) fn plus(&self, other: &Self, mode: Mode) -> Self {
        if self.is_zero() && other.is_zero() {
            let negative = if mode == Mode::Down {
                self.negative || other.negative
            } else {
                self.negative && other.negative
            };
            return Dyadic { negative, ..self.clone() };
        }
        let exponent = self.exponent.min(other.exponent);
        let sum = self.signed(exponent) + other.signed(exponent);
        let negative = if sum == BigInt::from(0) { mode == Mode::Down } else { sum.sign() == Sign::Minus };
        Dyadic { negative, magnitude: sum.magnitude().clone(), exponent, more: false }
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Dyadic {
            negative: self.negative != other.negative,
            magnitude: &self.magnitude * &other.magnitude,
            exponent: self.exponent + other.exponent,
            more: false,
        }
    }

    /// The quotient, to at least 200 bits.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let shift = 200 + other.magnitude.bits();
        let raised = self.magnitude.clone() << shift;
        let magnitude = &raised / &other.magnitude;
        let more = &magnitude * &other.magnitude != raised;
        let exponent = self.exponent - other.exponent - shift as i64;
        Dyadic { negative: self.negative != other.negative, magnitude, exponent, more }
    }

    /// The square root, to at least 200 bits.
    pub(crate) fn root(&self) -> Self {
        let shift = 400 + (self.exponent & 1);
        let raised = self.magnitude.clone() << shift as u64;
        let magnitude = raised.sqrt();
        let more = &magnitude * &magnitude != raised;
        Dyadic { negative: self.negative, magnitude, exponent: (self.exponent - shift) / 2, more }
    }

    /// Rounded to an integer multiple of 2^unit: how many, and what it came from.
    pub(crate) fn steps(&self, unit: i64, mode: Mode) -> BigUint {
        let by = unit - self.exponent;
        if by <= 0 {
            return self.magnitude.clone() << (-by) as u64;
        }
        let kept = self.magnitude.clone() >> by as u64;
        let rest = &self.magnitude - (kept.clone() << by as u64);
        let half = BigUint::from(1u32) << (by - 1) as u64;
        let inexact = rest != zero() || self.more;
        let is_odd = kept.bit(0);
        let up = match mode {
            Mode::Nearest => rest > half || rest == half && (self.more || is_odd),
            Mode::NearestAway => rest >= half,
            Mode::Zero => false,
            Mode::Down => self.negative && inexact,
            Mode::Up => !self.negative && inexact,
        };
        kept + u32::from(up)
    }

    /// As an `f64`, near enough to measure errors.
    pub(crate) fn to_f64(&self) -> f64 {
        f64::from_bits(F64.round(&Number::Finite(self.clone()), Mode::Nearest, false) as u64)
    }
}

impl Format {
    pub(crate) fn bits(self) -> u32 {
        1 + self.exponent_bits + self.fraction_bits
    }

    fn sign(self) -> u64 {
        1 << (self.exponent_bits + self.fraction_bits)
    }

    /// The exponent of the least subnormal number.
    fn least(self) -> i64 {
        2 - (1 << (self.exponent_bits - 1)) - i64::from(self.fraction_bits)
    }

    pub(crate) fn read(self, bits: u128) -> Number {
        let bits = bits as u64;
        let negative = bits & self.sign() != 0;
        let magnitude = bits & (self.sign() - 1);
        if magnitude >= self.finite_end {
            let infinite = self.has_infinity && magnitude == self.finite_end;
            return if infinite { Number::Infinite(negative) } else { Number::Nan };
        }
        let field = magnitude >> self.fraction_bits;
        let fraction = magnitude & ((1 << self.fraction_bits) - 1);
        let hidden = if field == 0 { 0 } else { 1 << self.fraction_bits };
        let exponent = self.least() + field.max(1) as i64 - 1;
        Number::Finite(Dyadic {
            negative,
            magnitude: BigUint::from(fraction | hidden),
            exponent,
            more: false,
        })
    }

    pub(crate) fn is_nan(self, bits: u128) -> bool {
        self.read(bits) == Number::Nan
    }

    /// The bits of a number rounded to this format.
    pub(crate) fn round(self, number: &Number, mode: Mode, satfinite: bool) -> u128 {
        let greatest = self.finite_end - 1;
        let signed =
            |negative: bool, magnitude: u64| u128::from(magnitude | if negative { self.sign() } else { 0 });
        let value = match number {
            Number::Nan => return u128::from(self.nan.unwrap_or(0x7ff8_0000_0000_0000)),
            Number::Infinite(negative) => {
                return signed(*negative, if satfinite { greatest } else { self.finite_end });
            }
            Number::Finite(value) if value.is_zero() => return signed(value.negative, 0),
            Number::Finite(value) => value,
        };
        let top = value.exponent + value.magnitude.bits() as i64;
        let mut unit = (top - i64::from(self.fraction_bits) - 1).max(self.least());
        let mut steps = value.steps(unit, mode);
        if steps.bits() > u64::from(self.fraction_bits) + 1 {
            steps >>= 1u32;
            unit += 1;
        }
        let steps = steps.iter_u64_digits().next().unwrap_or(0);
        // Above the subnormal numbers, the highest bit of `steps` is the hidden one.
        let field = (unit - self.least()) as u64 + (steps >> self.fraction_bits);
        let fraction = steps & ((1 << self.fraction_bits) - 1);
        let encoded = u128::from(field) << self.fraction_bits | u128::from(fraction);
        if encoded < u128::from(self.finite_end) {
            return signed(value.negative, encoded as u64);
        }
        let stops = match mode {
            Mode::Zero => true,
            Mode::Down => !value.negative,
            Mode::Up => value.negative,
            _ => false,
        };
        signed(value.negative, if stops || satfinite { greatest } else { self.finite_end })
    }

    /// A subnormal number becomes a zero of its sign.
    pub(crate) fn flush(self, bits: u128) -> u128 {
        let sign = u128::from(self.sign());
        if bits & (sign - 1) < 1 << self.fraction_bits { bits & sign } else { bits }
    }

    /// What bits stand for, as an `f64`.
    pub(crate) fn to_f64(self, bits: u128) -> f64 {
        match self.read(bits) {
            Number::Nan => f64::NAN,
            Number::Infinite(negative) => {
                if negative {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }
            }
            Number::Finite(value) => value.to_f64(),
        }
    }

    /// The distance between neighbours around a value.
    pub(crate) fn ulp(self, value: f64) -> f64 {
        let exponent = if value == 0.0 {
            i64::MIN
        } else {
            value.abs().log2().floor() as i64 - i64::from(self.fraction_bits)
        };
        2f64.powi(exponent.max(self.least()) as i32)
    }
}
