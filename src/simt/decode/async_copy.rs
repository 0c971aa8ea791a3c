//! Asynchronous copies: `cp.async` and its groups.

use pipe_ptx::ast::{Literal, Operand};

use super::{Decoder, Outcome, Parts, Problem, operand::span_of};
use crate::{
    instruction::{Instruction, Space},
    isa::{Code, Kind},
};

/// The groups that may stay behind.
pub(super) fn groups(operand: &Operand) -> Outcome<u16> {
    let Operand::Literal(Literal::Integer { bits, .. }, span) = operand else {
        return Err(Problem::new(span_of(operand), "the number of groups must be a constant"));
    };
    u16::try_from(*bits).map_err(|_| Problem::new(*span, "the number of groups is at most 65535"))
}

impl Decoder<'_> {
    pub(super) fn copy(&mut self, parts: &Parts<'_>) -> Outcome {
        match &parts.modifiers[..] {
            ["async", "commit_group"] => {
                let [] = parts.exactly::<0>()?;
                self.count(Instruction::new(Code::CommitCopies));
                Ok(())
            }
            ["async", "wait_all"] => {
                let [] = parts.exactly::<0>()?;
                self.count(Instruction::new(Code::WaitAllCopies));
                Ok(())
            }
            ["async", "wait_group"] => {
                let [operand] = parts.exactly::<1>()?;
                let m = groups(operand)?;
                self.count(Instruction { m, ..Instruction::new(Code::WaitCopies) });
                Ok(())
            }
            ["async", cache @ ("ca" | "cg"), "shared" | "shared::cta", "global", hints @ ..]
                if hints.iter().all(|hint| hint.starts_with("L2::")) =>
            {
                self.copy_async(parts, cache)
            }
            ["async", "mbarrier", ..] => self.copies_arrive(parts),
            ["async", "bulk", ..] => self.bulk(parts),
            _ => Err(parts.unsupported()),
        }
    }

    /// `cp.async.ca.shared.global [dst], [src], 16{, src-size | ignore-src}{, policy};`
    fn copy_async(&mut self, parts: &Parts<'_>, cache: &str) -> Outcome {
        let [to, from, size, rest @ ..] = parts.operands else {
            return Err(parts.problem(format!("`{}` takes at least 3 operands", parts.mnemonic())));
        };
        let rest = match rest {
            [rest @ .., _policy] if parts.has("L2::cache_hint") => rest,
            rest => rest,
        };
        let bytes = match size {
            Operand::Literal(Literal::Integer { bits: bits @ (4 | 8), .. }, _) if cache == "ca" => *bits,
            Operand::Literal(Literal::Integer { bits: 16, .. }, _) => 16,
            _ => {
                let sizes = if cache == "ca" { "4, 8 or 16" } else { "16" };
                return Err(Problem::new(span_of(size), format!("`cp.async.{cache}` copies {sizes} bytes")));
            }
        };
        let mut copy = Instruction::new(Code::CopyAsync);
        match rest {
            [] => {}
            [only] if self.is_predicate(only) => copy.d = self.source(only, Kind::Predicate)?,
            [only] => copy.c = self.source(only, Kind::Integer(32))?,
            _ => return Err(parts.problem(format!("too many operands for `{}`", parts.mnemonic()))),
        }
        let target = self.plain_access(parts, to, Space::Shared, bytes as u8)?;
        let source = self.plain_access(parts, from, Space::Global, bytes as u8)?;
        let index = self.tables.accesses.len();
        self.tables.accesses.extend([target, source]);
        copy.m = index as u16;
        self.count(copy);
        Ok(())
    }

    /// Whether an operand is a predicate.
    fn is_predicate(&mut self, operand: &Operand) -> bool {
        match operand {
            Operand::Not(_) => true,
            other => self.as_register(other).is_some_and(|register| register.ty == pipe_ptx::ast::Type::Pred),
        }
    }
}
