//! Operations across the lanes of a warp: shuffles, votes, matches and reductions.

use super::{set_predicate, set_word};
use crate::{
    decode::{ReduceMode, VoteMode},
    instruction::{Instruction, NO_SLOT},
    isa::Code,
    lane::float,
    level::Level,
    registers::{Element, LANES},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Whether all lanes are there that an operation is for: the members of every lane that executes it, but for those that
/// have exited. A lane that is not in its own mask traps.
#[inline(always)]
pub(super) fn members_are_here(warp: &Warp, mask: u32, instruction: &Instruction) -> Step<bool> {
    let members = &warp.registers.narrow[usize::from(instruction.e)].0;
    // Nearly always the same mask in every lane.
    if is_uniform(members) && mask & !members[0] == 0 {
        return Ok(members[0] & warp.alive & !mask == 0);
    }
    let (mut outsiders, mut waiting) = (0, 0);
    for (lane, members) in members.iter().enumerate() {
        outsiders |= u32::from(members >> lane & 1 == 0) << lane;
        waiting |= u32::from(members & warp.alive & !mask != 0) << lane;
    }
    if outsiders & mask != 0 {
        return Err(outsider(members, outsiders & mask));
    }
    Ok(waiting & mask == 0)
}

/// Whether all lanes hold the same.
#[inline(always)]
fn is_uniform(lanes: &[u32; LANES]) -> bool {
    lanes.iter().fold(0, |differ, lane| differ | lane ^ lanes[0]) == 0
}

#[cold]
#[inline(never)]
fn outsider(members: &[u32; LANES], outsiders: u32) -> Box<Stop> {
    let lane = outsiders.trailing_zeros() & 31;
    let named = members[lane as usize];
    let detail = format!("lane {lane} is not in its own member mask {named:#010x}");
    Stop::trap(TrapKind::InvalidMembers, outsiders, detail)
}

/// `shfl.sync`. A lane that has exited or is guarded off gives what its register holds.
#[inline(never)]
pub(super) fn shuffle<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    level.vectorize(
        #[inline(always)]
        || shuffle_lanes(level, warp, mask, instruction),
    )
}

/// The lanes of `source` with those exchanged whose numbers differ by `BY`.
#[inline(always)]
fn exchanged<const BY: usize>(source: &[u32; LANES]) -> [u32; LANES] {
    std::array::from_fn(|lane| source[lane ^ BY])
}

/// A butterfly of the whole warp by what all lanes share, a fixed permutation for each bit; `None` if it is not one.
#[inline(always)]
fn butterfly<L: Level>(level: L, warp: &Warp, instruction: &Instruction) -> Option<[u32; LANES]> {
    let registers = &warp.registers;
    let [b, c] = [instruction.b, instruction.c].map(|slot| &registers.narrow[usize::from(slot)].0);
    if instruction.code != Code::ShuffleBfly || c[0] != 31 || !is_uniform(b) || !is_uniform(c) {
        return None;
    }
    let mut lanes = u32::fetch(level, registers, instruction.a);
    let by = b[0];
    if by & 1 != 0 {
        lanes = exchanged::<1>(&lanes);
    }
    if by & 2 != 0 {
        lanes = exchanged::<2>(&lanes);
    }
    if by & 4 != 0 {
        lanes = exchanged::<4>(&lanes);
    }
    if by & 8 != 0 {
        lanes = exchanged::<8>(&lanes);
    }
    if by & 16 != 0 {
        lanes = exchanged::<16>(&lanes);
    }
    Some(lanes)
}

#[inline(always)]
fn shuffle_lanes<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    if let Some(result) = butterfly(level, warp, instruction) {
        u32::store(level, &mut warp.registers, instruction.d, mask, &result);
        if instruction.m != NO_SLOT {
            set_predicate(warp, mask, instruction.m, u32::MAX);
        }
        return;
    }
    let registers = &mut warp.registers;
    let source = u32::fetch(level, registers, instruction.a);
    let b = u32::fetch(level, registers, instruction.b);
    let c = u32::fetch(level, registers, instruction.c);
    let mut from = [0u32; LANES];
    let mut inside = [0u32; LANES];
    for i in 0..LANES {
        let lane = i as u32;
        let (by, clamp, segment) = (b[i] & 31, c[i] & 31, c[i] >> 8 & 31);
        let highest = lane & segment | clamp & !segment;
        let lowest = lane & segment;
        // `up` may go below lane 0: compare as signed.
        let (j, valid) = match instruction.code {
            Code::ShuffleUp => (lane.wrapping_sub(by), lane as i32 - by as i32 >= highest as i32),
            Code::ShuffleDown => (lane + by, lane + by <= highest),
            Code::ShuffleBfly => (lane ^ by, lane ^ by <= highest),
            _ => {
                let j = lowest | by & !segment;
                (j, j <= highest)
            }
        };
        from[i] = if valid { j & 31 } else { lane };
        inside[i] = 0u32.wrapping_sub(u32::from(valid));
    }
    let mut result = [0; LANES];
    for i in 0..LANES {
        result[i] = source[(from[i] & 31) as usize];
    }
    u32::store(level, registers, instruction.d, mask, &result);
    if instruction.m != NO_SLOT {
        let valid = level.signs(&inside);
        set_predicate(warp, mask, instruction.m, valid);
    }
}

