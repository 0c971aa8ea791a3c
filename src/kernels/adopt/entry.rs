//! What the text of an entry tells of itself: its parameters, which of them are pointers, what is read and written through
//! those, and the block it is written for.
//!
//! The analysis follows addresses from the parameters: through moves, sums and changes of address space, not through products
//! and shifts, which make indices. It knows no control flow, so it finds what may happen, which is what a manifest needs.

use std::collections::{BTreeMap, BTreeSet};

use pipe_ptx::ast::{Function, Instruction, Item, Module, Operand, Statement, Type, Variable};

use crate::Element;

/// A kernel of a module.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// As the PTX calls it; compilers mangle it.
    pub name: String,
    /// The block that it must be launched with, where `.reqntid` says so.
    pub block: Option<[u32; 3]>,
    /// The largest block, where `.maxntid` says so.
    pub largest_block: Option<[u32; 3]>,
    /// In order.
    pub params: Vec<Param>,
}

/// A parameter of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// As the PTX calls it, without the entry's name in front: compilers' `saxpy_param_0` is `p0`.
    pub name: String,
    /// What it is.
    pub kind: ParamKind,
}

/// What a parameter is.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamKind {
    /// The address of something in global memory.
    Pointer {
        /// What lies there, where the instructions that touch it tell.
        element: Option<Element>,
        /// Whether anything is loaded through it.
        is_read: bool,
        /// Whether anything is stored through it.
        is_written: bool,
    },
    /// A number.
    Scalar(Element),
    /// A structure passed by value; bytes.
    Structure(u64),
}

/// The kernels of a module, in order.
pub fn entries(module: &Module) -> Vec<Entry> {
    let functions = module.items.iter().filter_map(|item| match item {
        Item::Function(function) if function.entry && function.body.is_some() => Some(function),
        _ => None,
    });
    functions.map(entry).collect()
}

fn entry(function: &Function) -> Entry {
    let bounds = |name: &str| {
        let directive = function.directives.iter().find(|directive| &*directive.name.name == name)?;
        let mut block = [1; 3];
        for (extent, argument) in block.iter_mut().zip(&directive.arguments) {
            *extent = argument.parse().ok()?;
        }
        Some(block)
    };
    let uses = Uses::of(function);
    let prefix = format!("{}_param_", function.name.name);
    let params = function.params.iter().enumerate().map(|(index, param)| {
        let name = &*param.name.name;
        let name = name.strip_prefix(&prefix).map_or_else(|| name.to_owned(), |number| format!("p{number}"));
        Param { name, kind: kind(param, index, &uses) }
    });
    Entry {
        name: function.name.name.to_string(),
        block: bounds(".reqntid"),
        largest_block: bounds(".maxntid"),
        params: params.collect(),
    }
}

fn kind(param: &Variable, index: usize, uses: &Uses) -> ParamKind {
    if !param.dimensions.is_empty() || param.vector > 1 {
        let count: u64 = param.dimensions.iter().map(|extent| extent.unwrap_or(1)).product();
        let bytes = count * u64::from(param.vector.max(1)) * element_of(param.ty).map_or(1, Element::size);
        return ParamKind::Structure(bytes);
    }
    let element = element_of(param.ty).unwrap_or(Element::U64);
    let pointer = uses.pointers.get(&index);
    let is_wide_integer = matches!(element, Element::U64 | Element::S64);
    if param.pointer.is_some() || (is_wide_integer && pointer.is_some()) {
        let target = pointer.cloned().unwrap_or_default();
        return ParamKind::Pointer {
            element: target.element,
            is_read: target.is_read,
            is_written: target.is_written,
        };
    }
    ParamKind::Scalar(element)
}

/// What is done through one pointer.
#[derive(Debug, Clone, Default)]
struct Target {
    element: Option<Element>,
    is_read: bool,
    is_written: bool,
}

/// What a body does with its parameters.
#[derive(Debug, Default)]
struct Uses {
    /// By the number of the parameter.
    pointers: BTreeMap<usize, Target>,
}

