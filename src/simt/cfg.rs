//! The control-flow graph of a kernel and its functions: basic blocks, and for each the block where its diverging lanes
//! meet again.
//!
//! A call is no edge: its block goes on where the function returns to.

use std::collections::HashMap;

use crate::{instruction::Instruction, isa::Code};

/// The index of a basic block, or [`NO_BLOCK`].
pub(crate) type BlockId = u32;

/// No block: the end of the kernel.
pub(crate) const NO_BLOCK: BlockId = BlockId::MAX;

/// Instructions that run one after another. What decides where to go on, or waits, only stands last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// First instruction.
    pub(crate) first: u32,
    /// One past the last, not counting what ends the block.
    pub(crate) end: u32,
    /// Whether an instruction at `end` ends the block; else it falls through.
    pub(crate) terminated: bool,
    /// Where a branch goes, and a call.
    pub(crate) target: BlockId,
    /// What follows where nothing branches.
    pub(crate) next: BlockId,
    /// The immediate post-dominator: where lanes that part here come together.
    pub(crate) reconverge: BlockId,
}

impl Block {
    /// The blocks that may follow. `lists` are those of indexed branches.
    pub(crate) fn successors<'l>(
        &self,
        code: &[Instruction],
        lists: &'l [Vec<BlockId>],
    ) -> impl Iterator<Item = BlockId> + use<'l> {
        let last = self.terminated.then(|| code[self.end as usize]);
        let list = match last {
            Some(last) if last.code == Code::BranchIndexed => lists.get(usize::from(last.m)),
            _ => None,
        };
        let target = if last.is_some_and(|last| last.code == Code::Call) { NO_BLOCK } else { self.target };
        let listed = list.map_or(&[][..], |list| list);
        [target, self.next].into_iter().chain(listed.iter().copied()).filter(|block| *block != NO_BLOCK)
    }

    /// One past the last instruction, what ends the block included.
    pub(crate) fn limit(&self) -> u32 {
        self.end + u32::from(self.terminated)
    }
}

fn ends_block(code: Code) -> bool {
    use Code::{Barrier, Branch, BranchIndexed, Call, Exit, Return, Trap};
    matches!(code, Branch | BranchIndexed | Call | Return | Exit | Trap | Barrier) || stands_alone(code)
}

/// Whether an instruction is a block of its own: lanes may have to wait before it, and then execute it together.
fn stands_alone(code: Code) -> bool {
    code == Code::Barrier || code.is_collective()
}

/// Cuts code into blocks. `targets` gives for each branch the instruction it goes to; `lists`, those of indexed
/// branches, are turned from instructions into blocks; `entries` are the first instructions of functions.
pub(crate) fn blocks(
    code: &[Instruction],
    targets: &HashMap<u32, u32>,
    lists: &mut [Vec<u32>],
    entries: impl Iterator<Item = u32>,
) -> Vec<Block> {
    let mut leads = vec![false; code.len() + 1];
    leads[0] = true;
    for target in targets.values().chain(lists.iter().flatten()).copied().chain(entries) {
        leads[target as usize] = true;
    }
    for (i, instruction) in code.iter().enumerate() {
        if ends_block(instruction.code) {
            leads[i + 1] = true;
        }
        if stands_alone(instruction.code) {
            leads[i] = true;
        }
    }
    let starts: Vec<u32> = (0..code.len() as u32).filter(|i| leads[*i as usize]).collect();
    let block_of = |instruction: u32| -> BlockId {
        match starts.binary_search(&instruction) {
            Ok(block) => block as BlockId,
            Err(_) => NO_BLOCK,
        }
    };
    let mut blocks: Vec<Block> = starts
        .iter()
        .enumerate()
        .map(|(i, first)| {
            let limit = starts.get(i + 1).copied().unwrap_or(code.len() as u32);
            let last = limit - 1;
            let instruction = code[last as usize];
            let terminated = ends_block(instruction.code);
            let goes_on = match instruction.code {
                Code::Branch | Code::BranchIndexed | Code::Exit | Code::Return | Code::Trap => {
                    !instruction.guard.is_none()
                }
                _ => true,
            };
            Block {
                first: *first,
                end: if terminated { last } else { limit },
                terminated,
                target: targets.get(&last).map_or(NO_BLOCK, |target| block_of(*target)),
                next: if goes_on { block_of(limit) } else { NO_BLOCK },
                reconverge: NO_BLOCK,
            }
        })
        .collect();
    for target in lists.iter_mut().flatten() {
        *target = block_of(*target);
    }
    let successors: Vec<Vec<BlockId>> =
        blocks.iter().map(|block| block.successors(code, lists).collect()).collect();
    let reconverge = post_dominators(&successors);
    for (block, reconverge) in blocks.iter_mut().zip(reconverge) {
        block.reconverge = reconverge;
    }
    blocks
}

