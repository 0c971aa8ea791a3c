//! Atomics on global and shared memory, lane after lane.
//!
//! On global memory each is one hardware atomic, so blocks on other threads see it whole; those of 128 bits exclude each
//! other by a lock. Integer results do not depend on the order of blocks; sums of floats do, in their last bits, unless
//! [`Options::ordered`](crate::Options::ordered) is set.

use std::sync::atomic::Ordering::Relaxed;

use super::{
    Context, Room,
    addressing::{addresses, by_space, sectors},
    bounds::check_global,
    shared,
};
use crate::{
    instruction::{AtomicOp, Instruction, NO_SLOT, Space},
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
    use AtomicOp::*;
    let shift = 64 - 8 * u32::from(width);
    let signed = |x: u64| ((x << shift) as i64) >> shift;
    let (old32, b32) = (old as u32, b as u32);
    let f16 = |f: fn(f32, f32) -> f32| u64::from(F16(old as u16).zip(F16(b as u16), f).0);
    let bf16 = |f: fn(f32, f32) -> f32| u64::from(Bf16(old as u16).zip(Bf16(b as u16), f).0);
    let f16x2 = |f: fn(f32, f32) -> f32| u64::from(F16x2(old32).zip(F16x2(b32), |a, b| a.zip(b, f)).0);
    let bf16x2 = |f: fn(f32, f32) -> f32| u64::from(Bf16x2(old32).zip(Bf16x2(b32), |a, b| a.zip(b, f)).0);
    let add = |a: f32, b: f32| a + b;
    match op {
        Exchange => b,
        CompareAndSwap if old == b => c,
        CompareAndSwap => old,
        And => old & b,
        Or => old | b,
        Xor => old ^ b,
        Add => old.wrapping_add(b),
        Inc => u64::from(if old32 >= b32 { 0 } else { old32 + 1 }),
        Dec => u64::from(if old32 == 0 || old32 > b32 { b32 } else { old32 - 1 }),
        MinUnsigned => old.min(b),
        MaxUnsigned => old.max(b),
        MinSigned if signed(b) < signed(old) => b,
        MinSigned => old,
        MaxSigned if signed(b) > signed(old) => b,
        MaxSigned => old,
        AddF32 => u64::from(float::canonical(f32::from_bits(old32) + f32::from_bits(b32)).to_bits()),
        AddF64 => (f64::from_bits(old) + f64::from_bits(b)).to_bits(),
        AddF16 => f16(add),
        AddBf16 => bf16(add),
        AddF16x2 => f16x2(add),
        AddBf16x2 => bf16x2(add),
        MinF16 => f16(float::min_f32),
        MinBf16 => bf16(float::min_f32),
        MinF16x2 => f16x2(float::min_f32),
        MinBf16x2 => bf16x2(float::min_f32),
        MaxF16 => f16(float::max_f32),
        MaxBf16 => bf16(float::max_f32),
        MaxF16x2 => f16x2(float::max_f32),
        MaxBf16x2 => bf16x2(float::max_f32),
    }
}

