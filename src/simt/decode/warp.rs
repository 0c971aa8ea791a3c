//! Instructions across the lanes of a warp.

use pipe_ptx::ast::Operand;

use super::{Decoder, Outcome, Parts};
use crate::{
    instruction::{Instruction, NO_SLOT},
    isa::{Code, Kind},
    registers::File,
};

/// What a vote tells, in the `m` of its instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum VoteMode {
    All,
    Any,
    Uni,
    Ballot,
}

/// What a reduction over a warp computes, in the `m` of its instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum ReduceMode {
    Add,
    MinUnsigned,
    MaxUnsigned,
    MinSigned,
    MaxSigned,
    And,
    Or,
    Xor,
    MinFloat,
    MaxFloat,
    MinFloatNan,
    MaxFloatNan,
}

impl VoteMode {
    /// From its number in a decoded instruction.
    pub(crate) fn numbered(number: u16) -> Self {
        use VoteMode::*;
        [All, Any, Uni, Ballot].get(usize::from(number)).copied().unwrap_or(All)
    }
}

impl ReduceMode {
    /// From its number in a decoded instruction.
    pub(crate) fn numbered(number: u16) -> Self {
        use ReduceMode::*;
        const ALL: [ReduceMode; 12] = [
            Add,
            MinUnsigned,
            MaxUnsigned,
            MinSigned,
            MaxSigned,
            And,
            Or,
            Xor,
            MinFloat,
            MaxFloat,
            MinFloatNan,
            MaxFloatNan,
        ];
        ALL.get(usize::from(number)).copied().unwrap_or(Add)
    }
}

/// A destination and the predicate destination that may follow it.
fn pair(operand: &Operand) -> (&Operand, Option<&Operand>) {
    match operand {
        Operand::Pair(d, p) => (d, Some(p)),
        other => (other, None),
    }
}

