//! Machine code for instructions whose lanes differ: a strip of eight lanes at a time, in vector registers.
//!
//! Results are those of the op table, bit for bit. Only NaNs wait: an operation that gives NaN for any NaN takes those of
//! another as they come, and they become the one NaN of results when they leave the vector registers.

use super::{
    values::{Part, TEMPORARIES, Values},
    vex::{self, Assembler, Base, Constant, Opcode, Operand, Register},
};
use crate::{
    instruction::Instruction,
    isa::Code,
    registers::{File, Slot},
};

/// How an operation is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Copy,
    CopyWide,
    /// One instruction on words.
    Words(Opcode),
    /// One instruction on floats.
    Floats(Opcode),
    /// One instruction on one float.
    Float(Opcode),
    /// The reciprocal.
    Reciprocal,
    /// A bit operation with a constant.
    FloatBits(Opcode, Constant),
    Fma,
    MultiplyAdd,
    Least,
    Greatest,
    ToFloat,
    FromHalf,
    ToHalf,
    /// One instruction on 64-bit lanes.
    Quads(Opcode),
    ShiftQuads(Opcode),
    MultiplyQuads,
    MultiplyAddQuads,
    /// 32 by 32 bits to 64, with an addition or without.
    MultiplyWide {
        widening: Opcode,
        adds: bool,
    },
    Widen(Opcode),
    Truncate,
    Select,
    SelectWide,
    Compare(Comparison),
    /// A predicate from one or two others.
    Predicates(Logic),
    /// A load of a stream, which `loads` assembles.
    Load,
}

/// What is made of predicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    Copy,
    Not,
    /// The byte of an instruction on `al` and memory.
    With(u8),
}

/// A comparison, by what it is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Floats(u8),
    Equal {
        wide: bool,
        negated: bool,
    },
    /// `a < b`, or `a <= b`.
    Less {
        wide: bool,
        signed: bool,
        or_equal: bool,
    },
}

