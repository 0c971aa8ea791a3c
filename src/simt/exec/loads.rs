//! Loads from every state space.
//!
//! A load looks at its 32 addresses once: one stride for all lanes (0 for a broadcast, the element's size for a
//! coalesced row) has its own path, anything else is a gather.

use super::{
    Context, Room,
    addressing::{addresses, by_space, count_local, lanes_of, sectors},
    bounds::check_global,
    shared,
};
use crate::{
    instruction::{Access, Instruction, NO_SLOT, Place, Space},
    level::Level,
    memory::{Bytes, Word},
    registers::{Element, File, LANES, Registers},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Checks a global load and counts it; gives the lanes' stride.
#[inline(always)]
fn check_request<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    site: usize,
    addresses: &[u64; LANES],
    mask: u32,
    size: u64,
) -> Step<Option<i64>> {
    let stride = level.stride(addresses);
    check_global(level, "load", context, &mut room.recent[site], addresses, stride, mask, size)?;
    let traffic = &mut room.tally.traffic[site];
    traffic.requests += 1;
    traffic.sectors += sectors(addresses, stride, size);
    traffic.bytes += size * u64::from(mask.count_ones());
    Ok(stride)
}

/// Words of checked global addresses, `part` bytes further on.
#[inline(always)]
fn elements<L: Level, W: Word>(
    bytes: &Bytes,
    addresses: &[u64; LANES],
    stride: Option<i64>,
    part: u64,
) -> Step<[W; LANES]> {
    let first = addresses[0].wrapping_sub(bytes.base()) + part;
    let found = match stride {
        Some(0) => bytes.load::<W>(first).map(|word| [word; LANES]),
        Some(stride) => {
            let mut words = [W::default(); LANES];
            bytes.load_strided::<L, W>(first, stride, &mut words).map(|()| words)
        }
        None => {
            let mut offsets = [0; LANES];
            for i in 0..LANES {
                offsets[i] = addresses[i].wrapping_sub(bytes.base()) + part;
            }
            bytes.gather::<W>(&offsets)
        }
    };
    found.ok_or_else(|| Stop::fault("an allocation lies outside memory"))
}

#[inline(always)]
fn put_words<L: Level>(level: L, registers: &mut Registers, place: Place, mask: u32, words: &[u32; LANES]) {
    if place.slot != NO_SLOT {
        u32::store(level, registers, place.slot, mask, words);
    }
}

/// `ld`
#[inline(never)]
pub(super) fn load<L: Level>(
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
                    load_from(level, context, room, warp, mask, access, site, space, addresses)
                },
            )
        },
    )
}

#[allow(clippy::too_many_arguments, reason = "the parts of one load")]
#[inline(always)]
fn load_from<L: Level>(
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
    match space {
        Space::Global | Space::Const | Space::Generic => {
            let stride = if space == Space::Const {
                let stride = level.stride(addresses);
                check_global(level, "load", context, &mut room.recent[site], addresses, stride, mask, size)?;
                stride
            } else {
                check_request(level, context, room, site, addresses, mask, size)?
            };
            load_global(level, context.bytes, &mut warp.registers, mask, access, addresses, stride)
        }
        Space::Shared => {
            room.shared.check(level, "load", addresses, mask, size)?;
            let (wavefronts, conflicts) = shared::wavefronts(addresses, level.stride(addresses), mask, size);
            let traffic = &mut room.tally.traffic[site];
            traffic.wavefronts += wavefronts;
            traffic.conflicts += conflicts;
            each_element(level, access, &mut warp.registers, mask, |lane, part| {
                room.shared.load(addresses[lane] + part, access.width)
            });
            Ok(())
        }
        Space::Local | Space::Argument => {
            let stride = warp.local.len() as u64 / LANES as u64;
            check_bank("local load", addresses, mask, size, stride)?;
            count_local(&mut room.tally.traffic[site], addresses, mask, size);
            let Warp { registers, local, .. } = warp;
            each_element(level, access, registers, mask, |lane, part| {
                read_bank(local, lane as u64 * stride + addresses[lane] + part, access.width)
            });
            Ok(())
        }
        Space::Param => {
            let params = context.config.params;
            // Nearly always the same for all: then one lane stands for them.
            let is_uniform = level.stride(addresses) == Some(0);
            let checked = if is_uniform { mask & mask.wrapping_neg() } else { mask };
            check_bank("parameter load", addresses, checked, size, params.len() as u64)?;
            if is_uniform {
                for k in 0..usize::from(access.count) {
                    let at = addresses[0] + k as u64 * u64::from(access.width);
                    let value = read_bank(params, at, access.width);
                    put(level, &mut warp.registers, access, k, mask, &[value; LANES]);
                }
                return Ok(());
            }
            each_element(level, access, &mut warp.registers, mask, |lane, part| {
                read_bank(params, addresses[lane] + part, access.width)
            });
            Ok(())
        }
    }
}

