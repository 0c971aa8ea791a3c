//! Video instructions of one lane, as the PTX ISA's pseudo code has them ("Scalar Video Instructions", "SIMD Video
//! Instructions"): parts of words widened, an operation at full width, saturation, then a second operation or a merge.

/// A byte, half or word of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Bits below it.
    shift: u32,
    bits: u32,
}

impl Part {
    /// All of a word.
    pub(crate) const WORD: Part = Part { shift: 0, bits: 32 };

    /// Part `index` of those of `bits` bits, from the low end.
    pub(crate) fn nth(index: u32, bits: u32) -> Self {
        Part { shift: index * bits, bits }
    }

    /// Its value in a word.
    fn of(self, word: u32, signed: bool) -> i128 {
        let top = word << (32 - self.shift - self.bits);
        let unused = 32 - self.bits;
        if signed { i128::from((top as i32) >> unused) } else { i128::from(top >> unused) }
    }

    /// A word with this part exchanged.
    fn put(self, value: i128, word: u32) -> u32 {
        let mask = (u32::MAX >> (32 - self.bits)) << self.shift;
        (value as u32) << self.shift & mask | word & !mask
    }

    /// `.sat`: the nearest value that fits.
    fn clamp(self, value: i128, signed: bool) -> i128 {
        if signed {
            let half = 1 << (self.bits - 1);
            value.clamp(-half, half - 1)
        } else {
            value.clamp(0, (1 << self.bits) - 1)
        }
    }
}

/// What is compared or computed at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    AbsoluteDifference,
    Average,
    Min,
    Max,
    /// Shifts by more than 32 are by 32, or by the low five bits where they wrap.
    ShiftLeft {
        wraps: bool,
    },
    ShiftRight {
        wraps: bool,
    },
    /// 1 where the order of the operands is one of those, else 0.
    Compare {
        less: bool,
        equal: bool,
        greater: bool,
    },
}

impl Operation {
    /// Exact: 32 bits shifted left by 32 have more than 64 with their sign.
    fn of(self, a: i128, b: i128) -> i128 {
        let by = |wraps| if wraps { b & 31 } else { b.min(32) };
        match self {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::AbsoluteDifference => (a - b).abs(),
            // Rounded half away from zero where the sum is not negative, else down.
            Operation::Average => (a + b + i128::from(a + b >= 0)) >> 1,
            Operation::Min => a.min(b),
            Operation::Max => a.max(b),
            Operation::ShiftLeft { wraps } => a << by(wraps),
            Operation::ShiftRight { wraps } => a >> by(wraps),
            Operation::Compare { less, equal, greater } => i128::from(match a.cmp(&b) {
                std::cmp::Ordering::Less => less,
                std::cmp::Ordering::Equal => equal,
                std::cmp::Ordering::Greater => greater,
            }),
        }
    }
}

/// What becomes of the first result of a scalar instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// Its low 32 bits are the result.
    None,
    Add,
    Min,
    Max,
    /// It becomes that part of `c`.
    Merge(Part),
}

/// A source of a scalar instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) part: Part,
    pub(crate) signed: bool,
    /// Only of `vmad`.
    pub(crate) negated: bool,
}

/// `vadd` and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) operation: Operation,
    pub(crate) a: Source,
    pub(crate) b: Source,
    /// Whether the result and `c` are.
    pub(crate) signed: bool,
    pub(crate) saturate: bool,
    pub(crate) second: Second,
}

impl Scalar {
    fn of(&self, a: u32, b: u32, c: u32) -> u32 {
        let value = self.operation.of(self.a.part.of(a, self.a.signed), self.b.part.of(b, self.b.signed));
        let whole = match self.second {
            Second::Merge(part) => part,
            _ => Part::WORD,
        };
        let value = if self.saturate { whole.clamp(value, self.signed) } else { value };
        // The second operation has 33 bits and a sign.
        let value = value << 95 >> 95;
        let other = Part::WORD.of(c, self.signed);
        match self.second {
            Second::None => value as u32,
            Second::Add => (value + other) as u32,
            Second::Min => value.min(other) as u32,
            Second::Max => value.max(other) as u32,
            Second::Merge(part) => part.put(value, c),
        }
    }
}

/// `vmad`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MultiplyAdd {
    pub(crate) a: Source,
    pub(crate) b: Source,
    pub(crate) negates_c: bool,
    /// Whether 1 is added.
    pub(crate) plus_one: bool,
    /// Bits that the sum is shifted right by.
    pub(crate) shift: u32,
    pub(crate) saturate: bool,
}

impl MultiplyAdd {
    fn of(&self, a: u32, b: u32, c: u32) -> u32 {
        let negates_product = self.a.negated != self.b.negated;
        let signed = self.a.signed || self.b.signed || negates_product || self.negates_c;
        let product = self.a.part.of(a, self.a.signed) * self.b.part.of(b, self.b.signed);
        let product = if negates_product { -product } else { product };
        // `c` is turned round in 32 bits, before it is widened.
        let c = if self.negates_c { !c } else { c };
        let one = i128::from(self.plus_one || self.negates_c);
        let sum = (product + Part::WORD.of(c, signed) + one) >> self.shift;
        if self.saturate { Part::WORD.clamp(sum, signed) as u32 } else { sum as u32 }
    }
}

/// `vadd2`, `vadd4` and their like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Simd {
    pub(crate) operation: Operation,
    /// Parts of a word: 2 or 4.
    pub(crate) count: u8,
    /// For each part, from the low end, which of the parts of `a` and then `b` it works on.
    pub(crate) a: [u8; 4],
    pub(crate) b: [u8; 4],
    pub(crate) a_signed: bool,
    pub(crate) b_signed: bool,
    /// How the result saturates, if it does: as a signed number, or not.
    pub(crate) saturate: Option<bool>,
    /// Bit for bit, which parts take their results.
    pub(crate) mask: u8,
    /// Whether these are added to `c`, rather than merged with it.
    pub(crate) accumulate: bool,
}

impl Simd {
    fn of(&self, a: u32, b: u32, c: u32) -> u32 {
        let bits = 32 / u32::from(self.count);
        let select = |from: u8, signed| {
            let word = if from < self.count { a } else { b };
            Part::nth(u32::from(from % self.count), bits).of(word, signed)
        };
        let mut d = c;
        for i in (0..usize::from(self.count)).filter(|i| self.mask >> i & 1 != 0) {
            let value = self.operation.of(select(self.a[i], self.a_signed), select(self.b[i], self.b_signed));
            let part = Part::nth(i as u32, bits);
            d = match self.saturate {
                _ if self.accumulate => d.wrapping_add(value as u32),
                Some(signed) => part.put(part.clamp(value, signed), d),
                None => part.put(value, d),
            };
        }
        d
    }
}

/// A video instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Video {
    Scalar(Scalar),
    MultiplyAdd(MultiplyAdd),
    Simd(Simd),
}

impl Video {
    /// What it gives for the words that its operands are of.
    pub(crate) fn of(&self, a: u32, b: u32, c: u32) -> u32 {
        match self {
            Video::Scalar(scalar) => scalar.of(a, b, c),
            Video::MultiplyAdd(product) => product.of(a, b, c),
            Video::Simd(simd) => simd.of(a, b, c),
        }
    }
}
