//! Conversions without a row of their own, lane by lane.

use super::Context;
use crate::{
    instruction::Instruction,
    lane::convert::{self, Shape},
    level::Level,
    registers::{Element, LANES},
    warp::Warp,
};

/// `cvt` by its definition.
#[inline(never)]
pub(super) fn convert<L: Level>(
    level: L,
    context: &Context<'_>,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) {
    let conversion = &context.kernel.tables.conversions[usize::from(instruction.m)];
    let registers = &mut warp.registers;
    let first: [u64; LANES] = if conversion.source_bits() == 64 {
        u64::fetch(level, registers, instruction.a)
    } else {
        u32::fetch(level, registers, instruction.a).map(u64::from)
    };
    let second = match conversion.shape {
        Shape::Joined => u32::fetch(level, registers, instruction.b).map(u64::from),
        _ => [0; LANES],
    };
    let mut result = [0; LANES];
    for i in 0..LANES {
        result[i] = convert::convert(first[i], second[i], conversion);
    }
    if conversion.register_bits > 32 {
        u64::store(level, registers, instruction.d, mask, &result);
    } else {
        u32::store(level, registers, instruction.d, mask, &result.map(|bits| bits as u32));
    }
}
