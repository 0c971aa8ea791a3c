//! A decoded instruction and the side tables that wider ones point into.

mod product;

pub(crate) use product::{Factor, Layout, Product, Sum};

use crate::{
    isa::Code,
    lane::{convert::Conversion, video::Video},
    registers::{File, Slot},
};

/// The predicate an instruction runs under; 0 is none, so that the common case is one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Guard(u16);

impl Guard {
    /// No guard.
    pub(crate) const NONE: Guard = Guard(0);

    /// `@p`, or `@!p` where `negated`.
    pub(crate) fn new(predicate: Slot, negated: bool) -> Self {
        Guard((predicate + 1) << 1 | u16::from(negated))
    }

    /// The predicate's slot, if there is a guard.
    #[inline(always)]
    pub(crate) fn predicate(self) -> Option<Slot> {
        (self.0 >> 1).checked_sub(1)
    }

    /// Whether it is `@!p`.
    #[inline(always)]
    pub(crate) fn negated(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether there is none.
    #[inline(always)]
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// A decoded instruction, 16 bytes. `d` is the destination, `a`, `b`, `c`, `e` are sources; what `m` means is the
/// code's business: modifiers, a truth table, a special register, the index of an [`Access`] or a [`Conversion`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instruction {
    pub(crate) code: Code,
    pub(crate) d: Slot,
    pub(crate) a: Slot,
    pub(crate) b: Slot,
    pub(crate) c: Slot,
    pub(crate) e: Slot,
    pub(crate) m: u16,
    pub(crate) guard: Guard,
}

/// A slot that is not used.
pub(crate) const NO_SLOT: Slot = Slot::MAX;

impl Instruction {
    /// An instruction without operands.
    pub(crate) fn new(code: Code) -> Self {
        let none = NO_SLOT;
        Instruction { code, d: none, a: none, b: none, c: none, e: none, m: 0, guard: Guard::NONE }
    }
}

/// The state space of a memory access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    /// Any of global, shared and local, told apart by window.
    Generic,
    Global,
    /// Constant variables: global memory that is only read, without the requests of global memory.
    Const,
    Shared,
    Local,
    /// Parameters of the kernel.
    Param,
    /// Arguments and results of calls: in the thread's local memory, but no traffic of the program's own.
    Argument,
}

/// A register of a load or store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: File,
    pub(crate) slot: Slot,
}

/// Where and how a load, store or atomic reaches memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    pub(crate) space: Space,
    /// Bytes of one element: 1, 2, 4 or 8; of an atomic or a matrix's row 16 too.
    pub(crate) width: u8,
    /// Elements a lane: 1, 2 or 4, one register each. Of an atomic, the elements that it checks and counts for, of which
    /// it changes the first: none where the one of a vector's first element has done so.
    pub(crate) count: u8,
    /// Narrower signed elements extend their sign into the register.
    pub(crate) signed: bool,
    /// Width in bits to which a signed element is extended.
    pub(crate) register_bits: u8,
    /// The base address, in the wide file if `wide`, else zero-extended.
    pub(crate) address: Slot,
    pub(crate) wide: bool,
    /// Added to the base.
    pub(crate) offset: u64,
    /// The registers; [`NO_SLOT`] for a sink.
    pub(crate) places: [Place; 4],
    /// Whether its elements are of 32 bits and each has a narrow register, the commonest kind.
    pub(crate) is_words: bool,
    /// Loads of words within 16 bytes of each other that stand here in a row, this one the first.
    pub(crate) neighbours: u8,
    /// Whether matrices are transposed on their way.
    pub(crate) transposed: bool,
    /// What an atomic does.
    pub(crate) atomic: Option<AtomicOp>,
    /// Whether a load or store is made for others to see: volatile, relaxed, acquiring or releasing.
    pub(crate) strong: bool,
    /// Whether a store or an atomic lets others see what came before it, without a fence.
    pub(crate) releases: bool,
    /// Whether an atomic wants the old value in `places[0]`.
    pub(crate) returns: bool,
}

impl Place {
    /// No register.
    pub(crate) const NOWHERE: Place = Place { file: File::Narrow, slot: NO_SLOT };
}

impl Access {
    /// What most accesses have in common.
    pub(crate) const NONE: Access = Access {
        space: Space::Generic,
        width: 0,
        count: 1,
        signed: false,
        register_bits: 0,
        address: NO_SLOT,
        wide: true,
        offset: 0,
        places: [Place::NOWHERE; 4],
        is_words: false,
        neighbours: 1,
        transposed: false,
        atomic: None,
        strong: false,
        releases: false,
        returns: false,
    };
}

