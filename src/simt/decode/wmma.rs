//! `wmma`: matrices that are loaded from memory, multiplied and stored.
//!
//! How a matrix is spread over the lanes is ours to choose, and is that of `mma` ([`Product`](crate::instruction::Product)).
//! A load or store becomes the plain loads and stores of 4 bytes a lane, or of an element where the memory is laid out the
//! other way, that a GPU needs too; they are checked and counted as those are.

use std::cell::Cell;

use pipe_ptx::ast::{Literal, Operand};

use super::{
    Decoder, Outcome, Parts,
    matrix::{Shape, dimensions},
    operand::span_of,
};
use crate::{
    instruction::{Access, Factor, Instruction, Layout, Place, Space, Sum},
    isa::{Code, Kind},
    registers::{File, Slot},
    special::Special,
};

/// Which matrix of `d = a·b + c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    A,
    B,
    Sum,
}

/// A matrix as fragments have it: outer blocks of 8, rows of `a` and of the sums or columns of `b`, by inner blocks.
#[derive(Debug, Clone, Copy)]
struct Matrix {
    role: Role,
    outer_blocks: u32,
    inner_blocks: u32,
    /// Elements of an inner block that a lane has side by side.
    together: u32,
    /// Registers a block takes, each with its share of them.
    registers: u32,
    /// Bytes of an element.
    size: u32,
}

impl Matrix {
    /// Elements of a register.
    fn packed(self) -> u32 {
        self.together / self.registers
    }

    /// The first register of a block in the fragment's order.
    fn register(self, outer: u32, inner: u32) -> u32 {
        let block = match self.role {
            Role::A | Role::Sum => outer + self.outer_blocks * inner,
            Role::B => inner + self.inner_blocks * outer,
        };
        block * self.registers
    }
}

/// Whether `wmma` has a shape for a type of factors.
fn has_shape(factor: Factor, shape: [u32; 3]) -> bool {
    match factor {
        Factor::F16 | Factor::Bf16 | Factor::U8 | Factor::S8 => {
            matches!(shape, [16, 16, 16] | [32, 8, 16] | [8, 32, 16])
        }
        Factor::Tf32 => shape == [16, 16, 8],
        Factor::F64 => shape == [8, 8, 4],
        Factor::E4m3 | Factor::E5m2 => false,
    }
}

/// The factors whose products come in a shape with such sums, for the inner dimension of a shape.
fn sum_has_shape(sum: Sum, shape: [u32; 3]) -> bool {
    match sum {
        Sum::F32 => has_shape(Factor::F16, shape) || has_shape(Factor::Tf32, shape),
        Sum::F16 => has_shape(Factor::F16, shape),
        Sum::S32 => has_shape(Factor::S8, shape),
        Sum::F64 => has_shape(Factor::F64, shape),
    }
}

