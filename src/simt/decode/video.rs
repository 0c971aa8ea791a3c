//! Video instructions: the parts of words that their operands select, and what is done to them.

use std::sync::Arc;

use pipe_ptx::ast::{Ident, Operand};

use super::{Decoder, Outcome, Parts, Problem, fit, operand::span_of};
use crate::{
    instruction::Instruction,
    isa::{Code, Kind},
    lane::video::{MultiplyAdd, Operation, Part, Scalar, Second, Simd, Source, Video},
    registers::Slot,
};

/// Every form, in the op table's notation.
pub(crate) const SPELLINGS: &[&str] = &[
    "vadd|vsub|vabsdiff|vmin|vmax.u32|s32.u32|s32.u32|s32.sat?.add|min|max?",
    "vshl|vshr.u32|s32.u32|s32.u32.sat?.clamp|wrap.add|min|max?",
    "vmad.u32|s32.u32|s32.u32|s32.po?.sat?.shr7|shr15?",
    "vset.u32|s32.u32|s32.eq|ne|lt|le|gt|ge.add|min|max?",
    "vadd2|vsub2|vavrg2|vabsdiff2|vmin2|vmax2.u32|s32.u32|s32.u32|s32.sat|add?",
    "vadd4|vsub4|vavrg4|vabsdiff4|vmin4|vmax4.u32|s32.u32|s32.u32|s32.sat|add?",
    "vset2|vset4.u32|s32.u32|s32.eq|ne|lt|le|gt|ge.add?",
];

/// The form of a video instruction of that opcode.
fn spelling(opcode: &str) -> Option<&'static str> {
    let of_opcode = |spelling: &&&str| {
        spelling.split('.').next().is_some_and(|opcodes| opcodes.split('|').any(|each| each == opcode))
    };
    SPELLINGS.iter().find(of_opcode).copied()
}

/// Whether an opcode is a video instruction's.
pub(super) fn is_video(opcode: &str) -> bool {
    spelling(opcode).is_some()
}

/// An operand with what it selects of its register, the part after the dot.
struct Selection {
    operand: Operand,
    parts: Option<String>,
    negated: bool,
}

impl Selection {
    fn problem(&self, expected: &str) -> Problem {
        let parts = self.parts.as_deref().unwrap_or_default();
        Problem::new(span_of(&self.operand), format!("`.{parts}` selects nothing here"))
            .help(format!("expected {expected}"))
    }

    /// One part of a word, or all of it.
    fn part(&self) -> Outcome<Part> {
        Ok(match self.parts.as_deref() {
            None => Part::WORD,
            Some("b0") => Part::nth(0, 8),
            Some("b1") => Part::nth(1, 8),
            Some("b2") => Part::nth(2, 8),
            Some("b3") => Part::nth(3, 8),
            Some("h0") => Part::nth(0, 16),
            Some("h1") => Part::nth(1, 16),
            Some(_) => return Err(self.problem("one of `.b0`, `.b1`, `.b2`, `.b3`, `.h0`, `.h1`")),
        })
    }

    /// The numbers of several parts, the last letter's first. `default` is what is selected if nothing is written.
    fn numbers(&self, default: &str, places: u8) -> Outcome<Vec<u8>> {
        let written = self.parts.as_deref().unwrap_or(default);
        let (kind, digits) = written.split_at_checked(1).unwrap_or_default();
        let numbers: Vec<u8> = digits.bytes().rev().map(|digit| digit.wrapping_sub(b'0')).collect();
        if !default.starts_with(kind) || numbers.iter().any(|number| *number >= places) {
            return Err(self.problem(&format!("parts as in `.{default}`")));
        }
        Ok(numbers)
    }

    /// For each part of a word which of the two sources' parts it works on.
    fn lanes(&self, default: &str) -> Outcome<[u8; 4]> {
        let count = default.len() - 1;
        let numbers = self.numbers(default, 2 * count as u8)?;
        if numbers.len() != count {
            return Err(self.problem(&format!("{count} parts, as in `.{default}`")));
        }
        let mut lanes = [0; 4];
        lanes[..count].copy_from_slice(&numbers);
        Ok(lanes)
    }

