//! Loads and stores.

use pipe_ptx::ast::{Operand, Type};

use super::{
    Decoder, Outcome, Parts, Problem,
    operand::span_of,
    scope::{Symbol, bits_of, file_of, type_name},
    value::fixed_offset,
};
use crate::{
    instruction::{Access, Instruction, NO_SLOT, Place, Space},
    isa::{Code, Kind},
    registers::File,
};

/// What the modifiers of a memory instruction say.
pub(super) struct Shape<'a> {
    pub(super) space: Space,
    /// Elements a lane.
    pub(super) count: u8,
    /// The type, PTX's name of it.
    pub(super) ty: &'a str,
    /// The operation of an atomic.
    pub(super) operation: Option<&'a str>,
}

/// Modifiers that say how caches and the memory model are used: without effect here, where memory is always in order.
fn is_hint(modifier: &str) -> bool {
    matches!(
        modifier,
        "weak"
            | "volatile"
            | "relaxed"
            | "acquire"
            | "release"
            | "acq_rel"
            | "mmio"
            | "nc"
            | "unified"
            | "cta"
            | "cluster"
            | "gpu"
            | "sys"
            | "ca"
            | "cg"
            | "cs"
            | "lu"
            | "cv"
            | "wb"
            | "wt"
            | "noftz"
    ) || modifier.starts_with("L1::")
        || modifier.starts_with("L2::")
}

impl<'a> Shape<'a> {
    pub(super) fn of(parts: &Parts<'a>) -> Outcome<Self> {
        let mut shape = Shape { space: Space::Generic, count: 1, ty: "", operation: None };
        for modifier in &parts.modifiers {
            match *modifier {
                "global" => shape.space = Space::Global,
                "shared" | "shared::cta" => shape.space = Space::Shared,
                "local" => shape.space = Space::Local,
                "param" | "param::entry" => shape.space = Space::Param,
                "param::func" => shape.space = Space::Argument,
                "const" => shape.space = Space::Const,
                "v2" => shape.count = 2,
                "v4" => shape.count = 4,
                "v8" => shape.count = 8,
                "exch" | "cas" | "and" | "or" | "xor" | "add" | "inc" | "dec" | "min" | "max" => {
                    shape.operation = Some(modifier);
                }
                hint if is_hint(hint) => {}
                ty if shape.ty.is_empty() => shape.ty = ty,
                _ => return Err(parts.unsupported()),
            }
        }
        Ok(shape)
    }
}

/// Bytes, signedness and whether it is a float, of a type in memory.
fn memory_type(name: &str) -> Option<(u8, bool, bool)> {
    Some(match name {
        "b8" | "u8" => (1, false, false),
        "s8" => (1, true, false),
        "b16" | "u16" => (2, false, false),
        "s16" => (2, true, false),
        "b32" | "u32" => (4, false, false),
        "s32" => (4, true, false),
        "f32" => (4, false, true),
        "b64" | "u64" => (8, false, false),
        "s64" => (8, true, false),
        "f64" => (8, false, true),
        _ => return None,
    })
}

