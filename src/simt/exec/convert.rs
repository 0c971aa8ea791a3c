//! Conversions without a row of their own, lane by lane.

use super::Context;
use crate::{
    instruction::Instruction,
    lane::convert,
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
    let source: [u64; LANES] = if conversion.from.bits() == 64 {
        u64::fetch(level, registers, instruction.a)
    } else {
        u32::fetch(level, registers, instruction.a).map(u64::from)
    };
    let result = source.map(|bits| convert::convert(bits, conversion));
    if conversion.register_bits > 32 {
        u64::store(level, registers, instruction.d, mask, &result);
    } else {
        u32::store(level, registers, instruction.d, mask, &result.map(|bits| bits as u32));
    }
}
