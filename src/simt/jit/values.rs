//! Which vector register holds which part of which PTX register while a strip of lanes is assembled.
//!
//! A piece is straight code, so the best choice is known: the value that is read again latest gives way. What a piece
//! has written goes back to the register file once, when it gives way or at the end, and not at all if nobody reads it.

use super::vex::{
    Assembler, BLENDVPS, Base, CMPPS, Constant, MOVUPS_LOAD, MOVUPS_STORE, Operand, PBROADCASTD, PBROADCASTQ,
    Register, UNORDERED,
};
use crate::registers::{File, Slot};

/// Eight lanes of a narrow register, or four of a wide one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) file: File,
    pub(super) slot: Slot,
    /// Which four of the eight lanes of a wide register.
    pub(super) half: u8,
    /// Only lane 0 of the register file has the value, which all lanes share.
    pub(super) uniform: bool,
    /// Which eight of the 32 lanes, where strips are not a loop.
    pub(super) strip: u8,
}

impl Part {
    /// Where the part lives in the register file, from the strip's first lane.
    pub(super) fn home(self) -> Operand {
        let (slot, strip) = (i32::from(self.slot), i32::from(self.strip));
        match self.file {
            File::Wide => Operand::Memory(Base::Wide, slot * 256 + strip * 64 + i32::from(self.half) * 32),
            _ => Operand::Memory(Base::Narrow, slot * 128 + strip * 32),
        }
    }
}

/// How a piece touches a part, in the order of the piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touched {
    pub(super) at: usize,
    pub(super) part: Part,
    pub(super) writes: bool,
}

/// What a vector register holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    part: Part,
    /// The register file does not have it yet.
    dirty: bool,
    /// A float whose NaNs are not the one NaN that results have.
    raw: bool,
    /// The instruction at hand needs it.
    pinned: bool,
    /// What a round started with: it stays where it is until it is overwritten.
    carried: bool,
}

/// A part that stays in a register from one round of a loop to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) part: Part,
    pub(super) register: Register,
    /// Whether its NaNs may wait there, too.
    pub(super) raw: bool,
}

impl Carried {
    /// Takes it from the register file.
    pub(super) fn fetch(self, assembler: &mut Assembler) {
        assembler.emit(MOVUPS_LOAD, self.register, 0, self.part.home());
    }

    /// Brings the register file up to date.
    pub(super) fn put_back(self, assembler: &mut Assembler) {
        if self.raw {
            canonicalise(assembler, self.register);
        }
        assembler.emit(MOVUPS_STORE, self.register, 0, self.part.home());
    }
}

/// Replaces NaNs by the one that results have.
fn canonicalise(assembler: &mut Assembler, value: Register) {
    let mask = TEMPORARIES[1];
    assembler.emit_with(CMPPS, mask, value, value, UNORDERED);
    assembler.emit_with(BLENDVPS, value, value, Constant::Nan, mask << 4);
}

/// Vector registers that values may have; the two above are for what an instruction needs in between.
const COUNT: usize = 14;
pub(super) const TEMPORARIES: [Register; 2] = [14, 15];

/// The vector registers of a strip.
pub(super) struct Values<'a> {
    held: [Option<Held>; COUNT],
    touched: &'a [Touched],
    /// Where the touches of later instructions begin.
    later: usize,
    /// Whether anyone reads a part after the piece.
    outlives: &'a dyn Fn(Part) -> bool,
    /// A part whose register no result may take.
    kept: Option<Part>,
    /// Parts whose NaNs could not wait from one round to the next.
    settled: Vec<Part>,
}

impl<'a> Values<'a> {
    pub(super) fn new(touched: &'a [Touched], outlives: &'a dyn Fn(Part) -> bool) -> Self {
        Values { held: [None; COUNT], touched, later: 0, outlives, kept: None, settled: Vec::new() }
    }

    /// Starts a round with what the last one left.
    pub(super) fn carry(&mut self, carried: &[Carried]) {
        for Carried { part, register, raw } in carried.iter().copied() {
            let held = Held { part, dirty: true, raw, pinned: false, carried: true };
            self.held[usize::from(register)] = Some(held);
        }
    }

    /// Ends a round: brings the register file up to date but for what is carried, and that to where it was. Gives the
    /// parts of the round's start whose NaNs had to be settled, which is wrong in a first round: values may come from
    /// memory then.
    pub(super) fn end_round(mut self, assembler: &mut Assembler, carried: &[Carried]) -> Vec<Part> {
        self.later = self.touched.len();
        let mut moved = Vec::new();
        for one in carried {
            match self.held[usize::from(one.register)] {
                Some(held) if held.part == one.part => {
                    if !one.raw {
                        self.settle(assembler, usize::from(one.register));
                    }
                    self.held[usize::from(one.register)] = None;
                }
                _ => moved.push(*one),
            }
        }
        let settled = std::mem::take(&mut self.settled);
        self.flush(assembler);
        moved.into_iter().for_each(|one| one.fetch(assembler));
        settled
    }