    /// Which parts take results, bit for bit.
    fn mask(&self, all: &str) -> Outcome<u8> {
        let numbers = self.numbers(all, all.len() as u8 - 1)?;
        if !numbers.is_sorted_by(|low, high| low < high) {
            return Err(self.problem(&format!("some of `.{all}`, in that order")));
        }
        Ok(numbers.into_iter().fold(0, |mask, number| mask | 1 << number))
    }
}

impl Decoder<'_> {
    pub(super) fn video(&mut self, parts: &Parts<'_>) -> Outcome {
        let Some(spelling) = spelling(parts.opcode) else { return Err(parts.unsupported()) };
        if fit(spelling, &parts.modifiers).is_none() {
            return Err(parts.unsupported().help(format!("its forms are `{spelling}`")));
        }
        let [destination, a, b, rest @ ..] = parts.operands else {
            return Err(parts.problem(format!("`{}` takes at least 3 operands", parts.mnemonic())));
        };
        let c = match rest {
            [] => None,
            [c] => Some(c),
            _ => return Err(parts.problem(format!("`{}` takes at most 4 operands", parts.mnemonic()))),
        };
        let [d, a, b] = [destination, a, b].map(|operand| self.selection(operand));
        let c = c.map(|operand| self.selection(operand));
        if c.as_ref().is_some_and(|c| c.parts.is_some()) {
            return Err(parts.problem("the last operand is a whole register"));
        }
        let video = match parts.opcode {
            "vmad" => multiply_add(parts, &d, &a, &b, c.as_ref())?,
            opcode => {
                if [Some(&a), Some(&b), c.as_ref()].into_iter().flatten().any(|each| each.negated) {
                    return Err(parts.problem(format!("only `vmad` negates its operands, not `{opcode}`")));
                }
                if opcode.ends_with(['2', '4']) {
                    simd(parts, &d, &a, &b)?
                } else {
                    scalar(parts, &d, &a, &b, c.is_some())?
                }
            }
        };
        if c.is_none() && !matches!(video, Video::Scalar(_)) {
            return Err(parts.problem(format!("`{}` takes 4 operands, not 3", parts.mnemonic())));
        }
        let mut instruction = Instruction::new(Code::Video);
        instruction.a = self.source(&a.operand, Kind::Integer(32))?;
        instruction.b = self.source(&b.operand, Kind::Integer(32))?;
        instruction.c = match c {
            Some(c) => self.source(&c.operand, Kind::Integer(32))?,
            None => self.narrow(0),
        };
        instruction.d = self.video_destination(&d)?;
        instruction.m = self.tables.videos.len() as u16;
        self.tables.videos.push(video);
        self.count(instruction);
        Ok(())
    }

    fn video_destination(&mut self, d: &Selection) -> Outcome<Slot> {
        if d.negated {
            return Err(Problem::new(span_of(&d.operand), "the destination cannot be negated"));
        }
        self.destination(&d.operand, Kind::Integer(32))
    }

    /// Parts an operand from what it selects; a component of a vector of registers is a register.
    fn selection(&mut self, operand: &Operand) -> Selection {
        let (name, negated) = match operand {
            Operand::Name(name) => (name, false),
            Operand::Negated(name) => (name, true),
            other => return Selection { operand: other.clone(), parts: None, negated: false },
        };
        if self.register(&name.name).is_none()
            && let Some((base, parts)) = name.name.rsplit_once('.')
        {
            let base: Arc<str> = base.into();
            if self.register(&base).is_some() {
                let operand = Operand::Name(Ident { name: base, span: name.span });
                return Selection { operand, parts: Some(parts.to_owned()), negated };
            }
        }
        Selection { operand: Operand::Name(name.clone()), parts: None, negated }
    }
}

