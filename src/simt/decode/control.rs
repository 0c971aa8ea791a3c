//! Branches, exits, barriers, and instructions that only give hints.

use pipe_ptx::ast::{Literal, Operand};

use super::{Decoder, Outcome, Parts, Problem, operand::span_of};
use crate::{
    instruction::{Instruction, NO_SLOT},
    isa::{Code, Kind},
};

/// What a barrier does, in the `m` of its instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum BarrierMode {
    /// Waits.
    Sync,
    /// Only arrives.
    Arrive,
    /// Waits, and counts the predicate.
    Popc,
    /// Waits, and tells whether the predicate holds everywhere.
    And,
    /// Waits, and tells whether it holds anywhere.
    Or,
}

/// Set besides the mode where threads arrive one by one.
const BY_THREAD: u16 = 0x100;

/// Whether a barrier's threads arrive one by one, rather than whole warps.
pub(crate) fn arrives_by_thread(m: u16) -> bool {
    m & BY_THREAD != 0
}

impl BarrierMode {
    /// From its number in a decoded instruction.
    pub(crate) fn numbered(number: u16) -> Self {
        use BarrierMode::*;
        [Sync, Arrive, Popc, And, Or].get(usize::from(number & !BY_THREAD)).copied().unwrap_or(Sync)
    }
}