/// The immediate post-dominator of every block, [`NO_BLOCK`] where it is the end of the kernel or the end cannot be
/// reached. Cooper, Harvey and Kennedy's algorithm on the reversed graph.
fn post_dominators(successors: &[Vec<BlockId>]) -> Vec<BlockId> {
    let end = successors.len();
    let mut predecessors = vec![Vec::new(); end + 1];
    for (i, next) in successors.iter().enumerate() {
        for successor in next {
            predecessors[*successor as usize].push(i);
        }
        // A guarded exit leaves for some lanes only, which are gone: the others decide where lanes meet.
        if next.is_empty() {
            predecessors[end].push(i);
        }
    }
    let order = post_order(end, &predecessors);
    let mut number = vec![usize::MAX; end + 1];
    for (i, block) in order.iter().enumerate() {
        number[*block] = i;
    }
    let unknown = usize::MAX;
    let mut dominator = vec![unknown; end + 1];
    dominator[end] = end;
    let mut changed = true;
    while changed {
        changed = false;
        for &block in order.iter().rev().filter(|block| **block != end) {
            let next = successors[block].iter().map(|s| *s as usize);
            let to_end = successors[block].is_empty().then_some(end);
            let known = next.chain(to_end).filter(|s| dominator[*s] != unknown);
            let meet = known.reduce(|mut a, mut b| {
                while a != b {
                    while number[a] < number[b] {
                        a = dominator[a];
                    }
                    while number[b] < number[a] {
                        b = dominator[b];
                    }
                }
                a
            });
            if let Some(meet) = meet
                && dominator[block] != meet
            {
                dominator[block] = meet;
                changed = true;
            }
        }
    }
    dominator[..end].iter().map(|d| if *d >= end { NO_BLOCK } else { *d as BlockId }).collect()
}

/// Blocks in post-order from `root` along `edges`, without recursion.
fn post_order(root: usize, edges: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; edges.len()];
    let mut order = Vec::new();
    let mut stack = vec![(root, 0)];
    seen[root] = true;
    while let Some((block, edge)) = stack.pop() {
        match edges[block].get(edge) {
            Some(&to) => {
                stack.push((block, edge + 1));
                if !seen[to] {
                    seen[to] = true;
                    stack.push((to, 0));
                }
            }
            None => order.push(block),
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diamond_meets_below() {
        // 0 → 1, 2; 1 → 3; 2 → 3; 3 ends.
        let graph = [vec![2, 1], vec![3], vec![3], vec![]];
        assert_eq!(post_dominators(&graph), [3, 3, 3, NO_BLOCK]);
    }

    #[test]
    fn a_loop_meets_at_its_exit() {
        // 0 → 1; 1 → 1, 2; 2 ends.
        let graph = [vec![1], vec![1, 2], vec![]];
        assert_eq!(post_dominators(&graph), [1, 2, NO_BLOCK]);
    }

    #[test]
    fn two_returns_never_meet_and_an_endless_loop_has_no_end() {
        let graph = [vec![2, 1], vec![], vec![]];
        assert_eq!(post_dominators(&graph), [NO_BLOCK; 3]);
        assert_eq!(post_dominators(&[vec![0]]), [NO_BLOCK]);
    }
}
