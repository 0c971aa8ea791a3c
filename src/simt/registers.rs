//! The register file of a warp: a PTX register is 32 lanes side by side, a predicate is a 32-bit mask.
//!
//! There are three files. Registers of 8 to 32 bits live in the narrow one, zero-extended to 32 bits; 64-bit ones in
//! the wide one. [`Element`] is a view of a slot as lanes of one Rust type.

use crate::level::Level;

/// Lanes of a warp.
pub(crate) const LANES: usize = 32;

/// A mask with every lane in it.
pub(crate) const FULL: u32 = u32::MAX;

/// One value a lane, aligned so that a vector register never straddles a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Lanes<T>(pub(crate) [T; LANES]);

/// The index of a register in its file.
pub(crate) type Slot = u16;

/// Which file a register lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum File {
    /// 32-bit slots, for registers of 8, 16 and 32 bits.
    Narrow,
    /// 64-bit slots.
    Wide,
    /// One mask a predicate.
    Predicate,
}

/// Every register of one warp.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registers {
    pub(crate) narrow: Vec<Lanes<u32>>,
    pub(crate) wide: Vec<Lanes<u64>>,
    pub(crate) predicates: Vec<u32>,
}

impl Registers {
    /// A file of zeros with so many slots.
    pub(crate) fn new(narrow: usize, wide: usize, predicates: usize) -> Self {
        Registers {
            narrow: vec![Lanes([0; LANES]); narrow],
            wide: vec![Lanes([0; LANES]); wide],
            predicates: vec![0; predicates],
        }
    }

    /// Sets every lane of a register to one value, whatever its file.
    pub(crate) fn splat(&mut self, file: File, slot: Slot, value: u64) {
        match file {
            File::Narrow => self.narrow[usize::from(slot)].0 = [value as u32; LANES],
            File::Wide => self.wide[usize::from(slot)].0 = [value; LANES],
            File::Predicate => self.predicates[usize::from(slot)] = if value == 0 { 0 } else { FULL },
        }
    }
}

impl Registers {
    /// Sets some lanes of a register to one value, whatever its file.
    pub(crate) fn fill(&mut self, file: File, slot: Slot, mask: u32, value: u64) {
        let slot = usize::from(slot);
        let lanes = (0..LANES).filter(|lane| mask >> lane & 1 != 0);
        match file {
            File::Narrow => lanes.for_each(|lane| self.narrow[slot].0[lane] = value as u32),
            File::Wide => lanes.for_each(|lane| self.wide[slot].0[lane] = value),
            File::Predicate => {
                let register = &mut self.predicates[slot];
                *register = if value == 0 { *register & !mask } else { *register | mask };
            }
        }
    }
}

impl Registers {
    /// Whether every lane of every register holds the same.
    pub(crate) fn is_same(&self, other: &Registers) -> bool {
        let narrow = self.narrow.iter().zip(&other.narrow).all(|(a, b)| a.0 == b.0);
        let wide = || self.wide.iter().zip(&other.wide).all(|(a, b)| a.0 == b.0);
        narrow && wide() && self.predicates == other.predicates
    }
}

/// A type that lanes of a register can be seen as.
pub(crate) trait Element: Copy {
    /// What lanes that nothing wrote hold while an instruction is put together.
    const ZERO: Self;

    /// All lanes of a register.
    fn fetch<L: Level>(level: L, registers: &Registers, slot: Slot) -> [Self; LANES];

    /// Overwrites the lanes of a register that `mask` names.
    fn store<L: Level>(level: L, registers: &mut Registers, slot: Slot, mask: u32, lanes: &[Self; LANES]);
}

/// A lane of the narrow or the wide file.
pub(crate) trait Word {
    /// `new` where `chosen` is all ones, `old` where it is 0. Bits, lest it becomes a branch for each lane.
    fn choose(chosen: u32, new: Self, old: Self) -> Self;
}

