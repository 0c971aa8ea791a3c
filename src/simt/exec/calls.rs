//! Calls and returns.
//!
//! Functions have registers of their own, so a call saves none but those of a function that may be running already.

use super::{Context, Room, builtins};
use crate::{
    cfg::Block,
    decode::Functions,
    instruction::Callee,
    program::Function,
    registers::{LANES, Registers},
    trap::{Step, Stop, TrapKind},
    warp::{Activation, Warp},
};

/// Bytes of stack that a thread has: frames, and the registers that recursive calls save.
const STACK_BYTES: u32 = 64 << 10;

/// `call`: the lanes of `chosen` enter functions, the others wait for them.
pub(super) fn call(
    context: &Context<'_>,
    room: &mut Room,
    warp: &mut Warp,
    block: &Block,
    chosen: u32,
) -> Step {
    let kernel = context.kernel;
    let instruction = &kernel.code[block.end as usize];
    let Some(call) = kernel.tables.calls.get(usize::from(instruction.m)) else {
        return Err(Stop::fault("a call of nothing"));
    };
    let mut calls = Vec::new();
    match &call.callee {
        Callee::Function(index) => calls.push((chosen, *index)),
        Callee::Builtin(builtin) => {
            builtins::run(context, room, warp, (block.end, *builtin), call.frame_bytes, chosen)?;
            warp.go(block.next);
            return Ok(());
        }
        Callee::Address { shape } => {
            let addresses = warp.registers.wide[usize::from(instruction.a)].0;
            let mut rest = chosen;
            while rest != 0 {
                let address = addresses[rest.trailing_zeros() as usize & 31];
                let same = (0..LANES).filter(|lane| addresses[*lane] == address);
                let group = same.fold(0, |group, lane| group | 1 << lane) & rest;
                let found = Functions::at(address)
                    .and_then(|id| kernel.functions.iter().position(|function| function.id == id));
                let Some(index) = found else {
                    let detail = format!("a call of {address:#x}, which is no function's address");
                    return Err(Stop::trap(TrapKind::InvalidTarget, group, detail));
                };
                if kernel.functions[index].shape != *shape {
                    let detail =
                        "the function called has other parameters than the call's prototype".to_owned();
                    return Err(Stop::trap(TrapKind::InvalidTarget, group, detail));
                }
                calls.push((group, index as u32));
                rest &= !group;
            }
        }
    }
    let enter = calls.into_iter().map(|(lanes, index)| {
        let Some(function) = kernel.functions.get(index as usize) else {
            return Err(Stop::fault("a call of a function that is not there"));
        };
        let activation = enter(context, warp, index, function, call.frame_bytes, lanes)?;
        Ok((lanes, function.entry, activation))
    });
    let calls = enter.collect::<Step<Vec<_>>>()?;
    warp.call(calls, block.next);
    Ok(())
}

/// Prepares a function's registers and frame.
fn enter(
    context: &Context<'_>,
    warp: &mut Warp,
    index: u32,
    function: &Function,
    frame_bytes: u32,
    lanes: u32,
) -> Step<Activation> {
    let slots = &context.kernel.slots.functions[index as usize];
    let (frame, stack) = warp.activation().map_or((0, 0), |caller| (caller.frame, caller.stack));
    let frame = frame.saturating_add(frame_bytes);
    let [narrow, wide, predicates] = slots.own.clone();
    let saved_bytes =
        if function.recursive { 4 * (narrow.len() + predicates.len()) + 8 * wide.len() } else { 0 };
    let stack = stack.saturating_add(frame_bytes).saturating_add(16 + saved_bytes as u32);
    if stack.saturating_add(function.stack_bytes) > STACK_BYTES {
        let detail = format!("the calls of a thread need more than its {STACK_BYTES} bytes of stack");
        return Err(Stop::trap(TrapKind::StackOverflow, lanes, detail));
    }
    warp.reserve_local(frame as usize + function.stack_bytes as usize);
    let registers = &mut warp.registers;
    let saved = if function.recursive {
        Registers {
            narrow: registers.narrow[narrow].to_vec(),
            wide: registers.wide[wide].to_vec(),
            predicates: registers.predicates[predicates].to_vec(),
        }
    } else {
        Registers::default()
    };
    for place in &slots.uninitialised {
        registers.fill(place.file, place.slot, lanes, 0);
    }
    for pointer in &context.kernel.tables.frame_pointers[function.pointers.clone()] {
        let address = u64::from(frame) + u64::from(pointer.offset);
        registers.fill(crate::registers::File::Wide, pointer.slot, lanes, address);
    }
    Ok(Activation { frame, stack, function: index, saved })
}

/// `ret` in a function.
pub(super) fn ret(context: &Context<'_>, warp: &mut Warp, lanes: u32) -> Step {
    let Some(Activation { function, saved, .. }) = warp.activation() else {
        return Err(Stop::fault("a return without a call"));
    };
    let (index, saved) = (*function as usize, saved.clone());
    if context.kernel.functions.get(index).is_some_and(|function| function.recursive) {
        let [narrow, wide, predicates] = context.kernel.slots.functions[index].own.clone();
        let registers = &mut warp.registers;
        let keep = |lane: usize| lanes >> lane & 1 != 0;
        for (now, before) in registers.narrow[narrow].iter_mut().zip(&saved.narrow) {
            (0..LANES).filter(|lane| keep(*lane)).for_each(|lane| now.0[lane] = before.0[lane]);
        }
        for (now, before) in registers.wide[wide].iter_mut().zip(&saved.wide) {
            (0..LANES).filter(|lane| keep(*lane)).for_each(|lane| now.0[lane] = before.0[lane]);
        }
        for (now, before) in registers.predicates[predicates].iter_mut().zip(&saved.predicates) {
            *now = *now & !lanes | before & lanes;
        }
    }
    warp.ret(lanes);
    Ok(())
}
