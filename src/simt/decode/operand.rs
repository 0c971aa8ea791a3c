//! Operands: registers checked against what the instruction wants, constants, special registers, addresses.

use pipe_ptx::ast::{Ident, Literal, Operand, Span, Type};

use super::{
    Decoder, Outcome, Problem,
    scope::{Register, Symbol, SymbolPlace, bits_of, file_of, type_name},
};
use crate::{
    instruction::{Constant, Instruction, Space},
    isa::{Code, Kind},
    registers::{File, Slot},
    special::Special,
};

/// Whether a register of that type may stand where that kind of operand is wanted (PTX ISA, "Operand Type Checking").
fn fits(ty: Type, kind: Kind) -> bool {
    let untyped = matches!(ty, Type::B16 | Type::B32 | Type::B64);
    let float = matches!(ty, Type::F16 | Type::Bf16 | Type::F32 | Type::F64 | Type::F16x2 | Type::Bf16x2);
    match kind {
        Kind::Bits(bits) => ty != Type::Pred && bits_of(ty) == bits,
        Kind::Integer(bits) => ty != Type::Pred && bits_of(ty) == bits && !float,
        Kind::Float(bits) => bits_of(ty) == bits && (float && !is_pair(ty) || untyped),
        Kind::Pair => is_pair(ty) || ty == Type::B32,
        Kind::Predicate => ty == Type::Pred,
    }
}

fn is_pair(ty: Type) -> bool {
    matches!(ty, Type::F16x2 | Type::Bf16x2)
}

/// A kind in words.
fn describe(kind: Kind) -> String {
    match kind {
        Kind::Bits(bits) => format!("a {bits}-bit register"),
        Kind::Integer(bits) => format!("a {bits}-bit integer register"),
        Kind::Float(bits) => format!("an f{bits} register"),
        Kind::Pair => "a register of two halves".to_owned(),
        Kind::Predicate => "a predicate".to_owned(),
    }
}

/// The place of an operand in the source.
pub(super) fn span_of(operand: &Operand) -> Span {
    match operand {
        Operand::Name(name) | Operand::Not(name) | Operand::Negated(name) => name.span,
        Operand::Literal(_, span) | Operand::Vector(_, span) | Operand::List(_, span) => *span,
        Operand::Offset { symbol, .. } | Operand::Element { symbol, .. } => symbol.span,
        Operand::Address(address) => address.span,
        Operand::Pair(first, _) => span_of(first),
    }
}

