//! The loops over lanes that execute the op table's rows.
//!
//! Each copies its operands, computes all 32 lanes and stores those in the mask. The arrays never see memory: LLVM keeps
//! them in vector registers.
//!
//! The commonest operations are inlined into the interpreter's loop; the others sit in one function for each counting
//! class, a call away, which keeps every function small enough to compile quickly and well.

#![allow(
    clippy::double_comparisons,
    clippy::neg_cmp_op_on_partial_ord,
    reason = "the op table's comparisons tell ordered from unordered operands"
)]

use crate::{
    instruction::Instruction,
    isa::{Class, Code, for_each_lane_op, takes_modifiers},
    lane::{
        approx,
        float::{self, Modified, Modifiers},
        half::{Half, Pair},
        int, round,
    },
    level::{Baseline, Level},
    registers::{Element, LANES},
    warp::Warp,
};

/// Whether an operation is worth a place in the interpreter's loop.
const fn is_common(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        AddI32
            | SubI32
            | MulLoI32
            | MadLoI32
            | MulWideU32
            | MulWideS32
            | AddI64
            | SubI64
            | MulLoI64
            | AndB32
            | OrB32
            | XorB32
            | ShlB32
            | ShrU32
            | ShrS32
            | ShlB64
            | AddF32
            | SubF32
            | MulF32
            | FmaF32
            | MaxF32
            | MinF32
            | SetpEqB32
            | SetpNeB32
            | SetpLtU32
            | SetpLeU32
            | SetpLtS32
            | SetpLeS32
            | SetpEqB64
            | SetpNeB64
            | SetpLtU64
            | SetpLtF32
            | SetpLeF32
            | SelpB32
            | MovB32
            | MovB64
            | CvtU64U32
            | CvtS64S32
            | CvtU32U64
    )
}

/// The match over the op table. Rows for which `$chosen` holds, which is known at compile time, become the loop that
/// executes them; `$otherwise` takes care of the rest.
macro_rules! execute {
    ([$instruction:ident, $level:ident, $warp:ident, $mask:ident, $modified:expr,
      |$code:ident, $of_class:ident, $modal:ident, $is_cold:ident| $chosen:expr, $otherwise:expr]
     $($name:ident $spelling:literal ($($input:ident)*) -> $output:ident $class:ident $(* $flops:literal)? $($cold:ident)?:
        |$($argument:ident),*| $body:expr;)*) => {{
        #[allow(unused_imports, reason = "not every type is used by name")]
        use crate::isa::types::*;
        match $instruction.code {
            $( Code::$name => if const {
                let ($code, $of_class, $modal) = (Code::$name, Class::$class as u8, takes_modifiers($spelling));
                let $is_cold = false $(|| matches!(stringify!($cold).as_bytes(), b"cold"))?;
                $chosen
            } {
                execute!(@map [$level, $warp, $mask, $instruction, $modified] ($($input)*)
                    |$($argument: $input),*| -> $output { $body })
            } else {
                $otherwise
            }, )*
            _ => {}
        }
    }};
    (@map [$level:ident, $warp:ident, $mask:ident, $instruction:ident, $modified:expr] ($a:ident) $lane:expr) => {
        map1::<{ $modified }, _, _, _>($level, $warp, $mask, $instruction, $lane)
    };
    (@map [$level:ident, $warp:ident, $mask:ident, $instruction:ident, $modified:expr]
     ($a:ident $b:ident) $lane:expr) => {
        map2::<{ $modified }, _, _, _, _>($level, $warp, $mask, $instruction, $lane)
    };
    (@map [$level:ident, $warp:ident, $mask:ident, $instruction:ident, $modified:expr]
     ($a:ident $b:ident $c:ident) $lane:expr) => {
        map3::<{ $modified }, _, _, _, _, _>($level, $warp, $mask, $instruction, $lane)
    };
    (@map [$level:ident, $warp:ident, $mask:ident, $instruction:ident, $modified:expr]
     ($a:ident $b:ident $c:ident $e:ident) $lane:expr) => {
        map4($level, $warp, $mask, $instruction, $lane)
    };
}

/// Executes an operation of the table.
#[inline(always)]
pub(super) fn lane_op<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    if instruction.m != 0 {
        return modified(level, warp, mask, instruction);
    }
    for_each_lane_op! { execute [
        instruction, level, warp, mask, false,
        |code, _class, _modal, _cold| is_common(code),
        rare(level, warp, mask, instruction)
    ] }
}

/// Executes an operation that is not common.
#[inline(never)]
fn rare<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    const FLOAT: u8 = Class::Float as u8;
    const INTEGER: u8 = Class::Integer as u8;
    const SPECIAL: u8 = Class::Special as u8;
    const CONVERT: u8 = Class::Convert as u8;
    const MOVE: u8 = Class::Move as u8;
    if instruction.code.is_cold() {
        return cold(warp, mask, instruction);
    }
    match instruction.code.class() {
        Class::Float => of_class::<FLOAT, L>(level, warp, mask, instruction),
        Class::Integer => of_class::<INTEGER, L>(level, warp, mask, instruction),
        Class::Special => of_class::<SPECIAL, L>(level, warp, mask, instruction),
        Class::Convert => of_class::<CONVERT, L>(level, warp, mask, instruction),
        _ => of_class::<MOVE, L>(level, warp, mask, instruction),
    }
}