/// How an operation is made up, if it can be.
pub(super) fn form(instruction: &Instruction) -> Option<Form> {
    if instruction.m != 0 {
        return None;
    }
    let less = |wide, signed, or_equal| Form::Compare(Comparison::Less { wide, signed, or_equal });
    let equal = |wide, negated| Form::Compare(Comparison::Equal { wide, negated });
    let floats = |predicate| Form::Compare(Comparison::Floats(predicate));
    let form = match instruction.code {
        Code::MovB32 => Form::Copy,
        Code::MovB64 => Form::CopyWide,
        Code::AddI32 => Form::Words(vex::PADDD),
        Code::SubI32 => Form::Words(vex::PSUBD),
        Code::MulLoI32 => Form::Words(vex::PMULLD),
        Code::AndB32 => Form::Words(vex::PAND),
        Code::OrB32 => Form::Words(vex::POR),
        Code::XorB32 => Form::Words(vex::PXOR),
        Code::MinU32 => Form::Words(vex::PMINUD),
        Code::MaxU32 => Form::Words(vex::PMAXUD),
        Code::MinS32 => Form::Words(vex::PMINSD),
        Code::MaxS32 => Form::Words(vex::PMAXSD),
        // Counts beyond 31 shift everything out, as PTX wants.
        Code::ShlB32 => Form::Words(vex::PSLLVD),
        Code::ShrU32 => Form::Words(vex::PSRLVD),
        Code::ShrS32 => Form::Words(vex::PSRAVD),
        Code::MadLoI32 => Form::MultiplyAdd,
        Code::AddF32 => Form::Floats(vex::ADDPS),
        Code::SubF32 => Form::Floats(vex::SUBPS),
        Code::MulF32 => Form::Floats(vex::MULPS),
        Code::DivF32 => Form::Floats(vex::DIVPS),
        Code::SqrtF32 => Form::Float(vex::SQRTPS),
        Code::RcpF32 => Form::Reciprocal,
        Code::NegF32 => Form::FloatBits(vex::XORPS, Constant::Sign),
        Code::AbsF32 => Form::FloatBits(vex::ANDPS, Constant::Nan),
        Code::FmaF32 => Form::Fma,
        Code::MinF32 => Form::Least,
        Code::MaxF32 => Form::Greatest,
        Code::CvtF32S32 => Form::ToFloat,
        Code::CvtF32F16 => Form::FromHalf,
        Code::CvtF16F32 => Form::ToHalf,
        // Registers of 16 bits are kept zero-extended.
        Code::CvtU32U16 => Form::Copy,
        Code::AddI64 => Form::Quads(vex::PADDQ),
        Code::SubI64 => Form::Quads(vex::PSUBQ),
        Code::AndB64 => Form::Quads(vex::PAND),
        Code::OrB64 => Form::Quads(vex::POR),
        Code::XorB64 => Form::Quads(vex::PXOR),
        Code::ShlB64 => Form::ShiftQuads(vex::PSLLVQ),
        Code::ShrU64 => Form::ShiftQuads(vex::PSRLVQ),
        Code::MulLoI64 => Form::MultiplyQuads,
        Code::MadLoI64 => Form::MultiplyAddQuads,
        Code::MulWideU32 => Form::MultiplyWide { widening: vex::PMULUDQ, adds: false },
        Code::MulWideS32 => Form::MultiplyWide { widening: vex::PMULDQ, adds: false },
        Code::MadWideU32 => Form::MultiplyWide { widening: vex::PMULUDQ, adds: true },
        Code::MadWideS32 => Form::MultiplyWide { widening: vex::PMULDQ, adds: true },
        Code::CvtU64U32 => Form::Widen(vex::PMOVZXDQ),
        Code::CvtS64S32 => Form::Widen(vex::PMOVSXDQ),
        Code::CvtU32U64 => Form::Truncate,
        Code::SelpB32 => Form::Select,
        Code::SelpB64 => Form::SelectWide,
        Code::SetpEqB32 => equal(false, false),
        Code::SetpNeB32 => equal(false, true),
        Code::SetpEqB64 => equal(true, false),
        Code::SetpNeB64 => equal(true, true),
        Code::SetpLtU32 => less(false, false, false),
        Code::SetpLeU32 => less(false, false, true),
        Code::SetpLtS32 => less(false, true, false),
        Code::SetpLeS32 => less(false, true, true),
        Code::SetpLtU64 => less(true, false, false),
        Code::SetpLeU64 => less(true, false, true),
        Code::SetpLtS64 => less(true, true, false),
        Code::SetpLeS64 => less(true, true, true),
        // The encodings without signals: ordered ones are false for NaN, the `u` ones true.
        Code::SetpEqF32 => floats(vex::EQUAL),
        Code::SetpNeF32 => floats(0x0C),
        Code::SetpLtF32 => floats(0x11),
        Code::SetpLeF32 => floats(0x12),
        Code::SetpEquF32 => floats(0x08),
        Code::SetpNeuF32 => floats(vex::NOT_EQUAL_OR_UNORDERED),
        Code::SetpLtuF32 => floats(0x19),
        Code::SetpLeuF32 => floats(0x1A),
        Code::SetpNumF32 => floats(0x07),
        Code::SetpNanF32 => floats(vex::UNORDERED),
        Code::PredMov => Form::Predicates(Logic::Copy),
        Code::PredNot => Form::Predicates(Logic::Not),
        Code::PredAnd => Form::Predicates(Logic::With(0x22)),
        Code::PredOr => Form::Predicates(Logic::With(0x0A)),
        Code::PredXor => Form::Predicates(Logic::With(0x32)),
        _ => return None,
    };
    // A guard chooses between what a vector register held and what it holds then; predicates are in none.
    let is_predicate = matches!(form, Form::Compare(_) | Form::Predicates(_));
    (instruction.guard.is_none() || !is_predicate).then_some(form)
}

/// Assembles the instructions of one strip.
pub(super) struct Strip<'a> {
    pub(super) assembler: &'a mut Assembler,
    pub(super) values: Values<'a>,
    /// The part of a register in a half of a strip.
    pub(super) part: &'a dyn Fn(File, Slot, u8, u8) -> Part,
    /// Which strip it is, where strips are not a loop.
    pub(super) index: u8,
}

pub(super) const T0: Register = TEMPORARIES[0];
pub(super) const T1: Register = TEMPORARIES[1];

