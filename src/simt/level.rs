//! The CPU's vector level, chosen once at run time: the whole interpreter is compiled for each and picks the widest.
//!
//! Everything below [`Level::vectorize`] is `#[inline(always)]`, so that the loops over 32 lanes are compiled for the
//! level and not for the baseline. The few lane-crossing operations that a plain loop does not express well are
//! methods of the level.

use crate::registers::LANES;

/// A set of vector instructions.
pub(crate) trait Level: Copy {
    /// Bytes of a vector register; 0 where nothing is known beyond the compilation target.
    const VECTOR_BYTES: usize;

    /// Runs `f` compiled for this level; `f` must be `#[inline(always)]` through and through.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    /// Bit `i` says whether lane `i` has its sign bit set.
    fn signs(self, lanes: &[u32; LANES]) -> u32;

    /// All ones in the lanes whose bit is set, zero elsewhere.
    fn spread(self, mask: u32) -> [u32; LANES];
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
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m256i, __m512i};

    use pulp::{
        cast,
        x86::{V3, V4},
    };

    use super::{LANES, Level};

    /// AVX2 and FMA.
    impl Level for V3 {
        const VECTOR_BYTES: usize = 32;

        #[inline(always)]
        fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
            V3::vectorize(self, f)
        }

        #[inline(always)]
        fn signs(self, lanes: &[u32; LANES]) -> u32 {
            let parts: [__m256; 4] = cast(*lanes);
            let sign = |i: usize| self.avx._mm256_movemask_ps(parts[i]) as u32;
            sign(0) | sign(1) << 8 | sign(2) << 16 | sign(3) << 24
        }

        #[inline(always)]
        fn spread(self, mask: u32) -> [u32; LANES] {
            let bit: __m256i = cast([1u32, 2, 4, 8, 16, 32, 64, 128]);
            let part = |shift: u32| {
                let all = self.avx._mm256_set1_epi32((mask >> shift) as i32);
                self.avx2._mm256_cmpeq_epi32(self.avx2._mm256_and_si256(all, bit), bit)
            };
            cast([part(0), part(8), part(16), part(24)])
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
            let sign = |part| self.avx512dq._mm512_movepi32_mask(part) as u32;
            sign(low) | sign(high) << 16
        }

        #[inline(always)]
        fn spread(self, mask: u32) -> [u32; LANES] {
            let part = |bits: u32| self.avx512dq._mm512_movm_epi32(bits as u16);
            cast([part(mask), part(mask >> 16)])
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
