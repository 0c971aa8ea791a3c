//! Cuts blocks into pieces and assembles them.

use std::ops::Range;

use super::{
    Compiled, CompiledLoad, Exit, Learns, Piece, Plan,
    code::{EPILOGUE, MachineCode, PROLOGUE},
    loads,
    reach::{Request, StreamPlan},
    scalar,
    values::{Part, Touched, Values},
    vector,
    vex::{Assembler, Base},
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
                second[index] = if takes_streams && self.streams.len() > streams {
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
        self.plans.push(Plan { pieces, alive: alive_range, last, goes_round });
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

    /// The streams of a group's loads, which are added; gives for each load its stream.
    fn find_streams(&mut self, group: &Group) -> Vec<(u32, usize)> {
        let first = self.streams.len();
        let mut found = Vec::new();
        for (at, _) in group.vector.iter().filter(|(_, form)| *form == vector::Form::Load) {
            let site = usize::from(self.instructions[*at as usize].m);
            let access = &self.tables.accesses[site];
            let known = self.streams[first..].iter().position(|stream| stream.has(access));
            let index = known.map_or(self.streams.len(), |known| first + known);
            if known.is_none() {
                self.streams.push(StreamPlan::of(access));
            }
            let size = i64::from(access.width) * i64::from(access.count);
            self.streams[index].requests.push(Request { site, offset: access.offset as i64, size });
            found.push((*at, index));
        }
        found
    }

    /// Assembles a group that ends before the instruction `end`.
    fn assemble(&mut self, group: &Group, end: u32, position: &Position<'_>) {
        let entry = self.assembler.position() as u32;
        self.assembler.raw(PROLOGUE);
        let first_stream = self.streams.len();
        let streams_of = self.find_streams(group);
        let streams = first_stream..self.streams.len();

        let again = self.assembler.position();
        self.assembler.raw(LOAD_DELTA);
        let mut leaving = Vec::new();
        for index in streams.clone() {
            leaving.extend(loads::check(&mut self.assembler, &self.streams[index], index));
        }
        for index in streams.clone() {
            loads::count(&mut self.assembler, &self.streams[index], index);
        }
        let mut exits = Vec::new();
        for (at, form) in &group.scalar {
            let instruction = self.instructions[*at as usize];
            if *form == scalar::Form::Load {
                let access = &self.tables.accesses[usize::from(instruction.m)];
                let jumps = scalar::load_uniform(&mut self.assembler, access, self.windows);
                exits.push((*at, self.windows, jumps, self.assembler.position()));
                self.windows += 1;
            } else {
                scalar::instruction(&mut self.assembler, &instruction, *form);
            }
        }
        if !group.vector.is_empty() {
            let alive = self.alive_at(end, position);
            self.strips(&group.vector, &streams_of, &alive);
            self.count_guarded(&group.vector);
        }
        let is_all = group.first == position.block.first && end == position.block.end;
        if is_all && self.branches_to_itself(position) {
            self.go_round(position, again, !group.vector.is_empty());
        }
        if !group.vector.is_empty() {
            self.assembler.raw(VZEROUPPER);
        }
        self.assembler.raw(&[0x31, 0xC0]); // xor eax, eax
        self.assembler.raw(EPILOGUE);
        self.pieces.push(Piece::Compiled(entry));

        let whole = (!streams.is_empty()).then(|| self.leave_group(group, end, leaving, streams));
        for (at, _) in streams_of {
            self.add_load(at, false, whole.into_iter().collect(), position);
        }
        for (at, window, jumps, behind) in exits {
            let exit = self.leave_load(at, window, jumps, behind);
            self.add_load(at, true, [exit].into_iter().chain(whole).collect(), position);
        }
    }

    /// Assembles the count of the lanes that guarded instructions were run by, behind their strips.
    fn count_guarded(&mut self, instructions: &[(u32, vector::Form)]) {
        for (at, _) in instructions {
            let guard = self.instructions[*at as usize].guard;
            let Some(slot) = guard.predicate() else { continue };
            let assembler = &mut self.assembler;
            // The strips have gone past four bytes of it.
            assembler.general(&[0x8B], 0, Base::Predicates, i32::from(slot) * 4 - 4); // mov eax, [predicate]
            if guard.negated() {
                assembler.raw(&[0xF7, 0xD0]); // not eax
            }
            assembler.raw(&[0x23, 0x45, 32]); // and eax, [rbp + mask]
            assembler.raw(&[0xF3, 0x0F, 0xB8, 0xC0]); // popcnt eax, eax
            assembler.raw(&[0x48, 0x8B, 0x4D, 48]); // mov rcx, [rbp + guarded]
            assembler.raw(&[0x48, 0x01, 0x81]); // add [rcx + 8 index], rax
            assembler.raw(&(self.guarded.len() as i32 * 8).to_le_bytes());
            self.guarded.push(*at);
        }
    }

    fn add_load(&mut self, at: u32, is_uniform: bool, exits: Vec<u32>, position: &Position<'_>) {
        let site = usize::from(self.instructions[at as usize].m);
        self.loads.push(CompiledLoad { plan: position.plan, site, is_uniform, exits });
    }

    /// Assembles the end of a block that is a loop: back to its start while all lanes branch and there are rounds.
    fn go_round(&mut self, position: &Position<'_>, again: usize, has_strips: bool) {
        let assembler = &mut self.assembler;
        if has_strips {
            assembler.raw(&[0x48, 0x81, 0xEF, 128, 0, 0, 0]); // sub rdi, 128
            assembler.raw(&[0x48, 0x81, 0xEE, 0, 1, 0, 0]); // sub rsi, 256
            assembler.raw(&[0x48, 0x83, 0xEA, 4]); // sub rdx, 4
        }
        let mut jumps = Vec::new();
        assembler.raw(&[0x48, 0x83, 0x7D, 40, 0]); // cmp qword [rbp + rounds], 0
        jumps.push(assembler.jump_if(0x4)); // je
        let guard = self.instructions[position.block.end as usize].guard;
        if let Some(slot) = guard.predicate() {
            assembler.general(&[0x8B], 0, Base::Predicates, i32::from(slot) * 4); // mov eax, [predicate]
            if !guard.negated() {
                assembler.raw(&[0xF7, 0xD0]); // not eax
            }
            assembler.raw(&[0x85, 0x45, 32]); // test [rbp + mask], eax
            jumps.push(assembler.jump_if(0x5)); // jnz
        }
        assembler.raw(&[0x48, 0xFF, 0x4D, 40]); // dec qword [rbp + rounds]
        assembler.jump_to(again);
        jumps.into_iter().for_each(|jump| assembler.land(jump));
    }

    /// Assembles an exit to which `jumps` go; gives its index, which machine code returns plus one.
    fn leave(&mut self, jumps: Vec<usize>) -> u32 {
        jumps.into_iter().for_each(|jump| self.assembler.land(jump));
        self.assembler.raw(&[0xB8]); // mov eax, exit + 1
        self.assembler.raw(&(self.exits.len() as u32 + 1).to_le_bytes());
        self.assembler.raw(EPILOGUE);
        self.exits.len() as u32
    }

    /// The exit of a group whose streams are not as they were.
    fn leave_group(&mut self, group: &Group, end: u32, jumps: Vec<usize>, streams: Range<usize>) -> u32 {
        let exit = self.leave(jumps);
        let mut reads = Vec::new();
        for at in group.first..end {
            reads.extend(self.touched(at).0);
        }
        let stale = self.stale(&reads, &[]);
        let spread = self.keep(stale);
        let (instructions, learns) = (group.first..end, Learns::Streams(streams));
        self.exits.push(Exit { instructions, resume: None, spread, learns });
        exit
    }

    /// The exit of a uniform load whose address is not inside.
    fn leave_load(&mut self, at: u32, window: usize, jumps: Vec<usize>, behind: usize) -> u32 {
        let exit = self.leave(jumps);
        let resume = Some(self.assembler.position() as u32);
        self.assembler.raw(PROLOGUE);
        self.assembler.raw(LOAD_DELTA);
        self.assembler.jump_to(behind);
        let (reads, _) = self.touched(at);
        let stale = self.stale(&reads, &[]);
        let spread = self.keep(stale);
        let learns = Learns::Window(window, usize::from(self.instructions[at as usize].m));
        self.exits.push(Exit { instructions: at..at + 1, resume, spread, learns });
        exit
    }

    /// Assembles a loop over four strips of eight lanes.
    fn strips(&mut self, instructions: &[(u32, vector::Form)], streams: &[(u32, usize)], alive: &Set) {
        let mut touched = Vec::new();
        for (position, (at, form)) in instructions.iter().enumerate() {
            let (mut reads, writes) = self.touched(*at);
            if *form == vector::Form::Load {
                // Its addresses have been looked at.
                reads.clear();
            }
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
        self.assembler.raw(&[0x31, 0xC9]); // xor ecx, ecx
        let start = self.assembler.position();
        let mut strip = vector::Strip {
            assembler: &mut self.assembler,
            values: Values::new(&touched, &outlives),
            is_uniform: &is_uniform,
        };
        let mut next = 0;
        while let Some((at, form)) = instructions.get(next) {
            let one = &self.instructions[*at as usize];
            if *form != vector::Form::Load {
                strip.values.advance(next);
                strip.guarded(one, *form);
                next += 1;
                continue;
            }
            let run = instructions[next..].iter().take_while(|(_, form)| *form == vector::Form::Load);
            let run: Vec<u32> = run.map(|(at, _)| *at).collect();
            let stream = streams.iter().find(|(load, _)| load == at).map_or(0, |(_, stream)| *stream);
            let access = |at: &u32| &self.tables.accesses[usize::from(self.instructions[*at as usize].m)];
            let quad = loads::quad(&run, access);
            // What a load of four words writes is known when its last instruction has been gone past.
            let count = quad.as_ref().map_or(1, |quad| quad.instructions);
            strip.values.advance(next + count - 1);
            match quad {
                Some(quad) => strip.load_quad(stream, quad.slots, quad.offset),
                None => strip.load_word(stream, access(at).places[0].slot, access(at).offset as i32),
            }
            next += count;
        }
        let vector::Strip { assembler, mut values, .. } = strip;
        values.flush(assembler);
        assembler.raw(&[0x48, 0x83, 0xC7, 32]); // add rdi, 32
        assembler.raw(&[0x48, 0x83, 0xC6, 64]); // add rsi, 64
        assembler.raw(&[0x48, 0x83, 0xC2, 1]); // add rdx, 1
        assembler.raw(&[0x83, 0xC1, 32]); // add ecx, 32
        assembler.raw(&[0x81, 0xF9, 128, 0, 0, 0]); // cmp ecx, 128
        let back = assembler.jump_if(0x2); // jb
        assembler.patch(back, start as i32 - (back as i32 + 4));
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

/// `mov r8, [rbp + delta]`, at the start of each round.
const LOAD_DELTA: &[u8] = &[0x4C, 0x8B, 0x45, 16];

/// `vzeroupper`
const VZEROUPPER: &[u8] = &[0xC5, 0xF8, 0x77];