/// Executes an operation of one class that is not common.
#[inline(always)]
fn of_class<const CLASS: u8, L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    level.vectorize(
        #[inline(always)]
        || {
            for_each_lane_op! { execute [
                instruction, level, warp, mask, false,
                |code, of_class, _modal, cold| !is_common(code) && !cold && of_class == CLASS,
                ()
            ] }
        },
    );
}

/// Executes an operation with `.ftz`, `.sat` or `.relu`.
#[inline(never)]
fn modified<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    if instruction.code.is_cold() {
        return cold_modified(warp, mask, instruction);
    }
    level.vectorize(
        #[inline(always)]
        || {
            for_each_lane_op! { execute [
                instruction, level, warp, mask, true,
                |_code, _class, modal, cold| modal && !cold,
                ()
            ] }
        },
    );
}

/// Executes a rare operation.
#[inline(never)]
fn cold(warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let level = Baseline;
    for_each_lane_op! { execute [
        instruction, level, warp, mask, false,
        |_code, _class, _modal, cold| cold,
        ()
    ] }
}

/// Executes a rare operation with `.ftz`, `.sat` or `.relu`.
#[inline(never)]
fn cold_modified(warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let level = Baseline;
    for_each_lane_op! { execute [
        instruction, level, warp, mask, true,
        |_code, _class, modal, cold| modal && cold,
        ()
    ] }
}

/// `d = f(a)`; `MODIFIED` applies the instruction's modifiers.
#[inline(always)]
pub(super) fn map1<const MODIFIED: bool, A, D, F>(
    level: impl Level,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
    f: F,
) where
    A: Element + Modified,
    D: Element + Modified,
    F: Fn(A) -> D,
{
    let registers = &mut warp.registers;
    let a = A::fetch(level, registers, instruction.a);
    let mut d = [D::ZERO; LANES];
    if MODIFIED {
        let m = Modifiers(instruction.m);
        for i in 0..LANES {
            d[i] = f(a[i].operand(m)).result(m);
        }
    } else {
        for i in 0..LANES {
            d[i] = f(a[i]).plain();
        }
    }
    D::store(level, registers, instruction.d, mask, &d);
}

/// `d = f(a, b)`
#[inline(always)]
pub(super) fn map2<const MODIFIED: bool, A, B, D, F>(
    level: impl Level,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
    f: F,
) where
    A: Element + Modified,
    B: Element + Modified,
    D: Element + Modified,
    F: Fn(A, B) -> D,
{
    let registers = &mut warp.registers;
    let a = A::fetch(level, registers, instruction.a);
    let b = B::fetch(level, registers, instruction.b);
    let mut d = [D::ZERO; LANES];
    if MODIFIED {
        let m = Modifiers(instruction.m);
        for i in 0..LANES {
            d[i] = f(a[i].operand(m), b[i].operand(m)).result(m);
        }
    } else {
        for i in 0..LANES {
            d[i] = f(a[i], b[i]).plain();
        }
    }
    D::store(level, registers, instruction.d, mask, &d);
}

/// `d = f(a, b, c)`
#[inline(always)]
pub(super) fn map3<const MODIFIED: bool, A, B, C, D, F>(
    level: impl Level,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
    f: F,
) where
    A: Element + Modified,
    B: Element + Modified,
    C: Element + Modified,
    D: Element + Modified,
    F: Fn(A, B, C) -> D,
{
    let registers = &mut warp.registers;
    let a = A::fetch(level, registers, instruction.a);
    let b = B::fetch(level, registers, instruction.b);
    let c = C::fetch(level, registers, instruction.c);
    let mut d = [D::ZERO; LANES];
    if MODIFIED {
        let m = Modifiers(instruction.m);
        for i in 0..LANES {
            d[i] = f(a[i].operand(m), b[i].operand(m), c[i].operand(m)).result(m);
        }
    } else {
        for i in 0..LANES {
            d[i] = f(a[i], b[i], c[i]).plain();
        }
    }
    D::store(level, registers, instruction.d, mask, &d);
}

/// `d = f(a, b, c, e)`
#[inline(always)]
pub(super) fn map4<A: Element, B: Element, C: Element, E: Element, D: Element>(
    level: impl Level,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
    f: impl Fn(A, B, C, E) -> D,
) {
    let registers = &mut warp.registers;
    let a = A::fetch(level, registers, instruction.a);
    let b = B::fetch(level, registers, instruction.b);
    let c = C::fetch(level, registers, instruction.c);
    let e = E::fetch(level, registers, instruction.e);
    let mut d = [D::ZERO; LANES];
    for i in 0..LANES {
        d[i] = f(a[i], b[i], c[i], e[i]);
    }
    D::store(level, registers, instruction.d, mask, &d);
}