impl Strip<'_> {
    pub(super) fn word(&self, slot: Slot) -> Part {
        (self.part)(File::Narrow, slot, 0, self.index)
    }

    pub(super) fn quads(&self, slot: Slot, half: u8) -> Part {
        (self.part)(File::Wide, slot, half, self.index)
    }

    /// Where the strip's byte of a predicate is.
    fn predicate(&self, slot: Slot) -> i32 {
        i32::from(slot) * 4 + i32::from(self.index)
    }

    fn source(&mut self, part: Part, raw: bool) -> Register {
        self.values.source(self.assembler, part, raw)
    }

    fn operand(&mut self, part: Part, raw: bool) -> Operand {
        self.values.operand(self.assembler, part, raw)
    }

    /// A register for `target`, one of a source where that is not needed any more.
    fn target(&mut self, target: Part, sources: &[Part]) -> Register {
        let reused = sources.iter().find_map(|source| self.values.reusable(*source, target));
        reused.unwrap_or_else(|| self.values.target(self.assembler))
    }

    /// `d = opcode(a, b)`
    fn binary(&mut self, opcode: Opcode, d: Part, a: Part, b: Part, raw: bool) {
        let first = self.source(a, raw);
        let second = self.operand(b, raw);
        let target = self.target(d, &[a, b]);
        self.assembler.emit(opcode, target, first, second);
        self.values.define(target, d, raw);
    }

    /// `d = opcode(a)`
    fn unary(&mut self, opcode: Opcode, d: Part, a: Part, raw: bool) {
        let source = self.operand(a, raw);
        let target = self.target(d, &[a]);
        self.assembler.emit(opcode, target, 0, source);
        self.values.define(target, d, raw);
    }

    fn copy(&mut self, d: Part, a: Part) {
        let source = self.source(a, false);
        let target = self.target(d, &[a]);
        if target != source {
            self.assembler.emit(vex::MOVAPS, target, 0, source);
        }
        self.values.define(target, d, false);
    }

    fn fma(&mut self, d: Part, [a, b, c]: [Part; 3]) {
        let sum = self.source(c, true);
        // One factor can stay in the register file.
        let (mut first, mut second) = (self.operand(a, true), self.operand(b, true));
        if let Operand::Memory(..) = first {
            (first, second) = (second, first);
        }
        let first = match first {
            Operand::Register(register) => register,
            memory => {
                self.assembler.emit(vex::MOVUPS_LOAD, T0, 0, memory);
                T0
            }
        };
        let target = match self.values.reusable(c, d) {
            Some(register) if Operand::Register(register) != second && register != first => register,
            _ => {
                let target = self.values.target(self.assembler);
                self.assembler.emit(vex::MOVAPS, target, 0, sum);
                target
            }
        };
        self.assembler.emit(vex::FMADD231PS, target, first, second);
        self.values.define(target, d, true);
    }

    /// A NaN loses, and of zeros the negative one is the lesser.
    fn extremum(&mut self, d: Part, a: Part, b: Part, greatest: bool) {
        let (first, second) = (self.source(a, true), self.source(b, true));
        let target = self.target(d, &[a, b]);
        let assembler = &mut *self.assembler;
        // The processor gives `b` for NaNs and for equal operands.
        assembler.emit(if greatest { vex::MAXPS } else { vex::MINPS }, T0, first, second);
        assembler.emit_with(vex::CMPPS, T1, second, second, vex::UNORDERED);
        assembler.emit_with(vex::BLENDVPS, T0, T0, first, T1 << 4);
        if greatest {
            assembler.emit_with(vex::CMPPS, T1, first, second, vex::NOT_EQUAL_OR_UNORDERED);
            assembler.emit(vex::ORPS, T1, T1, first);
            assembler.emit(vex::ANDPS, target, T0, T1);
        } else {
            assembler.emit_with(vex::CMPPS, T1, first, second, vex::EQUAL);
            assembler.emit(vex::ANDPS, T1, T1, first);
            assembler.emit(vex::ORPS, target, T0, T1);
        }
        self.values.define(target, d, true);
    }

    /// Four of eight words, widened.
    fn widen(&mut self, opcode: Opcode, target: Register, words: Operand, half: u8) {
        match words {
            Operand::Memory(base, offset) => {
                let at = Operand::Memory(base, offset + 16 * i32::from(half));
                self.assembler.emit(opcode, target, 0, at);
            }
            Operand::Register(register) if half == 0 => self.assembler.emit(opcode, target, 0, register),
            Operand::Register(register) => {
                self.assembler.emit_with(vex::EXTRACTI128, register, 0, target, 1);
                self.assembler.emit(opcode, target, 0, target);
            }
        }
    }

    /// `a * b`, or `a * b + c`, of 64-bit lanes.
    fn multiply_quads(&mut self, d: Part, a: Part, b: Part, c: Option<Part>) {
        let (first, second) = (self.source(a, false), self.source(b, false));
        let third = c.map(|c| self.operand(c, false));
        let target = self.target(d, &[a, b]);
        let assembler = &mut *self.assembler;
        assembler.emit_with(vex::SHIFT_QUADS_BY, vex::RIGHT, T0, first, 32);
        assembler.emit(vex::PMULUDQ, T0, T0, second);
        assembler.emit_with(vex::SHIFT_QUADS_BY, vex::RIGHT, T1, second, 32);
        assembler.emit(vex::PMULUDQ, T1, T1, first);
        assembler.emit(vex::PADDQ, T0, T0, T1);
        assembler.emit_with(vex::SHIFT_QUADS_BY, vex::LEFT, T0, T0, 32);
        assembler.emit(vex::PMULUDQ, T1, first, second);
        if let Some(third) = third {
            assembler.emit(vex::PADDQ, T0, T0, third);
        }
        assembler.emit(vex::PADDQ, target, T0, T1);
        self.values.define(target, d, false);
    }

    /// All ones in the lanes for which a predicate holds.
    fn mask(&mut self, temporary: Register, predicate: Slot) {
        let at = Operand::Memory(Base::Predicates, self.predicate(predicate));
        self.assembler.emit(vex::PBROADCASTB, temporary, 0, at);
        self.assembler.emit(vex::PAND, temporary, temporary, Constant::LaneBit);
        self.assembler.emit(vex::PCMPEQD, temporary, temporary, Constant::LaneBit);
    }

    /// Puts a comparison of lanes into a temporary; `true` if it is the opposite that it holds.
    fn compare(&mut self, comparison: Comparison, a: Part, b: Part, temporary: Register) -> bool {
        let floats = matches!(comparison, Comparison::Floats(_));
        let (first, second) = (self.source(a, floats), self.source(b, floats));
        let assembler = &mut *self.assembler;
        match comparison {
            Comparison::Floats(predicate) => {
                assembler.emit_with(vex::CMPPS, temporary, first, second, predicate);
                false
            }
            Comparison::Equal { wide, negated } => {
                let opcode = if wide { vex::PCMPEQQ } else { vex::PCMPEQD };
                assembler.emit(opcode, temporary, first, second);
                negated
            }
            Comparison::Less { wide: false, signed: false, or_equal } => {
                // a ≤ b: the lesser is a. a < b: not that the greater is a.
                let extremum = if or_equal { vex::PMINUD } else { vex::PMAXUD };
                assembler.emit(extremum, temporary, first, second);
                assembler.emit(vex::PCMPEQD, temporary, temporary, first);
                !or_equal
            }
            Comparison::Less { wide, signed, or_equal } => {
                let greater = if wide { vex::PCMPGTQ } else { vex::PCMPGTD };
                // a < b: b > a. a ≤ b: not that a > b.
                let (mut high, mut low) = if or_equal { (first, second) } else { (second, first) };
                if !signed {
                    assembler.emit(vex::PXOR, T0, high, Constant::WideSign);
                    assembler.emit(vex::PXOR, T1, low, Constant::WideSign);
                    (high, low) = (T0, T1);
                }
                assembler.emit(greater, temporary, high, low);
                or_equal
            }
        }
    }

    fn set_predicate(&mut self, comparison: Comparison, instruction: &Instruction) {
        let Instruction { d, a, b, .. } = *instruction;
        let wide =
            matches!(comparison, Comparison::Equal { wide: true, .. } | Comparison::Less { wide: true, .. });
        let negated = if wide {
            let (a_high, b_high) = (self.quads(a, 1), self.quads(b, 1));
            self.compare(comparison, a_high, b_high, T0);
            self.assembler.emit(vex::MOVMSKPD, 0, 0, T0);
            self.assembler.raw(&[0xC1, 0xE0, 4]); // shl eax, 4
            let (a_low, b_low) = (self.quads(a, 0), self.quads(b, 0));
            let negated = self.compare(comparison, a_low, b_low, T0);
            self.assembler.emit(vex::MOVMSKPD, 8, 0, T0);
            self.assembler.raw(&[0x44, 0x09, 0xC0]); // or eax, r8d
            negated
        } else {
            let (a, b) = (self.word(a), self.word(b));
            let negated = self.compare(comparison, a, b, T0);
            self.assembler.emit(vex::MOVMSKPS, 0, 0, T0);
            negated
        };
        if negated {
            self.assembler.raw(&[0xF6, 0xD0]); // not al
        }
        self.assembler.general(&[0x88], 0, Base::Predicates, self.predicate(d)); // mov [predicate], al
    }

    fn predicates(&mut self, logic: Logic, instruction: &Instruction) {
        let [d, a, b] = [instruction.d, instruction.a, instruction.b].map(|slot| self.predicate(slot));
        self.assembler.general(&[0x8A], 0, Base::Predicates, a); // mov al, [a]
        match logic {
            Logic::Copy => {}
            Logic::Not => self.assembler.raw(&[0xF6, 0xD0]), // not al
            Logic::With(opcode) => self.assembler.general(&[opcode], 0, Base::Predicates, b),
        }
        self.assembler.general(&[0x88], 0, Base::Predicates, d); // mov [d], al
    }

    /// Assembles one instruction that only the lanes run for which its guard holds: the others keep what they have.
    pub(super) fn guarded(&mut self, instruction: &Instruction, form: Form) {
        let Some(guard) = instruction.guard.predicate() else { return self.instruction(instruction, form) };
        let negated = instruction.guard.negated();
        let is_wide = instruction.code.row().is_some_and(|row| row.output.file() == File::Wide);
        for half in 0..if is_wide { 2 } else { 1 } {
            let d = if is_wide { self.quads(instruction.d, half) } else { self.word(instruction.d) };
            let old = self.source(d, false);
            self.values.keep(Some(d));
            match is_wide {
                true => self.half(instruction, form, half),
                false => self.instruction(instruction, form),
            }
            self.values.keep(None);
            // The result stands in another register, and nothing has been put into the old one since.
            let new = self.source(d, false);
            let (kept, taken) = if negated { (new, old) } else { (old, new) };
            if is_wide {
                self.mask_quads(guard, half);
                self.assembler.emit_with(vex::BLENDVPD, new, kept, taken, T1 << 4);
            } else {
                self.mask(T1, guard);
                self.assembler.emit_with(vex::BLENDVPS, new, kept, taken, T1 << 4);
            }
        }
    }

    /// All ones in [`T1`] in the four 64-bit lanes of a half for which a predicate holds.
    fn mask_quads(&mut self, predicate: Slot, half: u8) {
        self.mask(T1, predicate);
        if half == 1 {
            self.assembler.emit_with(vex::EXTRACTI128, T1, 0, T1, 1);
        }
        self.assembler.emit(vex::PMOVSXDQ, T1, 0, T1);
    }

    /// Assembles one instruction that all lanes run.
    fn instruction(&mut self, instruction: &Instruction, form: Form) {
        let Instruction { d, a, b, c, .. } = *instruction;
        match form {
            Form::Load => {}
            Form::Copy => self.copy(self.word(d), self.word(a)),
            Form::Words(opcode) => self.binary(opcode, self.word(d), self.word(a), self.word(b), false),
            Form::Floats(opcode) => self.binary(opcode, self.word(d), self.word(a), self.word(b), true),
            Form::Float(opcode) => self.unary(opcode, self.word(d), self.word(a), true),
            Form::ToFloat => self.unary(vex::CVTDQ2PS, self.word(d), self.word(a), false),
            Form::FromHalf => {
                let (d, a) = (self.word(d), self.word(a));
                let source = self.source(a, false);
                let target = self.target(d, &[a]);
                // Eight words to the low half of a register, as halves.
                self.assembler.emit(vex::PACKUSDW, T0, source, source);
                self.assembler.emit_with(vex::PERMQ, T0, 0, T0, 0x08);
                self.assembler.emit(vex::CVTPH2PS, target, 0, T0);
                self.values.define(target, d, true);
            }
            Form::ToHalf => {
                let (d, a) = (self.word(d), self.word(a));
                let source = self.source(a, true);
                let target = self.target(d, &[]);
                // Rounded to nearest; here the target comes last.
                self.assembler.emit_with(vex::CVTPS2PH, source, 0, T0, 0);
                self.assembler.emit(vex::PMOVZXWD, target, 0, T0);
                self.assembler.emit_with(vex::CMPPS, T1, source, source, vex::UNORDERED);
                self.assembler.emit_with(vex::BLENDVPS, target, target, Constant::HalfNan, T1 << 4);
                self.values.define(target, d, false);
            }
            Form::Reciprocal => {
                let (d, a) = (self.word(d), self.word(a));
                let source = self.operand(a, true);
                let target = self.target(d, &[a]);
                self.assembler.emit(vex::MOVUPS_LOAD, T0, 0, Constant::One);
                self.assembler.emit(vex::DIVPS, target, T0, source);
                self.values.define(target, d, true);
            }
            Form::FloatBits(opcode, constant) => {
                let (d, a) = (self.word(d), self.word(a));
                let source = self.source(a, true);
                let target = self.target(d, &[a]);
                self.assembler.emit(opcode, target, source, constant);
                self.values.define(target, d, true);
            }
            Form::Fma => self.fma(self.word(d), [self.word(a), self.word(b), self.word(c)]),
            Form::MultiplyAdd => {
                let (d, a, b, c) = (self.word(d), self.word(a), self.word(b), self.word(c));
                let first = self.source(a, false);
                let second = self.operand(b, false);
                let third = self.operand(c, false);
                let target = self.target(d, &[a, b, c]);
                self.assembler.emit(vex::PMULLD, T0, first, second);
                self.assembler.emit(vex::PADDD, target, T0, third);
                self.values.define(target, d, false);
            }
            Form::Least => self.extremum(self.word(d), self.word(a), self.word(b), false),
            Form::Greatest => self.extremum(self.word(d), self.word(a), self.word(b), true),
            Form::Select => {
                let (d, a, b) = (self.word(d), self.word(a), self.word(b));
                let chosen = self.operand(a, false);
                let other = self.source(b, false);
                let target = self.target(d, &[a, b]);
                self.mask(T0, c);
                self.assembler.emit_with(vex::BLENDVPS, target, other, chosen, T0 << 4);
                self.values.define(target, d, false);
            }
            Form::Truncate => {
                let (low, high) = (self.quads(a, 0), self.quads(a, 1));
                let (first, second) = (self.source(low, false), self.source(high, false));
                let d = self.word(d);
                let target = self.target(d, &[]);
                self.assembler.emit_with(vex::SHUFPS, T0, first, second, 0x88);
                self.assembler.emit_with(vex::PERMQ, target, 0, T0, 0xD8);
                self.values.define(target, d, false);
            }
            Form::Compare(comparison) => self.set_predicate(comparison, instruction),
            Form::Predicates(logic) => self.predicates(logic, instruction),
            _ => (0..2).for_each(|half| self.half(instruction, form, half)),
        }
    }

    /// Assembles four lanes of an instruction with a 64-bit result.
    fn half(&mut self, instruction: &Instruction, form: Form, half: u8) {
        let Instruction { d: target_slot, a, b, c, .. } = *instruction;
        let d = self.quads(target_slot, half);
        match form {
            Form::CopyWide => {
                let a = self.quads(a, half);
                self.copy(d, a);
            }
            Form::Quads(opcode) => {
                let (a, b) = (self.quads(a, half), self.quads(b, half));
                self.binary(opcode, d, a, b, false);
            }
            Form::ShiftQuads(opcode) => {
                let (a, by) = (self.quads(a, half), self.word(b));
                let value = self.source(a, false);
                let by = self.operand(by, false);
                let target = self.target(d, &[a]);
                self.widen(vex::PMOVZXDQ, T0, by, half);
                self.assembler.emit(opcode, target, value, T0);
                self.values.define(target, d, false);
            }
            Form::MultiplyQuads | Form::MultiplyAddQuads => {
                let (a, b) = (self.quads(a, half), self.quads(b, half));
                let c = (form == Form::MultiplyAddQuads).then(|| self.quads(c, half));
                self.multiply_quads(d, a, b, c);
            }
            Form::MultiplyWide { widening, adds } => {
                let (a, b) = (self.word(a), self.word(b));
                let third = adds.then(|| self.quads(c, half));
                let addend = third.map(|part| self.operand(part, false));
                let (a, b) = (self.operand(a, false), self.operand(b, false));
                let target = self.target(d, third.as_slice());
                self.widen(vex::PMOVZXDQ, T0, a, half);
                self.widen(vex::PMOVZXDQ, T1, b, half);
                match addend {
                    Some(addend) => {
                        self.assembler.emit(widening, T0, T0, T1);
                        self.assembler.emit(vex::PADDQ, target, T0, addend);
                    }
                    None => self.assembler.emit(widening, target, T0, T1),
                }
                self.values.define(target, d, false);
            }
            Form::Widen(opcode) => {
                let a = self.word(a);
                let words = self.operand(a, false);
                let target = self.target(d, &[]);
                self.widen(opcode, target, words, half);
                self.values.define(target, d, false);
            }
            _ => {
                let (a, b) = (self.quads(a, half), self.quads(b, half));
                let chosen = self.operand(a, false);
                let other = self.source(b, false);
                let target = self.target(d, &[a, b]);
                self.mask_quads(c, half);
                self.assembler.emit_with(vex::BLENDVPD, target, other, chosen, T1 << 4);
                self.values.define(target, d, false);
            }
        }
    }
}
