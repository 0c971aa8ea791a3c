//! Calls, and what a function does when it is entered and left: arguments and results move through its frame.
//!
//! The caller writes arguments where the callee's frame will begin and finds the results there afterwards. The moves are
//! helpers that do not count; where registers are passed they stand for what the hardware's calling convention does.

use std::{collections::HashMap, sync::Arc};

use pipe_ptx::ast::{self, Operand, Type};

use super::{
    Decoder, FunctionId, Outcome, Parts, Problem,
    function::{Formal, Signature},
    operand::span_of,
    scope::{Callees, Symbol, SymbolPlace, bits_of, file_of},
};
use crate::{
    instruction::{Access, Builtin, Call, Callee, Constant, Instruction, NO_SLOT, Place, Space},
    isa::{Code, Kind},
    registers::{File, Slot},
};

/// The frame of the kernel or function at hand.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// The function, by its index in the kernel; `None` for the kernel itself.
    pub(super) function: Option<u32>,
    /// Bytes of parameters, results and variables.
    pub(super) bytes: u32,
    /// Their strictest alignment.
    pub(super) align: u32,
    /// Most bytes that a call passes and returns.
    outgoing: u32,
    /// Registers that hold addresses in the frame, by offset.
    pointers: HashMap<u32, Slot>,
    /// Accesses to arguments of calls: their offsets count from the frame's end, wherever that will be.
    beyond: Vec<usize>,
    /// Calls made, by index.
    calls: Vec<usize>,
    /// Results that are registers, to be stored when the function is left.
    returns: Vec<(Place, u32, u8)>,
}

impl Frame {
    /// The place of a variable at an offset.
    pub(super) fn place(&self, offset: u32) -> SymbolPlace {
        match self.function {
            None => SymbolPlace::Offset(u64::from(offset)),
            Some(_) => SymbolPlace::Frame(offset),
        }
    }

    /// Bytes that the frame takes where frames are aligned to `align`.
    fn rounded(&self, align: u32) -> u32 {
        self.bytes.next_multiple_of(align)
    }

    /// Bytes of local memory that the function needs, calls not counted.
    pub(super) fn stack_bytes(&self, align: u32) -> u32 {
        if self.outgoing == 0 { self.bytes } else { self.rounded(align) + self.outgoing }
    }
}

/// A function of a kernel.
#[derive(Debug, Clone)]
pub(crate) struct Routine {
    /// Which of the module's functions it is.
    pub(crate) id: FunctionId,
    /// Its first instruction.
    pub(crate) first: u32,
    /// Bytes of local memory from its frame's beginning on.
    pub(crate) stack_bytes: u32,
    /// Offset and bytes of each result and parameter.
    pub(crate) shape: Vec<(u32, u32)>,
    /// The functions of the kernel that it calls, by index.
    pub(crate) calls: Vec<u32>,
}

/// One end of a copy between frames.
#[derive(Debug, Clone, Copy)]
enum End {
    /// A variable of the frame at hand.
    Within(Symbol),
    /// An offset beyond the frame, where the callee's begins.
    Beyond(u32),
}

/// A function that the device provides.
fn builtin(name: &str) -> Option<Builtin> {
    match name {
        "__assertfail" => Some(Builtin::AssertFail),
        "vprintf" => Some(Builtin::Print),
        "malloc" => Some(Builtin::Allocate),
        "free" => Some(Builtin::Free),
        _ => None,
    }
}

impl<'m> Decoder<'m> {
    /// Decodes a function of the kernel.
    pub(super) fn function(&mut self, index: u32, id: FunctionId, problems: &mut Vec<Problem>) {
        let Some(function) = self.functions.get(id) else { return };
        let Some(body) = &function.body else { return };
        let before = problems.len();
        let first = self.code.len() as u32;
        self.span = function.name.span;
        self.guard = crate::instruction::Guard::NONE;
        self.frame = Frame { function: Some(index), align: 1, ..Frame::default() };
        self.scopes.truncate(1);
        self.scopes.push(super::Scope::default());
        let signature = match Signature::of(&function.returns, &function.params) {
            Ok(signature) => signature,
            Err(problem) => return problems.push(problem),
        };
        self.frame.bytes = signature.bytes;
        self.frame.align = signature.align;
        for formal in &signature.params {
            if let Some(place) = self.declare_formal(formal) {
                let bytes = formal.bytes as u8;
                self.argument_access(Code::Load, End::Within(self.formal_symbol(formal)), 0, place, bytes);
            }
        }
        for formal in &signature.returns {
            if let Some(place) = self.declare_formal(formal) {
                self.frame.returns.push((place, formal.offset, formal.bytes as u8));
            }
        }
        self.block(body, problems);
        self.span = function.name.span;
        self.guard = crate::instruction::Guard::NONE;
        if problems.len() == before {
            self.leave();
        }
        let calls = self.frame.calls.clone();
        self.routines.push(Routine {
            id,
            first,
            stack_bytes: 0,
            shape: signature.shape(),
            calls: self.callees(&calls),
        });
        self.end_frame();
    }

