//! `mbarrier`: barriers in shared memory that threads and asynchronous copies arrive at.
//!
//! The object is 64 bits that are ours to lay out ([`Object`]). Copies that it tracks land when somebody looks whether
//! its phase is complete, and not before: as with [`cp.async`](super::async_copy), reading too early shows.

use super::{
    Context, Room,
    addressing::{lanes_of, shared_addresses},
    async_copy::Copy,
    bulk::BulkLoad,
    set_predicate,
};
use crate::{
    instruction::{Access, Instruction, NO_SLOT},
    level::Level,
    memory::Bytes,
    registers::{Element, LANES},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Largest count of arrivals, and of bytes in flight either way (PTX ISA, "mbarrier").
const MOST: u32 = (1 << 20) - 1;

/// An `mbarrier` object.
///
/// Bits 0 to 19 are the arrivals that the phase still waits for, 20 to 39 those that the next one will wait for, bit 40 the
/// parity of the phase, bits 41 to 61 the bytes that are to come plus 2²⁰; bit 63 says that it is initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Object {
    pending: u32,
    expected: u32,
    parity: bool,
    bytes: i32,
}

impl Object {
    const VALID: u64 = 1 << 63;
    const PARITY: u32 = 40;
    const BIAS: i32 = 1 << 20;

    fn of(word: u64) -> Option<Self> {
        let field = |from: u32, bits: u32| (word >> from) as u32 & ((1 << bits) - 1);
        (word & Self::VALID != 0).then(|| Object {
            pending: field(0, 20),
            expected: field(20, 20),
            parity: field(Self::PARITY, 1) != 0,
            bytes: field(41, 21) as i32 - Self::BIAS,
        })
    }

    fn word(self) -> u64 {
        Self::VALID
            | u64::from(self.pending)
            | u64::from(self.expected) << 20
            | u64::from(self.parity) << Self::PARITY
            | ((self.bytes + Self::BIAS) as u64) << 41
    }

    /// Begins the next phase if nothing is left to wait for.
    fn settle(mut self) -> Self {
        if self.pending == 0 && self.bytes == 0 {
            self.pending = self.expected;
            self.parity = !self.parity;
        }
        self
    }

    /// Takes arrivals away, for all phases to come where `drops`.
    fn arrive(mut self, count: u32, drops: bool) -> Result<Self, String> {
        let left = self.pending.checked_sub(count).filter(|_| (1..=MOST).contains(&count));
        self.pending = left.ok_or_else(|| {
            format!("{count} arrivals at an mbarrier whose phase waits for {} more", self.pending)
        })?;
        if drops {
            self.expected = self.expected.saturating_sub(count);
        }
        Ok(self)
    }

    /// Changes the number of bytes that are to come.
    fn expect(mut self, bytes: i64) -> Result<Self, String> {
        let sum = i64::from(self.bytes) + bytes;
        if sum.unsigned_abs() > u64::from(MOST) {
            return Err(format!("{sum} bytes to come at an mbarrier; the most is {MOST}"));
        }
        self.bytes = sum as i32;
        Ok(self)
    }
}

/// What an object waits for, to be done when somebody looks at it.
#[derive(Debug, Clone)]
pub(crate) enum Landing {
    /// Copies of these lanes of a warp, and one arrival for each lane.
    Copies { warp: u32, lanes: u32, copies: Vec<Copy> },
    /// A bulk copy, and its bytes.
    Bulk(BulkLoad),
}

/// The landings of a block by the addresses of their objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Landings(Vec<(u64, Landing)>);

impl Landings {
    /// Forgets everything, for the next block.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds one for the object at `address`.
    pub(super) fn add(&mut self, address: u64, landing: Landing) {
        self.0.push((address, landing));
    }
}

/// Does what the object at `address` is waiting for.
fn land(room: &mut Room, bytes: &Bytes, address: u64) -> Step {
    if room.landings.0.is_empty() {
        return Ok(());
    }
    let all = std::mem::take(&mut room.landings.0);
    let (due, rest) = all.into_iter().partition(|(object, _)| *object == address);
    room.landings.0 = rest;
    land_each(room, bytes, due)
}

