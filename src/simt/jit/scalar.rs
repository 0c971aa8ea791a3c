//! Machine code for instructions that do the same in every lane: once, in general-purpose registers.
//!
//! A uniform register is known by its lane 0; these instructions read and write nothing else of it. Predicates are whole
//! masks always. `rax` and `rcx` hold operands, `r10` what is needed besides; `r11` points to the windows of loads, and `r8`
//! is what takes a device's address to the host's. Results go to the register file, and stay in one of `r12` to `r15` too
//! where one that follows reads them.

use super::{
    reach::Window,
    vex::{Assembler, Base},
};
use crate::{
    instruction::{Access, Instruction, NO_SLOT, Place, Space},
    isa::Code,
    registers::{File, Slot},
};

const RAX: u8 = 0;
const RCX: u8 = 1;

/// How an operation is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `d = a op b`, by the opcode of `op rax, memory`; `wide` for 64 bits.
    Binary { opcode: &'static [u8], wide: bool },
    /// `d = a * b + c`
    MultiplyAdd { wide: bool },
    /// `d = a`, from one width to another by the opcode that loads it.
    Move { load: &'static [u8], from: File, to: File },
    /// A shift by the opcode extension of `C1`-like shifts; `signed` loads with sign.
    Shift { extension: u8, wide: bool, signed: bool },
    /// 32 by 32 bits to 64.
    MultiplyWide { signed: bool, adds: bool },
    /// `a` or `b`, whichever a conditional move takes.
    Extremum { condition: u8 },
    /// A predicate from a comparison, by the condition of `setcc`.
    Compare { condition: u8, wide: bool },
    /// Words of global or shared memory.
    Load,
}

const LOAD: &[u8] = &[0x8B];
const LOAD_WIDE: &[u8] = &[0x48, 0x8B];
const LOAD_SIGNED: &[u8] = &[0x48, 0x63];

/// How an operation is made up, if it can be; `access` is that of a load.
pub(super) fn form(instruction: &Instruction, access: Option<&Access>) -> Option<Form> {
    if !instruction.guard.is_none() {
        return None;
    }
    let narrow = |opcode| Form::Binary { opcode, wide: false };
    let wide = |opcode| Form::Binary { opcode, wide: true };
    let shift = |extension, wide, signed| Form::Shift { extension, wide, signed };
    let compare = |condition, wide| Form::Compare { condition, wide };
    use File::{Narrow, Wide};
    Some(match instruction.code {
        Code::Load => {
            let access = access?;
            let is_wide = access.width == 8 && access.places[..usize::from(access.count)].iter().all(is_wide);
            let plain = match access.space {
                Space::Shared => access.is_words,
                Space::Global | Space::Param => access.is_words || is_wide,
                _ => false,
            };
            return plain.then_some(Form::Load);
        }
        _ if instruction.m != 0 => return None,
        Code::AddI32 => narrow(&[0x03]),
        Code::SubI32 => narrow(&[0x2B]),
        Code::MulLoI32 => narrow(&[0x0F, 0xAF]),
        Code::AndB32 => narrow(&[0x23]),
        Code::OrB32 => narrow(&[0x0B]),
        Code::XorB32 => narrow(&[0x33]),
        Code::AddI64 => wide(&[0x48, 0x03]),
        Code::SubI64 => wide(&[0x48, 0x2B]),
        Code::MulLoI64 => wide(&[0x48, 0x0F, 0xAF]),
        Code::AndB64 => wide(&[0x48, 0x23]),
        Code::OrB64 => wide(&[0x48, 0x0B]),
        Code::XorB64 => wide(&[0x48, 0x33]),
        Code::MadLoI32 => Form::MultiplyAdd { wide: false },
        Code::MadLoI64 => Form::MultiplyAdd { wide: true },
        Code::MovB32 => Form::Move { load: LOAD, from: Narrow, to: Narrow },
        Code::MovB64 => Form::Move { load: LOAD_WIDE, from: Wide, to: Wide },
        Code::CvtU64U32 => Form::Move { load: LOAD, from: Narrow, to: Wide },
        Code::CvtS64S32 => Form::Move { load: LOAD_SIGNED, from: Narrow, to: Wide },
        Code::CvtU32U64 => Form::Move { load: LOAD, from: Wide, to: Narrow },
        Code::ShlB32 => shift(4, false, false),
        Code::ShrU32 => shift(5, false, false),
        Code::ShrS32 => shift(7, false, true),
        Code::ShlB64 => shift(4, true, false),
        Code::ShrU64 => shift(5, true, false),
        Code::MulWideU32 => Form::MultiplyWide { signed: false, adds: false },
        Code::MulWideS32 => Form::MultiplyWide { signed: true, adds: false },
        Code::MadWideU32 => Form::MultiplyWide { signed: false, adds: true },
        Code::MadWideS32 => Form::MultiplyWide { signed: true, adds: true },
        // The move is done if the second operand is below, above, less or greater than the first.
        Code::MinU32 => Form::Extremum { condition: 0x2 },
        Code::MaxU32 => Form::Extremum { condition: 0x7 },
        Code::MinS32 => Form::Extremum { condition: 0xC },
        Code::MaxS32 => Form::Extremum { condition: 0xF },
        Code::SetpEqB32 => compare(0x4, false),
        Code::SetpNeB32 => compare(0x5, false),
        Code::SetpLtU32 => compare(0x2, false),
        Code::SetpLeU32 => compare(0x6, false),
        Code::SetpLtS32 => compare(0xC, false),
        Code::SetpLeS32 => compare(0xE, false),
        Code::SetpEqB64 => compare(0x4, true),
        Code::SetpNeB64 => compare(0x5, true),
        Code::SetpLtU64 => compare(0x2, true),
        Code::SetpLeU64 => compare(0x6, true),
        Code::SetpLtS64 => compare(0xC, true),
        Code::SetpLeS64 => compare(0xE, true),
        _ => return None,
    })
}

fn is_wide(place: &Place) -> bool {
    place.file == File::Wide && place.slot != NO_SLOT
}

/// Where lane 0 of a register is.
fn home(file: File, slot: Slot) -> (Base, i32) {
    let slot = i32::from(slot);
    match file {
        File::Narrow => (Base::Narrow, slot * 128),
        File::Wide => (Base::Wide, slot * 256),
        File::Predicate => (Base::Predicates, slot * 4),
    }
}

fn file(wide: bool) -> File {
    if wide { File::Wide } else { File::Narrow }
}

/// What `r12` to `r15` hold of the register file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cache {
    held: [Option<(File, Slot)>; 4],
    next: usize,
}