impl Uses {
    fn of(function: &Function) -> Self {
        let mut instructions = Vec::new();
        flatten(function.body.as_deref().unwrap_or_default(), &mut instructions);
        let params: BTreeMap<&str, usize> =
            function.params.iter().zip(0..).map(|(param, index)| (&*param.name.name, index)).collect();
        let origins = origins(&instructions, &params);
        let types = types(&instructions);

        // A parameter whose address is converted is a pointer; where an address is a sum of two candidates, that one decides.
        let mut converted = BTreeSet::new();
        for instruction in &instructions {
            if &*instruction.opcode.name == "cvta"
                && let Some(source) = instruction.operands.get(1).and_then(name)
                && let Some(from) = origins.get(source)
            {
                converted.extend(from.iter().copied());
            }
        }
        let mut uses = Self::default();
        for instruction in &instructions {
            let Some(access) = Access::of(instruction) else { continue };
            let Some(from) = access.address.and_then(|base| origins.get(base)) else { continue };
            let sure: Vec<usize> = from.intersection(&converted).copied().collect();
            let pointers = if sure.is_empty() { from.iter().copied().collect() } else { sure };
            for pointer in pointers {
                let target = uses.pointers.entry(pointer).or_default();
                target.is_read |= access.is_read;
                target.is_written |= access.is_written;
                let used = || access.values.iter().find_map(|value| types.get(value).copied());
                target.element = target.element.or(access.element).or_else(used);
            }
        }
        uses
    }
}

/// The instructions of a body, its scopes opened.
fn flatten<'a>(statements: &'a [Statement], into: &mut Vec<&'a Instruction>) {
    for statement in statements {
        match statement {
            Statement::Instruction(instruction) => into.push(instruction),
            Statement::Block(inner) => flatten(inner, into),
            _ => {}
        }
    }
}

/// The parameters that each register may hold the value of, plus something.
fn origins<'a>(
    instructions: &[&'a Instruction],
    params: &BTreeMap<&str, usize>,
) -> BTreeMap<&'a str, BTreeSet<usize>> {
    let mut origins: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    loop {
        let mut has_changed = false;
        for instruction in instructions {
            let sources: Vec<&Operand> = match (&*instruction.opcode.name, instruction.operands.as_slice()) {
                ("ld", [_, address]) if is_of(instruction, "param") => vec![address],
                ("mov" | "cvta", [_, source]) => vec![source],
                ("add", [_, a, b]) => vec![a, b],
                ("sub", [_, a, _]) => vec![a],
                // A product of an index and a size, plus an address.
                ("mad", [_, _, _, addend]) => vec![addend],
                ("selp", [_, a, b, _]) => vec![a, b],
                _ => continue,
            };
            let mut found = BTreeSet::new();
            for source in sources {
                match source {
                    Operand::Address(address) => {
                        let base = address.base.as_ref().map(|base| &*base.name);
                        found.extend(base.and_then(|base| params.get(base)));
                    }
                    operand => {
                        let known = name(operand).and_then(|register| origins.get(register));
                        found.extend(known.into_iter().flatten().copied());
                    }
                }
            }
            if found.is_empty() {
                continue;
            }
            for register in instruction.operands.first().into_iter().flat_map(names) {
                let known = origins.entry(register).or_default();
                let before = known.len();
                known.extend(found.iter().copied());
                has_changed |= known.len() != before;
            }
        }
        if !has_changed {
            return origins;
        }
    }
}

