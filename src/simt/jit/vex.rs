//! An assembler for the few AVX2 instructions that runs are made of.
//!
//! Every vector instruction has a three-byte VEX prefix, and memory is always a base register with 32 bits of
//! displacement, or a constant that is addressed relative to the instruction.

/// An opcode with what its prefix says: the implied prefix (0 none, 1 `66`, 2 `F3`, 3 `F2`), the opcode map (1 `0F`,
/// 2 `0F38`, 3 `0F3A`) and the W bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opcode {
    pub(super) prefix: u8,
    pub(super) map: u8,
    pub(super) wide: bool,
    pub(super) byte: u8,
}

const fn op(prefix: u8, map: u8, wide: bool, byte: u8) -> Opcode {
    Opcode { prefix, map, wide, byte }
}

macro_rules! opcodes {
    ($($name:ident = $prefix:literal $map:literal $wide:literal $byte:literal;)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        pub(super) const $name: Opcode = op($prefix, $map, $wide != 0, $byte);
    )* };
}

opcodes! {
    MOVUPS_LOAD = 0 1 0 0x10;
    MOVUPS_STORE = 0 1 0 0x11;
    MOVAPS = 0 1 0 0x28;
    ADDPS = 0 1 0 0x58;
    MULPS = 0 1 0 0x59;
    SUBPS = 0 1 0 0x5C;
    MINPS = 0 1 0 0x5D;
    DIVPS = 0 1 0 0x5E;
    MAXPS = 0 1 0 0x5F;
    SQRTPS = 0 1 0 0x51;
    CVTDQ2PS = 0 1 0 0x5B;
    ANDPS = 0 1 0 0x54;
    ORPS = 0 1 0 0x56;
    XORPS = 0 1 0 0x57;
    CMPPS = 0 1 0 0xC2;
    SHUFPS = 0 1 0 0xC6;
    MOVMSKPS = 0 1 0 0x50;
    MOVMSKPD = 1 1 0 0x50;
    FMADD231PS = 1 2 0 0xB8;
    BLENDVPS = 1 3 0 0x4A;
    PADDD = 1 1 0 0xFE;
    PSUBD = 1 1 0 0xFA;
    PMULLD = 1 2 0 0x40;
    PADDQ = 1 1 0 0xD4;
    PSUBQ = 1 1 0 0xFB;
    PMULUDQ = 1 1 0 0xF4;
    PMULDQ = 1 2 0 0x28;
    PAND = 1 1 0 0xDB;
    POR = 1 1 0 0xEB;
    PXOR = 1 1 0 0xEF;
    PMINUD = 1 2 0 0x3B;
    PMAXUD = 1 2 0 0x3F;
    PMINSD = 1 2 0 0x39;
    PMAXSD = 1 2 0 0x3D;
    PSLLVD = 1 2 0 0x47;
    PSRLVD = 1 2 0 0x45;
    PSRAVD = 1 2 0 0x46;
    PSLLVQ = 1 2 1 0x47;
    PSRLVQ = 1 2 1 0x45;
    PCMPEQD = 1 1 0 0x76;
    PCMPGTD = 1 1 0 0x66;
    PCMPEQQ = 1 2 0 0x29;
    PCMPGTQ = 1 2 0 0x37;
    PMOVZXDQ = 1 2 0 0x35;
    PMOVSXDQ = 1 2 0 0x25;
    PERMQ = 1 3 1 0x00;
    EXTRACTI128 = 1 3 0 0x39;
    PBROADCASTB = 1 2 0 0x78;
    PBROADCASTD = 1 2 0 0x58;
    PBROADCASTQ = 1 2 0 0x59;
    SHIFT_QUADS_BY = 1 1 0 0x73;
    BLENDVPD = 1 3 0 0x4B;
    UNPCKLPS = 0 1 0 0x14;
    UNPCKHPS = 0 1 0 0x15;
    UNPCKLPD = 1 1 0 0x14;
    UNPCKHPD = 1 1 0 0x15;
    INSERTF128 = 1 3 0 0x18;
    PTEST = 1 2 0 0x17;
    GATHERDPS = 1 2 0 0x92;
    GATHERDQ = 1 2 1 0x90;
    SHIFT_WORDS_BY = 1 1 0 0x72;
    PACKUSDW = 1 2 0 0x2B;
    PMOVZXWD = 1 2 0 0x33;
    CVTPH2PS = 1 2 0 0x13;
    CVTPS2PH = 1 3 0 0x1D;
}