    /// Goes on to an instruction. Its sources that are in registers stay there.
    pub(super) fn advance(&mut self, at: usize) {
        let first = self.later;
        while self.touched.get(self.later).is_some_and(|touched| touched.at <= at) {
            self.later += 1;
        }
        let sources = &self.touched[first..self.later];
        for held in self.held.iter_mut().flatten() {
            held.pinned = sources.iter().any(|touched| !touched.writes && touched.part == held.part);
        }
    }

    /// Has the register of a part be left to it by the instruction at hand, even by a result that replaces the part.
    pub(super) fn keep(&mut self, part: Option<Part>) {
        self.kept = part;
    }

    fn find(&self, part: Part) -> Option<usize> {
        self.held.iter().position(|held| held.is_some_and(|held| held.part == part))
    }

    /// When a part is read next in the piece, and whether the register file must have it in the end.
    fn future(&self, part: Part) -> (Option<usize>, bool) {
        match self.touched[self.later..].iter().find(|touched| touched.part == part) {
            Some(touched) if touched.writes => (None, false),
            Some(touched) => (Some(touched.at), true),
            None => (None, (self.outlives)(part)),
        }
    }

    /// A source in a register. A `raw` NaN is good enough where only its being one matters.
    pub(super) fn source(&mut self, assembler: &mut Assembler, part: Part, raw: bool) -> Register {
        let register = self.find(part).unwrap_or_else(|| {
            let register = self.make_room(assembler);
            let (slot, target) = (i32::from(part.slot), register as Register);
            match (part.uniform, part.file) {
                (false, _) => assembler.emit(MOVUPS_LOAD, target, 0, part.home()),
                (true, File::Wide) => {
                    assembler.emit(PBROADCASTQ, target, 0, Operand::Memory(Base::WideStart, slot * 256));
                }
                (true, _) => {
                    assembler.emit(PBROADCASTD, target, 0, Operand::Memory(Base::NarrowStart, slot * 128));
                }
            }
            self.held[register] = Some(Held { part, dirty: false, raw: false, pinned: true, carried: false });
            register
        });
        if let Some(held) = &mut self.held[register] {
            held.pinned = true;
        }
        if !raw {
            self.settle(assembler, register);
        }
        register as Register
    }

    /// A source wherever it is: in a register if it is in one or is read again, else where the register file has it.
    pub(super) fn operand(&mut self, assembler: &mut Assembler, part: Part, raw: bool) -> Operand {
        if !part.uniform && self.find(part).is_none() && self.future(part).0.is_none() {
            return part.home();
        }
        Operand::Register(self.source(assembler, part, raw))
    }

    /// The register of a source that the instruction at hand, which writes `target`, may overwrite: nobody reads it
    /// again, and the register file has it or need not.
    pub(super) fn reusable(&self, source: Part, target: Part) -> Option<Register> {
        let register = self.find(source)?;
        let held = self.held[register]?;
        let (read, needed) = self.future(source);
        let free = source == target || read.is_none() && (!needed || !held.dirty);
        let free = free && self.kept != Some(source);
        free.then_some(register as Register)
    }

    /// A register for a result, other than those of sources.
    pub(super) fn target(&mut self, assembler: &mut Assembler) -> Register {
        let register = self.make_room(assembler);
        register as Register
    }

    /// Says that a register now holds a result.
    pub(super) fn define(&mut self, register: Register, part: Part, raw: bool) {
        if let Some(old) = self.find(part) {
            self.held[old] = None;
        }
        self.held[usize::from(register)] =
            Some(Held { part, dirty: true, raw, pinned: true, carried: false });
    }

    /// Frees a register.
    fn make_room(&mut self, assembler: &mut Assembler) -> usize {
        if let Some(free) = self.held.iter().position(Option::is_none) {
            return free;
        }
        let mut best = (0, 0);
        for (register, held) in self.held.iter().enumerate() {
            let Some(held) = held.filter(|held| !held.pinned && !held.carried) else { continue };
            // The later it is read the better; what need not be stored is better still.
            let distance = match self.future(held.part) {
                (Some(at), _) => 2 * at + 1,
                (None, needed) if needed && held.dirty => usize::MAX - 1,
                (None, _) => usize::MAX,
            };
            if distance > best.0 {
                best = (distance, register);
            }
        }
        self.write_back(assembler, best.1);
        self.held[best.1] = None;
        best.1
    }

    /// Brings the register file up to date with a register, where someone will look.
    fn write_back(&mut self, assembler: &mut Assembler, register: usize) {
        let Some(held) = self.held[register] else { return };
        let (_, needed) = self.future(held.part);
        if !held.dirty || !needed {
            return;
        }
        self.settle(assembler, register);
        assembler.emit(MOVUPS_STORE, register as Register, 0, held.part.home());
        if let Some(held) = &mut self.held[register] {
            held.dirty = false;
        }
    }

    /// Replaces NaNs by the one that results have.
    fn settle(&mut self, assembler: &mut Assembler, register: usize) {
        if let Some(held) = &mut self.held[register]
            && std::mem::take(&mut held.raw)
        {
            if held.carried {
                self.settled.push(held.part);
            }
            canonicalise(assembler, register as Register);
        }
    }

    /// Brings the whole register file up to date.
    pub(super) fn flush(&mut self, assembler: &mut Assembler) {
        self.later = self.touched.len();
        for register in 0..COUNT {
            self.write_back(assembler, register);
        }
    }
}