impl Decoder<'_> {
    pub(super) fn wmma(&mut self, parts: &Parts<'_>) -> Outcome {
        match parts.modifiers.first() {
            Some(&"load") => self.wmma_load(parts),
            Some(&"store") => self.wmma_store(parts),
            Some(&"mma") => self.wmma_multiply(parts),
            _ => Err(parts.unsupported()),
        }
    }

    /// `wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32`, or with the types of all four matrices.
    fn wmma_multiply(&mut self, parts: &Parts<'_>) -> Outcome {
        let unsupported = || parts.unsupported();
        let ["mma", "sync", "aligned", "row" | "col", "row" | "col", shape, types @ ..] =
            &parts.modifiers[..]
        else {
            return Err(parts.unsupported());
        };
        let shape = dimensions(shape).ok_or_else(unsupported)?;
        let (types, satfinite) = match types {
            [types @ .., "satfinite"] => (types, true),
            types => (types, false),
        };
        let (d_type, a_type, b_type, c_type) = match types {
            [d, c] => (*d, "f16", "f16", *c),
            [d, a, b, c] => (*d, *a, *b, *c),
            _ => return Err(parts.unsupported()),
        };
        let [a_type, b_type] = [a_type, b_type].map(Factor::named);
        let [c_type, d_type] = [c_type, d_type].map(Sum::named);
        let (a_type, b_type) = (a_type.ok_or_else(unsupported)?, b_type.ok_or_else(unsupported)?);
        let (c_type, d_type) = (c_type.ok_or_else(unsupported)?, d_type.ok_or_else(unsupported)?);
        let integers = matches!(a_type, Factor::U8 | Factor::S8);
        if !has_shape(a_type, shape)
            || !super::matrix::types_fit([a_type, b_type], [c_type, d_type])
            || satfinite && !integers
        {
            return Err(parts.unsupported());
        }
        let shape =
            Shape { layout: Layout::Blocks, shape, a_type, b_type, c_type, d_type, saturate: satfinite };
        // Fragments of halves have 8 registers whatever the shape.
        let factors = (a_type == Factor::F16).then_some(8);
        self.product(parts, parts.exactly::<4>()?, shape, factors)
    }

    fn wmma_load(&mut self, parts: &Parts<'_>) -> Outcome {
        let ["load", role @ ("a" | "b" | "c"), rest @ ..] = &parts.modifiers[..] else {
            return Err(parts.unsupported());
        };
        let (registers, address, stride) = match parts.operands {
            [registers, address] => (registers, address, None),
            [registers, address, stride] => (registers, address, Some(stride)),
            _ => return Err(parts.problem(format!("`{}` takes 2 or 3 operands", parts.mnemonic()))),
        };
        let form = Form::of(parts, role, rest)?;
        let count = form.registers();
        let (kind, matrix) = (form.kind, form.matrix);
        let slots = self.fragment(parts, registers, count, kind, Self::destination)?;
        let walk = self.walk(parts, &form, address, stride)?;
        let first = Cell::new(true);
        for outer in 0..matrix.outer_blocks {
            for inner in 0..matrix.inner_blocks {
                for register in 0..matrix.registers {
                    let d = slots[(matrix.register(outer, inner) + register) as usize];
                    self.load_register(&walk, [outer, inner, register], d, &first);
                }
            }
        }
        Ok(())
    }

    fn wmma_store(&mut self, parts: &Parts<'_>) -> Outcome {
        let ["store", "d", rest @ ..] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
        let (address, registers, stride) = match parts.operands {
            [address, registers] => (address, registers, None),
            [address, registers, stride] => (address, registers, Some(stride)),
            _ => return Err(parts.problem(format!("`{}` takes 2 or 3 operands", parts.mnemonic()))),
        };
        let form = Form::of(parts, "d", rest)?;
        let (kind, matrix) = (form.kind, form.matrix);
        let slots = self.fragment(parts, registers, form.registers(), kind, Self::source)?;
        let walk = self.walk(parts, &form, address, stride)?;
        let first = Cell::new(true);
        for outer in 0..matrix.outer_blocks {
            for inner in 0..matrix.inner_blocks {
                for register in 0..matrix.registers {
                    let slot = slots[(matrix.register(outer, inner) + register) as usize];
                    self.store_register(&walk, [outer, inner, register], slot, &first);
                }
            }
        }
        Ok(())
    }

    /// Adds an access that counts as an instruction if it is the first.
    fn part_access(&mut self, code: Code, access: Access, first: &Cell<bool>) {
        self.emit_access(code, access);
        if !first.replace(false)
            && let Some(counted) = self.counted.last_mut()
        {
            *counted = false;
        }
    }

    fn load_register(
        &mut self,
        walk: &Walk,
        [outer, inner, register]: [u32; 3],
        d: Slot,
        first: &Cell<bool>,
    ) {
        let matrix = walk.matrix;
        let packed = matrix.packed();
        let file = if matrix.size == 8 { File::Wide } else { File::Narrow };
        if walk.contiguous || packed == 1 {
            let (address, offset) = self.element(walk, outer, inner, register * packed);
            let width = packed * matrix.size;
            let access = walk.access(address, offset, width, Place { file, slot: d });
            self.part_access(Code::Load, access, first);
            return;
        }
        let mut elements = [0; 4];
        for (s, slot) in (0..packed).zip(&mut elements) {
            let (address, offset) = self.element(walk, outer, inner, register * packed + s);
            *slot = self.fresh(File::Narrow);
            let access = walk.access(address, offset, matrix.size, Place { file, slot: *slot });
            self.part_access(Code::Load, access, first);
        }
        let [a, b, c, e] = elements;
        if packed == 2 {
            self.help(Instruction { d, a, b, ..Instruction::new(Code::PackB32) });
            return;
        }
        // Bytes: two pairs, then both together.
        let pair = self.narrow(0x1140);
        let [low, high] = [(a, b), (c, e)].map(|(a, b)| {
            let d = self.fresh(File::Narrow);
            self.help(Instruction { d, a, b, c: pair, ..Instruction::new(Code::Prmt) });
            d
        });
        self.help(Instruction { d, a: low, b: high, ..Instruction::new(Code::PackB32) });
    }

    fn store_register(
        &mut self,
        walk: &Walk,
        [outer, inner, register]: [u32; 3],
        slot: Slot,
        first: &Cell<bool>,
    ) {
        let matrix = walk.matrix;
        let packed = matrix.packed();
        let file = if matrix.size == 8 { File::Wide } else { File::Narrow };
        if walk.contiguous || packed == 1 {
            let (address, offset) = self.element(walk, outer, inner, register * packed);
            let access = walk.access(address, offset, packed * matrix.size, Place { file, slot });
            self.part_access(Code::Store, access, first);
            return;
        }
        for (s, half) in (0..packed).zip([Code::LowB32, Code::HighB32]) {
            let d = self.fresh(File::Narrow);
            self.help(Instruction { d, a: slot, ..Instruction::new(half) });
            let (address, offset) = self.element(walk, outer, inner, register * packed + s);
            let access = walk.access(address, offset, matrix.size, Place { file, slot: d });
            self.part_access(Code::Store, access, first);
        }
    }

    /// Computes where each lane's elements begin.
    fn walk(
        &mut self,
        parts: &Parts<'_>,
        form: &Form,
        address: &Operand,
        stride: Option<&Operand>,
    ) -> Outcome<Walk> {
        let Form { matrix, contiguous, .. } = *form;
        let base = self.plain_access(parts, address, form.space, form.alignment())?;
        if !matches!(base.space, Space::Global | Space::Shared | Space::Generic) {
            return Err(parts.problem(format!("`{}` works on global and shared memory", parts.mnemonic())));
        }
        let stride = match stride {
            Some(Operand::Literal(Literal::Integer { bits, .. }, span)) => {
                let bits = u32::try_from(*bits)
                    .map_err(|_| super::Problem::new(*span, "the stride is too large"))?;
                self.narrow(bits)
            }
            Some(operand) => match self.as_register(operand) {
                Some(_) => self.source(operand, Kind::Integer(32))?,
                None => {
                    return Err(super::Problem::new(
                        span_of(operand),
                        "the stride is a register or a constant",
                    ));
                }
            },
            None => self.narrow(form.default_stride),
        };
        let lane = self.fresh(File::Narrow);
        self.help(self.special_into(Special::LaneId, false, lane));
        let two = self.narrow(2);
        let three = self.narrow(3);
        let group = self.help_narrow(Code::ShrU32, [lane, two]);
        let thread = self.help_narrow(Code::AndB32, [lane, three]);
        let together = self.narrow(matrix.together);
        // The lane's first element, counted in elements: along lines of the memory and across them.
        let along_thread = self.help_narrow(Code::MulLoI32, [thread, together]);
        let (lines, along) = if contiguous { (group, along_thread) } else { (along_thread, group) };
        let elements = self.fresh(File::Narrow);
        self.help(Instruction {
            d: elements,
            a: lines,
            b: stride,
            c: along,
            ..Instruction::new(Code::MadLoI32)
        });
        let size = self.narrow(matrix.size);
        let mut walk = Walk { matrix, contiguous, stride, base };
        walk.base.address = self.advance(&walk, elements, size);
        Ok(walk)
    }

    /// The base of a walk plus a product of two words.
    fn advance(&mut self, walk: &Walk, a: Slot, b: Slot) -> Slot {
        let (file, code) =
            if walk.base.wide { (File::Wide, Code::MadWideU32) } else { (File::Narrow, Code::MadLoI32) };
        let d = self.fresh(file);
        self.help(Instruction { d, a, b, c: walk.base.address, ..Instruction::new(code) });
        d
    }

    fn help_narrow(&mut self, code: Code, [a, b]: [Slot; 2]) -> Slot {
        let d = self.fresh(File::Narrow);
        self.help(Instruction { d, a, b, ..Instruction::new(code) });
        d
    }

    /// The register and the offset that give the address of a lane's element `s` of a block.
    fn element(&mut self, walk: &Walk, outer: u32, inner: u32, s: u32) -> (Slot, u32) {
        let matrix = walk.matrix;
        let along_inner = 4 * matrix.together * inner + s;
        let (line, along) = if walk.contiguous { (8 * outer, along_inner) } else { (along_inner, 8 * outer) };
        if line == 0 {
            return (walk.base.address, along * matrix.size);
        }
        let bytes = self.narrow(line * matrix.size);
        (self.advance(walk, walk.stride, bytes), along * matrix.size)
    }
}