/// What [`SHIFT_QUADS_BY`] does, in place of its first operand; the second is the target.
pub(super) const RIGHT: Register = 2;
pub(super) const LEFT: Register = 6;

/// Predicates of [`CMPPS`].
pub(super) const EQUAL: u8 = 0x00;
pub(super) const UNORDERED: u8 = 0x03;
pub(super) const NOT_EQUAL_OR_UNORDERED: u8 = 0x04;

/// One of `ymm0` to `ymm15`.
pub(super) type Register = u8;

/// What a memory operand counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// `rdi`: the narrow register file, from the strip's first lane.
    Narrow,
    /// `rsi`: the wide one.
    Wide,
    /// `r9`: the narrow file from lane 0, in a strip.
    NarrowStart,
    /// `r10`: the wide file from lane 0, in a strip.
    WideStart,
    /// `rdx`: the predicates, from the strip's byte.
    Predicates,
    /// The constants at the start of the code.
    Constants,
    /// `rbx`: the streams.
    Streams,
    /// `rbx` and `rcx`: the streams, from the strip's first word.
    StreamStrip,
    /// `r8` and `rcx`: where lane 0 of a stream reads, and the words of a strip after it.
    CursorStrip,
    /// `r8` and twice `rcx`: the same for elements of two words.
    CursorPairs,
    /// `r8` and `rax`: the same, for the lane whose offset `rax` holds.
    CursorLane,
}

/// The last operand of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Register(Register),
    Memory(Base, i32),
}

/// A vector of equal words at the start of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant {
    /// The one NaN that results have; also all bits but the sign.
    Nan,
    /// The sign of single precision.
    Sign,
    /// The sign of a 64-bit lane.
    WideSign,
    /// 1.0
    One,
    /// Bit `i` in lane `i`.
    LaneBit,
    /// The one NaN of half precision that results have.
    HalfNan,
    /// The low half of a word.
    LowHalf,
}

const CONSTANTS: [[u32; 8]; 7] = [
    [0x7fff_ffff; 8],
    [0x8000_0000; 8],
    [0, 0x8000_0000, 0, 0x8000_0000, 0, 0x8000_0000, 0, 0x8000_0000],
    [0x3f80_0000; 8],
    [1, 2, 4, 8, 16, 32, 64, 128],
    [0x7fff; 8],
    [0xffff; 8],
];

impl From<Constant> for Operand {
    fn from(constant: Constant) -> Self {
        Operand::Memory(Base::Constants, constant as i32 * 32)
    }
}

impl From<Register> for Operand {
    fn from(register: Register) -> Self {
        Operand::Register(register)
    }
}

/// Machine code under construction.
#[derive(Debug)]
pub(super) struct Assembler {
    bytes: Vec<u8>,
}

impl Assembler {
    /// The constants, and no code yet.
    pub(super) fn new() -> Self {
        Assembler { bytes: CONSTANTS.iter().flatten().flat_map(|word| word.to_le_bytes()).collect() }
    }

    /// Where the next instruction goes.
    pub(super) fn position(&self) -> usize {
        self.bytes.len()
    }

    /// The code, constants first.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Raw bytes: instructions that are not vector ones.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// An instruction with 256-bit operands; `a` is 0 where it has none but `d` and `b`.
    pub(super) fn emit(&mut self, opcode: Opcode, d: Register, a: Register, b: impl Into<Operand>) {
        self.encode(opcode, d, a, b.into(), None, true);
    }

    /// As [`Assembler::emit`], with 128-bit operands.
    pub(super) fn emit_half(&mut self, opcode: Opcode, d: Register, a: Register, b: impl Into<Operand>) {
        self.encode(opcode, d, a, b.into(), None, false);
    }

    /// As [`Assembler::emit`], with a byte that says more.
    pub(super) fn emit_with(
        &mut self,
        opcode: Opcode,
        d: Register,
        a: Register,
        b: impl Into<Operand>,
        immediate: u8,
    ) {
        self.encode(opcode, d, a, b.into(), Some(immediate), true);
    }

