//! Machine code for loads whose lanes' addresses differ: one check a stream before anything of a group runs, and what moves
//! the words where the group wants them.

use super::{
    reach::{Stream, StreamPlan, Window},
    vector::{Strip, T0, T1},
    vex::{self, Assembler, Base, Constant, Operand, Register},
};
use crate::{
    instruction::{Access, Instruction, NO_SLOT, Space},
    registers::{File, LANES, Slot},
};

/// Elements of 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eight {
    /// One for a wide register.
    Wide,
    Words,
    /// Four of 16 bits.
    Halves,
}

/// Which elements of 8 bytes a load loads, if it does.
pub(super) fn eight(access: &Access) -> Option<Eight> {
    let is_in = |file: File| {
        let places = &access.places[..usize::from(access.count)];
        places.iter().all(|place| place.file == file && place.slot != NO_SLOT)
    };
    match (access.width, access.count) {
        (8, 1) if is_in(File::Wide) => Some(Eight::Wide),
        (4, 2) if access.is_words => Some(Eight::Words),
        (2, 4) if is_in(File::Narrow) && !access.signed => Some(Eight::Halves),
        _ => None,
    }
}

/// Whether a load can be one of a stream: words, or elements of two or four, at offsets that are multiples of their size.
pub(super) fn is_stream(instruction: &Instruction, access: &Access) -> bool {
    let size = i64::from(access.width) * i64::from(access.count);
    let is_known = access.is_words && matches!(access.count, 1 | 4) || eight(access).is_some();
    instruction.guard.is_none()
        && is_known
        && matches!(access.space, Space::Global | Space::Shared)
        && i32::try_from(access.offset as i64).is_ok_and(|offset| i64::from(offset) % size == 0)
}

/// Where a stream's fields begin, from `rbx`.
fn base(index: usize) -> i32 {
    index as i32 * Stream::SIZE
}

/// `opcode [rbx + field]`, or another instruction whose memory operand comes last.
fn with_field(assembler: &mut Assembler, opcode: &[u8], index: usize, field: i32) {
    assembler.raw(opcode);
    assembler.raw(&(base(index) + field).to_le_bytes());
}

/// `mov rax, lane 0's address`
fn load_address(assembler: &mut Assembler, plan: &StreamPlan) {
    let slot = i32::from(plan.address);
    if plan.wide {
        assembler.general(&[0x48, 0x8B], 0, Base::Wide, slot * 256);
    } else {
        assembler.general(&[0x8B], 0, Base::Narrow, slot * 128);
    }
}

/// Assembles the check that a stream's lanes are those of last time, and lie to each other as they did. Gives the jumps that
/// are taken where it fails.
pub(super) fn check_distances(assembler: &mut Assembler, plan: &StreamPlan, index: usize) -> Vec<usize> {
    let slot = i32::from(plan.address);
    let field = |field: i32, part: i32| Operand::Memory(Base::Streams, base(index) + field + 32 * part);
    let (lanes, parts, add, broadcast, start, distances, chosen) = if plan.wide {
        let fields = (Stream::DISTANCES, Stream::CHOSEN);
        (Base::Wide, 8, vex::PADDQ, vex::PBROADCASTQ, slot * 256, fields.0, fields.1)
    } else {
        let fields = (Stream::OFFSETS, Stream::CHOSEN_WORDS);
        (Base::Narrow, 4, vex::PADDD, vex::PBROADCASTD, slot * 128, fields.0, fields.1)
    };
    assembler.raw(&[0x8B, 0x45, 32]); // mov eax, [rbp + mask]
    with_field(assembler, &[0x3B, 0x83], index, Stream::MASK); // cmp eax, [mask]
    let others = assembler.jump_if(0x5); // jne
    // Each lane against lane 0 plus its distance; what differs gathers in two registers.
    assembler.emit(broadcast, T0, 0, Operand::Memory(lanes, start));
    for part in 0..parts {
        let (sum, differs) = (2 + (part % 2) as u8, (part % 2) as u8);
        let target = if part < 2 { differs } else { sum };
        assembler.emit(add, target, T0, field(distances, part));
        assembler.emit(vex::PXOR, target, target, Operand::Memory(lanes, start + 32 * part));
        assembler.emit(vex::PAND, target, target, field(chosen, part));
        if target == sum {
            assembler.emit(vex::POR, differs, differs, sum);
        }
    }
    assembler.emit(vex::POR, 0, 0, 1);
    assembler.emit(vex::PTEST, 0, 0, 0);
    vec![others, assembler.jump_if(0x5)] // jnz
}

