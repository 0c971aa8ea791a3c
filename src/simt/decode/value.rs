//! Moves, comparisons, conversions and address conversions: what needs more than a look into the op table.

use pipe_ptx::ast::{Literal, Operand};

use super::{
    Decoder, Outcome, Parts,
    operand::span_of,
    row,
    scope::{SymbolPlace, bits_of, file_of},
};
use crate::{
    instruction::{Constant, Instruction},
    isa::{Code, Kind, Row},
    lane::{
        convert::{Conversion, Number, Rounding},
        float::Modifiers,
    },
    memory::window,
    registers::{File, Slot},
    special::Special,
};

/// The row of an operation that decode itself uses.
fn own_row(parts: &Parts<'_>, opcode: &str, modifiers: &[&str]) -> Outcome<(&'static Row, Modifiers)> {
    row(opcode, modifiers).ok_or_else(|| parts.unsupported())
}

impl Decoder<'_> {
    pub(super) fn mov(&mut self, parts: &Parts<'_>) -> Outcome {
        let [destination, source] = parts.exactly::<2>()?;
        let [ty] = parts.modifiers[..] else { return Err(parts.unsupported()) };
        if ty == "pred" {
            let a = self.source(source, Kind::Predicate)?;
            let d = self.destination(destination, Kind::Predicate)?;
            self.count(Instruction { d, a, ..Instruction::new(Code::PredMov) });
            return Ok(());
        }
        if ty == "b128" {
            return self.mov_128(parts, destination, source);
        }
        match (destination, source) {
            (Operand::Vector(parts_of, _), whole) => return self.unpack(parts, ty, parts_of, whole),
            (whole, Operand::Vector(parts_of, _)) => return self.pack(parts, ty, whole, parts_of),
            _ => {}
        }
        let (row, modifiers) = own_row(parts, "mov", &[ty])?;
        // A special register is read straight into the destination.
        if let Operand::Name(name) = source
            && self.register(&name.name).is_none()
            && let Some((special, wide)) = Special::named(&name.name)
            && wide == (row.output.file() == File::Wide)
        {
            let slot = self.destination(destination, row.output)?;
            let read = self.special_into(special, wide, slot);
            self.count(read);
            return Ok(());
        }
        self.emit_row(parts, row, modifiers, parts.operands)
    }

    /// `mov.b128`: between a register and two of 64 bits, or two registers.
    fn mov_128(&mut self, parts: &Parts<'_>, destination: &Operand, source: &Operand) -> Outcome {
        let kind = Kind::Bits(64);
        let from = match source {
            Operand::Vector(halves, _) => match &halves[..] {
                [low, high] => [self.source(low, kind)?, self.source(high, kind)?],
                _ => return Err(parts.unsupported()),
            },
            whole => self.pair_128(whole)?,
        };
        let to = match destination {
            Operand::Vector(halves, _) => match &halves[..] {
                [low, high] => [self.destination(low, kind)?, self.destination(high, kind)?],
                _ => return Err(parts.unsupported()),
            },
            whole => self.pair_128(whole)?,
        };
        // The halves may change places.
        let kept = self.fresh(File::Wide);
        self.help(Instruction { d: kept, a: from[1], ..Instruction::new(Code::MovB64) });
        self.count(Instruction { d: to[0], a: from[0], ..Instruction::new(Code::MovB64) });
        self.help(Instruction { d: to[1], a: kept, ..Instruction::new(Code::MovB64) });
        Ok(())
    }

    /// `mov.b64 d, {low, high};` and with four elements.
    fn pack(&mut self, parts: &Parts<'_>, ty: &str, whole: &Operand, elements: &[Operand]) -> Outcome {
        let (row, modifiers) = own_row(parts, "mov pack", &[ty])?;
        match elements {
            [low, high] => self.emit_row(parts, row, modifiers, &[whole.clone(), low.clone(), high.clone()]),
            [a, b, c, e] if ty == "b64" => {
                let mut halves = [0; 2];
                for (half, (low, high)) in halves.iter_mut().zip([(a, b), (c, e)]) {
                    let a = self.source(low, Kind::Bits(16))?;
                    let b = self.source(high, Kind::Bits(16))?;
                    *half = self.fresh(File::Narrow);
                    self.help(Instruction { d: *half, a, b, ..Instruction::new(Code::PackB32) });
                }
                let d = self.destination(whole, Kind::Bits(64))?;
                let [a, b] = halves;
                self.count(Instruction { d, a, b, ..Instruction::new(Code::PackB64) });
                Ok(())
            }
            _ => Err(parts.unsupported()),
        }
    }

    /// `mov.b64 {low, high}, a;` and with four elements.
    fn unpack(&mut self, parts: &Parts<'_>, ty: &str, elements: &[Operand], whole: &Operand) -> Outcome {
        let (low, high, half) = match ty {
            "b32" => (Code::LowB32, Code::HighB32, Kind::Bits(16)),
            "b64" => (Code::LowB64, Code::HighB64, Kind::Bits(32)),
            _ => return Err(parts.unsupported()),
        };
        let kind = if ty == "b32" { Kind::Bits(32) } else { Kind::Bits(64) };
        let a = self.source(whole, kind)?;
        match elements {
            [first, second] => self.split(a, [(low, first), (high, second)], half),
            [first, second, third, fourth] if ty == "b64" => {
                let words = [self.fresh(File::Narrow), self.fresh(File::Narrow)];
                self.help(Instruction { d: words[0], a, ..Instruction::new(low) });
                self.help(Instruction { d: words[1], a, ..Instruction::new(high) });
                let half = Kind::Bits(16);
                self.split(words[0], [(Code::LowB32, first), (Code::HighB32, second)], half)?;
                let counted = self.counted.len();
                self.split(words[1], [(Code::LowB32, third), (Code::HighB32, fourth)], half)?;
                self.counted[counted..].fill(false);
                Ok(())
            }
            _ => Err(parts.unsupported()),
        }
    }

    /// Emits the two halves of an unpacking. Both are read from `a`, so the first must not overwrite it.
    fn split(&mut self, a: Slot, halves: [(Code, &Operand); 2], kind: Kind) -> Outcome {
        let [(first, low), (second, high)] = halves;
        let low_slot = self.destination(low, kind)?;
        let high_slot = self.destination(high, kind)?;
        let (one, two) = ((first, low_slot), (second, high_slot));
        let ordered = if low_slot == a && kind == Kind::Bits(16) { [two, one] } else { [one, two] };
        self.count(Instruction { d: ordered[0].1, a, ..Instruction::new(ordered[0].0) });
        self.help(Instruction { d: ordered[1].1, a, ..Instruction::new(ordered[1].0) });
        Ok(())
    }

    pub(super) fn setp(&mut self, parts: &Parts<'_>) -> Outcome {
        let (destination, sources) = match parts.operands {
            [destination, sources @ ..] => (destination, sources),
            [] => return Err(parts.problem("`setp` takes at least 3 operands, not 0")),
        };
        let (first, second) = match destination {
            Operand::Pair(p, q) => (&**p, Some(&**q)),
            other => (other, None),
        };
        let result = self.destination(first, Kind::Predicate)?;
        let comparison = Comparison::of(parts)?;
        if comparison.combine.is_none() && second.is_none() {
            let instruction = self.comparison(parts, &comparison, sources, result)?;
            self.count(instruction);
            return Ok(());
        }
        let negated = match second {
            Some(q) => Some(self.destination(q, Kind::Predicate)?),
            None => None,
        };
        // p = (a cmp b) op c and q = !(a cmp b) op c, by way of a predicate of its own.
        let wanted = if comparison.combine.is_some() { 3 } else { 2 };
        if sources.len() != wanted {
            let got = sources.len() + 1;
            return Err(parts.problem(format!(
                "`{}` takes {} operands, not {got}",
                parts.mnemonic(),
                wanted + 1
            )));
        }
        let third = match &sources[2..] {
            [c] => Some(self.source(c, Kind::Predicate)?),
            _ => None,
        };
        let compared = self.fresh(File::Predicate);
        let instruction = self.comparison(parts, &comparison, &sources[..2], compared)?;
        self.count(instruction);
        let complement = self.fresh(File::Predicate);
        self.help(Instruction { d: complement, a: compared, ..Instruction::new(Code::PredNot) });
        // Both results read `c`, which may be one of them: combine first, move after.
        let mut moves = Vec::new();
        for (target, value) in [(Some(result), compared), (negated, complement)] {
            let Some(target) = target else { continue };
            let value = match (comparison.combine, third) {
                (Some(code), Some(c)) => {
                    let d = self.fresh(File::Predicate);
                    self.help(Instruction { d, a: value, b: c, ..Instruction::new(code) });
                    d
                }
                _ => value,
            };
            moves.push((target, value));
        }
        // The guard must hold for both moves.
        moves.sort_by_key(|(target, _)| self.guard.predicate() == Some(*target));
        for (d, a) in moves {
            self.help(Instruction { d, a, ..Instruction::new(Code::PredMov) });
        }
        Ok(())
    }

    /// `set.cmp.dtype.stype`: a comparison whose result is all ones, or 1.0 where the destination is a float.
    pub(super) fn set(&mut self, parts: &Parts<'_>) -> Outcome {
        let [destination, sources @ ..] = parts.operands else { return Err(parts.unsupported()) };
        let [modifiers @ .., to, from] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
        let shortened = Parts {
            opcode: "set",
            modifiers: [modifiers, &[*from]].concat(),
            operands: parts.operands,
            span: parts.span,
        };
        let comparison = Comparison::of(&shortened).map_err(|_| parts.unsupported())?;
        let (truth, kind) = match *to {
            "u32" | "s32" | "b32" => (u32::MAX, Kind::Bits(32)),
            "f32" => (1f32.to_bits(), Kind::Float(32)),
            _ => return Err(parts.unsupported()),
        };
        let wanted = if comparison.combine.is_some() { 3 } else { 2 };
        if sources.len() != wanted {
            return Err(parts.problem(format!("`{}` takes {} operands", parts.mnemonic(), wanted + 1)));
        }
        let mut flag = self.fresh(File::Predicate);
        let instruction = self.comparison(parts, &comparison, &sources[..2], flag)?;
        self.help(instruction);
        if let (Some(code), [c]) = (comparison.combine, &sources[2..]) {
            let b = self.source(c, Kind::Predicate)?;
            let d = self.fresh(File::Predicate);
            self.help(Instruction { d, a: flag, b, ..Instruction::new(code) });
            flag = d;
        }
        let d = self.destination(destination, kind)?;
        let (a, b) = (self.narrow(truth), self.narrow(0));
        self.count(Instruction { d, a, b, c: flag, ..Instruction::new(Code::SelpB32) });
        Ok(())
    }

    /// The comparing instruction itself.
    fn comparison(
        &mut self,
        parts: &Parts<'_>,
        comparison: &Comparison,
        sources: &[Operand],
        d: Slot,
    ) -> Outcome<Instruction> {
        let [first, second] = sources else {
            return Err(parts.problem(format!(
                "`{}` takes 3 operands, not {}",
                parts.mnemonic(),
                sources.len() + 1
            )));
        };
        let row = comparison.row;
        let mut a = self.source(first, row.inputs[0])?;
        let mut b = self.source(second, row.inputs[1])?;
        if comparison.swapped {
            (a, b) = (b, a);
        }
        Ok(Instruction { d, a, b, m: comparison.modifiers.0, ..Instruction::new(row.code) })
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

    pub(super) fn lop3(&mut self, parts: &Parts<'_>) -> Outcome {
        let ["b32"] = parts.modifiers[..] else { return Err(parts.unsupported()) };
        let [destination, a, b, c, table] = parts.exactly::<5>()?;
        let Operand::Literal(Literal::Integer { bits: table @ 0..=255, .. }, _) = table else {
            return Err(parts.problem("the truth table of `lop3` must be a constant from 0 to 255"));
        };
        let kind = Kind::Bits(32);
        let (a, b, c) = (self.source(a, kind)?, self.source(b, kind)?, self.source(c, kind)?);
        let d = self.destination(destination, kind)?;
        self.count(Instruction { d, a, b, c, m: *table as u16, ..Instruction::new(Code::Lop3) });
        Ok(())
    }

    pub(super) fn cvt(&mut self, parts: &Parts<'_>) -> Outcome {
        if parts.operands.len() != 2 {
            return self.lane_op(parts);
        }
        let [destination, source] = parts.exactly::<2>()?;
        let sizes = (self.as_register(destination), self.as_register_or_special(source));
        if let Some((row, modifiers)) = row("cvt", &parts.modifiers)
            && let [input] = row.inputs
        {
            // Registers may be wider than the types, which the rows do not know.
            let exact = |register: Option<super::scope::Register>, kind: Kind| match (register, kind) {
                (Some(register), Kind::Bits(n) | Kind::Integer(n) | Kind::Float(n)) => {
                    bits_of(register.ty) == n
                }
                _ => true,
            };
            if exact(sizes.0, row.output) && exact(sizes.1, *input) {
                return self.emit_row(parts, row, modifiers, parts.operands);
            }
        }
        let mut conversion = parse_conversion(parts)?;
        let (Some(to), Some(from)) = sizes else {
            return Err(parts.problem(format!("`{}` converts from register to register", parts.mnemonic())));
        };
        for (register, number, operand) in [(to, conversion.to, destination), (from, conversion.from, source)]
        {
            let (have, need) = (bits_of(register.ty), number.bits());
            if have < need || number.is_float() && have != need || file_of(register.ty) == File::Predicate {
                let span = span_of(operand);
                return Err(super::Problem::new(
                    span,
                    format!("a register of {have} bits where `{}` needs {need}", parts.mnemonic()),
                ));
            }
        }
        let mut a = from.slot;
        if file_of(from.ty) == File::Wide && conversion.from.bits() < 64 {
            let d = self.fresh(File::Narrow);
            self.help(Instruction { d, a, ..Instruction::new(Code::LowB64) });
            a = d;
        }
        conversion.register_bits = bits_of(to.ty);
        let m = self.tables.conversions.len() as u16;
        self.tables.conversions.push(conversion);
        self.count(Instruction { d: to.slot, a, m, ..Instruction::new(Code::Convert) });
        Ok(())
    }

    /// `cvta`: adds or takes away the base of the space's window in generic addressing.
    pub(super) fn cvta(&mut self, parts: &Parts<'_>) -> Outcome {
        let [destination, source] = parts.exactly::<2>()?;
        let (to, space, size) = match &parts.modifiers[..] {
            ["to", space, size] => (true, *space, *size),
            [space, size] => (false, *space, *size),
            _ => return Err(parts.unsupported()),
        };
        let base = match space {
            "global" | "const" => 0,
            "shared" | "shared::cta" => window::SHARED.base,
            "local" => window::LOCAL.base,
            "param" | "param::entry" => window::PARAM.base,
            _ => return Err(parts.unsupported()),
        };
        if size != "u64" {
            return Err(parts.unsupported());
        }
        let kind = Kind::Integer(64);
        let a = self.source(source, kind)?;
        let d = self.destination(destination, kind)?;
        let b = self.wide(if to { 0u64.wrapping_sub(base) } else { base });
        self.count(Instruction { d, a, b, ..Instruction::new(Code::AddI64) });
        Ok(())
    }

    pub(super) fn isspacep(&mut self, parts: &Parts<'_>) -> Outcome {
        let [destination, source] = parts.exactly::<2>()?;
        let window = match parts.modifiers[..] {
            // The shared memory of a cluster of one block is the block's.
            ["shared" | "shared::cta" | "shared::cluster"] => window::SHARED,
            ["local"] => window::LOCAL,
            ["param" | "param::entry"] => window::PARAM,
            ["global" | "const"] => window::GLOBAL,
            _ => return Err(parts.unsupported()),
        };
        let a = self.source(source, Kind::Integer(64))?;
        let d = self.destination(destination, Kind::Predicate)?;
        if parts.has("const") || parts.has("global") {
            // Constant variables live in global memory.
            let mut constant = self.fresh(File::Predicate);
            self.help(Instruction {
                d: constant,
                a: constant,
                b: constant,
                ..Instruction::new(Code::PredXor)
            });
            for (index, bytes) in self.variables.constants() {
                let base = self.constant(File::Wide, Constant::Address(index, 0));
                let inside = self.within(a, base, bytes);
                let either = self.fresh(File::Predicate);
                self.help(Instruction {
                    d: either,
                    a: constant,
                    b: inside,
                    ..Instruction::new(Code::PredOr)
                });
                constant = either;
            }
            if parts.has("const") {
                self.count(Instruction { d, a: constant, ..Instruction::new(Code::PredMov) });
                return Ok(());
            }
            let base = self.wide(window.base);
            let inside = self.within(a, base, window.bytes);
            let other = self.fresh(File::Predicate);
            self.help(Instruction { d: other, a: constant, ..Instruction::new(Code::PredNot) });
            self.count(Instruction { d, a: inside, b: other, ..Instruction::new(Code::PredAnd) });
            return Ok(());
        }
        let base = self.wide(window.base);
        let inside = self.within(a, base, window.bytes);
        self.count(Instruction { d, a: inside, ..Instruction::new(Code::PredMov) });
        Ok(())
    }

    /// A predicate that says whether an address lies in a range.
    fn within(&mut self, address: Slot, base: Slot, bytes: u64) -> Slot {
        let offset = self.fresh(File::Wide);
        self.help(Instruction { d: offset, a: address, b: base, ..Instruction::new(Code::SubI64) });
        let b = self.wide(bytes);
        let d = self.fresh(File::Predicate);
        self.help(Instruction { d, a: offset, b, ..Instruction::new(Code::SetpLtU64) });
        d
    }
}

