//! What the vector instructions do for matrix tiles: 8 rows of 4 lanes, as tensor-core fragments are laid out.

use super::Baseline;
use crate::registers::LANES;

/// The order in which [`Tiles::quads`] leaves rows: where two registers hold even and odd columns, one after the other.
#[cfg(test)]
pub(crate) const ROW_ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];

/// Operations on tiles. Lane `4g + t` stands for row `g`, column `t`.
pub(crate) trait Tiles: Copy {
    /// The columns of a tile: `[t][i]` is row `ROW_ORDER[i]` of column `t`.
    #[inline(always)]
    fn quads(self, lanes: &[f32; LANES]) -> [[f32; 8]; 4] {
        let mut columns = [[0.0; 8]; 4];
        for t in 0..4 {
            for i in 0..4 {
                columns[t][i] = lanes[8 * i + t];
                columns[t][4 + i] = lanes[8 * i + 4 + t];
            }
        }
        columns
    }

    /// `sum += a·b`, a fused multiply-add for each column of `a` in order.
    ///
    /// `sum` is 8 rows of 8. Column `k` of `a` is column `k / P % 4` of the tile `a[k / 4P · P + k % P]`, row `k` of `b` is
    /// `b[k]`: `P` elements share a register, and each has a tile of its own.
    #[inline(always)]
    fn multiply<const P: usize>(self, a: &[[f32; LANES]], b: &[[f32; 8]], sum: &mut [[f32; 8]; 8]) {
        for (group, tiles) in a.chunks_exact(P).enumerate() {
            for t in 0..4 {
                for (s, tile) in tiles.iter().enumerate() {
                    let row = &b[4 * P * group + P * t + s];
                    for g in 0..8 {
                        for i in 0..8 {
                            sum[g][i] = tile[4 * g + t].mul_add(row[i], sum[g][i]);
                        }
                    }
                }
            }
        }
    }

    /// Turns a matrix of 8 by 8 halves, two a lane, about its diagonal.
    #[inline(always)]
    fn transpose_halves(self, lanes: &[u32; LANES]) -> [u32; LANES] {
        let mut turned = [0; LANES];
        for g in 0..8 {
            for t in 0..4 {
                let half = |row: usize| lanes[4 * row + g / 2] >> (16 * (g % 2)) & 0xffff;
                turned[4 * g + t] = half(2 * t) | half(2 * t + 1) << 16;
            }
        }
        turned
    }
}

