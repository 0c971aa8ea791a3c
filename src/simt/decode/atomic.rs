//! Atomics: `atom` and `red`.

use pipe_ptx::ast::{Operand, Type};

use super::{
    Decoder, Outcome, Parts, Problem,
    memory::{Shape, elements},
    operand::span_of,
    scope::Register,
};
use crate::{
    instruction::{Access, AtomicOp, Instruction, NO_SLOT, Place, Space},
    isa::{Code, Kind},
    registers::{File, Slot},
};

impl Decoder<'_> {
    pub(super) fn atomic(&mut self, parts: &Parts<'_>) -> Outcome {
        let returns = parts.opcode == "atom";
        let operands = if returns { parts.operands.get(1..).unwrap_or_default() } else { parts.operands };
        let result = parts.operands.first().filter(|_| returns);
        let shape = Shape::of(parts)?;
        let operation = shape.operation.ok_or_else(|| parts.unsupported())?;
        let (op, width) = atomic_op(operation, shape.ty).ok_or_else(|| parts.unsupported())?;
        let swap = op == AtomicOp::CompareAndSwap;
        // A further operand can only be a cache policy.
        let hint = usize::from(parts.has("L2::cache_hint"));
        let (address, first, second) = match operands {
            [address, first, rest @ ..] if !swap && rest.len() <= hint => (address, first, None),
            [address, first, second, rest @ ..] if swap && rest.len() <= hint => {
                (address, first, Some(second))
            }
            _ => return Err(parts.problem(format!("wrong number of operands for `{}`", parts.mnemonic()))),
        };
        if matches!(shape.space, Space::Local | Space::Param | Space::Const | Space::Argument)
            || swap && !returns
        {
            return Err(parts.unsupported());
        }
        let (slot, wide, offset, symbol) = self.address(address)?;
        let space = self.space_of(parts, shape.space, symbol)?;
        let access = Access {
            space,
            width,
            register_bits: width.min(8) * 8,
            address: slot,
            wide,
            offset,
            atomic: Some(op),
            releases: parts.has("release") || parts.has("acq_rel"),
            returns,
            ..Access::NONE
        };
        if width == 16 {
            return self.atomic_128(parts, access, result, first, second);
        }
        if shape.count > 1 {
            return self.atomic_vector(parts, &shape, access, result, first);
        }
        let kind = value_kind(shape.ty, width);
        let b = self.source(first, kind)?;
        let c = match second {
            Some(second) => self.source(second, kind)?,
            None => NO_SLOT,
        };
        let d = result.map(|result| self.destination(result, kind)).transpose()?;
        self.emit_atomic(access, kind.file(), d, [b, c, NO_SLOT, NO_SLOT]);
        Ok(())
    }

    /// Adds an atomic with its operand, the value that a compare-and-swap puts, and the upper halves of both.
    fn emit_atomic(&mut self, mut access: Access, file: File, d: Option<Slot>, values: [Slot; 4]) {
        if let Some(slot) = d {
            access.places[0] = Place { file, slot };
        }
        self.emit_access(Code::Atomic, access);
        if let Some(last) = self.code.last_mut() {
            [last.b, last.c, last.a, last.d] = values;
        }
    }

    /// `.v2`, `.v4` and `.v8`: an atomic for each element. The first checks and counts for all of them.
    fn atomic_vector(
        &mut self,
        parts: &Parts<'_>,
        shape: &Shape<'_>,
        access: Access,
        result: Option<&Operand>,
        source: &Operand,
    ) -> Outcome {
        let limit = if matches!(shape.ty, "f16" | "bf16") { 8 } else { 4 };
        let halves = matches!(shape.ty, "f16" | "bf16" | "f16x2" | "bf16x2");
        let known = matches!(access.atomic, Some(op) if op.is_float()) && (halves || shape.ty == "f32");
        if !known || shape.count > limit || !matches!(access.space, Space::Global | Space::Generic) {
            return Err(parts.unsupported());
        }
        let kind = value_kind(shape.ty, access.width);
        let mut values = Vec::new();
        for element in elements(source, shape.count, parts)? {
            values.push(self.source(element, kind)?);
        }
        let mut results = Vec::new();
        if let Some(result) = result {
            for element in elements(result, shape.count, parts)? {
                results.push((self.destination(element, kind)?, self.fresh(File::Narrow)));
            }
        }
        for (i, value) in values.into_iter().enumerate() {
            let access = Access {
                count: if i == 0 { shape.count } else { 0 },
                offset: access.offset.wrapping_add(i as u64 * u64::from(access.width)),
                ..access
            };
            let d = results.get(i).map(|(_, fresh)| *fresh);
            self.emit_atomic(access, File::Narrow, d, [value, NO_SLOT, NO_SLOT, NO_SLOT]);
            if i > 0
                && let Some(counted) = self.counted.last_mut()
            {
                *counted = false;
            }
        }
        // Results go to their registers last: those may be sources too.
        for (d, a) in results {
            self.help(Instruction { d, a, ..Instruction::new(Code::MovB32) });
        }
        Ok(())
    }

    /// `exch` and `cas` of 128 bits, in two registers of 64.
    fn atomic_128(
        &mut self,
        parts: &Parts<'_>,
        mut access: Access,
        result: Option<&Operand>,
        first: &Operand,
        second: Option<&Operand>,
    ) -> Outcome {
        let Some(result) = result else { return Err(parts.unsupported()) };
        let [d, d_high] = self.pair_128(result)?;
        let [b, b_high] = self.pair_128(first)?;
        let [c, c_high] = match second {
            Some(second) => self.pair_128(second)?,
            None => [NO_SLOT; 2],
        };
        access.places[1] = Place { file: File::Wide, slot: d_high };
        self.emit_atomic(access, File::Wide, Some(d), [b, c, b_high, c_high]);
        Ok(())
    }

    /// The two slots of a 128-bit register.
    pub(super) fn pair_128(&mut self, operand: &Operand) -> Outcome<[Slot; 2]> {
        match self.as_register(operand) {
            Some(Register { ty: Type::B128, slot }) => Ok([slot, slot + 1]),
            _ => Err(Problem::new(span_of(operand), "a 128-bit register is wanted here")),
        }
    }
}

