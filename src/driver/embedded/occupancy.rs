//! How many blocks of a kernel fit a multiprocessor: by threads, by shared memory and by their number.
//!
//! Registers are left out: PTX names virtual ones, and how many a GPU's assembler would keep is not known
//! here.

use crate::embedded::device::*;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::module::Function;

impl Function {
    /// Blocks of `block_threads` threads and `dynamic_shared_bytes` that a multiprocessor holds at once; 0
    /// where one does not fit.
    pub(crate) fn blocks_per_multiprocessor(
        &self,
        block_threads: i32,
        dynamic_shared_bytes: usize,
    ) -> Answer<u32> {
        let threads = block_size(block_threads)?;
        if threads > self.max_block_threads()?
            || dynamic_shared_bytes > self.max_dynamic_shared_bytes() as usize
        {
            return Ok(0);
        }
        let shared =
            self.kernel()?.static_shared_bytes() + dynamic_shared_bytes as u32 + SHARED_BYTES_RESERVED;
        let by_threads = SM_THREADS / threads.next_multiple_of(WARP);
        Ok(by_threads.min(SM_SHARED_BYTES / shared).min(SM_BLOCKS))
    }

    /// Dynamic shared memory, in bytes, that each of `blocks` blocks on a multiprocessor can have.
    pub(crate) fn shared_bytes_for(&self, blocks: i32, block_threads: i32) -> Answer<usize> {
        let wanted = u32::try_from(blocks).ok().filter(|blocks| *blocks > 0);
        let wanted =
            wanted.ok_or_else(|| Failure::invalid_value(format!("{blocks} is no number of blocks")))?;
        if wanted > self.blocks_per_multiprocessor(block_threads, 0)? {
            return Err(Failure::invalid_value(format!(
                "{wanted} blocks of {block_threads} threads do not fit a multiprocessor"
            )));
        }
        let fixed = self.kernel()?.static_shared_bytes() + SHARED_BYTES_RESERVED;
        let share = (SM_SHARED_BYTES / wanted).saturating_sub(fixed);
        Ok(share.min(self.max_dynamic_shared_bytes()) as usize)
    }

    /// The block size, a multiple of the warp unless `limit` is smaller, that fills a multiprocessor best,
    /// and the smallest grid that fills the device with it; of equals the largest block. `limit` 0 is no
    /// limit; `shared_bytes` is for a block of so many threads.
    pub(crate) fn best_block_size(
        &self,
        limit: i32,
        shared_bytes: impl Fn(i32) -> usize,
    ) -> Answer<(u32, u32)> {
        let most = self.max_block_threads()?;
        let most = if limit > 0 { most.min(limit.unsigned_abs()) } else { most };
        let whole_warps = (1..=most / WARP).rev().map(|warps| warps * WARP);
        let sizes = (!most.is_multiple_of(WARP)).then_some(most).into_iter().chain(whole_warps);
        let mut best = (0, 0, 0);
        for threads in sizes {
            let blocks = self.blocks_per_multiprocessor(threads as i32, shared_bytes(threads as i32))?;
            if blocks * threads > best.0 {
                best = (blocks * threads, blocks, threads);
            }
        }
        let (_, blocks, threads) = best;
        if threads == 0 {
            return Err(Failure::invalid_value(format!(
                "no block of kernel `{}` fits a multiprocessor",
                self.name
            )));
        }
        Ok((blocks * SM_COUNT, threads))
    }
}

fn block_size(threads: i32) -> Answer<u32> {
    u32::try_from(threads)
        .ok()
        .filter(|threads| *threads > 0)
        .ok_or_else(|| Failure::invalid_value(format!("{threads} is no number of threads")))
}