/// Lands the copies of a warp, whatever object tracks them.
pub(super) fn land_warp(room: &mut Room, bytes: &Bytes, index: u32) -> Step {
    if room.landings.0.is_empty() {
        return Ok(());
    }
    let all = std::mem::take(&mut room.landings.0);
    let (due, rest) = all
        .into_iter()
        .partition(|(_, landing)| matches!(landing, Landing::Copies { warp, .. } if *warp == index));
    room.landings.0 = rest;
    land_each(room, bytes, due)
}

fn land_each(room: &mut Room, bytes: &Bytes, due: Vec<(u64, Landing)>) -> Step {
    for (address, landing) in due {
        let change = match landing {
            Landing::Copies { lanes, copies, .. } => {
                for copy in copies {
                    copy.land_all(room, bytes)?;
                }
                Change::Arrive { count: lanes.count_ones(), drops: false, bytes: 0 }
            }
            Landing::Bulk(copy) => {
                copy.land(room, bytes)?;
                Change::Expect(-i64::from(copy.size))
            }
        };
        change.apply(room, address, 0)?;
    }
    Ok(())
}

/// What an instruction does to an object.
#[derive(Debug, Clone, Copy)]
enum Change {
    Expect(i64),
    /// Expects bytes, then arrives.
    Arrive {
        count: u32,
        drops: bool,
        bytes: i64,
    },
    /// One more arrival for this phase to wait for.
    Await,
}

impl Change {
    /// Applies it to the object at a checked address; gives what the object was.
    fn apply(self, room: &mut Room, address: u64, lane: usize) -> Step<u64> {
        let word = room.shared.load(address, 8);
        let changed = match (Object::of(word), self) {
            (None, _) => Err(format!("there is no initialised mbarrier at {address:#x}")),
            (Some(object), Change::Expect(bytes)) => object.expect(bytes),
            (Some(object), Change::Arrive { count, drops, bytes }) => {
                object.expect(bytes).and_then(|object| object.arrive(count, drops))
            }
            (Some(object), Change::Await) if object.pending < MOST => {
                Ok(Object { pending: object.pending + 1, ..object })
            }
            (Some(_), Change::Await) => Err(format!("more than {MOST} arrivals at an mbarrier")),
        };
        match changed {
            Ok(object) => {
                room.shared.store(address, 8, object.settle().word());
                Ok(word)
            }
            Err(detail) => Err(Stop::trap(TrapKind::InvalidBarrier, 1 << lane, detail)),
        }
    }
}

/// The checked addresses of the objects that the lanes name.
pub(super) fn objects<L: Level>(
    level: L,
    room: &Room,
    warp: &Warp,
    mask: u32,
    access: &Access,
) -> Step<[u64; LANES]> {
    let objects = shared_addresses(level, access, warp, mask);
    room.shared.check(level, "mbarrier operation", &objects, mask, 8)?;
    Ok(objects)
}

/// `init` and `inval`, the latter without a count.
#[inline(never)]
pub(super) fn initialise<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let objects = objects(level, room, warp, mask, access)?;
    if instruction.a == NO_SLOT {
        lanes_of(mask).for_each(|lane| room.shared.store(objects[lane], 8, 0));
        return Ok(());
    }
    let counts = u32::fetch(level, &warp.registers, instruction.a);
    for lane in lanes_of(mask) {
        let count = counts[lane];
        if !(1..=MOST).contains(&count) {
            let detail = format!("an mbarrier for {count} arrivals; it takes 1 to {MOST}");
            return Err(Stop::trap(TrapKind::InvalidBarrier, 1 << lane, detail));
        }
        let object = Object { pending: count, expected: count, parity: false, bytes: 0 };
        room.shared.store(objects[lane], 8, object.word());
    }
    Ok(())
}

