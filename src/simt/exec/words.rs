//! The commonest memory accesses on a short path: a full warp, one to four 32-bit registers a lane.
//!
//! A site remembers how the lanes of its last request lay to each other: nearly always the next request's do the same,
//! wherever it is. Then bounds, alignment, sectors and bank conflicts follow from the first lane's address, and the
//! words move straight between memory and the register file. Whatever does not fit, a trap included, is left to the
//! general loads and stores.

use super::{Context, Room, addressing::distinct, shared};
use crate::{
    instruction::{Access, Instruction, Place, Space},
    level::Level,
    memory::Spread,
    registers::{FULL, LANES, Lanes, Registers},
    warp::Warp,
};

/// What a site remembers of its last request of a full warp.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    spread: Spread,
    /// Of a request to shared memory.
    wavefronts: u64,
    conflicts: u64,
    /// 32-byte sectors by the first lane's word in its sector; 0 is not known yet.
    sectors: [u8; 8],
}

impl Shape {
    /// One that no request has.
    pub(crate) fn none() -> Self {
        Shape { spread: Spread::none(), wavefronts: 0, conflicts: 0, sectors: [0; 8] }
    }

    /// The sectors of an aligned request to global memory.
    #[inline(always)]
    fn sectors(&mut self, first: u64) -> u64 {
        let known = u64::from(self.sectors[(first / 4 % 8) as usize]);
        if known != 0 { known } else { self.count_sectors(first) }
    }

    #[inline(never)]
    fn count_sectors(&mut self, first: u64) -> u64 {
        let sectors = distinct(&self.spread.addresses(first), 5);
        self.sectors[(first / 4 % 8) as usize] = sectors as u8;
        sectors
    }
}

/// The address of lane 0, and in `shape` how the others lie to it; `None` if they lie too far apart.
#[inline(always)]
fn locate(access: &Access, warp: &Warp, shape: &mut Shape) -> Option<u64> {
    let slot = usize::from(access.address);
    let (first, fits) = if access.wide {
        let lanes = &warp.registers.wide[slot].0;
        (lanes[0], shape.spread.fits(lanes))
    } else {
        let lanes = &warp.registers.narrow[slot].0;
        (u64::from(lanes[0]), shape.spread.fits_narrow(lanes))
    };
    (fits || learn(access, warp, shape)).then_some(first.wrapping_add(access.offset))
}

/// Takes a new shape from a request; `false` if its lanes lie too far apart.
#[inline(never)]
fn learn(access: &Access, warp: &Warp, shape: &mut Shape) -> bool {
    let slot = usize::from(access.address);
    let lanes =
        if access.wide { warp.registers.wide[slot].0 } else { warp.registers.narrow[slot].0.map(u64::from) };
    let Some(spread) = Spread::of(&lanes) else { return false };
    *shape = Shape { spread, ..Shape::none() };
    if access.space == Space::Shared {
        // Banks turn with the first address: any that keeps the lanes from wrapping gives the same conflicts.
        let addresses = shape.spread.addresses(1 << 32);
        let stride = shape.spread.stride().map(i64::from);
        let size = 4 * u64::from(access.count);
        (shape.wavefronts, shape.conflicts) = shared::wavefronts(&addresses, stride, FULL, size);
    }
    true
}

/// Loads words if the first of some instructions is such an access, and with it loads of words beside them that follow.
/// Gives how many instructions it did.
#[inline(always)]
pub(super) fn load<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instructions: &[Instruction],
) -> usize {
    let Some(instruction) = instructions.first() else { return 0 };
    let site = usize::from(instruction.m);
    let access = &context.kernel.tables.accesses[site];
    if mask != FULL || !access.is_words {
        return 0;
    }
    if access.neighbours > 1
        && let Some(group) = instructions.get(..usize::from(access.neighbours))
        && load_neighbours(level, context, room, warp, group)
    {
        return group.len();
    }
    let done = match access.count {
        1 => load_words::<1, L>(level, context, room, warp, access, site),
        2 => load_words::<2, L>(level, context, room, warp, access, site),
        _ => load_words::<4, L>(level, context, room, warp, access, site),
    };
    usize::from(done)
}