/// The comparison in a `setp` or `set`.
struct Comparison {
    row: &'static Row,
    modifiers: Modifiers,
    /// `gt` and `ge` compare the other way round.
    swapped: bool,
    /// How the result is combined with a further predicate.
    combine: Option<Code>,
}

impl Comparison {
    fn of(parts: &Parts<'_>) -> Outcome<Self> {
        let [cmp, middle @ .., ty] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
        let float = ty.starts_with('f') || ty.starts_with("bf");
        let (cmp, swapped) = match *cmp {
            "lo" if !float => ("lt", false),
            "ls" if !float => ("le", false),
            "hi" if !float => ("lt", true),
            "hs" if !float => ("le", true),
            "gt" => ("lt", true),
            "ge" => ("le", true),
            "gtu" => ("ltu", true),
            "geu" => ("leu", true),
            other => (other, false),
        };
        let (combine, middle) = match middle {
            ["and", rest @ ..] => (Some(Code::PredAnd), rest),
            ["or", rest @ ..] => (Some(Code::PredOr), rest),
            ["xor", rest @ ..] => (Some(Code::PredXor), rest),
            rest => (None, rest),
        };
        let spelled = [&[cmp], middle, &[*ty]].concat();
        let (row, modifiers) = row("setp", &spelled).ok_or_else(|| parts.unsupported())?;
        Ok(Comparison { row, modifiers, swapped, combine })
    }
}

