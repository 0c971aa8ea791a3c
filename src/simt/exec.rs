//! The interpreter: runs a warp from block to block until it exits or waits at a barrier.
//!
//! [`run`] is compiled once for each [`Level`]. The commonest operations of the op table are loops over 32 lanes right
//! in its match, and so are plain loads; everything else is a call.

mod async_copy;
mod atomics;
mod bulk;
mod convert;
mod cross_lane;
mod lane_ops;
mod loads;
mod matrix;
mod matrix_moves;
mod mbarrier;
mod shared;
mod special;
mod stores;
mod words;

use crate::{
    cfg::Block,
    counts::Tally,
    decode::BarrierMode,
    instruction::{Access, Instruction, Space},
    isa::Code,
    lane::int,
    launch::LaunchConfig,
    level::{Extent, Level},
    memory::{Allocation, Bytes, Snapshot},
    program::Kernel,
    registers::{Element, FULL, LANES, Slot},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// What all warps of a launch have in common.
pub(crate) struct Context<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) config: &'a LaunchConfig<'a>,
    pub(crate) bytes: &'a Bytes,
    pub(crate) allocations: &'a Snapshot,
    /// Instructions a warp may issue.
    pub(crate) budget: u64,
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
}

pub(crate) use async_copy::Copies;
pub(crate) use bulk::BulkStores;
pub(crate) use mbarrier::Landings;
pub(crate) use shared::SharedMemory;
pub(crate) use special::thread_of;
pub(crate) use words::Shape;

/// Why a warp stopped running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// All its lanes have exited.
    Done,
    /// It reached a barrier, the instruction at this index, and stands behind it.
    Barrier(u32),
}

