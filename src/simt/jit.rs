//! Compiles the straight parts of a kernel's blocks to machine code, for CPUs with AVX2.
//!
//! A block becomes pieces. Neighbouring instructions that need no more than registers, and uniform loads, are one piece
//! of machine code: first what is the same in every lane, once, then the rest, eight lanes at a time, with values kept in
//! vector registers from one instruction to the next. Every other instruction is left to the interpreter, and so are
//! warps whose lanes have parted.
//!
//! While pieces run, a uniform register is known by its lane 0 alone. What the interpreter is about to read of such
//! registers is spread over the lanes first.

mod code;
mod scalar;
mod values;
mod vector;
mod vex;

use std::ops::Range;

use self::{
    code::MachineCode,
    values::{Part, Touched, Values},
    vex::Assembler,
};
use crate::{
    cfg::Block,
    instruction::{Instruction, Place, Tables, Touch},
    isa::Code,
    liveness::{Liveness, Numbering, Set, touches},
    memory::{Allocation, Bytes},
    registers::{File, LANES, Registers, Slot},
    slots::Slots,
    uniform::Uniformity,
};

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
}

/// A load that machine code does, where it leaves what it cannot do to the interpreter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exit {
    pub(crate) block: u32,
    pub(crate) instruction: u32,
    /// The entry behind it.
    pub(crate) resume: u32,
    /// Its address, if it has to be spread.
    spread: (u32, u32),
}

/// The compiled blocks of a kernel, for launches whose warps lie in rows of their block or for all.
#[derive(Debug)]
pub(crate) struct Compiled {
    code: MachineCode,
    plans: Vec<Plan>,
    pieces: Vec<Piece>,
    places: Vec<Place>,
    exits: Vec<Exit>,
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
    /// The pieces of a block.
    #[inline(always)]
    pub(crate) fn pieces(&self, block: usize) -> &[Piece] {
        let Range { start, end } = self.plans[block].pieces;
        &self.pieces[start as usize..end as usize]
    }

