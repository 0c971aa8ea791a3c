//! The interpreter: runs a warp from block to block until it exits or waits at a barrier.
//!
//! [`run`] is compiled once for each [`Level`]. The commonest operations of the op table are loops over 32 lanes right
//! in its match, and so are plain loads; everything else is a call.

mod addressing;
mod async_copy;
mod atomics;
mod barriers;
mod bounds;
mod builtins;
mod bulk;
mod calls;
mod converge;
mod convert;
mod cross_lane;
mod lane_ops;
mod loads;
mod matrix;
mod matrix_moves;
mod mbarrier;
mod pieces;
mod printf;
mod shared;
mod special;
mod stores;
mod watch;
mod words;

use std::{collections::BTreeMap, ops::Range, sync::Mutex};

use crate::{
    cfg::{Block, BlockId},
    counts::Tally,
    instruction::Instruction,
    isa::Code,
    jit::{Compiled, Reach},
    lane::int,
    launch::LaunchConfig,
    level::Level,
    memory::{Allocation, Bytes, GlobalMemory, Snapshot},
    program::Kernel,
    progress::{self, Finding},
    registers::{Element, LANES, Slot},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// What all warps of a launch have in common.
pub(crate) struct Context<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) config: &'a LaunchConfig<'a>,
    pub(crate) bytes: &'a Bytes,
    /// The device's memory, for what takes no part in accesses: the heap.
    pub(crate) memory: &'a GlobalMemory,
    /// What each block has printed, by its number.
    pub(crate) printed: &'a Mutex<BTreeMap<u64, Vec<u8>>>,
    pub(crate) allocations: &'a Snapshot,
    /// Instructions a warp may issue.
    pub(crate) budget: u64,
    /// Where the blocks of a cooperative launch meet; 0 where the kernel does not ask.
    pub(crate) workspace: u64,
    /// The kernel's compiled blocks.
    pub(crate) compiled: Option<&'a Compiled>,
}

/// What the warps of a block have in common, and what a worker keeps from block to block.
pub(crate) struct Room {
    /// `%ctaid`
    pub(crate) block: [u32; 3],
    pub(crate) shared: shared::SharedMemory,
    pub(crate) tally: Tally,
    /// What mbarriers wait for.
    pub(crate) landings: Landings,
    /// For each access the allocation it hit last.
    pub(crate) recent: Vec<Allocation>,
    /// For each access how its lanes lay to each other last.
    pub(crate) shapes: Vec<Shape>,
    /// What compiled loads go by, of warps with all their lanes and of others.
    pub(crate) reach: [Reach; 2],
    /// Atomics and generic stores that changed memory which others can see.
    pub(crate) changes: u64,
    /// What the launch is watched for, if anything.
    pub(crate) watch: Option<Watch>,
}

impl Room {
    /// Adds what compiled code did to what is counted.
    pub(crate) fn settle(&mut self, kernel: &Kernel, compiled: &Compiled) {
        let Tally { traffic, guarded_lanes, .. } = &mut self.tally;
        for reach in &mut self.reach {
            compiled.settle(reach, traffic, guarded_lanes);
        }
        self.tally.settle(kernel, compiled);
    }
}

pub(crate) use addressing::distinct;
pub(crate) use async_copy::Copies;
pub(crate) use barriers::{Arrival, barrier_result};
pub(crate) use bulk::BulkStores;
pub(crate) use converge::never;
pub(crate) use mbarrier::Landings;
pub(crate) use shared::{SharedMemory, wavefronts};
pub(crate) use special::thread_of;
pub(crate) use watch::Watch;
pub(crate) use words::Shape;

/// Why a warp stopped running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// All its lanes have exited.
    Done,
    /// Lanes reached a barrier.
    Barrier(Arrival),
    /// All its lanes wait, some of them at a barrier.
    Waiting,
    /// Every path spins or waits; `forever` if they do exactly the same until memory changes.
    Spinning { forever: bool },
}