/// Reads the modifiers of a `cvt` between plain types.
fn parse_conversion(parts: &Parts<'_>) -> Outcome<Conversion> {
    let [modifiers @ .., to, from] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
    let (Some(to), Some(from)) = (Number::named(to), Number::named(from)) else {
        return Err(parts.unsupported());
    };
    let mut conversion = Conversion {
        from,
        to,
        rounding: Rounding::Nearest,
        to_integral: false,
        ftz: false,
        saturate: false,
        relu: false,
        register_bits: to.bits(),
    };
    let mut rounded = false;
    for modifier in modifiers {
        let (rounding, integral) = match *modifier {
            "rn" => (Rounding::Nearest, false),
            "rz" => (Rounding::Zero, false),
            "rm" => (Rounding::Down, false),
            "rp" => (Rounding::Up, false),
            "rni" => (Rounding::Nearest, true),
            "rzi" => (Rounding::Zero, true),
            "rmi" => (Rounding::Down, true),
            "rpi" => (Rounding::Up, true),
            "ftz" => {
                conversion.ftz = true;
                continue;
            }
            "sat" => {
                conversion.saturate = true;
                continue;
            }
            "relu" if to.is_float() && to.bits() == 16 => {
                conversion.relu = true;
                continue;
            }
            _ => return Err(parts.unsupported()),
        };
        conversion.rounding = rounding;
        conversion.to_integral = integral;
        rounded = true;
    }
    let needs_integer_rounding = from.is_float() && !to.is_float();
    let needs_rounding = needs_integer_rounding
        || !from.is_float() && to.is_float()
        || from.is_float() && to.is_float() && to.bits() < from.bits();
    if needs_rounding && !rounded || needs_integer_rounding && !conversion.to_integral {
        let example = if needs_integer_rounding { ".rzi" } else { ".rn" };
        let problem = parts.problem(format!("`{}` needs a rounding mode", parts.mnemonic()));
        return Err(problem.help(format!("write `{example}`, or another mode, after `cvt`")));
    }
    Ok(conversion)
}

/// The offset of a variable that does not move, for checks at load time.
pub(super) fn fixed_offset(place: SymbolPlace) -> Option<u64> {
    match place {
        SymbolPlace::Offset(offset) => Some(offset),
        SymbolPlace::Module(_) | SymbolPlace::Frame(_) => None,
    }
}
