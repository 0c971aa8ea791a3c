//! Registers that are read before anything wrote them.
//!
//! Few kernels have a register that some path reads before it writes it, and of those alone is kept which lanes have
//! written it. Such a register shares its slot with no other before that, since it is live from the start. Moves of it are
//! let pass: compilers move values that nobody will use.

use std::collections::HashMap;

use crate::{
    instruction::{Instruction, Place, Touch},
    isa::{Class, Code},
    program::Kernel,
    registers::{File, Slot},
};

/// Which of a kernel's instructions touch a register that may not be written yet.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// By instruction.
    touches: HashMap<u32, Touches>,
}

/// What an instruction reads, and what it writes.
type Touches = (Registers, Registers);
type Registers = Vec<(File, Slot)>;

impl Suspects {
    /// Those of a kernel.
    pub(super) fn of(kernel: &Kernel) -> Self {
        let suspects: Vec<(File, Slot)> =
            kernel.slots.uninitialised.iter().map(|Place { file, slot }| (*file, *slot)).collect();
        let mut touches = HashMap::new();
        if suspects.is_empty() {
            return Suspects { touches };
        }
        let mut tables = kernel.tables.clone();
        for (at, instruction) in kernel.code.iter().enumerate() {
            let (mut reads, mut writes) = (Vec::new(), Vec::new());
            let mut copy: Instruction = *instruction;
            copy.visit(&mut tables, &mut |touch, file, slot: &mut Slot| {
                if suspects.contains(&(file, *slot)) {
                    match touch {
                        Touch::Read => reads.push((file, *slot)),
                        Touch::Write => writes.push((file, *slot)),
                    }
                }
            });
            if matches!(instruction.code.class(), Class::Move) && instruction.code != Code::ReadSpecial {
                reads.clear();
            }
            if !(reads.is_empty() && writes.is_empty()) {
                touches.insert(at as u32, (reads, writes));
            }
        }
        Suspects { touches }
    }
}

/// The lanes of one warp that have written each suspect.
#[derive(Debug, Default)]
pub(super) struct Written(HashMap<(File, Slot), u32>);

impl Written {
    /// Sees an instruction of the lanes in `mask`; gives those that read what they have not written.
    pub(super) fn before(&mut self, suspects: &Suspects, at: u32, mask: u32) -> u32 {
        let Some((reads, writes)) = suspects.touches.get(&at) else { return 0 };
        let unwritten =
            reads.iter().fold(0, |lanes, place| lanes | !self.0.get(place).copied().unwrap_or_default());
        for place in writes {
            *self.0.entry(*place).or_default() |= mask;
        }
        unwritten & mask
    }

    /// A warp starts: nothing is written.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
