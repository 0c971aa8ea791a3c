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
    liveness::{Liveness, Numbering, Set, touches},
    registers::{File, Slot},
    uniform::{self, Uniformity},
};

/// What allocation found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// Slots of the narrow, wide and predicate files.
    pub(crate) counts: [usize; 3],
    /// How many of each file would do.
    pub(crate) needed: [usize; 3],
    /// Registers of the kernel that may be read before they are written: a warp starts with zeros there.
    pub(crate) uninitialised: Vec<Place>,
    /// By function: the same, and the slots that are its own in each file.
    pub(crate) functions: Vec<FunctionSlots>,
    /// What the slots of each file are for: registers that differ in this never share one.
    uniformity: [Vec<Uniformity>; 3],
}

/// See [`Slots::functions`]. Functions share no slots, so that a call saves none unless it recurses.
#[derive(Debug, Clone, Default)]
pub(crate) struct FunctionSlots {
    pub(crate) uninitialised: Vec<Place>,
    pub(crate) own: [Range<usize>; 3],
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

    let live = Liveness::of(code, tables, blocks, &numbering);
    let uniformity = uniform::analyse(code, tables, blocks, &numbering, &live);
    let (live_in, live_out) = (live.into, live.out_of);

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
        slot_of[index] = slots.add(numbering.file(index), Uniformity::Constant);
    }
    let mut order: Vec<usize> =
        (0..total).filter(|i| intervals[*i].is_some() && !pinned.contains(*i)).collect();
    order.sort_by_key(|i| intervals[*i]);
    let mut starts = entries.iter().map(|entry| 2 * blocks[*entry as usize].first).peekable();
    let mut free: [[Free; Uniformity::COUNT]; 3] = Default::default();
    let mut active: std::collections::BinaryHeap<std::cmp::Reverse<(u32, usize)>> = Default::default();
    for index in order {
        let Some((start, end)) = intervals[index] else { continue };
        while starts.next_if(|first| *first <= start).is_some() {
            slots.begin_function();
            slots.need(&std::mem::take(&mut free));
            active.clear();
        }
        while let Some(std::cmp::Reverse((over, old))) = active.peek().copied()
            && over < start
        {
            active.pop();
            free[numbering.file(old) as usize][uniformity[old] as usize].give_back(slot_of[old], over);
        }
        let (file, kind) = (numbering.file(index), uniformity[index]);
        let block = blocks.partition_point(|block| 2 * block.first <= start);
        let since = blocks.get(block.saturating_sub(1)).map_or(0, |block| 2 * block.first);
        let keeps = file != File::Predicate && matches!(kind, Uniformity::InRows | Uniformity::Always);
        let unused = free[file as usize][kind as usize].take(if keeps { since } else { u32::MAX });
        slot_of[index] = unused.unwrap_or_else(|| slots.add(file, kind));
        active.push(std::cmp::Reverse((end, index)));
    }

    starts.for_each(|_| slots.begin_function());
    slots.end_function();
    slots.need(&free);
    let constants = pinned.members();
    constants.for_each(|index| slots.needed[numbering.file(index) as usize] += 1);
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

/// Slots of one kind that no register has at the moment.
#[derive(Debug, Default)]
struct Free {
    /// Each with when it was given back.
    slots: Vec<(Slot, u32)>,
    /// Slots in use, and the most there were.
    used: usize,
    most: usize,
}

/// Most slots of a kind that rest at a time.
const RESTING: usize = 256;

impl Free {
    /// A slot that was given back before `since`. Compiled code does what is uniform in a block ahead of the rest, which must
    /// find it where it was: so such a slot rests until the block is over, unless very many do.
    fn take(&mut self, since: u32) -> Option<Slot> {
        self.used += 1;
        self.most = self.most.max(self.used);
        let rested = self.slots.iter().rposition(|(_, over)| *over < since);
        let oldest = || (self.slots.len() > RESTING).then_some(0);
        let at = rested.or_else(oldest)?;
        Some(self.slots.remove(at).0)
    }

    fn give_back(&mut self, slot: Slot, at: u32) {
        self.used -= 1;
        self.slots.push((slot, at));
    }
}

impl Slots {
    /// Adds what the kinds of a function need.
    fn need(&mut self, free: &[[Free; Uniformity::COUNT]; 3]) {
        for (needed, kinds) in self.needed.iter_mut().zip(free) {
            *needed += kinds.iter().map(|kind| kind.most).sum::<usize>();
        }
    }

    /// Whether the registers in a slot have one value for all lanes.
    pub(crate) fn uniformity(&self, file: File, slot: Slot) -> Uniformity {
        self.uniformity[file as usize].get(usize::from(slot)).copied().unwrap_or(Uniformity::Never)
    }

    /// A slot that no other one is like.
    fn add(&mut self, file: File, uniformity: Uniformity) -> Slot {
        let count = &mut self.counts[file as usize];
        *count += 1;
        self.uniformity[file as usize].push(uniformity);
        (*count - 1) as Slot
    }

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
