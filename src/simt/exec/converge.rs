//! Instructions that lanes execute together: a lane that comes first waits for those that its member mask names.
//!
//! Such an instruction is a block of its own. It is counted once for all lanes that execute it together, when they do.

use super::{
    Arrival, Context, Pause, Room,
    barriers::{BarrierCall, barrier_call},
    cross_lane,
};
use crate::{
    cfg::{Block, BlockId},
    instruction::Instruction,
    isa::Code,
    level::Level,
    registers::LANES,
    trap::{Step, Stop, TrapKind},
    warp::{Reason, Warp},
};

/// Executes an instruction of member masks for lanes that are all there.
#[inline(always)]
pub(super) fn execute<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    match instruction.code {
        Code::Vote => cross_lane::vote(level, warp, mask, instruction),
        Code::Match => cross_lane::match_lanes(level, warp, mask, instruction),
        Code::Reduce => cross_lane::reduce(level, warp, mask, instruction),
        Code::Elect => cross_lane::elect(level, warp, mask, instruction),
        Code::WarpBarrier => {}
        _ => cross_lane::shuffle(level, warp, mask, instruction),
    }
}

/// Takes back what counted an entry of a block whose instruction is not executed yet.
fn uncount(room: &mut Room, warp: &mut Warp, index: BlockId, block: &Block, guarded: u32) {
    room.tally.runs[index as usize] -= 1;
    room.tally.lanes[index as usize] -= u64::from(warp.active.count_ones());
    room.tally.guarded_lanes[block.end as usize] -= u64::from(guarded.count_ones());
    warp.issued -= u64::from(block.limit() - block.first);
}

/// Counts an entry by lanes that have waited for it.
fn count(context: &Context<'_>, room: &mut Room, warp: &mut Warp, index: BlockId, lanes: u32) {
    let block = &context.kernel.blocks[index as usize];
    room.tally.runs[index as usize] += 1;
    room.tally.lanes[index as usize] += u64::from(lanes.count_ones());
    if !context.kernel.code[block.end as usize].guard.is_none() {
        room.tally.guarded_lanes[block.end as usize] += u64::from(lanes.count_ones());
    }
    warp.issued += u64::from(block.limit() - block.first);
}

/// Whether lanes that wait at two blocks wait together: at one instruction, or at warp barriers.
fn together(context: &Context<'_>, a: BlockId, b: BlockId) -> bool {
    let code = |index: BlockId| {
        let block = &context.kernel.blocks[index as usize];
        context.kernel.code[block.end as usize].code
    };
    a == b || code(a) == Code::WarpBarrier && code(b) == Code::WarpBarrier
}

/// The lanes of `present`, at the block `index` or waiting for the same, all of whose members are among them.
fn complete(context: &Context<'_>, warp: &Warp, index: BlockId, present: u32) -> u32 {
    let slot_at = |at: BlockId| {
        let block = &context.kernel.blocks[at as usize];
        let instruction = &context.kernel.code[block.end as usize];
        (instruction.code != Code::Barrier).then_some(usize::from(instruction.e))
    };
    let mut slots = [slot_at(index); LANES];
    for waiting in warp.waiting.iter().filter(|waiting| waiting.reason == Reason::Lanes) {
        for lane in (0..LANES).filter(|lane| waiting.lanes() >> lane & 1 != 0) {
            slots[lane] = slot_at(waiting.at());
        }
    }
    let is_complete = |lane: &usize| {
        // An aligned barrier is for all lanes.
        let members = slots[*lane].map_or(u32::MAX, |slot| warp.registers.narrow[slot].0[*lane]);
        present >> lane & 1 != 0 && members & warp.alive & !present == 0
    };
    (0..LANES).filter(is_complete).fold(0, |lanes, lane| lanes | 1 << lane)
}

