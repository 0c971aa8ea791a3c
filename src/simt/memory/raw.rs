//! The bytes of global memory, and the unsafe code that reaches them.
//!
//! Threads that run different blocks read and write these bytes at the same time, as the kernel pleases, and a racy
//! kernel must not be undefined behaviour here. So shared access ([`Bytes::load`], [`Bytes::store`] and their row forms)
//! is by relaxed atomics, which cost what plain moves cost. Rows of 32 consecutive elements are moved by vector
//! instructions in inline assembly: to the compiler an opaque access, to the hardware as good as one relaxed access an
//! element, since an aligned element never tears. Plain copies, which the host uses, need `&mut`.
//!
//! Every function checks its bounds and its alignment itself, so that nothing outside this file can misuse it.

#![allow(unsafe_code, reason = "see above")]

use std::{
    io,
    marker::PhantomData,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use super::{Spread, mapping::Mapping};
use crate::{level::Level, registers::LANES};

/// Zeroed bytes that are committed when they are first touched.
#[derive(Debug)]
pub(crate) struct Bytes {
    map: Mapping,
    base: u64,
    /// Held while 16 bytes change: CPUs have no such atomic that Rust could use.
    doubles: Mutex<()>,
}

/// An unsigned integer that global memory is accessed in.
pub(crate) trait Word: Copy + Default {
    /// Reads one, atomically.
    ///
    /// # Safety
    ///
    /// `address` is aligned and valid, and every other access at this time is atomic too.
    unsafe fn read(address: *mut u8) -> Self;

    /// Writes one, atomically.
    ///
    /// # Safety
    ///
    /// As [`Word::read`].
    unsafe fn write(address: *mut u8, value: Self);
}

macro_rules! word {
    ($($ty:ty, $atomic:ty;)*) => { $(
        impl Word for $ty {
            #[inline(always)]
            unsafe fn read(address: *mut u8) -> Self {
                // SAFETY: the caller's promise.
                unsafe { <$atomic>::from_ptr(address.cast()) }.load(Relaxed)
            }

            #[inline(always)]
            unsafe fn write(address: *mut u8, value: Self) {
                // SAFETY: the caller's promise.
                unsafe { <$atomic>::from_ptr(address.cast()) }.store(value, Relaxed);
            }
        }
    )* };
}

word! {
    u8, AtomicU8;
    u16, AtomicU16;
    u32, AtomicU32;
    u64, AtomicU64;
}

impl Bytes {
    /// Reserves `length` zero bytes of address space, which kernels know by addresses from `base` on.
    pub(crate) fn reserve(base: u64, length: usize) -> io::Result<Self> {
        Ok(Bytes { map: Mapping::new(base, length)?, base, doubles: Mutex::default() })
    }

    /// The address of the first byte; all offsets here count from it.
    #[inline(always)]
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The host's address of the first byte.
    pub(crate) fn host_address(&self) -> u64 {
        self.map.as_mut_ptr() as u64
    }

    /// The address of `size` bytes at `offset`, if they are inside and aligned to `align`.
    #[inline(always)]
    fn at(&self, offset: u64, size: usize, align: usize) -> Option<*mut u8> {
        let end = offset.checked_add(size as u64)?;
        if end > self.map.len() as u64 || offset & (align as u64 - 1) != 0 {
            return None;
        }
        // SAFETY: `offset` is within the mapping, which starts on a page boundary and so keeps the alignment.
        Some(unsafe { self.map.as_mut_ptr().add(offset as usize) })
    }

    /// The word at `offset`.
    #[inline(always)]
    pub(crate) fn load<W: Word>(&self, offset: u64) -> Option<W> {
        let address = self.at(offset, size_of::<W>(), size_of::<W>())?;
        // SAFETY: `at` checked bounds and alignment; all shared access is atomic.
        Some(unsafe { W::read(address) })
    }

    /// Overwrites the word at `offset`; `None` if it is outside or misaligned.
    #[inline(always)]
    pub(crate) fn store<W: Word>(&self, offset: u64, value: W) -> Option<()> {
        let address = self.at(offset, size_of::<W>(), size_of::<W>())?;
        // SAFETY: `at` checked bounds and alignment; all shared access is atomic.
        unsafe { W::write(address, value) };
        Some(())
    }

    /// Fills `words` with those at `offset`, `offset + stride` …, a lane each.
    #[inline(always)]
    pub(crate) fn load_strided<L: Level, W: Word>(
        &self,
        offset: u64,
        stride: i64,
        words: &mut [W; LANES],
    ) -> Option<()> {
        let size = size_of::<W>();
        let last = offset.checked_add_signed(stride.checked_mul(LANES as i64 - 1)?)?;
        let first = self.at(offset, size, size)?;
        self.at(last, size, size)?;
        if stride & (size as i64 - 1) != 0 {
            return None;
        }
        if stride == 0 {
            // SAFETY: `at` checked bounds and alignment; all shared access is atomic.
            *words = [unsafe { W::read(first) }; LANES];
            return Some(());
        }
        if stride == size as i64 {
            // SAFETY: both ends are inside, so the row is; `words` has its size, and is ours alone.
            unsafe { copy::<L, W>(first, words.as_mut_ptr().cast(), LANES, Direction::Load) };
            return Some(());
        }
        for (i, word) in words.iter_mut().enumerate() {
            // SAFETY: both ends are inside and aligned, so everything between is; all shared access is atomic.
            *word = unsafe { W::read(first.offset(i as isize * stride as isize)) };
        }
        Some(())
    }

    /// The words at `offsets`, a lane each.
    #[inline(always)]
    pub(crate) fn gather<W: Word>(&self, offsets: &[u64; LANES]) -> Option<[W; LANES]> {
        let mut highest = 0;
        let mut low_bits = 0;
        for offset in offsets {
            highest = highest.max(*offset);
            low_bits |= *offset;
        }
        let size = size_of::<W>();
        self.at(highest, size, 1)?;
        if low_bits & (size as u64 - 1) != 0 {
            return None;
        }
        let base = self.map.as_mut_ptr();
        let mut words = [W::default(); LANES];
        for (word, offset) in words.iter_mut().zip(offsets) {
            // SAFETY: no offset is beyond the highest, which is inside, and none has a bit below the alignment.
            *word = unsafe { W::read(base.add(*offset as usize)) };
        }
        Some(words)
    }

    /// `COUNT` consecutive words from `offset` on.
    #[inline(always)]
    pub(crate) fn load_row<L: Level, W: Word, const COUNT: usize>(&self, offset: u64) -> Option<[W; COUNT]> {
        let first = self.at(offset, size_of::<[W; COUNT]>(), size_of::<W>())?;
        let mut words = [W::default(); COUNT];
        // SAFETY: the row is inside and aligned; `words` has its size, and is ours alone.
        unsafe { copy::<L, W>(first, words.as_mut_ptr().cast(), COUNT, Direction::Load) };
        Some(words)
    }

    /// Overwrites `COUNT` consecutive words from `offset` on.
    #[inline(always)]
    pub(crate) fn store_row<L: Level, W: Word, const COUNT: usize>(
        &self,
        offset: u64,
        words: &[W; COUNT],
    ) -> Option<()> {
        let first = self.at(offset, size_of::<[W; COUNT]>(), size_of::<W>())?;
        // SAFETY: the row is inside and aligned; `words` has its size and is only read.
        unsafe { copy::<L, W>(first, words.as_ptr().cast_mut().cast(), COUNT, Direction::Store) };
        Some(())
    }

    /// The elements of `COUNT` words that the lanes of a request want, the first at `offset`; `None` if one is outside
    /// or no multiple of a word.
    #[inline(always)]
    pub(crate) fn request<'a, const COUNT: usize>(
        &'a self,
        offset: u64,
        spread: &'a Spread,
    ) -> Option<Request<'a, COUNT>> {
        let (low, high) = spread.ends(offset)?;
        self.at(low, 4 * COUNT, 1)?;
        self.at(high, 4 * COUNT, 1)?;
        let first = self.at(offset, 4 * COUNT, 4)?;
        spread.is_aligned(offset, 4).then_some(Request { first, spread, memory: PhantomData })
    }

    /// The 32-bit word at `offset`, for read-modify-write.
    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        // SAFETY: `at` checked bounds and alignment; all shared access is atomic and the borrow keeps the mapping.
        self.at(offset, 4, 4).map(|address| unsafe { AtomicU32::from_ptr(address.cast()) })
    }

    /// The 64-bit word at `offset`, for read-modify-write.
    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        // SAFETY: as for 32 bits.
        self.at(offset, 8, 8).map(|address| unsafe { AtomicU64::from_ptr(address.cast()) })
    }

    /// Applies `f` to the 16 bytes at `offset`, with no other such update between, and gives what they were.
    pub(crate) fn update_double(&self, offset: u64, f: impl Fn([u64; 2]) -> [u64; 2]) -> Option<[u64; 2]> {
        self.at(offset, 16, 16)?;
        let _alone = self.doubles.lock().unwrap_or_else(PoisonError::into_inner);
        let old = [self.load(offset)?, self.load(offset + 8)?];
        let [low, high] = f(old);
        self.store(offset, low)?;
        self.store(offset + 8, high)?;
        Some(old)
    }

    /// All bytes, for whoever has them alone.
    pub(crate) fn slice_mut(&mut self, range: Range<u64>) -> Option<&mut [u8]> {
        let length = range.end.checked_sub(range.start)?;
        let first = self.at(range.start, usize::try_from(length).ok()?, 1)?;
        // SAFETY: the range is inside, and `&mut self` excludes every other access.
        Some(unsafe { std::slice::from_raw_parts_mut(first, length as usize) })
    }
}