/// The operation that an opcode names, without the number of its lanes.
fn operation(parts: &Parts<'_>) -> Outcome<Operation> {
    let wraps = parts.has("wrap");
    Ok(match parts.opcode.trim_end_matches(['2', '4']) {
        "vadd" => Operation::Add,
        "vsub" => Operation::Subtract,
        "vabsdiff" => Operation::AbsoluteDifference,
        "vavrg" => Operation::Average,
        "vmin" => Operation::Min,
        "vmax" => Operation::Max,
        "vshl" => Operation::ShiftLeft { wraps },
        "vshr" => Operation::ShiftRight { wraps },
        "vset" => Operation::Compare {
            less: parts.has("lt") || parts.has("le") || parts.has("ne"),
            equal: parts.has("eq") || parts.has("le") || parts.has("ge"),
            greater: parts.has("gt") || parts.has("ge") || parts.has("ne"),
        },
        _ => return Err(parts.unsupported()),
    })
}

/// Whether the result, `a` and `b` are signed. What a comparison gives is not.
fn signs(parts: &Parts<'_>) -> Outcome<(bool, bool, bool)> {
    let signed = |ty: &str| ty == "s32";
    match parts.modifiers[..] {
        [a, b, ..] if parts.opcode.starts_with("vset") => Ok((false, signed(a), signed(b))),
        [d, a, b, ..] => Ok((signed(d), signed(a), signed(b))),
        _ => Err(parts.unsupported()),
    }
}

fn scalar(parts: &Parts<'_>, d: &Selection, a: &Selection, b: &Selection, has_c: bool) -> Outcome<Video> {
    let (signed, a_signed, b_signed) = signs(parts)?;
    let second = match d.part()? {
        _ if parts.has("add") => Second::Add,
        _ if parts.has("min") => Second::Min,
        _ if parts.has("max") => Second::Max,
        Part::WORD => Second::None,
        part => Second::Merge(part),
    };
    if d.parts.is_some() && !matches!(second, Second::Merge(_)) {
        return Err(parts.problem("a second operation and a selected destination exclude each other"));
    }
    if has_c != (second != Second::None) {
        let wanted = if has_c { 3 } else { 4 };
        return Err(parts.problem(format!("`{}` takes {wanted} operands here", parts.mnemonic())));
    }
    Ok(Video::Scalar(Scalar {
        operation: operation(parts)?,
        a: Source { part: a.part()?, signed: a_signed, negated: false },
        b: Source { part: b.part()?, signed: b_signed, negated: false },
        signed,
        saturate: parts.has("sat"),
        second,
    }))
}

fn multiply_add(
    parts: &Parts<'_>,
    d: &Selection,
    a: &Selection,
    b: &Selection,
    c: Option<&Selection>,
) -> Outcome<Video> {
    if d.parts.is_some() {
        return Err(d.problem("a whole register"));
    }
    let (_, a_signed, b_signed) = signs(parts)?;
    let negates_c = c.is_some_and(|c| c.negated);
    let plus_one = parts.has("po");
    if plus_one && (a.negated || b.negated || negates_c) {
        return Err(parts.problem("operands of `.po` cannot be negated"));
    }
    if a.negated != b.negated && negates_c {
        return Err(parts.problem("either the product or what is added to it can be negated, not both"));
    }
    Ok(Video::MultiplyAdd(MultiplyAdd {
        a: Source { part: a.part()?, signed: a_signed, negated: a.negated },
        b: Source { part: b.part()?, signed: b_signed, negated: b.negated },
        negates_c,
        plus_one,
        shift: if parts.has("shr7") {
            7
        } else if parts.has("shr15") {
            15
        } else {
            0
        },
        saturate: parts.has("sat"),
    }))
}

fn simd(parts: &Parts<'_>, d: &Selection, a: &Selection, b: &Selection) -> Outcome<Video> {
    let (signed, a_signed, b_signed) = signs(parts)?;
    let (low, high, count) =
        if parts.opcode.ends_with('2') { ("h10", "h32", 2) } else { ("b3210", "b7654", 4) };
    Ok(Video::Simd(Simd {
        operation: operation(parts)?,
        count,
        a: a.lanes(low)?,
        b: b.lanes(high)?,
        a_signed,
        b_signed,
        saturate: parts.has("sat").then_some(signed),
        mask: d.mask(low)?,
        accumulate: parts.has("add"),
    }))
}
