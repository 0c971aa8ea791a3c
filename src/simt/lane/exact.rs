//! Double-precision arithmetic in integers, for the rounding modes that the CPU's own arithmetic does not have.

use super::round::Rounding;

/// A number other than zero: ±(significand + less than 1 where `lost`) · 2^exponent.
#[derive(Clone, Copy)]
struct Exact {
    negative: bool,
    significand: u128,
    exponent: i32,
    lost: bool,
}

/// The exponent of the least subnormal number.
const LEAST: i32 = -1074;

/// Bits of a significand.
const DIGITS: u32 = f64::MANTISSA_DIGITS;

impl Exact {
    /// A finite number other than zero, with all the bits of its significand.
    fn of(x: f64) -> Self {
        let bits = x.to_bits();
        let biased = (bits >> 52 & 0x7ff) as i32;
        let fraction = u128::from(bits & ((1 << 52) - 1));
        let (significand, exponent) =
            if biased == 0 { (fraction, LEAST) } else { (fraction | 1 << 52, biased + LEAST - 1) };
        Exact { negative: bits >> 63 != 0, significand, exponent, lost: false }
    }

    /// The position of the significand's highest bit.
    fn top(&self) -> i32 {
        127 - self.significand.leading_zeros() as i32
    }

    /// With the highest bit at that position, which is above the present one.
    fn raised(mut self, top: i32) -> Self {
        let by = top - self.top();
        self.significand <<= by;
        self.exponent -= by;
        self
    }

    /// With that exponent, which is not below the present one.
    fn lowered(mut self, exponent: i32) -> Self {
        let by = (exponent - self.exponent) as u32;
        let kept = self.significand.checked_shr(by).unwrap_or(0);
        self.lost |= kept.checked_shl(by).unwrap_or(0) != self.significand;
        self.significand = kept;
        self.exponent = exponent;
        self
    }

    /// Rounded.
    fn round(self, rounding: Rounding) -> f64 {
        let exponent = (self.exponent + self.top() - (DIGITS as i32 - 1)).max(LEAST);
        let unit = if exponent > self.exponent {
            self.lowered(exponent)
        } else {
            let by = self.exponent - exponent;
            Exact { significand: self.significand << by, exponent, ..self }
        };
        let outwards = match rounding {
            Rounding::Down => self.negative,
            Rounding::Up => !self.negative,
            _ => false,
        };
        let rounded = unit.significand as u64 + u64::from(unit.lost && outwards);
        // The significand's highest bit adds the 1 that a normal number's exponent field has more than a subnormal's, and
        // a carry out of it moves into the field by itself.
        let field = (exponent - LEAST).min(0x7ff) as u64;
        let bits = (field << 52) + rounded;
        let limit = f64::MAX.to_bits();
        let clamped = if bits > limit && !outwards { limit } else { bits.min(f64::INFINITY.to_bits()) };
        f64::from_bits(clamped | u64::from(self.negative) << 63)
    }

    fn times(self, other: Self) -> Self {
        Exact {
            negative: self.negative != other.negative,
            significand: self.significand * other.significand,
            exponent: self.exponent + other.exponent,
            lost: false,
        }
    }

    /// The sum, `None` where it is exactly zero. Neither term may have lost anything.
    fn plus(self, other: Self) -> Option<Self> {
        // One bit is left free for a carry. Terms that cancel lie within a bit of each other, so nothing is lost then.
        let (mut greater, mut lesser) = (self.raised(126), other.raised(126));
        let key = |x: &Exact| (x.exponent, x.significand);
        if key(&greater) < key(&lesser) {
            (greater, lesser) = (lesser, greater);
        }
        let lesser = lesser.lowered(greater.exponent);
        let significand = if greater.negative == lesser.negative {
            greater.significand + lesser.significand
        } else {
            // What was lost is taken away too, which leaves its complement.
            greater.significand - lesser.significand - u128::from(lesser.lost)
        };
        (significand != 0).then_some(Exact { significand, lost: lesser.lost, ..greater })
    }
}

/// Whether a number needs no arithmetic here.
fn is_special(x: f64) -> bool {
    x == 0.0 || !x.is_finite()
}

/// `a · b`
pub(super) fn mul(rounding: Rounding, a: f64, b: f64) -> f64 {
    if is_special(a) || is_special(b) {
        return a * b;
    }
    Exact::of(a).times(Exact::of(b)).round(rounding)
}

/// `a · b + c`
pub(super) fn fma(rounding: Rounding, a: f64, b: f64, c: f64) -> f64 {
    let down = rounding == Rounding::Down;
    if !a.is_finite() || !b.is_finite() || !c.is_finite() {
        // An infinite addend outweighs a product that would overflow on its own, as it does when fused.
        return a.mul_add(b, c);
    }
    if a == 0.0 || b == 0.0 {
        let product = a * b;
        let zero = down && c == 0.0 && (product.is_sign_negative() || c.is_sign_negative());
        return if zero { -0.0 } else { product + c };
    }
    let product = Exact::of(a).times(Exact::of(b));
    if c == 0.0 {
        return product.round(rounding);
    }
    match product.plus(Exact::of(c)) {
        Some(sum) => sum.round(rounding),
        None if down => -0.0,
        None => 0.0,
    }
}

/// `a / b`
pub(super) fn div(rounding: Rounding, a: f64, b: f64) -> f64 {
    if is_special(a) || is_special(b) {
        return a / b;
    }
    let (a, b) = (Exact::of(a).raised(126), Exact::of(b));
    Exact {
        negative: a.negative != b.negative,
        significand: a.significand / b.significand,
        exponent: a.exponent - b.exponent,
        lost: a.significand % b.significand != 0,
    }
    .round(rounding)
}

/// √a
pub(super) fn sqrt(rounding: Rounding, a: f64) -> f64 {
    if is_special(a) || a < 0.0 {
        return a.sqrt();
    }
    let mut a = Exact::of(a).raised(126);
    if a.exponent % 2 != 0 {
        a = Exact { significand: a.significand << 1, exponent: a.exponent - 1, ..a };
    }
    let root = a.significand.isqrt();
    Exact { significand: root, exponent: a.exponent / 2, lost: root * root != a.significand, ..a }
        .round(rounding)
}