/// What a load or store of a matrix looks like.
struct Form {
    matrix: Matrix,
    /// Elements of a block that a lane has side by side are so in memory.
    contiguous: bool,
    space: Space,
    /// Elements between lines where the instruction does not say.
    default_stride: u32,
    kind: Kind,
    /// Registers of the fragment beyond those that hold something.
    spare: u32,
}

impl Form {
    /// From `sync.aligned.layout.shape{.space}.type`.
    fn of(parts: &Parts<'_>, role: &str, modifiers: &[&str]) -> Outcome<Self> {
        let (layout, shape, space, ty) = match modifiers {
            ["sync", "aligned", layout, shape, ty] => (layout, shape, Space::Generic, ty),
            ["sync", "aligned", layout, shape, "global", ty] => (layout, shape, Space::Global, ty),
            ["sync", "aligned", layout, shape, "shared" | "shared::cta", ty] => {
                (layout, shape, Space::Shared, ty)
            }
            _ => return Err(parts.unsupported()),
        };
        let by_rows = match *layout {
            "row" => true,
            "col" => false,
            _ => return Err(parts.unsupported()),
        };
        let shape = dimensions(shape).ok_or_else(|| parts.unsupported())?;
        let [m, n, k] = shape;
        if matches!(role, "c" | "d") {
            let sum = Sum::named(ty).filter(|sum| sum_has_shape(*sum, shape));
            let sum = sum.ok_or_else(|| parts.unsupported())?;
            let (size, kind) = match sum {
                Sum::F16 => (2, Kind::Pair),
                Sum::F32 => (4, Kind::Float(32)),
                Sum::S32 => (4, Kind::Bits(32)),
                Sum::F64 => (8, Kind::Float(64)),
            };
            let matrix = Matrix {
                role: Role::Sum,
                outer_blocks: m / 8,
                inner_blocks: n / 8,
                together: 2,
                registers: sum.registers(),
                size,
            };
            let default_stride = if by_rows { n } else { m };
            return Ok(Form { matrix, contiguous: by_rows, space, default_stride, kind, spare: 0 });
        }
        let factor = Factor::named(ty).filter(|factor| has_shape(*factor, shape));
        let factor = factor.ok_or_else(|| parts.unsupported())?;
        let packed = factor.packed();
        let (role, outer) = if role == "a" { (Role::A, m) } else { (Role::B, n) };
        let matrix = Matrix {
            role,
            outer_blocks: outer / 8,
            inner_blocks: k / (4 * packed),
            together: packed,
            registers: 1,
            size: if factor == Factor::F64 { 8 } else { 4 / packed },
        };
        let kind = match factor {
            Factor::F16 => Kind::Pair,
            Factor::F64 => Kind::Float(64),
            _ => Kind::Bits(32),
        };
        // The inner dimension runs along the rows of `a` and down the columns of `b`.
        let contiguous = by_rows == (role == Role::A);
        let default_stride = if contiguous { k } else { outer };
        let used = matrix.outer_blocks * matrix.inner_blocks;
        let spare = if factor == Factor::F16 { 8 - used } else { 0 };
        Ok(Form { matrix, contiguous, space, default_stride, kind, spare })
    }

    fn registers(&self) -> usize {
        let Matrix { outer_blocks, inner_blocks, registers, .. } = self.matrix;
        (outer_blocks * inner_blocks * registers + self.spare) as usize
    }

    /// Bytes of the smallest access.
    fn alignment(&self) -> u8 {
        let Matrix { size, .. } = self.matrix;
        (if self.contiguous { size * self.matrix.packed() } else { size }) as u8
    }
}

/// The way through a matrix in memory.
struct Walk {
    matrix: Matrix,
    contiguous: bool,
    /// Elements from line to line.
    stride: Slot,
    /// The lane's first element.
    base: Access,
}

impl Walk {
    fn access(&self, address: Slot, offset: u32, width: u32, place: Place) -> Access {
        let mut access = Access {
            address,
            offset: self.base.offset.wrapping_add(u64::from(offset)),
            width: width as u8,
            register_bits: 8 * width as u8,
            ..self.base
        };
        access.places[0] = place;
        access
    }
}