/// Runs a warp until it exits, reaches a barrier or makes no progress.
#[inline(always)]
pub(crate) fn run<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
) -> Step<Pause> {
    let kernel = context.kernel;
    loop {
        if warp.active == 0 {
            match converge::unblock(context, warp)? {
                Some(pause) => return Ok(pause),
                None => continue,
            }
        }
        let index = warp.at as usize;
        let Some(block) = kernel.blocks.get(index) else {
            return Err(Stop::fault("a warp left the kernel"));
        };
        if warp.issued >= warp.watch.due
            && let Some(pause) = look(context, room, warp, block)?
        {
            match pause {
                Some(pause) => return Ok(pause),
                None => continue,
            }
        }
        room.tally.runs[index] += 1;
        room.tally.lanes[index] += u64::from(warp.active.count_ones());
        warp.issued += u64::from(block.limit() - block.first);
        match context.compiled {
            Some(compiled) if pieces::enters(compiled, index, warp) => {
                pieces::run(level, context, room, warp, compiled, index)?;
            }
            _ if room.watch.is_none() => straight(level, context, room, warp, block.first..block.end)?,
            // A warp that is watched runs its blocks an instruction at a time, and no compiled code.
            _ => {
                for at in block.first..block.end {
                    watch::before(context, room, warp, at);
                    interpret(level, context, room, warp, at..at + 1)?;
                }
            }
        }
        if !block.terminated {
            warp.go(block.next);
            continue;
        }
        if room.watch.is_some() {
            watch::before(context, room, warp, block.end);
        }
        let instruction = &kernel.code[block.end as usize];
        let chosen = guard_mask(instruction, warp);
        if !instruction.guard.is_none() {
            room.tally.guarded_lanes[block.end as usize] += u64::from(chosen.count_ones());
        }
        match instruction.code {
            Code::Branch if chosen == warp.active => warp.go(block.target),
            Code::Branch if chosen == 0 => warp.go(block.next),
            Code::Branch => {
                room.tally.divergent[index] += 1;
                warp.diverge(chosen, block.target, block.next, block.reconverge);
            }
            Code::Exit => {
                let goes_on = warp.active & !chosen;
                warp.exit(chosen);
                if goes_on != 0 {
                    warp.go(block.next);
                }
            }
            _ if chosen == 0 => warp.go(block.next),
            Code::BranchIndexed => {
                let sides = indexed_targets(context, warp, block, chosen)?;
                if let [(target, _)] = sides[..] {
                    warp.go(target);
                } else {
                    room.tally.divergent[index] += 1;
                    warp.fork(&sides, block.reconverge);
                }
            }
            Code::Call => {
                if let Err(mut stop) = calls::call(context, room, warp, block, chosen) {
                    stop.at = block.end;
                    return Err(stop);
                }
            }
            Code::Return => {
                let goes_on = warp.active & !chosen;
                calls::ret(context, warp, chosen)?;
                if goes_on != 0 {
                    warp.go(block.next);
                }
            }
            code if code.is_collective() => {
                let here = cross_lane::members_are_here(warp, chosen, instruction).map_err(|mut stop| {
                    stop.at = block.end;
                    stop
                })?;
                if here {
                    converge::execute(level, warp, chosen, instruction);
                    warp.go(block.next);
                } else {
                    // Never a pause: that is for barriers.
                    converge::gather(level, context, room, warp, block, chosen)?;
                }
            }
            Code::Barrier => {
                if let Some(arrival) = barriers::barrier(level, context, room, warp, block, chosen)? {
                    return Ok(Pause::Barrier(arrival));
                }
            }
            _ => {
                let mut stop = Stop::trap(TrapKind::Trap, chosen, "the kernel gave up".to_owned());
                stop.at = block.end;
                return Err(stop);
            }
        }
    }
}

/// Looks at a warp that is due: `None` if it goes on as it is, else whether it stops or goes on with another path.
#[cold]
#[inline(never)]
fn look(context: &Context<'_>, room: &Room, warp: &mut Warp, block: &Block) -> Step<Option<Option<Pause>>> {
    if warp.issued >= context.budget {
        return Err(out_of_budget(context, block, warp));
    }
    let finding = progress::look(context, room, warp);
    warp.watch.due = warp.watch.due.min(context.budget);
    let Finding::Spins { forever } = finding else { return Ok(None) };
    let seen = room.seen(context.kernel);
    let findings = warp.watch.found(forever, &seen);
    warp.watch.resume(warp.issued, &seen);
    if findings <= warp.others() && warp.rotate() {
        return Ok(Some(None));
    }
    let forever = warp.watch.forever;
    warp.watch.spinning = 0;
    Ok(Some(Some(Pause::Spinning { forever })))
}

