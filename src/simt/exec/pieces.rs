//! Runs the compiled pieces of a block, and what they leave to the interpreter.

use super::{Context, Room, interpret};
use crate::{
    cfg::Block,
    jit::{Compiled, Outcome, Piece, Surroundings, Within},
    level::Level,
    registers::FULL,
    trap::{Step, Stop},
    warp::Warp,
};

/// Whether a block's compiled pieces are run: all lanes that are left are together, lane 0 among them, and what is said
/// to be uniform is so. Where that changes, uniform registers are spread over the lanes.
#[inline(always)]
pub(super) fn enters(compiled: &Compiled, index: usize, warp: &mut Warp) -> bool {
    let together = warp.active == warp.alive && warp.alive & 1 != 0;
    if together != warp.is_compiled {
        if together {
            warp.is_compiled = compiled.can_enter(index, &warp.registers, warp.alive);
        } else {
            compiled.leave(&mut warp.registers);
            warp.is_compiled = false;
        }
    }
    warp.is_compiled
}

/// How many rounds more a block that branches to itself may go before the warp is looked at.
#[inline(always)]
fn rounds(context: &Context<'_>, warp: &Warp, block: &Block) -> u64 {
    if warp.stops_at(block.target) {
        return 0;
    }
    let instructions = u64::from(block.limit() - block.first);
    warp.watch.due.min(context.budget).saturating_sub(warp.issued).div_ceil(instructions)
}

/// Runs a block's pieces.
#[inline(always)]
pub(super) fn run<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    compiled: &Compiled,
    index: usize,
) -> Step {
    let irregular = room.reach[usize::from(warp.active != FULL)].irregular[index];
    let plan = compiled.plan(index, warp.active, irregular);
    room.tally.compiled[plan].count(warp.active);
    for piece in compiled.pieces(plan) {
        match piece {
            Piece::Interpreted { instructions, spread } => {
                compiled.spread(spread, &mut warp.registers);
                interpret(level, context, room, warp, instructions.clone())?;
            }
            Piece::Compiled(entry) => {
                run_code(level, context, room, warp, compiled, [index, plan], *entry)?;
            }
        }
    }
    compiled.spread_last(plan, &mut warp.registers);
    Ok(())
}

/// Runs a piece of machine code, with the loads that it leaves.
#[inline(always)]
fn run_code<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    compiled: &Compiled,
    [index, plan]: [usize; 2],
    mut entry: u32,
) -> Step {
    loop {
        let block = &context.kernel.blocks[index];
        let allowed = if compiled.goes_round(plan) { rounds(context, warp, block) } else { 0 };
        let mut rounds_left = allowed;
        let Room { reach: [full, partial], shared, .. } = room;
        let reach = if warp.active == FULL { full } else { partial };
        let surroundings =
            Surroundings { bytes: context.bytes, shared, params: context.config.params, mask: warp.active };
        let outcome = compiled.run(entry, &mut warp.registers, reach, surroundings, &mut rounds_left);
        if rounds_left != allowed {
            count_rounds(context, room, warp, [index, plan], allowed - rounds_left);
        }
        match outcome {
            Some(Outcome::Done) => return Ok(()),
            Some(Outcome::Left(exit)) => match leave(level, context, room, warp, compiled, index, exit)? {
                Some(resume) => entry = resume,
                None => return Ok(()),
            },
            None => return Err(Stop::fault("compiled code of another kernel")),
        }
    }
}

/// Counts rounds of a block that branched to itself with all its lanes.
#[inline(always)]
fn count_rounds(
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    [index, plan]: [usize; 2],
    rounds: u64,
) {
    let block = &context.kernel.blocks[index];
    let lanes = rounds * u64::from(warp.active.count_ones());
    room.tally.runs[index] += rounds;
    room.tally.lanes[index] += lanes;
    room.tally.compiled[plan].add(rounds, lanes);
    let end = block.end as usize;
    if !context.kernel.code[end].guard.is_none() {
        room.tally.guarded_lanes[end] += lanes;
    }
    warp.issued += rounds * u64::from(block.limit() - block.first);
}

/// Does what machine code has left at an exit; gives where it goes on.
#[inline(never)]
fn leave<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    compiled: &Compiled,
    index: usize,
    exit: usize,
) -> Step<Option<u32>> {
    room.tally.left[exit].count(warp.active);
    let kind = usize::from(warp.active != FULL);
    let often = room.reach[kind].leaves(exit, room.tally.runs[index]);
    let exit = &compiled.exits()[exit];
    let within = Within {
        mask: warp.active,
        allocations: context.allocations,
        shared_bytes: room.shared.bytes(),
        param_bytes: context.config.params.len() as u64,
    };
    let Room { reach, tally, .. } = room;
    let reach = &mut reach[kind];
    let accesses = &context.kernel.tables.accesses;
    compiled.learn(exit, &mut warp.registers, reach, accesses, &within, &mut tally.traffic);
    reach.irregular[index] |= exit.resume.is_none() && often;
    interpret(level, context, room, warp, exit.instructions.clone())?;
    Ok(exit.resume)
}