    /// Puts the frame at hand among those that are complete.
    pub(super) fn end_frame(&mut self) {
        let frame = std::mem::take(&mut self.frame);
        for (offset, slot) in &frame.pointers {
            let function = frame.function.unwrap_or_default();
            let pointer = crate::instruction::FramePointer { function, slot: *slot, offset: *offset };
            self.tables.frame_pointers.push(pointer);
        }
        self.frames.push(frame);
    }

    /// Once all functions are decoded: where each frame ends is known.
    pub(super) fn lay_out_frames(&mut self) {
        let align = self.frames.iter().map(|frame| frame.align).max().unwrap_or(1).max(16);
        for frame in &self.frames {
            let end = frame.rounded(align);
            for access in &frame.beyond {
                let access = &mut self.tables.accesses[*access];
                access.offset = access.offset.wrapping_add(u64::from(end));
            }
            for call in &frame.calls {
                self.tables.calls[*call].frame_bytes = end;
            }
            match frame.function {
                None => self.local_bytes = frame.stack_bytes(align),
                Some(index) => {
                    if let Some(routine) = self.routines.get_mut(index as usize) {
                        routine.stack_bytes = frame.stack_bytes(align);
                    }
                }
            }
        }
        self.tables.frame_pointers.sort_by_key(|pointer| (pointer.function, pointer.offset));
    }

    /// The functions of the kernel that some calls may call; through an address it may be any whose address is taken.
    fn callees(&self, calls: &[usize]) -> Vec<u32> {
        let mut callees = Vec::new();
        for call in calls {
            match &self.tables.calls[*call].callee {
                Callee::Function(index) => callees.push(*index),
                Callee::Address { .. } => callees.extend(self.routine_of.values()),
                Callee::Builtin(_) => {}
            }
        }
        callees.sort_unstable();
        callees.dedup();
        callees
    }

    /// Enters a parameter or a result of the function at hand; gives its register if it is one.
    fn declare_formal(&mut self, formal: &Formal<'_>) -> Option<Place> {
        let variable = formal.variable;
        let name = &variable.name.name;
        if variable.space == ast::Space::Register {
            self.scope().declare(name, variable.ty);
            let register = self.register(name)?;
            return Some(Place { file: file_of(register.ty), slot: register.slot });
        }
        let symbol = self.formal_symbol(formal);
        self.scope().symbols.insert(Arc::clone(name), symbol);
        None
    }

    fn formal_symbol(&self, formal: &Formal<'_>) -> Symbol {
        Symbol {
            space: Space::Argument,
            place: self.frame.place(formal.offset),
            bytes: u64::from(formal.bytes),
        }
    }

    /// `ret`: results in registers go to the frame first.
    pub(super) fn leave(&mut self) {
        if self.frame.function.is_none() {
            return self.count(Instruction::new(Code::Exit));
        }
        for (place, offset, bytes) in self.frame.returns.clone() {
            let symbol =
                Symbol { space: Space::Argument, place: self.frame.place(offset), bytes: u64::from(bytes) };
            self.argument_access(Code::Store, End::Within(symbol), 0, place, bytes);
        }
        self.count(Instruction::new(Code::Return));
    }

