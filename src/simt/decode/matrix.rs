//! Matrix instructions: `ldmatrix`, `stmatrix`, `movmatrix` and `mma`.

use pipe_ptx::ast::Operand;

use super::{Decoder, Outcome, Parts, Problem, operand::span_of};
use crate::{
    instruction::{Factor, Instruction, Layout, NO_SLOT, Place, Product, Space, Sum},
    isa::{Code, Kind},
    registers::{File, Slot},
};

/// Rows, columns and inner dimension of a shape such as `m16n8k16`.
pub(super) fn dimensions(shape: &str) -> Option<[u32; 3]> {
    let (m, rest) = shape.strip_prefix('m')?.split_once('n')?;
    let (n, k) = rest.split_once('k')?;
    Some([m.parse().ok()?, n.parse().ok()?, k.parse().ok()?])
}

/// Whether `mma.sync` has a shape for a type of factors.
fn has_shape(factor: Factor, shape: [u32; 3]) -> bool {
    match factor {
        Factor::F16 => matches!(shape, [8, 8, 4] | [16, 8, 8 | 16]),
        Factor::Bf16 => matches!(shape, [16, 8, 8 | 16]),
        Factor::Tf32 => matches!(shape, [16, 8, 4 | 8]),
        Factor::E4m3 | Factor::E5m2 => matches!(shape, [16, 8, 16 | 32]),
        Factor::U8 | Factor::S8 => matches!(shape, [8, 8, 16] | [16, 8, 16 | 32]),
        Factor::F64 => matches!(shape, [8, 8, 4] | [16, 8, 4 | 8 | 16]),
    }
}

