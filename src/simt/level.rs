//! The CPU's vector level, chosen once at run time: the whole interpreter is compiled for each and picks the widest.
//!
//! Everything below [`Level::vectorize`] is `#[inline(always)]`, so that the loops over 32 lanes are compiled for the
//! level and not for the baseline. The few lane-crossing operations that a plain loop does not express well are
//! methods of the level.

mod tiles;

pub(crate) use tiles::Tiles;

use crate::registers::LANES;

/// A set of vector instructions.
pub(crate) trait Level: Tiles {
    /// Bytes of a vector register; 0 where nothing is known beyond the compilation target.
    const VECTOR_BYTES: usize;

    /// Runs `f` compiled for this level; `f` must be `#[inline(always)]` through and through.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    /// Bit `i` says whether lane `i` has its sign bit set.
    fn signs(self, lanes: &[u32; LANES]) -> u32;

    /// All ones in the lanes whose bit is set, zero elsewhere.
    fn spread(self, mask: u32) -> [u32; LANES];

    /// The distance between neighbouring lanes, if it is the same for all.
    fn stride(self, addresses: &[u64; LANES]) -> Option<i64>;

    /// Turns elements of `COUNT` words, one a lane, into `COUNT` rows of a word a lane.
    #[inline(always)]
    fn deal<const COUNT: usize>(self, elements: [[u32; COUNT]; 8]) -> [[u32; 8]; COUNT] {
        let mut rows = [[0; 8]; COUNT];
        for (lane, words) in elements.iter().enumerate() {
            for (row, word) in rows.iter_mut().zip(words) {
                row[lane] = *word;
            }
        }
        rows
    }

    /// What bounds the addresses of all lanes.
    #[inline(always)]
    fn extent(self, addresses: &[u64; LANES]) -> Extent {
        let mut extent = Extent { lowest: u64::MAX, highest: 0, bits: 0 };
        for address in addresses {
            extent.lowest = extent.lowest.min(*address);
            extent.highest = extent.highest.max(*address);
            extent.bits |= address;
        }
        extent
    }
}

/// The lowest and the highest of some addresses, and every bit that is set in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) lowest: u64,
    pub(crate) highest: u64,
    pub(crate) bits: u64,
}