impl Decoder<'_> {
    fn optional_predicate(&mut self, operand: Option<&Operand>) -> Outcome<u16> {
        match operand {
            Some(operand) => self.destination(operand, Kind::Predicate),
            None => Ok(NO_SLOT),
        }
    }

    pub(super) fn shuffle(&mut self, parts: &Parts<'_>) -> Outcome {
        let code = match parts.modifiers[..] {
            ["sync", "up", "b32"] => Code::ShuffleUp,
            ["sync", "down", "b32"] => Code::ShuffleDown,
            ["sync", "bfly", "b32"] => Code::ShuffleBfly,
            ["sync", "idx", "b32"] => Code::ShuffleIdx,
            _ => return Err(parts.unsupported()),
        };
        let [destination, a, b, c, members] = parts.exactly::<5>()?;
        let (d, p) = pair(destination);
        let kind = Kind::Bits(32);
        let mut shuffle = Instruction::new(code);
        shuffle.a = self.source(a, kind)?;
        shuffle.b = self.source(b, kind)?;
        shuffle.c = self.source(c, kind)?;
        shuffle.e = self.source(members, kind)?;
        shuffle.d = self.destination(d, kind)?;
        shuffle.m = self.optional_predicate(p)?;
        self.count(shuffle);
        Ok(())
    }

    pub(super) fn vote(&mut self, parts: &Parts<'_>) -> Outcome {
        let mode = match parts.modifiers[..] {
            ["sync", "all", "pred"] => VoteMode::All,
            ["sync", "any", "pred"] => VoteMode::Any,
            ["sync", "uni", "pred"] => VoteMode::Uni,
            ["sync", "ballot", "b32"] => VoteMode::Ballot,
            _ => return Err(parts.unsupported()),
        };
        let [destination, a, members] = parts.exactly::<3>()?;
        let mut vote = Instruction { m: mode as u16, ..Instruction::new(Code::Vote) };
        vote.a = self.source(a, Kind::Predicate)?;
        vote.e = self.source(members, Kind::Bits(32))?;
        match mode {
            VoteMode::Ballot => vote.b = self.destination(destination, Kind::Bits(32))?,
            _ => vote.d = self.destination(destination, Kind::Predicate)?,
        }
        self.count(vote);
        Ok(())
    }

    pub(super) fn match_lanes(&mut self, parts: &Parts<'_>) -> Outcome {
        let (all, wide) = match parts.modifiers[..] {
            ["any", "sync", "b32"] => (false, false),
            ["any", "sync", "b64"] => (false, true),
            ["all", "sync", "b32"] => (true, false),
            ["all", "sync", "b64"] => (true, true),
            _ => return Err(parts.unsupported()),
        };
        let [destination, a, members] = parts.exactly::<3>()?;
        let (d, p) = pair(destination);
        if p.is_some() && !all {
            return Err(parts.problem("only `match.all` has a predicate result"));
        }
        let mut found = Instruction { m: u16::from(all), ..Instruction::new(Code::Match) };
        let value = self.source(a, Kind::Bits(if wide { 64 } else { 32 }))?;
        if wide {
            found.b = value;
        } else {
            found.a = value;
        }
        found.e = self.source(members, Kind::Bits(32))?;
        found.d = self.destination(d, Kind::Bits(32))?;
        found.c = self.optional_predicate(p)?;
        self.count(found);
        Ok(())
    }

    pub(super) fn active_mask(&mut self, parts: &Parts<'_>) -> Outcome {
        if parts.modifiers != ["b32"] {
            return Err(parts.unsupported());
        }
        let [destination] = parts.exactly::<1>()?;
        let d = self.destination(destination, Kind::Bits(32))?;
        self.count(Instruction { d, ..Instruction::new(Code::ActiveMask) });
        Ok(())
    }

    pub(super) fn reduce(&mut self, parts: &Parts<'_>) -> Outcome {
        let mode = match parts.modifiers[..] {
            ["sync", "add", "u32" | "s32"] => ReduceMode::Add,
            ["sync", "min", "u32"] => ReduceMode::MinUnsigned,
            ["sync", "max", "u32"] => ReduceMode::MaxUnsigned,
            ["sync", "min", "s32"] => ReduceMode::MinSigned,
            ["sync", "max", "s32"] => ReduceMode::MaxSigned,
            ["sync", "and", "b32"] => ReduceMode::And,
            ["sync", "or", "b32"] => ReduceMode::Or,
            ["sync", "xor", "b32"] => ReduceMode::Xor,
            ["sync", "min", "f32"] | ["sync", "min", "abs", "f32"] => ReduceMode::MinFloat,
            ["sync", "max", "f32"] | ["sync", "max", "abs", "f32"] => ReduceMode::MaxFloat,
            ["sync", "min", "NaN", "f32"] | ["sync", "min", "abs", "NaN", "f32"] => ReduceMode::MinFloatNan,
            ["sync", "max", "NaN", "f32"] | ["sync", "max", "abs", "NaN", "f32"] => ReduceMode::MaxFloatNan,
            _ => return Err(parts.unsupported()),
        };
        let [destination, a, members] = parts.exactly::<3>()?;
        let kind = if parts.has("f32") { Kind::Float(32) } else { Kind::Bits(32) };
        let mut reduce = Instruction { m: mode as u16, ..Instruction::new(Code::Reduce) };
        reduce.a = self.source(a, kind)?;
        if parts.has("abs") {
            let d = self.fresh(File::Narrow);
            self.help(Instruction { d, a: reduce.a, ..Instruction::new(Code::AbsF32) });
            reduce.a = d;
        }
        reduce.e = self.source(members, Kind::Bits(32))?;
        reduce.d = self.destination(destination, kind)?;
        self.count(reduce);
        Ok(())
    }

    pub(super) fn elect(&mut self, parts: &Parts<'_>) -> Outcome {
        if parts.modifiers != ["sync"] {
            return Err(parts.unsupported());
        }
        let [destination, members] = parts.exactly::<2>()?;
        let (d, p) = pair(destination);
        let mut elect = Instruction::new(Code::Elect);
        elect.e = self.source(members, Kind::Bits(32))?;
        elect.d = match d {
            Operand::Name(name) if &*name.name == "_" => self.fresh(File::Narrow),
            other => self.destination(other, Kind::Bits(32))?,
        };
        elect.c = self.optional_predicate(p)?;
        self.count(elect);
        Ok(())
    }
}