impl Cache {
    const FIRST: u8 = 12;

    fn find(&self, file: File, slot: Slot) -> Option<u8> {
        let place = self.held.iter().position(|held| *held == Some((file, slot)))?;
        Some(Cache::FIRST + place as u8)
    }

    fn forget(&mut self, file: File, slot: Slot) {
        self.held.iter_mut().filter(|held| **held == Some((file, slot))).for_each(|held| *held = None);
    }

    /// A register for a result, in place of what was put there first.
    fn take(&mut self, file: File, slot: Slot) -> u8 {
        let place = self.next;
        self.held[place] = Some((file, slot));
        self.next = (place + 1) % self.held.len();
        Cache::FIRST + place as u8
    }

    /// Assembles what brings all registers up to date with the register file.
    pub(super) fn fetch(&self, assembler: &mut Assembler) {
        for (register, held) in (4u8..).zip(self.held) {
            let Some((file, slot)) = held else { continue };
            let (base, offset) = home(file, slot);
            let opcode = [if file == File::Wide { 0x4C } else { 0x44 }, 0x8B];
            assembler.general(&opcode, register, base, offset); // mov r12 + n, [slot]
        }
    }
}

/// Assembles instructions one after the other.
pub(super) struct Scalars<'a> {
    pub(super) assembler: &'a mut Assembler,
    pub(super) cache: &'a mut Cache,
}

