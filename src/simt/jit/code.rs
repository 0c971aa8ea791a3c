//! Machine code that can be run. What makes this sound is that the code was assembled for a kernel's own slots, and is
//! only run on registers that have as many.

#![allow(unsafe_code, reason = "running machine code")]

use memmap2::{Mmap, MmapMut};

use crate::{
    memory::{Allocation, Bytes},
    registers::{Lanes, Registers},
};

/// The arguments: lane 0 of slot 0 of the three register files, the allocation that each access hit last, and what takes
/// an address of the device to one of the host. Gives 0, or one more than the index of an exit that it took.
type Entry = extern "sysv64" fn(*mut Lanes<u32>, *mut Lanes<u64>, *mut u32, *const Allocation, u64) -> u32;

/// Assembled pieces of one kernel.
#[derive(Debug)]
pub(super) struct MachineCode {
    map: Mmap,
    /// Slots of the narrow, wide and predicate files that the code knows, and accesses.
    slots: [usize; 3],
    accesses: usize,
}

impl MachineCode {
    /// Code for a kernel with so many slots and accesses; `None` where the system has no memory to execute.
    pub(super) fn new(bytes: &[u8], slots: [usize; 3], accesses: usize) -> Option<Self> {
        let mut map = MmapMut::map_anon(bytes.len()).ok()?;
        map.copy_from_slice(bytes);
        Some(MachineCode { map: map.make_exec().ok()?, slots, accesses })
    }

    /// Runs the code at `entry`; `None` if the registers are those of another kernel.
    #[inline(always)]
    pub(super) fn run(
        &self,
        entry: u32,
        registers: &mut Registers,
        recent: &[Allocation],
        bytes: &Bytes,
    ) -> Option<u32> {
        let Registers { narrow, wide, predicates } = registers;
        let [narrow_slots, wide_slots, predicate_slots] = self.slots;
        let fits = narrow.len() >= narrow_slots
            && wide.len() >= wide_slots
            && predicates.len() >= predicate_slots
            && recent.len() >= self.accesses
            && (entry as usize) < self.map.len();
        if !fits {
            return None;
        }
        // SAFETY: only this crate's assembler makes entries, each the start of a function of this type. It reaches no
        // more slots and accesses than were checked for, leaves every register alone that a caller keeps, and reads
        // global memory only within an allocation, which lies in `bytes`, by aligned accesses of words.
        let run = unsafe { std::mem::transmute::<*const u8, Entry>(self.map.as_ptr().add(entry as usize)) };
        let delta = bytes.host_address().wrapping_sub(bytes.base());
        Some(run(narrow.as_mut_ptr(), wide.as_mut_ptr(), predicates.as_mut_ptr(), recent.as_ptr(), delta))
    }
}