impl Tiles for Baseline {}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m128i, __m256};

    use pulp::{
        cast,
        x86::{V3, V4},
    };

    use super::{LANES, Tiles};

    impl Tiles for V3 {
        #[inline(always)]
        fn quads(self, lanes: &[f32; LANES]) -> [[f32; 8]; 4] {
            let [a, b, c, d]: [__m256; 4] = cast(*lanes);
            let avx = self.avx;
            // Each vector holds two rows, an even one in its low half. Pairs of columns first, then single ones.
            let (ab, cd) = (avx._mm256_unpacklo_ps(a, b), avx._mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (avx._mm256_unpackhi_ps(a, b), avx._mm256_unpackhi_ps(c, d));
            cast([
                avx._mm256_shuffle_ps::<0b01_00_01_00>(ab, cd),
                avx._mm256_shuffle_ps::<0b11_10_11_10>(ab, cd),
                avx._mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
                avx._mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
            ])
        }

        #[inline(always)]
        fn multiply<const P: usize>(self, a: &[[f32; LANES]], b: &[[f32; 8]], sum: &mut [[f32; 8]; 8]) {
            let mut rows: [__m256; 8] = cast(*sum);
            for (tiles, factors) in a.chunks_exact(P).zip(b.chunks_exact(4 * P)) {
                for t in 0..4 {
                    for s in 0..P {
                        let (tile, factor) = (&tiles[s], cast(factors[P * t + s]));
                        for g in 0..8 {
                            let element = self.avx._mm256_broadcast_ss(&tile[4 * g + t]);
                            rows[g] = self.fma._mm256_fmadd_ps(element, factor, rows[g]);
                        }
                    }
                }
            }
            *sum = cast(rows);
        }

        #[inline(always)]
        fn transpose_halves(self, lanes: &[u32; LANES]) -> [u32; LANES] {
            let rows: [__m128i; 8] = cast(*lanes);
            let sse = self.sse2;
            let low16 = |a, b| sse._mm_unpacklo_epi16(a, b);
            let high16 = |a, b| sse._mm_unpackhi_epi16(a, b);
            let [a, b, c, d, e, f, g, h] = rows;
            // Rows two apart interleave, three times over: as a perfect shuffle turns the matrix.
            let [a, b, c, d, e, f, g, h] = [
                low16(a, e),
                high16(a, e),
                low16(b, f),
                high16(b, f),
                low16(c, g),
                high16(c, g),
                low16(d, h),
                high16(d, h),
            ];
            let [a, b, c, d, e, f, g, h] = [
                low16(a, e),
                high16(a, e),
                low16(b, f),
                high16(b, f),
                low16(c, g),
                high16(c, g),
                low16(d, h),
                high16(d, h),
            ];
            cast([
                low16(a, e),
                high16(a, e),
                low16(b, f),
                high16(b, f),
                low16(c, g),
                high16(c, g),
                low16(d, h),
                high16(d, h),
            ])
        }
    }

    /// As AVX2 does it: 8 columns of the result fill half a register, and the broadcasts cost nothing here.
    impl Tiles for V4 {
        #[inline(always)]
        fn quads(self, lanes: &[f32; LANES]) -> [[f32; 8]; 4] {
            Tiles::quads(*self, lanes)
        }

        #[inline(always)]
        fn multiply<const P: usize>(self, a: &[[f32; LANES]], b: &[[f32; 8]], sum: &mut [[f32; 8]; 8]) {
            Tiles::multiply::<P>(*self, a, b, sum);
        }

        #[inline(always)]
        fn transpose_halves(self, lanes: &[u32; LANES]) -> [u32; LANES] {
            Tiles::transpose_halves(*self, lanes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds a level against the loops of the baseline.
    fn agrees(level: impl Tiles) {
        let number = |i: usize| ((i * 2_654_435_761) >> 7 & 0xff) as f32 - 117.0;
        let lanes: [f32; LANES] = std::array::from_fn(number);
        assert_eq!(level.quads(&lanes), Baseline.quads(&lanes));
        let a: [[f32; LANES]; 4] = std::array::from_fn(|j| std::array::from_fn(|i| number(91 * j + i)));
        let b: [[f32; 8]; 16] = std::array::from_fn(|k| std::array::from_fn(|i| number(8 * k + i + 1000)));
        let mut sums = [[[0.25; 8]; 8]; 2];
        level.multiply::<2>(&a, &b, &mut sums[0]);
        Baseline.multiply::<2>(&a, &b, &mut sums[1]);
        assert_eq!(sums[0], sums[1]);
        let words: [u32; LANES] = std::array::from_fn(|i| i as u32 * 0x0101_0203 + 7);
        assert_eq!(level.transpose_halves(&words), Baseline.transpose_halves(&words));
        assert_eq!(level.transpose_halves(&level.transpose_halves(&words)), words);
    }

    #[test]
    fn every_level_agrees_with_the_baseline() {
        agrees(Baseline);
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(level) = pulp::x86::V3::try_new() {
                agrees(level);
            }
            if let Some(level) = pulp::x86::V4::try_new() {
                agrees(level);
            }
        }
    }

    #[test]
    fn the_order_of_rows_is_what_it_says() {
        let lanes: [f32; LANES] = std::array::from_fn(|i| i as f32);
        let columns = Baseline.quads(&lanes);
        for (t, column) in columns.iter().enumerate() {
            assert_eq!(*column, ROW_ORDER.map(|row| (4 * row + t) as f32));
        }
        let halves: [u32; LANES] = std::array::from_fn(|i| (2 * i) as u32 | (2 * i as u32 + 1) << 16);
        let turned = Baseline.transpose_halves(&halves);
        // Lane 4g + t holds rows 2t and 2t + 1 of column g.
        assert_eq!(turned[4 * 3 + 1], (8 * 2 + 3) | (8 * 3 + 3) << 16);
    }
}