/// Where the lanes of an indexed branch go.
#[inline(never)]
fn indexed_targets(
    context: &Context<'_>,
    warp: &Warp,
    block: &Block,
    chosen: u32,
) -> Step<Vec<(BlockId, u32)>> {
    let instruction = &context.kernel.code[block.end as usize];
    let list = context.kernel.tables.branch_lists.get(usize::from(instruction.m));
    let list = list.map_or(&[][..], |list| list);
    let indices = &warp.registers.narrow[usize::from(instruction.a)].0;
    let mut sides: Vec<(BlockId, u32)> = Vec::new();
    for lane in (0..LANES).filter(|lane| warp.active >> lane & 1 != 0) {
        let branches = chosen >> lane & 1 != 0;
        let Some(target) = (if branches { list.get(indices[lane] as usize) } else { Some(&block.next) })
        else {
            let detail = format!("index {} of a branch with {} targets", indices[lane], list.len());
            let mut stop = Stop::trap(TrapKind::InvalidTarget, 1 << lane, detail);
            stop.at = block.end;
            return Err(stop);
        };
        match sides.iter_mut().find(|(at, _)| at == target) {
            Some((_, lanes)) => *lanes |= 1 << lane,
            None => sides.push((*target, 1 << lane)),
        }
    }
    Ok(sides)
}

#[cold]
#[inline(never)]
fn out_of_budget(context: &Context<'_>, block: &Block, warp: &Warp) -> Box<Stop> {
    let detail = format!(
        "a warp may issue {} instructions; raise the budget if it is no endless loop",
        context.budget
    );
    let mut stop = Stop::trap(TrapKind::Timeout, warp.active, detail);
    stop.at = block.first;
    stop
}

/// The active lanes for which an instruction's guard holds.
#[inline(always)]
fn guard_mask(instruction: &Instruction, warp: &Warp) -> u32 {
    match instruction.guard.predicate() {
        None => warp.active,
        Some(slot) => {
            let holds = warp.registers.predicates[usize::from(slot)];
            warp.active & if instruction.guard.negated() { !holds } else { holds }
        }
    }
}

/// [`straight`], a call away.
#[inline(never)]
fn interpret<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    instructions: Range<u32>,
) -> Step {
    level.vectorize(
        #[inline(always)]
        || straight(level, context, room, warp, instructions),
    )
}