impl Decoder<'_> {
    /// The register that holds a constant in every lane.
    pub(super) fn constant(&mut self, file: File, constant: Constant) -> Slot {
        let constant = match constant {
            Constant::Bits(bits) if file == File::Narrow => Constant::Bits(bits & 0xffff_ffff),
            other => other,
        };
        if let Some(slot) = self.constants.get(&(file, constant)) {
            return *slot;
        }
        let slot = self.fresh(file);
        self.constants.insert((file, constant), slot);
        slot
    }

    /// A 64-bit constant.
    pub(super) fn wide(&mut self, bits: u64) -> Slot {
        self.constant(File::Wide, Constant::Bits(bits))
    }

    /// A constant of up to 32 bits.
    pub(super) fn narrow(&mut self, bits: u32) -> Slot {
        self.constant(File::Narrow, Constant::Bits(u64::from(bits)))
    }

    /// A source operand of the given kind.
    pub(super) fn source(&mut self, operand: &Operand, kind: Kind) -> Outcome<Slot> {
        let span = span_of(operand);
        match operand {
            Operand::Name(name) => {
                if let Some(register) = self.register(&name.name) {
                    return self.typed(name, register, kind);
                }
                if &*name.name == "%is_explicit_cluster" && kind == Kind::Predicate {
                    // Launches have no clusters.
                    return Ok(self.constant(File::Predicate, Constant::Bits(0)));
                }
                if name.name.starts_with('%')
                    && let Some((special, wide)) = Special::named(&name.name)
                {
                    return self.read_special(special, wide, kind, span);
                }
                if let Some(symbol) = self.symbol(&name.name) {
                    return self.symbol_address(symbol, 0, kind, span);
                }
                if let Some(address) = self.function_address(&name.name)
                    && matches!(kind, Kind::Bits(64) | Kind::Integer(64))
                {
                    return Ok(self.constant(File::Wide, address));
                }
                Err(match &*name.name {
                    "_" => Problem::new(span, "the sink `_` cannot be read"),
                    name if name.starts_with('%') => {
                        Problem::new(span, format!("special register `{name}` is not supported here"))
                    }
                    name => Problem::new(span, format!("`{name}` cannot be an operand here")),
                })
            }
            Operand::Not(name) => {
                let a = self.predicate_register(name)?;
                if kind != Kind::Predicate {
                    return Err(Problem::new(span, format!("{} is wanted, not a predicate", describe(kind))));
                }
                let d = self.fresh(File::Predicate);
                self.unguarded(Instruction { d, a, ..Instruction::new(Code::PredNot) });
                Ok(d)
            }
            Operand::Literal(literal, _) => {
                let bits = literal_for(*literal, kind).ok_or_else(|| {
                    Problem::new(span, format!("this constant cannot stand for {}", describe(kind)))
                })?;
                Ok(self.constant(kind.file(), Constant::Bits(bits)))
            }
            Operand::Offset { symbol: name, offset } => {
                if let Some(register) = self.register(&name.name) {
                    let a = self.typed(name, register, kind)?;
                    return self.plus(a, *offset, kind, span);
                }
                let symbol = self.symbol(&name.name).ok_or_else(|| {
                    Problem::new(span, format!("`{}` is not a variable with an address", name.name))
                })?;
                self.symbol_address(symbol, *offset, kind, span)
            }
            _ => Err(Problem::new(span, format!("{} is wanted here", describe(kind)))),
        }
    }

    /// The sum of a register and a constant.
    fn plus(&mut self, a: Slot, offset: i64, kind: Kind, span: Span) -> Outcome<Slot> {
        let (code, b) = match kind {
            Kind::Bits(32) | Kind::Integer(32) => (Code::AddI32, self.narrow(offset as u32)),
            Kind::Bits(64) | Kind::Integer(64) => (Code::AddI64, self.wide(offset as u64)),
            _ => return Err(Problem::new(span, format!("a sum where {} is wanted", describe(kind)))),
        };
        let d = self.fresh(kind.file());
        self.unguarded(Instruction { d, a, b, ..Instruction::new(code) });
        Ok(d)
    }

    /// A helper that runs whatever the guard says: its result only matters where the guarded instruction runs.
    fn unguarded(&mut self, instruction: Instruction) {
        let guard = std::mem::take(&mut self.guard);
        self.help(instruction);
        self.guard = guard;
    }

    fn typed(&self, name: &Ident, register: Register, kind: Kind) -> Outcome<Slot> {
        if fits(register.ty, kind) {
            return Ok(register.slot);
        }
        let ty = type_name(register.ty);
        Err(Problem::new(
            name.span,
            format!("`{}` is a {ty} register where {} is wanted", name.name, describe(kind)),
        ))
    }

    fn read_special(&mut self, special: Special, wide: bool, kind: Kind, span: Span) -> Outcome<Slot> {
        let file = if wide { File::Wide } else { File::Narrow };
        // Older code reads the lower half of a register that has become wider.
        let lower = match kind {
            Kind::Bits(64) | Kind::Integer(64) if wide => None,
            Kind::Bits(32) | Kind::Integer(32) if wide => Some(Code::LowB64),
            Kind::Bits(32) | Kind::Integer(32) => None,
            Kind::Bits(16) | Kind::Integer(16) if !wide => Some(Code::LowB32),
            _ => {
                let bits = if wide { 64 } else { 32 };
                let message =
                    format!("this special register has {bits} bits where {} is wanted", describe(kind));
                return Err(Problem::new(span, message));
            }
        };
        let slot = self.fresh(file);
        self.unguarded(self.special_into(special, wide, slot));
        let Some(code) = lower else { return Ok(slot) };
        let d = self.fresh(File::Narrow);
        self.unguarded(Instruction { d, a: slot, ..Instruction::new(code) });
        Ok(d)
    }

    /// The instruction that reads a special register into a slot.
    pub(super) fn special_into(&self, special: Special, wide: bool, slot: Slot) -> Instruction {
        let read = Instruction { m: special as u16, ..Instruction::new(Code::ReadSpecial) };
        if wide { Instruction { e: slot, ..read } } else { Instruction { d: slot, ..read } }
    }

    fn symbol_address(&mut self, symbol: Symbol, offset: i64, kind: Kind, span: Span) -> Outcome<Slot> {
        let file = match kind {
            Kind::Bits(64) | Kind::Integer(64) => File::Wide,
            Kind::Bits(32) | Kind::Integer(32) => File::Narrow,
            _ => return Err(Problem::new(span, format!("an address where {} is wanted", describe(kind)))),
        };
        if file == File::Narrow
            && matches!((symbol.place, symbol.space), (SymbolPlace::Module(_), Space::Global | Space::Const))
        {
            let message = "the address of a variable in global or constant memory has 64 bits, not 32";
            return Err(Problem::new(span, message).help("take it with `mov.u64`"));
        }
        if !matches!(symbol.place, SymbolPlace::Frame(_)) {
            return Ok(self.constant(file, address_constant(symbol, offset)));
        }
        // In a function's frame addresses are known when it is called.
        let base = self.symbol_base(symbol);
        let sum = if offset == 0 { base } else { self.plus(base, offset, Kind::Bits(64), span)? };
        if file == File::Wide {
            return Ok(sum);
        }
        let d = self.fresh(File::Narrow);
        self.unguarded(Instruction { d, a: sum, ..Instruction::new(Code::LowB64) });
        Ok(d)
    }

    /// The register that an instruction writes.
    pub(super) fn destination(&mut self, operand: &Operand, kind: Kind) -> Outcome<Slot> {
        match operand {
            Operand::Name(name) if &*name.name == "_" => Ok(self.fresh(kind.file())),
            Operand::Name(name) => match self.register(&name.name) {
                Some(register) => self.typed(name, register, kind),
                None => Err(Problem::new(name.span, format!("`{}` cannot be written", name.name))),
            },
            _ => Err(Problem::new(span_of(operand), "the destination must be a register")),
        }
    }

    /// The register an operand names, with its type; anything else is `None`.
    pub(super) fn as_register(&mut self, operand: &Operand) -> Option<Register> {
        match operand {
            Operand::Name(name) => self.register(&name.name),
            _ => None,
        }
    }

    /// As [`as_register`](Self::as_register), with special registers read into one.
    pub(super) fn as_register_or_special(&mut self, operand: &Operand) -> Option<Register> {
        if let Operand::Name(name) = operand
            && self.register(&name.name).is_none()
            && let Some((special, wide)) = Special::named(&name.name)
        {
            let (ty, file) = if wide { (Type::U64, File::Wide) } else { (Type::U32, File::Narrow) };
            let slot = self.fresh(file);
            self.unguarded(self.special_into(special, wide, slot));
            return Some(Register { ty, slot });
        }
        self.as_register(operand)
    }

    /// The address an operand `[…]` gives: base register, whether it is 64 bits wide, bytes to add, and the variable
    /// if the base is one.
    pub(super) fn address(&mut self, operand: &Operand) -> Outcome<(Slot, bool, u64, Option<Symbol>)> {
        if let Operand::Element { symbol, index, offset, scale } = operand {
            return self.element_address(symbol, index, *offset, *scale);
        }
        let Operand::Address(address) = operand else {
            return Err(Problem::new(span_of(operand), "an address in brackets is wanted"));
        };
        if !address.coordinates.is_empty() {
            return Err(Problem::new(address.span, "an address with coordinates is not supported"));
        }
        let Some(base) = &address.base else {
            return Ok((self.wide(address.offset as u64), true, 0, None));
        };
        if let Some(register) = self.register(&base.name) {
            let file = file_of(register.ty);
            let integer = fits(register.ty, Kind::Integer(32)) || fits(register.ty, Kind::Integer(64));
            if !integer {
                let ty = type_name(register.ty);
                return Err(Problem::new(
                    base.span,
                    format!("`{}` is a {ty} register and cannot be an address", base.name),
                ));
            }
            return Ok((register.slot, file == File::Wide, address.offset as u64, None));
        }
        let symbol = self.symbol(&base.name).ok_or_else(|| {
            Problem::new(base.span, format!("`{}` is neither a register nor a variable", base.name))
        })?;
        let slot = self.symbol_base(symbol);
        Ok((slot, true, address.offset as u64, Some(symbol)))
    }

    /// The address `array[%r1+2]`. Only its space is known at load time, so its extent is not checked there.
    fn element_address(
        &mut self,
        name: &Ident,
        index: &Ident,
        offset: i64,
        scale: u64,
    ) -> Outcome<(Slot, bool, u64, Option<Symbol>)> {
        let array = self
            .symbol(&name.name)
            .ok_or_else(|| Problem::new(name.span, format!("`{}` is not a variable", name.name)))?;
        let register = self
            .register(&index.name)
            .ok_or_else(|| Problem::new(index.span, format!("`{}` is not a register", index.name)))?;
        let base = self.symbol_base(array);
        let d = self.fresh(File::Wide);
        let bytes = (offset as u64).wrapping_mul(scale);
        if file_of(register.ty) == File::Wide {
            let a = self.typed(index, register, Kind::Integer(64))?;
            let b = self.wide(scale);
            self.unguarded(Instruction { d, a, b, c: base, ..Instruction::new(Code::MadLoI64) });
        } else {
            let a = self.typed(index, register, Kind::Integer(32))?;
            let b = self.narrow(scale as u32);
            self.unguarded(Instruction { d, a, b, c: base, ..Instruction::new(Code::MadWideU32) });
        }
        let anywhere = Symbol { bytes: u64::MAX, ..array };
        Ok((d, true, bytes, Some(anywhere)))
    }
}

