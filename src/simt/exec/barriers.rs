//! `bar` and `barrier`: lanes that come to a barrier of their block, and what it leaves in their registers.

use super::{Context, Pause, Room, converge};
use crate::{
    cfg::Block,
    decode::{BarrierMode, arrives_by_thread},
    instruction::{Instruction, NO_SLOT},
    level::Level,
    registers::{File, LANES, Registers, Slot},
    trap::{Step, Stop, TrapKind},
    warp::{Reason, Warp},
};

/// Lanes at a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The instruction.
    pub(crate) at: u32,
    pub(crate) id: u32,
    /// Threads the barrier is for; `None` for all of the block.
    pub(crate) threads: Option<u32>,
    /// Lanes whose predicate holds, for a reduction.
    pub(crate) holds: u32,
    pub(crate) lanes: u32,
    /// Whether they count as a whole warp.
    pub(crate) whole: bool,
}

/// Lanes come to a barrier; `None` if they have to wait for others of their warp first, or go on elsewhere.
#[inline(never)]
pub(super) fn barrier<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    block: &Block,
    chosen: u32,
) -> Step<Option<Arrival>> {
    let at = block.end;
    let instruction = &context.kernel.code[at as usize];
    let by_thread = arrives_by_thread(instruction.m);
    if !by_thread && chosen != warp.alive {
        if !warp.loosened || chosen != warp.active {
            return Err(divergent_barrier(at, chosen, warp));
        }
        return Ok(match converge::gather(level, context, room, warp, block, chosen)? {
            Some(Pause::Barrier(arrival)) => Some(arrival),
            _ => None,
        });
    }
    if chosen != warp.active {
        converge::gather(level, context, room, warp, block, chosen)?;
        return Ok(None);
    }
    let call = barrier_call(instruction, warp, chosen).map_err(|mut stop| {
        stop.at = at;
        stop
    })?;
    let BarrierCall { mode, id, threads, holds } = call;
    if mode == BarrierMode::Arrive {
        warp.go(block.next);
    } else {
        warp.wait(Reason::Barrier(id));
    }
    Ok(Some(Arrival { at, id, threads, holds, lanes: chosen, whole: chosen == warp.alive }))
}

#[cold]
#[inline(never)]
fn divergent_barrier(at: u32, chosen: u32, warp: &Warp) -> Box<Stop> {
    let detail = format!("lanes {chosen:#010x} of {:#010x} are at the barrier", warp.alive);
    let mut stop = Stop::trap(TrapKind::DivergentBarrier, chosen, detail);
    stop.at = at;
    stop
}

/// A barrier's operands, all lanes taken together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BarrierCall {
    pub(crate) mode: BarrierMode,
    pub(crate) id: u32,
    /// Threads it is for; `None` for all of the block.
    pub(crate) threads: Option<u32>,
    /// Lanes whose predicate holds, for a reduction.
    pub(crate) holds: u32,
}

/// Reads the operands of the barrier that lanes are at.
pub(crate) fn barrier_call(instruction: &Instruction, warp: &Warp, mask: u32) -> Step<BarrierCall> {
    let lane = mask.trailing_zeros() as usize & 31;
    let uniform = |slot: Slot| {
        let lanes = &warp.registers.narrow[usize::from(slot)].0;
        let value = lanes[lane];
        let same = (0..LANES).all(|i| mask >> i & 1 == 0 || lanes[i] == value);
        if same {
            Ok(value)
        } else {
            let detail = "the barrier's operands differ between lanes".to_owned();
            Err(Stop::trap(TrapKind::DivergentBarrier, mask, detail))
        }
    };
    let id = uniform(instruction.a)?;
    let threads = match instruction.b {
        NO_SLOT => None,
        slot => Some(uniform(slot)?),
    };
    if id > 15 || threads.is_some_and(|threads| threads == 0 || threads % 32 != 0) {
        let detail = format!(
            "barrier {id} for {threads:?} threads: the number is 0 to 15, the count a multiple of 32"
        );
        return Err(Stop::trap(TrapKind::DivergentBarrier, mask, detail));
    }
    let holds = match instruction.c {
        NO_SLOT => 0,
        slot => warp.registers.predicates[usize::from(slot)] & mask,
    };
    Ok(BarrierCall { mode: BarrierMode::numbered(instruction.m), id, threads, holds })
}

/// Writes the result of a barrier's reduction.
pub(crate) fn barrier_result(
    instruction: &Instruction,
    registers: &mut Registers,
    mask: u32,
    holding: u32,
    threads: u32,
) {
    let truth = match BarrierMode::numbered(instruction.m) {
        BarrierMode::Popc => {
            return registers.fill(File::Narrow, instruction.e, mask, u64::from(holding));
        }
        BarrierMode::And => holding == threads,
        BarrierMode::Or => holding > 0,
        BarrierMode::Sync | BarrierMode::Arrive => return,
    };
    registers.fill(File::Predicate, instruction.d, mask, u64::from(truth));
}
