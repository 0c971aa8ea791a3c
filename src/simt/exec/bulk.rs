//! `cp.async.bulk`: contiguous copies between global and shared memory, a thread's own.
//!
//! They land late, as [`cp.async`](super::async_copy) does: towards shared memory when somebody looks at the mbarrier that
//! counts their bytes, towards global memory when their thread waits for its group.

use super::{
    Context, Room,
    addressing::{addresses, lanes_of, shared_addresses},
    bounds::check_global,
    mbarrier::{Landing, objects},
};
use crate::{
    instruction::Instruction,
    level::Level,
    memory::Bytes,
    registers::{Element, LANES},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Bytes that addresses and sizes are multiples of.
const UNIT: u64 = 16;

/// A copy to shared memory on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BulkLoad {
    /// Offset in shared memory.
    to: u64,
    /// Offset in global memory.
    from: u64,
    pub(super) size: u32,
}

/// A copy to global memory on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BulkStore {
    lane: u32,
    /// Groups that the lane had committed before.
    group: u32,
    /// Offset in global memory.
    to: u64,
    /// Offset in shared memory.
    from: u64,
    size: u32,
}

/// The copies to global memory of a warp that have not landed.
#[derive(Debug, Clone, Default)]
pub(crate) struct BulkStores {
    flying: Vec<BulkStore>,
    committed: [u32; LANES],
}

impl BulkStores {
    /// Forgets everything, for the next block.
    pub(crate) fn clear(&mut self) {
        self.flying.clear();
        self.committed = [0; LANES];
    }
}

fn outside() -> Box<Stop> {
    Stop::fault("an allocation lies outside memory")
}

impl BulkLoad {
    /// Copies the bytes, checked when the copy was issued.
    pub(super) fn land(self, room: &mut Room, bytes: &Bytes) -> Step {
        for at in (0..u64::from(self.size)).step_by(4) {
            *room.shared.word_mut(self.to + at) = bytes.load(self.from + at).ok_or_else(outside)?;
        }
        Ok(())
    }
}

impl BulkStore {
    fn land(self, room: &Room, bytes: &Bytes) -> Step {
        for at in (0..u64::from(self.size)).step_by(4) {
            bytes.store(self.to + at, room.shared.word(self.from + at)).ok_or_else(outside)?;
        }
        Ok(())
    }
}

/// Checks one lane's range of global memory and counts it; gives its offset.
#[allow(clippy::too_many_arguments, reason = "the parts of one check")]
fn global_range<L: Level>(
    level: L,
    what: &'static str,
    context: &Context<'_>,
    room: &mut Room,
    site: usize,
    lane: usize,
    first: u64,
    size: u64,
) -> Step<u64> {
    // An allocation has no holes, so its ends stand for all of the range.
    let recent = &mut room.recent[site];
    for end in [first, first.wrapping_add(size - UNIT)] {
        check_global(level, what, context, recent, &[end; LANES], Some(0), 1 << lane, UNIT)?;
    }
    if !recent.holds(first, first, size) {
        let detail = format!("{what} of {size} bytes at {first:#x} spans more than one allocation");
        return Err(Stop::trap(TrapKind::OutOfBounds, 1 << lane, detail));
    }
    let traffic = &mut room.tally.traffic[site];
    traffic.requests += 1;
    traffic.sectors += (first + size).div_ceil(32) - first / 32;
    traffic.bytes += size;
    Ok(first.wrapping_sub(context.bytes.base()))
}

/// Checks one lane's range of shared memory and counts it.
fn shared_range<L: Level>(
    level: L,
    what: &'static str,
    room: &mut Room,
    site: usize,
    lane: usize,
    first: u64,
    size: u64,
) -> Step {
    room.shared.check(level, what, &[first; LANES], 1 << lane, UNIT)?;
    room.shared.check(level, what, &[first.wrapping_add(size - UNIT); LANES], 1 << lane, UNIT)?;
    room.tally.traffic[site].wavefronts += size.div_ceil(128);
    Ok(())
}

/// The sizes that the lanes ask for.
fn sizes<L: Level>(level: L, warp: &Warp, mask: u32, instruction: &Instruction) -> Step<[u32; LANES]> {
    let sizes = u32::fetch(level, &warp.registers, instruction.c);
    match lanes_of(mask).find(|lane| !u64::from(sizes[*lane]).is_multiple_of(UNIT)) {
        None => Ok(sizes),
        Some(lane) => {
            let detail = format!("a bulk copy of {} bytes, which is not a multiple of {UNIT}", sizes[lane]);
            Err(Stop::trap(TrapKind::Misaligned, 1 << lane, detail))
        }
    }
}

/// Lanes that copy something.
fn copying(mask: u32, sizes: &[u32; LANES]) -> impl Iterator<Item = usize> {
    lanes_of(mask).filter(|lane| sizes[*lane] != 0)
}

/// From global to shared memory. The accesses to shared memory, to global memory and to the mbarrier follow each other.
#[inline(never)]
pub(super) fn load<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let site = usize::from(instruction.m);
    let accesses = &context.kernel.tables.accesses;
    let sizes = sizes(level, warp, mask, instruction)?;
    let to = shared_addresses(level, &accesses[site], warp, mask);
    let from = addresses(level, &accesses[site + 1], warp, mask);
    let objects = objects(level, room, warp, mask, &accesses[site + 2])?;
    for lane in copying(mask, &sizes) {
        let size = u64::from(sizes[lane]);
        shared_range(level, "bulk store", room, site, lane, to[lane], size)?;
        let from = global_range(level, "bulk load", context, room, site + 1, lane, from[lane], size)?;
        let copy = BulkLoad { to: to[lane], from, size: sizes[lane] };
        room.landings.add(objects[lane], Landing::Bulk(copy));
    }
    Ok(())
}

/// From shared to global memory.
#[inline(never)]
pub(super) fn store<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let site = usize::from(instruction.m);
    let accesses = &context.kernel.tables.accesses;
    let sizes = sizes(level, warp, mask, instruction)?;
    let to = addresses(level, &accesses[site], warp, mask);
    let from = shared_addresses(level, &accesses[site + 1], warp, mask);
    for lane in copying(mask, &sizes) {
        let size = u64::from(sizes[lane]);
        let to = global_range(level, "bulk store", context, room, site, lane, to[lane], size)?;
        shared_range(level, "bulk load", room, site + 1, lane, from[lane], size)?;
        let stores = &mut warp.bulk_stores;
        let group = stores.committed[lane];
        stores.flying.push(BulkStore { lane: lane as u32, group, to, from: from[lane], size: sizes[lane] });
    }
    Ok(())
}

/// `cp.async.bulk.commit_group`
pub(super) fn commit(warp: &mut Warp, mask: u32) {
    for (lane, committed) in warp.bulk_stores.committed.iter_mut().enumerate() {
        *committed += mask >> lane & 1;
    }
}

/// `cp.async.bulk.wait_group`, also with `.read`, with the number of groups that may stay behind in `m`.
#[inline(never)]
pub(super) fn wait(
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let BulkStores { flying, committed } = &mut warp.bulk_stores;
    let is_due = |copy: &BulkStore| {
        let newest = u64::from(committed[copy.lane as usize & 31]);
        mask >> copy.lane & 1 != 0 && u64::from(copy.group) + u64::from(instruction.m) < newest
    };
    for copy in flying.extract_if(.., |copy| is_due(copy)) {
        copy.land(room, context.bytes)?;
    }
    Ok(())
}