/// Assembles the check that a stream reads inside, and sets its cursor. Gives the jumps that are taken where it fails.
pub(super) fn check_window(assembler: &mut Assembler, plan: &StreamPlan, index: usize) -> Vec<usize> {
    load_address(assembler, plan);
    assembler.raw(&[0x48, 0x89, 0xC1]); // mov rcx, rax
    with_field(assembler, &[0x48, 0x2B, 0x8B], index, Stream::WINDOW + Window::FIRST); // sub rcx, [first]
    with_field(assembler, &[0x48, 0x3B, 0x8B], index, Stream::WINDOW + Window::COUNT); // cmp rcx, [count]
    let outside = assembler.jump_if(0x3); // jae
    assembler.raw(&[0xA8, plan.alignment() as u8 - 1]); // test al, alignment - 1
    let misaligned = assembler.jump_if(0x5); // jnz
    match plan.space {
        Space::Shared => assembler.raw(&[0x48, 0x03, 0x45, 24]), // add rax, [rbp + shared]
        _ => assembler.raw(&[0x4C, 0x01, 0xC0]),                 // add rax, r8
    }
    with_field(assembler, &[0x48, 0x89, 0x83], index, Stream::CURSOR); // mov [cursor], rax
    vec![outside, misaligned]
}

/// Assembles what brings an address register up to date of which only lane 0 has moved.
pub(super) fn spread_address(assembler: &mut Assembler, plan: &StreamPlan, index: usize) {
    let slot = i32::from(plan.address);
    let (lanes, parts, add, broadcast, start, distances) = if plan.wide {
        (Base::Wide, 8, vex::PADDQ, vex::PBROADCASTQ, slot * 256, Stream::DISTANCES)
    } else {
        (Base::Narrow, 4, vex::PADDD, vex::PBROADCASTD, slot * 128, Stream::OFFSETS)
    };
    assembler.emit(broadcast, T0, 0, Operand::Memory(lanes, start));
    for part in 0..parts {
        let at = Operand::Memory(Base::Streams, base(index) + distances + 32 * part);
        assembler.emit(add, T1, T0, at);
        assembler.emit(vex::MOVUPS_STORE, T1, 0, Operand::Memory(lanes, start + 32 * part));
    }
}

/// Assembles the count of a pass of a stream.
pub(super) fn count(assembler: &mut Assembler, plan: &StreamPlan, index: usize) {
    load_address(assembler, plan);
    assembler.raw(&[0xC1, 0xE8, 2]); // shr eax, 2
    assembler.raw(&[0x83, 0xE0, 7]); // and eax, 7
    with_field(assembler, &[0x48, 0xFF, 0x84, 0xC3], index, Stream::PASSES); // inc qword [passes + 8 rax]
}

/// Four words a lane that are moved as one.
pub(super) struct Quad {
    /// Instructions that load them.
    pub(super) instructions: usize,
    pub(super) slots: [Slot; 4],
    pub(super) offset: i32,
}

/// Whether the first of some loads that stand in a row is one of four words, or four are neighbours.
pub(super) fn quad<'a>(run: &[u32], access: impl Fn(&u32) -> &'a Access) -> Option<Quad> {
    let first = access(run.first()?);
    if first.count == 4 && first.is_words {
        let slots = first.places.map(|place| place.slot);
        return Some(Quad { instructions: 1, slots, offset: first.offset as i32 });
    }
    let group = run.get(..4).filter(|_| first.neighbours == 4)?;
    let lowest = group.iter().map(|at| access(at).offset as i64).min()?;
    let mut slots = [None; 4];
    for at in group {
        let further = (access(at).offset as i64 - lowest) / 4;
        *slots.get_mut(usize::try_from(further).ok()?)? = Some(access(at).places[0].slot);
    }
    let [Some(a), Some(b), Some(c), Some(d)] = slots else { return None };
    Some(Quad { instructions: 4, slots: [a, b, c, d], offset: lowest as i32 })
}