/// What the compilation target offers: NEON on aarch64, SSE2 on x86-64.
#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Level for Baseline {
    const VECTOR_BYTES: usize = 0;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    fn signs(self, lanes: &[u32; LANES]) -> u32 {
        lanes.iter().enumerate().fold(0, |bits, (i, lane)| bits | (lane >> 31) << i)
    }

    #[inline(always)]
    fn spread(self, mask: u32) -> [u32; LANES] {
        let mut lanes = [0; LANES];
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane = 0u32.wrapping_sub(mask >> i & 1);
        }
        lanes
    }

    #[inline(always)]
    fn stride(self, addresses: &[u64; LANES]) -> Option<i64> {
        let stride = addresses[1].wrapping_sub(addresses[0]);
        let mut differ = 0;
        for i in 1..LANES {
            differ |= addresses[i].wrapping_sub(addresses[i - 1]) ^ stride;
        }
        (differ == 0).then_some(stride as i64)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m256d, __m256i, __m512i};

    use pulp::{
        cast,
        core_arch::x86::Avx,
        x86::{V3, V4},
    };

    use super::{Extent, LANES, Level};

    /// [`Level::deal`] with AVX: elements of four words are transposed in 128-bit halves.
    #[inline(always)]
    fn deal<const COUNT: usize>(simd: Avx, elements: [[u32; COUNT]; 8]) -> [[u32; 8]; COUNT] {
        let mut rows = [[0; 8]; COUNT];
        if COUNT != 4 {
            for (lane, words) in elements.iter().enumerate() {
                for (row, word) in rows.iter_mut().zip(words) {
                    row[lane] = *word;
                }
            }
            return rows;
        }
        let quad = |lane: usize| {
            let mut words = [0u32; 4];
            words.copy_from_slice(&elements[lane][..4]);
            words
        };
        // Lane i in the low half, lane i + 4 in the high one.
        let pair = |i: usize| -> __m256 { cast([quad(i), quad(i + 4)]) };
        let low_words = |a, b| -> __m256d { cast(simd._mm256_unpacklo_ps(a, b)) };
        let high_words = |a, b| -> __m256d { cast(simd._mm256_unpackhi_ps(a, b)) };
        let (a, b, c, d) = (pair(0), pair(1), pair(2), pair(3));
        let (ab, cd) = (low_words(a, b), low_words(c, d));
        let (ab_high, cd_high) = (high_words(a, b), high_words(c, d));
        let dealt: [[u32; 8]; 4] = [
            cast(simd._mm256_unpacklo_pd(ab, cd)),
            cast(simd._mm256_unpackhi_pd(ab, cd)),
            cast(simd._mm256_unpacklo_pd(ab_high, cd_high)),
            cast(simd._mm256_unpackhi_pd(ab_high, cd_high)),
        ];
        for (row, dealt) in rows.iter_mut().zip(dealt) {
            *row = dealt;
        }
        rows
    }

    /// All ones in the lanes whose bit of the lowest byte is set. No closure: what is not inlined has no vector instructions,
    /// and calls them one by one.
    #[inline(always)]
    fn spread_byte(simd: V3, mask: u32) -> __m256i {
        let bit: __m256i = cast([1u32, 2, 4, 8, 16, 32, 64, 128]);
        let all = simd.avx._mm256_set1_epi32(mask as i32);
        simd.avx2._mm256_cmpeq_epi32(simd.avx2._mm256_and_si256(all, bit), bit)
    }

    /// AVX2 and FMA.
    impl Level for V3 {
        const VECTOR_BYTES: usize = 32;

        #[inline(always)]
        fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
            V3::vectorize(self, f)
        }

        #[inline(always)]
        fn signs(self, lanes: &[u32; LANES]) -> u32 {
            let [a, b, c, d]: [__m256; 4] = cast(*lanes);
            self.avx._mm256_movemask_ps(a) as u32
                | (self.avx._mm256_movemask_ps(b) as u32) << 8
                | (self.avx._mm256_movemask_ps(c) as u32) << 16
                | (self.avx._mm256_movemask_ps(d) as u32) << 24
        }

        #[inline(always)]
        fn spread(self, mask: u32) -> [u32; LANES] {
            cast([
                spread_byte(self, mask),
                spread_byte(self, mask >> 8),
                spread_byte(self, mask >> 16),
                spread_byte(self, mask >> 24),
            ])
        }

        #[inline(always)]
        fn deal<const COUNT: usize>(self, elements: [[u32; COUNT]; 8]) -> [[u32; 8]; COUNT] {
            deal(self.avx, elements)
        }

        #[inline(always)]
        fn stride(self, addresses: &[u64; LANES]) -> Option<i64> {
            let parts: [__m256i; 8] = cast(*addresses);
            let (base, stride) = (addresses[0], addresses[1].wrapping_sub(addresses[0]));
            let [two, four] = [stride.wrapping_mul(2), stride.wrapping_mul(4)];
            let mut expected: __m256i = cast([
                base,
                base.wrapping_add(stride),
                base.wrapping_add(two),
                base.wrapping_add(two).wrapping_add(stride),
            ]);
            let step = self.avx._mm256_set1_epi64x(four as i64);
            let mut differ = self.avx2._mm256_xor_si256(parts[0], expected);
            for part in &parts[1..] {
                expected = self.avx2._mm256_add_epi64(expected, step);
                differ = self.avx2._mm256_or_si256(differ, self.avx2._mm256_xor_si256(*part, expected));
            }
            (self.avx._mm256_testz_si256(differ, differ) != 0).then_some(stride as i64)
        }
    }

    /// AVX-512 F, BW, CD, DQ and VL.
    impl Level for V4 {
        const VECTOR_BYTES: usize = 64;

        #[inline(always)]
        fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
            V4::vectorize(self, f)
        }

        #[inline(always)]
        fn signs(self, lanes: &[u32; LANES]) -> u32 {
            let [low, high]: [__m512i; 2] = cast(*lanes);
            u32::from(self.avx512dq._mm512_movepi32_mask(low))
                | u32::from(self.avx512dq._mm512_movepi32_mask(high)) << 16
        }

        #[inline(always)]
        fn spread(self, mask: u32) -> [u32; LANES] {
            cast([
                self.avx512dq._mm512_movm_epi32(mask as u16),
                self.avx512dq._mm512_movm_epi32((mask >> 16) as u16),
            ])
        }

        #[inline(always)]
        fn deal<const COUNT: usize>(self, elements: [[u32; COUNT]; 8]) -> [[u32; 8]; COUNT] {
            deal(self.avx, elements)
        }

        #[inline(always)]
        fn stride(self, addresses: &[u64; LANES]) -> Option<i64> {
            let parts: [__m512i; 4] = cast(*addresses);
            let stride = addresses[1].wrapping_sub(addresses[0]);
            let simd = self.avx512f;
            let wanted = simd._mm512_set1_epi64(stride as i64);
            // Each lane against its neighbour above; the topmost lane has none.
            let differ = |low, high| {
                let above = simd._mm512_alignr_epi64::<1>(high, low);
                simd._mm512_cmpneq_epi64_mask(simd._mm512_sub_epi64(above, low), wanted)
            };
            let wrong = differ(parts[0], parts[1])
                | differ(parts[1], parts[2])
                | differ(parts[2], parts[3])
                | differ(parts[3], parts[3]) & 0x7f;
            (wrong == 0).then_some(stride as i64)
        }

        #[inline(always)]
        fn extent(self, addresses: &[u64; LANES]) -> Extent {
            let [a, b, c, d]: [__m512i; 4] = cast(*addresses);
            let simd = self.avx512f;
            let min = |a, b| simd._mm512_min_epu64(a, b);
            let max = |a, b| simd._mm512_max_epu64(a, b);
            let or = |a, b| simd._mm512_or_si512(a, b);
            let lowest = min(min(a, b), min(c, d));
            let highest = max(max(a, b), max(c, d));
            let bits = or(or(a, b), or(c, d));
            Extent {
                lowest: simd._mm512_reduce_min_epu64(lowest),
                highest: simd._mm512_reduce_max_epu64(highest),
                bits: simd._mm512_reduce_or_epi64(bits) as u64,
            }
        }
    }
}

