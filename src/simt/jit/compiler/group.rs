//! Assembles a group: its checks, what is uniform, its strips, and what leaves it.

use std::ops::Range;

use super::{
    Compiler, Group, Position, Register,
    rounds::{Rounds, STRIPS, carried},
};
use crate::{
    instruction::{Access, Instruction},
    jit::{
        CompiledLoad, Exit, Learns, Piece,
        code::{EPILOGUE, PROLOGUE},
        loads,
        reach::{Request, StreamPlan},
        scalar::{self, Cache, Scalars},
        values::{Carried, Part, Touched, Values},
        vector,
        vex::{Assembler, Base},
    },
    liveness::Set,
    registers::{File, Slot},
    uniform::Uniformity,
};

/// A uniform load that may leave machine code.
struct UniformLoad {
    at: u32,
    window: usize,
    jumps: Vec<usize>,
    behind: usize,
    /// What the general-purpose registers hold behind it.
    cache: Cache,
}

/// Instructions of a group that strips run.
type Vector = [(u32, vector::Form)];

impl Compiler<'_> {
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
    pub(super) fn assemble(&mut self, group: &Group, end: u32, position: &Position<'_>) {
        let first_stream = self.streams.len();
        let streams_of = self.find_streams(group);
        let streams = first_stream..self.streams.len();
        let is_all = group.first == position.block.first && end == position.block.end;
        let goes_round = is_all && self.branches_to_itself(position);
        let plans = self.streams[streams.clone()].to_vec();
        let rounds = if goes_round { self.rounds(group, &plans) } else { Rounds::default() };
        let is_steady = |index: usize| rounds.steady.get(index - first_stream).is_some_and(Option::is_some);
        let vector: Vec<_> = group.vector.iter().filter(|(at, _)| !rounds.moves(*at)).copied().collect();
        let alive = if vector.is_empty() { None } else { Some(self.alive_at(end, position)) };
        let part = self.parts(group);
        let mut carried = Vec::new();
        // What looks at lanes needs registers for itself.
        if rounds.is_unrolled && streams.clone().all(is_steady) {
            carried = self::carried(&self.touched_parts(&vector, 1, &part));
        }

        let entry = self.assembler.position() as u32;
        self.assembler.raw(PROLOGUE);
        let (mut apart, mut leaving) = (Vec::new(), Vec::new());
        for index in streams.clone().filter(|index| is_steady(*index)) {
            apart.extend(loads::check_distances(&mut self.assembler, &self.streams[index], index));
        }
        carried.iter().for_each(|one: &Carried| one.fetch(&mut self.assembler));
        let again = self.assembler.position();
        self.assembler.raw(LOAD_DELTA);
        for index in streams.clone() {
            if !is_steady(index) {
                leaving.extend(loads::check_distances(&mut self.assembler, &self.streams[index], index));
            }
            leaving.extend(loads::check_window(&mut self.assembler, &self.streams[index], index));
        }
        for index in streams.clone() {
            loads::count(&mut self.assembler, &self.streams[index], index);
        }
        let exits = self.scalars(group, &rounds, &plans);
        if let Some(alive) = &alive {
            let streams = &streams_of;
            match rounds.is_unrolled {
                true => self.unrolled(&vector, streams, alive, &part, &mut carried),
                false => self.strips(&vector, streams, alive, &part),
            }
            self.count_guarded(&vector, rounds.is_unrolled);
        }
        if goes_round {
            self.go_round(position, again, alive.is_some() && !rounds.is_unrolled);
        }
        carried.iter().for_each(|one| one.put_back(&mut self.assembler));
        // Of addresses that moved in lane 0 alone.
        let mut moved = Vec::new();
        for (index, steady) in streams.clone().zip(&rounds.steady) {
            moved.extend(steady.as_ref().filter(|moves| !moves.is_empty()).map(|_| index));
        }
        self.spread_addresses(&moved);
        if alive.is_some() || !moved.is_empty() {
            self.assembler.raw(VZEROUPPER);
        }
        self.assembler.raw(&[0x31, 0xC0]); // xor eax, eax
        self.assembler.raw(EPILOGUE);
        self.pieces.push(Piece::Compiled(entry));

        let whole = (!streams.is_empty()).then(|| {
            if !apart.is_empty() {
                self.leave(apart, &[], &[]);
            }
            self.leave(leaving, &carried, &moved);
            self.leave_group(group, end, streams)
        });
        for (at, _) in streams_of {
            self.add_load(at, false, whole.into_iter().collect(), position);
        }
        for load in exits {
            let at = load.at;
            let exit = self.leave_load(load, &carried);
            self.add_load(at, true, [exit].into_iter().chain(whole).collect(), position);
        }
    }

    /// Assembles the uniform instructions of a group, and the moves of addresses.
    fn scalars(&mut self, group: &Group, rounds: &Rounds, plans: &[StreamPlan]) -> Vec<UniformLoad> {
        let reads: Vec<Vec<Register>> = group.scalar.iter().map(|(at, _)| self.touched(*at).0).collect();
        let mut cache = Cache::default();
        let mut exits = Vec::new();
        for (index, (at, form)) in group.scalar.iter().enumerate() {
            let instruction = self.instructions[*at as usize];
            let (_, writes) = self.touched(*at);
            let mut scalars = Scalars { assembler: &mut self.assembler, cache: &mut cache };
            if *form == scalar::Form::Load {
                let access = &self.tables.accesses[usize::from(instruction.m)];
                let (at, window) = (*at, self.windows);
                let jumps = scalars.load_uniform(access, window);
                let behind = self.assembler.position();
                exits.push(UniformLoad { at, window, jumps, behind, cache });
                self.windows += 1;
            } else {
                let wanted = reads[index + 1..].iter().flatten().any(|read| writes.contains(read));
                scalars.instruction(&instruction, *form, wanted);
            }
        }
        let mut scalars = Scalars { assembler: &mut self.assembler, cache: &mut cache };
        for (index, (plan, steady)) in plans.iter().zip(&rounds.steady).enumerate() {
            let address = |plan: &StreamPlan| (plan.address, plan.wide);
            if plans[..index].iter().any(|before| address(before) == address(plan)) {
                continue;
            }
            for one in steady.iter().flatten() {
                scalars.advance(plan.wide, plan.address, one.by, one.subtracts);
            }
        }
        exits
    }

    /// Assembles the count of the lanes that guarded instructions were run by, behind their strips.
    fn count_guarded(&mut self, instructions: &Vector, is_unrolled: bool) {
        for (at, _) in instructions {
            let guard = self.instructions[*at as usize].guard;
            let Some(slot) = guard.predicate() else { continue };
            // Strips that are a loop have gone past four bytes of it.
            let gone = if is_unrolled { 0 } else { 4 };
            let assembler = &mut self.assembler;
            assembler.general(&[0x8B], 0, Base::Predicates, i32::from(slot) * 4 - gone); // mov eax, [predicate]
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
    fn go_round(&mut self, position: &Position<'_>, again: usize, has_loop: bool) {
        let assembler = &mut self.assembler;
        if has_loop {
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

    fn spread_addresses(&mut self, streams: &[usize]) {
        for index in streams {
            loads::spread_address(&mut self.assembler, &self.streams[*index], *index);
        }
    }

    /// Assembles the way out, by `jumps`, to the exit that is added next: machine code returns its index plus one. What
    /// rounds kept to themselves is put back.
    fn leave(&mut self, jumps: Vec<usize>, carried: &[Carried], moved: &[usize]) {
        jumps.into_iter().for_each(|jump| self.assembler.land(jump));
        if !carried.is_empty() {
            // In the first round the register file has it all, and NaNs there are as they came.
            self.assembler.raw(&[0x48, 0x8B, 0x45, 40]); // mov rax, [rbp + rounds]
            self.assembler.raw(&[0x48, 0x3B, 0x45, 56]); // cmp rax, [rbp + allowed]
            let first = self.assembler.jump_if(0x4); // je
            carried.iter().for_each(|one| one.put_back(&mut self.assembler));
            self.assembler.land(first);
        }
        self.spread_addresses(moved);
        self.assembler.raw(VZEROUPPER);
        self.assembler.raw(&[0xB8]); // mov eax, exit + 1
        self.assembler.raw(&(self.exits.len() as u32 + 1).to_le_bytes());
        self.assembler.raw(EPILOGUE);
    }

    /// The exit of a group whose streams are not as they were.
    fn leave_group(&mut self, group: &Group, end: u32, streams: Range<usize>) -> u32 {
        let mut reads = Vec::new();
        for at in group.first..end {
            reads.extend(self.touched(at).0);
        }
        let stale = self.stale(&reads, &[]);
        let spread = self.keep(stale);
        let (instructions, learns) = (group.first..end, Learns::Streams(streams));
        self.add_exit(Exit { instructions, resume: None, spread, learns })
    }

    /// The exit of a uniform load whose address is not inside.
    fn leave_load(&mut self, load: UniformLoad, carried: &[Carried]) -> u32 {
        self.leave(load.jumps, carried, &[]);
        let resume = Some(self.assembler.position() as u32);
        self.assembler.raw(PROLOGUE);
        carried.iter().for_each(|one| one.fetch(&mut self.assembler));
        self.assembler.raw(LOAD_DELTA);
        load.cache.fetch(&mut self.assembler);
        self.assembler.jump_to(load.behind);
        let (reads, _) = self.touched(load.at);
        let stale = self.stale(&reads, &[]);
        let spread = self.keep(stale);
        let learns = Learns::Window(load.window, usize::from(self.instructions[load.at as usize].m));
        self.add_exit(Exit { instructions: load.at..load.at + 1, resume, spread, learns })
    }

    fn add_exit(&mut self, exit: Exit) -> u32 {
        self.exits.push(exit);
        self.exits.len() as u32 - 1
    }

    /// Which part of the register file an operand of a group is: file, slot, half of a wide one, strip. Strips share what
    /// all lanes do, unless they write it.
    fn parts(&self, group: &Group) -> impl Fn(File, Slot, u8, u8) -> Part + use<> {
        let of = |register: &Register| (*register, self.uniformity(*register), self.in_rows);
        let all = group.reads.iter().chain(&group.writes).map(of);
        let shared: Vec<(Register, bool)> = all
            .filter(|(_, uniformity, in_rows)| uniformity.holds(*in_rows))
            .map(|(register, uniformity, _)| (register, uniformity != Uniformity::Constant))
            .collect();
        let written = group.writes.clone();
        move |file, slot, half, strip| {
            let found = shared.iter().find(|(register, _)| *register == (file, slot));
            let uniform = found.is_some_and(|(_, single)| *single);
            let together = found.is_some() && !written.contains(&(file, slot));
            let strip = if together { 0 } else { strip };
            Part { file, slot, half, uniform, strip }
        }
    }

    /// What so many strips, one after the other, touch.
    fn touched_parts(
        &mut self,
        instructions: &Vector,
        strips: u8,
        part: &impl Fn(File, Slot, u8, u8) -> Part,
    ) -> Vec<Touched> {
        let mut touched = Vec::new();
        for strip in 0..strips {
            for (index, (at, form)) in instructions.iter().enumerate() {
                let at_all = usize::from(strip) * instructions.len() + index;
                let (mut reads, writes) = self.touched(*at);
                if *form == vector::Form::Load {
                    // Its addresses have been looked at.
                    reads.clear();
                }
                let all = reads.into_iter().map(|read| (read, false));
                for ((file, slot), writes) in all.chain(writes.into_iter().map(|write| (write, true))) {
                    let halves = match file {
                        File::Narrow => 1,
                        File::Wide => 2,
                        File::Predicate => 0,
                    };
                    for half in 0..halves {
                        let part = part(file, slot, half, strip);
                        touched.push(Touched { at: at_all, part, writes });
                    }
                }
            }
        }
        touched
    }

    /// Assembles four strips of eight lanes, one after the other. What is carried loses its raw NaNs where they cannot wait.
    fn unrolled(
        &mut self,
        instructions: &Vector,
        streams: &[(u32, usize)],
        alive: &Set,
        part: &impl Fn(File, Slot, u8, u8) -> Part,
        carried: &mut [Carried],
    ) {
        let touched = self.touched_parts(instructions, STRIPS, part);
        let numbering = &self.numbering;
        let outlives = |part: Part| alive.contains(numbering.index(part.file, part.slot));
        let start = self.assembler.position();
        loop {
            start_strips(&mut self.assembler);
            let mut values = Values::new(&touched, &outlives);
            values.carry(carried);
            let mut strip = vector::Strip { assembler: &mut self.assembler, values, part, index: 0 };
            for index in 0..STRIPS {
                strip.index = index;
                let first = usize::from(index) * instructions.len();
                fill(&mut strip, self.instructions, &self.tables.accesses, instructions, streams, first);
            }
            let vector::Strip { assembler, values, .. } = strip;
            let settled = values.end_round(assembler, carried);
            if settled.is_empty() {
                return;
            }
            self.assembler.truncate(start);
            for one in carried.iter_mut().filter(|one| settled.contains(&one.part)) {
                one.raw = false;
            }
        }
    }

    /// Assembles a loop over four strips of eight lanes.
    fn strips(
        &mut self,
        instructions: &Vector,
        streams: &[(u32, usize)],
        alive: &Set,
        part: &impl Fn(File, Slot, u8, u8) -> Part,
    ) {
        let touched = self.touched_parts(instructions, 1, part);
        let numbering = &self.numbering;
        let outlives = |part: Part| alive.contains(numbering.index(part.file, part.slot));
        start_strips(&mut self.assembler);
        let start = self.assembler.position();
        let values = Values::new(&touched, &outlives);
        let mut strip = vector::Strip { assembler: &mut self.assembler, values, part, index: 0 };
        fill(&mut strip, self.instructions, &self.tables.accesses, instructions, streams, 0);
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
}

/// Assembles what comes before strips.
fn start_strips(assembler: &mut Assembler) {
    assembler.raw(&[0x49, 0x89, 0xF9]); // mov r9, rdi
    assembler.raw(&[0x49, 0x89, 0xF2]); // mov r10, rsi
    assembler.raw(&[0x31, 0xC9]); // xor ecx, ecx
}

/// Assembles the instructions of one strip, which are counted from `first` on.
fn fill(
    strip: &mut vector::Strip<'_>,
    code: &[Instruction],
    accesses: &[Access],
    instructions: &Vector,
    streams: &[(u32, usize)],
    first: usize,
) {
    let access = |at: &u32| &accesses[usize::from(code[*at as usize].m)];
    let mut next = 0;
    while let Some((at, form)) = instructions.get(next) {
        let one = &code[*at as usize];
        if *form != vector::Form::Load {
            strip.values.advance(first + next);
            strip.guarded(one, *form);
            next += 1;
            continue;
        }
        let run = instructions[next..].iter().take_while(|(_, form)| *form == vector::Form::Load);
        let run: Vec<u32> = run.map(|(at, _)| *at).collect();
        let stream = streams.iter().find(|(load, _)| load == at).map_or(0, |(_, stream)| *stream);
        let quad = loads::quad(&run, access);
        // What a load of four words writes is known when its last instruction has been gone past.
        let count = quad.as_ref().map_or(1, |quad| quad.instructions);
        strip.values.advance(first + next + count - 1);
        match (quad, loads::eight(access(at))) {
            (Some(quad), _) => strip.load_quad(stream, quad.slots, quad.offset),
            (None, Some(eight)) => strip.load_eight(stream, eight, access(at)),
            (None, None) => strip.load_word(stream, access(at).places[0].slot, access(at).offset as i32),
        }
        next += count;
    }
}

/// `mov r8, [rbp + delta]`, at the start of each round.
const LOAD_DELTA: &[u8] = &[0x4C, 0x8B, 0x45, 16];

/// `vzeroupper`
const VZEROUPPER: &[u8] = &[0xC5, 0xF8, 0x77];
