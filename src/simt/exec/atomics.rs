//! Atomics on global and shared memory, lane after lane.
//!
//! On global memory each is one hardware atomic, so blocks on other threads see it whole. Integer results do not depend
//! on the order of blocks; sums of floats do, in their last bits.

use std::sync::atomic::Ordering::Relaxed;

use super::{Context, Room, addresses, by_space, check_global, shared};
use crate::{
    instruction::{AtomicOp, Instruction, Space},
    lane::{
        float,
        half::{Bf16, Bf16x2, F16, F16x2, Half, Pair},
    },
    level::Level,
    memory::Bytes,
    registers::{Element, LANES},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// What an operation makes of the old value; `c` is the new value of a compare-and-swap with `b`.
fn combine(op: AtomicOp, width: u8, old: u64, b: u64, c: u64) -> u64 {
    let shift = 64 - 8 * u32::from(width);
    let signed = |x: u64| ((x << shift) as i64) >> shift;
    let (old32, b32) = (old as u32, b as u32);
    match op {
        AtomicOp::Exchange => b,
        AtomicOp::CompareAndSwap => {
            if old == b {
                c
            } else {
                old
            }
        }
        AtomicOp::And => old & b,
        AtomicOp::Or => old | b,
        AtomicOp::Xor => old ^ b,
        AtomicOp::Add => old.wrapping_add(b),
        AtomicOp::Inc => u64::from(if old32 >= b32 { 0 } else { old32 + 1 }),
        AtomicOp::Dec => u64::from(if old32 == 0 || old32 > b32 { b32 } else { old32 - 1 }),
        AtomicOp::MinUnsigned => old.min(b),
        AtomicOp::MaxUnsigned => old.max(b),
        AtomicOp::MinSigned => {
            if signed(b) < signed(old) {
                b
            } else {
                old
            }
        }
        AtomicOp::MaxSigned => {
            if signed(b) > signed(old) {
                b
            } else {
                old
            }
        }
        AtomicOp::AddF32 => {
            u64::from(float::canonical(f32::from_bits(old32) + f32::from_bits(b32)).to_bits())
        }
        AtomicOp::AddF64 => (f64::from_bits(old) + f64::from_bits(b)).to_bits(),
        AtomicOp::AddF16 => u64::from(F16(old as u16).zip(F16(b as u16), |a, b| a + b).0),
        AtomicOp::AddBf16 => u64::from(Bf16(old as u16).zip(Bf16(b as u16), |a, b| a + b).0),
        AtomicOp::AddF16x2 => u64::from(F16x2(old32).zip(F16x2(b32), |a, b| a.zip(b, |a, b| a + b)).0),
        AtomicOp::AddBf16x2 => u64::from(Bf16x2(old32).zip(Bf16x2(b32), |a, b| a.zip(b, |a, b| a + b)).0),
    }
}

/// Applies `f` to the value at `offset` of global memory, at once for all to see; gives the old value.
fn update(bytes: &Bytes, offset: u64, width: u8, f: impl Fn(u64) -> u64) -> Option<u64> {
    match width {
        8 => {
            let cell = bytes.atomic_u64(offset)?;
            cell.fetch_update(Relaxed, Relaxed, |old| Some(f(old))).ok()
        }
        4 => {
            let cell = bytes.atomic_u32(offset)?;
            cell.fetch_update(Relaxed, Relaxed, |old| Some(f(u64::from(old)) as u32)).ok().map(u64::from)
        }
        _ => {
            // A half of the word around it.
            let cell = bytes.atomic_u32(offset & !3)?;
            let shift = 8 * (offset & 2);
            let part = |word: u32| u64::from(word >> shift & 0xffff);
            let whole = |word: u32| word & !(0xffff << shift) | (f(part(word)) as u32 & 0xffff) << shift;
            cell.fetch_update(Relaxed, Relaxed, |word| Some(whole(word))).ok().map(part)
        }
    }
}

/// `atom` and `red`
#[inline(never)]
pub(super) fn atomic<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    let site = usize::from(instruction.m);
    let access = &context.kernel.tables.accesses[site];
    let Some(op) = access.atomic else { return Err(Stop::fault("an atomic without operation")) };
    let width = access.width;
    let size = u64::from(width);
    let operand = |slot| -> [u64; LANES] {
        if slot == crate::instruction::NO_SLOT {
            [0; LANES]
        } else if width == 8 {
            u64::fetch(level, &warp.registers, slot)
        } else {
            u32::fetch(level, &warp.registers, slot).map(u64::from)
        }
    };
    let (b, c) = (operand(instruction.b), operand(instruction.c));
    let addresses = addresses(level, access, warp, mask);
    let mut old = [0u64; LANES];
    by_space(access, &addresses, mask, |space, mask, addresses| {
        let lanes = (0..LANES).filter(|lane| mask >> lane & 1 != 0);
        match space {
            Space::Global | Space::Generic => {
                let stride = level.stride(addresses);
                check_global(
                    level,
                    "atomic",
                    context,
                    &mut room.recent[site],
                    addresses,
                    stride,
                    mask,
                    size,
                )?;
                for lane in lanes {
                    let offset = addresses[lane].wrapping_sub(context.bytes.base());
                    let f = |old| combine(op, width, old, b[lane], c[lane]);
                    old[lane] = update(context.bytes, offset, width, f)
                        .ok_or_else(|| Stop::fault("an allocation lies outside memory"))?;
                }
            }
            Space::Shared => {
                room.shared.check(level, "atomic", addresses, mask, size)?;
                let stride = level.stride(addresses);
                let (wavefronts, conflicts) = shared::wavefronts(addresses, stride, mask, size.max(4));
                let traffic = &mut room.tally.traffic[site];
                traffic.wavefronts += wavefronts;
                traffic.conflicts += conflicts;
                for lane in lanes {
                    old[lane] = room.shared.load(addresses[lane], width);
                    let new = combine(op, width, old[lane], b[lane], c[lane]);
                    room.shared.store(addresses[lane], width, new);
                }
            }
            Space::Local | Space::Param | Space::Const => {
                let detail = "atomics work on global and shared memory".to_owned();
                return Err(Stop::trap(TrapKind::OutOfBounds, mask, detail));
            }
        }
        Ok(())
    })?;
    if access.returns {
        let slot = access.places[0].slot;
        if width == 8 {
            u64::store(level, &mut warp.registers, slot, mask, &old);
        } else {
            u32::store(level, &mut warp.registers, slot, mask, &old.map(|value| value as u32));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_follow_the_isa() {
        let u32s = |op, old: u32, b: u32| combine(op, 4, u64::from(old), u64::from(b), 0) as u32;
        assert_eq!(
            [u32s(AtomicOp::Inc, 4, 5), u32s(AtomicOp::Inc, 5, 5), u32s(AtomicOp::Inc, 9, 5)],
            [5, 0, 0]
        );
        assert_eq!(
            [u32s(AtomicOp::Dec, 0, 5), u32s(AtomicOp::Dec, 9, 5), u32s(AtomicOp::Dec, 3, 5)],
            [5, 5, 2]
        );
        assert_eq!(u32s(AtomicOp::MinSigned, 1, u32::MAX), u32::MAX);
        assert_eq!(u32s(AtomicOp::MinUnsigned, 1, u32::MAX), 1);
        assert_eq!(u32s(AtomicOp::Add, u32::MAX, 2), 1);
        assert_eq!(combine(AtomicOp::CompareAndSwap, 4, 7, 7, 9), 9);
        assert_eq!(combine(AtomicOp::CompareAndSwap, 4, 8, 7, 9), 8);
        let sum = u32s(AtomicOp::AddF32, 1.5f32.to_bits(), 2.0f32.to_bits());
        assert_eq!(f32::from_bits(sum), 3.5);
    }

    #[test]
    fn halves_of_a_word_are_updated_apart() {
        let bytes = Bytes::reserve(0, 64).unwrap();
        bytes.store::<u32>(8, 0x1111_2222).unwrap();
        assert_eq!(update(&bytes, 10, 2, |old| old + 1), Some(0x1111));
        assert_eq!(bytes.load::<u32>(8), Some(0x1112_2222));
        assert_eq!(update(&bytes, 8, 2, |old| old + 1), Some(0x2222));
        assert_eq!(bytes.load::<u32>(8), Some(0x1112_2223));
    }
}