/// The element types of registers, by the arithmetic that they take part in.
fn types<'a>(instructions: &[&'a Instruction]) -> BTreeMap<&'a str, Element> {
    const ARITHMETIC: [&str; 16] = [
        "add", "sub", "mul", "mad", "fma", "div", "rem", "min", "max", "neg", "abs", "setp", "sqrt", "ex2",
        "rcp", "rsqrt",
    ];
    let mut types = BTreeMap::new();
    for instruction in instructions {
        let opcode = &*instruction.opcode.name;
        // `cvt.to.from`: the last is the type of what is converted, the one before of the result.
        let last = instruction.modifiers.iter().rev().find_map(|modifier| typed(&modifier.name));
        if opcode == "cvt" {
            if let (Some(element), Some(source)) = (last, instruction.operands.get(1).and_then(name)) {
                types.entry(source).or_insert(element);
            }
        } else if ARITHMETIC.contains(&opcode)
            && let Some(element) = last
        {
            for register in instruction.operands.iter().flat_map(names) {
                types.entry(register).or_insert(element);
            }
        }
    }
    types
}

/// An access to global memory.
struct Access<'a> {
    /// The register or variable that the address is made of.
    address: Option<&'a str>,
    is_read: bool,
    is_written: bool,
    /// Where the instruction names a type and not only a width.
    element: Option<Element>,
    /// The registers loaded or stored.
    values: Vec<&'a str>,
}

impl<'a> Access<'a> {
    fn of(instruction: &'a Instruction) -> Option<Self> {
        const ELSEWHERE: [&str; 5] = ["param", "shared", "shared::cta", "local", "const"];
        let opcode = &*instruction.opcode.name;
        let is_copy = opcode == "cp" && is_of(instruction, "async");
        if !is_copy && ELSEWHERE.iter().any(|space| is_of(instruction, space)) {
            return None;
        }
        let operands = instruction.operands.as_slice();
        let (address, value, is_read, is_written) = match (opcode, operands) {
            ("ld" | "ldu", [value, address, ..]) => (address, Some(value), true, false),
            ("st", [address, value, ..]) => (address, Some(value), false, true),
            ("red", [address, value, ..]) => (address, Some(value), true, true),
            ("atom", [_, address, value, ..]) => (address, Some(value), true, true),
            ("cp", [_, address, ..]) if is_copy => (address, None, true, false),
            ("wmma", [value, address, ..]) if is_of(instruction, "load") => {
                (address, Some(value), true, false)
            }
            ("wmma", [address, value, ..]) if is_of(instruction, "store") => {
                (address, Some(value), false, true)
            }
            _ => return None,
        };
        let Operand::Address(address) = address else { return None };
        Some(Self {
            address: address.base.as_ref().map(|base| &*base.name),
            is_read,
            is_written,
            element: instruction.modifiers.iter().rev().find_map(|modifier| typed(&modifier.name)),
            values: value.into_iter().flat_map(names).collect(),
        })
    }
}

fn is_of(instruction: &Instruction, modifier: &str) -> bool {
    instruction.modifiers.iter().any(|other| &*other.name == modifier)
}

/// A modifier that says what bits mean, not only how many there are.
fn typed(modifier: &str) -> Option<Element> {
    match modifier {
        "f16x2" => Some(Element::F16),
        "bf16x2" => Some(Element::Bf16),
        other => other.parse().ok(),
    }
}

/// The register or variable that an operand is.
fn name(operand: &Operand) -> Option<&str> {
    match operand {
        Operand::Name(ident) => Some(&ident.name),
        Operand::Offset { symbol, .. } => Some(&symbol.name),
        _ => None,
    }
}

/// The registers of an operand, those of a vector too.
fn names(operand: &Operand) -> Vec<&str> {
    match operand {
        Operand::Vector(elements, _) => elements.iter().filter_map(name).collect(),
        operand => name(operand).into_iter().collect(),
    }
}

