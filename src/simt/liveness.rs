//! Which registers are alive where: the data flow that slots and uniform registers are found by.

use crate::{
    cfg::Block,
    instruction::{Instruction, Tables, Touch},
    registers::{File, Slot},
};

/// Registers of the three files numbered through.
pub(crate) struct Numbering(pub(crate) [usize; 3]);

impl Numbering {
    pub(crate) fn index(&self, file: File, slot: Slot) -> usize {
        let before: usize = self.0[..file as usize].iter().sum();
        before + usize::from(slot)
    }

    pub(crate) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    pub(crate) fn file(&self, index: usize) -> File {
        if index < self.0[0] {
            File::Narrow
        } else if index < self.0[0] + self.0[1] {
            File::Wide
        } else {
            File::Predicate
        }
    }
}

/// A set of registers or blocks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Set(Vec<u64>);

impl Set {
    pub(crate) fn new(size: usize) -> Self {
        Set(vec![0; size.div_ceil(64)])
    }

    pub(crate) fn insert(&mut self, i: usize) {
        self.0[i / 64] |= 1 << (i % 64);
    }

    pub(crate) fn remove(&mut self, i: usize) {
        self.0[i / 64] &= !(1 << (i % 64));
    }

    pub(crate) fn contains(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 != 0
    }

    /// Adds the members of another set and says whether there were new ones.
    pub(crate) fn extend(&mut self, other: &Set) -> bool {
        let mut grown = false;
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            grown |= *more & !*word != 0;
            *word |= more;
        }
        grown
    }

    /// Takes out what another set does not have.
    pub(crate) fn keep(&mut self, other: &Set) {
        for (word, kept) in self.0.iter_mut().zip(&other.0) {
            *word &= kept;
        }
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(w, word)| {
            (0..64).filter(move |bit| word >> bit & 1 != 0).map(move |bit| w * 64 + bit)
        })
    }
}

/// Lists what an instruction reads and writes. A guarded write also reads: lanes it leaves out keep their value.
pub(crate) fn touches(
    instruction: &Instruction,
    tables: &mut Tables,
    numbering: &Numbering,
    mut touch: impl FnMut(Touch, usize),
) {
    let mut copy = *instruction;
    let guarded = !instruction.guard.is_none();
    copy.visit(tables, &mut |how, file, slot: &mut Slot| {
        let index = numbering.index(file, *slot);
        if how == Touch::Write && guarded {
            touch(Touch::Read, index);
        }
        touch(how, index);
    });
}

/// What is alive at the ends of each block.
pub(crate) struct Liveness {
    pub(crate) into: Vec<Set>,
    pub(crate) out_of: Vec<Set>,
    /// What each block writes.
    pub(crate) writes: Vec<Set>,
}

impl Liveness {
    pub(crate) fn of(
        code: &[Instruction],
        tables: &mut Tables,
        blocks: &[Block],
        numbering: &Numbering,
    ) -> Self {
        let total = numbering.total();
        // What each block reads before it writes, and what it writes.
        let mut reads = vec![Set::new(total); blocks.len()];
        let mut writes = vec![Set::new(total); blocks.len()];
        for (b, block) in blocks.iter().enumerate() {
            for instruction in &code[block.first as usize..block.limit() as usize] {
                touches(instruction, tables, numbering, |how, index| match how {
                    Touch::Read if !writes[b].contains(index) => reads[b].insert(index),
                    Touch::Write => writes[b].insert(index),
                    Touch::Read => {}
                });
            }
        }
        let mut live_in = reads;
        let mut live_out = vec![Set::new(total); blocks.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for (b, block) in blocks.iter().enumerate().rev() {
                for successor in block.successors(code, &tables.branch_lists) {
                    let from = live_in[successor as usize].clone();
                    changed |= live_out[b].extend(&from);
                }
                let mut through = live_out[b].clone();
                for (word, written) in through.0.iter_mut().zip(&writes[b].0) {
                    *word &= !written;
                }
                changed |= live_in[b].extend(&through);
            }
        }
        Liveness { into: live_in, out_of: live_out, writes }
    }
}