    /// `call`, by name or through an address.
    pub(super) fn call(&mut self, parts: &Parts<'_>) -> Outcome {
        if !matches!(parts.modifiers[..], [] | ["uni"]) {
            return Err(parts.unsupported());
        }
        let is_list = |operand: &&Operand| matches!(operand, Operand::List(..));
        let (results, rest) = match parts.operands {
            [Operand::List(results, _), rest @ ..] => (&results[..], rest),
            rest => (&[][..], rest),
        };
        let [Operand::Name(target), rest @ ..] = rest else {
            return Err(parts.problem("a call names a function, or a register that points at one"));
        };
        let (arguments, rest) = match rest {
            [Operand::List(arguments, _), rest @ ..] => (&arguments[..], rest),
            rest => (&[][..], rest),
        };
        if rest.iter().any(|operand| is_list(&operand)) {
            return Err(parts.problem("a call has one list of arguments"));
        }
        if self.register(&target.name).is_some() {
            let a = self.source(&Operand::Name(target.clone()), Kind::Bits(64))?;
            return self.call_address(parts, a, results, arguments, rest);
        }
        let id = self.functions.find(&target.name).ok_or_else(|| {
            Problem::new(target.span, format!("`{}` is neither a function nor a register", target.name))
        })?;
        let function = self.functions.get(id).ok_or_else(|| parts.problem("a call of nothing"))?;
        let signature = Signature::of(&function.returns, &function.params)?;
        let callee = match self.routine_of.get(&id) {
            Some(index) => Callee::Function(*index),
            None => Callee::Builtin(builtin(&target.name).ok_or_else(|| {
                let message =
                    format!("function `{}` has no body, and the device has none of that name", target.name);
                Problem::new(target.span, message)
                    .help("link the module that defines it, or leave the call out")
            })?),
        };
        self.emit_call(parts, callee, NO_SLOT, &signature, results, arguments)
    }

    fn call_address(
        &mut self,
        parts: &Parts<'_>,
        address: Slot,
        results: &[Operand],
        arguments: &[Operand],
        rest: &[Operand],
    ) -> Outcome {
        let [Operand::Name(name)] = rest else {
            return Err(
                parts.problem("a call through a register ends with a `.callprototype` or `.calltargets`")
            );
        };
        let callees = self.scopes.iter().rev().find_map(|scope| scope.callees.get(&name.name)).cloned();
        let (returns, params) = match callees {
            Some(Callees::Prototype { returns, params }) => (returns, params),
            Some(Callees::Targets(targets)) => {
                let first = targets.first().and_then(|target| self.functions.find(&target.name));
                let function = first.and_then(|id| self.functions.get(id));
                let function = function.ok_or_else(|| {
                    Problem::new(name.span, format!("`{}` names no function that is declared", name.name))
                })?;
                (function.returns.clone(), function.params.clone())
            }
            None => {
                let message = format!("`{}` is no `.callprototype` or `.calltargets` in scope", name.name);
                return Err(Problem::new(name.span, message));
            }
        };
        let signature = Signature::of(&returns, &params)?;
        let callee = Callee::Address { shape: signature.shape() };
        self.emit_call(parts, callee, address, &signature, results, arguments)
    }

    /// Arguments out, the call, results back.
    fn emit_call(
        &mut self,
        parts: &Parts<'_>,
        callee: Callee,
        address: Slot,
        signature: &Signature<'_>,
        results: &[Operand],
        arguments: &[Operand],
    ) -> Outcome {
        let counts = [
            ("results", results.len(), signature.returns.len()),
            ("arguments", arguments.len(), signature.params.len()),
        ];
        for (what, given, wanted) in counts {
            // Results may be ignored altogether.
            if given != wanted && !(what == "results" && given == 0) {
                return Err(parts.problem(format!("the function has {wanted} {what}, not {given}")));
            }
        }
        for (formal, operand) in signature.params.iter().zip(arguments) {
            self.pass(formal, operand)?;
        }
        let index = self.tables.calls.len();
        self.tables.calls.push(Call { callee, frame_bytes: 0 });
        self.frame.calls.push(index);
        self.frame.outgoing = self.frame.outgoing.max(signature.bytes);
        self.frame.align = self.frame.align.max(signature.align);
        self.count(Instruction { a: address, m: index as u16, ..Instruction::new(Code::Call) });
        for (formal, operand) in signature.returns.iter().zip(results) {
            self.receive(formal, operand)?;
        }
        Ok(())
    }

    /// The variable for arguments that an operand names.
    fn argument_variable(&mut self, formal: &Formal<'_>, operand: &Operand) -> Outcome<Option<Symbol>> {
        let Operand::Name(name) = operand else { return Ok(None) };
        if self.register(&name.name).is_some() {
            return Ok(None);
        }
        let Some(symbol) = self.symbol(&name.name).filter(|symbol| symbol.space == Space::Argument) else {
            return Ok(None);
        };
        if symbol.bytes != u64::from(formal.bytes) {
            let message =
                format!("`{}` has {} bytes where the function has {}", name.name, symbol.bytes, formal.bytes);
            return Err(Problem::new(name.span, message));
        }
        Ok(Some(symbol))
    }