/// Elements of global memory, one a lane, all of them inside and aligned to words.
pub(crate) struct Request<'a, const COUNT: usize> {
    first: *mut u8,
    spread: &'a Spread,
    memory: PhantomData<&'a Bytes>,
}

impl<const COUNT: usize> Request<'_, COUNT> {
    #[inline(always)]
    fn element(&self, lane: usize) -> *mut u8 {
        // SAFETY: no distance is below the lowest or above the highest, whose elements are inside.
        unsafe { self.first.offset(self.spread.distance(lane) as isize) }
    }

    /// The element of a lane.
    #[inline(always)]
    pub(crate) fn load<L: Level>(&self, lane: usize) -> [u32; COUNT] {
        let from = self.element(lane);
        let mut words = [0; COUNT];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if COUNT == 4 && L::VECTOR_BYTES >= 32 {
            let row: std::arch::x86_64::__m128i;
            // SAFETY: the element's 16 bytes are inside, and to the hardware this is four relaxed accesses. A level
            // with such vectors is only made where the CPU has them.
            unsafe {
                std::arch::asm!(
                    "vmovups {row}, [{from}]",
                    from = in(reg) from, row = lateout(xmm_reg) row,
                    options(nostack, readonly, preserves_flags)
                );
            }
            words.copy_from_slice(&pulp::cast::<_, [u32; 4]>(row)[..COUNT]);
            return words;
        }
        for (i, word) in words.iter_mut().enumerate() {
            // SAFETY: the element is inside and aligned to words; all shared access is atomic.
            *word = unsafe { u32::read(from.add(4 * i)) };
        }
        words
    }

    /// Overwrites the element of a lane.
    #[inline(always)]
    pub(crate) fn store(&self, lane: usize, words: [u32; COUNT]) {
        let to = self.element(lane);
        for (i, word) in words.into_iter().enumerate() {
            // SAFETY: the element is inside and aligned to words; all shared access is atomic.
            unsafe { u32::write(to.add(4 * i), word) };
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From global memory.
    Load,
    /// To global memory.
    Store,
}

/// Moves `count` words between global memory and a lane array.
///
/// # Safety
///
/// Both are valid for `count` words, `global` is aligned to the word, `local` is not accessed by anyone else.
#[inline(always)]
unsafe fn copy<L: Level, W: Word>(global: *mut u8, local: *mut u8, count: usize, direction: Direction) {
    let bytes = count * size_of::<W>();
    let (from, to) = match direction {
        Direction::Load => (global, local),
        Direction::Store => (local, global),
    };
    let mut done = 0;
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::asm;
        while L::VECTOR_BYTES >= 64 && done + 64 <= bytes {
            // SAFETY: 64 bytes are left on both sides, and a level with such vectors is only made where the CPU has
            // them.
            unsafe {
                asm!(
                    "vmovdqu64 zmm0, [{from}]",
                    "vmovdqu64 [{to}], zmm0",
                    from = in(reg) from.add(done), to = in(reg) to.add(done), out("zmm0") _,
                    options(nostack, preserves_flags)
                );
            }
            done += 64;
        }
        while L::VECTOR_BYTES >= 32 && done + 32 <= bytes {
            // SAFETY: as above, with 32 bytes.
            unsafe {
                asm!(
                    "vmovdqu ymm0, [{from}]",
                    "vmovdqu [{to}], ymm0",
                    from = in(reg) from.add(done), to = in(reg) to.add(done), out("zmm0") _,
                    options(nostack, preserves_flags)
                );
            }
            done += 32;
        }
    }
    while done < bytes {
        // SAFETY: a word is left on both sides. The local side is ours alone, so its alignment is all that matters,
        // and it is an array of words.
        unsafe { W::write(to.add(done), W::read(from.add(done))) };
        done += size_of::<W>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Baseline;

    #[test]
    fn bounds_and_alignment_are_checked() {
        let bytes = Bytes::reserve(0, 4096).unwrap();
        let length = bytes.map.len() as u64;
        let strided = |offset, stride| {
            let mut words = [0u32; LANES];
            bytes.load_strided::<Baseline, u32>(offset, stride, &mut words).map(|()| words)
        };
        assert_eq!(bytes.load::<u32>(0), Some(0));
        assert_eq!(bytes.load::<u32>(length - 4), Some(0));
        assert_eq!(bytes.load::<u32>(length - 3), None);
        assert_eq!(bytes.load::<u32>(2), None);
        assert_eq!(bytes.load::<u32>(u64::MAX - 1), None);
        assert!(strided(0, 64).is_some());
        assert!(strided(0, -64).is_none());
        assert!(strided(0, 6).is_none());
        assert!(strided(0, i64::MAX).is_none());
        assert!(bytes.load_row::<Baseline, u32, 32>(length - 124).is_none());
        assert!(bytes.gather::<u64>(&[length; LANES]).is_none());
    }

    #[test]
    fn rows_land_where_words_are_read() {
        let bytes = Bytes::reserve(0, 4096).unwrap();
        let row: [u32; LANES] = std::array::from_fn(|i| i as u32 * 3);
        bytes.store_row::<Baseline, _, LANES>(256, &row).unwrap();
        assert_eq!(bytes.load_row::<Baseline, u32, LANES>(256), Some(row));
        let mut down = [0u32; LANES];
        bytes.load_strided::<Baseline, u32>(256 + 31 * 4, -4, &mut down).unwrap();
        assert_eq!((down[0], down[31]), (93, 0));
        assert_eq!(bytes.load::<u32>(260), Some(3));
        assert_eq!(bytes.gather::<u32>(&[264; LANES]), Some([6; LANES]));
    }
}
