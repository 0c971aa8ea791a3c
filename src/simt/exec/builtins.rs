//! The functions of CUDA's device runtime: `printf`, `malloc`, `free`, and what a failed `assert` calls. Arguments and results
//! lie where a function's frame would begin, as those of every call.

use super::{Context, Room, printf};
use crate::{
    instruction::Builtin,
    memory::window,
    registers::LANES,
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};

/// Bytes that the kernels of a launch may print: the size of CUDA's buffer unless told otherwise.
const PRINT_BYTES: usize = 1 << 20;

/// Runs the function that the call `at` names for the lanes of `chosen`, one after another.
pub(super) fn run(
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    (at, builtin): (u32, Builtin),
    frame_bytes: u32,
    chosen: u32,
) -> Step {
    let frame = warp.activation().map_or(0, |caller| caller.frame).saturating_add(frame_bytes);
    for lane in (0..LANES as u32).filter(|lane| chosen >> lane & 1 != 0) {
        let argument = |at: u32, bytes: usize| read(warp, lane, frame + at, bytes);
        match builtin {
            Builtin::AssertFail => {
                let text = |at: u32| shown(context, argument(at, 8));
                let detail =
                    format!("assertion `{}` failed in {}, line {}", text(0), text(8), argument(16, 4));
                return Err(Stop::trap(TrapKind::Trap, chosen, detail));
            }
            Builtin::Print => {
                let format = bytes_at(context, warp, lane, argument(8, 8));
                let mut arguments = List { context, warp, lane, at: argument(16, 8) };
                let (text, taken) = printf::format(&format, &mut arguments);
                let result = if print(context, room.block, &text) { taken as i32 } else { -1 };
                write(warp, lane, frame, &result.to_le_bytes());
            }
            Builtin::Allocate => {
                let bytes = argument(8, 8);
                let address = context.memory.heap_allocate(bytes).unwrap_or(0);
                let sanitizer = room.watch.as_mut().and_then(|watch| watch.sanitizer.as_mut());
                if let Some(sanitizer) = sanitizer.filter(|_| address != 0) {
                    let leak = sanitizer.allocated(at, (warp.index, lane), address, bytes);
                    context.memory.remember_leak(address, leak);
                }
                write(warp, lane, frame, &address.to_le_bytes());
            }
            Builtin::Free => {
                let address = argument(0, 8);
                if address != 0 && !context.memory.heap_free(address) {
                    let detail =
                        format!("free of {address:#x}, which `malloc` did not give or was freed before");
                    return Err(Stop::trap(TrapKind::UseAfterFree, 1 << lane, detail));
                }
            }
        }
    }
    Ok(())
}

/// Appends to what a block has printed, unless there is no room left.
fn print(context: &Context<'_>, block: [u32; 3], text: &[u8]) -> bool {
    let [x, y, z] = block.map(u64::from);
    let [across, down, _] = context.config.grid.map(u64::from);
    let mut printed = context.printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if printed.values().map(Vec::len).sum::<usize>() + text.len() > PRINT_BYTES {
        return false;
    }
    printed.entry((z * down + y) * across + x).or_default().extend(text);
    true
}

/// The arguments of a `printf`, which lie at a generic address, each aligned to its size.
struct List<'a> {
    context: &'a Context<'a>,
    warp: &'a Warp,
    lane: u32,
    at: u64,
}

impl printf::Arguments for List<'_> {
    fn next(&mut self, bytes: u32) -> u64 {
        self.at = self.at.next_multiple_of(u64::from(bytes));
        let value = (0..u64::from(bytes)).rev().fold(0, |value, i| {
            value << 8 | u64::from(byte_at(self.context, self.warp, self.lane, self.at + i).unwrap_or(0))
        });
        self.at += u64::from(bytes);
        value
    }

    fn text(&self, address: u64) -> Vec<u8> {
        bytes_at(self.context, self.warp, self.lane, address)
    }
}

/// `bytes` bytes of a lane's local memory.
fn read(warp: &Warp, lane: u32, at: u32, bytes: usize) -> u64 {
    let stride = warp.local.len() / LANES;
    let first = lane as usize * stride + at as usize;
    let mut value = [0; 8];
    if let Some(found) = warp.local.get(first..first + bytes) {
        value[..bytes].copy_from_slice(found);
    }
    u64::from_le_bytes(value)
}

fn write(warp: &mut Warp, lane: u32, at: u32, bytes: &[u8]) {
    let stride = warp.local.len() / LANES;
    let first = lane as usize * stride + at as usize;
    if let Some(place) = warp.local.get_mut(first..first + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// The byte at a generic address in local or global memory.
fn byte_at(context: &Context<'_>, warp: &Warp, lane: u32, address: u64) -> Option<u8> {
    if window::LOCAL.contains(address) {
        let stride = (warp.local.len() / LANES) as u64;
        let at = address - window::LOCAL.base;
        return (at < stride).then(|| warp.local[(u64::from(lane) * stride + at) as usize]);
    }
    context.allocations.find(address).filter(|_| window::GLOBAL.contains(address))?;
    context.bytes.load::<u8>(address.wrapping_sub(context.bytes.base()))
}

/// The bytes from a generic address up to a zero byte, or to the end of what is there.
fn bytes_at(context: &Context<'_>, warp: &Warp, lane: u32, address: u64) -> Vec<u8> {
    (address..)
        .take(PRINT_BYTES)
        .map_while(|at| byte_at(context, warp, lane, at))
        .take_while(|byte| *byte != 0)
        .collect()
}

/// The text at a generic address in global memory, for people.
fn shown(context: &Context<'_>, address: u64) -> String {
    let Some(allocation) = context.allocations.find(address).filter(|_| window::GLOBAL.contains(address))
    else {
        return format!("{address:#x}");
    };
    let bytes = (address..allocation.end)
        .map_while(|at| context.bytes.load::<u8>(at.wrapping_sub(context.bytes.base())))
        .take_while(|byte| *byte != 0);
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