impl Decoder<'_> {
    pub(super) fn branch(&mut self, parts: &Parts<'_>) -> Outcome {
        if !matches!(parts.modifiers[..], [] | ["uni"]) {
            return Err(parts.unsupported());
        }
        let [target] = parts.exactly::<1>()?;
        let Operand::Name(name) = target else {
            return Err(Problem::new(span_of(target), "a branch needs a label"));
        };
        let label = self
            .label(&name.name)
            .ok_or_else(|| Problem::new(name.span, format!("there is no label `{}` in scope", name.name)))?;
        self.branches.push((self.code.len() as u32, label));
        self.count(Instruction::new(Code::Branch));
        Ok(())
    }

    /// `brx.idx`
    pub(super) fn branch_indexed(&mut self, parts: &Parts<'_>) -> Outcome {
        if !matches!(parts.modifiers[..], ["idx"] | ["idx", "uni"]) {
            return Err(parts.unsupported());
        }
        let [index, list] = parts.exactly::<2>()?;
        let a = self.source(index, Kind::Bits(32))?;
        let Operand::Name(name) = list else {
            return Err(Problem::new(span_of(list), "an indexed branch needs a list of `.branchtargets`"));
        };
        let targets =
            self.scopes.iter().rev().find_map(|scope| scope.branch_targets.get(&name.name)).cloned();
        let targets = targets.ok_or_else(|| {
            Problem::new(name.span, format!("there are no `.branchtargets` named `{}` in scope", name.name))
        })?;
        let labels = targets.iter().map(|target| {
            self.label(&target.name).ok_or_else(|| {
                Problem::new(target.span, format!("there is no label `{}` in scope", target.name))
            })
        });
        let labels = labels.collect::<Outcome<Vec<_>>>()?;
        let m = self.branch_lists.len() as u16;
        self.branch_lists.push(labels);
        self.count(Instruction { a, m, ..Instruction::new(Code::BranchIndexed) });
        Ok(())
    }

    /// `ret`
    pub(super) fn ret(&mut self, parts: &Parts<'_>) -> Outcome {
        if !matches!(parts.modifiers[..], [] | ["uni"]) {
            return Err(parts.unsupported());
        }
        parts.exactly::<0>()?;
        self.leave();
        Ok(())
    }

    pub(super) fn exit(&mut self, parts: &Parts<'_>, code: Code) -> Outcome {
        if !matches!(parts.modifiers[..], [] | ["uni"]) {
            return Err(parts.unsupported());
        }
        parts.exactly::<0>()?;
        self.count(Instruction::new(code));
        Ok(())
    }

    /// `nanosleep`
    pub(super) fn sleep(&mut self, parts: &Parts<'_>) -> Outcome {
        let (["u32"], [time]) = (&parts.modifiers[..], parts.operands) else {
            return Err(parts.unsupported());
        };
        let a = self.source(time, Kind::Bits(32))?;
        self.count(Instruction { a, ..Instruction::new(Code::Sleep) });
        Ok(())
    }

    /// An instruction without effect here; its operands are not looked at.
    pub(super) fn hint(&mut self, parts: &Parts<'_>, code: Code) -> Outcome {
        // The asynchronous proxy is in order here as everything else; tensor maps and clusters do not exist.
        let known = !parts.modifiers.iter().any(|modifier| modifier.contains("tensormap"));
        if !known {
            return Err(parts.unsupported());
        }
        self.count(Instruction::new(code));
        Ok(())
    }

    /// `griddepcontrol`: the grids of a stream run one after the other, so there is nothing to wait for or to let begin.
    pub(super) fn depend_on_grids(&mut self, parts: &Parts<'_>) -> Outcome {
        match (&parts.modifiers[..], parts.operands) {
            (["wait" | "launch_dependents"], []) => self.hint(parts, Code::Pause),
            _ => Err(parts.unsupported()),
        }
    }

    /// `setmaxnreg`: a warp has the registers that it names.
    pub(super) fn share_registers(&mut self, parts: &Parts<'_>) -> Outcome {
        match (&parts.modifiers[..], parts.operands) {
            (["inc" | "dec", "sync", "aligned", "u32"], [_]) => self.hint(parts, Code::Pause),
            _ => Err(parts.unsupported()),
        }
    }

    /// `bar` and `barrier`, with identifier, count and reduction; `bar.warp.sync`.
    pub(super) fn barrier(&mut self, parts: &Parts<'_>) -> Outcome {
        let mut modifiers = parts.modifiers.clone();
        modifiers.retain(|modifier| !matches!(*modifier, "cta" | "aligned"));
        if modifiers == ["warp", "sync"] {
            let [members] = parts.exactly::<1>()?;
            let e = self.source(members, Kind::Bits(32))?;
            self.count(Instruction { e, ..Instruction::new(Code::WarpBarrier) });
            return Ok(());
        }
        let mode = match modifiers[..] {
            ["sync"] => BarrierMode::Sync,
            ["arrive"] => BarrierMode::Arrive,
            ["red", "popc", "u32"] => BarrierMode::Popc,
            ["red", "and", "pred"] => BarrierMode::And,
            ["red", "or", "pred"] => BarrierMode::Or,
            _ => return Err(parts.unsupported()),
        };
        let by_thread = parts.opcode == "barrier" && !parts.has("aligned");
        let m = mode as u16 | if by_thread { BY_THREAD } else { 0 };
        let mut barrier = Instruction { m, ..Instruction::new(Code::Barrier) };
        let (id, count) = match (mode, parts.operands) {
            (BarrierMode::Sync | BarrierMode::Arrive, [id]) => (id, None),
            (BarrierMode::Sync | BarrierMode::Arrive, [id, count]) => (id, Some(count)),
            (BarrierMode::Popc, [d, rest @ .., p]) if matches!(rest.len(), 1 | 2) => {
                barrier.e = self.destination(d, Kind::Bits(32))?;
                barrier.c = self.source(p, Kind::Predicate)?;
                (&rest[0], rest.get(1))
            }
            (BarrierMode::And | BarrierMode::Or, [d, rest @ .., p]) if matches!(rest.len(), 1 | 2) => {
                barrier.d = self.destination(d, Kind::Predicate)?;
                barrier.c = self.source(p, Kind::Predicate)?;
                (&rest[0], rest.get(1))
            }
            _ => return Err(parts.problem(format!("wrong number of operands for `{}`", parts.mnemonic()))),
        };
        if let Operand::Literal(Literal::Integer { bits: 16.., .. }, span) = id {
            return Err(Problem::new(*span, "barriers are numbered from 0 to 15"));
        }
        barrier.a = self.source(id, Kind::Bits(32))?;
        barrier.b = match count {
            Some(Operand::Literal(Literal::Integer { bits, .. }, span)) if bits % 32 != 0 || *bits == 0 => {
                return Err(Problem::new(*span, "the thread count of a barrier must be a multiple of 32"));
            }
            Some(count) => self.source(count, Kind::Bits(32))?,
            None if mode == BarrierMode::Arrive => {
                return Err(parts.problem("an arriving barrier needs a thread count"));
            }
            None => NO_SLOT,
        };
        self.count(barrier);
        Ok(())
    }
}
