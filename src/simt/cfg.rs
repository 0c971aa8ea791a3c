//! The control-flow graph of a kernel: basic blocks, and for each the block where its diverging lanes meet again.

use std::collections::HashMap;

use crate::{instruction::Instruction, isa::Code};

/// The index of a basic block, or [`NO_BLOCK`].
pub(crate) type BlockId = u32;

/// No block: the end of the kernel.
pub(crate) const NO_BLOCK: BlockId = BlockId::MAX;

/// Instructions that run one after another. Branches, exits, traps and barriers only stand last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// First instruction.
    pub(crate) first: u32,
    /// One past the last, not counting what ends the block.
    pub(crate) end: u32,
    /// Whether an instruction at `end` ends the block; else it falls through.
    pub(crate) terminated: bool,
    /// Where a branch goes.
    pub(crate) target: BlockId,
    /// What follows where nothing branches.
    pub(crate) next: BlockId,
    /// The immediate post-dominator: where lanes that part here come together.
    pub(crate) reconverge: BlockId,
}

impl Block {
    fn successors(&self) -> impl Iterator<Item = BlockId> {
        [self.target, self.next].into_iter().filter(|block| *block != NO_BLOCK)
    }

    /// One past the last instruction, what ends the block included.
    pub(crate) fn limit(&self) -> u32 {
        self.end + u32::from(self.terminated)
    }
}

fn ends_block(code: Code) -> bool {
    matches!(code, Code::Branch | Code::Exit | Code::Trap | Code::Barrier)
}

/// Cuts code into blocks. `targets` gives for each branch the instruction it goes to.
pub(crate) fn blocks(code: &[Instruction], targets: &HashMap<u32, u32>) -> Vec<Block> {
    let mut leads = vec![false; code.len() + 1];
    leads[0] = true;
    for target in targets.values() {
        leads[*target as usize] = true;
    }
    for (i, instruction) in code.iter().enumerate() {
        if ends_block(instruction.code) {
            leads[i + 1] = true;
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
                Code::Branch | Code::Exit | Code::Trap => !instruction.guard.is_none(),
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
    let reconverge = post_dominators(&blocks);
    for (block, reconverge) in blocks.iter_mut().zip(reconverge) {
        block.reconverge = reconverge;
    }
    blocks
}

/// The immediate post-dominator of every block, [`NO_BLOCK`] where it is the end of the kernel or the end cannot be
/// reached. Cooper, Harvey and Kennedy's algorithm on the reversed graph.
fn post_dominators(blocks: &[Block]) -> Vec<BlockId> {
    let end = blocks.len();
    let mut predecessors = vec![Vec::new(); end + 1];
    for (i, block) in blocks.iter().enumerate() {
        for successor in block.successors() {
            predecessors[successor as usize].push(i);
        }
        // A guarded exit leaves for some lanes only, which are gone: the others decide where lanes meet.
        if block.successors().next().is_none() {
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
            let successors = blocks[block].successors().map(|s| s as usize);
            let to_end = blocks[block].successors().next().is_none().then_some(end);
            let known = successors.chain(to_end).filter(|s| dominator[*s] != unknown);
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

    /// Blocks from `(target, next)` pairs.
    fn graph(edges: &[(Option<u32>, Option<u32>)]) -> Vec<Block> {
        let block = |(target, next): &(Option<u32>, Option<u32>)| Block {
            first: 0,
            end: 0,
            terminated: false,
            target: target.unwrap_or(NO_BLOCK),
            next: next.unwrap_or(NO_BLOCK),
            reconverge: NO_BLOCK,
        };
        edges.iter().map(block).collect()
    }

    #[test]
    fn a_diamond_meets_below() {
        // 0 → 1, 2; 1 → 3; 2 → 3; 3 ends.
        let blocks = graph(&[(Some(2), Some(1)), (Some(3), None), (None, Some(3)), (None, None)]);
        assert_eq!(post_dominators(&blocks), [3, 3, 3, NO_BLOCK]);
    }

    #[test]
    fn a_loop_meets_at_its_exit() {
        // 0 → 1; 1 → 1, 2; 2 ends.
        let blocks = graph(&[(None, Some(1)), (Some(1), Some(2)), (None, None)]);
        assert_eq!(post_dominators(&blocks), [1, 2, NO_BLOCK]);
    }

    #[test]
    fn two_returns_never_meet_and_an_endless_loop_has_no_end() {
        let blocks = graph(&[(Some(2), Some(1)), (None, None), (None, None)]);
        assert_eq!(post_dominators(&blocks), [NO_BLOCK; 3]);
        let endless = graph(&[(Some(0), None)]);
        assert_eq!(post_dominators(&endless), [NO_BLOCK]);
    }
}
