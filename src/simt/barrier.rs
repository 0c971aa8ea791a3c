//! The barriers of a block: who has arrived, and when they open.

use crate::{
    exec::{Arrival, barrier_result},
    program::Kernel,
    registers::LANES,
    trap::{Step, Stop, TrapKind},
    warp::{Reason, Warp},
};

/// How many barriers a block has.
const BARRIERS: usize = 16;

/// A barrier between two completions.
#[derive(Debug, Clone, Copy, Default)]
struct Barrier {
    /// Threads that it opens for, where its count says so.
    expected: Option<u32>,
    /// Threads as the count takes them: a whole warp is 32, whoever of it is left.
    counted: u32,
    /// Threads that have arrived, and those whose predicate holds.
    arrived: u32,
    holding: u32,
    /// The instruction at which the first did.
    first: u32,
}

/// A barrier that has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) id: u32,
    /// The instruction at which the first thread arrived.
    pub(crate) first: u32,
}

/// The barriers of a block.
#[derive(Debug, Default)]
pub(crate) struct Barriers([Barrier; BARRIERS]);

impl Barriers {
    /// Enters an arrival.
    pub(crate) fn arrive(&mut self, arrival: &Arrival) -> Step {
        let barrier = &mut self.0[arrival.id as usize % BARRIERS];
        if barrier.arrived == 0 {
            barrier.expected = arrival.threads;
            barrier.first = arrival.at;
        } else if barrier.expected != arrival.threads {
            let detail = format!("barrier {} is used with different thread counts at once", arrival.id);
            return Err(Stop::trap(TrapKind::DivergentBarrier, arrival.lanes, detail));
        }
        let lanes = arrival.lanes.count_ones();
        barrier.counted += if arrival.whole { LANES as u32 } else { lanes };
        barrier.arrived += lanes;
        barrier.holding += arrival.holds.count_ones();
        Ok(())
    }

    /// Opens the barriers at which everyone has arrived, and gives which. Threads that have exited are not waited
    /// for.
    pub(crate) fn open(&mut self, kernel: &Kernel, warps: &mut [Warp]) -> Vec<Opened> {
        let mut opened = Vec::new();
        for (id, barrier) in (0..).zip(&mut self.0).filter(|(_, barrier)| barrier.arrived != 0) {
            let complete = match barrier.expected {
                Some(expected) => barrier.counted >= expected,
                None => barrier.arrived >= warps.iter().map(|warp| warp.alive.count_ones()).sum(),
            };
            if !complete {
                continue;
            }
            let Barrier { arrived, holding, first, .. } = std::mem::take(barrier);
            opened.push(Opened { id, first });
            for warp in warps.iter_mut() {
                let mut lanes = 0;
                for waiting in warp.waiting.iter().filter(|waiting| waiting.reason == Reason::Barrier(id)) {
                    let at = kernel.blocks[waiting.at() as usize].end as usize;
                    barrier_result(&kernel.code[at], &mut warp.registers, waiting.lanes(), holding, arrived);
                    lanes |= waiting.lanes();
                }
                if lanes != 0 {
                    warp.let_go(lanes, |waiting| {
                        (waiting.reason == Reason::Barrier(id))
                            .then(|| kernel.blocks[waiting.at() as usize].next)
                    });
                }
            }
        }
        opened
    }

    /// What there is to say of a barrier that does not open.
    pub(crate) fn describe(&self, id: u32) -> String {
        let barrier = self.0[id as usize % BARRIERS];
        let expected = match barrier.expected {
            Some(threads) => format!("{threads} threads"),
            None => "all threads of the block".to_owned(),
        };
        format!("{} threads have arrived at barrier {id}, which is for {expected}", barrier.arrived)
    }
}
