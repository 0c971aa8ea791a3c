//! Compiles the straight parts of a kernel's blocks to machine code, for CPUs with AVX2.
//!
//! A block becomes pieces. Neighbouring instructions that need no more than registers, and loads, are one piece of machine
//! code: first what is the same in every lane, once, then the rest, eight lanes at a time, with values kept in
//! vector registers from one instruction to the next. A block that is one piece and branches to itself goes round without
//! leaving machine code. Every other instruction is left to the interpreter, and so are warps whose lanes have parted.
//!
//! A guarded instruction is run for all lanes, and its result taken where the guard holds. How many lanes that are is
//! counted when the piece is over, so a piece ends before an instruction that writes a predicate which guarded another.
//!
//! A piece first checks its loads whose lanes differ against what their last requests were like (`reach`), and leaves all
//! of its instructions to the interpreter where they are not so. A block that has to do that often takes a second plan, in
//! which such loads are interpreted.
//!
//! In a loop, addresses that only move by what all lanes share keep how they lie to each other: they are looked at once,
//! and only lane 0 moves until the loop is left. Short loops have their four strips one after the other instead of going
//! round them, and keep sums in vector registers from round to round.
//!
//! While pieces run, a uniform register is known by its lane 0 alone. What the interpreter is about to read of such
//! registers is spread over the lanes first.

mod code;
mod compiler;
mod loads;
mod reach;
mod scalar;
mod values;
mod vector;
mod vex;

use std::ops::Range;

use self::{code::MachineCode, compiler::Compiler, reach::StreamPlan};
use crate::{
    cfg::Block,
    counts::Traffic,
    instruction::{Access, Instruction, Place, Tables},
    isa::Code,
    registers::{FULL, File, LANES, Registers},
    slots::Slots,
};

pub(crate) use code::Surroundings;
pub(crate) use reach::{Reach, Within};

/// A run of a block.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Machine code from this entry on.
    Compiled(u32),
    /// Instructions for the interpreter, and the uniform registers that have to be spread before.
    Interpreted { instructions: Range<u32>, spread: Range<u32> },
}

/// A block's pieces.
#[derive(Debug, Clone)]
struct Plan {
    pieces: Range<u32>,
    /// Uniform registers that are alive at its start.
    alive: Range<u32>,
    /// Those that what ends the block reads.
    last: Range<u32>,
    /// Whether its only piece goes round while the block branches to itself.
    goes_round: bool,
    /// Whether only warps with all their lanes may take it.
    fills: bool,
}

/// Where machine code leaves loads to the interpreter that it cannot do.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    /// The instructions that are left: one uniform load, or all of a piece.
    pub(crate) instructions: Range<u32>,
    /// Where machine code goes on; `None` where the piece is over.
    pub(crate) resume: Option<u32>,
    /// What has to be spread before.
    spread: Range<u32>,
    learns: Learns,
}

/// What there is to learn from the loads at an exit.
#[derive(Debug, Clone)]
enum Learns {
    /// The window of a uniform load, by the load's access.
    Window(usize, usize),
    Streams(Range<usize>),
}

/// A load that machine code does, once a pass of a plan unless it leaves it at one of its exits.
#[derive(Debug, Clone)]
pub(crate) struct CompiledLoad {
    pub(crate) plan: usize,
    pub(crate) site: usize,
    /// Whether it is one element for all lanes.
    pub(crate) is_uniform: bool,
    pub(crate) exits: Vec<u32>,
}

/// The compiled blocks of a kernel, for launches whose warps lie in rows of their block or for all.
#[derive(Debug)]
pub(crate) struct Compiled {
    code: MachineCode,
    /// Those of all blocks, then the second ones of some.
    plans: Vec<Plan>,
    /// By block, the plan for warps that cannot take the first.
    second: Vec<u32>,
    pieces: Vec<Piece>,
    places: Vec<Place>,
    exits: Vec<Exit>,
    loads: Vec<CompiledLoad>,
    windows: usize,
    streams: Vec<StreamPlan>,
    /// Guarded instructions that machine code counts the lanes of.
    guarded: Vec<u32>,
    /// All uniform registers.
    uniform: Vec<Place>,
}

/// How a piece of machine code ended.
pub(crate) enum Outcome {
    /// At its end.
    Done,
    /// At the exit of this index, whose instruction it leaves to the interpreter.
    Left(usize),
}

impl Compiled {
    /// The plan that lanes of a warp take for a block whose loads are `irregular` or not.
    #[inline(always)]
    pub(crate) fn plan(&self, block: usize, lanes: u32, irregular: bool) -> usize {
        let first = !irregular && (lanes == FULL || !self.plans[block].fills);
        if first { block } else { self.second[block] as usize }
    }

    /// How many plans there are.
    pub(crate) fn plans(&self) -> usize {
        self.plans.len()
    }

    /// The pieces of a plan.
    #[inline(always)]
    pub(crate) fn pieces(&self, plan: usize) -> &[Piece] {
        let Range { start, end } = self.plans[plan].pieces;
        &self.pieces[start as usize..end as usize]
    }

    /// Whether the machine code of a plan goes round.
    #[inline(always)]
    pub(crate) fn goes_round(&self, plan: usize) -> bool {
        self.plans[plan].goes_round
    }

