//! `cp.async`: copies from global to shared memory that land when the thread waits for them, and not before.
//!
//! A GPU lands them some time before the wait is over. Here a copy is checked and counted where it is issued, and its
//! bytes are read and written at the wait that must not return without it: a kernel that reads them earlier, or waits
//! for too few groups, reads what was there before, every time. Copies that nobody waits for never land.

use super::{
    Context, Room,
    addressing::{addresses, keep, lanes_of, sectors, shared_addresses},
    bounds::{check_global, global_trap},
    mbarrier, shared,
};
use crate::{
    instruction::{Instruction, NO_SLOT},
    level::Level,
    memory::{Allocation, Bytes},
    registers::{Element, LANES},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// A copy on its way: what one instruction issued for lanes whose groups have the same number.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    /// Lanes that have not waited for it yet.
    lanes: u32,
    /// Groups that its lanes had committed before.
    group: u32,
    /// Bytes written a lane: 4, 8 or 16.
    size: u8,
    /// Bytes read a lane; the others are zeros.
    read: [u8; LANES],
    /// Offsets in shared memory.
    to: [u32; LANES],
    /// Offsets in global memory.
    from: [u64; LANES],
}

/// The copies of a warp that have not landed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Copies {
    flying: Vec<Copy>,
    /// Groups that each lane has committed.
    committed: [u32; LANES],
}

impl Copies {
    /// Forgets everything, for the next block.
    pub(crate) fn clear(&mut self) {
        self.flying.clear();
        self.committed = [0; LANES];
    }

    /// Closes the lanes' groups.
    fn commit(&mut self, mask: u32) {
        for (lane, committed) in self.committed.iter_mut().enumerate() {
            *committed += mask >> lane & 1;
        }
    }

    /// Lands what the lanes have committed, but for their newest `pending` groups.
    fn land(&mut self, mask: u32, pending: u32, room: &mut Room, bytes: &Bytes) -> Step {
        for copy in &mut self.flying {
            let due = lanes_of(copy.lanes & mask)
                .filter(|lane| u64::from(copy.group) + u64::from(pending) < u64::from(self.committed[*lane]))
                .fold(0, |due, lane| due | 1 << lane);
            copy.land(due, room, bytes)?;
            copy.lanes &= !due;
        }
        self.flying.retain(|copy| copy.lanes != 0);
        Ok(())
    }

    /// Takes out what the lanes have issued.
    pub(super) fn take(&mut self, lanes: u32) -> Vec<Copy> {
        let mut taken = Vec::new();
        for copy in &mut self.flying {
            if copy.lanes & lanes != 0 {
                taken.push(Copy { lanes: copy.lanes & lanes, ..copy.clone() });
                copy.lanes &= !lanes;
            }
        }
        self.flying.retain(|copy| copy.lanes != 0);
        taken
    }
}

impl Copy {
    /// Copies the bytes of all lanes.
    pub(super) fn land_all(&self, room: &mut Room, bytes: &Bytes) -> Step {
        self.land(self.lanes, room, bytes)
    }

    /// Copies the bytes of some lanes, checked when the copy was issued.
    fn land(&self, lanes: u32, room: &mut Room, bytes: &Bytes) -> Step {
        let landed = lanes_of(lanes).try_for_each(|lane| self.lane(lane, room, bytes));
        landed.ok_or_else(|| Stop::fault("an allocation lies outside memory"))
    }

    fn lane(&self, lane: usize, room: &mut Room, bytes: &Bytes) -> Option<()> {
        let (to, from) = (u64::from(self.to[lane]), self.from[lane]);
        let read = u64::from(self.read[lane]);
        for at in (0..u64::from(self.size)).step_by(4) {
            let word = match read.saturating_sub(at) {
                0 => 0,
                1..4 => (at..read)
                    .rev()
                    .try_fold(0u32, |word, at| Some(word << 8 | u32::from(bytes.load::<u8>(from + at)?)))?,
                _ => bytes.load::<u32>(from + at)?,
            };
            *room.shared.word_mut(to + at) = word;
        }
        Some(())
    }
}

/// `cp.async`
#[inline(never)]
pub(super) fn issue<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    level.vectorize(
        #[inline(always)]
        || issue_lanes(level, context, room, warp, mask, instruction),
    )
}