/// Runs instructions of a block, none of which ends it.
#[inline(always)]
fn straight<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    instructions: Range<u32>,
) -> Step {
    let first = instructions.start as usize;
    let code = &context.kernel.code[first..instructions.end as usize];
    let mut next = 0;
    while let Some(instruction) = code.get(next) {
        let at = next;
        next += 1;
        let mut mask = warp.active;
        if !instruction.guard.is_none() {
            mask = guard_mask(instruction, warp);
            room.tally.guarded_lanes[first + at] += u64::from(mask.count_ones());
            if mask == 0 {
                continue;
            }
        }
        let outcome = match instruction.code {
            Code::PredMov | Code::PredNot | Code::PredAnd | Code::PredOr | Code::PredXor => {
                predicate_logic(instruction, warp, mask);
                Ok(())
            }
            Code::Lop3 => {
                let table = instruction.m;
                let f = |a: u32, b: u32, c: u32| -> u32 { int::lop3(a, b, c, table) };
                lane_ops::map3::<false, _, _, _, _, _>(level, warp, mask, instruction, f);
                Ok(())
            }
            Code::Load => match words::load(level, context, room, warp, mask, &code[at..]) {
                0 => loads::load(level, context, room, warp, mask, instruction),
                done => {
                    next = at + done;
                    Ok(())
                }
            },
            Code::Store if words::store(level, context, room, warp, mask, instruction) => Ok(()),
            Code::Store => stores::store(level, context, room, warp, mask, instruction),
            Code::Atomic => atomics::atomic(level, context, room, warp, mask, instruction),
            Code::Convert => {
                convert::convert(level, context, warp, mask, instruction);
                Ok(())
            }
            Code::Video => {
                let video = &context.kernel.tables.videos[usize::from(instruction.m)];
                let f = |a: u32, b: u32, c: u32| -> u32 { video.of(a, b, c) };
                lane_ops::map3::<false, _, _, _, _, _>(level, warp, mask, instruction, f);
                Ok(())
            }
            Code::ReadSpecial => {
                special::read(level, context, room, warp, mask, instruction);
                Ok(())
            }
            Code::CheckAlignment => bounds::check_alignment(level, context, warp, mask, instruction),
            Code::Multiply => matrix::multiply(level, context, warp, mask, instruction),
            Code::LoadMatrix => matrix_moves::load(level, context, room, warp, mask, instruction),
            Code::StoreMatrix => matrix_moves::store(level, context, room, warp, mask, instruction),
            Code::TransposeMatrix => matrix_moves::transpose(level, warp, mask, instruction),
            Code::CopyAsync => async_copy::issue(level, context, room, warp, mask, instruction),
            Code::CommitCopies => {
                async_copy::commit(warp, mask);
                Ok(())
            }
            Code::WaitCopies => async_copy::wait(context, room, warp, mask, instruction),
            Code::BarrierInit => mbarrier::initialise(level, context, room, warp, mask, instruction),
            Code::BarrierArrive => mbarrier::arrive(level, context, room, warp, mask, instruction),
            Code::BarrierExpect => mbarrier::expect(level, context, room, warp, mask, instruction, false),
            Code::BarrierComplete => mbarrier::expect(level, context, room, warp, mask, instruction, true),
            Code::BarrierTest => mbarrier::test(level, context, room, warp, mask, instruction),
            Code::BarrierTrack => mbarrier::track(level, context, room, warp, mask, instruction),
            Code::BulkLoad => bulk::load(level, context, room, warp, mask, instruction),
            Code::BulkStore => bulk::store(level, context, room, warp, mask, instruction),
            Code::CommitBulk => {
                bulk::commit(warp, mask);
                Ok(())
            }
            Code::WaitBulk => bulk::wait(context, room, warp, mask, instruction),
            Code::WaitAllCopies => async_copy::wait_all(context, room, warp, mask),
            Code::ActiveMask => {
                set_word(level, warp, mask, instruction.d, mask);
                Ok(())
            }
            Code::Sleep => {
                sleep(warp, mask, instruction);
                Ok(())
            }
            Code::Prefetch | Code::Fence | Code::Pause => Ok(()),
            Code::Branch
            | Code::BranchIndexed
            | Code::Call
            | Code::Return
            | Code::Exit
            | Code::Trap
            | Code::Barrier => Err(Stop::fault("a terminator inside a block")),
            _ => {
                lane_ops::lane_op(level, warp, mask, instruction);
                Ok(())
            }
        };
        if let Err(mut stop) = outcome {
            stop.at = (first + at) as u32;
            return Err(stop);
        }
    }
    Ok(())
}

/// `nanosleep`: the warp's clocks advance by the longest of the lanes' times, at most the millisecond that the ISA allows.
#[inline(never)]
fn sleep(warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let times = &warp.registers.narrow[usize::from(instruction.a)].0;
    let longest = (0..LANES).filter(|lane| mask >> lane & 1 != 0).map(|lane| times[lane]).max();
    warp.slept += u64::from(longest.unwrap_or_default().min(1_000_000));
}

/// Operations on predicates: masks as they are.
#[inline(always)]
fn predicate_logic(instruction: &Instruction, warp: &mut Warp, mask: u32) {
    let predicates = &mut warp.registers.predicates;
    let a = predicates[usize::from(instruction.a)];
    let b = |predicates: &[u32]| predicates[usize::from(instruction.b)];
    let value = match instruction.code {
        Code::PredNot => !a,
        Code::PredAnd => a & b(predicates),
        Code::PredOr => a | b(predicates),
        Code::PredXor => a ^ b(predicates),
        _ => a,
    };
    set_predicate(warp, mask, instruction.d, value);
}

/// Overwrites the lanes of a predicate that `mask` names.
#[inline(always)]
fn set_predicate(warp: &mut Warp, mask: u32, slot: Slot, value: u32) {
    let target = &mut warp.registers.predicates[usize::from(slot)];
    *target = *target & !mask | value & mask;
}

/// Gives all lanes that `mask` names the same 32-bit value.
#[inline(always)]
fn set_word<L: Level>(level: L, warp: &mut Warp, mask: u32, slot: Slot, value: u32) {
    u32::store(level, &mut warp.registers, slot, mask, &[value; LANES]);
}