/// Loads a word of each of some neighbours as one access of 16 bytes; says whether it did.
#[inline(never)]
fn load_neighbours<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    group: &[Instruction],
) -> bool {
    level.vectorize(
        #[inline(always)]
        || {
            let accesses = &context.kernel.tables.accesses;
            let site = usize::from(group[0].m);
            let access = &accesses[site];
            let shape = &mut room.shapes[site];
            let Some(first) = locate(access, warp, shape) else { return false };
            let offsets = group.iter().map(|load| accesses[usize::from(load.m)].offset as i64);
            let lowest = offsets.min().unwrap_or_default() as u64;
            let first = first.wrapping_sub(access.offset).wrapping_add(lowest);
            let Some((low, high)) = shape.spread.ends(first) else { return false };
            let mut rows = [[0; LANES]; 4];
            let is_global = access.space == Space::Global;
            if is_global {
                if !room.recent[site].holds(low, high, 16) {
                    return false;
                }
                let offset = first.wrapping_sub(context.bytes.base());
                let Some(request) = context.bytes.request::<4>(offset, &shape.spread) else { return false };
                for part in (0..LANES).step_by(8) {
                    let mut elements = [[0; 4]; 8];
                    for (i, words) in elements.iter_mut().enumerate() {
                        *words = request.load::<L>(part + i);
                    }
                    for (row, lanes) in rows.iter_mut().zip(level.deal(elements)) {
                        row[part..part + 8].copy_from_slice(&lanes);
                    }
                }
            } else {
                if !room.shared.holds(high, 16) || !shape.spread.is_aligned(first, 16) {
                    return false;
                }
                for part in (0..LANES).step_by(8) {
                    let mut elements = [[0; 4]; 8];
                    for (i, words) in elements.iter_mut().enumerate() {
                        let distance = shape.spread.distance(part + i);
                        *words = room.shared.element::<4>(first.wrapping_add_signed(distance));
                    }
                    for (row, lanes) in rows.iter_mut().zip(level.deal(elements)) {
                        row[part..part + 8].copy_from_slice(&lanes);
                    }
                }
            }
            for load in group {
                let site = usize::from(load.m);
                let access = &accesses[site];
                let further = access.offset.wrapping_sub(lowest);
                let row = &rows[(further / 4 % 4) as usize];
                warp.registers.narrow[usize::from(access.places[0].slot)].0 = *row;
                let traffic = &mut room.tally.traffic[site];
                if is_global {
                    traffic.requests += 1;
                    traffic.sectors += shape.sectors(first.wrapping_add(further));
                    traffic.bytes += 4 * LANES as u64;
                } else {
                    traffic.wavefronts += shape.wavefronts;
                    traffic.conflicts += shape.conflicts;
                }
            }
            true
        },
    )
}

#[inline(always)]
fn load_words<const COUNT: usize, L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    access: &Access,
    site: usize,
) -> bool {
    let size = 4 * COUNT as u64;
    let shape = &mut room.shapes[site];
    let Some(first) = locate(access, warp, shape) else { return false };
    let Some((low, high)) = shape.spread.ends(first) else { return false };
    if !shape.spread.is_aligned(first, size) {
        return false;
    }
    let (registers, places) = (&mut warp.registers, &access.places);
    let traffic = &mut room.tally.traffic[site];
    match access.space {
        // A generic address that an allocation holds is one of global memory.
        Space::Global | Space::Generic if room.recent[site].holds(low, high, size) => {
            let offset = first.wrapping_sub(context.bytes.base());
            if COUNT == 1 && shape.spread.stride() == Some(4) {
                let target = &mut registers.narrow[usize::from(places[0].slot)].0;
                if context.bytes.load_strided::<L, u32>(offset, 4, target).is_none() {
                    return false;
                }
            } else {
                let Some(request) = context.bytes.request::<COUNT>(offset, &shape.spread) else {
                    return false;
                };
                let uniform = shape.spread.stride() == Some(0);
                fill(
                    level,
                    registers,
                    places,
                    uniform,
                    #[inline(always)]
                    |lane| request.load::<L>(lane),
                );
            }
            traffic.requests += 1;
            traffic.sectors += shape.sectors(first);
            traffic.bytes += size * LANES as u64;
            true
        }
        Space::Shared if room.shared.holds(high, size) => {
            let stride = shape.spread.stride();
            match room.shared.row::<LANES>(first) {
                Some(row) if COUNT == 1 && stride == Some(4) => {
                    registers.narrow[usize::from(places[0].slot)].0 = *row;
                }
                _ => {
                    let (shared, spread) = (&room.shared, &shape.spread);
                    fill(
                        level,
                        registers,
                        places,
                        stride == Some(0),
                        #[inline(always)]
                        |lane| shared.element::<COUNT>(first.wrapping_add_signed(spread.distance(lane))),
                    );
                }
            }
            traffic.wavefronts += shape.wavefronts;
            traffic.conflicts += shape.conflicts;
            true
        }
        _ => false,
    }
}