#[inline(always)]
fn issue_lanes<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let site = usize::from(instruction.m);
    let accesses = &context.kernel.tables.accesses;
    let (target, source) = (&accesses[site], &accesses[site + 1]);
    let size = u64::from(target.width);

    let to = shared_addresses(level, target, warp, mask);
    room.shared.check(level, "asynchronous store", &to, mask, size)?;
    let (wavefronts, conflicts) = shared::wavefronts(&to, level.stride(&to), mask, size);
    let traffic = &mut room.tally.traffic[site];
    traffic.wavefronts += wavefronts;
    traffic.conflicts += conflicts;

    let mut from = addresses(level, source, warp, mask);
    let mut read = [size as u8; LANES];
    if instruction.c != NO_SLOT {
        let wanted = u32::fetch(level, &warp.registers, instruction.c);
        too_much(&wanted, mask, size)?;
        read = wanted.map(|bytes| bytes as u8);
    }
    if instruction.d != NO_SLOT {
        let ignored = warp.registers.predicates[usize::from(instruction.d)];
        for (lane, read) in read.iter_mut().enumerate() {
            *read = if ignored >> lane & 1 != 0 { 0 } else { *read };
        }
    }
    let lanes = |wanted: &dyn Fn(u8) -> bool| {
        (0..LANES).fold(0, |lanes, lane| lanes | u32::from(wanted(read[lane])) << lane) & mask
    };
    let (whole, part) =
        (lanes(&|read| u64::from(read) == size), lanes(&|read| read != 0 && u64::from(read) < size));
    if part != 0 {
        check_parts(context, &from, part, &read, size)?;
    }
    if whole != 0 {
        let from = if whole == mask { from } else { keep(&from, whole) };
        let recent = &mut room.recent[site + 1];
        check_global(level, "asynchronous load", context, recent, &from, level.stride(&from), whole, size)?;
    }
    let reading = whole | part;
    if reading != 0 {
        from = if reading == mask { from } else { keep(&from, reading) };
        let traffic = &mut room.tally.traffic[site + 1];
        traffic.requests += 1;
        traffic.sectors += sectors(&from, level.stride(&from), size);
        traffic.bytes += lanes_of(reading).map(|lane| u64::from(read[lane])).sum::<u64>();
    }

    // Lanes that have committed the same number of groups, nearly always all of them, fly together.
    let copies = &mut warp.copies;
    let mut rest = mask;
    while rest != 0 {
        let group = copies.committed[rest.trailing_zeros() as usize & 31];
        let lanes = lanes_of(rest)
            .filter(|lane| copies.committed[*lane] == group)
            .fold(0, |lanes, lane| lanes | 1 << lane);
        rest &= !lanes;
        copies.flying.push(Copy {
            lanes,
            group,
            size: size as u8,
            read,
            to: to.map(|address| address as u32),
            from: from.map(|address| address.wrapping_sub(context.bytes.base())),
        });
    }
    Ok(())
}

/// Traps where a lane wants more bytes of the source than it writes.
fn too_much(wanted: &[u32; LANES], mask: u32, size: u64) -> Step {
    match lanes_of(mask).find(|lane| u64::from(wanted[*lane]) > size) {
        None => Ok(()),
        Some(lane) => {
            let detail = format!("a copy of {size} bytes that reads {} of its source", wanted[lane]);
            Err(Stop::trap(TrapKind::OutOfBounds, 1 << lane, detail))
        }
    }
}

/// Checks lanes that read less than they write: aligned as for a whole copy, inside for what they read.
#[cold]
fn check_parts(
    context: &Context<'_>,
    from: &[u64; LANES],
    lanes: u32,
    read: &[u8; LANES],
    size: u64,
) -> Step {
    for lane in lanes_of(lanes) {
        let address = from[lane];
        let last = address.wrapping_add(u64::from(read[lane]) - 1);
        let inside = context
            .allocations
            .find(address)
            .is_some_and(|found: Allocation| last >= address && found.holds(address, last, 1));
        if !inside || !address.is_multiple_of(size) {
            return Err(global_trap("asynchronous load", context, from, 1 << lane, size));
        }
    }
    Ok(())
}

/// `cp.async.commit_group`
pub(super) fn commit(warp: &mut Warp, mask: u32) {
    warp.copies.commit(mask);
}

/// `cp.async.wait_group` with the number of groups that may stay behind in `m`.
#[inline(never)]
pub(super) fn wait(
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    mbarrier::land_warp(room, context.bytes, warp.index)?;
    warp.copies.land(mask, u32::from(instruction.m), room, context.bytes)
}

/// `cp.async.wait_all`: also for copies that are in no group yet.
#[inline(never)]
pub(super) fn wait_all(context: &Context<'_>, room: &mut Room, warp: &mut Warp, mask: u32) -> Step {
    mbarrier::land_warp(room, context.bytes, warp.index)?;
    warp.copies.commit(mask);
    warp.copies.land(mask, 0, room, context.bytes)
}