/// The address of a variable in its own space.
pub(super) fn address_constant(symbol: Symbol, offset: i64) -> Constant {
    match (symbol.place, symbol.space) {
        (SymbolPlace::Module(index), Space::Global | Space::Const) => Constant::Address(index, offset as u64),
        (SymbolPlace::Module(_), _) => Constant::Bits(0),
        (SymbolPlace::Offset(place), _) => Constant::Bits(place.wrapping_add(offset as u64)),
        (SymbolPlace::Frame(place), _) => Constant::Bits(u64::from(place).wrapping_add(offset as u64)),
    }
}

/// The bits of a literal as an operand.
fn literal_for(literal: Literal, kind: Kind) -> Option<u64> {
    Some(match (literal, kind) {
        (Literal::Integer { bits, .. }, Kind::Bits(16) | Kind::Integer(16)) => bits & 0xffff,
        (Literal::Integer { bits, .. }, Kind::Bits(_) | Kind::Integer(_) | Kind::Predicate) => bits,
        (Literal::F32(bits), Kind::Float(32) | Kind::Bits(32)) => u64::from(bits),
        (Literal::F64(bits), Kind::Float(32) | Kind::Bits(32)) => {
            u64::from((f64::from_bits(bits) as f32).to_bits())
        }
        (Literal::F32(bits), Kind::Float(64)) => f64::from(f32::from_bits(bits)).to_bits(),
        (Literal::F64(bits), Kind::Float(64) | Kind::Bits(64)) => bits,
        _ => return None,
    })
}