/// What an atomic's operation and type mean, and its bytes.
fn atomic_op(operation: &str, ty: &str) -> Option<(AtomicOp, u8)> {
    use AtomicOp::*;
    let op = match (operation, ty) {
        ("exch", "b32" | "b64" | "b128" | "u32" | "s32" | "u64" | "s64" | "f32" | "f64") => Exchange,
        ("cas", "b16" | "b32" | "b64" | "b128" | "u32" | "s32" | "u64" | "s64") => CompareAndSwap,
        ("and", "b32" | "b64" | "u32" | "s32" | "u64" | "s64") => And,
        ("or", "b32" | "b64" | "u32" | "s32" | "u64" | "s64") => Or,
        ("xor", "b32" | "b64" | "u32" | "s32" | "u64" | "s64") => Xor,
        ("add", "u32" | "s32" | "u64" | "s64") => Add,
        ("add", "f32") => AddF32,
        ("add", "f64") => AddF64,
        ("add", "f16") => AddF16,
        ("add", "f16x2") => AddF16x2,
        ("add", "bf16") => AddBf16,
        ("add", "bf16x2") => AddBf16x2,
        ("min", "f16") => MinF16,
        ("min", "f16x2") => MinF16x2,
        ("min", "bf16") => MinBf16,
        ("min", "bf16x2") => MinBf16x2,
        ("max", "f16") => MaxF16,
        ("max", "f16x2") => MaxF16x2,
        ("max", "bf16") => MaxBf16,
        ("max", "bf16x2") => MaxBf16x2,
        ("inc", "u32") => Inc,
        ("dec", "u32") => Dec,
        ("min", "u32" | "u64") => MinUnsigned,
        ("max", "u32" | "u64") => MaxUnsigned,
        ("min", "s32" | "s64") => MinSigned,
        ("max", "s32" | "s64") => MaxSigned,
        _ => return None,
    };
    let width = match ty {
        "b16" | "f16" | "bf16" => 2,
        "b64" | "u64" | "s64" | "f64" => 8,
        "b128" => 16,
        _ => 4,
    };
    Some((op, width))
}

/// The kind of an atomic's value.
fn value_kind(ty: &str, width: u8) -> Kind {
    match ty {
        "f16x2" | "bf16x2" => Kind::Pair,
        "f32" | "f64" | "f16" | "bf16" => Kind::Float(width * 8),
        _ => Kind::Bits(width * 8),
    }
}