    /// Words, or pairs of them, from where lane 0 of a stream reads, by the distances in `offsets`, into `d`; clears
    /// `mask`, whose lanes it loads.
    pub(super) fn gather(
        &mut self,
        opcode: Opcode,
        d: Register,
        mask: Register,
        offsets: Register,
        displacement: i32,
    ) {
        let far = |register: Register| u8::from(register < 8);
        self.bytes.extend([
            0xC4,
            far(d) << 7 | far(offsets) << 6 | far(CURSOR) << 5 | opcode.map,
            u8::from(opcode.wide) << 7 | (!mask & 15) << 3 | 1 << 2 | opcode.prefix,
            opcode.byte,
            0b1000_0100 | (d & 7) << 3,
            (offsets & 7) << 3 | CURSOR & 7,
        ]);
        self.bytes.extend(displacement.to_le_bytes());
    }

    fn encode(
        &mut self,
        opcode: Opcode,
        d: Register,
        a: Register,
        b: Operand,
        immediate: Option<u8>,
        is_whole: bool,
    ) {
        // No register that is an index is a far one.
        let far = |register: Register| u8::from(register < 8);
        let b_bit = match b {
            Operand::Register(register) => far(register),
            Operand::Memory(base, _) => far(gpr(base)),
        };
        self.bytes.extend([
            0xC4,
            far(d) << 7 | 1 << 6 | b_bit << 5 | opcode.map,
            u8::from(opcode.wide) << 7 | (!a & 15) << 3 | u8::from(is_whole) << 2 | opcode.prefix,
            opcode.byte,
        ]);
        let field = (d & 7) << 3;
        match b {
            Operand::Register(register) => self.bytes.push(0b1100_0000 | field | register & 7),
            Operand::Memory(Base::Constants, offset) => {
                // Counted from the next instruction.
                let end = self.bytes.len() + 5 + usize::from(immediate.is_some());
                self.bytes.push(field | 0b101);
                self.bytes.extend((offset - end as i32).to_le_bytes());
            }
            Operand::Memory(base, offset) => {
                match index(base) {
                    Some((scale, index)) => {
                        self.bytes.extend([0b1000_0100 | field, scale << 6 | index << 3 | gpr(base) & 7]);
                    }
                    None => self.bytes.push(0b1000_0000 | field | gpr(base) & 7),
                }
                self.bytes.extend(offset.to_le_bytes());
            }
        }
        self.bytes.extend(immediate);
    }

    /// An instruction on general-purpose registers: prefix and opcode, a register field, and memory.
    pub(super) fn general(&mut self, opcode: &[u8], field: u8, base: Base, offset: i32) {
        self.raw(opcode);
        self.raw(&[0b1000_0000 | field << 3 | gpr(base) & 7]);
        self.raw(&offset.to_le_bytes());
    }

    /// A jump on a condition, to where [`Assembler::land`] or [`Assembler::patch`] will say; gives where its distance is.
    pub(super) fn jump_if(&mut self, condition: u8) -> usize {
        self.raw(&[0x0F, 0x80 | condition, 0, 0, 0, 0]);
        self.position() - 4
    }

    /// A jump to be [landed](Assembler::land).
    pub(super) fn jump(&mut self) -> usize {
        self.raw(&[0xE9, 0, 0, 0, 0]);
        self.position() - 4
    }

    /// A jump to code that is there.
    pub(super) fn jump_to(&mut self, target: usize) {
        let jump = self.jump();
        self.patch(jump, (target as i64 - (jump as i64 + 4)) as i32);
    }

    /// Has a jump go to what comes next.
    pub(super) fn land(&mut self, jump: usize) {
        self.patch(jump, (self.position() - jump - 4) as i32);
    }

    /// Takes back what was assembled from a position on.
    pub(super) fn truncate(&mut self, position: usize) {
        self.bytes.truncate(position);
    }

    /// Overwrites four bytes, a distance that was not known yet.
    pub(super) fn patch(&mut self, at: usize, distance: i32) {
        self.bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }
}

/// `r8`
const CURSOR: u8 = 8;