impl Strip<'_> {
    /// `mov r8, [cursor]`
    fn load_cursor(&mut self, stream: usize) {
        with_field(self.assembler, &[0x4C, 0x8B, 0x83], stream, Stream::CURSOR);
    }

    /// Loads a word a lane: a row as it is, any others one by one.
    pub(super) fn load_word(&mut self, stream: usize, slot: Slot, offset: i32) {
        let part = self.word(slot);
        let target = self.values.target(self.assembler);
        self.load_cursor(stream);
        let first = 32 * i32::from(self.index);
        let assembler = &mut *self.assembler;
        with_field(assembler, &[0x80, 0xBB], stream, Stream::ROW); // cmp byte [row], 1
        assembler.raw(&[1]);
        let scattered = assembler.jump_if(0x5); // jne
        assembler.emit(vex::MOVUPS_LOAD, target, 0, Operand::Memory(Base::CursorStrip, offset + first));
        let done = assembler.jump();
        assembler.land(scattered);
        let offsets = Operand::Memory(Base::StreamStrip, base(stream) + Stream::OFFSETS + first);
        assembler.emit(vex::MOVUPS_LOAD, T1, 0, offsets);
        assembler.emit(vex::PCMPEQD, T0, T0, T0);
        assembler.gather(vex::GATHERDPS, target, T0, T1, offset);
        assembler.land(done);
        self.values.define(target, part, false);
    }

    /// Loads 8 bytes a lane: a row as it is, any others one by one.
    pub(super) fn load_eight(&mut self, stream: usize, eight: Eight, access: &Access) {
        let offset = access.offset as i32;
        let parts = match eight {
            Eight::Wide => [0, 1].map(|half| self.quads(access.places[0].slot, half)).to_vec(),
            _ => {
                access.places[..usize::from(access.count)].iter().map(|place| self.word(place.slot)).collect()
            }
        };
        let mut targets = [0; 4];
        for (target, part) in targets.iter_mut().zip(parts) {
            *target = self.values.target(self.assembler);
            self.values.define(*target, part, false);
        }
        let [a, b, c, d] = targets;
        self.load_cursor(stream);
        let strip = i32::from(self.index);
        let assembler = &mut *self.assembler;
        with_field(assembler, &[0x80, 0xBB], stream, Stream::ROW); // cmp byte [row], 2
        assembler.raw(&[2]);
        let scattered = assembler.jump_if(0x5); // jne
        for (half, target) in [(0, T0), (32, T1)] {
            let at = Operand::Memory(Base::CursorPairs, offset + 64 * strip + half);
            assembler.emit(vex::MOVUPS_LOAD, target, 0, at);
        }
        let done = assembler.jump();
        assembler.land(scattered);
        for (half, target) in [(0, T0), (16, T1)] {
            let offsets = base(stream) + Stream::OFFSETS + 32 * strip + half;
            assembler.emit_half(vex::MOVUPS_LOAD, a, 0, Operand::Memory(Base::StreamStrip, offsets));
            assembler.emit(vex::PCMPEQD, b, b, b);
            assembler.gather(vex::GATHERDQ, target, b, a, offset);
        }
        assembler.land(done);
        // The first words of eight elements, or the second.
        let words = |assembler: &mut Assembler, target: Register, which: u8| {
            assembler.emit_with(vex::SHUFPS, target, T0, T1, which);
            assembler.emit_with(vex::PERMQ, target, 0, target, 0xD8);
        };
        match eight {
            Eight::Wide => {
                assembler.emit(vex::MOVAPS, a, 0, T0);
                assembler.emit(vex::MOVAPS, b, 0, T1);
            }
            Eight::Words => {
                words(assembler, a, 0x88);
                words(assembler, b, 0xDD);
            }
            Eight::Halves => {
                for (low, high, which) in [(a, b, 0x88), (c, d, 0xDD)] {
                    words(assembler, high, which);
                    assembler.emit(vex::PAND, low, high, Constant::LowHalf);
                    assembler.emit_with(vex::SHIFT_WORDS_BY, vex::RIGHT, high, high, 16);
                }
            }
        }
    }

    /// Loads four words a lane, which become a register each.
    pub(super) fn load_quad(&mut self, stream: usize, slots: [Slot; 4], offset: i32) {
        // Which register ends up with which word.
        let [a, b, c, d] = [2, 0, 3, 1].map(|word: usize| {
            let part = self.word(slots[word]);
            let target = self.values.target(self.assembler);
            self.values.define(target, part, false);
            target
        });
        self.load_cursor(stream);
        let first = 32 * i32::from(self.index);
        let assembler = &mut *self.assembler;
        for (lane, target) in (0i32..).zip([a, b, c, d, a, b, c, d]) {
            let word = Stream::OFFSETS + 4 * lane + first;
            with_field(assembler, &[0x48, 0x63, 0x84, 0x0B], stream, word); // movsxd rax, [rbx + rcx + word]
            let element = Operand::Memory(Base::CursorLane, offset);
            if lane < LANES as i32 / 8 {
                assembler.emit_half(vex::MOVUPS_LOAD, target, 0, element);
            } else {
                assembler.emit_with(vex::INSERTF128, target, target, element, 1);
            }
        }
        // Lane i is in the low half of one, lane i + 4 in its high half: four by four words are transposed in each.
        assembler.emit(vex::UNPCKLPS, T0, a, b);
        assembler.emit(vex::UNPCKHPS, a, a, b);
        assembler.emit(vex::UNPCKLPS, T1, c, d);
        assembler.emit(vex::UNPCKHPS, c, c, d);
        assembler.emit(vex::UNPCKLPD, b, T0, T1);
        assembler.emit(vex::UNPCKHPD, d, T0, T1);
        assembler.emit(vex::UNPCKLPD, T0, a, c);
        assembler.emit(vex::UNPCKHPD, c, a, c);
        assembler.emit(vex::MOVAPS, a, 0, T0);
    }
}