/// Runs a warp until it exits or reaches a barrier.
#[inline(always)]
pub(crate) fn run<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
) -> Step<Pause> {
    let kernel = context.kernel;
    while !warp.is_done() {
        let index = warp.at as usize;
        let Some(block) = kernel.blocks.get(index) else {
            return Err(Stop::fault("a warp left the kernel"));
        };
        room.tally.runs[index] += 1;
        room.tally.lanes[index] += u64::from(warp.active.count_ones());
        warp.issued += u64::from(block.limit() - block.first);
        if warp.issued > context.budget {
            return Err(out_of_budget(context, block, warp));
        }
        if let Err(mut stop) = straight(level, context, room, warp, block) {
            // `straight` leaves the index relative to the block.
            stop.at += block.first;
            return Err(stop);
        }
        if !block.terminated {
            warp.go(block.next);
            continue;
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
            Code::Barrier if chosen == 0 => warp.go(block.next),
            Code::Barrier => {
                let at = block.end;
                if chosen != warp.alive {
                    return Err(divergent_barrier(at, chosen, warp));
                }
                warp.go(block.next);
                return Ok(Pause::Barrier(at));
            }
            _ if chosen == 0 => warp.go(block.next),
            _ => {
                let mut stop = Stop::trap(TrapKind::Trap, chosen, "the kernel gave up".to_owned());
                stop.at = block.end;
                return Err(stop);
            }
        }
    }
    Ok(Pause::Done)
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

#[cold]
#[inline(never)]
fn divergent_barrier(at: u32, chosen: u32, warp: &Warp) -> Box<Stop> {
    let detail = format!("lanes {chosen:#010x} of {:#010x} are at the barrier", warp.alive);
    let mut stop = Stop::trap(TrapKind::DivergentBarrier, chosen, detail);
    stop.at = at;
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

/// Runs the instructions of a block up to what ends it. An error's index counts from the block's first instruction.
#[inline(always)]
fn straight<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    block: &Block,
) -> Step {
    let code = &context.kernel.code[block.first as usize..block.end as usize];
    for (at, instruction) in code.iter().enumerate() {
        let mut mask = warp.active;
        if !instruction.guard.is_none() {
            mask = guard_mask(instruction, warp);
            room.tally.guarded_lanes[block.first as usize + at] += u64::from(mask.count_ones());
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
            Code::Load if words::load(level, context, room, warp, mask, instruction) => Ok(()),
            Code::Load => loads::load(level, context, room, warp, mask, instruction),
            Code::Store if words::store(level, context, room, warp, mask, instruction) => Ok(()),
            Code::Store => stores::store(level, context, room, warp, mask, instruction),
            Code::Atomic => atomics::atomic(level, context, room, warp, mask, instruction),
            Code::Convert => {
                convert::convert(level, context, warp, mask, instruction);
                Ok(())
            }
            Code::ReadSpecial => {
                special::read(level, context, room, warp, mask, instruction);
                Ok(())
            }
            Code::CheckAlignment => check_alignment(level, context, warp, mask, instruction),
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
            Code::ShuffleUp | Code::ShuffleDown | Code::ShuffleBfly | Code::ShuffleIdx => {
                cross_lane::shuffle(level, warp, mask, instruction)
            }
            Code::Vote => cross_lane::vote(level, warp, mask, instruction),
            Code::Match => cross_lane::match_lanes(level, warp, mask, instruction),
            Code::Reduce => cross_lane::reduce(level, warp, mask, instruction),
            Code::ActiveMask => {
                set_word(level, warp, mask, instruction.d, mask);
                Ok(())
            }
            Code::Elect => cross_lane::elect(level, warp, mask, instruction),
            Code::WarpBarrier => cross_lane::check_members(warp, mask, instruction),
            Code::Prefetch | Code::Fence | Code::Pause => Ok(()),
            Code::Branch | Code::Exit | Code::Trap | Code::Barrier => {
                Err(Stop::fault("a terminator inside a block"))
            }
            _ => {
                lane_ops::lane_op(level, warp, mask, instruction);
                Ok(())
            }
        };
        if let Err(mut stop) = outcome {
            stop.at = at as u32;
            return Err(stop);
        }
    }
    Ok(())
}

/// Checks that an access of 32 bytes a lane, which is done in halves, is aligned as a whole.
#[inline(never)]
fn check_alignment<L: Level>(
    level: L,
    context: &Context<'_>,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let addresses = addresses(level, access, warp, mask);
    match (0..LANES).find(|lane| mask >> lane & 1 != 0 && addresses[*lane] % 32 != 0) {
        None => Ok(()),
        Some(lane) => {
            let address = addresses[lane];
            let detail = format!("access of 32 bytes at {address:#x}, which is not a multiple of 32");
            Err(Stop::trap(TrapKind::Misaligned, 1 << lane, detail))
        }
    }
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

/// The addresses of an access, before generic ones are told apart. Lanes outside `mask` get that of the first lane in
/// it, so that what follows can look at all 32.
#[inline(always)]
fn addresses<L: Level>(level: L, access: &Access, warp: &Warp, mask: u32) -> [u64; LANES] {
    let mut lanes = if access.wide {
        u64::fetch(level, &warp.registers, access.address)
    } else {
        let narrow = u32::fetch(level, &warp.registers, access.address);
        let mut wide = [0; LANES];
        for i in 0..LANES {
            wide[i] = u64::from(narrow[i]);
        }
        wide
    };
    for lane in &mut lanes {
        *lane = lane.wrapping_add(access.offset);
    }
    if mask != FULL {
        let first = lanes[mask.trailing_zeros() as usize & 31];
        let chosen = level.spread(mask);
        for i in 0..LANES {
            lanes[i] = if chosen[i] != 0 { lanes[i] } else { first };
        }
    }
    lanes
}

/// Splits an access by state space: calls `each` with the space, the lanes in it and their addresses in that space.
#[inline(always)]
fn by_space(
    access: &Access,
    addresses: &[u64; LANES],
    mask: u32,
    mut each: impl FnMut(Space, u32, &[u64; LANES]) -> Step,
) -> Step {
    if access.space != Space::Generic {
        return each(access.space, mask, addresses);
    }
    let copy = *addresses;
    split_generic(&copy, mask, &mut each)
}

#[inline(never)]
fn split_generic(
    addresses: &[u64; LANES],
    mask: u32,
    each: &mut dyn FnMut(Space, u32, &[u64; LANES]) -> Step,
) -> Step {
    use crate::memory::window::{LOCAL, PARAM, SHARED};
    let mut rest = mask;
    for (space, window) in [(Space::Shared, SHARED), (Space::Local, LOCAL), (Space::Param, PARAM)] {
        let mut inside = 0;
        let mut moved = [0; LANES];
        for i in 0..LANES {
            inside |= u32::from(window.contains(addresses[i])) << i & rest;
            moved[i] = addresses[i].wrapping_sub(window.base);
        }
        if inside != 0 {
            each(space, inside, &keep(&moved, inside))?;
            rest &= !inside;
        }
    }
    if rest != 0 { each(Space::Global, rest, &keep(addresses, rest)) } else { Ok(()) }
}

/// Addresses where lanes outside `mask` have that of the first lane in it.
fn keep(addresses: &[u64; LANES], mask: u32) -> [u64; LANES] {
    let first = addresses[mask.trailing_zeros() as usize & 31];
    std::array::from_fn(|i| if mask >> i & 1 != 0 { addresses[i] } else { first })
}

/// 32-byte sectors that 32 naturally aligned elements of `size` bytes touch.
#[inline(always)]
fn sectors(addresses: &[u64; LANES], stride: Option<i64>, size: u64) -> u64 {
    match stride {
        Some(0) => 1,
        Some(stride) if stride.unsigned_abs() >= 32 => LANES as u64,
        Some(_) => {
            // Neighbours are less than a sector apart, so every sector between the ends is touched.
            let (a, b) = (addresses[0], addresses[LANES - 1]);
            (a.max(b) + size - 1) / 32 - a.min(b) / 32 + 1
        }
        None => distinct(addresses, 5),
    }
}

/// How many different values the addresses have above their `shift` low bits, compared modulo 2³².
#[inline(always)]
fn distinct(addresses: &[u64; LANES], shift: u32) -> u64 {
    let mut keys = [0u32; LANES];
    for i in 0..LANES {
        keys[i] = (addresses[i] >> shift) as u32;
    }
    // A lane is new if no earlier one has its key: compare all lanes with each, as vectors.
    let mut repeated = [0u32; LANES];
    for i in 0..LANES - 1 {
        let key = keys[i];
        for j in 0..LANES {
            let later = u32::from(j > i);
            repeated[j] |= u32::from(keys[j] == key) & later;
        }
    }
    LANES as u64 - u64::from(repeated.iter().sum::<u32>())
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

/// Reads the operands of the barrier that a warp stands behind.
pub(crate) fn barrier_call(instruction: &Instruction, warp: &Warp) -> Step<BarrierCall> {
    let lane = warp.alive.trailing_zeros() as usize & 31;
    let uniform = |slot: Slot| {
        let lanes = &warp.registers.narrow[usize::from(slot)].0;
        let value = lanes[lane];
        let same = (0..LANES).all(|i| warp.alive >> i & 1 == 0 || lanes[i] == value);
        if same {
            Ok(value)
        } else {
            let detail = "the barrier's operands differ between lanes".to_owned();
            Err(Stop::trap(TrapKind::DivergentBarrier, warp.alive, detail))
        }
    };
    let id = uniform(instruction.a)?;
    let threads = match instruction.b {
        crate::instruction::NO_SLOT => None,
        slot => Some(uniform(slot)?),
    };
    if id > 15 || threads.is_some_and(|threads| threads == 0 || threads % 32 != 0) {
        let detail = format!(
            "barrier {id} for {threads:?} threads: the number is 0 to 15, the count a multiple of 32"
        );
        return Err(Stop::trap(TrapKind::DivergentBarrier, warp.alive, detail));
    }
    let holds = match instruction.c {
        crate::instruction::NO_SLOT => 0,
        slot => warp.registers.predicates[usize::from(slot)] & warp.alive,
    };
    Ok(BarrierCall { mode: BarrierMode::numbered(instruction.m), id, threads, holds })
}

/// Writes the result of a barrier's reduction.
pub(crate) fn barrier_result(instruction: &Instruction, warp: &mut Warp, holding: u32, threads: u32) {
    let mask = warp.alive;
    match BarrierMode::numbered(instruction.m) {
        BarrierMode::Popc => {
            set_word(crate::level::Baseline, warp, mask, instruction.e, holding);
        }
        BarrierMode::And => {
            set_predicate(warp, mask, instruction.d, if holding == threads { FULL } else { 0 });
        }
        BarrierMode::Or => set_predicate(warp, mask, instruction.d, if holding > 0 { FULL } else { 0 }),
        BarrierMode::Sync | BarrierMode::Arrive => {}
    }
}

/// Where an access failed to be inside, in words.
#[cold]
#[inline(never)]
fn out_of_bounds(what: &str, address: u64, size: u64, context: Option<String>) -> String {
    let near = context.map(|text| format!("; {text}")).unwrap_or_default();
    format!("{what} of {size} bytes at {address:#x}{near}")
}

/// The trap for a global access to which `allocation` does not extend, or for a misaligned one.
#[cold]
#[inline(never)]
fn global_trap(
    what: &str,
    context: &Context<'_>,
    addresses: &[u64; LANES],
    mask: u32,
    size: u64,
) -> Box<Stop> {
    for lane in 0..LANES {
        if mask >> lane & 1 == 0 {
            continue;
        }
        let address = addresses[lane];
        if !address.is_multiple_of(size) {
            let detail = format!("{what} of {size} bytes at {address:#x}, which is not a multiple of {size}");
            return Stop::trap(TrapKind::Misaligned, 1 << lane, detail);
        }
        let found = context.allocations.find(address);
        if found.is_none_or(|a| address.checked_add(size).is_none_or(|end| end > a.end)) {
            let nearest = found.or_else(|| context.allocations.nearest(address)).map(|near| {
                let bytes = near.end - near.start;
                if address >= near.end {
                    let beyond = address - near.end;
                    format!(
                        "{beyond} bytes after the end of the {bytes} bytes allocated at {:#x}",
                        near.start
                    )
                } else if address < near.start {
                    let before = near.start - address;
                    format!("{before} bytes before the {bytes} bytes allocated at {:#x}", near.start)
                } else {
                    format!("across the end of the {bytes} bytes allocated at {:#x}", near.start)
                }
            });
            let nearest = nearest.or_else(|| Some("nothing is allocated".to_owned()));
            return Stop::trap(TrapKind::OutOfBounds, 1 << lane, out_of_bounds(what, address, size, nearest));
        }
    }
    Stop::fault("an access was refused for no reason")
}

/// Checks that every lane's global access lies within an allocation and is aligned.
#[allow(clippy::too_many_arguments, reason = "the parts of one check")]
#[inline(always)]
fn check_global<L: Level>(
    level: L,
    what: &'static str,
    context: &Context<'_>,
    recent: &mut Allocation,
    addresses: &[u64; LANES],
    stride: Option<i64>,
    mask: u32,
    size: u64,
) -> Step {
    let (low, high, bits) = match stride {
        Some(stride) => {
            let (a, b) = (addresses[0], addresses[LANES - 1]);
            (a.min(b), a.max(b), a | stride as u64)
        }
        None => {
            let Extent { lowest, highest, bits } = level.extent(addresses);
            (lowest, highest, bits)
        }
    };
    if recent.holds(low, high, size) && bits & (size - 1) == 0 {
        return Ok(());
    }
    let copy = *addresses;
    check_global_slowly(what, context, recent, &copy, mask, size)
}

#[cold]
#[inline(never)]
fn check_global_slowly(
    what: &'static str,
    context: &Context<'_>,
    recent: &mut Allocation,
    addresses: &[u64; LANES],
    mask: u32,
    size: u64,
) -> Step {
    for (lane, address) in addresses.iter().enumerate() {
        if mask >> lane & 1 == 0 {
            continue;
        }
        let fits = |allocation: &Allocation| allocation.holds(*address, *address, size);
        let inside = fits(recent)
            || context.allocations.find(*address).filter(fits).is_some_and(|allocation| {
                *recent = allocation;
                true
            });
        if !inside || address % size != 0 {
            return Err(global_trap(what, context, addresses, mask, size));
        }
    }
    Ok(())
}