/// `arrive`, `arrive_drop`, with or without `.expect_tx`.
#[inline(never)]
pub(super) fn arrive<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let objects = objects(level, room, warp, mask, access)?;
    let or = |slot, default: u32| {
        if slot == NO_SLOT { [default; LANES] } else { u32::fetch(level, &warp.registers, slot) }
    };
    let (counts, bytes, drops) = (or(instruction.a, 1), or(instruction.b, 0), or(instruction.c, 0));
    let mut states = [0; LANES];
    for lane in lanes_of(mask) {
        let change =
            Change::Arrive { count: counts[lane], drops: drops[lane] != 0, bytes: i64::from(bytes[lane]) };
        states[lane] = change.apply(room, objects[lane], lane)?;
    }
    if instruction.d != NO_SLOT {
        u64::store(level, &mut warp.registers, instruction.d, mask, &states);
    }
    Ok(())
}

/// `expect_tx`, or `complete_tx` where `completes`.
#[inline(never)]
pub(super) fn expect<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
    completes: bool,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let objects = objects(level, room, warp, mask, access)?;
    let bytes = u32::fetch(level, &warp.registers, instruction.a);
    for lane in lanes_of(mask) {
        let bytes = i64::from(bytes[lane]);
        Change::Expect(if completes { -bytes } else { bytes }).apply(room, objects[lane], lane)?;
    }
    Ok(())
}

/// `test_wait` and `try_wait`: whether the phase is over that a state or a parity names.
#[inline(never)]
pub(super) fn test<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let objects = objects(level, room, warp, mask, access)?;
    let parities: [bool; LANES] = if instruction.a == NO_SLOT {
        u32::fetch(level, &warp.registers, instruction.b).map(|parity| parity & 1 != 0)
    } else {
        u64::fetch(level, &warp.registers, instruction.a).map(|state| state >> Object::PARITY & 1 != 0)
    };
    let mut over = 0;
    for lane in lanes_of(mask) {
        land(room, context.bytes, objects[lane])?;
        let Some(object) = Object::of(room.shared.load(objects[lane], 8)) else {
            let detail = format!("there is no initialised mbarrier at {:#x}", objects[lane]);
            return Err(Stop::trap(TrapKind::InvalidBarrier, 1 << lane, detail));
        };
        over |= u32::from(object.parity != parities[lane]) << lane;
    }
    set_predicate(warp, mask, instruction.d, over);
    Ok(())
}

/// `cp.async.mbarrier.arrive`: the object waits for the copies that the lanes have issued. Unless `.noinc`, which `a` tells,
/// its phase waits for one more arrival a lane, that of the copies.
#[inline(never)]
pub(super) fn track<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let objects = objects(level, room, warp, mask, access)?;
    let more = u32::fetch(level, &warp.registers, instruction.a);
    let mut rest = mask;
    while rest != 0 {
        let object = objects[rest.trailing_zeros() as usize & 31];
        let lanes =
            lanes_of(rest).filter(|lane| objects[*lane] == object).fold(0, |lanes, lane| lanes | 1 << lane);
        rest &= !lanes;
        for lane in lanes_of(lanes).filter(|lane| more[*lane] != 0) {
            Change::Await.apply(room, object, lane)?;
        }
        let copies = warp.copies.take(lanes);
        room.landings.add(object, Landing::Copies { warp: warp.index, lanes, copies });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_end_when_arrivals_and_bytes_are_in() {
        let new = Object { pending: 2, expected: 2, parity: false, bytes: 0 };
        assert_eq!(Object::of(new.word()), Some(new));
        assert_eq!(Object::of(0), None);
        let one = new.expect(64).unwrap().arrive(1, false).unwrap().settle();
        assert_eq!(one, Object { pending: 1, bytes: 64, ..new });
        let both = one.arrive(1, true).unwrap().settle();
        assert!(!both.parity, "bytes are still to come");
        let done = both.expect(-64).unwrap().settle();
        assert_eq!(done, Object { pending: 1, expected: 1, parity: true, bytes: 0 });
        let early = new.expect(-5).unwrap();
        assert_eq!(Object::of(early.word()).unwrap().bytes, -5);
        assert!(new.arrive(3, false).is_err() && new.arrive(0, false).is_err());
        assert!(new.expect(1 << 20).is_err());
    }
}
