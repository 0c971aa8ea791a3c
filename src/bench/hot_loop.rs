//! The loop in which a kernel spends its instructions.

use std::ops::RangeInclusive;

use pipe_ptx::{
    LineIndex,
    ast::{Function, Instruction, Operand, Span, Statement},
};
use pipe_simt::Counts;

use crate::KernelProfile;

/// The innermost loop of a kernel that issues most instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotLoop {
    /// Its lines, from the label to the last branch back to it.
    pub lines: RangeInclusive<u32>,
    /// What they did.
    pub counts: Counts,
}

impl HotLoop {
    /// That of a profiled kernel; `None` where it has no loop, or none that ran.
    pub fn of(kernel: &KernelProfile) -> Option<Self> {
        let issued = |lines: &RangeInclusive<u32>| -> Counts {
            kernel.lines.range(lines.clone()).map(|(_, counts)| *counts).sum()
        };
        let loops =
            innermost(&kernel.loops).map(|lines| Self { counts: issued(lines), lines: lines.clone() });
        loops.max_by_key(|own| own.counts.instructions).filter(|own| own.counts.instructions > 0)
    }

    /// Instructions that are integers, moves and control, which neither compute nor load what the op is about.
    pub fn overhead(&self) -> u64 {
        self.counts.instructions_integer + self.counts.instructions_move + self.counts.instructions_control
    }
}

/// The loops that hold no other.
fn innermost(loops: &[RangeInclusive<u32>]) -> impl Iterator<Item = &RangeInclusive<u32>> {
    let holds = |outer: &RangeInclusive<u32>, inner: &RangeInclusive<u32>| {
        outer != inner && outer.contains(inner.start()) && outer.contains(inner.end())
    };
    loops.iter().filter(move |own| !loops.iter().any(|other| holds(own, other)))
}

/// The lines of every loop of a function: from a label to the last branch to it that stands below it.
pub(crate) fn loops(function: &Function, index: &LineIndex<'_>) -> Vec<RangeInclusive<u32>> {
    let mut finder = Finder { index, labels: Vec::new(), loops: Vec::new() };
    finder.walk(function.body.as_deref().unwrap_or_default());
    finder.loops.into_iter().map(|(_, lines)| lines).collect()
}

struct Finder<'a, 'text> {
    index: &'a LineIndex<'text>,
    /// Labels so far, with their lines.
    labels: Vec<(&'a str, u32)>,
    /// Loops by the line of their label.
    loops: Vec<(u32, RangeInclusive<u32>)>,
}

impl<'a> Finder<'a, '_> {
    fn walk(&mut self, statements: &'a [Statement]) {
        for statement in statements {
            match statement {
                Statement::Label(label) => self.labels.push((&label.name, self.line(label.span.start))),
                Statement::Block(inner) => self.walk(inner),
                Statement::Instruction(Instruction { opcode, operands, span, .. })
                    if &*opcode.name == "bra" =>
                {
                    self.branch(operands, *span);
                }
                _ => {}
            }
        }
    }

    fn branch(&mut self, operands: &[Operand], span: Span) {
        let Some(Operand::Name(target)) = operands.first() else { return };
        // The nearest of the name: a scope of its own may have it again.
        let Some((_, first)) = self.labels.iter().rev().find(|(name, _)| **name == *target.name) else {
            return;
        };
        let (first, last) = (*first, self.line(span.start));
        match self.loops.iter_mut().find(|(label, _)| *label == first) {
            Some((_, lines)) => *lines = first..=last,
            None => self.loops.push((first, first..=last)),
        }
    }

    fn line(&self, offset: u32) -> u32 {
        self.index.line_column(offset).0
    }
}

#[cfg(test)]
mod tests {
    use pipe_ptx::ast::Item;

    use super::*;

    #[test]
    fn a_loop_is_a_label_and_the_last_branch_back() {
        let text = "\
.version 8.0
.target sm_80
.address_size 64
.visible .entry kernel()
{
    .reg .pred p;
OUTER:
    bra SKIP;
SKIP:
INNER:
    @p bra INNER;
    @p bra OUTER;
    {
ALONE:
        @p bra ALONE;
    }
    @p bra OUTER;
    ret;
}
";
        let module = pipe_ptx::parse(text).unwrap();
        let [Item::Function(function)] = &module.items[..] else { panic!("one function") };
        let all = loops(function, &LineIndex::new(text));
        assert_eq!(all, [10..=11, 7..=17, 14..=15]);
        assert_eq!(innermost(&all).cloned().collect::<Vec<_>>(), [10..=11, 14..=15]);
    }
}
