//! Matrices of 8 by 8 halves between shared memory and registers: `ldmatrix`, `stmatrix`, `movmatrix`.
//!
//! Lane `4g + t` of a register holds columns `2t` and `2t + 1` of row `g`. Of `.x4` the lanes 0 to 7 give the addresses of
//! the first matrix's rows, 8 to 15 of the second's and so on; what other lanes have for an address does not matter.

use super::{Context, Room, addressing::addresses, matrix::whole_warp};
use crate::{
    instruction::{Access, Instruction, Space},
    level::Level,
    memory::window,
    registers::{Element, FULL, LANES},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Bytes of a row.
const ROW: u64 = 16;

/// The addresses in shared memory of all rows, checked and counted.
fn rows<L: Level>(
    level: L,
    what: &'static str,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    site: usize,
) -> Step<[u64; LANES]> {
    let access = &context.kernel.tables.accesses[site];
    let used = FULL >> (LANES - 8 * usize::from(access.count).min(4));
    let mut rows = addresses(level, access, warp, used);
    if access.space == Space::Generic {
        for (lane, address) in rows.iter_mut().enumerate() {
            if !window::SHARED.contains(*address) {
                let detail = format!("shared {what} at {address:#x}, which is not in shared memory");
                return Err(Stop::trap(TrapKind::OutOfBounds, 1 << lane, detail));
            }
            *address -= window::SHARED.base;
        }
    }
    room.shared.check(level, what, &rows, used, ROW)?;
    let traffic = &mut room.tally.traffic[site];
    for matrix in rows.chunks_exact(8).take(usize::from(access.count)) {
        let turns = turns(matrix);
        traffic.wavefronts += turns;
        traffic.conflicts += turns - 1;
    }
    Ok(rows)
}

/// Wavefronts that the rows of a matrix take: rows in the same four banks take turns, unless they are the same row.
fn turns(rows: &[u64]) -> u64 {
    let mut by_bank = [0u64; 8];
    for (i, row) in rows.iter().enumerate() {
        let again = rows[..i].iter().any(|earlier| earlier == row);
        by_bank[(row / ROW % 8) as usize] += u64::from(!again);
    }
    by_bank.into_iter().max().unwrap_or(1).max(1)
}

/// `ldmatrix`
#[inline(never)]
pub(super) fn load<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    whole_warp(mask)?;
    level.vectorize(
        #[inline(always)]
        || {
            let site = usize::from(instruction.m);
            let rows = rows(level, "matrix load", context, room, warp, site)?;
            let access = &context.kernel.tables.accesses[site];
            for (matrix, place) in access.places.iter().take(usize::from(access.count)).enumerate() {
                let mut lanes = [0u32; LANES];
                for g in 0..8 {
                    if let Some(row) = room.shared.row::<4>(rows[8 * matrix + g]) {
                        lanes[4 * g..4 * g + 4].copy_from_slice(row);
                    }
                }
                let lanes = turned(level, access, lanes);
                u32::store(level, &mut warp.registers, place.slot, FULL, &lanes);
            }
            Ok(())
        },
    )
}

/// `stmatrix`. Where rows overlap the later one stays.
#[inline(never)]
pub(super) fn store<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &mut Room,
    warp: &Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    whole_warp(mask)?;
    level.vectorize(
        #[inline(always)]
        || {
            let site = usize::from(instruction.m);
            let rows = rows(level, "matrix store", context, room, warp, site)?;
            let access = &context.kernel.tables.accesses[site];
            for (matrix, place) in access.places.iter().take(usize::from(access.count)).enumerate() {
                let lanes = turned(level, access, u32::fetch(level, &warp.registers, place.slot));
                for g in 0..8 {
                    if let Some(row) = room.shared.row_mut::<4>(rows[8 * matrix + g]) {
                        row.copy_from_slice(&lanes[4 * g..4 * g + 4]);
                    }
                }
            }
            Ok(())
        },
    )
}

#[inline(always)]
fn turned<L: Level>(level: L, access: &Access, lanes: [u32; LANES]) -> [u32; LANES] {
    if access.transposed { level.transpose_halves(&lanes) } else { lanes }
}

/// `movmatrix`
#[inline(never)]
pub(super) fn transpose<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) -> Step {
    whole_warp(mask)?;
    level.vectorize(
        #[inline(always)]
        || {
            let lanes = u32::fetch(level, &warp.registers, instruction.a);
            let turned = level.transpose_halves(&lanes);
            u32::store(level, &mut warp.registers, instruction.d, FULL, &turned);
        },
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_the_same_banks_take_turns() {
        let strided = |stride: u64| -> Vec<u64> { (0..8).map(|row| row * stride).collect() };
        assert_eq!(turns(&strided(16)), 1);
        assert_eq!(turns(&strided(128)), 8);
        assert_eq!(turns(&strided(144)), 1, "padding helps");
        assert_eq!(turns(&strided(32)), 2);
        assert_eq!(turns(&strided(0)), 1, "the same row is read once");
    }
}
