//! The commonest memory accesses on a short path: a full warp, one 32-bit register a lane, one stride for all lanes.
//!
//! Nothing but the address register is looked at before the bytes move, and they move straight between memory and the
//! register file. Whatever does not fit, a trap included, is left to the general loads and stores.

use super::{Context, Room, shared};
use crate::{
    instruction::{Access, Instruction, Space},
    level::Level,
    registers::{FULL, LANES},
    warp::Warp,
};

/// The addresses of a full warp: the first lane's, and the distance to the next.
#[derive(Clone, Copy)]
struct Strided {
    first: u64,
    stride: i64,
}

impl Strided {
    /// The addresses of an access, if one stride describes them.
    #[inline(always)]
    fn of<L: Level>(level: L, access: &Access, warp: &Warp) -> Option<Self> {
        let slot = usize::from(access.address);
        let (first, stride) = if access.wide {
            let lanes = &warp.registers.wide[slot].0;
            (lanes[0], level.stride(lanes)?)
        } else {
            let lanes = &warp.registers.narrow[slot].0;
            (u64::from(lanes[0]), level.narrow_stride(lanes)?)
        };
        Some(Strided { first: first.wrapping_add(access.offset), stride })
    }

    /// The lowest and the highest address, unless they wrap.
    #[inline(always)]
    fn ends(self) -> Option<(u64, u64)> {
        let last = self.first.checked_add_signed(self.stride.checked_mul(LANES as i64 - 1)?)?;
        Some((self.first.min(last), self.first.max(last)))
    }

    /// Whether every address is a multiple of 4.
    #[inline(always)]
    fn is_aligned(self) -> bool {
        (self.first | self.stride as u64) & 3 == 0
    }

    /// 32-byte sectors that words at these addresses touch.
    #[inline(always)]
    fn sectors(self, low: u64, high: u64) -> u64 {
        if self.stride.unsigned_abs() >= 32 { LANES as u64 } else { (high + 3) / 32 - low / 32 + 1 }
    }
}

/// Loads a word a lane if the access is such a one; says whether it did.
#[inline(always)]
pub(super) fn load<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> bool {
    let site = usize::from(instruction.m);
    let access = &context.kernel.tables.accesses[site];
    if mask != FULL || !access.is_word {
        return false;
    }
    let Some(lanes) = Strided::of(level, access, warp) else { return false };
    let Some((low, high)) = lanes.ends() else { return false };
    let target = &mut warp.registers.narrow[usize::from(access.places[0].slot)].0;
    let traffic = &mut room.tally.traffic[site];
    match access.space {
        Space::Global => {
            if !room.recent[site].holds(low, high, 4) || !lanes.is_aligned() {
                return false;
            }
            let offset = lanes.first.wrapping_sub(context.bytes.base());
            if context.bytes.load_strided::<L, u32>(offset, lanes.stride, target).is_none() {
                return false;
            }
            traffic.requests += 1;
            traffic.sectors += lanes.sectors(low, high);
            traffic.bytes += 4 * LANES as u64;
            true
        }
        Space::Shared => {
            if !room.shared.holds(high, 4) || !lanes.is_aligned() {
                return false;
            }
            room.shared.load_strided(lanes.first, lanes.stride, target);
            let (wavefronts, conflicts) = shared::strided_wavefronts(lanes.stride);
            traffic.wavefronts += wavefronts;
            traffic.conflicts += conflicts;
            true
        }
        _ => false,
    }
}

/// Stores a word a lane if the access is such a one, and coalesced; says whether it did.
#[inline(always)]
pub(super) fn store<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> bool {
    let site = usize::from(instruction.m);
    let access = &context.kernel.tables.accesses[site];
    if mask != FULL || !access.is_word {
        return false;
    }
    let Some(lanes) = Strided::of(level, access, warp) else { return false };
    let Some((low, high)) = lanes.ends() else { return false };
    if lanes.stride != 4 || !lanes.is_aligned() {
        return false;
    }
    let source = &warp.registers.narrow[usize::from(access.places[0].slot)].0;
    let traffic = &mut room.tally.traffic[site];
    match access.space {
        Space::Global => {
            let offset = lanes.first.wrapping_sub(context.bytes.base());
            if !room.recent[site].holds(low, high, 4)
                || context.bytes.store_row::<L, u32, LANES>(offset, source).is_none()
            {
                return false;
            }
            traffic.requests += 1;
            traffic.sectors += lanes.sectors(low, high);
            traffic.bytes += 4 * LANES as u64;
            true
        }
        Space::Shared if room.shared.holds(high, 4) => match room.shared.row_mut::<LANES>(lanes.first) {
            Some(row) => {
                *row = *source;
                traffic.wavefronts += 1;
                true
            }
            None => false,
        },
        _ => false,
    }
}
