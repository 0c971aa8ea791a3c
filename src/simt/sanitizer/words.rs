//! The last uses of each word of memory, and which of them conflict.

use std::collections::HashMap;

/// How a thread uses a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// A read or a write that others may do at the same time: volatile, relaxed, acquiring or releasing.
    StrongRead,
    StrongWrite,
    /// A read and a write that nothing comes between.
    Atomic,
}

impl Access {
    pub(crate) fn reads(self) -> bool {
        matches!(self, Access::Read | Access::StrongRead | Access::Atomic)
    }

    pub(crate) fn writes(self) -> bool {
        matches!(self, Access::Write | Access::StrongWrite | Access::Atomic)
    }

    /// Whether it can pass order on between threads.
    pub(crate) fn is_strong(self) -> bool {
        !matches!(self, Access::Read | Access::Write)
    }
}

/// One use of a word by a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use {
    /// The block's number in the grid, and the thread's in the block.
    pub(super) block: u64,
    pub(super) thread: u16,
    pub(super) access: Access,
    /// Which of the word's four bytes, a bit each.
    pub(super) bytes: u8,
    /// The instruction.
    pub(super) at: u32,
    /// When: the instruction's number in the launch, the warp's epoch and its `bar.warp.sync` so far.
    pub(super) time: u64,
    pub(super) epoch: u32,
    pub(super) syncs: u32,
    /// What it writes.
    pub(super) value: u32,
}

impl Use {
    /// Whether the two cannot be done in any order with the same outcome, unless something orders them.
    fn conflicts(&self, earlier: &Use) -> bool {
        let same_thread = self.block == earlier.block && self.thread == earlier.thread;
        let (one, other) = (earlier.access, self.access);
        let writes_alone = |access: Access| access.writes() && !access.reads();
        let harmless = !one.writes() && !other.writes()
            || one.is_strong() && other.is_strong()
            || writes_alone(one)
                && writes_alone(other)
                && self.bytes == earlier.bytes
                && self.value == earlier.value;
        !same_thread && !harmless && self.bytes & earlier.bytes != 0
    }
}

/// What is remembered of a word.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Word {
    write: Option<Use>,
    /// The last reads by two threads, the later first.
    reads: [Option<Use>; 2],
}

impl Word {
    /// Enters a use; gives an earlier one that conflicts with it and is not before it, if there is one.
    pub(super) fn enter(&mut self, new: Use, is_before: impl Fn(&Use) -> bool) -> Option<Use> {
        let races = |earlier: &Use| new.conflicts(earlier) && !is_before(earlier);
        let [last, other] = self.reads;
        let race = [self.write, last, other].into_iter().flatten().find(races);
        if !new.access.writes() {
            if last.is_some_and(|last| (last.block, last.thread) != (new.block, new.thread)) {
                self.reads[1] = last;
            }
            self.reads[0] = Some(new);
        } else {
            *self = Word { write: Some(new), reads: [None; 2] };
        }
        race
    }
}

/// Words of a page.
const PAGE: usize = 256;

/// The words of global memory that a launch uses.
#[derive(Debug, Default)]
pub(super) struct Words(HashMap<u64, Box<[Word; PAGE]>>);

impl Words {
    /// The word with that number.
    pub(super) fn word(&mut self, number: u64) -> &mut Word {
        let page = self.0.entry(number / PAGE as u64).or_insert_with(|| Box::new([Word::default(); PAGE]));
        &mut page[number as usize % PAGE]
    }

    /// Forgets the uses of the word with that number.
    pub(super) fn forget(&mut self, number: u64) {
        if let Some(page) = self.0.get_mut(&(number / PAGE as u64)) {
            page[number as usize % PAGE] = Word::default();
        }
    }
}

/// The words that an aligned element of `width` bytes is in: number, bytes and value of each.
pub(super) fn words_of(address: u64, width: u64, value: u64) -> impl Iterator<Item = (u64, u8, u32)> {
    let narrow = (address / 4, ((1u16 << width.min(4)) - 1) << (address % 4), value as u32);
    let second = (width > 4).then_some((address / 4 + 1, 0b1111, (value >> 32) as u32));
    std::iter::once((narrow.0, narrow.1 as u8, narrow.2)).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_use(thread: u16, access: Access, value: u32) -> Use {
        Use { block: 0, thread, access, bytes: 0b1111, at: 0, time: 0, epoch: 0, syncs: 0, value }
    }

    #[test]
    fn reads_and_writes_conflict_unless_ordered() {
        let mut word = Word::default();
        assert_eq!(word.enter(a_use(0, Access::Write, 1), |_| false), None);
        assert_eq!(word.enter(a_use(0, Access::Read, 0), |_| false), None, "a thread's own");
        assert_eq!(word.enter(a_use(1, Access::Read, 0), |_| true), None, "ordered");
        let race = word.enter(a_use(1, Access::Read, 0), |_| false).unwrap();
        assert_eq!((race.thread, race.access), (0, Access::Write));
        let race = word.enter(a_use(1, Access::Write, 5), |earlier| earlier.access == Access::Write).unwrap();
        assert_eq!((race.thread, race.access), (0, Access::Read), "of two readers the other one");
    }

    #[test]
    fn the_same_value_and_other_bytes_are_harmless() {
        let mut word = Word::default();
        word.enter(a_use(0, Access::Write, 1), |_| false);
        assert_eq!(word.enter(a_use(1, Access::Write, 1), |_| false), None);
        assert!(word.enter(a_use(2, Access::Write, 2), |_| false).is_some());
        let low = Use { bytes: 0b0011, ..a_use(3, Access::Write, 1) };
        word.enter(low, |_| true);
        assert_eq!(word.enter(Use { bytes: 0b1100, ..a_use(4, Access::Read, 0) }, |_| false), None);
    }

    #[test]
    fn atomics_conflict_with_plain_accesses_alone() {
        let mut word = Word::default();
        word.enter(a_use(0, Access::Atomic, 0), |_| false);
        assert_eq!(word.enter(a_use(1, Access::Atomic, 0), |_| false), None);
        assert!(word.enter(a_use(2, Access::Read, 0), |_| false).is_some());
    }

    #[test]
    fn strong_accesses_conflict_with_plain_ones_alone() {
        use Access::*;
        let races = |first, second| {
            let mut word = Word::default();
            word.enter(a_use(0, first, 0), |_| false);
            word.enter(a_use(1, second, 1), |_| false).is_some()
        };
        assert!(!races(StrongWrite, StrongRead) && !races(StrongRead, StrongWrite));
        assert!(!races(StrongWrite, Atomic) && !races(Atomic, StrongRead) && !races(Read, StrongRead));
        assert!(races(StrongWrite, Read) && races(Write, StrongRead) && races(StrongRead, Write));
        assert!(races(Write, StrongWrite) && races(Read, StrongWrite));
    }

    #[test]
    fn elements_lie_in_words() {
        let words = |address, width, value| words_of(address, width, value).collect::<Vec<_>>();
        assert_eq!(words(8, 4, 7), [(2, 0b1111, 7)]);
        assert_eq!(words(8, 8, 7 << 32 | 3), [(2, 0b1111, 3), (3, 0b1111, 7)]);
        assert_eq!(words(10, 2, 7), [(2, 0b1100, 7)]);
        assert_eq!(words(11, 1, 7), [(2, 0b1000, 7)]);
    }
}