/// Read-modify-write operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "PTX's own names and types")]
pub(crate) enum AtomicOp {
    Exchange,
    CompareAndSwap,
    And,
    Or,
    Xor,
    Add,
    Inc,
    Dec,
    MinUnsigned,
    MaxUnsigned,
    MinSigned,
    MaxSigned,
    AddF32,
    AddF64,
    AddF16,
    AddF16x2,
    AddBf16,
    AddBf16x2,
    MinF16,
    MinF16x2,
    MinBf16,
    MinBf16x2,
    MaxF16,
    MaxF16x2,
    MaxBf16,
    MaxBf16x2,
}

impl AtomicOp {
    /// Whether it computes with floating-point numbers.
    pub(crate) fn is_float(self) -> bool {
        self as u8 >= AtomicOp::AddF32 as u8
    }

    /// Whether what is left in memory depends on the order of several of them.
    pub(crate) fn is_ordered(self) -> bool {
        use AtomicOp::*;
        matches!(
            self,
            Exchange | CompareAndSwap | Inc | Dec | AddF32 | AddF64 | AddF16 | AddF16x2 | AddBf16 | AddBf16x2
        )
    }
}

/// A constant that a register of its own holds from a warp's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Constant {
    /// A number.
    Bits(u64),
    /// The address of a module variable in global memory, by its index, plus bytes.
    Address(u32, u64),
}

/// Side tables of a kernel's instructions.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tables {
    pub(crate) accesses: Vec<Access>,
    pub(crate) conversions: Vec<Conversion>,
    pub(crate) videos: Vec<Video>,
    pub(crate) products: Vec<Product>,
    /// Constants and where each lives.
    pub(crate) constants: Vec<(Place, Constant)>,
    pub(crate) calls: Vec<Call>,
    /// For each `brx.idx` the instructions it can go to.
    pub(crate) branch_lists: Vec<Vec<u32>>,
    /// Registers that hold addresses in a function's frame.
    pub(crate) frame_pointers: Vec<FramePointer>,
}

/// A `call`.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) callee: Callee,
    /// Bytes of the caller's frame: the callee's begins after it.
    pub(crate) frame_bytes: u32,
}

/// What a `call` calls.
#[derive(Debug, Clone)]
pub(crate) enum Callee {
    /// A function of the kernel, by its index there.
    Function(u32),
    /// What the instruction's `a` points at: one of these functions of the module.
    Address {
        /// Offset and bytes of each result and argument.
        shape: Vec<(u32, u32)>,
    },
    /// A function that the device itself provides.
    Builtin(Builtin),
}

/// A function that CUDA's device runtime provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// `__assertfail(message, file, line, function, character_size)`
    AssertFail,
    /// `vprintf(format, arguments)`
    Print,
    /// `malloc(bytes)`
    Allocate,
    /// `free(address)`
    Free,
}

/// A wide register that a call sets to an offset in the frame of the function called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FramePointer {
    /// The function, by its index in the kernel.
    pub(crate) function: u32,
    pub(crate) slot: Slot,
    pub(crate) offset: u32,
}

/// How an instruction touches a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    Read,
    Write,
}