/// The general-purpose register that is added to a base: the logarithm of how many times, and its number.
fn index(base: Base) -> Option<(u8, u8)> {
    match base {
        Base::StreamStrip | Base::CursorStrip => Some((0, 1)),
        Base::CursorPairs => Some((1, 1)),
        Base::CursorLane => Some((0, 0)),
        _ => None,
    }
}

/// The number of the general-purpose register that is a base.
fn gpr(base: Base) -> u8 {
    match base {
        Base::Streams | Base::StreamStrip => 3,
        Base::CursorStrip | Base::CursorPairs | Base::CursorLane => CURSOR,
        Base::Narrow => 7,
        Base::Wide => 6,
        Base::Predicates | Base::Constants => 2,
        Base::NarrowStart => 9,
        Base::WideStart => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an instruction is as bytes, after the constants.
    fn bytes(emit: impl FnOnce(&mut Assembler)) -> Vec<u8> {
        let mut assembler = Assembler::new();
        let start = assembler.position();
        emit(&mut assembler);
        assembler.finish()[start..].to_vec()
    }

    #[test]
    fn instructions_are_encoded_as_the_gnu_assembler_does() {
        // {vex3} with disp32, from `as`.
        let narrow = Operand::Memory(Base::Narrow, 0x180);
        assert_eq!(
            bytes(|a| a.emit(FMADD231PS, 3, 12, narrow)),
            [0xC4, 0xE2, 0x1D, 0xB8, 0x9F, 0x80, 0x01, 0, 0]
        );
        assert_eq!(bytes(|a| a.emit(ADDPS, 9, 1, 10)), [0xC4, 0x41, 0x74, 0x58, 0xCA]);
        assert_eq!(
            bytes(|a| a.emit(MOVUPS_STORE, 15, 0, Operand::Memory(Base::Wide, 0x40))),
            [0xC4, 0x61, 0x7C, 0x11, 0xBE, 0x40, 0, 0, 0]
        );
        assert_eq!(bytes(|a| a.emit_with(CMPPS, 2, 3, 4, 17)), [0xC4, 0xE1, 0x64, 0xC2, 0xD4, 17]);
        assert_eq!(bytes(|a| a.emit_with(PERMQ, 1, 0, 2, 0xD8)), [0xC4, 0xE3, 0xFD, 0x00, 0xCA, 0xD8]);
        let strip = Operand::Memory(Base::CursorStrip, 0x10);
        assert_eq!(
            bytes(|a| a.emit(MOVUPS_LOAD, 9, 0, strip)),
            [0xC4, 0x41, 0x7C, 0x10, 0x8C, 0x08, 0x10, 0, 0, 0]
        );
        let lane = Operand::Memory(Base::CursorLane, 0x10);
        assert_eq!(
            bytes(|a| a.emit_half(MOVUPS_LOAD, 2, 0, lane)),
            [0xC4, 0xC1, 0x78, 0x10, 0x94, 0x00, 0x10, 0, 0, 0]
        );
        assert_eq!(
            bytes(|a| a.emit_with(INSERTF128, 2, 2, lane, 1)),
            [0xC4, 0xC3, 0x6D, 0x18, 0x94, 0x00, 0x10, 0, 0, 0, 1]
        );
        assert_eq!(
            bytes(|a| a.gather(GATHERDPS, 3, 14, 15, 0x20)),
            [0xC4, 0x82, 0x0D, 0x92, 0x9C, 0x38, 0x20, 0, 0, 0]
        );
        assert_eq!(
            bytes(|a| a.gather(GATHERDQ, 14, 1, 0, 0x20)),
            [0xC4, 0x42, 0xF5, 0x90, 0xB4, 0x00, 0x20, 0, 0, 0]
        );
        assert_eq!(bytes(|a| a.emit(PTEST, 0, 0, 0)), [0xC4, 0xE2, 0x7D, 0x17, 0xC0]);
        // The first constant from the first instruction: 224 bytes and the instruction's 9 back.
        let nan = bytes(|a| a.emit(ANDPS, 0, 0, Constant::Nan));
        assert_eq!(nan, [0xC4, 0xE1, 0x7C, 0x54, 0x05, 0x17, 0xFF, 0xFF, 0xFF]);
    }
}
