//! Whether accesses to global memory lie within an allocation, and the traps where they do not.

use super::{Context, addressing::addresses};
use crate::{
    instruction::Instruction,
    level::{Extent, Level},
    memory::Allocation,
    registers::LANES,
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Checks that an access of 32 bytes a lane, which is done in halves, is aligned as a whole.
#[inline(never)]
pub(super) fn check_alignment<L: Level>(
    level: L,
    context: &Context<'_>,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let access = &context.kernel.tables.accesses[usize::from(instruction.m)];
    let addresses = addresses(level, access, warp, mask);
    match (0..LANES).find(|lane| mask >> lane & 1 != 0 && !addresses[*lane].is_multiple_of(32)) {
        None => Ok(()),
        Some(lane) => {
            let address = addresses[lane];
            let detail = format!("access of 32 bytes at {address:#x}, which is not a multiple of 32");
            Err(Stop::trap(TrapKind::Misaligned, 1 << lane, detail))
        }
    }
}

/// Checks that every lane's global access lies within an allocation and is aligned.
#[allow(clippy::too_many_arguments, reason = "the parts of one check")]
#[inline(always)]
pub(super) fn check_global<L: Level>(
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

/// The trap for a global access to which `allocation` does not extend, or for a misaligned one.
#[cold]
#[inline(never)]
pub(super) fn global_trap(
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
            if let Some(freed) = context.allocations.find_freed(address).filter(|_| found.is_none()) {
                let (inside, bytes) = (address - freed.start, freed.end - freed.start);
                let near = format!(
                    "byte {inside} of the {bytes} bytes that were at {:#x} until they were freed",
                    freed.start
                );
                let detail = out_of_bounds(what, address, size, Some(near));
                return Stop::trap(TrapKind::UseAfterFree, 1 << lane, detail);
            }
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

/// Where an access failed to be inside, in words.
#[cold]
#[inline(never)]
fn out_of_bounds(what: &str, address: u64, size: u64, context: Option<String>) -> String {
    let near = context.map(|text| format!("; {text}")).unwrap_or_default();
    format!("{what} of {size} bytes at {address:#x}{near}")
}
