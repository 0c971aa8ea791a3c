//! Floating-point arithmetic of one lane beyond Rust's own operators: modifiers, minimum and maximum, NaN rules.

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

/// The modifiers of a single-precision instruction, as decoded: `.ftz` and `.sat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modifiers(pub(crate) u16);

impl Modifiers {
    pub(crate) const FTZ: u16 = 1;
    pub(crate) const SAT: u16 = 2;
}

/// A lane type seen by the modifiers: they act on single precision and leave every other type alone.
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
        if modifiers.0 & Modifiers::FTZ != 0 { flush(self) } else { self }
    }

    #[inline(always)]
    fn result(self, modifiers: Modifiers) -> Self {
        let value = canonical(self);
        let value = if modifiers.0 & Modifiers::FTZ != 0 { flush(value) } else { value };
        if modifiers.0 & Modifiers::SAT != 0 { saturate(value) } else { value }
    }

    #[inline(always)]
    fn plain(self) -> Self {
        canonical(self)
    }
}

macro_rules! unmodified {
    ($($ty:ty)*) => { $( impl Modified for $ty {} )* };
}

unmodified!(u16 i16 u32 i32 u64 i64 f64 crate::registers::Flag);
unmodified!(super::half::F16 super::half::Bf16 super::half::F16x2 super::half::Bf16x2);

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