/// `vote.sync`
pub(super) fn vote<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let holds = warp.registers.predicates[usize::from(instruction.a)];
    // Lanes of different member masks vote apart.
    let mut rest = mask;
    while rest != 0 {
        let members =
            warp.registers.narrow[usize::from(instruction.e)].0[rest.trailing_zeros() as usize & 31];
        let group = members & mask;
        let truth = holds & group;
        let result = match VoteMode::numbered(instruction.m) {
            VoteMode::All => truth == group,
            VoteMode::Any => truth != 0,
            VoteMode::Uni => truth == group || truth == 0,
            VoteMode::Ballot => {
                set_word(level, warp, group, instruction.b, truth);
                rest &= !group;
                continue;
            }
        };
        set_predicate(warp, group, instruction.d, if result { u32::MAX } else { 0 });
        rest &= !group;
    }
}

/// `match.sync`
pub(super) fn match_lanes<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let values: [u64; LANES] = if instruction.b == NO_SLOT {
        u32::fetch(level, &warp.registers, instruction.a).map(u64::from)
    } else {
        u64::fetch(level, &warp.registers, instruction.b)
    };
    let members = u32::fetch(level, &warp.registers, instruction.e);
    let all = instruction.m != 0;
    let mut result = [0; LANES];
    let mut holds = 0;
    for lane in 0..LANES {
        let group = members[lane] & mask;
        let same = (0..LANES).fold(0, |same, i| same | u32::from(values[i] == values[lane]) << i) & group;
        let everywhere = same == group;
        holds |= u32::from(everywhere) << lane;
        result[lane] = if all && !everywhere { 0 } else { same };
    }
    u32::store(level, &mut warp.registers, instruction.d, mask, &result);
    if instruction.c != NO_SLOT {
        set_predicate(warp, mask, instruction.c, holds);
    }
}

/// `redux.sync`
pub(super) fn reduce<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let mode = ReduceMode::numbered(instruction.m);
    let on_floats = |f: fn(f32, f32) -> f32, a, b| {
        let value = f(f32::from_bits(a), f32::from_bits(b));
        if value.is_nan() { float::NAN.to_bits() } else { value.to_bits() }
    };
    let combine = |a: u32, b: u32| match mode {
        ReduceMode::Add => a.wrapping_add(b),
        ReduceMode::MinUnsigned => a.min(b),
        ReduceMode::MaxUnsigned => a.max(b),
        ReduceMode::MinSigned => (a as i32).min(b as i32) as u32,
        ReduceMode::MaxSigned => (a as i32).max(b as i32) as u32,
        ReduceMode::And => a & b,
        ReduceMode::Or => a | b,
        ReduceMode::Xor => a ^ b,
        ReduceMode::MinFloat => on_floats(float::min_f32, a, b),
        ReduceMode::MaxFloat => on_floats(float::max_f32, a, b),
        ReduceMode::MinFloatNan => on_floats(float::min_nan_f32, a, b),
        ReduceMode::MaxFloatNan => on_floats(float::max_nan_f32, a, b),
    };
    let is_float = matches!(
        mode,
        ReduceMode::MinFloat | ReduceMode::MaxFloat | ReduceMode::MinFloatNan | ReduceMode::MaxFloatNan
    );
    let values = u32::fetch(level, &warp.registers, instruction.a);
    let mut rest = mask;
    while rest != 0 {
        let members =
            warp.registers.narrow[usize::from(instruction.e)].0[rest.trailing_zeros() as usize & 31];
        let group = members & mask;
        let in_group = (0..LANES).filter(|i| group >> i & 1 != 0).map(|i| values[i]);
        let value = in_group.reduce(combine).unwrap_or_default();
        // A lane alone has its NaN made canonical too.
        let value = if is_float { combine(value, value) } else { value };
        set_word(level, warp, group, instruction.d, value);
        rest &= !group;
    }
}

/// `elect.sync`: the lowest lane is the leader.
pub(super) fn elect<L: Level>(level: L, warp: &mut Warp, mask: u32, instruction: &Instruction) {
    let leader = mask.trailing_zeros();
    set_word(level, warp, mask, instruction.d, leader);
    if instruction.c != NO_SLOT {
        set_predicate(warp, mask, instruction.c, 1 << (leader & 31));
    }
}