impl Word for u32 {
    #[inline(always)]
    fn choose(chosen: u32, new: Self, old: Self) -> Self {
        new & chosen | old & !chosen
    }
}

impl Word for u64 {
    #[inline(always)]
    fn choose(chosen: u32, new: Self, old: Self) -> Self {
        let chosen = i64::from(chosen as i32) as u64;
        new & chosen | old & !chosen
    }
}

/// Implements [`Element`] for types that are the low bits of a slot of the narrow or wide file.
macro_rules! element {
    ($($ty:ty, $field:ident, $zero:expr, |$bits:ident| $from:expr, |$value:ident| $to:expr;)*) => { $(
        impl Element for $ty {
            const ZERO: Self = $zero;

            #[inline(always)]
            fn fetch<L: Level>(_: L, registers: &Registers, slot: Slot) -> [Self; LANES] {
                let source = registers.$field[usize::from(slot)].0;
                let mut lanes = [Self::ZERO; LANES];
                for i in 0..LANES {
                    let $bits = source[i];
                    lanes[i] = $from;
                }
                lanes
            }

            #[inline(always)]
            fn store<L: Level>(
                level: L,
                registers: &mut Registers,
                slot: Slot,
                mask: u32,
                lanes: &[Self; LANES],
            ) {
                let target = &mut registers.$field[usize::from(slot)].0;
                if mask == FULL {
                    for i in 0..LANES {
                        let $value = lanes[i];
                        target[i] = $to;
                    }
                } else {
                    let chosen = level.spread(mask);
                    for i in 0..LANES {
                        let $value = lanes[i];
                        target[i] = crate::registers::Word::choose(chosen[i], $to, target[i]);
                    }
                }
            }
        }
    )* };
}

element! {
    u8, narrow, 0, |bits| bits as u8, |value| u32::from(value);
    i8, narrow, 0, |bits| bits as i8, |value| u32::from(value as u8);
    u16, narrow, 0, |bits| bits as u16, |value| u32::from(value);
    i16, narrow, 0, |bits| bits as i16, |value| u32::from(value as u16);
    u32, narrow, 0, |bits| bits, |value| value;
    i32, narrow, 0, |bits| bits as i32, |value| value as u32;
    f32, narrow, 0.0, |bits| f32::from_bits(bits), |value| value.to_bits();
    u64, wide, 0, |bits| bits, |value| value;
    i64, wide, 0, |bits| bits as i64, |value| value as u64;
    f64, wide, 0.0, |bits| f64::from_bits(bits), |value| value.to_bits();
}
pub(crate) use element;

/// A lane's truth value, kept as all ones or zero so that comparisons stay in vector registers.
#[derive(Clone, Copy)]
pub(crate) struct Flag(u32);

impl From<bool> for Flag {
    #[inline(always)]
    fn from(value: bool) -> Self {
        Flag(0u32.wrapping_sub(u32::from(value)))
    }
}

impl Flag {
    /// 1 or 0.
    #[inline(always)]
    pub(crate) fn bit(self) -> u32 {
        self.0 & 1
    }

    /// As a `bool`.
    #[inline(always)]
    pub(crate) fn is_set(self) -> bool {
        self.0 != 0
    }
}

impl Element for Flag {
    const ZERO: Self = Flag(0);

    #[inline(always)]
    fn fetch<L: Level>(level: L, registers: &Registers, slot: Slot) -> [Self; LANES] {
        let lanes = level.spread(registers.predicates[usize::from(slot)]);
        let mut flags = [Flag(0); LANES];
        for i in 0..LANES {
            flags[i] = Flag(lanes[i]);
        }
        flags
    }

    #[inline(always)]
    fn store<L: Level>(level: L, registers: &mut Registers, slot: Slot, mask: u32, lanes: &[Self; LANES]) {
        let mut signs = [0; LANES];
        for i in 0..LANES {
            signs[i] = lanes[i].0;
        }
        let target = &mut registers.predicates[usize::from(slot)];
        *target = *target & !mask | level.signs(&signs) & mask;
    }
}
