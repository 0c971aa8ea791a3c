//! Cuts blocks into pieces; `group` assembles them, and `rounds` finds what stays as it is while a loop goes round.

mod group;
mod rounds;

use std::ops::Range;

use super::{
    Compiled, CompiledLoad, Exit, Piece, Plan, code::MachineCode, loads, reach::StreamPlan, scalar, vector,
    vex::Assembler,
};
use crate::{
    cfg::{Block, BlockId},
    instruction::{Access, Instruction, Place, Space, Tables, Touch},
    isa::Code,
    liveness::{Liveness, Numbering, Set, touches},
    registers::{File, Slot},
    slots::Slots,
    uniform::Uniformity,
};

/// How an instruction is compiled.
#[derive(Clone, Copy)]
enum Form {
    Scalar(scalar::Form),
    Vector(vector::Form),
}

/// A register, as far as pieces are concerned.
type Register = (File, Slot);

/// Instructions that become one piece: streams are checked, then those of `scalar` run, then all of `vector`.
#[derive(Default)]
struct Group {
    first: u32,
    scalar: Vec<(u32, scalar::Form)>,
    vector: Vec<(u32, vector::Form)>,
    /// What the instructions of `vector` read and write.
    reads: Vec<Register>,
    writes: Vec<Register>,
    /// Predicates that guard some of them.
    guards: Vec<Slot>,
}

/// The block at work, and which of its plans.
struct Position<'a> {
    index: BlockId,
    block: Block,
    plan: usize,
    alive_after: &'a Set,
}

