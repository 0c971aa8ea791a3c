//! What has happened before what: vector clocks of a block's warps, the lanes of a warp that synchronised, and blocks that
//! pass something on through atomics.
//!
//! A warp's own entry of its clock is its epoch; it grows whenever the warp lets others go on from what it did: at
//! barriers and fences. A use in epoch `e` of warp `v` is before what warp `w` does now if `w`'s entry for `v` is at
//! least `e`.

use std::collections::HashMap;

use super::words::Access;
use crate::registers::LANES;

/// Warps of a block at most.
const WARPS: usize = 32;

/// By warp the epoch up to which everything is known to be over.
type Clock = [u32; WARPS];

fn join(into: &mut Clock, other: &Clock) {
    for (own, other) in into.iter_mut().zip(other) {
        *own = (*own).max(*other);
    }
}

/// The order within a block.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    warps: Vec<WarpClock>,
    /// By barrier the warps that have arrived, and whether they wait.
    arrived: [Vec<(usize, bool)>; 16],
    /// What fences and strong writes published, by the word written.
    published: HashMap<u64, Clock>,
}

#[derive(Debug)]
struct WarpClock {
    clock: Clock,
    /// The clock at its last fence.
    fenced: Clock,
    /// How many `bar.warp.sync` it has run, and for two lanes the last that both took part in.
    syncs: u32,
    together: Box<[[u32; LANES]; LANES]>,
}

impl Clocks {
    /// Forgets everything: a block of so many warps starts.
    pub(super) fn start(&mut self, warps: usize) {
        self.warps.clear();
        self.arrived.iter_mut().for_each(Vec::clear);
        self.published.clear();
        for warp in 0..warps.min(WARPS) {
            let mut clock = [0; WARPS];
            clock[warp] = 1;
            let together = Box::new([[0; LANES]; LANES]);
            self.warps.push(WarpClock { clock, fenced: [0; WARPS], syncs: 0, together });
        }
    }

    /// The epoch of a warp, and the number of its `bar.warp.sync` so far.
    pub(super) fn now(&self, warp: usize) -> (u32, u32) {
        self.warps.get(warp).map_or((0, 0), |own| (own.clock[warp], own.syncs))
    }

    /// Whether what another warp did in an epoch is over for `warp`.
    pub(super) fn is_before(&self, other: usize, epoch: u32, warp: usize) -> bool {
        self.warps.get(warp).is_none_or(|own| own.clock.get(other).is_none_or(|known| *known >= epoch))
    }

    /// Whether what lane `other` of a warp did after so many `bar.warp.sync` is over for `lane`.
    pub(super) fn is_before_in_warp(
        &self,
        warp: usize,
        other: usize,
        epoch: u32,
        syncs: u32,
        lane: usize,
    ) -> bool {
        let Some(own) = self.warps.get(warp) else { return true };
        own.clock[warp] > epoch || own.together[other % LANES][lane % LANES] > syncs
    }

    /// The lanes of `mask` run `bar.warp.sync`.
    pub(super) fn warp_sync(&mut self, warp: usize, mask: u32) {
        let Some(own) = self.warps.get_mut(warp) else { return };
        own.syncs += 1;
        let lanes = || (0..LANES).filter(|lane| mask >> lane & 1 != 0);
        for lane in lanes() {
            for other in lanes() {
                own.together[lane][other] = own.syncs;
            }
        }
    }

    /// A warp arrives at a barrier, to wait for it or not.
    pub(super) fn arrive(&mut self, barrier: usize, warp: usize, waits: bool) {
        if let Some(arrived) = self.arrived.get_mut(barrier) {
            arrived.push((warp, waits));
        }
    }

    /// A barrier opens: those that waited know what those that arrived did.
    pub(super) fn open(&mut self, barrier: usize) {
        let Some(arrived) = self.arrived.get_mut(barrier) else { return };
        let arrived = std::mem::take(arrived);
        let mut all = [0; WARPS];
        for (warp, _) in &arrived {
            if let Some(own) = self.warps.get(*warp) {
                join(&mut all, &own.clock);
            }
        }
        for (warp, waits) in arrived {
            if let Some(own) = self.warps.get_mut(warp) {
                if waits {
                    join(&mut own.clock, &all);
                }
                own.clock[warp] += 1;
            }
        }
    }

    /// A warp runs a fence.
    pub(super) fn fence(&mut self, warp: usize) {
        if let Some(own) = self.warps.get_mut(warp) {
            own.fenced = own.clock;
            own.clock[warp] += 1;
        }
    }

    /// A warp uses a word strongly: where it reads it takes what others passed on there, and where it writes it passes on
    /// what its last fence covers.
    pub(super) fn strong(&mut self, warp: usize, word: u64, access: Access) {
        let Some(own) = self.warps.get_mut(warp) else { return };
        let published = self.published.entry(word).or_insert([0; WARPS]);
        if access.reads() {
            join(&mut own.clock, published);
        }
        if access.writes() {
            join(published, &own.fenced);
        }
    }
}

