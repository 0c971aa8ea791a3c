//! What looks over the shoulder of a launch that asks for it: each instruction is seen before it runs.
//!
//! Addresses are taken from the registers once more, so that the paths of loads and stores, which are many, need not know.

use std::{collections::HashMap, sync::Arc};

use super::{
    Context, Room, SharedMemory,
    addressing::{addresses, by_space},
    guard_mask,
};
use crate::{
    decode::BarrierMode,
    footprint::{BlockFootprint, Footprint},
    instruction::{self, Instruction, NO_SLOT, Space},
    isa::Code,
    level::Baseline,
    registers::{FULL, LANES},
    sanitizer::{Access, Request, Sanitizer},
    warp::Warp,
};

/// What a worker's launch is watched for.
#[derive(Debug)]
pub(crate) struct Watch {
    footprint: Option<(Arc<Footprint>, BlockFootprint)>,
    pub(crate) sanitizer: Option<Box<Sanitizer>>,
    /// The block at work.
    block: u64,
    /// What blocks have touched that wait for others.
    aside: HashMap<u64, BlockFootprint>,
}

impl Watch {
    /// Watches what is asked for; `None` where nothing is.
    pub(crate) fn new(footprint: Option<&Arc<Footprint>>, sanitizer: Option<Box<Sanitizer>>) -> Option<Self> {
        let footprint = footprint.map(|footprint| (Arc::clone(footprint), footprint.of_block()));
        let watch = Watch { footprint, sanitizer, block: 0, aside: HashMap::new() };
        (watch.footprint.is_some() || watch.sanitizer.is_some()).then_some(watch)
    }

    /// A block starts.
    pub(crate) fn block_starts(&mut self, block: u64) {
        self.block = block;
        if let Some(sanitizer) = &mut self.sanitizer {
            sanitizer.block_starts(block);
        }
    }

    /// A block that waited goes on.
    pub(crate) fn block_goes_on(&mut self, block: u64) {
        self.block = block;
        if let (Some((_, here)), Some(touched)) = (&mut self.footprint, self.aside.remove(&block)) {
            *here = touched;
        }
        if let Some(sanitizer) = &mut self.sanitizer {
            sanitizer.block_goes_on(block);
        }
    }

    /// The block at work has ended, or waits for others.
    pub(crate) fn block_leaves(&mut self, waits: bool) {
        if let Some((footprint, here)) = &mut self.footprint {
            if waits {
                self.aside.insert(self.block, std::mem::replace(here, footprint.of_block()));
            } else {
                footprint.add(here);
            }
        }
        if let Some(sanitizer) = &mut self.sanitizer
            && waits
        {
            sanitizer.block_waits();
        }
    }

    /// A warp of the block starts.
    pub(crate) fn warp_starts(&mut self, warp: u32) {
        if let Some(sanitizer) = &mut self.sanitizer {
            sanitizer.warp_starts(warp);
        }
    }

    /// A warp arrives at a barrier.
    pub(crate) fn arrives(&mut self, barrier: u32, warp: u32, mode: BarrierMode) {
        if let Some(sanitizer) = &mut self.sanitizer {
            sanitizer.arrives(barrier, warp, mode != BarrierMode::Arrive);
        }
    }

    /// A barrier opens.
    pub(crate) fn opens(&mut self, barrier: u32) {
        if let Some(sanitizer) = &mut self.sanitizer {
            sanitizer.opens(barrier);
        }
    }

    /// Sees what the lanes of `mask` want of memory, if anything.
    fn requests(
        &mut self,
        context: &Context<'_>,
        warp: &Warp,
        mask: u32,
        at: u32,
        instruction: &Instruction,
    ) {
        let site = usize::from(instruction.m);
        match instruction.code {
            Code::Load | Code::Store => {
                let stores = instruction.code == Code::Store;
                let how = match (stores, context.kernel.tables.accesses[site].strong) {
                    (false, false) => Access::Read,
                    (false, true) => Access::StrongRead,
                    (true, false) => Access::Write,
                    (true, true) => Access::StrongWrite,
                };
                self.request(context, warp, mask, at, site, how, stores);
            }
            Code::Atomic => self.request(context, warp, mask, at, site, Access::Atomic, false),
            Code::LoadMatrix | Code::StoreMatrix => {
                // A lane's address is that of a row, eight lanes' of a matrix.
                let matrices = usize::from(context.kernel.tables.accesses[site].count).min(4);
                let rows = FULL >> (LANES - 8 * matrices);
                let how = if instruction.code == Code::LoadMatrix { Access::Read } else { Access::Write };
                self.request(context, warp, rows & mask, at, site, how, false);
            }
            Code::CopyAsync => {
                self.request(context, warp, mask, at, site, Access::Write, false);
                // Lanes that read less than they write are let pass.
                let width = u32::from(context.kernel.tables.accesses[site].width);
                let mut whole = mask;
                if instruction.c != NO_SLOT {
                    let wanted = &warp.registers.narrow[usize::from(instruction.c)].0;
                    whole &= (0..LANES).fold(0, |lanes, i| lanes | u32::from(wanted[i] == width) << i);
                }
                if instruction.d != NO_SLOT {
                    whole &= !warp.registers.predicates[usize::from(instruction.d)];
                }
                if whole != 0 {
                    self.request(context, warp, whole, at, site + 1, Access::Read, false);
                }
            }
            Code::BulkLoad => {
                self.bulk(context, warp, mask, at, site, Access::Write, instruction);
                self.bulk(context, warp, mask, at, site + 1, Access::Read, instruction);
                // Its bytes count for the mbarrier, and whoever waits there may use them.
                self.mbarrier(context, warp, mask, site + 2);
            }
            Code::BulkStore => {
                self.bulk(context, warp, mask, at, site, Access::Write, instruction);
                self.bulk(context, warp, mask, at, site + 1, Access::Read, instruction);
            }
            Code::BarrierInit
            | Code::BarrierArrive
            | Code::BarrierExpect
            | Code::BarrierComplete
            | Code::BarrierTest
            | Code::BarrierTrack => self.mbarrier(context, warp, mask, site),
            _ => {}
        }
    }

