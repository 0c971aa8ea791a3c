//! Gives registers slots in the files by liveness, so that a warp's registers stay in the first-level cache: compilers
//! write a new register for every value.
//!
//! Linear scan over live intervals in code order. A write under a guard or a mask keeps what other lanes hold, so it
//! does not end the value before it where a guard is concerned; lanes of diverged paths never touch each other's
//! lanes of a slot, so per-thread liveness is enough.

use std::ops::Range;

use crate::{
    cfg::{Block, BlockId},
    instruction::{Instruction, Place, Tables, Touch},
    registers::{File, Slot},
};

/// What allocation found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// Slots of the narrow, wide and predicate files.
    pub(crate) counts: [usize; 3],
    /// Registers of the kernel that may be read before they are written: a warp starts with zeros there.
    pub(crate) uninitialised: Vec<Place>,
    /// By function: the same, and the slots that are its own in each file.
    pub(crate) functions: Vec<FunctionSlots>,
}

/// See [`Slots::functions`]. Functions share no slots, so that a call saves none unless it recurses.
#[derive(Debug, Clone, Default)]
pub(crate) struct FunctionSlots {
    pub(crate) uninitialised: Vec<Place>,
    pub(crate) own: [Range<usize>; 3],
}

/// Registers of the three files numbered through.
struct Numbering([usize; 3]);

impl Numbering {
    fn index(&self, file: File, slot: Slot) -> usize {
        let before: usize = self.0[..file as usize].iter().sum();
        before + usize::from(slot)
    }

    fn total(&self) -> usize {
        self.0.iter().sum()
    }

    fn file(&self, index: usize) -> File {
        if index < self.0[0] {
            File::Narrow
        } else if index < self.0[0] + self.0[1] {
            File::Wide
        } else {
            File::Predicate
        }
    }
}

/// A set of registers.
#[derive(Clone, PartialEq, Eq)]
struct Set(Vec<u64>);

impl Set {
    fn new(size: usize) -> Self {
        Set(vec![0; size.div_ceil(64)])
    }

    fn insert(&mut self, i: usize) {
        self.0[i / 64] |= 1 << (i % 64);
    }

    fn contains(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 != 0
    }

    /// Adds the members of another set and says whether there were new ones.
    fn extend(&mut self, other: &Set) -> bool {
        let mut grown = false;
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            grown |= *more & !*word != 0;
            *word |= more;
        }
        grown
    }

    fn members(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(w, word)| {
            (0..64).filter(move |bit| word >> bit & 1 != 0).map(move |bit| w * 64 + bit)
        })
    }
}

/// Lists what an instruction reads and writes. A guarded write also reads: lanes it leaves out keep their value.
fn touches(
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

/// Rewrites the registers of `code` and `tables` as slots. `entries` are the first blocks of functions, in order.
pub(crate) fn allocate(
    code: &mut [Instruction],
    tables: &mut Tables,
    blocks: &[Block],
    entries: &[BlockId],
    registers: [usize; 3],
) -> Slots {
    let numbering = Numbering(registers);
    let total = numbering.total();

    // What each block reads before it writes, and what it writes.
    let mut reads = vec![Set::new(total); blocks.len()];
    let mut writes = vec![Set::new(total); blocks.len()];
    for (b, block) in blocks.iter().enumerate() {
        for instruction in &code[block.first as usize..block.limit() as usize] {
            touches(instruction, tables, &numbering, |how, index| match how {
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

    // Constants are written before the code and must never be overwritten.
    let mut pinned = Set::new(total);
    for (place, _) in &tables.constants {
        pinned.insert(numbering.index(place.file, place.slot));
    }

    // Intervals in half-steps: an instruction reads at 2i and writes at 2i + 1.
    let mut intervals: Vec<Option<(u32, u32)>> = vec![None; total];
    let mut grow = |index: usize, at: u32| {
        let (start, end) = intervals[index].get_or_insert((at, at));
        *start = (*start).min(at);
        *end = (*end).max(at);
    };
    for (b, block) in blocks.iter().enumerate() {
        live_in[b].members().for_each(|index| grow(index, 2 * block.first));
        live_out[b].members().for_each(|index| grow(index, 2 * block.limit() - 1));
        for i in block.first..block.limit() {
            touches(&code[i as usize], tables, &numbering, |how, index| {
                grow(index, 2 * i + u32::from(how == Touch::Write));
            });
        }
    }

    let mut slots = Slots::default();
    let mut slot_of = vec![0 as Slot; total];
    for index in pinned.members() {
        let count = &mut slots.counts[numbering.file(index) as usize];
        slot_of[index] = *count as Slot;
        *count += 1;
    }
    let mut order: Vec<usize> =
        (0..total).filter(|i| intervals[*i].is_some() && !pinned.contains(*i)).collect();
    order.sort_by_key(|i| intervals[*i]);
    let mut starts = entries.iter().map(|entry| 2 * blocks[*entry as usize].first).peekable();
    let mut free: [Vec<Slot>; 3] = Default::default();
    let mut active: std::collections::BinaryHeap<std::cmp::Reverse<(u32, usize)>> = Default::default();
    for index in order {
        let Some((start, end)) = intervals[index] else { continue };
        while starts.next_if(|first| *first <= start).is_some() {
            slots.begin_function();
            free = Default::default();
            active.clear();
        }
        while let Some(std::cmp::Reverse((over, old))) = active.peek().copied()
            && over < start
        {
            active.pop();
            free[numbering.file(old) as usize].push(slot_of[old]);
        }
        let file = numbering.file(index) as usize;
        slot_of[index] = free[file].pop().unwrap_or_else(|| {
            slots.counts[file] += 1;
            (slots.counts[file] - 1) as Slot
        });
        active.push(std::cmp::Reverse((end, index)));
    }

    starts.for_each(|_| slots.begin_function());
    slots.end_function();
    let read_first = |entry: BlockId| -> Vec<Place> {
        let Some(read) = live_in.get(entry as usize) else { return Vec::new() };
        let registers = read.members().filter(|index| !pinned.contains(*index));
        registers.map(|index| Place { file: numbering.file(index), slot: slot_of[index] }).collect()
    };
    slots.uninitialised = read_first(0);
    for (function, entry) in slots.functions.iter_mut().zip(entries) {
        function.uninitialised = read_first(*entry);
    }
    for instruction in code {
        instruction.visit(tables, &mut |_, file, slot| {
            *slot = slot_of[numbering.index(file, *slot)];
        });
    }
    for (place, _) in &mut tables.constants {
        place.slot = slot_of[numbering.index(place.file, place.slot)];
    }
    for pointer in &mut tables.frame_pointers {
        pointer.slot = slot_of[numbering.index(File::Wide, pointer.slot)];
    }
    slots
}

impl Slots {
    /// From here on slots belong to the next function.
    fn begin_function(&mut self) {
        self.end_function();
        let own = self.counts.map(|count| count..count);
        self.functions.push(FunctionSlots { own, ..FunctionSlots::default() });
    }

    fn end_function(&mut self) {
        if let Some(function) = self.functions.last_mut() {
            for (own, count) in function.own.iter_mut().zip(self.counts) {
                own.end = count;
            }
        }
    }
}
