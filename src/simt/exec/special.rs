//! Reading special registers.

use super::{Context, Room};
use crate::{
    instruction::{Instruction, NO_SLOT},
    level::Level,
    registers::{Element, LANES},
    special::{PROCESSORS, Special},
    warp::Warp,
};

/// The threads of a warp's lanes by dimension: x runs fastest.
fn thread_coordinate(block: [u32; 3], warp: u32, dimension: usize) -> [u32; LANES] {
    let first = warp * LANES as u32;
    let [x_size, y_size, _] = block;
    let mut x = first % x_size;
    let mut y = first / x_size % y_size;
    let mut z = first / x_size / y_size;
    let mut lanes = [0; LANES];
    for lane in &mut lanes {
        *lane = [x, y, z][dimension];
        x += 1;
        if x == x_size {
            x = 0;
            y += 1;
            if y == y_size {
                y = 0;
                z += 1;
            }
        }
    }
    lanes
}

/// `%tid` of a lane.
pub(crate) fn thread_of(block: [u32; 3], warp: u32, lane: u32) -> [u32; 3] {
    [0, 1, 2].map(|dimension| thread_coordinate(block, warp, dimension)[lane as usize & 31])
}

/// Reads a special register.
#[inline(never)]
pub(super) fn read<L: Level>(
    level: L,
    context: &Context<'_>,
    room: &Room,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) {
    use Special::*;
    let (grid, block) = (context.config.grid, context.config.block);
    let threads = block[0] * block[1] * block[2];
    let lanes = |f: fn(u32) -> u32| {
        let mut lanes = [0; LANES];
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane = f(i as u32);
        }
        lanes
    };
    let uniform = |value: u32| [value; LANES];
    let special = Special::numbered(instruction.m);
    let clock = warp.issued.wrapping_sub(u64::from(instruction.b)).wrapping_add(warp.slept);
    let value: [u32; LANES] = match special {
        TidX => thread_coordinate(block, warp.index, 0),
        TidY => thread_coordinate(block, warp.index, 1),
        TidZ => thread_coordinate(block, warp.index, 2),
        NtidX => uniform(block[0]),
        NtidY => uniform(block[1]),
        NtidZ => uniform(block[2]),
        CtaidX => uniform(room.block[0]),
        CtaidY => uniform(room.block[1]),
        CtaidZ => uniform(room.block[2]),
        NctaidX => uniform(grid[0]),
        NctaidY => uniform(grid[1]),
        NctaidZ => uniform(grid[2]),
        LaneId => lanes(|lane| lane),
        WarpId => uniform(warp.index),
        NwarpId => uniform(threads.div_ceil(LANES as u32)),
        SmId => {
            let [x, y, z] = room.block.map(u64::from);
            let linear = x + u64::from(grid[0]) * (y + u64::from(grid[1]) * z);
            uniform((linear % u64::from(PROCESSORS)) as u32)
        }
        NsmId => uniform(PROCESSORS),
        LanemaskEq => lanes(|lane| 1 << lane),
        LanemaskLe => lanes(|lane| u32::MAX >> (31 - lane)),
        LanemaskLt => lanes(|lane| (1 << lane) - 1),
        LanemaskGe => lanes(|lane| u32::MAX << lane),
        LanemaskGt => lanes(|lane| u32::MAX << lane << 1),
        Clock | Clock64 | GlobalTimer => uniform(clock as u32),
        ClockHigh => uniform((clock >> 32) as u32),
        DynamicSharedBytes => uniform(context.config.dynamic_shared_bytes),
        WorkspaceLow => uniform(context.workspace as u32),
        WorkspaceHigh => uniform((context.workspace >> 32) as u32),
        TotalSharedBytes => uniform(room.shared.bytes()),
        Zero => uniform(0),
        One => uniform(1),
    };
    if instruction.d != NO_SLOT {
        u32::store(level, &mut warp.registers, instruction.d, mask, &value);
    }
    if instruction.e != NO_SLOT {
        let wide = if matches!(special, Clock64 | GlobalTimer) { clock } else { 0 };
        u64::store(level, &mut warp.registers, instruction.e, mask, &[wide; LANES]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_run_along_x_then_y_then_z() {
        assert_eq!(thread_coordinate([4, 3, 5], 0, 0)[..6], [0, 1, 2, 3, 0, 1]);
        assert_eq!(thread_of([4, 3, 5], 0, 13), [1, 0, 1]);
        assert_eq!(thread_of([4, 3, 5], 1, 0), [0, 2, 2]);
        assert_eq!(thread_of([32, 8, 1], 7, 31), [31, 7, 0]);
    }
}