/// The levels of this kind of CPU, as a value.
#[derive(Clone, Copy)]
pub(crate) enum Detected {
    #[cfg(target_arch = "x86_64")]
    V4(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    V3(pulp::x86::V3),
    Baseline,
}

impl Detected {
    /// The widest level that this CPU has.
    pub(crate) fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(level) = pulp::x86::V4::try_new() {
                return Detected::V4(level);
            }
            if let Some(level) = pulp::x86::V3::try_new() {
                return Detected::V3(level);
            }
        }
        Detected::Baseline
    }

    /// `avx512`, `avx2` or `baseline`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Detected::V4(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Detected::V3(_) => "avx2",
            Detected::Baseline => "baseline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds a level against the loops of the baseline.
    fn agrees(level: impl Level) {
        level.vectorize(
            #[inline(always)]
            || {
                for seed in [0u32, 1, 0x8000_0001, 0xdead_beef, u32::MAX, 0x0f0f_f0f0] {
                    assert_eq!(level.spread(seed), Baseline.spread(seed));
                    assert_eq!(level.signs(&level.spread(seed)), seed);
                }
                for stride in [0i64, 1, 4, -4, 1 << 33, i64::MIN, -1] {
                    let mut wide = [0u64; LANES];
                    for i in 0..LANES {
                        wide[i] = 12_345u64.wrapping_add_signed(stride.wrapping_mul(i as i64));
                    }
                    assert_eq!(level.stride(&wide), Some(stride));
                    assert_eq!(level.extent(&wide), Baseline.extent(&wide));
                    for lane in 0..LANES {
                        let mut wide = wide;
                        wide[lane] ^= 1 << 40;
                        assert_eq!(level.stride(&wide), None, "lane {lane}");
                        assert_eq!(level.extent(&wide), Baseline.extent(&wide));
                    }
                }
                let quads: [[u32; 4]; 8] =
                    std::array::from_fn(|i| std::array::from_fn(|k| (4 * i + k) as u32));
                assert_eq!(level.deal(quads), std::array::from_fn(|k| std::array::from_fn(|i| quads[i][k])));
                let pairs = quads.map(|[a, b, ..]| [a, b]);
                assert_eq!(level.deal(pairs), std::array::from_fn(|k| std::array::from_fn(|i| pairs[i][k])));
            },
        );
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
}
