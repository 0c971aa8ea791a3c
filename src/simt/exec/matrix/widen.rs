//! From the packed elements of a fragment's register to single precision, exactly.

use crate::{
    instruction::Factor,
    lane::half::{F16, Half},
    registers::LANES,
};

/// The `P` elements of each lane, one array for each place in the register.
#[inline(always)]
pub(super) fn widen<const P: usize>(factor: Factor, lanes: &[u32; LANES]) -> [[f32; LANES]; P] {
    match factor {
        Factor::F16 => halves(lanes),
        Factor::Bf16 => parts(lanes, |x, s| f32::from_bits(if s == 0 { x << 16 } else { x & 0xffff_0000 })),
        Factor::Tf32 => parts(lanes, |x, _| f32::from_bits(x & 0xffff_e000)),
        Factor::U8 => parts(lanes, |x, s| (x >> (8 * s) & 0xff) as i32 as f32),
        Factor::S8 => parts(lanes, |x, s| ((x << (24 - 8 * s)) as i32 >> 24) as f32),
        Factor::E4m3 => parts(lanes, |x, s| e4m3(x >> (8 * s))),
        // The upper half of binary16.
        Factor::E5m2 => parts(lanes, |x, s| F16((x >> (8 * s) << 8) as u16).to_f32()),
        // Computed on its own.
        Factor::F64 => [[0.0; LANES]; P],
    }
}

/// Applies `f` to each lane and each place.
#[inline(always)]
fn parts<const P: usize>(lanes: &[u32; LANES], f: impl Fn(u32, u32) -> f32) -> [[f32; LANES]; P] {
    let mut parts = [[0.0; LANES]; P];
    for s in 0..P {
        for i in 0..LANES {
            parts[s][i] = f(lanes[i], s as u32);
        }
    }
    parts
}

/// Halves, which the hot path is made of: an arithmetic shift takes sign, exponent and fraction to their places at once,
/// and multiplying by 2¹¹² corrects the exponent, subnormal numbers included. Only infinities and NaN need more.
#[inline(always)]
fn halves<const P: usize>(lanes: &[u32; LANES]) -> [[f32; LANES]; P] {
    let mut topmost = 0;
    for lane in lanes {
        // A carry out of an exponent that is all ones.
        topmost |= (lane & 0x7c00_7c00).wrapping_add(0x0400_0400);
    }
    if topmost & 0x8000_8000 != 0 {
        return parts(lanes, |x, s| F16((x >> (16 * s)) as u16).to_f32());
    }
    let scale = f32::from_bits((127 + 112) << 23);
    parts(lanes, |x, s| {
        let high = if s == 0 { x << 16 } else { x };
        f32::from_bits((high as i32 >> 3) as u32 & 0x8fff_e000) * scale
    })
}

/// 4 bits of exponent with bias 7, 3 of fraction, no infinities, one NaN. Bits above the eighth are ignored.
#[inline(always)]
fn e4m3(x: u32) -> f32 {
    let sign = (x & 0x80) << 24;
    // As for halves: multiplying by 2¹²⁰ corrects the exponent.
    let finite = f32::from_bits((x & 0x7f) << 20) * f32::from_bits((127 + 120) << 23);
    let magnitude = if x & 0x7f == 0x7f { f32::NAN.to_bits() } else { finite.to_bits() };
    f32::from_bits(magnitude | sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_becomes_itself() {
        for bits in 0..=u16::MAX {
            let lanes = [u32::from(bits) << 16 | 0x3c00; LANES];
            let [low, high] = widen::<2>(Factor::F16, &lanes);
            let exact = half::f16::from_bits(bits).to_f32();
            assert_eq!(low[5], 1.0);
            assert!(high[5].to_bits() == exact.to_bits() || high[5].is_nan() && exact.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn bytes_have_their_values() {
        let widened = |factor, word| widen::<4>(factor, &[word; LANES]).map(|lanes| lanes[0]);
        assert_eq!(widened(Factor::U8, 0x80ff_0102), [2.0, 1.0, 255.0, 128.0]);
        assert_eq!(widened(Factor::S8, 0x80ff_0102), [2.0, 1.0, -1.0, -128.0]);
        // 448 is the largest, 2⁻⁹ the smallest; 0x38 is 1.
        assert_eq!(widened(Factor::E4m3, 0x01b8_387e), [448.0, 1.0, -1.0, 2f32.powi(-9)]);
        assert!(widened(Factor::E4m3, 0x7f)[0].is_nan());
        assert_eq!(widened(Factor::E5m2, 0xfc01_3c7b), [57344.0, 1.0, 2f32.powi(-16), f32::NEG_INFINITY]);
        assert_eq!(widen::<1>(Factor::Tf32, &[0x3f80_1fff; LANES])[0][0], 1.0, "low bits do not count");
        let [low, high] = widen::<2>(Factor::Bf16, &[0xbf80_4000; LANES]);
        assert_eq!((low[0], high[0]), (2.0, -1.0));
    }
}
