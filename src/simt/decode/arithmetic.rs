//! Arithmetic that one row of the op table does not express: carry chains, mixed precision, three inputs, the predicate
//! of `lop3`.

use pipe_ptx::ast::{Literal, Operand};

use super::{Decoder, Outcome, Parts, value::own_row};
use crate::{
    instruction::{Constant, Instruction},
    isa::{Code, Kind},
    registers::{File, Slot},
};

impl Decoder<'_> {
    /// The predicate that holds `CC.CF`.
    fn carry_flag(&mut self) -> Slot {
        match self.carry {
            Some(slot) => slot,
            None => {
                let slot = self.fresh(File::Predicate);
                *self.carry.insert(slot)
            }
        }
    }

    /// `add.cc`, `addc`, `sub.cc`, `subc`, `mad.cc` and `madc`: sums that write the carry, read it, or both.
    pub(super) fn carry_chain(&mut self, parts: &Parts<'_>) -> Outcome {
        let opcode = parts.opcode.trim_end_matches('c');
        let chained = opcode != parts.opcode;
        let (half, rest) = match &parts.modifiers[..] {
            [half @ ("hi" | "lo"), rest @ ..] if opcode == "mad" => (Some(*half), rest),
            rest if opcode != "mad" => (None, rest),
            _ => return Err(parts.unsupported()),
        };
        let (writes, ty) = match rest {
            ["cc", ty] => (true, *ty),
            [ty] => (false, *ty),
            _ => return Err(parts.unsupported()),
        };
        let (bits, signed) = match ty {
            "u32" => (32, false),
            "s32" => (32, true),
            "u64" => (64, false),
            "s64" => (64, true),
            _ => return Err(parts.unsupported()),
        };
        let kind = Kind::Integer(bits);
        let (destination, a, b) = match half {
            None => {
                let [d, a, b] = parts.exactly::<3>()?;
                (d, self.source(a, kind)?, self.source(b, kind)?)
            }
            Some(half) => {
                let [d, a, b, c] = parts.exactly::<4>()?;
                let (a, b) = (self.source(a, kind)?, self.source(b, kind)?);
                let product = self.fresh(kind.file());
                let code = match (half, bits, signed) {
                    ("lo", 32, _) => Code::MulLoI32,
                    ("lo", ..) => Code::MulLoI64,
                    (_, 32, false) => Code::MulHiU32,
                    (_, 32, true) => Code::MulHiS32,
                    (_, _, false) => Code::MulHiU64,
                    _ => Code::MulHiS64,
                };
                self.help(Instruction { d: product, a, b, ..Instruction::new(code) });
                (d, product, self.source(c, kind)?)
            }
        };
        let (plain, carried, carry) = match (opcode, bits) {
            ("sub", 32) => (Code::SubI32, Code::SubWithBorrow32, Code::BorrowOfSub32),
            ("sub", _) => (Code::SubI64, Code::SubWithBorrow64, Code::BorrowOfSub64),
            (_, 32) => (Code::AddI32, Code::AddWithCarry32, Code::CarryOfAdd32),
            _ => (Code::AddI64, Code::AddWithCarry64, Code::CarryOfAdd64),
        };
        let d = self.destination(destination, kind)?;
        let flag = self.carry_flag();
        let carry_in = if chained { flag } else { self.constant(File::Predicate, Constant::Bits(0)) };
        let sum = if chained {
            Instruction { d, a, b, c: flag, ..Instruction::new(carried) }
        } else {
            Instruction { d, a, b, ..Instruction::new(plain) }
        };
        let carry_out = |d| Instruction { d, a, b, c: carry_in, ..Instruction::new(carry) };
        if writes && (d == a || d == b) {
            // The sum overwrites what its carry is computed from.
            let early = self.fresh(File::Predicate);
            self.help(carry_out(early));
            self.count(sum);
            self.help(Instruction { d: flag, a: early, ..Instruction::new(Code::PredMov) });
        } else {
            self.count(sum);
            if writes {
                self.help(carry_out(flag));
            }
        }
        Ok(())
    }

    /// `add.f32.f16` and its like: every operand but the last is half precision and is widened first.
    pub(super) fn mixed(&mut self, parts: &Parts<'_>) -> Outcome {
        let [modifiers @ .., half] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
        let widen = if *half == "f16" { Code::CvtF32F16 } else { Code::CvtF32Bf16 };
        let (row, given) = own_row(parts, parts.opcode, modifiers)?;
        let [destination, sources @ .., last] = parts.operands else { return Err(parts.unsupported()) };
        if sources.len() + 1 != row.inputs.len() {
            let (wanted, got) = (row.inputs.len() + 1, parts.operands.len());
            return Err(parts.problem(format!("`{}` takes {wanted} operands, not {got}", parts.mnemonic())));
        }
        let mut slots = Vec::new();
        for source in sources {
            let a = self.source(source, Kind::Float(16))?;
            let d = self.fresh(File::Narrow);
            self.help(Instruction { d, a, ..Instruction::new(widen) });
            slots.push(d);
        }
        slots.push(self.source(last, Kind::Float(32))?);
        let d = self.destination(destination, Kind::Float(32))?;
        let mut instruction = Instruction { d, m: given.0, ..Instruction::new(row.code) };
        for (place, slot) in
            [&mut instruction.a, &mut instruction.b, &mut instruction.c].into_iter().zip(slots)
        {
            *place = slot;
        }
        self.count(instruction);
        Ok(())
    }

    /// `min` and `max` of three.
    pub(super) fn three_inputs(&mut self, parts: &Parts<'_>) -> Outcome {
        let opcode = format!("{} three", parts.opcode);
        let (row, modifiers) = own_row(parts, &opcode, &parts.modifiers)?;
        self.emit_row(parts, row, modifiers, parts.operands)
    }

    /// `lop3`, and the form that also gives `(d != 0) and q` or `or q`.
    pub(super) fn lop3(&mut self, parts: &Parts<'_>) -> Outcome {
        let combine = match parts.modifiers[..] {
            ["b32"] => None,
            ["and", "b32"] => Some(Code::PredAnd),
            ["or", "b32"] => Some(Code::PredOr),
            _ => return Err(parts.unsupported()),
        };
        let (destinations, sources, last) = match (combine, parts.operands) {
            (None, [d, sources @ ..]) => ((d, None), sources, None),
            (Some(_), [Operand::Pair(d, p), sources @ .., q]) => ((&**d, Some(&**p)), sources, Some(q)),
            _ => return Err(parts.problem(format!("`{}` writes `d|p` and reads `q`", parts.mnemonic()))),
        };
        let [a, b, c, table] = sources else {
            return Err(parts.problem(format!("`{}` takes three words and a truth table", parts.mnemonic())));
        };
        let Operand::Literal(Literal::Integer { bits: table @ 0..=255, .. }, _) = table else {
            return Err(parts.problem("the truth table of `lop3` must be a constant from 0 to 255"));
        };
        let kind = Kind::Bits(32);
        let (a, b, c) = (self.source(a, kind)?, self.source(b, kind)?, self.source(c, kind)?);
        let d = self.destination(destinations.0, kind)?;
        self.count(Instruction { d, a, b, c, m: *table as u16, ..Instruction::new(Code::Lop3) });
        if let (Some(code), Some(p), Some(q)) = (combine, destinations.1, last) {
            let q = self.source(q, Kind::Predicate)?;
            let p = self.destination(p, Kind::Predicate)?;
            let (some, zero) = (self.fresh(File::Predicate), self.narrow(0));
            self.help(Instruction { d: some, a: d, b: zero, ..Instruction::new(Code::SetpNeB32) });
            self.help(Instruction { d: p, a: some, b: q, ..Instruction::new(code) });
        }
        Ok(())
    }

    pub(super) fn predicate_logic(&mut self, parts: &Parts<'_>) -> Outcome {
        let code = match parts.opcode {
            "and" => Code::PredAnd,
            "or" => Code::PredOr,
            "xor" => Code::PredXor,
            _ => {
                let [destination, source] = parts.exactly::<2>()?;
                let a = self.source(source, Kind::Predicate)?;
                let d = self.destination(destination, Kind::Predicate)?;
                self.count(Instruction { d, a, ..Instruction::new(Code::PredNot) });
                return Ok(());
            }
        };
        let [destination, first, second] = parts.exactly::<3>()?;
        let a = self.source(first, Kind::Predicate)?;
        let b = self.source(second, Kind::Predicate)?;
        let d = self.destination(destination, Kind::Predicate)?;
        self.count(Instruction { d, a, b, ..Instruction::new(code) });
        Ok(())
    }
}

/// Whether an instruction is one of a carry chain.
pub(super) fn is_carry_chain(parts: &Parts<'_>) -> bool {
    matches!(parts.opcode, "addc" | "subc" | "madc") || parts.has("cc")
}

/// Whether an instruction adds halves to single precision.
pub(super) fn is_mixed(parts: &Parts<'_>) -> bool {
    matches!(parts.modifiers[..], [.., "f32", "f16" | "bf16"])
}
