//! Moves, comparisons and address conversions: what needs more than a look into the op table.

use pipe_ptx::ast::Operand;

use super::{
    Decoder, Outcome, Parts,
    memory::elements,
    row,
    scope::{SymbolPlace, components},
};
use crate::{
    instruction::{Constant, Instruction},
    isa::{Code, Kind, Row},
    lane::float::Modifiers,
    memory::window,
    registers::{File, Slot},
    special::Special,
};

/// The row of an operation that decode itself uses.
pub(super) fn own_row(
    parts: &Parts<'_>,
    opcode: &str,
    modifiers: &[&str],
) -> Outcome<(&'static Row, Modifiers)> {
    row(opcode, modifiers).ok_or_else(|| parts.unsupported())
}

/// The two operands compared, and the predicate that the result is combined with.
type Combined<'o> = (&'o [Operand], Option<(Code, Slot)>);

impl Decoder<'_> {
    pub(super) fn mov(&mut self, parts: &Parts<'_>) -> Outcome {
        let [destination, source] = parts.exactly::<2>()?;
        let ty = match parts.modifiers[..] {
            [ty] => ty,
            ["v2", ty] => return self.mov_vector(parts, 2, ty),
            ["v4", ty] => return self.mov_vector(parts, 4, ty),
            _ => return Err(parts.unsupported()),
        };
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

    /// `mov.v2` and `mov.v4`: from a vector, or from a special register that is one.
    fn mov_vector(&mut self, parts: &Parts<'_>, count: u8, ty: &str) -> Outcome {
        let [destination, source] = parts.exactly::<2>()?;
        let (row, _) = own_row(parts, "mov", &[ty])?;
        let special = match source {
            Operand::Name(name) if name.name.starts_with('%') => Some(components(name, usize::from(count))),
            _ => None,
        };
        // The registers may change places.
        let mut kept = Vec::new();
        for element in elements(special.as_ref().unwrap_or(source), count, parts)? {
            let a = self.source(element, row.inputs[0])?;
            let d = self.fresh(row.output.file());
            self.help(Instruction { d, a, ..Instruction::new(row.code) });
            kept.push(d);
        }
        for (i, (element, a)) in elements(destination, count, parts)?.iter().zip(kept).enumerate() {
            let d = self.destination(element, row.output)?;
            let mov = Instruction { d, a, ..Instruction::new(row.code) };
            if i == 0 { self.count(mov) } else { self.help(mov) }
        }
        Ok(())
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
            [a, b, c, e] if row.code != Code::PackB16 => {
                let (code, quarter) = quarters(row.code);
                let mut halves = [0; 2];
                for (half, (low, high)) in halves.iter_mut().zip([(a, b), (c, e)]) {
                    let a = self.source(low, quarter)?;
                    let b = self.source(high, quarter)?;
                    *half = self.fresh(File::Narrow);
                    self.help(Instruction { d: *half, a, b, ..Instruction::new(code) });
                }
                let d = self.destination(whole, row.output)?;
                let [a, b] = halves;
                self.count(Instruction { d, a, b, ..Instruction::new(row.code) });
                Ok(())
            }
            _ => Err(parts.unsupported()),
        }
    }

    /// `mov.b64 {low, high}, a;` and with four elements.
    fn unpack(&mut self, parts: &Parts<'_>, ty: &str, elements: &[Operand], whole: &Operand) -> Outcome {
        let (row, _) = own_row(parts, "mov low", &[ty])?;
        let (low, high) = halves(row.code);
        let a = self.source(whole, row.inputs[0])?;
        match elements {
            [first, second] => self.split(a, [(low, first), (high, second)], row.output),
            [first, second, third, fourth] if row.code != Code::LowB16 => {
                let words = [self.fresh(File::Narrow), self.fresh(File::Narrow)];
                self.help(Instruction { d: words[0], a, ..Instruction::new(low) });
                self.help(Instruction { d: words[1], a, ..Instruction::new(high) });
                let (pack, quarter) =
                    quarters(if row.code == Code::LowB64 { Code::PackB64 } else { Code::PackB32 });
                let (low, high) = halves(if pack == Code::PackB32 { Code::LowB32 } else { Code::LowB16 });
                self.split(words[0], [(low, first), (high, second)], quarter)?;
                let counted = self.counted.len();
                self.split(words[1], [(low, third), (high, fourth)], quarter)?;
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
        let ordered = if low_slot == a && kind.file() == File::Narrow && first != Code::LowB64 {
            [two, one]
        } else {
            [one, two]
        };
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
        let comparison = Comparison::of(parts, &parts.modifiers)?;
        if comparison.combine.is_none() && second.is_none() && !comparison.pair {
            let d = self.destination(first, Kind::Predicate)?;
            let instruction = self.comparison(parts, &comparison, sources, d)?;
            self.count(instruction);
            return Ok(());
        }
        let targets = match second {
            Some(q) => vec![self.destination(first, Kind::Predicate)?, self.destination(q, Kind::Predicate)?],
            None => vec![self.destination(first, Kind::Predicate)?],
        };
        let (sources, third) = self.combined(parts, &comparison, sources)?;
        // p is of the comparison and q of its complement or, for a pair, of the lower and the upper half.
        let values = if comparison.pair {
            let halves = self.compare_halves(parts, &comparison, sources)?;
            self.counted.last_mut().into_iter().for_each(|counted| *counted = true);
            halves
        } else {
            let compared = self.fresh(File::Predicate);
            let instruction = self.comparison(parts, &comparison, sources, compared)?;
            self.count(instruction);
            let complement = self.fresh(File::Predicate);
            self.help(Instruction { d: complement, a: compared, ..Instruction::new(Code::PredNot) });
            [compared, complement]
        };
        // Both results read `c`, which may be one of them: combine first, move after.
        let mut moves = Vec::new();
        for (target, value) in targets.into_iter().zip(values) {
            moves.push((target, self.combine(value, third)));
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
        let comparison = Comparison::of(parts, &[modifiers, &[*from]].concat())?;
        let (sources, third) = self.combined(parts, &comparison, sources)?;
        let (truth, kind) = match (*to, comparison.pair) {
            ("u32" | "s32" | "b32", false) => (u32::MAX, Kind::Bits(32)),
            ("f32", false) => (1f32.to_bits(), Kind::Float(32)),
            ("u16" | "s16", false) => (0xffff, Kind::Bits(16)),
            ("f16", false) => (0x3c00, Kind::Float(16)),
            ("bf16", false) => (0x3f80, Kind::Float(16)),
            ("u32" | "s32", true) => (0xffff, Kind::Bits(32)),
            ("f16x2", true) => (0x3c00, Kind::Pair),
            ("bf16x2", true) => (0x3f80, Kind::Pair),
            _ => return Err(parts.unsupported()),
        };
        let d = self.destination(destination, kind)?;
        let (truth, zero) = (self.narrow(truth), self.narrow(0));
        let select = |d, c, code| Instruction { d, a: truth, b: zero, c, ..Instruction::new(code) };
        if comparison.pair {
            let mut halves = self.compare_halves(parts, &comparison, sources)?;
            for half in &mut halves {
                let c = self.combine(*half, third);
                *half = self.fresh(File::Narrow);
                self.help(select(*half, c, Code::SelpB16));
            }
            let [a, b] = halves;
            self.count(Instruction { d, a, b, ..Instruction::new(Code::PackB32) });
            return Ok(());
        }
        let flag = self.fresh(File::Predicate);
        let instruction = self.comparison(parts, &comparison, sources, flag)?;
        self.help(instruction);
        let c = self.combine(flag, third);
        let narrow = matches!(kind, Kind::Bits(16) | Kind::Float(16));
        self.count(select(d, c, if narrow { Code::SelpB16 } else { Code::SelpB32 }));
        Ok(())
    }

    /// The two compared operands, and the predicate that the result is combined with.
    fn combined<'o>(
        &mut self,
        parts: &Parts<'_>,
        comparison: &Comparison,
        sources: &'o [Operand],
    ) -> Outcome<Combined<'o>> {
        match (comparison.combine, sources) {
            (None, [_, _]) => Ok((sources, None)),
            (Some(code), [compared @ .., c]) if compared.len() == 2 => {
                Ok((compared, Some((code, self.source(c, Kind::Predicate)?))))
            }
            (combine, _) => {
                let wanted = if combine.is_some() { 4 } else { 3 };
                let got = sources.len() + 1;
                Err(parts.problem(format!("`{}` takes {wanted} operands, not {got}", parts.mnemonic())))
            }
        }
    }

    /// A comparison's result combined with a further predicate, if there is one.
    fn combine(&mut self, value: Slot, third: Option<(Code, Slot)>) -> Slot {
        let Some((code, c)) = third else { return value };
        let d = self.fresh(File::Predicate);
        self.help(Instruction { d, a: value, b: c, ..Instruction::new(code) });
        d
    }

    /// Compares the lower and the upper halves of two pairs.
    fn compare_halves(
        &mut self,
        parts: &Parts<'_>,
        comparison: &Comparison,
        sources: &[Operand],
    ) -> Outcome<[Slot; 2]> {
        let [a, b] = sources else { return Err(parts.unsupported()) };
        let (a, b) = (self.source(a, Kind::Pair)?, self.source(b, Kind::Pair)?);
        let (a, b) = if comparison.swapped { (b, a) } else { (a, b) };
        Ok([Code::LowB32, Code::HighB32].map(|half| {
            let (low, high) = (self.fresh(File::Narrow), self.fresh(File::Narrow));
            self.help(Instruction { d: low, a, ..Instruction::new(half) });
            self.help(Instruction { d: high, a: b, ..Instruction::new(half) });
            let d = self.fresh(File::Predicate);
            let m = comparison.modifiers.0;
            self.help(Instruction { d, a: low, b: high, m, ..Instruction::new(comparison.row.code) });
            d
        }))
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
    /// Whether both halves of a pair are compared, which the row does with one.
    pair: bool,
    /// How the result is combined with a further predicate.
    combine: Option<Code>,
}

impl Comparison {
    fn of(parts: &Parts<'_>, modifiers: &[&str]) -> Outcome<Self> {
        let [cmp, middle @ .., ty] = modifiers else { return Err(parts.unsupported()) };
        let (ty, pair) = match ty.strip_suffix("x2") {
            Some(one) => (one, true),
            None => (*ty, false),
        };
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
        // `.ftz` stands before or after the boolean operation.
        let mut combine = None;
        let mut spelled = vec![cmp];
        for modifier in middle {
            match *modifier {
                "and" if combine.is_none() => combine = Some(Code::PredAnd),
                "or" if combine.is_none() => combine = Some(Code::PredOr),
                "xor" if combine.is_none() => combine = Some(Code::PredXor),
                other => spelled.push(other),
            }
        }
        spelled.push(ty);
        let (row, modifiers) = row("setp", &spelled).ok_or_else(|| parts.unsupported())?;
        Ok(Comparison { row, modifiers, swapped, pair, combine })
    }
}

/// The offset of a variable that does not move, for checks at load time.
pub(super) fn fixed_offset(place: SymbolPlace) -> Option<u64> {
    match place {
        SymbolPlace::Offset(offset) => Some(offset),
        SymbolPlace::Module(_) | SymbolPlace::Frame(_) => None,
    }
}

/// The code that packs quarters into a half of what `pack` packs, and what a quarter is.
fn quarters(pack: Code) -> (Code, Kind) {
    if pack == Code::PackB64 { (Code::PackB32, Kind::Bits(16)) } else { (Code::PackB16, Kind::Bits(8)) }
}

/// The code that takes the lower half, and its fellow for the upper.
fn halves(low: Code) -> (Code, Code) {
    (
        low,
        match low {
            Code::LowB16 => Code::HighB16,
            Code::LowB32 => Code::HighB32,
            _ => Code::HighB64,
        },
    )
}