/// The element type of a declaration; unsigned where it gives only a width.
fn element_of(ty: Type) -> Option<Element> {
    Some(match ty {
        Type::B8 | Type::U8 => Element::U8,
        Type::S8 => Element::S8,
        Type::B16 | Type::U16 => Element::U16,
        Type::S16 => Element::S16,
        Type::B32 | Type::U32 => Element::U32,
        Type::S32 => Element::S32,
        Type::B64 | Type::U64 => Element::U64,
        Type::S64 => Element::S64,
        Type::F16 => Element::F16,
        Type::Bf16 => Element::Bf16,
        Type::F32 => Element::F32,
        Type::F64 => Element::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(ptx: &str) -> Entry {
        let text = format!(".version 8.0\n.target sm_75\n.address_size 64\n{ptx}");
        entries(&pipe_ptx::parse(&text).unwrap()).remove(0)
    }

    #[test]
    fn a_compilers_saxpy_is_understood() {
        let entry = one(r"
.visible .entry _Z5saxpyPfPKffi(
    .param .u64 .ptr .align 1 _Z5saxpyPfPKffi_param_0, .param .u64 _Z5saxpyPfPKffi_param_1,
    .param .f32 _Z5saxpyPfPKffi_param_2, .param .u32 _Z5saxpyPfPKffi_param_3)
.maxntid 256, 1, 1
{
    .reg .pred %p<2>; .reg .f32 %f<5>; .reg .b32 %r<6>; .reg .b64 %rd<8>;
    ld.param.u64 %rd1, [_Z5saxpyPfPKffi_param_0];
    ld.param.u64 %rd2, [_Z5saxpyPfPKffi_param_1];
    ld.param.f32 %f1, [_Z5saxpyPfPKffi_param_2];
    ld.param.u32 %r2, [_Z5saxpyPfPKffi_param_3];
    mov.u32 %r3, %ctaid.x; mov.u32 %r4, %ntid.x; mov.u32 %r5, %tid.x;
    mad.lo.s32 %r1, %r3, %r4, %r5;
    setp.ge.s32 %p1, %r1, %r2;
    @%p1 bra $L__BB0_2;
    cvta.to.global.u64 %rd3, %rd2;
    mul.wide.s32 %rd4, %r1, 4;
    add.s64 %rd5, %rd3, %rd4;
    ld.global.nc.b32 %f2, [%rd5];
    cvta.to.global.u64 %rd6, %rd1;
    add.s64 %rd7, %rd6, %rd4;
    ld.global.f32 %f3, [%rd7];
    fma.rn.f32 %f4, %f1, %f2, %f3;
    st.global.f32 [%rd7], %f4;
$L__BB0_2:
    ret;
}");
        assert_eq!((entry.block, entry.largest_block), (None, Some([256, 1, 1])));
        let pointer =
            |is_written| ParamKind::Pointer { element: Some(Element::F32), is_read: true, is_written };
        let kinds = [
            ("p0", pointer(true)),
            // The load gives a width only; what is multiplied with it says that it is a float.
            ("p1", pointer(false)),
            ("p2", ParamKind::Scalar(Element::F32)),
            ("p3", ParamKind::Scalar(Element::U32)),
        ];
        assert_eq!(entry.params, kinds.map(|(name, kind)| Param { name: name.to_owned(), kind }));
    }

    #[test]
    fn a_long_length_is_no_pointer_though_it_is_added_to_one() {
        let entry = one(r"
.visible .entry last(.param .u64 data, .param .u64 bytes, .param .align 8 .b8 pair[16])
.reqntid 32
{
    .reg .b64 %rd<5>; .reg .b32 %r<2>;
    ld.param.u64 %rd1, [data]; ld.param.u64 %rd2, [bytes];
    cvta.to.global.u64 %rd3, %rd1;
    add.s64 %rd4, %rd3, %rd2;
    mov.u32 %r1, 1;
    st.global.u32 [%rd4+-4], %r1;
    ret;
}");
        assert_eq!(entry.block, Some([32, 1, 1]));
        let kinds: Vec<&ParamKind> = entry.params.iter().map(|param| &param.kind).collect();
        let pointer = ParamKind::Pointer { element: Some(Element::U32), is_read: false, is_written: true };
        assert_eq!(kinds, [&pointer, &ParamKind::Scalar(Element::U64), &ParamKind::Structure(16)]);
    }
}
