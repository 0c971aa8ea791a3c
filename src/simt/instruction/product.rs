//! A matrix product that a warp computes together: `mma` and `wmma.mma`.

use crate::registers::{File, Slot};

use super::{NO_SLOT, Touch};

/// The type of the factors' elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "PTX's own names and types")]
pub(crate) enum Factor {
    F16,
    Bf16,
    Tf32,
    E4m3,
    E5m2,
    U8,
    S8,
    F64,
}

impl Factor {
    /// PTX's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "f16" => Factor::F16,
            "bf16" => Factor::Bf16,
            "tf32" => Factor::Tf32,
            "e4m3" => Factor::E4m3,
            "e5m2" => Factor::E5m2,
            "u8" => Factor::U8,
            "s8" => Factor::S8,
            "f64" => Factor::F64,
            _ => return None,
        })
    }

    /// Elements in a register.
    pub(crate) fn packed(self) -> u32 {
        match self {
            Factor::F16 | Factor::Bf16 => 2,
            Factor::E4m3 | Factor::E5m2 | Factor::U8 | Factor::S8 => 4,
            Factor::Tf32 | Factor::F64 => 1,
        }
    }
}

/// The type of the elements of the addend, or of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "PTX's own names and types")]
pub(crate) enum Sum {
    F16,
    F32,
    F64,
    S32,
}

impl Sum {
    /// PTX's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "f16" => Sum::F16,
            "f32" => Sum::F32,
            "f64" => Sum::F64,
            "s32" => Sum::S32,
            _ => return None,
        })
    }

    /// Registers that hold 8 by 8 elements.
    pub(crate) fn registers(self) -> u32 {
        match self {
            Sum::F16 => 1,
            Sum::F32 | Sum::F64 | Sum::S32 => 2,
        }
    }

    fn file(self) -> File {
        if self == Sum::F64 { File::Wide } else { File::Narrow }
    }
}

/// Which lane holds which elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// By blocks, see [`Product`].
    Blocks,
    /// `m8n8k4` on halves: four products at once, each by 8 lanes (PTX ISA, "Matrix Fragments for mma.m8n8k4 with .f16
    /// floating point type"), with the factors by rows or by columns.
    QuadPairs { a_by_rows: bool, b_by_rows: bool },
}

/// `d = a·b + c` by all lanes of a warp.
///
/// In the layout by blocks, lane `4g + t` of a register of `a` holds row `g` and columns `t·p` to `t·p + p - 1` of a
/// block of 8 rows and `4p` columns, where `p` elements are [packed](Factor::packed) in a register; registers go down
/// the rows first. A register of `b` holds the same of `b` transposed, those of one block of 8 columns first. Of `c` and
/// `d` the lane holds row `g`, columns `2t` and `2t + 1` of a block of 8 by 8, in two registers or, as halves, in one;
/// blocks go down the rows first. That is how the ISA draws the fragments of `mma`; those of `wmma` are ours to choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product {
    pub(crate) layout: Layout,
    /// Blocks of 8 rows of the result: 1, 2 or 4.
    pub(crate) rows: u8,
    /// Blocks of 8 columns of the result: 1, 2 or 4.
    pub(crate) columns: u8,
    /// Registers that the inner dimension spans: 1, 2 or 4.
    pub(crate) depth: u8,
    pub(crate) a_type: Factor,
    pub(crate) b_type: Factor,
    pub(crate) c_type: Sum,
    pub(crate) d_type: Sum,
    /// Integer results stop at the ends of their range instead of wrapping.
    pub(crate) saturate: bool,
    /// Floating-point operations of the whole warp: two for each product.
    pub(crate) flops: u32,
    pub(crate) a: [Slot; 8],
    pub(crate) b: [Slot; 8],
    pub(crate) c: [Slot; 8],
    pub(crate) d: [Slot; 8],
}

impl Product {
    /// Visits the registers, see [`Instruction::visit`](super::Instruction::visit).
    pub(super) fn visit(&mut self, touch: &mut impl FnMut(Touch, File, &mut Slot)) {
        let factors = if self.a_type == Factor::F64 { File::Wide } else { File::Narrow };
        let sources = [(&mut self.a, factors), (&mut self.b, factors), (&mut self.c, self.c_type.file())];
        let used = |slot: &&mut Slot| **slot != NO_SLOT;
        for (slots, file) in sources {
            slots.iter_mut().filter(used).for_each(|slot| touch(Touch::Read, file, slot));
        }
        self.d.iter_mut().filter(used).for_each(|slot| touch(Touch::Write, self.d_type.file(), slot));
    }
}
