//! Machine code that can be run. What makes this sound is that the code was assembled for a kernel's own slots, and is
//! only run on registers that have as many.

#![allow(unsafe_code, reason = "running machine code")]

use memmap2::{Mmap, MmapMut};

use super::reach::{Reach, Stream, Window};
use crate::{
    exec::SharedMemory,
    memory::Bytes,
    registers::{Lanes, Registers},
};

/// What machine code finds from `rbp` on. Its offsets are written out where it is assembled.
#[repr(C)]
struct Frame {
    streams: *mut Stream,
    windows: *const Window,
    /// What takes an address of global memory to one of the host.
    delta: u64,
    /// The host's address of shared memory.
    shared: u64,
    /// Lanes that a branch has to take for another round.
    mask: u64,
    /// How many more rounds there may be.
    rounds: u64,
    /// By guarded instruction, lanes that ran it.
    guarded: *mut u64,
    /// How many rounds there might be when the code was entered.
    allowed: u64,
    /// The kernel's parameters.
    params: *const u8,
}

/// `push rbx; push rbp; push r12; push r13; push r14; push r15; mov rbp, rcx; mov rbx, [rbp + streams];
/// mov r11, [rbp + windows]`
pub(super) const PROLOGUE: &[u8] = &[
    0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x48, 0x89, 0xCD, 0x48, 0x8B, 0x5D, 0, 0x4C,
    0x8B, 0x5D, 8,
];

/// `pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx; ret`
pub(super) const EPILOGUE: &[u8] = &[0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3];

/// The arguments: lane 0 of slot 0 of the three register files, and the rest. Gives 0, or one more than the index of an
/// exit that it took.
type Entry = extern "sysv64" fn(*mut Lanes<u32>, *mut Lanes<u64>, *mut u32, *mut Frame) -> u32;

/// What is around the registers that code runs on.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) bytes: &'a Bytes,
    pub(crate) shared: &'a SharedMemory,
    pub(crate) params: &'a [u8],
    /// The lanes that run.
    pub(crate) mask: u32,
}

/// Assembled pieces of one kernel.
#[derive(Debug)]
pub(super) struct MachineCode {
    map: Mmap,
    /// Slots of the narrow, wide and predicate files that the code knows.
    slots: [usize; 3],
    windows: usize,
    streams: usize,
    guarded: usize,
}

impl MachineCode {
    /// Code for a kernel with so many slots, windows, streams and guarded instructions; `None` where the system has no
    /// memory to execute.
    pub(super) fn new(
        bytes: &[u8],
        slots: [usize; 3],
        [windows, streams, guarded]: [usize; 3],
    ) -> Option<Self> {
        let mut map = MmapMut::map_anon(bytes.len()).ok()?;
        map.copy_from_slice(bytes);
        Some(MachineCode { map: map.make_exec().ok()?, slots, windows, streams, guarded })
    }

    /// Runs the code at `entry`; `None` if the registers are those of another kernel.
    #[inline(always)]
    pub(super) fn run(
        &self,
        entry: u32,
        registers: &mut Registers,
        reach: &mut Reach,
        surroundings: Surroundings<'_>,
        rounds: &mut u64,
    ) -> Option<u32> {
        let Registers { narrow, wide, predicates } = registers;
        let [narrow_slots, wide_slots, predicate_slots] = self.slots;
        let fits = narrow.len() >= narrow_slots
            && wide.len() >= wide_slots
            && predicates.len() >= predicate_slots
            && reach.windows.len() >= self.windows
            && reach.streams.len() >= self.streams
            && reach.guarded.len() >= self.guarded
            && (entry as usize) < self.map.len();
        if !fits {
            return None;
        }
        let Surroundings { bytes, shared, params, mask } = surroundings;
        let mut frame = Frame {
            streams: reach.streams.as_mut_ptr(),
            windows: reach.windows.as_ptr(),
            delta: bytes.host_address().wrapping_sub(bytes.base()),
            shared: shared.host_address(),
            mask: u64::from(mask),
            rounds: *rounds,
            guarded: reach.guarded.as_mut_ptr(),
            allowed: *rounds,
            params: params.as_ptr(),
        };
        // SAFETY: only this crate's assembler makes entries, each the start of a function of this type. It reaches no
        // more slots, windows, streams and guarded instructions than were checked for, and leaves every register alone that a caller keeps.
        // It reads memory by aligned accesses only where a window says so, and windows lie within an allocation, which lies
        // in `bytes`, or within the bytes of shared memory or of the parameters.
        let run = unsafe { std::mem::transmute::<*const u8, Entry>(self.map.as_ptr().add(entry as usize)) };
        let left = run(narrow.as_mut_ptr(), wide.as_mut_ptr(), predicates.as_mut_ptr(), &raw mut frame);
        *rounds = frame.rounds;
        Some(left)
    }
}