    /// Writes an argument beyond the frame.
    fn pass(&mut self, formal: &Formal<'_>, operand: &Operand) -> Outcome {
        if let Some(symbol) = self.argument_variable(formal, operand)? {
            self.copy_argument(End::Within(symbol), End::Beyond(formal.offset), formal.bytes);
            return Ok(());
        }
        let kind = scalar_kind(formal, operand)?;
        let slot = self.source(operand, kind)?;
        let place = Place { file: kind.file(), slot };
        self.argument_access(Code::Store, End::Beyond(formal.offset), 0, place, formal.bytes as u8);
        Ok(())
    }

    /// Reads a result from beyond the frame.
    fn receive(&mut self, formal: &Formal<'_>, operand: &Operand) -> Outcome {
        if matches!(operand, Operand::Name(name) if &*name.name == "_") {
            return Ok(());
        }
        if let Some(symbol) = self.argument_variable(formal, operand)? {
            self.copy_argument(End::Beyond(formal.offset), End::Within(symbol), formal.bytes);
            return Ok(());
        }
        let kind = scalar_kind(formal, operand)?;
        let slot = self.destination(operand, kind)?;
        let place = Place { file: kind.file(), slot };
        self.argument_access(Code::Load, End::Beyond(formal.offset), 0, place, formal.bytes as u8);
        Ok(())
    }

    /// Copies bytes between frames, in pieces as large as alignment allows.
    fn copy_argument(&mut self, from: End, to: End, bytes: u32) {
        let offset_of = |end: End| match end {
            End::Within(Symbol { place: SymbolPlace::Offset(offset), .. }) => offset,
            End::Within(Symbol { place: SymbolPlace::Frame(offset), .. }) => u64::from(offset),
            End::Within(_) => 1,
            End::Beyond(offset) => u64::from(offset),
        };
        let mut done = 0;
        while done < bytes {
            let aligned = offset_of(from) | offset_of(to) | u64::from(done) | 8;
            let mut width = 1 << aligned.trailing_zeros();
            while width > bytes - done {
                width /= 2;
            }
            let file = if width == 8 { File::Wide } else { File::Narrow };
            let place = Place { file, slot: self.fresh(file) };
            self.argument_access(Code::Load, from, done, place, width as u8);
            self.argument_access(Code::Store, to, done, place, width as u8);
            done += width;
        }
    }

    /// A load or store of one register in a frame, as a helper.
    fn argument_access(&mut self, code: Code, end: End, further: u32, place: Place, width: u8) {
        let (address, offset) = match end {
            End::Within(symbol) => (self.symbol_base(symbol), 0),
            End::Beyond(offset) => (self.symbol_base(self.frame_start()), offset),
        };
        if matches!(end, End::Beyond(_)) {
            self.frame.beyond.push(self.tables.accesses.len());
        }
        let mut access = Access {
            space: Space::Argument,
            width,
            register_bits: width * 8,
            address,
            offset: u64::from(offset + further),
            ..Access::NONE
        };
        access.places[0] = place;
        let index = self.tables.accesses.len();
        self.tables.accesses.push(access);
        self.help(Instruction { m: index as u16, ..Instruction::new(code) });
    }

    /// The first byte of the frame at hand, as a variable.
    fn frame_start(&self) -> Symbol {
        Symbol { space: Space::Argument, place: self.frame.place(0), bytes: u64::MAX }
    }

    /// The register that holds the address of a variable in its own space.
    pub(super) fn symbol_base(&mut self, symbol: Symbol) -> Slot {
        match symbol.place {
            SymbolPlace::Frame(offset) => match self.frame.pointers.get(&offset) {
                Some(slot) => *slot,
                None => {
                    let slot = self.fresh(File::Wide);
                    self.frame.pointers.insert(offset, slot);
                    slot
                }
            },
            SymbolPlace::Offset(_) | SymbolPlace::Module(_) => {
                self.constant(File::Wide, super::operand::address_constant(symbol, 0))
            }
        }
    }

    /// The address of a function, as a constant.
    pub(super) fn function_address(&self, name: &str) -> Option<Constant> {
        let id = self.functions.find(name)?;
        Some(Constant::Bits(super::Functions::address(id)))
    }
}

/// The kind of register that can be passed for a parameter.
fn scalar_kind(formal: &Formal<'_>, operand: &Operand) -> Outcome<Kind> {
    let variable = formal.variable;
    let bits = bits_of(variable.ty);
    if !variable.dimensions.is_empty() || variable.vector > 1 || bits > 64 {
        let message = format!("a `.param` variable of {} bytes is wanted here", formal.bytes);
        return Err(Problem::new(span_of(operand), message));
    }
    Ok(match variable.ty {
        Type::F32 | Type::F64 | Type::F16 => Kind::Float(bits),
        _ => Kind::Bits(bits.max(16)),
    })
}
