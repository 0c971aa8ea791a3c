//! What stays as it is from round to round while a block that branches to itself goes round in machine code.

use super::{Compiler, Group, Register};
use crate::{
    isa::Code,
    jit::{
        reach::StreamPlan,
        values::{Carried, Part, Touched},
        vector,
    },
    registers::{File, Slot},
};

/// Strips of a warp.
pub(super) const STRIPS: u8 = 4;

/// Instructions of a loop whose strips stand one after the other: more would crowd the instruction cache.
const UNROLLED: usize = 40;

/// Vector registers that may be kept from round to round; an instruction needs the others.
const CARRIED: usize = 8;

/// A move of an address by what all lanes share.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub(super) at: u32,
    pub(super) by: Slot,
    pub(super) subtracts: bool,
}

/// How a group goes round.
#[derive(Default)]
pub(super) struct Rounds {
    /// For each stream the moves of its address register, which nothing else touches in a round; `None` where the lanes
    /// have to be looked at each time.
    pub(super) steady: Vec<Option<Vec<Move>>>,
    pub(super) is_unrolled: bool,
}

impl Rounds {
    /// Whether an instruction only moves an address.
    pub(super) fn moves(&self, at: u32) -> bool {
        self.steady.iter().flatten().flatten().any(|one| one.at == at)
    }
}

impl Compiler<'_> {
    /// What there is to know of a group that is a whole loop and has these streams.
    pub(super) fn rounds(&mut self, group: &Group, streams: &[StreamPlan]) -> Rounds {
        let steady = streams.iter().map(|stream| self.moves(group, stream)).collect();
        let mut rounds = Rounds { steady, is_unrolled: false };
        let strips = group.vector.iter().filter(|(at, _)| !rounds.moves(*at)).count();
        rounds.is_unrolled = strips <= UNROLLED;
        rounds
    }

    /// The moves of a stream's address, if nothing else touches it.
    fn moves(&mut self, group: &Group, stream: &StreamPlan) -> Option<Vec<Move>> {
        let file = if stream.wide { File::Wide } else { File::Narrow };
        let address: Register = (file, stream.address);
        let mut moves = Vec::new();
        let mut is_read = false;
        for (at, form) in &group.vector {
            let (reads, writes) = self.touched(*at);
            if !writes.contains(&address) {
                is_read |= *form != vector::Form::Load && reads.contains(&address);
                continue;
            }
            let instruction = self.instructions[*at as usize];
            let (subtracts, wide) = match instruction.code {
                Code::AddI64 => (false, true),
                Code::SubI64 => (true, true),
                Code::AddI32 => (false, false),
                Code::SubI32 => (true, false),
                _ => return None,
            };
            let by = match (instruction.a == stream.address, instruction.b == stream.address) {
                (true, false) => instruction.b,
                (false, true) if !subtracts => instruction.a,
                _ => return None,
            };
            // Strips would be too late for what they write themselves.
            let is_shared =
                self.uniformity((file, by)).holds(self.in_rows) && !group.writes.contains(&(file, by));
            if wide != stream.wide || !instruction.guard.is_none() || !is_shared {
                return None;
            }
            moves.push(Move { at: *at, by, subtracts });
        }
        (moves.is_empty() || !is_read).then_some(moves)
    }
}

/// What strips that stand one after the other keep in registers from round to round: what a round reads of the last one.
pub(super) fn carried(touched: &[Touched]) -> Vec<Carried> {
    let mut parts: Vec<Part> = Vec::new();
    for (index, one) in touched.iter().enumerate() {
        let part = one.part;
        let is_first = !touched[..index].iter().any(|before| before.part == part);
        let is_written = touched[index..].iter().any(|later| later.writes && later.part == part);
        if is_first && !one.writes && is_written && !part.uniform && part.strip == 0 {
            parts.push(part);
        }
    }
    parts.truncate(CARRIED / usize::from(STRIPS));
    let mut carried = Vec::new();
    for part in parts {
        for strip in 0..STRIPS {
            let register = carried.len() as u8;
            carried.push(Carried { part: Part { strip, ..part }, register, raw: true });
        }
    }
    carried
}