/// Loads the elements of checked global addresses.
#[inline(always)]
fn load_global<L: Level>(
    level: L,
    bytes: &Bytes,
    registers: &mut Registers,
    mask: u32,
    access: &Access,
    addresses: &[u64; LANES],
    stride: Option<i64>,
) -> Step {
    let size = u64::from(access.width) * u64::from(access.count);
    let all_narrow = access.places.iter().all(|place| place.file == File::Narrow);
    // A coalesced row of vectors is one copy, dealt out to the registers.
    if access.width == 4 && all_narrow && stride == Some(size as i64) {
        let first = addresses[0].wrapping_sub(bytes.base());
        let outside = || Stop::fault("an allocation lies outside memory");
        if access.count == 4 {
            let row = bytes.load_row::<L, u32, 128>(first).ok_or_else(outside)?;
            for (k, place) in access.places.into_iter().enumerate() {
                let mut words = [0; LANES];
                for i in 0..LANES {
                    words[i] = row[4 * i + k];
                }
                put_words(level, registers, place, mask, &words);
            }
            return Ok(());
        }
        if access.count == 2 {
            let row = bytes.load_row::<L, u32, 64>(first).ok_or_else(outside)?;
            for (k, place) in access.places[..2].iter().enumerate() {
                let mut words = [0; LANES];
                for i in 0..LANES {
                    words[i] = row[2 * i + k];
                }
                put_words(level, registers, *place, mask, &words);
            }
            return Ok(());
        }
    }
    for k in 0..usize::from(access.count) {
        let part = k as u64 * u64::from(access.width);
        let mut lanes = [0u64; LANES];
        match access.width {
            1 => widen(&mut lanes, elements::<L, u8>(bytes, addresses, stride, part)?),
            2 => widen(&mut lanes, elements::<L, u16>(bytes, addresses, stride, part)?),
            4 => widen(&mut lanes, elements::<L, u32>(bytes, addresses, stride, part)?),
            _ => widen(&mut lanes, elements::<L, u64>(bytes, addresses, stride, part)?),
        }
        put(level, registers, access, k, mask, &lanes);
    }
    Ok(())
}

#[inline(always)]
fn widen<W: Word + Into<u64>>(lanes: &mut [u64; LANES], words: [W; LANES]) {
    for i in 0..LANES {
        lanes[i] = words[i].into();
    }
}

/// Loads element by element and lane by lane; `read` gives the zero-extended bytes at a lane's address plus an offset.
#[inline(always)]
fn each_element<L: Level>(
    level: L,
    access: &Access,
    registers: &mut Registers,
    mask: u32,
    read: impl Fn(usize, u64) -> u64,
) {
    for k in 0..usize::from(access.count) {
        let part = k as u64 * u64::from(access.width);
        let mut lanes = [0u64; LANES];
        for (lane, value) in lanes.iter_mut().enumerate() {
            *value = read(lane, part);
        }
        put(level, registers, access, k, mask, &lanes);
    }
}

/// Writes loaded elements to the `k`th register, extending their sign where the load says so.
#[inline(always)]
fn put<L: Level>(
    level: L,
    registers: &mut Registers,
    access: &Access,
    k: usize,
    mask: u32,
    lanes: &[u64; LANES],
) {
    let Place { file, slot } = access.places[k];
    if slot == NO_SLOT {
        return;
    }
    let mut extended = *lanes;
    if access.signed && access.width < 8 {
        let shift = 64 - 8 * u32::from(access.width);
        let keep = u64::MAX >> (64 - u32::from(access.register_bits.max(16)));
        for lane in &mut extended {
            *lane = ((*lane << shift) as i64 >> shift) as u64 & keep;
        }
    }
    if file == File::Wide {
        u64::store(level, registers, slot, mask, &extended);
    } else {
        let mut narrow = [0; LANES];
        for i in 0..LANES {
            narrow[i] = extended[i] as u32;
        }
        u32::store(level, registers, slot, mask, &narrow);
    }
}

/// Checks accesses of `size` bytes, a power of two, to a space of `bytes` bytes that starts at 0.
pub(super) fn check_bank(what: &str, addresses: &[u64; LANES], mask: u32, size: u64, bytes: u64) -> Step {
    for lane in lanes_of(mask) {
        let address = addresses[lane];
        if address & (size - 1) != 0 {
            let detail = format!("{what} of {size} bytes at {address:#x}, which is not a multiple of {size}");
            return Err(Stop::trap(TrapKind::Misaligned, 1 << lane, detail));
        }
        if address.checked_add(size).is_none_or(|end| end > bytes) {
            let detail = format!("{what} of {size} bytes at {address:#x}; there are {bytes} bytes");
            return Err(Stop::trap(TrapKind::OutOfBounds, 1 << lane, detail));
        }
    }
    Ok(())
}

/// `width` bytes, little-endian, zero-extended; what lies outside reads as zero, as lanes that are masked off may.
#[inline(always)]
fn read_bank(bytes: &[u8], at: u64, width: u8) -> u64 {
    let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let found = match width {
        1 => rest.first_chunk().map(|bytes| u64::from(u8::from_le_bytes(*bytes))),
        2 => rest.first_chunk().map(|bytes| u64::from(u16::from_le_bytes(*bytes))),
        4 => rest.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
        _ => rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
    };
    found.unwrap_or_default()
}