/// As [`combine`] does it on global memory, where `add.f32` flushes subnormal numbers to zero (PTX ISA, "atom").
fn combine_global(op: AtomicOp, width: u8, old: u64, b: u64, c: u64) -> u64 {
    if op != AtomicOp::AddF32 {
        return combine(op, width, old, b, c);
    }
    let flushed = |bits: u64| u64::from(float::flush(f32::from_bits(bits as u32)).to_bits());
    flushed(combine(op, width, flushed(old), flushed(b), c))
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

/// Two words that change together.
type Double = [u64; 2];

/// What an exchange or a compare-and-swap of 128 bits makes of the old value.
fn combine_double(op: AtomicOp, old: Double, b: Double, c: Double) -> Double {
    match op {
        AtomicOp::CompareAndSwap if old != b => old,
        AtomicOp::CompareAndSwap => c,
        _ => b,
    }
}

/// The operands of an atomic: the value, what a compare-and-swap puts, and the upper halves of both.
struct Operands {
    b: [u64; LANES],
    c: [u64; LANES],
    b_high: [u64; LANES],
    c_high: [u64; LANES],
}

impl Operands {
    fn double(&self, lane: usize) -> (Double, Double) {
        ([self.b[lane], self.b_high[lane]], [self.c[lane], self.c_high[lane]])
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
    let operand = |slot| -> [u64; LANES] {
        if slot == NO_SLOT {
            [0; LANES]
        } else if width >= 8 {
            u64::fetch(level, &warp.registers, slot)
        } else {
            u32::fetch(level, &warp.registers, slot).map(u64::from)
        }
    };
    let operands = Operands {
        b: operand(instruction.b),
        c: operand(instruction.c),
        b_high: operand(instruction.a),
        c_high: operand(instruction.d),
    };
    // Further elements of a vector were checked and counted with the first.
    let size = u64::from(width) * u64::from(access.count);
    let addresses = addresses(level, access, warp, mask);
    let mut old = [[0u64; 2]; LANES];
    by_space(access, &addresses, mask, |space, mask, addresses| {
        let lanes = (0..LANES).filter(|lane| mask >> lane & 1 != 0);
        let stride = level.stride(addresses);
        match space {
            Space::Global | Space::Generic => {
                if size != 0 {
                    let recent = &mut room.recent[site];
                    check_global(level, "atomic", context, recent, addresses, stride, mask, size)?;
                    let traffic = &mut room.tally.traffic[site];
                    traffic.requests += 1;
                    traffic.sectors += sectors(addresses, stride, size);
                    traffic.bytes += size * u64::from(mask.count_ones());
                }
                for lane in lanes {
                    let offset = addresses[lane].wrapping_sub(context.bytes.base());
                    let found = if width == 16 {
                        let (b, c) = operands.double(lane);
                        let f = |old| combine_double(op, old, b, c);
                        context.bytes.update_double(offset, f).map(|old| (old, f(old) != old))
                    } else {
                        let (b, c) = (operands.b[lane], operands.c[lane]);
                        let f = |old| combine_global(op, width, old, b, c);
                        update(context.bytes, offset, width, f).map(|old| ([old, 0], f(old) != old))
                    };
                    let changed;
                    (old[lane], changed) =
                        found.ok_or_else(|| Stop::fault("an allocation lies outside memory"))?;
                    room.changes += u64::from(changed);
                }
            }
            Space::Shared => {
                if size != 0 {
                    room.shared.check(level, "atomic", addresses, mask, size)?;
                    let (wavefronts, conflicts) = shared::wavefronts(addresses, stride, mask, size.max(4));
                    let traffic = &mut room.tally.traffic[site];
                    traffic.wavefronts += wavefronts;
                    traffic.conflicts += conflicts;
                    traffic.shared_atomics += 1;
                    traffic.shared_atomic_lanes += u64::from(access.count) * u64::from(mask.count_ones());
                }
                for lane in lanes {
                    let address = addresses[lane];
                    old[lane][0] = room.shared.load(address, width);
                    let new = if width == 16 {
                        old[lane][1] = room.shared.load(address + 8, 8);
                        let (b, c) = operands.double(lane);
                        let new = combine_double(op, old[lane], b, c);
                        room.shared.store(address, 8, new[0]);
                        room.shared.store(address + 8, 8, new[1]);
                        new
                    } else {
                        let (b, c) = (operands.b[lane], operands.c[lane]);
                        let new = combine(op, width, old[lane][0], b, c);
                        room.shared.store(address, width, new);
                        [new, 0]
                    };
                    room.changes += u64::from(new != old[lane]);
                }
            }
            Space::Local | Space::Argument | Space::Param | Space::Const => {
                let detail = "atomics work on global and shared memory".to_owned();
                return Err(Stop::trap(TrapKind::OutOfBounds, mask, detail));
            }
        }
        Ok(())
    })?;
    if access.returns {
        for (half, place) in access.places.iter().take(2).enumerate() {
            if place.slot == NO_SLOT {
                continue;
            }
            let lanes = old.map(|old| old[half]);
            if width >= 8 {
                u64::store(level, &mut warp.registers, place.slot, mask, &lanes);
            } else {
                u32::store(level, &mut warp.registers, place.slot, mask, &lanes.map(|value| value as u32));
            }
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