/// The order between blocks, by the time of each instruction of the launch.
#[derive(Debug, Default)]
pub(super) struct BlockOrder {
    blocks: HashMap<u64, BlockClock>,
}

#[derive(Debug, Default)]
struct BlockClock {
    fenced: u64,
    /// The time up to which a strong write passed things on, and when it did; both grow.
    published: Vec<(u64, u64)>,
    /// The last strong read.
    acquired: u64,
}

impl BlockOrder {
    /// A block runs a fence.
    pub(super) fn fence(&mut self, block: u64, time: u64) {
        self.blocks.entry(block).or_default().fenced = time;
    }

    /// A block uses global memory strongly.
    pub(super) fn strong(&mut self, block: u64, time: u64, access: Access) {
        let own = self.blocks.entry(block).or_default();
        if access.reads() {
            own.acquired = time;
        }
        if access.writes() && own.published.last().map_or(0, |last| last.0) < own.fenced {
            own.published.push((own.fenced, time));
        }
    }

    /// Whether what another block did at a time is over for `block`.
    pub(super) fn is_before(&self, other: u64, time: u64, block: u64) -> bool {
        let acquired = self.blocks.get(&block).map_or(0, |own| own.acquired);
        let Some(other) = self.blocks.get(&other) else { return false };
        let first = other.published.partition_point(|(covers, _)| *covers < time);
        other.published.get(first).is_some_and(|(_, at)| *at < acquired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barriers_order_those_that_take_part() {
        let mut clocks = Clocks::default();
        clocks.start(3);
        let (epoch, _) = clocks.now(0);
        assert!(!clocks.is_before(0, epoch, 1));
        clocks.arrive(0, 0, false);
        clocks.arrive(0, 1, true);
        clocks.open(0);
        assert!(clocks.is_before(0, epoch, 1), "it waited for the other");
        assert!(!clocks.is_before(1, epoch, 0), "it only arrived");
        assert!(!clocks.is_before(0, epoch, 2), "it was not there");
        assert!(!clocks.is_before(0, clocks.now(0).0, 1), "what comes after is not over");
        clocks.arrive(1, 1, true);
        clocks.arrive(1, 2, true);
        clocks.open(1);
        assert!(clocks.is_before(0, epoch, 2), "order is passed on");
    }

    #[test]
    fn lanes_are_ordered_by_what_both_take_part_in() {
        let mut clocks = Clocks::default();
        clocks.start(1);
        let (epoch, syncs) = clocks.now(0);
        clocks.warp_sync(0, 0b0011);
        assert!(clocks.is_before_in_warp(0, 0, epoch, syncs, 1));
        assert!(!clocks.is_before_in_warp(0, 0, epoch, syncs, 2));
        assert!(!clocks.is_before_in_warp(0, 0, epoch, clocks.now(0).1, 1));
    }

    #[test]
    fn atomics_pass_on_what_fences_cover() {
        let mut clocks = Clocks::default();
        clocks.start(2);
        let (epoch, _) = clocks.now(0);
        clocks.strong(0, 64, Access::Atomic);
        clocks.strong(1, 64, Access::Atomic);
        assert!(!clocks.is_before(0, epoch, 1), "without a fence nothing is passed on");
        clocks.fence(0);
        clocks.strong(0, 64, Access::Atomic);
        clocks.strong(1, 68, Access::Atomic);
        assert!(!clocks.is_before(0, epoch, 1), "another word");
        clocks.strong(1, 64, Access::Atomic);
        assert!(clocks.is_before(0, epoch, 1));
        assert!(!clocks.is_before(0, clocks.now(0).0, 1), "what comes after the fence");
    }

    #[test]
    fn blocks_are_ordered_by_fence_and_atomics() {
        let mut order = BlockOrder::default();
        order.strong(1, 5, Access::Atomic);
        order.fence(1, 10);
        order.strong(1, 11, Access::Atomic);
        assert!(!order.is_before(1, 7, 2));
        order.strong(2, 20, Access::Atomic);
        assert!(order.is_before(1, 7, 2) && !order.is_before(1, 12, 2));
    }

    #[test]
    fn strong_writes_pass_on_and_strong_reads_take() {
        let mut clocks = Clocks::default();
        clocks.start(2);
        let (epoch, _) = clocks.now(0);
        clocks.fence(0);
        clocks.strong(0, 64, Access::StrongRead);
        clocks.strong(1, 64, Access::StrongRead);
        assert!(!clocks.is_before(0, epoch, 1), "nothing was written");
        clocks.strong(0, 64, Access::StrongWrite);
        clocks.strong(1, 64, Access::StrongWrite);
        assert!(!clocks.is_before(0, epoch, 1), "nothing was read");
        clocks.strong(1, 64, Access::StrongRead);
        assert!(clocks.is_before(0, epoch, 1));
    }
}