    /// Room for what machine code learns.
    pub(crate) fn reach(&self) -> Reach {
        let sizes =
            [self.windows, self.streams.len(), self.guarded.len(), self.exits.len(), self.second.len()];
        Reach::new(sizes)
    }

    /// Runs machine code, which goes round `rounds` times at most and takes from them what it did; `None` if it is not
    /// that of the registers' kernel.
    #[inline(always)]
    pub(crate) fn run(
        &self,
        entry: u32,
        registers: &mut Registers,
        reach: &mut Reach,
        surroundings: Surroundings<'_>,
        rounds: &mut u64,
    ) -> Option<Outcome> {
        let left = self.code.run(entry, registers, reach, surroundings, rounds)?;
        Some(if left == 0 { Outcome::Done } else { Outcome::Left(left as usize - 1) })
    }

    /// Spreads registers over the lanes.
    #[inline(always)]
    pub(crate) fn spread(&self, places: &Range<u32>, registers: &mut Registers) {
        spread(&self.places[places.start as usize..places.end as usize], registers);
    }

    /// Spreads every uniform register over the lanes, which the interpreter goes on with one by one.
    pub(crate) fn leave(&self, registers: &mut Registers) {
        spread(&self.uniform, registers);
    }

    /// Spreads the registers that what ends a plan's block reads.
    #[inline(always)]
    pub(crate) fn spread_last(&self, plan: usize, registers: &mut Registers) {
        self.spread(&self.plans[plan].last, registers);
    }

    /// Whether the uniform registers that are alive at a block's start are uniform in these lanes, of which 0 is one.
    pub(crate) fn can_enter(&self, block: usize, registers: &Registers, lanes: u32) -> bool {
        let Range { start, end } = self.plans[block].alive;
        self.places[start as usize..end as usize].iter().all(|place| {
            let slot = usize::from(place.slot);
            let different = |differs: &dyn Fn(usize) -> bool| {
                (0..LANES).fold(0, |bits, lane| bits | u32::from(differs(lane)) << lane) & lanes
            };
            match place.file {
                File::Narrow => {
                    let values = &registers.narrow[slot].0;
                    different(&|lane| values[lane] != values[0]) == 0
                }
                File::Wide => {
                    let values = &registers.wide[slot].0;
                    different(&|lane| values[lane] != values[0]) == 0
                }
                File::Predicate => {
                    let holds = registers.predicates[slot] & lanes;
                    holds == 0 || holds == lanes
                }
            }
        })
    }

    /// Where machine code can be left. [`Outcome::Left`] counts in them.
    pub(crate) fn exits(&self) -> &[Exit] {
        &self.exits
    }

    /// The loads that machine code does.
    pub(crate) fn loads(&self) -> &[CompiledLoad] {
        &self.loads
    }

    /// Learns from the loads that are left at an exit, and spreads what they read over the lanes.
    pub(crate) fn learn(
        &self,
        exit: &Exit,
        registers: &mut Registers,
        reach: &mut Reach,
        accesses: &[Access],
        within: &Within<'_>,
        traffic: &mut [Traffic],
    ) {
        match &exit.learns {
            Learns::Window(window, site) => {
                reach.learn_window(*window, &accesses[*site], registers, within);
            }
            Learns::Streams(streams) => {
                for stream in streams.clone() {
                    reach.learn_stream(stream, &self.streams[stream], registers, within, traffic);
                }
            }
        }
        self.spread(&exit.spread, registers);
    }

    /// Adds what streams have moved since they were learnt, and by instruction the lanes that ran guarded ones.
    pub(crate) fn settle(&self, reach: &mut Reach, traffic: &mut [Traffic], guarded_lanes: &mut [u64]) {
        for (index, stream) in self.streams.iter().enumerate() {
            reach.settle(index, stream, traffic);
        }
        for (at, lanes) in self.guarded.iter().zip(&mut reach.guarded) {
            guarded_lanes[*at as usize] += std::mem::take(lanes);
        }
    }
}

/// Copies lane 0 to every lane.
fn spread(places: &[Place], registers: &mut Registers) {
    for place in places {
        let slot = usize::from(place.slot);
        match place.file {
            File::Narrow => registers.narrow[slot].0 = [registers.narrow[slot].0[0]; LANES],
            _ => registers.wide[slot].0 = [registers.wide[slot].0[0]; LANES],
        }
    }
}

/// Compiles a kernel's blocks for warps that lie `in_rows` of their block or not; `None` where this CPU or system cannot
/// run machine code, or nothing would be compiled.
pub(crate) fn compile(
    instructions: &[Instruction],
    tables: &Tables,
    blocks: &[Block],
    slots: &Slots,
    in_rows: bool,
) -> Option<Compiled> {
    // Calls put registers aside lane by lane, and indexed branches part lanes in more than two.
    let leaves = |code: Code| matches!(code, Code::Call | Code::Return | Code::BranchIndexed);
    if !is_supported() || !tables.frame_pointers.is_empty() || instructions.iter().any(|one| leaves(one.code))
    {
        return None;
    }
    Compiler::new(instructions, tables.clone(), blocks, slots, in_rows).compile()
}

/// Whether this CPU runs the code that is assembled here.
fn is_supported() -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        pulp::x86::V3::try_new().is_some()
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        false
    }
}
