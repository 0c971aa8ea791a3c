//! Where the lanes of an access want to go: addresses, state spaces, and how many sectors that takes.

use crate::{
    counts::Traffic,
    instruction::{Access, Space},
    level::Level,
    memory::window,
    registers::{Element, FULL, LANES},
    trap::Step,
    warp::Warp,
};

/// The lanes of a mask, in order.
#[inline(always)]
pub(super) fn lanes_of(mask: u32) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let lane = (rest != 0).then_some(rest.trailing_zeros() as usize);
        rest &= rest.wrapping_sub(1);
        lane
    })
}

/// The addresses of an access, before generic ones are told apart. Lanes outside `mask` get that of the first lane in
/// it, so that what follows can look at all 32.
#[inline(always)]
pub(super) fn addresses<L: Level>(level: L, access: &Access, warp: &Warp, mask: u32) -> [u64; LANES] {
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

/// The addresses of an access that is one to shared memory, in that space, where it may be written as a generic one.
#[inline(always)]
pub(super) fn shared_addresses<L: Level>(level: L, access: &Access, warp: &Warp, mask: u32) -> [u64; LANES] {
    let mut lanes = addresses(level, access, warp, mask);
    if access.space == Space::Generic {
        for lane in &mut lanes {
            *lane = lane.wrapping_sub(window::SHARED.base);
        }
    }
    lanes
}

/// Splits an access by state space: calls `each` with the space, the lanes in it and their addresses in that space.
#[inline(always)]
pub(super) fn by_space(
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
    let mut rest = mask;
    for (space, window) in
        [(Space::Shared, window::SHARED), (Space::Local, window::LOCAL), (Space::Param, window::PARAM)]
    {
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
pub(super) fn keep(addresses: &[u64; LANES], mask: u32) -> [u64; LANES] {
    let first = addresses[mask.trailing_zeros() as usize & 31];
    std::array::from_fn(|i| if mask >> i & 1 != 0 { addresses[i] } else { first })
}

/// 32-byte sectors that 32 naturally aligned elements of `size` bytes touch.
#[inline(always)]
pub(super) fn sectors(addresses: &[u64; LANES], stride: Option<i64>, size: u64) -> u64 {
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

/// Adds a request to local memory to what an access moved.
///
/// GPUs lay the same word of 32 lanes side by side, so that lanes that use the same variable share sectors: the word `w`
/// of lane `l` is word `32 w + l` of memory, and a sector holds it for 8 lanes.
pub(super) fn count_local(traffic: &mut Traffic, addresses: &[u64; LANES], mask: u32, size: u64) {
    let unit = size.max(4);
    for quarter in 0..4 {
        let mut distinct = [0; 8];
        let mut count = 0;
        for lane in (8 * quarter..8 * quarter + 8).filter(|lane| mask >> lane & 1 != 0) {
            // Elements are aligned and of one size: two of them are the same or have no byte in common.
            let element = addresses[lane] / unit;
            if !distinct[..count].contains(&element) {
                distinct[count] = element;
                count += 1;
            }
        }
        traffic.local_sectors += count as u64 * unit / 4;
    }
    traffic.local_requests += 1;
    traffic.local_bytes += size * u64::from(mask.count_ones());
}

/// How many different values the addresses have above their `shift` low bits, compared modulo 2³².
#[inline(always)]
pub(crate) fn distinct(addresses: &[u64; LANES], shift: u32) -> u64 {
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