/// Deals elements of `COUNT` words, one a lane, out to as many registers.
#[inline(always)]
fn fill<const COUNT: usize, L: Level>(
    level: L,
    registers: &mut Registers,
    places: &[Place; 4],
    uniform: bool,
    element: impl Fn(usize) -> [u32; COUNT],
) {
    if uniform {
        for (place, word) in places.iter().zip(element(0)) {
            registers.narrow[usize::from(place.slot)].0 = [word; LANES];
        }
        return;
    }
    for group in (0..LANES).step_by(8) {
        let mut elements = [[0; COUNT]; 8];
        for (i, words) in elements.iter_mut().enumerate() {
            *words = element(group + i);
        }
        for (place, lanes) in places.iter().zip(level.deal(elements)) {
            registers.narrow[usize::from(place.slot)].0[group..group + 8].copy_from_slice(&lanes);
        }
    }
}

/// Stores words if the access is such a one; says whether it did.
#[inline(always)]
pub(super) fn store<L: Level>(
    _: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> bool {
    let site = usize::from(instruction.m);
    let access = &context.kernel.tables.accesses[site];
    if mask != FULL || !access.is_words {
        return false;
    }
    match access.count {
        1 => store_words::<1, L>(context, room, warp, access, site),
        2 => store_words::<2, L>(context, room, warp, access, site),
        _ => store_words::<4, L>(context, room, warp, access, site),
    }
}

/// A lane's words of some registers.
#[inline(always)]
fn element<const COUNT: usize>(narrow: &[Lanes<u32>], sources: [usize; 4], lane: usize) -> [u32; COUNT] {
    let mut words = [0; COUNT];
    for (word, source) in words.iter_mut().zip(sources) {
        *word = narrow[source].0[lane];
    }
    words
}

#[inline(always)]
fn store_words<const COUNT: usize, L: Level>(
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    access: &Access,
    site: usize,
) -> bool {
    let size = 4 * COUNT as u64;
    let shape = &mut room.shapes[site];
    let Some(first) = locate(access, warp, shape) else { return false };
    let Some((low, high)) = shape.spread.ends(first) else { return false };
    if !shape.spread.is_aligned(first, size) {
        return false;
    }
    let sources = access.places.map(|place| usize::from(place.slot));
    let narrow = &warp.registers.narrow;
    let is_row = COUNT == 1 && shape.spread.stride() == Some(4);
    let traffic = &mut room.tally.traffic[site];
    match access.space {
        Space::Global | Space::Generic if room.recent[site].holds(low, high, size) => {
            let offset = first.wrapping_sub(context.bytes.base());
            if is_row {
                if context.bytes.store_row::<L, u32, LANES>(offset, &narrow[sources[0]].0).is_none() {
                    return false;
                }
            } else {
                let Some(request) = context.bytes.request::<COUNT>(offset, &shape.spread) else {
                    return false;
                };
                // In order: the highest lane wins where addresses are equal.
                for lane in 0..LANES {
                    request.store(lane, element(narrow, sources, lane));
                }
            }
            traffic.requests += 1;
            traffic.sectors += shape.sectors(first);
            traffic.bytes += size * LANES as u64;
            room.changes += u64::from(access.space == Space::Generic);
            true
        }
        Space::Shared if room.shared.holds(high, size) => {
            match room.shared.row_mut::<LANES>(first) {
                Some(row) if is_row => *row = narrow[sources[0]].0,
                _ => {
                    for lane in 0..LANES {
                        let address = first.wrapping_add_signed(shape.spread.distance(lane));
                        *room.shared.element_mut::<COUNT>(address) = element(narrow, sources, lane);
                    }
                }
            }
            traffic.wavefronts += shape.wavefronts;
            traffic.conflicts += shape.conflicts;
            true
        }
        _ => false,
    }
}