/// Assembles the blocks of a kernel.
pub(super) struct Compiler<'a> {
    instructions: &'a [Instruction],
    tables: Tables,
    blocks: &'a [Block],
    slots: &'a Slots,
    in_rows: bool,
    /// Whether loads whose lanes differ are compiled: in a block's first plan.
    takes_streams: bool,
    numbering: Numbering,
    assembler: Assembler,
    plans: Vec<Plan>,
    pieces: Vec<Piece>,
    places: Vec<Place>,
    exits: Vec<Exit>,
    loads: Vec<CompiledLoad>,
    windows: usize,
    streams: Vec<StreamPlan>,
    guarded: Vec<u32>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        instructions: &'a [Instruction],
        tables: Tables,
        blocks: &'a [Block],
        slots: &'a Slots,
        in_rows: bool,
    ) -> Self {
        Compiler {
            instructions,
            tables,
            blocks,
            slots,
            in_rows,
            takes_streams: true,
            numbering: Numbering(slots.counts),
            assembler: Assembler::new(),
            plans: Vec::new(),
            pieces: Vec::new(),
            places: Vec::new(),
            exits: Vec::new(),
            loads: Vec::new(),
            windows: 0,
            streams: Vec::new(),
            guarded: Vec::new(),
        }
    }

    /// Compiles every block, and those with streams once more without; `None` if there is nothing to compile.
    pub(super) fn compile(mut self) -> Option<Compiled> {
        let liveness = Liveness::of(self.instructions, &mut self.tables, self.blocks, &self.numbering);
        let mut second: Vec<u32> = (0..self.blocks.len() as u32).collect();
        for takes_streams in [true, false] {
            self.takes_streams = takes_streams;
            for (index, block) in self.blocks.iter().enumerate() {
                if !takes_streams && second[index] as usize == index {
                    continue;
                }
                let streams = self.streams.len();
                let plan = self.plans.len();
                let alive_after = &liveness.out_of[index];
                let position = Position { index: index as BlockId, block: *block, plan, alive_after };
                self.block(&position, &liveness.into[index]);
                let differs = self.streams.len() > streams || self.plans[plan].fills;
                second[index] = if takes_streams && differs {
                    // Its second plan is still to come.
                    u32::MAX
                } else {
                    plan as u32
                };
            }
        }
        self.finish(second)
    }

    fn uniformity(&self, (file, slot): Register) -> Uniformity {
        self.slots.uniformity(file, slot)
    }

    /// Whether only lane 0 of a register counts while pieces run.
    fn is_single(&self, register: Register) -> bool {
        let uniformity = self.uniformity(register);
        register.0 != File::Predicate && uniformity != Uniformity::Constant && uniformity.holds(self.in_rows)
    }

    /// Registers that an instruction reads and writes. A guarded write also reads.
    fn touched(&mut self, at: u32) -> (Vec<Register>, Vec<Register>) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        let mut copy = self.instructions[at as usize];
        copy.visit(&mut self.tables, &mut |how, file, slot: &mut Slot| match how {
            Touch::Read => reads.push((file, *slot)),
            Touch::Write => writes.push((file, *slot)),
        });
        if !copy.guard.is_none() {
            reads.extend(&writes);
        }
        (reads, writes)
    }

    /// How an instruction is compiled, if it is.
    fn form(&mut self, at: u32) -> Option<Form> {
        let instruction = &self.instructions[at as usize];
        let access =
            (instruction.code == Code::Load).then(|| self.tables.accesses[usize::from(instruction.m)]);
        let scalar = scalar::form(instruction, access.as_ref());
        let vector = match &access {
            Some(access) if self.takes_streams && loads::is_stream(instruction, access) => {
                Some(vector::Form::Load)
            }
            Some(_) => None,
            None => vector::form(instruction),
        };
        let (reads, writes) = self.touched(at);
        let uniform =
            reads.iter().chain(&writes).all(|register| self.uniformity(*register).holds(self.in_rows));
        // Strips find single registers in lane 0, so none may write what the next one reads there.
        let overwrites = writes.iter().any(|register| self.is_single(*register) && reads.contains(register));
        // A uniform load of shared memory is counted by its lanes, unless it is of a word.
        let counts =
            |access: &Access| self.takes_streams || access.space == Space::Global || access.count == 1;
        let scalar = scalar.filter(|_| access.as_ref().is_none_or(counts));
        let single = || reads.iter().chain(&writes).any(|register| self.is_single(*register));
        match (scalar, vector) {
            (Some(scalar), _) if uniform => Some(Form::Scalar(scalar)),
            (_, Some(vector::Form::Load)) if single() => None,
            (_, Some(vector)) if !overwrites => Some(Form::Vector(vector)),
            _ => None,
        }
    }

    fn block(&mut self, position: &Position<'_>, alive: &Set) {
        let block = position.block;
        let first_piece = self.pieces.len() as u32;
        let alive_places = self.uniform_places(alive);
        let alive_range = self.keep(alive_places);
        // Single registers whose other lanes have been brought up to date in this block.
        let mut fresh: Vec<Register> = Vec::new();
        let mut group: Option<Group> = None;
        let mut fills = false;
        for at in block.first..block.end {
            let form = self.form(at);
            let (reads, writes) = self.touched(at);
            let Some(form) = form else {
                if let Some(group) = group.take() {
                    self.assemble(&group, at, position);
                }
                self.interpret(at, &reads, &mut fresh);
                let guarded = !self.instructions[at as usize].guard.is_none();
                for register in writes.into_iter().filter(|register| self.is_single(*register)) {
                    fresh.retain(|fresh| *fresh != register);
                    if !guarded {
                        fresh.push(register);
                    }
                }
                continue;
            };
            if group.as_ref().is_some_and(|group| self.clashes(group, form, &reads, &writes))
                && let Some(group) = group.take()
            {
                self.assemble(&group, at, position);
            }
            let group = group.get_or_insert_with(|| Group { first: at, ..Group::default() });
            match form {
                Form::Scalar(form) => {
                    fills |= self.counts_by_lanes(at, form);
                    fresh.retain(|fresh| !writes.contains(fresh));
                    group.scalar.push((at, form));
                }
                Form::Vector(form) => {
                    group.vector.push((at, form));
                    group.guards.extend(self.instructions[at as usize].guard.predicate());
                    group.reads.extend(reads);
                    for register in writes {
                        if self.is_single(register) && !fresh.contains(&register) {
                            fresh.push(register);
                        }
                        group.writes.push(register);
                    }
                }
            }
        }
        if let Some(group) = group {
            self.assemble(&group, block.end, position);
        }
        let mut last = Vec::new();
        if block.terminated {
            let (reads, _) = self.touched(block.end);
            last = self.stale(&reads, &fresh);
        }
        let last = self.keep(last);
        let pieces = first_piece..self.pieces.len() as u32;
        let goes_round = matches!(self.pieces[first_piece as usize..], [Piece::Compiled(_)])
            && self.branches_to_itself(position);
        self.plans.push(Plan { pieces, alive: alive_range, last, goes_round, fills });
    }

    /// Whether it depends on the lanes that run what a uniform instruction counts: a load of shared memory, unless it is of
    /// a word.
    fn counts_by_lanes(&self, at: u32, form: scalar::Form) -> bool {
        let access = || self.tables.accesses[usize::from(self.instructions[at as usize].m)];
        form == scalar::Form::Load && access().space == Space::Shared && access().count > 1
    }

    /// Whether a block is a loop of its own.
    fn branches_to_itself(&self, position: &Position<'_>) -> bool {
        let Position { index, block, .. } = position;
        block.terminated
            && block.target == *index
            && self.instructions[block.end as usize].code == Code::Branch
    }

    /// Whether an instruction cannot join a group, whose scalar instructions run before its vector ones.
    fn clashes(&self, group: &Group, form: Form, reads: &[Register], writes: &[Register]) -> bool {
        let any = |some: &[Register], others: &[Register]| some.iter().any(|one| others.contains(one));
        match form {
            Form::Scalar(_) => {
                any(reads, &group.writes) || any(writes, &group.reads) || any(writes, &group.writes)
            }
            // Streams are checked before the group runs.
            Form::Vector(vector::Form::Load) => any(reads, &group.writes),
            // As for the instruction alone.
            Form::Vector(_) => writes.iter().any(|register| {
                self.is_single(*register) && group.reads.contains(register)
                    // Lanes of guarded instructions are counted when the group is over.
                    || register.0 == File::Predicate && group.guards.contains(&register.1)
            }),
        }
    }

    /// The single ones of some registers whose other lanes are not up to date.
    fn stale(&self, registers: &[Register], fresh: &[Register]) -> Vec<Place> {
        let mut places: Vec<Place> = registers
            .iter()
            .filter(|register| self.is_single(**register) && !fresh.contains(register))
            .map(|(file, slot)| Place { file: *file, slot: *slot })
            .collect();
        places.sort_by_key(|place| (place.file, place.slot));
        places.dedup();
        places
    }

    fn keep(&mut self, places: Vec<Place>) -> Range<u32> {
        let start = self.places.len() as u32;
        self.places.extend(places);
        start..self.places.len() as u32
    }

    /// The registers of a set that are uniform.
    fn uniform_places(&self, set: &Set) -> Vec<Place> {
        let place = |index: usize| {
            let file = self.numbering.file(index);
            let slot = (index - self.numbering.index(file, 0)) as Slot;
            let uniformity = self.uniformity((file, slot));
            let varies = uniformity == Uniformity::Constant || !uniformity.holds(self.in_rows);
            (!varies).then_some(Place { file, slot })
        };
        set.members().filter_map(place).collect()
    }

    fn interpret(&mut self, at: u32, reads: &[Register], fresh: &mut Vec<Register>) {
        let stale = self.stale(reads, fresh);
        fresh.extend(stale.iter().map(|place| (place.file, place.slot)));
        let before = self.plans.last().map_or(0, |plan| plan.pieces.end as usize);
        if stale.is_empty()
            && let Some(Piece::Interpreted { instructions, .. }) = self.pieces[before..].last_mut()
            && instructions.end == at
        {
            instructions.end = at + 1;
            return;
        }
        let spread = self.keep(stale);
        self.pieces.push(Piece::Interpreted { instructions: at..at + 1, spread });
    }

    /// What is alive before the instruction `at` of a block.
    fn alive_at(&mut self, at: u32, position: &Position<'_>) -> Set {
        let mut alive = position.alive_after.clone();
        for at in (at..position.block.limit()).rev() {
            let mut read = Vec::new();
            touches(
                &self.instructions[at as usize],
                &mut self.tables,
                &self.numbering,
                |how, index| match how {
                    Touch::Read => read.push(index),
                    Touch::Write => alive.remove(index),
                },
            );
            read.into_iter().for_each(|index| alive.insert(index));
        }
        alive
    }

    fn finish(self, second: Vec<u32>) -> Option<Compiled> {
        if !self.pieces.iter().any(|piece| matches!(piece, Piece::Compiled(_))) {
            return None;
        }
        let mut uniform = Vec::new();
        for (file, count) in [File::Narrow, File::Wide].into_iter().zip(self.slots.counts) {
            let places = (0..count as Slot).map(|slot| Place { file, slot });
            uniform.extend(places.filter(|place| self.is_single((place.file, place.slot))));
        }
        let reached = [self.windows, self.streams.len(), self.guarded.len()];
        let code = MachineCode::new(&self.assembler.finish(), self.slots.counts, reached)?;
        let Compiler { plans, pieces, places, exits, loads, windows, streams, guarded, .. } = self;
        Some(Compiled {
            code,
            plans,
            second,
            pieces,
            places,
            exits,
            loads,
            windows,
            streams,
            guarded,
            uniform,
        })
    }
}