    /// Sees lanes use an mbarrier, which orders those that do.
    fn mbarrier(&mut self, context: &Context<'_>, warp: &Warp, mask: u32, site: usize) {
        let Some(sanitizer) = &mut self.sanitizer else { return };
        let access = &context.kernel.tables.accesses[site];
        let addresses = addresses(Baseline, access, warp, mask);
        let _ = by_space(access, &addresses, mask, |_, mask, addresses| {
            (0..LANES)
                .filter(|lane| mask >> lane & 1 != 0)
                .for_each(|lane| sanitizer.mbarrier(warp.index, addresses[lane]));
            Ok(())
        });
    }

    /// Sees each lane's part of a bulk copy, 16 bytes at a time.
    #[allow(clippy::too_many_arguments, reason = "the parts of one request")]
    fn bulk(
        &mut self,
        context: &Context<'_>,
        warp: &Warp,
        mask: u32,
        at: u32,
        site: usize,
        how: Access,
        instruction: &Instruction,
    ) {
        const UNIT: u64 = 16;
        let access = &context.kernel.tables.accesses[site];
        let addresses = addresses(Baseline, access, warp, mask);
        let sizes = warp.registers.narrow[usize::from(instruction.c)].0;
        let request = Request { at, access: how, size: UNIT, releases: false, stored: None };
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // No more fits into shared memory.
            let size = u64::from(sizes[lane]).min(SharedMemory::LIMIT.into());
            for part in (0..size).step_by(UNIT as usize) {
                let address = addresses[lane].wrapping_add(part);
                self.lanes(context, warp, 1 << lane, access, &[address; LANES], &request);
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one request")]
    fn request(
        &mut self,
        context: &Context<'_>,
        warp: &Warp,
        mask: u32,
        at: u32,
        site: usize,
        how: Access,
        stores_registers: bool,
    ) {
        let access = &context.kernel.tables.accesses[site];
        if matches!(access.space, Space::Param | Space::Const) {
            return;
        }
        let code = context.kernel.code[at as usize].code;
        let size = match code {
            Code::LoadMatrix | Code::StoreMatrix => 16,
            _ => u64::from(access.width) * u64::from(access.count),
        };
        let stored = stores_registers.then_some(access);
        // Further elements of a vector atomic were seen with the first.
        if size != 0 {
            let request = Request { at, access: how, size, releases: access.releases, stored };
            let addresses = addresses(Baseline, access, warp, mask);
            self.lanes(context, warp, mask, access, &addresses, &request);
        }
    }

    /// Sees the lanes of `mask` use memory at their addresses.
    fn lanes(
        &mut self,
        context: &Context<'_>,
        warp: &Warp,
        mask: u32,
        access: &instruction::Access,
        addresses: &[u64; LANES],
        request: &Request<'_>,
    ) {
        let Watch { footprint, sanitizer, .. } = self;
        // The closure never fails.
        let _ = by_space(access, addresses, mask, |space, mask, addresses| {
            if let Some((_, block)) = footprint
                && matches!(space, Space::Global | Space::Generic)
            {
                block.mark(request.access, addresses, mask);
            }
            if let Some(sanitizer) = sanitizer {
                sanitizer.request(context, warp, mask, space, addresses, request);
            }
            Ok(())
        });
    }
}

/// Sees the instruction `at`, which the warp is about to run.
#[inline(never)]
pub(super) fn before(context: &Context<'_>, room: &mut Room, warp: &Warp, at: u32) {
    let Some(watch) = &mut room.watch else { return };
    let instruction = &context.kernel.code[at as usize];
    let mask = guard_mask(instruction, warp);
    if mask == 0 {
        return;
    }
    if let Some(sanitizer) = &mut watch.sanitizer {
        let members = match instruction.code {
            Code::WarpBarrier => {
                let lane = mask.trailing_zeros() as usize % LANES;
                warp.registers.narrow[usize::from(instruction.e)].0[lane]
            }
            _ => 0,
        };
        sanitizer.before(warp, mask, at, instruction.code, members);
    }
    watch.requests(context, warp, mask, at, instruction);
}