impl Instruction {
    /// Visits every register that the instruction touches, sources first, so that slots can be renamed.
    pub(crate) fn visit(&mut self, tables: &mut Tables, visit: &mut impl FnMut(Touch, File, &mut Slot)) {
        if let Some(mut slot) = self.guard.predicate() {
            visit(Touch::Read, File::Predicate, &mut slot);
            self.guard = Guard::new(slot, self.guard.negated());
        }
        if let Some(row) = self.code.row() {
            let sources = [&mut self.a, &mut self.b, &mut self.c, &mut self.e];
            for (kind, slot) in row.inputs.iter().zip(sources) {
                visit(Touch::Read, kind.file(), slot);
            }
            visit(Touch::Write, row.output.file(), &mut self.d);
            return;
        }
        let mut touch = |how, file, slot: &mut Slot| {
            if *slot != NO_SLOT {
                visit(how, file, slot);
            }
        };
        use {File::*, Touch::*};
        match self.code {
            Code::ReadSpecial => {
                touch(Write, Narrow, &mut self.d);
                touch(Write, Wide, &mut self.e);
            }
            Code::PredMov | Code::PredNot | Code::PredAnd | Code::PredOr | Code::PredXor => {
                touch(Read, Predicate, &mut self.a);
                touch(Read, Predicate, &mut self.b);
                touch(Write, Predicate, &mut self.d);
            }
            Code::Lop3 | Code::Video => {
                for slot in [&mut self.a, &mut self.b, &mut self.c] {
                    touch(Read, Narrow, slot);
                }
                touch(Write, Narrow, &mut self.d);
            }
            Code::Convert => {
                let conversion = tables.conversions[usize::from(self.m)];
                let file = |bits| if bits > 32 { Wide } else { Narrow };
                touch(Read, file(conversion.source_bits()), &mut self.a);
                touch(Read, Narrow, &mut self.b);
                touch(Write, file(conversion.register_bits), &mut self.d);
            }
            Code::Load | Code::Store | Code::Atomic | Code::LoadMatrix | Code::StoreMatrix => {
                let access = &mut tables.accesses[usize::from(self.m)];
                touch(Read, if access.wide { Wide } else { Narrow }, &mut access.address);
                let file = if access.width >= 8 { Wide } else { Narrow };
                if self.code == Code::Atomic {
                    for slot in [&mut self.a, &mut self.b, &mut self.c, &mut self.d] {
                        touch(Read, file, slot);
                    }
                }
                let stores = matches!(self.code, Code::Store | Code::StoreMatrix);
                let how = if stores { Read } else { Write };
                for place in &mut access.places {
                    touch(how, place.file, &mut place.slot);
                }
            }
            // The value in `a`, the lane operand in `b`, clamp and segment in `c`, the member mask in `e`.
            Code::ShuffleUp | Code::ShuffleDown | Code::ShuffleBfly | Code::ShuffleIdx => {
                for slot in [&mut self.a, &mut self.b, &mut self.c, &mut self.e] {
                    touch(Read, Narrow, slot);
                }
                touch(Write, Narrow, &mut self.d);
                touch(Write, Predicate, &mut self.m);
            }
            Code::Vote => {
                touch(Read, Predicate, &mut self.a);
                touch(Read, Narrow, &mut self.e);
                touch(Write, Predicate, &mut self.d);
                touch(Write, Narrow, &mut self.b);
            }
            Code::Match => {
                touch(Read, Narrow, &mut self.a);
                touch(Read, Wide, &mut self.b);
                touch(Read, Narrow, &mut self.e);
                touch(Write, Narrow, &mut self.d);
                touch(Write, Predicate, &mut self.c);
            }
            Code::Reduce => {
                touch(Read, Narrow, &mut self.a);
                touch(Read, Narrow, &mut self.e);
                touch(Write, Narrow, &mut self.d);
            }
            Code::CheckAlignment => {
                let access = &mut tables.accesses[usize::from(self.m)];
                touch(Read, if access.wide { Wide } else { Narrow }, &mut access.address);
            }
            Code::TransposeMatrix => {
                touch(Read, Narrow, &mut self.a);
                touch(Write, Narrow, &mut self.d);
            }
            Code::Multiply => tables.products[usize::from(self.m)].visit(&mut touch),
            // The object in the access `m`; count and bytes in `a` and `b`, what drops in `c`, the state in `d`.
            Code::BarrierInit
            | Code::BarrierArrive
            | Code::BarrierExpect
            | Code::BarrierComplete
            | Code::BarrierTrack => {
                let access = &mut tables.accesses[usize::from(self.m)];
                touch(Read, if access.wide { Wide } else { Narrow }, &mut access.address);
                for slot in [&mut self.a, &mut self.b, &mut self.c] {
                    touch(Read, Narrow, slot);
                }
                touch(Write, Wide, &mut self.d);
            }
            // A state in `a` or a parity in `b`.
            Code::BarrierTest => {
                let access = &mut tables.accesses[usize::from(self.m)];
                touch(Read, if access.wide { Wide } else { Narrow }, &mut access.address);
                touch(Read, Wide, &mut self.a);
                touch(Read, Narrow, &mut self.b);
                touch(Write, Predicate, &mut self.d);
            }
            // Destination, source and, of a load, mbarrier in the accesses from `m` on, the size in `c`.
            Code::BulkLoad | Code::BulkStore => {
                let count = if self.code == Code::BulkLoad { 3 } else { 2 };
                for access in &mut tables.accesses[usize::from(self.m)..][..count] {
                    touch(Read, if access.wide { Wide } else { Narrow }, &mut access.address);
                }
                touch(Read, Narrow, &mut self.c);
            }
            // The access to shared memory in `m` and the one to global memory after it; the bytes to read in `c`,
            // whether to read none in `d`.
            Code::CopyAsync => {
                for access in &mut tables.accesses[usize::from(self.m)..][..2] {
                    touch(Read, if access.wide { Wide } else { Narrow }, &mut access.address);
                }
                touch(Read, Narrow, &mut self.c);
                touch(Read, Predicate, &mut self.d);
            }
            Code::ActiveMask => touch(Write, Narrow, &mut self.d),
            Code::Elect => {
                touch(Read, Narrow, &mut self.e);
                touch(Write, Narrow, &mut self.d);
                touch(Write, Predicate, &mut self.c);
            }
            Code::WarpBarrier => touch(Read, Narrow, &mut self.e),
            Code::BranchIndexed | Code::Sleep => touch(Read, Narrow, &mut self.a),
            Code::Call => touch(Read, Wide, &mut self.a),
            Code::Barrier => {
                touch(Read, Narrow, &mut self.a);
                touch(Read, Narrow, &mut self.b);
                touch(Read, Predicate, &mut self.c);
                touch(Write, Predicate, &mut self.d);
                touch(Write, Narrow, &mut self.e);
            }
            _ => {}
        }
    }
}
