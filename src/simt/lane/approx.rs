//! The special functions: `ex2`, `lg2`, `sin`, `cos`, `tanh` and reciprocals of single precision.
//!
//! Each is computed in double precision by a short polynomial without fused operations and rounded once, so the result
//! is the same on every machine and within 0.501 ulp for `ex2`, `lg2` and `rsqrt` (the ISA allows 2 ulp and more).
//! `sin` and `cos` keep 2⁻²⁴ absolute for |x| below 2²⁰; beyond 2³⁰ they stay in [-1, 1] and mean nothing, which the
//! ISA leaves open. `tanh` stays within 2⁻²² relative, where 2⁻¹¹ is asked.

/// Adding and subtracting it rounds a double of magnitude below 2⁵¹ to an integer.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln(2)ᵏ / k!: 2^f = Σ cₖ·fᵏ.
const EX2: [f64; 9] = [
    1.0,
    std::f64::consts::LN_2,
    0.240_226_506_959_100_7,
    0.055_504_108_664_821_58,
    0.009_618_129_107_628_477,
    0.001_333_355_814_642_844_3,
    0.000_154_035_303_933_816_1,
    0.000_015_252_733_804_059_84,
    0.000_001_321_548_679_014_431,
];

/// 2ˣ in double precision for |x| ≤ 1000, to 2⁻³².
#[inline(always)]
fn exp2(x: f64) -> f64 {
    let shifted = x + ROUND;
    let fraction = x - (shifted - ROUND);
    let mut sum = EX2[8];
    for k in (0..8).rev() {
        sum = sum * fraction + EX2[k];
    }
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    sum * f64::from_bits(exponent.wrapping_add(1023) << 52)
}

/// `ex2.approx.f32`
#[inline(always)]
pub(crate) fn ex2(x: f32) -> f32 {
    // Outside, 2ˣ is zero or infinite as an f32; NaN must survive the clamp.
    let wide = f64::from(x);
    let wide = if wide > 200.0 { 200.0 } else { wide };
    let wide = if wide < -200.0 { -200.0 } else { wide };
    let result = exp2(wide) as f32;
    if x.is_nan() { f32::NAN } else { result }
}

/// `lg2.approx.f32`
#[inline(always)]
pub(crate) fn lg2(x: f32) -> f32 {
    let bits = f64::from(x).to_bits();
    // Bring the mantissa into [√½, √2), so that near 1 the exponent is 0 and nothing cancels.
    let above = u64::from(bits & 0x000f_ffff_ffff_ffff > 0x0006_a09e_667f_3bcd);
    let mantissa = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | (1023 - above) << 52);
    let exponent = ((bits >> 52) as i32 - 1023 + above as i32) as f64;
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = 1.0 / 15.0;
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    let result = (exponent + 2.0 * std::f64::consts::LOG2_E * s * sum) as f32;
    let result = if x == f32::INFINITY { f32::INFINITY } else { result };
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    if x.is_nan() || x < 0.0 { f32::NAN } else { result }
}

/// The sine of `x + quarter·π/2`.
#[inline(always)]
fn sine(x: f32, quarter: u64) -> f32 {
    // π/2 in two parts, the first of 33 bits (fdlibm's pio2_1 and pio2_1t).
    const HIGH: f64 = 1.570_796_326_734_125_6;
    const LOW: f64 = 6.077_100_506_506_192e-11;
    let wide = f64::from(x);
    let shifted = wide * std::f64::consts::FRAC_2_PI + ROUND;
    let turns = shifted - ROUND;
    let r = wide - turns * HIGH - turns * LOW;
    let r = if r > 0.8 { 0.8 } else { r };
    let r = if r < -0.8 { -0.8 } else { r };
    let r2 = r * r;
    let sin = r
        * (1.0
            + r2 * (-1.0 / 6.0
                + r2 * (1.0 / 120.0 + r2 * (-1.0 / 5040.0 + r2 * (1.0 / 362_880.0 - r2 / 39_916_800.0)))));
    let cos = 1.0
        + r2 * (-0.5
            + r2 * (1.0 / 24.0
                + r2 * (-1.0 / 720.0
                    + r2 * (1.0 / 40_320.0 + r2 * (-1.0 / 3_628_800.0 + r2 / 479_001_600.0)))));
    let quadrant = shifted.to_bits().wrapping_add(quarter);
    let value = if quadrant & 1 == 0 { sin } else { cos };
    let value = if quadrant & 2 == 0 { value } else { -value };
    if x.is_finite() { value as f32 } else { f32::NAN }
}

/// `sin.approx.f32`
#[inline(always)]
pub(crate) fn sin(x: f32) -> f32 {
    sine(x, 0)
}

/// `cos.approx.f32`
#[inline(always)]
pub(crate) fn cos(x: f32) -> f32 {
    sine(x, 1)
}

/// `tanh.approx.f32`
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let magnitude = f64::from(x.abs());
    let clamped = if magnitude > 20.0 { 20.0 } else { magnitude };
    let far = 1.0 - 2.0 / (exp2(2.0 * std::f64::consts::LOG2_E * clamped) + 1.0);
    let near = clamped - clamped * clamped * clamped / 3.0;
    let result = if magnitude < 1.0 / 1024.0 { near } else { far };
    if x.is_nan() { f32::NAN } else { (result as f32).copysign(x) }
}