impl Decoder<'_> {
    pub(super) fn load_matrix(&mut self, parts: &Parts<'_>) -> Outcome {
        let [target, address] = parts.exactly::<2>()?;
        self.matrix_access(parts, Code::LoadMatrix, address, target)
    }

    pub(super) fn store_matrix(&mut self, parts: &Parts<'_>) -> Outcome {
        let [address, source] = parts.exactly::<2>()?;
        self.matrix_access(parts, Code::StoreMatrix, address, source)
    }

    /// `.sync.aligned.m8n8.x4.trans.shared.b16`, the space left out or in another place too.
    fn matrix_access(
        &mut self,
        parts: &Parts<'_>,
        code: Code,
        address: &Operand,
        registers: &Operand,
    ) -> Outcome {
        let ["sync", "aligned", "m8n8", rest @ .., "b16"] = &parts.modifiers[..] else {
            return Err(parts.unsupported());
        };
        let (mut count, mut transposed, mut space) = (None, false, Space::Generic);
        for modifier in rest {
            match *modifier {
                "x1" => count = Some(1),
                "x2" => count = Some(2),
                "x4" => count = Some(4),
                "trans" => transposed = true,
                "shared" | "shared::cta" => space = Space::Shared,
                _ => return Err(parts.unsupported()),
            }
        }
        let count = count.ok_or_else(|| parts.unsupported())?;
        let mut access = self.plain_access(parts, address, space, 16)?;
        if !matches!(access.space, Space::Shared | Space::Generic) {
            return Err(parts.problem(format!("`{}` works on shared memory", parts.mnemonic())));
        }
        access.count = count;
        access.transposed = transposed;
        let how = if code == Code::LoadMatrix { Self::destination } else { Self::source };
        let slots = self.fragment(parts, registers, usize::from(count), Kind::Bits(32), how)?;
        for (place, slot) in access.places.iter_mut().zip(slots) {
            *place = Place { file: File::Narrow, slot };
        }
        self.emit_access(code, access);
        Ok(())
    }

    pub(super) fn move_matrix(&mut self, parts: &Parts<'_>) -> Outcome {
        if parts.modifiers != ["sync", "aligned", "m8n8", "trans", "b16"] {
            return Err(parts.unsupported());
        }
        let [destination, source] = parts.exactly::<2>()?;
        let a = self.source(source, Kind::Bits(32))?;
        let d = self.destination(destination, Kind::Bits(32))?;
        self.count(Instruction { d, a, ..Instruction::new(Code::TransposeMatrix) });
        Ok(())
    }

    /// `mma.sync.aligned.shape.alayout.blayout{.satfinite}.dtype.atype.btype.ctype`
    pub(super) fn multiply(&mut self, parts: &Parts<'_>) -> Outcome {
        let unsupported = || parts.unsupported();
        let ["sync", "aligned", shape, a_layout, b_layout, middle @ .., d_type, a_type, b_type, c_type] =
            &parts.modifiers[..]
        else {
            return Err(parts.unsupported());
        };
        let shape = dimensions(shape).ok_or_else(unsupported)?;
        let a_type = Factor::named(a_type).ok_or_else(unsupported)?;
        let b_type = Factor::named(b_type).ok_or_else(unsupported)?;
        let (c_type, d_type) = (Sum::named(c_type), Sum::named(d_type));
        let (c_type, d_type) = (c_type.ok_or_else(unsupported)?, d_type.ok_or_else(unsupported)?);
        let saturate = match middle {
            [] => false,
            // Of floating-point sums it changes nothing: they go to infinity only where the exact sum does.
            ["satfinite"] if matches!(a_type, Factor::U8 | Factor::S8) => true,
            _ => return Err(parts.unsupported()),
        };
        if !has_shape(a_type, shape) || !types_fit([a_type, b_type], [c_type, d_type]) {
            return Err(parts.unsupported());
        }
        let layout = match (a_type, shape, *a_layout, *b_layout) {
            (Factor::F16, [8, 8, 4], "row" | "col", "row" | "col") => {
                Layout::QuadPairs { a_by_rows: *a_layout == "row", b_by_rows: *b_layout == "row" }
            }
            (_, _, "row", "col") => Layout::Blocks,
            _ => return Err(parts.unsupported()),
        };
        let operands = parts.exactly::<4>()?;
        let shape = Shape { layout, shape, a_type, b_type, c_type, d_type, saturate };
        self.product(parts, operands, shape, None)
    }

    /// Emits a product. `factors` says how many registers the fragments of the factors have, where they have some that
    /// hold nothing.
    pub(super) fn product(
        &mut self,
        parts: &Parts<'_>,
        operands: &[Operand; 4],
        shape: Shape,
        factors: Option<usize>,
    ) -> Outcome {
        let Shape { layout, shape: [m, n, k], a_type, b_type, c_type, d_type, saturate } = shape;
        let (rows, columns) = (m / 8, n / 8);
        let depth = k / (4 * a_type.packed());
        let blocks = rows * columns;
        let flops = 2 * m * n * k;
        let (counts, flops) = match layout {
            Layout::Blocks => (
                [blocks * d_type.registers(), rows * depth, columns * depth, blocks * c_type.registers()],
                flops,
            ),
            Layout::QuadPairs { .. } => ([4 * d_type.registers(), 2, 2, 4 * c_type.registers()], 4 * flops),
        };
        let [d, a, b, c] = operands;
        let [d_count, a_count, b_count, c_count] = counts.map(|count| count as usize);
        let factor = match a_type {
            Factor::F16 => Kind::Pair,
            Factor::F64 => Kind::Float(64),
            _ => Kind::Bits(32),
        };
        let sum = |sum| match sum {
            Sum::F16 => Kind::Pair,
            Sum::F32 => Kind::Float(32),
            Sum::F64 => Kind::Float(64),
            Sum::S32 => Kind::Bits(32),
        };
        let product = Product {
            layout,
            rows: rows as u8,
            columns: columns as u8,
            depth: depth as u8,
            a_type,
            b_type,
            c_type,
            d_type,
            saturate,
            flops,
            a: self.fragment(parts, a, factors.unwrap_or(a_count), factor, Self::source)?,
            b: self.fragment(parts, b, factors.unwrap_or(b_count), factor, Self::source)?,
            c: self.fragment(parts, c, c_count, sum(c_type), Self::source)?,
            d: self.fragment(parts, d, d_count, sum(d_type), Self::destination)?,
        };
        let index = self.tables.products.len() as u16;
        self.tables.products.push(product);
        self.count(Instruction { m: index, ..Instruction::new(Code::Multiply) });
        Ok(())
    }

    /// The registers of a fragment: `{%r1, %r2}`, or one without braces.
    pub(super) fn fragment(
        &mut self,
        parts: &Parts<'_>,
        operand: &Operand,
        count: usize,
        kind: Kind,
        slot_of: impl Fn(&mut Self, &Operand, Kind) -> Outcome<Slot>,
    ) -> Outcome<[Slot; 8]> {
        let elements = match operand {
            Operand::Vector(elements, _) => elements,
            single => std::slice::from_ref(single),
        };
        if elements.len() != count {
            let message =
                format!("`{}` wants {count} registers here, not {}", parts.mnemonic(), elements.len());
            return Err(Problem::new(span_of(operand), message));
        }
        let mut slots = [NO_SLOT; 8];
        for (slot, element) in slots.iter_mut().zip(elements) {
            *slot = slot_of(self, element, kind)?;
        }
        Ok(slots)
    }
}

/// What a product's modifiers say.
pub(super) struct Shape {
    pub(super) layout: Layout,
    pub(super) shape: [u32; 3],
    pub(super) a_type: Factor,
    pub(super) b_type: Factor,
    pub(super) c_type: Sum,
    pub(super) d_type: Sum,
    pub(super) saturate: bool,
}

/// Whether factors may be multiplied with each other into such sums.
pub(super) fn types_fit(factors: [Factor; 2], sums: [Sum; 2]) -> bool {
    use Factor::*;
    match factors {
        [F16, F16] => matches!(sums, [Sum::F16 | Sum::F32, Sum::F16 | Sum::F32]),
        [E4m3 | E5m2, E4m3 | E5m2] => matches!(sums, [Sum::F16, Sum::F16] | [Sum::F32, Sum::F32]),
        [Bf16, Bf16] | [Tf32, Tf32] => sums == [Sum::F32; 2],
        [U8 | S8, U8 | S8] => sums == [Sum::S32; 2],
        [F64, F64] => sums == [Sum::F64; 2],
        _ => false,
    }
}