impl Scalars<'_> {
    /// `opcode register, slot`
    fn with(&mut self, opcode: &[u8], register: u8, file: File, slot: Slot) {
        let Some(cached) = self.cache.find(file, slot) else {
            let (base, offset) = home(file, slot);
            return self.assembler.general(opcode, register, base, offset);
        };
        match opcode {
            [0x48, rest @ ..] => self.assembler.raw(&[&[0x49], rest].concat()),
            _ => self.assembler.raw(&[&[0x41], opcode].concat()),
        }
        self.assembler.raw(&[0xC0 | register << 3 | cached & 7]);
    }

    fn load(&mut self, register: u8, wide: bool, slot: Slot) {
        self.with(if wide { LOAD_WIDE } else { LOAD }, register, file(wide), slot);
    }

    /// `mov [slot], rax`; the result stays in a register if it is `wanted`.
    fn store(&mut self, wide: bool, slot: Slot, wanted: bool) {
        let opcode: &[u8] = if wide { &[0x48, 0x89] } else { &[0x89] };
        let (base, offset) = home(file(wide), slot);
        self.assembler.general(opcode, RAX, base, offset);
        self.cache.forget(file(wide), slot);
        if wanted {
            let register = self.cache.take(file(wide), slot);
            self.assembler.raw(&[0x49, 0x89, 0xC0 | register & 7]); // mov r12 + n, rax
        }
    }

    /// Assembles an operation other than a load, whose result a later one wants or not.
    pub(super) fn instruction(&mut self, instruction: &Instruction, form: Form, wanted: bool) {
        let Instruction { d, a, b, c, .. } = *instruction;
        match form {
            Form::Load => {}
            Form::Binary { opcode, wide } => {
                self.load(RAX, wide, a);
                self.with(opcode, RAX, file(wide), b);
                self.store(wide, d, wanted);
            }
            Form::MultiplyAdd { wide } => {
                let (multiply, add): (&[u8], &[u8]) =
                    if wide { (&[0x48, 0x0F, 0xAF], &[0x48, 0x03]) } else { (&[0x0F, 0xAF], &[0x03]) };
                self.load(RAX, wide, a);
                self.with(multiply, RAX, file(wide), b);
                self.with(add, RAX, file(wide), c);
                self.store(wide, d, wanted);
            }
            Form::Move { load, from, to } => {
                self.with(load, RAX, from, a);
                self.store(to == File::Wide, d, wanted);
            }
            Form::Shift { extension, wide, signed } => {
                self.with(
                    if signed {
                        LOAD_SIGNED
                    } else if wide {
                        LOAD_WIDE
                    } else {
                        LOAD
                    },
                    RAX,
                    file(wide),
                    a,
                );
                self.load(RCX, false, b);
                if wide {
                    self.assembler.raw(&[0x45, 0x31, 0xD2]); // xor r10d, r10d
                    self.assembler.raw(&[0x48, 0xD3, 0xC0 | extension << 3]); // shift rax, cl
                    self.assembler.raw(&[0x83, 0xF9, 64]); // cmp ecx, 64
                    self.assembler.raw(&[0x49, 0x0F, 0x43, 0xC2]); // cmovae rax, r10
                } else {
                    // In 64 bits, counts up to 63 shift 32 of them out.
                    self.assembler.raw(&[0x41, 0xBA, 63, 0, 0, 0]); // mov r10d, 63
                    self.assembler.raw(&[0x44, 0x39, 0xD1]); // cmp ecx, r10d
                    self.assembler.raw(&[0x41, 0x0F, 0x47, 0xCA]); // cmova ecx, r10d
                    self.assembler.raw(&[0x48, 0xD3, 0xC0 | extension << 3]); // shift rax, cl
                }
                self.store(wide, d, wanted);
            }
            Form::MultiplyWide { signed, adds } => {
                let opcode = if signed { LOAD_SIGNED } else { LOAD };
                self.with(opcode, RAX, File::Narrow, a);
                self.with(opcode, RCX, File::Narrow, b);
                self.assembler.raw(&[0x48, 0x0F, 0xAF, 0xC1]); // imul rax, rcx
                if adds {
                    self.with(&[0x48, 0x03], RAX, File::Wide, c);
                }
                self.store(true, d, wanted);
            }
            Form::Extremum { condition } => {
                self.load(RAX, false, a);
                self.load(RCX, false, b);
                self.assembler.raw(&[0x39, 0xC1]); // cmp ecx, eax
                self.assembler.raw(&[0x0F, 0x40 | condition, 0xC1]); // cmov eax, ecx
                self.store(false, d, wanted);
            }
            Form::Compare { condition, wide } => {
                self.load(RAX, wide, a);
                let compare: &[u8] = if wide { &[0x48, 0x3B] } else { &[0x3B] };
                self.with(compare, RAX, file(wide), b);
                self.assembler.raw(&[0x0F, 0x90 | condition, 0xC0]); // setcc al
                self.assembler.raw(&[0x0F, 0xB6, 0xC0]); // movzx eax, al
                self.assembler.raw(&[0xF7, 0xD8]); // neg eax
                let (base, offset) = home(File::Predicate, d);
                self.assembler.general(&[0x89], RAX, base, offset);
            }
        }
    }

    /// Assembles a uniform load of words: checked, and moved to lane 0 of its registers. Gives the jumps that are taken where
    /// the check fails.
    pub(super) fn load_uniform(&mut self, access: &Access, window: usize) -> Vec<usize> {
        let size = access.width * access.count;
        let window = window as i32 * size_of::<Window>() as i32;
        self.load(RAX, access.wide, access.address);
        if let Ok(offset) = i32::try_from(access.offset as i64) {
            if offset != 0 {
                self.assembler.raw(&[0x48, 0x05]); // add rax, offset
                self.assembler.raw(&offset.to_le_bytes());
            }
        } else {
            self.assembler.raw(&[0x49, 0xBA]); // mov r10, offset
            self.assembler.raw(&access.offset.to_le_bytes());
            self.assembler.raw(&[0x4C, 0x01, 0xD0]); // add rax, r10
        }
        self.assembler.raw(&[0x48, 0x89, 0xC1]); // mov rcx, rax
        self.assembler.raw(&[0x49, 0x2B, 0x8B]); // sub rcx, [r11 + first]
        self.assembler.raw(&(window + Window::FIRST).to_le_bytes());
        self.assembler.raw(&[0x49, 0x3B, 0x8B]); // cmp rcx, [r11 + count]
        self.assembler.raw(&(window + Window::COUNT).to_le_bytes());
        let outside = self.assembler.jump_if(0x3); // jae
        self.assembler.raw(&[0xA8, size - 1]); // test al, size - 1
        let misaligned = self.assembler.jump_if(0x5); // jnz
        match access.space {
            Space::Shared => self.assembler.raw(&[0x48, 0x03, 0x45, 24]), // add rax, [rbp + shared]
            Space::Param => self.assembler.raw(&[0x48, 0x03, 0x45, 64]),  // add rax, [rbp + params]
            _ => self.assembler.raw(&[0x4C, 0x01, 0xC0]),                 // add rax, r8
        }
        for (k, place) in access.places[..usize::from(access.count)].iter().enumerate() {
            let is_wide = place.file == File::Wide;
            let rex: &[u8] = if is_wide { &[0x48] } else { &[] };
            let distance = access.width * k as u8;
            self.assembler.raw(&[rex, &[0x8B, 0x48, distance]].concat()); // mov rcx, [rax + width k]
            let (base, offset) = home(place.file, place.slot);
            self.assembler.general(&[rex, &[0x89]].concat(), RCX, base, offset);
            self.cache.forget(place.file, place.slot);
        }
        vec![outside, misaligned]
    }

    /// Assembles the move of an address register by what all lanes share, in lane 0 alone.
    pub(super) fn advance(&mut self, wide: bool, slot: Slot, by: Slot, subtracts: bool) {
        self.load(RAX, wide, by);
        let opcode: &[u8] = match (wide, subtracts) {
            (true, false) => &[0x48, 0x01],
            (true, true) => &[0x48, 0x29],
            (false, false) => &[0x01],
            (false, true) => &[0x29],
        };
        let (base, offset) = home(file(wide), slot);
        self.assembler.general(opcode, RAX, base, offset); // add [slot], rax
    }
}