impl Decoder<'_> {
    pub(super) fn load(&mut self, parts: &Parts<'_>) -> Outcome {
        let [target, address, rest @ ..] = parts.operands else {
            return Err(parts.problem(format!("`{}` takes 2 operands", parts.mnemonic())));
        };
        // A further operand can only be a cache policy.
        if rest.len() > usize::from(parts.has("L2::cache_hint")) {
            return Err(parts.problem(format!("`{}` takes 2 operands", parts.mnemonic())));
        }
        let mut access = self.access(parts, address)?;
        if parts.has("b128") {
            access.places[..2].copy_from_slice(&self.places_128(target)?);
            self.emit_access(Code::Load, access);
            return Ok(());
        }
        let elements = elements(target, access.count, parts)?;
        let mut places = [Place::NOWHERE; 8];
        for (place, element) in places.iter_mut().zip(elements) {
            *place = self.load_place(parts, element, &mut access)?;
        }
        self.emit_halves(Code::Load, access, &places);
        Ok(())
    }

    /// The two registers of a 128-bit one.
    fn places_128(&mut self, operand: &Operand) -> Outcome<[Place; 2]> {
        Ok(self.pair_128(operand)?.map(|slot| Place { file: File::Wide, slot }))
    }

    /// Emits an access, one of 32 bytes a lane as two of 16.
    fn emit_halves(&mut self, code: Code, mut access: Access, places: &[Place; 8]) {
        if access.width * access.count <= 16 {
            access.places.copy_from_slice(&places[..4]);
            self.emit_access(code, access);
            return;
        }
        let half = usize::from(access.count / 2);
        let bytes = u64::from(access.width) * half as u64;
        let mut halves =
            [(access.offset, &places[..half]), (access.offset.wrapping_add(bytes), &places[half..2 * half])];
        // A load may overwrite its own address: by its second half, if it has to.
        let file = if access.wide { File::Wide } else { File::Narrow };
        if code == Code::Load && halves[0].1.contains(&Place { file, slot: access.address }) {
            halves.swap(0, 1);
        }
        let whole = self.tables.accesses.len() as u16;
        self.tables.accesses.push(access);
        self.help(Instruction { m: whole, ..Instruction::new(Code::CheckAlignment) });
        for (i, (offset, places)) in halves.into_iter().enumerate() {
            let mut part = Access { offset, count: half as u8, ..access };
            part.places[..half].copy_from_slice(places);
            self.emit_access(code, part);
            if i > 0
                && let Some(counted) = self.counted.last_mut()
            {
                *counted = false;
            }
        }
    }

    fn load_place(&mut self, parts: &Parts<'_>, element: &Operand, access: &mut Access) -> Outcome<Place> {
        if matches!(element, Operand::Name(name) if &*name.name == "_") {
            return Ok(Place::NOWHERE);
        }
        let Some(register) = self.as_register(element) else {
            return Err(Problem::new(span_of(element), "a load needs a register to write"));
        };
        self.check_width(parts, element, register.ty, access)?;
        access.register_bits = bits_of(register.ty).max(access.register_bits);
        Ok(Place { file: file_of(register.ty), slot: register.slot })
    }

    pub(super) fn store(&mut self, parts: &Parts<'_>) -> Outcome {
        let [address, source, rest @ ..] = parts.operands else {
            return Err(parts.problem(format!("`{}` takes 2 operands", parts.mnemonic())));
        };
        if rest.len() > usize::from(parts.has("L2::cache_hint")) {
            return Err(parts.problem(format!("`{}` takes 2 operands", parts.mnemonic())));
        }
        let mut access = self.access(parts, address)?;
        if matches!(access.space, Space::Param | Space::Const) {
            return Err(parts.problem(format!("`{}` writes to a space that is only read", parts.mnemonic())));
        }
        if parts.has("b128") {
            access.places[..2].copy_from_slice(&self.places_128(source)?);
            self.emit_access(Code::Store, access);
            return Ok(());
        }
        let elements = elements(source, access.count, parts)?;
        let mut places = [Place::NOWHERE; 8];
        for (i, element) in elements.iter().enumerate() {
            places[i] = match self.as_register(element) {
                Some(register) => {
                    self.check_width(parts, element, register.ty, &access)?;
                    Place { file: file_of(register.ty), slot: register.slot }
                }
                None => {
                    let bits = (access.width * 8).max(16);
                    let kind = if parts.has("f32") || parts.has("f64") {
                        Kind::Float(bits)
                    } else {
                        Kind::Bits(bits)
                    };
                    let file = if bits == 64 { File::Wide } else { File::Narrow };
                    Place { file, slot: self.source(element, kind)? }
                }
            };
        }
        self.emit_halves(Code::Store, access, &places);
        Ok(())
    }

    /// A register must hold the type, a float one exactly.
    fn check_width(&self, parts: &Parts<'_>, element: &Operand, ty: Type, access: &Access) -> Outcome {
        let (have, need) = (bits_of(ty), access.width * 8);
        let float = parts.has("f32") || parts.has("f64");
        let register_is_float = matches!(ty, Type::F32 | Type::F64);
        let fits = ty != Type::Pred
            && have >= need
            && (!float || have == need && (register_is_float || matches!(ty, Type::B32 | Type::B64)))
            && (float
                || !register_is_float
                || have == need && parts.modifiers.iter().any(|m| m.starts_with('b')));
        if fits {
            return Ok(());
        }
        let message = format!("a {} register does not fit `{}`", type_name(ty), parts.mnemonic());
        Err(Problem::new(span_of(element), message))
    }

    /// The access that a load's or store's modifiers and address describe, without registers.
    fn access(&mut self, parts: &Parts<'_>, address: &Operand) -> Outcome<Access> {
        let mut shape = Shape::of(parts)?;
        let (width, signed, _) = if shape.ty == "b128" && shape.count == 1 {
            shape.count = 2;
            (8, false, false)
        } else {
            memory_type(shape.ty).ok_or_else(|| parts.unsupported())?
        };
        // 32 bytes only of global memory, and only in elements of 4 and 8.
        let limit = if shape.space == Space::Global && width >= 4 { 32 } else { 16 };
        if shape.operation.is_some() || width * shape.count > limit {
            return Err(parts.unsupported());
        }
        let (slot, wide, offset, symbol) = self.address(address)?;
        let space = self.space_of(parts, shape.space, symbol)?;
        let bytes = u64::from(width) * u64::from(shape.count);
        if let Some(symbol) = symbol {
            self.check_extent(parts, symbol, offset, bytes)?;
        }
        let strong = |m: &&str| matches!(*m, "volatile" | "relaxed" | "acquire" | "release" | "mmio");
        Ok(Access {
            strong: parts.modifiers.iter().any(strong),
            releases: parts.has("release"),
            space,
            width,
            count: shape.count,
            signed,
            address: slot,
            wide,
            offset,
            ..Access::NONE
        })
    }

    /// An access of `width` bytes a lane to one space, by its address alone.
    pub(super) fn plain_access(
        &mut self,
        parts: &Parts<'_>,
        address: &Operand,
        space: Space,
        width: u8,
    ) -> Outcome<Access> {
        let (slot, wide, offset, symbol) = self.address(address)?;
        let space = self.space_of(parts, space, symbol)?;
        if let Some(symbol) = symbol {
            self.check_extent(parts, symbol, offset, u64::from(width))?;
        }
        Ok(Access { space, width, address: slot, wide, offset, ..Access::NONE })
    }

    /// The space of an access: a variable named in the brackets says its own where the instruction is generic.
    pub(super) fn space_of(&self, parts: &Parts<'_>, space: Space, symbol: Option<Symbol>) -> Outcome<Space> {
        match symbol {
            Some(symbol) if space == Space::Generic => Ok(symbol.space),
            // Parameters of a function, and those of calls, are written as those of a kernel are.
            Some(Symbol { space: Space::Argument, .. }) if space == Space::Param => Ok(Space::Argument),
            None if space == Space::Param && self.frame.function.is_some() && !parts.has("param::entry") => {
                Ok(Space::Argument)
            }
            Some(symbol) if symbol.space != space => {
                Err(parts.problem(format!("`{}` names a variable of another state space", parts.mnemonic())))
            }
            _ => Ok(space),
        }
    }

    /// An access to a variable by name must lie within it.
    fn check_extent(&self, parts: &Parts<'_>, symbol: Symbol, offset: u64, bytes: u64) -> Outcome {
        let dynamic = symbol.space == Space::Shared && symbol.bytes == 0;
        if dynamic || offset.checked_add(bytes).is_some_and(|end| end <= symbol.bytes) {
            let address = fixed_offset(symbol.place).unwrap_or(0).wrapping_add(offset);
            if symbol.space == Space::Param && !address.is_multiple_of(bytes) {
                return Err(parts.problem(format!("the parameter is not aligned to {bytes} bytes here")));
            }
            return Ok(());
        }
        Err(parts.problem(format!(
            "bytes {} to {} are outside the variable, which has {}",
            offset as i64,
            (offset as i64).wrapping_add(bytes as i64),
            symbol.bytes
        )))
    }

    pub(super) fn emit_access(&mut self, code: Code, access: Access) -> usize {
        let narrow = |place: &Place| place.file == File::Narrow && place.slot != NO_SLOT;
        let all_narrow = access.places.iter().take(usize::from(access.count)).all(narrow);
        let access = Access { is_words: access.width == 4 && all_narrow, ..access };
        let index = self.tables.accesses.len();
        self.tables.accesses.push(access);
        self.count(Instruction { m: index as u16, ..Instruction::new(code) });
        index
    }
}

/// The operands of a vector, or the one operand, as many as wanted.
pub(super) fn elements<'o>(operand: &'o Operand, count: u8, parts: &Parts<'_>) -> Outcome<&'o [Operand]> {
    let elements = match operand {
        Operand::Vector(elements, _) => elements,
        single => std::slice::from_ref(single),
    };
    if elements.len() == usize::from(count) {
        return Ok(elements);
    }
    let message = format!("`{}` wants {count} registers, not {}", parts.mnemonic(), elements.len());
    Err(Problem::new(span_of(operand), message))
}
