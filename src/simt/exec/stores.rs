//! Stores to every state space that can be written.

use super::{
    Context, Room,
    addressing::{addresses, by_space, count_local, sectors},
    bounds::check_global,
    shared,
};
use crate::{
    instruction::{Access, Instruction, Space},
    level::Level,
    memory::Word,
    registers::{Element, FULL, File, LANES},
    trap::{Step, Stop},
    warp::Warp,
};

use super::loads::check_bank;

/// `st`
#[inline(never)]
pub(super) fn store<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    level.vectorize(
        #[inline(always)]
        || {
            let site = usize::from(instruction.m);
            let access = &context.kernel.tables.accesses[site];
            let addresses = addresses(level, access, warp, mask);
            by_space(
                access,
                &addresses,
                mask,
                #[inline(always)]
                |space, mask, addresses| {
                    store_to(level, context, room, warp, mask, access, site, space, addresses)
                },
            )
        },
    )
}

#[allow(clippy::too_many_arguments, reason = "the parts of one store")]
#[inline(always)]
fn store_to<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    access: &Access,
    site: usize,
    space: Space,
    addresses: &[u64; LANES],
) -> Step {
    let size = u64::from(access.width) * u64::from(access.count);
    if access.space == Space::Generic && space != Space::Local {
        room.changes += 1;
    }
    match space {
        Space::Global | Space::Generic => {
            let stride = level.stride(addresses);
            check_global(level, "store", context, &mut room.recent[site], addresses, stride, mask, size)?;
            let traffic = &mut room.tally.traffic[site];
            traffic.requests += 1;
            traffic.sectors += sectors(addresses, stride, size);
            traffic.bytes += size * u64::from(mask.count_ones());
            store_global(level, context, warp, mask, access, addresses, stride)
        }
        Space::Shared => {
            room.shared.check(level, "store", addresses, mask, size)?;
            let stride = level.stride(addresses);
            let (wavefronts, conflicts) = shared::wavefronts(addresses, stride, mask, size);
            let traffic = &mut room.tally.traffic[site];
            traffic.wavefronts += wavefronts;
            traffic.conflicts += conflicts;
            store_shared(level, room, warp, mask, access, addresses, stride);
            Ok(())
        }
        Space::Local | Space::Argument => {
            let stride = warp.local.len() as u64 / LANES as u64;
            check_bank("local store", addresses, mask, size, stride)?;
            count_local(&mut room.tally.traffic[site], addresses, mask, size);
            for k in 0..usize::from(access.count) {
                let values = values(level, warp, access, k);
                let width = usize::from(access.width);
                for (lane, value) in values.into_iter().enumerate() {
                    let at = (lane as u64 * stride + addresses[lane]) as usize + k * width;
                    if mask >> lane & 1 != 0
                        && let Some(target) = warp.local.get_mut(at..at + width)
                    {
                        target.copy_from_slice(&value.to_le_bytes()[..width]);
                    }
                }
            }
            Ok(())
        }
        Space::Param | Space::Const => check_bank("store to read-only memory", addresses, mask, size, 0),
    }
}

/// The values of the `k`th register, widened.
#[inline(always)]
fn values<L: Level>(level: L, warp: &Warp, access: &Access, k: usize) -> [u64; LANES] {
    let place = access.places[k];
    if place.file == File::Wide {
        return u64::fetch(level, &warp.registers, place.slot);
    }
    let narrow = u32::fetch(level, &warp.registers, place.slot);
    let mut wide = [0; LANES];
    for i in 0..LANES {
        wide[i] = u64::from(narrow[i]);
    }
    wide
}

#[inline(always)]
fn store_global<L: Level>(
    level: L,
    context: &Context<'_>,
    warp: &Warp,
    mask: u32,
    access: &Access,
    addresses: &[u64; LANES],
    stride: Option<i64>,
) -> Step {
    let coalesced = mask == FULL
        && access.width == 4
        && access.places[0].file == File::Narrow
        && access.count == 1
        && stride == Some(4);
    let stored = if coalesced {
        let words = u32::fetch(level, &warp.registers, access.places[0].slot);
        let first = addresses[0].wrapping_sub(context.bytes.base());
        context.bytes.store_row::<L, u32, LANES>(first, &words)
    } else {
        (0..usize::from(access.count)).try_for_each(|k| {
            let values = values(level, warp, access, k);
            let part = k as u64 * u64::from(access.width);
            match access.width {
                1 => scatter(context, addresses, mask, part, |lane| values[lane] as u8),
                2 => scatter(context, addresses, mask, part, |lane| values[lane] as u16),
                4 => scatter(context, addresses, mask, part, |lane| values[lane] as u32),
                _ => scatter(context, addresses, mask, part, |lane| values[lane]),
            }
        })
    };
    stored.ok_or_else(|| Stop::fault("an allocation lies outside memory"))
}

/// Stores lane by lane, in order, so that the highest lane wins where addresses are equal.
#[inline(always)]
fn scatter<W: Word>(
    context: &Context<'_>,
    addresses: &[u64; LANES],
    mask: u32,
    part: u64,
    value: impl Fn(usize) -> W,
) -> Option<()> {
    let mut rest = mask;
    while rest != 0 {
        let lane = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        let offset = addresses[lane].wrapping_sub(context.bytes.base()) + part;
        context.bytes.store(offset, value(lane))?;
    }
    Some(())
}

#[inline(always)]
fn store_shared<L: Level>(
    level: L,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    access: &Access,
    addresses: &[u64; LANES],
    stride: Option<i64>,
) {
    if mask == FULL
        && access.width == 4
        && access.count == 1
        && access.places[0].file == File::Narrow
        && stride == Some(4)
        && let Some(row) = room.shared.row_mut::<LANES>(addresses[0])
    {
        *row = u32::fetch(level, &warp.registers, access.places[0].slot);
        return;
    }
    for k in 0..usize::from(access.count) {
        let values = values(level, warp, access, k);
        let part = k as u64 * u64::from(access.width);
        let mut rest = mask;
        while rest != 0 {
            let lane = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            room.shared.store(addresses[lane] + part, access.width, values[lane]);
        }
    }
}