/// The running lanes are at a block that some of them execute only with others who are not there: they wait, or go on
/// with those who have waited for them.
#[cold]
#[inline(never)]
pub(super) fn gather<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    block: &Block,
    chosen: u32,
) -> Step<Option<Pause>> {
    let index = warp.at;
    let instruction = &context.kernel.code[block.end as usize];
    let guarded = if instruction.guard.is_none() { 0 } else { chosen };
    uncount(room, warp, index, block, guarded);
    if chosen != warp.active {
        // Those that the guard holds back go on; the others come here again.
        warp.diverge(chosen, index, block.next, block.reconverge);
        return Ok(None);
    }
    let present = chosen | warp.lanes_waiting(|at| together(context, at, index));
    warp.wait(Reason::Lanes);
    let lanes = complete(context, warp, index, present);
    if lanes == 0 {
        return Ok(None);
    }
    if instruction.code == Code::Barrier {
        count(context, room, warp, index, lanes);
        let call = barrier_call(instruction, warp, lanes)?;
        warp.hold(index, call.id);
        let BarrierCall { id, threads, holds, .. } = call;
        return Ok(Some(Pause::Barrier(Arrival { at: block.end, id, threads, holds, lanes, whole: true })));
    }
    let places: Vec<BlockId> = warp.waiting.iter().map(|waiting| waiting.at()).collect();
    let mut done = Vec::new();
    for at in places.into_iter().filter(|at| together(context, *at, index)) {
        let here = lanes & warp.lanes_waiting(|place| place == at);
        if here != 0 && !done.contains(&at) {
            done.push(at);
            count(context, room, warp, at, here);
        }
    }
    execute(level, warp, lanes, instruction);
    let blocks = &context.kernel.blocks;
    warp.let_go(lanes, |waiting| {
        let at = waiting.at();
        (waiting.reason == Reason::Lanes && together(context, at, index)).then(|| blocks[at as usize].next)
    });
    Ok(None)
}

/// No path of the warp can run: wakes one whose wait is over because others have exited, or lets lanes go that wait
/// where paths meet; says why the warp stops if there are none.
#[cold]
#[inline(never)]
pub(super) fn unblock(context: &Context<'_>, warp: &mut Warp) -> Step<Option<Pause>> {
    if warp.is_done() {
        return Ok(Some(Pause::Done));
    }
    let mut missing = 0;
    for (i, waiting) in warp.waiting.iter().enumerate().filter(|(_, waiting)| waiting.reason == Reason::Lanes)
    {
        let present = warp.lanes_waiting(|at| together(context, at, waiting.at()));
        if complete(context, warp, waiting.at(), present) & waiting.lanes() != 0 {
            warp.wake(i);
            return Ok(None);
        }
        missing |= warp.alive & !present;
    }
    if missing != 0 && warp.release(missing) {
        return Ok(None);
    }
    if warp.waiting.iter().any(|waiting| matches!(waiting.reason, Reason::Barrier(_))) {
        return Ok(Some(Pause::Waiting));
    }
    Err(never(context, warp))
}

/// The trap for lanes that wait for lanes that will not come.
pub(crate) fn never(context: &Context<'_>, warp: &Warp) -> Box<Stop> {
    let Some(first) = warp.waiting.iter().find(|waiting| waiting.reason == Reason::Lanes) else {
        return Stop::fault("a warp that neither runs nor waits");
    };
    let kernel = context.kernel;
    let line = |at: BlockId| {
        let end = kernel.blocks[at as usize].end;
        kernel.lines.get(end as usize).copied().unwrap_or_default()
    };
    let others: Vec<String> = warp
        .waiting
        .iter()
        .filter(|waiting| waiting.at() != first.at())
        .map(|waiting| format!("lanes {:#010x} are at line {}", waiting.lanes(), line(waiting.at())))
        .collect();
    let others = if others.is_empty() { "the others do not come".to_owned() } else { others.join(", ") };
    let at = kernel.blocks[first.at() as usize].end;
    let kind = if kernel.code[at as usize].code == Code::Barrier {
        TrapKind::DivergentBarrier
    } else {
        TrapKind::Deadlock
    };
    let detail = format!("lanes {:#010x} wait for lanes of their warp, but {others}", first.lanes());
    let mut stop = Stop::trap(kind, first.lanes(), detail);
    stop.at = at;
    stop
}
