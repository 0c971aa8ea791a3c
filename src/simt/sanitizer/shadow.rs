//! Which bytes of global memory something wrote: one bit a byte, in pages made when they are first needed.

use std::collections::HashMap;

use super::Finding;

/// Bytes that a word of a page stands for.
const WORD: u64 = 64;
/// Words of a page.
const PAGE: usize = 512;

/// What the sanitizer knows of a device's memory beyond a launch.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    pages: HashMap<u64, Box<[u64; PAGE]>>,
    /// What was found and not asked for yet.
    pub(crate) findings: Vec<Finding>,
}

impl Shadow {
    fn word(&mut self, address: u64) -> &mut u64 {
        let word = address / WORD;
        let page = self.pages.entry(word / PAGE as u64).or_insert_with(|| Box::new([0; PAGE]));
        &mut page[word as usize % PAGE]
    }

    /// Calls `change` with each word of a range and the bits that stand for it.
    fn each_word(&mut self, address: u64, bytes: u64, change: impl Fn(&mut u64, u64)) {
        let (mut at, end) = (address, address + bytes);
        while at < end {
            let next = (at / WORD + 1) * WORD;
            let count = next.min(end) - at;
            let bits = u64::MAX >> (WORD - count) << (at % WORD);
            change(self.word(at), bits);
            at = next;
        }
    }

    /// Notes that something wrote a range.
    pub(crate) fn define(&mut self, address: u64, bytes: u64) {
        self.each_word(address, bytes, |word, bits| *word |= bits);
    }

    /// Notes that nothing of a range means anything any more.
    pub(crate) fn undefine(&mut self, address: u64, bytes: u64) {
        self.each_word(address, bytes, |word, bits| *word &= !bits);
    }

    /// Whether something wrote every byte of an element that does not cross a multiple of 64.
    pub(crate) fn is_defined(&self, address: u64, bytes: u64) -> bool {
        let bits = u64::MAX >> (WORD - bytes) << (address % WORD);
        let word = address / WORD;
        let page = self.pages.get(&(word / PAGE as u64));
        page.is_some_and(|page| page[word as usize % PAGE] & bits == bits)
    }

    /// Copies what is known of one range to another.
    pub(crate) fn copy(&mut self, to: u64, from: u64, bytes: u64) {
        let known: Vec<bool> = (from..from + bytes).map(|at| self.is_defined(at, 1)).collect();
        for (at, known) in (to..).zip(known) {
            if known {
                self.define(at, 1);
            } else {
                self.undefine(at, 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_apart() {
        let mut shadow = Shadow::default();
        assert!(!shadow.is_defined(0x1000, 4));
        shadow.define(0x1001, 3);
        assert!(!shadow.is_defined(0x1000, 4));
        assert!(shadow.is_defined(0x1002, 2));
        shadow.define(0x1000, 1);
        assert!(shadow.is_defined(0x1000, 4));
        shadow.undefine(0x1003, 100_000);
        assert!(shadow.is_defined(0x1000, 2) && !shadow.is_defined(0x1002, 2));
    }

    #[test]
    fn ranges_cross_words_and_pages() {
        let mut shadow = Shadow::default();
        let page = WORD * PAGE as u64;
        shadow.define(page - 100, 300);
        assert!(!shadow.is_defined(page - 101, 1) && shadow.is_defined(page - 100, 1));
        assert!(shadow.is_defined(page, 16) && shadow.is_defined(page + 199, 1));
        assert!(!shadow.is_defined(page + 200, 1));
        shadow.copy(page - 102, page - 101, 3);
        assert!(!shadow.is_defined(page - 102, 1) && shadow.is_defined(page - 101, 1));
    }
}