/// `rsqrt.approx.f32`
#[inline(always)]
pub(crate) fn rsqrt(x: f32) -> f32 {
    (1.0 / f64::from(x).sqrt()) as f32
}

/// What the gross approximations in double precision read and write: the upper 32 bits, with subnormal numbers flushed.
#[inline(always)]
fn upper_half(x: f64) -> f64 {
    let x = if x.abs() < f64::MIN_POSITIVE { 0f64.copysign(x) } else { x };
    f64::from_bits(x.to_bits() & 0xffff_ffff_0000_0000)
}

/// `rcp.approx.ftz.f64`
#[inline(always)]
pub(crate) fn rcp_f64(x: f64) -> f64 {
    gross(x, 1.0 / upper_half(x))
}

/// `rsqrt.approx.ftz.f64`
#[inline(always)]
pub(crate) fn rsqrt_f64(x: f64) -> f64 {
    gross(x, 1.0 / upper_half(x).sqrt())
}

/// A result of 1.11.20 bits, rounded. A NaN survives.
#[inline(always)]
fn gross(x: f64, result: f64) -> f64 {
    let rounded = f64::from_bits(result.to_bits().wrapping_add(0x8000_0000));
    let rounded = upper_half(if result.is_finite() { rounded } else { result });
    if x.is_nan() || result.is_nan() { f64::from_bits(0x7fff_ffff_0000_0000) } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gross_approximations_are_upper_halves() {
        for x in [1.0, 3.0, -7.5, 1e300, 2.5e-300, 0.1] {
            let (reciprocal, root) = (rcp_f64(x), rsqrt_f64(x.abs()));
            assert_eq!((reciprocal.to_bits() | root.to_bits()) << 32, 0);
            assert!((reciprocal * x - 1.0).abs() < 2f64.powi(-19), "{x}");
            assert!((root * root * x.abs() - 1.0).abs() < 2f64.powi(-18), "{x}");
        }
        assert_eq!(rcp_f64(1e-310), f64::INFINITY);
        assert_eq!(rcp_f64(f64::NEG_INFINITY).to_bits(), 1 << 63);
        assert_eq!(rcp_f64(1.7e308), 0.0);
        assert!(rsqrt_f64(-1.0).is_nan() && rcp_f64(f64::NAN).is_nan());
    }

    /// Distance in units of the last place of the exact value's binade.
    fn ulps(got: f32, exact: f64) -> f64 {
        let rounded = exact as f32;
        if got == rounded || got.is_nan() && rounded.is_nan() {
            return 0.0;
        }
        let exponent = exact.abs().log2().floor().max(-126.0);
        (f64::from(got) - exact).abs() / 2f64.powf(exponent - 23.0)
    }

    fn sweep() -> impl Iterator<Item = f32> {
        (0..=u32::MAX).step_by(70_001).map(f32::from_bits)
    }

    #[test]
    fn ex2_is_within_two_ulps_everywhere() {
        for x in sweep().filter(|x| !x.is_nan()) {
            assert!(ulps(ex2(x), f64::from(x).exp2()) <= 0.51, "{x:e}: {:e}", ex2(x));
        }
        assert_eq!(ex2(f32::INFINITY), f32::INFINITY);
        assert_eq!(ex2(f32::NEG_INFINITY), 0.0);
        assert!(ex2(f32::NAN).is_nan());
    }

    #[test]
    fn lg2_is_within_two_ulps_everywhere() {
        let near_one = (0x3f70_0000..0x3f90_0000).step_by(311).map(f32::from_bits);
        for x in sweep().chain(near_one).filter(|x| !x.is_nan() && *x > 0.0 && x.is_finite()) {
            assert!(ulps(lg2(x), f64::from(x).log2()) <= 0.51, "{x:e}: {:e}", lg2(x));
        }
        assert_eq!(lg2(0.0), f32::NEG_INFINITY);
        assert_eq!(lg2(-0.0), f32::NEG_INFINITY);
        assert!(lg2(-1.0).is_nan());
        assert_eq!(lg2(f32::INFINITY), f32::INFINITY);
    }

    #[test]
    fn sine_cosine_and_tanh_keep_their_bounds() {
        for x in sweep().filter(|x| x.abs() < 1e6) {
            let exact = f64::from(x);
            assert!((f64::from(sin(x)) - exact.sin()).abs() < 2f64.powi(-24), "sin {x:e}");
            assert!((f64::from(cos(x)) - exact.cos()).abs() < 2f64.powi(-24), "cos {x:e}");
            let tanh_error = (f64::from(tanh(x)) - exact.tanh()).abs() / exact.tanh().abs().max(1e-300);
            assert!(x.abs() < f32::MIN_POSITIVE || tanh_error < 2f64.powi(-22), "tanh {x:e}: {tanh_error:e}");
        }
        assert!(sin(f32::INFINITY).is_nan() && cos(f32::NEG_INFINITY).is_nan());
        assert!(sin(1e30).abs() <= 1.0);
        assert_eq!(sin(-0.0).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn rsqrt_is_nearly_correctly_rounded() {
        for x in sweep().filter(|x| *x > 0.0 && x.is_finite()) {
            assert!(ulps(rsqrt(x), 1.0 / f64::from(x).sqrt()) <= 0.51, "{x:e}");
        }
        assert_eq!(rsqrt(0.0), f32::INFINITY);
        assert_eq!(rsqrt(-0.0), f32::NEG_INFINITY);
        assert!(rsqrt(-1.0).is_nan());
    }
}