    /// Runs machine code; `None` if it is not that of the registers' kernel.
    #[inline(always)]
    pub(crate) fn run(
        &self,
        entry: u32,
        registers: &mut Registers,
        recent: &[Allocation],
        bytes: &Bytes,
    ) -> Option<Outcome> {
        let left = self.code.run(entry, registers, recent, bytes)?;
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

    /// Spreads the registers that what ends a block reads.
    #[inline(always)]
    pub(crate) fn spread_last(&self, block: usize, registers: &mut Registers) {
        self.spread(&self.plans[block].last, registers);
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

    /// The loads that machine code does. [`Outcome::Left`] counts in them, and so does what is tallied of them.
    pub(crate) fn exits(&self) -> &[Exit] {
        &self.exits
    }

    /// Spreads what the load at an exit reads over the lanes.
    pub(crate) fn spread_exit(&self, exit: &Exit, registers: &mut Registers) {
        self.spread(&(exit.spread.0..exit.spread.1), registers);
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
    let mut tables = tables.clone();
    let numbering = Numbering(slots.counts);
    let liveness = Liveness::of(instructions, &mut tables, blocks, &numbering);
    let mut compiler = Compiler {
        instructions,
        tables,
        slots,
        in_rows,
        numbering,
        assembler: Assembler::new(),
        plans: Vec::new(),
        pieces: Vec::new(),
        places: Vec::new(),
        exits: Vec::new(),
    };
    for (index, block) in blocks.iter().enumerate() {
        compiler.block(index as u32, block, &liveness.into[index], &liveness.out_of[index]);
    }
    compiler.finish()
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

/// How an instruction is compiled.
#[derive(Clone, Copy)]
enum Form {
    Scalar(scalar::Form),
    Vector(vector::Form),
}

/// A register, as far as pieces are concerned.
type Register = (File, Slot);

/// Instructions that become one piece: those of `scalar` run before all of `vector`.
#[derive(Default)]
struct Group {
    scalar: Vec<(u32, scalar::Form)>,
    vector: Vec<(u32, vector::Form)>,
    /// What the instructions of `vector` read and write.
    reads: Vec<Register>,
    writes: Vec<Register>,
}

struct Compiler<'a> {
    instructions: &'a [Instruction],
    tables: Tables,
    slots: &'a Slots,
    in_rows: bool,
    numbering: Numbering,
    assembler: Assembler,
    plans: Vec<Plan>,
    pieces: Vec<Piece>,
    places: Vec<Place>,
    exits: Vec<Exit>,
}

impl Compiler<'_> {
    fn uniformity(&self, (file, slot): Register) -> Uniformity {
        self.slots.uniformity(file, slot)
    }

    /// Whether only lane 0 of a register counts while pieces run.
    fn is_single(&self, register: Register) -> bool {
        let uniformity = self.uniformity(register);
        register.0 != File::Predicate && uniformity != Uniformity::Constant && uniformity.holds(self.in_rows)
    }

    /// Registers that an instruction reads and writes.
    fn touched(&mut self, at: u32) -> (Vec<Register>, Vec<Register>) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        let mut copy = self.instructions[at as usize];
        copy.visit(&mut self.tables, &mut |how, file, slot: &mut Slot| match how {
            Touch::Read => reads.push((file, *slot)),
            Touch::Write => writes.push((file, *slot)),
        });
        (reads, writes)
    }

    /// How an instruction is compiled, if it is.
    fn form(&mut self, at: u32) -> Option<Form> {
        let instruction = &self.instructions[at as usize];
        let access =
            (instruction.code == Code::Load).then(|| self.tables.accesses[usize::from(instruction.m)]);
        let (scalar, vector) = (scalar::form(instruction, access.as_ref()), vector::form(instruction));
        let (reads, writes) = self.touched(at);
        let uniform =
            reads.iter().chain(&writes).all(|register| self.uniformity(*register).holds(self.in_rows));
        // Strips find single registers in lane 0, so none may write what the next one reads there.
        let overwrites = writes.iter().any(|register| self.is_single(*register) && reads.contains(register));
        match (scalar, vector) {
            (Some(scalar), _) if uniform => Some(Form::Scalar(scalar)),
            (_, Some(vector)) if !overwrites => Some(Form::Vector(vector)),
            _ => None,
        }
    }

    fn block(&mut self, index: u32, block: &Block, alive: &Set, alive_after: &Set) {
        let first_piece = self.pieces.len() as u32;
        let alive_places = self.uniform_places(alive);
        let alive_range = self.keep(alive_places);
        // Single registers whose other lanes have been brought up to date in this block.
        let mut fresh: Vec<Register> = Vec::new();
        let mut group: Option<Group> = None;
        for at in block.first..block.end {
            let form = self.form(at);
            let (reads, writes) = self.touched(at);
            let Some(form) = form else {
                if let Some(group) = group.take() {
                    self.compile(group, at, index, block, alive_after);
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
                self.compile(group, at, index, block, alive_after);
            }
            let group = group.get_or_insert_default();
            match form {
                Form::Scalar(form) => {
                    fresh.retain(|fresh| !writes.contains(fresh));
                    group.scalar.push((at, form));
                }
                Form::Vector(form) => {
                    group.vector.push((at, form));
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
            self.compile(group, block.end, index, block, alive_after);
        }
        let mut last = Vec::new();
        if block.terminated {
            let (reads, _) = self.touched(block.end);
            last = self.stale(&reads, &fresh);
        }
        let last = self.keep(last);
        let pieces = first_piece..self.pieces.len() as u32;
        self.plans.push(Plan { pieces, alive: alive_range, last });
    }

    /// Whether an instruction cannot join a group, whose scalar instructions run before its vector ones.
    fn clashes(&self, group: &Group, form: Form, reads: &[Register], writes: &[Register]) -> bool {
        let any = |some: &[Register], others: &[Register]| some.iter().any(|one| others.contains(one));
        match form {
            Form::Scalar(_) => {
                any(reads, &group.writes) || any(writes, &group.reads) || any(writes, &group.writes)
            }
            // As for the instruction alone.
            Form::Vector(_) => {
                writes.iter().any(|register| self.is_single(*register) && group.reads.contains(register))
            }
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
    fn alive_at(&mut self, at: u32, block: &Block, alive_after: &Set) -> Set {
        let mut alive = alive_after.clone();
        for at in (at..block.limit()).rev() {
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

    /// Assembles a group that ends before the instruction `end`.
    fn compile(&mut self, group: Group, end: u32, index: u32, block: &Block, alive_after: &Set) {
        let entry = self.assembler.position() as u32;
        self.assembler.raw(PROLOGUE);
        let mut exits = Vec::new();
        for (at, form) in &group.scalar {
            let instruction = self.instructions[*at as usize];
            if *form == scalar::Form::Load {
                let site = usize::from(instruction.m);
                let jumps = scalar::load_global(&mut self.assembler, &self.tables.accesses[site], site);
                exits.push((*at, jumps, self.assembler.position()));
            } else {
                scalar::instruction(&mut self.assembler, &instruction, *form);
            }
        }
        if !group.vector.is_empty() {
            let alive = self.alive_at(end, block, alive_after);
            self.strips(&group.vector, &alive);
            self.assembler.raw(&[0xC5, 0xF8, 0x77]); // vzeroupper
        }
        self.assembler.raw(&[0x31, 0xC0, 0xC3]); // xor eax, eax; ret
        for (at, jumps, behind) in exits {
            for jump in jumps {
                self.assembler.patch(jump, (self.assembler.position() - jump - 4) as i32);
            }
            self.assembler.raw(&[0xB8]); // mov eax, exit + 1
            self.assembler.raw(&(self.exits.len() as u32 + 1).to_le_bytes());
            self.assembler.raw(&[0xC3]); // ret
            let resume = self.assembler.position();
            self.assembler.raw(PROLOGUE);
            self.assembler.raw(&[0xE9]); // jmp behind
            let distance = behind as i64 - (self.assembler.position() as i64 + 4);
            self.assembler.raw(&(distance as i32).to_le_bytes());
            let (reads, _) = self.touched(at);
            let stale = self.stale(&reads, &[]);
            let Range { start, end } = self.keep(stale);
            let (block, resume) = (index, resume as u32);
            self.exits.push(Exit { block, instruction: at, resume, spread: (start, end) });
        }
        self.pieces.push(Piece::Compiled(entry));
    }

    /// Assembles a loop over four strips of eight lanes.
    fn strips(&mut self, instructions: &[(u32, vector::Form)], alive: &Set) {
        let mut touched = Vec::new();
        for (position, (at, _)) in instructions.iter().enumerate() {
            let (reads, writes) = self.touched(*at);
            let all = reads.into_iter().map(|read| (read, false));
            for ((file, slot), writes) in all.chain(writes.into_iter().map(|write| (write, true))) {
                let uniform = self.is_single((file, slot));
                let halves = match file {
                    File::Narrow => 1,
                    File::Wide => 2,
                    File::Predicate => 0,
                };
                for half in 0..halves {
                    let part = Part { file, slot, half, uniform };
                    touched.push(Touched { at: position, part, writes });
                }
            }
        }
        let numbering = &self.numbering;
        let outlives = |part: Part| alive.contains(numbering.index(part.file, part.slot));
        let (slots, in_rows) = (self.slots, self.in_rows);
        let is_uniform = |file, slot| {
            let uniformity = slots.uniformity(file, slot);
            uniformity != Uniformity::Constant && uniformity.holds(in_rows)
        };
        self.assembler.raw(&[0x49, 0x89, 0xF9]); // mov r9, rdi
        self.assembler.raw(&[0x49, 0x89, 0xF2]); // mov r10, rsi
        self.assembler.raw(&[0xB9, 4, 0, 0, 0]); // mov ecx, 4
        let start = self.assembler.position();
        let mut strip = vector::Strip {
            assembler: &mut self.assembler,
            values: Values::new(&touched, &outlives),
            is_uniform: &is_uniform,
        };
        for (position, (at, form)) in instructions.iter().enumerate() {
            strip.values.advance(position);
            strip.instruction(&self.instructions[*at as usize], *form);
        }
        let vector::Strip { assembler, mut values, .. } = strip;
        values.flush(assembler);
        assembler.raw(&[0x48, 0x83, 0xC7, 32]); // add rdi, 32
        assembler.raw(&[0x48, 0x83, 0xC6, 64]); // add rsi, 64
        assembler.raw(&[0x48, 0x83, 0xC2, 1]); // add rdx, 1
        assembler.raw(&[0xFF, 0xC9, 0x0F, 0x85]); // dec ecx; jnz start
        let distance = start as i64 - (assembler.position() as i64 + 4);
        assembler.raw(&(distance as i32).to_le_bytes());
    }

    fn finish(self) -> Option<Compiled> {
        if !self.pieces.iter().any(|piece| matches!(piece, Piece::Compiled(_))) {
            return None;
        }
        let mut uniform = Vec::new();
        for (file, count) in [File::Narrow, File::Wide].into_iter().zip(self.slots.counts) {
            let places = (0..count as Slot).map(|slot| Place { file, slot });
            uniform.extend(places.filter(|place| self.is_single((place.file, place.slot))));
        }
        let code = MachineCode::new(&self.assembler.finish(), self.slots.counts, self.tables.accesses.len())?;
        let Compiler { plans, pieces, places, exits, .. } = self;
        Some(Compiled { code, plans, pieces, places, exits, uniform })
    }
}

/// `mov r11, rcx`
const PROLOGUE: &[u8] = &[0x49, 0x89, 0xCB];
