//! An evaluator of straight-line PTX that is slow and obvious: one thread, one instruction at a time, numbers of any
//! size, every rule as the ISA words it. It shares nothing with the executor but the syntax tree.

mod convert;
pub(crate) mod exact;
mod float;
mod integer;

use std::collections::{BTreeMap, HashMap};

use exact::Format;
use integer::mask;
use pipe_ptx::ast::{Function, Instruction, Literal, Operand, Statement, Type};

/// How far a result may be from the one expected.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slack {
    None,
    /// Any NaN will do.
    Nan(Format),
    /// So far from the exact value; NaN and infinity as expected.
    Near {
        value: f64,
        format: Format,
        bound: f64,
    },
}

/// A result, or one number of a packed one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) bits: u128,
    pub(crate) width: u32,
    pub(crate) slack: Slack,
}

impl Part {
    fn exact(bits: u128, width: u32) -> Self {
        Part { bits: mask(bits, width), width, slack: Slack::None }
    }

    /// Whether these bits will do.
    pub(crate) fn allows(&self, bits: u128) -> bool {
        let got = mask(bits, self.width);
        match self.slack {
            _ if got == self.bits => true,
            Slack::None => false,
            Slack::Nan(format) => format.is_nan(got),
            Slack::Near { value, format, bound } => {
                let got = format.to_f64(got);
                if value.is_nan() { got.is_nan() } else { (got - value).abs() <= bound }
            }
        }
    }
}

/// What an instruction writes: the register, and its parts from the low one up.
pub(crate) struct Write {
    pub(crate) register: String,
    pub(crate) parts: Vec<Part>,
}

impl Write {
    /// The whole value.
    pub(crate) fn bits(&self) -> u128 {
        self.parts.iter().rev().fold(0, |bits, part| bits.checked_shl(part.width).unwrap_or(0) | part.bits)
    }

    /// Whether a whole value will do.
    pub(crate) fn allows(&self, bits: u128) -> bool {
        let mut rest = bits;
        self.parts.iter().all(|part| {
            let allowed = part.allows(rest);
            rest = rest.checked_shr(part.width).unwrap_or(0);
            allowed
        })
    }
}

/// One thread's registers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    pub(crate) registers: HashMap<String, u128>,
    types: HashMap<String, Type>,
    ranges: Vec<(String, Type)>,
    carry: bool,
}

/// Bits of a register type.
pub(crate) fn width_of(ty: Type) -> u32 {
    match ty {
        Type::Pred => 1,
        Type::B8 | Type::U8 | Type::S8 => 8,
        Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 16,
        Type::B64 | Type::U64 | Type::S64 | Type::F64 => 64,
        Type::B128 => 128,
        _ => 32,
    }
}

impl Lane {
    /// Enters the registers of a declaration.
    pub(crate) fn declare(&mut self, statement: &Statement) {
        if let Statement::Registers(declaration) = statement {
            let name = declaration.name.name.to_string();
            match declaration.count {
                Some(_) => self.ranges.push((name, declaration.ty)),
                None => drop(self.types.insert(name, declaration.ty)),
            }
        }
    }

    /// A register's type.
    pub(crate) fn type_of(&self, name: &str) -> Type {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let ranged = || self.ranges.iter().find(|(prefix, _)| prefix == stem).map(|(_, ty)| *ty);
        self.types.get(name).copied().or_else(ranged).unwrap_or_else(|| panic!("no register {name}"))
    }

    fn width(&self, operand: &Operand) -> u32 {
        match operand {
            Operand::Name(name) if &*name.name != "_" => width_of(self.type_of(&name.name)),
            _ => 128,
        }
    }

    /// Whether an instruction's guard lets it run.
    pub(crate) fn runs(&self, instruction: &Instruction) -> bool {
        instruction.guard.as_ref().is_none_or(|guard| {
            (self.registers.get(&*guard.predicate.name).copied().unwrap_or(0) != 0) != guard.negated
        })
    }

    /// An operand's bits; constants as a number of type `ty`.
    fn read(&self, operand: &Operand, ty: &str) -> u128 {
        match operand {
            Operand::Name(name) => self.registers.get(&*name.name).copied().unwrap_or(0),
            Operand::Not(name) => 1 - self.registers.get(&*name.name).copied().unwrap_or(0),
            Operand::Literal(literal, _) => match (literal, ty) {
                (Literal::Integer { bits, .. }, _) => u128::from(*bits),
                (Literal::F32(bits), "f64") => f64::from(f32::from_bits(*bits)).to_bits().into(),
                (Literal::F32(bits), _) => u128::from(*bits),
                (Literal::F64(bits), "f32") => (f64::from_bits(*bits) as f32).to_bits().into(),
                (Literal::F64(bits), _) => u128::from(*bits),
            },
            other => panic!("cannot read {other:?}"),
        }
    }

    /// What an instruction writes, without writing it; the carry is kept here.
    pub(crate) fn evaluate(&mut self, instruction: &Instruction) -> Vec<Write> {
        let op = &*instruction.opcode.name;
        let all: Vec<&str> = instruction.modifiers.iter().map(|modifier| &*modifier.name).collect();
        let [destination, sources @ ..] = &instruction.operands[..] else { panic!("{op} without operands") };
        let ty = all.last().copied().unwrap_or_default();
        let read = |lane: &Self| sources.iter().map(|operand| lane.read(operand, ty)).collect::<Vec<u128>>();
        let (targets, values) = match op {
            "mov" => return self.mov(destination, &sources[0], ty),
            "setp" | "set" => return self.compare(op, &all, destination, sources),
            "addc" | "subc" | "madc" => return self.carried(op, &all, destination, &read(self)),
            _ if all.contains(&"cc") => return self.carried(op, &all, destination, &read(self)),
            "lop3" if all.len() > 1 => {
                let (Operand::Pair(d, p), a) = (destination, read(self)) else {
                    panic!("lop3 without predicate")
                };
                let word = integer::evaluate("lop3", &all, "b32", &a[..4]).unwrap_or_default();
                let some = u128::from(mask(word, 32) != 0);
                let p_value = if all[0] == "and" { some & a[4] } else { some | a[4] };
                (vec![&**d, &**p], vec![vec![Part::exact(word, 32)], vec![Part::exact(p_value, 1)]])
            }
            _ => {
                let width = self.width(destination);
                (vec![destination], vec![self.result(op, &all, &read(self), width)])
            }
        };
        let mut writes = Vec::new();
        for (target, parts) in targets.into_iter().zip(values) {
            if let Operand::Name(name) = target
                && &*name.name != "_"
            {
                writes.push(Write { register: name.name.to_string(), parts });
            }
        }
        writes
    }

    /// Results of instructions with one destination of `width` bits.
    fn result(&self, op: &str, all: &[&str], a: &[u128], width: u32) -> Vec<Part> {
        let (ty, m) = all.split_last().map_or(("", &[][..]), |(ty, m)| (*ty, m));
        let exact = |bits: u128, width: u32| vec![Part::exact(bits, width)];
        match op {
            "cvt" if m.first() == Some(&"pack") => return exact(integer::pack(all[2], a), 32),
            "cvt" => return convert::evaluate(all, a, width),
            "dp4a" | "dp2a" => {
                let types = &all[all.len() - 2..];
                return exact(integer::dot(op, types[0], types[1], all[0] == "hi", a), 32);
            }
            "selp" => return exact(if a[2] != 0 { a[0] } else { a[1] }, width),
            "slct" => {
                let chosen = if ty == "s32" {
                    integer::number("s32", a[2]) >= 0
                } else {
                    let ftz = m.contains(&"ftz");
                    exact::F32.to_f64(if ftz { exact::F32.flush(a[2]) } else { a[2] }) >= 0.0
                };
                return exact(if chosen { a[0] } else { a[1] }, width);
            }
            "testp" => {
                let format = float::format(ty).unwrap();
                let value = format.to_f64(a[0]);
                let field = mask(a[0] >> format.fraction_bits, format.exponent_bits);
                let holds = match m[0] {
                    "finite" => value.is_finite(),
                    "infinite" => value.is_infinite(),
                    "number" => !value.is_nan(),
                    "notanumber" => value.is_nan(),
                    "normal" => value.is_finite() && field != 0,
                    _ => field == 0 && value != 0.0,
                };
                return exact(u128::from(holds), 1);
            }
            "and" | "or" | "xor" | "not" if ty == "pred" => {
                let value = match op {
                    "and" => a[0] & a[1],
                    "or" => a[0] | a[1],
                    "xor" => a[0] ^ a[1],
                    _ => 1 - a[0],
                };
                return exact(value, 1);
            }
            // The mode of `prmt` stands after its type.
            "prmt" => return exact(integer::evaluate(op, all, "b32", a).unwrap_or_default(), 32),
            _ => {}
        }
        // Halves widened, then single precision.
        if let [m @ .., "f32", half @ ("f16" | "bf16")] = all {
            let format = float::format(half).unwrap();
            let widen = |bits: u128| u128::from((format.to_f64(bits) as f32).to_bits());
            let last = a.len() - 1;
            let mut wide: Vec<u128> = a[..last].iter().map(|bits| widen(*bits)).collect();
            wide.push(a[last]);
            return vec![float::evaluate(op, m, "f32", &wide).unwrap()];
        }
        if let Some(one) = ty.strip_suffix("x2") {
            let bits = one.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse::<u32>().unwrap();
            return (0..2)
                .map(|i| {
                    let half: Vec<u128> = a.iter().map(|word| mask(word >> (i * bits), bits)).collect();
                    self.scalar(op, m, one, &half, bits)
                })
                .collect();
        }
        vec![self.scalar(op, m, ty, a, width)]
    }

    fn scalar(&self, op: &str, m: &[&str], ty: &str, a: &[u128], width: u32) -> Part {
        float::evaluate(op, m, ty, a)
            .or_else(|| integer::evaluate(op, m, ty, a).map(|bits| Part::exact(bits, width)))
            .unwrap_or_else(|| panic!("cannot evaluate {op}.{m:?}.{ty}"))
    }

    /// Moves, packing and unpacking.
    fn mov(&self, destination: &Operand, source: &Operand, ty: &str) -> Vec<Write> {
        let whole = match source {
            Operand::Vector(elements, _) => {
                let total: u32 = ty[1..].parse().unwrap();
                let bits = total / elements.len() as u32;
                elements.iter().rev().fold(0, |all, element| all << bits | mask(self.read(element, ty), bits))
            }
            one => self.read(one, ty),
        };
        let targets = match destination {
            Operand::Vector(elements, _) => &elements[..],
            one => std::slice::from_ref(one),
        };
        let mut rest = whole;
        let mut writes = Vec::new();
        for target in targets {
            let width = match (targets.len(), ty.get(1..).and_then(|bits| bits.parse::<u32>().ok())) {
                (1, _) => self.width(target),
                (count, Some(total)) => total / count as u32,
                _ => 1,
            };
            if let Operand::Name(name) = target
                && &*name.name != "_"
            {
                let register = name.name.to_string();
                writes.push(Write { register, parts: vec![Part::exact(rest, width)] });
            }
            rest = rest.checked_shr(width).unwrap_or(0);
        }
        writes
    }

    /// `setp` and `set`.
    fn compare(&self, op: &str, all: &[&str], destination: &Operand, sources: &[Operand]) -> Vec<Write> {
        let (cmp, ty) = (all[0], all[all.len() - 1]);
        let a: Vec<u128> = sources.iter().map(|operand| self.read(operand, ty)).collect();
        let (one, count) = ty.strip_suffix("x2").map_or((ty, 1), |one| (one, 2));
        let holds = |a: u128, b: u128| match float::format(one) {
            Some(format) => {
                let ftz = all.contains(&"ftz");
                let value = |bits| format.to_f64(if ftz { format.flush(bits) } else { bits });
                float::compares(cmp, value(a), value(b))
            }
            None => {
                let unsigned = format!("u{}", &one[1..]);
                let (ty, cmp) = match cmp {
                    "lo" => (&unsigned[..], "lt"),
                    "ls" => (&unsigned[..], "le"),
                    "hi" => (&unsigned[..], "gt"),
                    "hs" => (&unsigned[..], "ge"),
                    other => (one, other),
                };
                let (a, b) = (integer::number(ty, a), integer::number(ty, b));
                match cmp {
                    "eq" => a == b,
                    "ne" => a != b,
                    "lt" => a < b,
                    "le" => a <= b,
                    "gt" => a > b,
                    _ => a >= b,
                }
            }
        };
        let combined = |t: bool| {
            let c = a.get(2).copied().unwrap_or(0) != 0;
            match all.iter().find(|modifier| matches!(**modifier, "and" | "or" | "xor")) {
                Some(&"and") => t && c,
                Some(&"or") => t || c,
                Some(_) => t != c,
                None => t,
            }
        };
        let bits: u32 = one.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap();
        let results: Vec<bool> = (0..count)
            .map(|i| holds(mask(a[0] >> (i * bits), bits), mask(a[1] >> (i * bits), bits)))
            .collect();
        if op == "set" {
            let Operand::Name(name) = destination else { panic!("set without register") };
            let to = all[all.len() - 2];
            let (truth, width) = match to {
                "f32" => (0x3f80_0000, 32),
                "f16" | "f16x2" => (0x3c00, 16),
                "bf16" | "bf16x2" => (0x3f80, 16),
                _ if count == 2 || to.ends_with("16") => (0xffff, 16),
                _ => (0xffff_ffff, 32),
            };
            let part = |t: &bool| Part::exact(if combined(*t) { truth } else { 0 }, width);
            return vec![Write {
                register: name.name.to_string(),
                parts: results.iter().map(part).collect(),
            }];
        }
        let (p, q) = match destination {
            Operand::Pair(p, q) => (&**p, Some(&**q)),
            one => (one, None),
        };
        // q is of the upper half of a pair, else of the complement.
        let second = if count == 2 { results[1] } else { !results[0] };
        [(Some(p), results[0]), (q, second)]
            .into_iter()
            .filter_map(|(target, t)| match target {
                Some(Operand::Name(name)) if &*name.name != "_" => Some(Write {
                    register: name.name.to_string(),
                    parts: vec![Part::exact(u128::from(combined(t)), 1)],
                }),
                _ => None,
            })
            .collect()
    }

    /// Carry chains.
    fn carried(&mut self, op: &str, all: &[&str], destination: &Operand, a: &[u128]) -> Vec<Write> {
        let Operand::Name(name) = destination else { panic!("a carry chain without register") };
        let ty = all[all.len() - 1];
        let width: u32 = ty[1..].parse().unwrap();
        let carry = u128::from(op.ends_with('c') && self.carry);
        let u = |bits: u128| mask(bits, width);
        let (value, out) = match op.trim_end_matches('c') {
            "add" => {
                let sum = u(a[0]) + u(a[1]) + carry;
                (sum, sum >> width != 0)
            }
            "sub" => {
                let (whole, taken) = (u(a[0]), u(a[1]) + carry);
                (whole.wrapping_sub(taken), taken > whole)
            }
            _ => {
                let half = [all[0]];
                let product = integer::evaluate("mul", &half, ty, &a[..2]).unwrap_or_default();
                let sum = u(product) + u(a[2]) + carry;
                (sum, sum >> width != 0)
            }
        };
        if all.contains(&"cc") {
            self.carry = out;
        }
        vec![Write { register: name.name.to_string(), parts: vec![Part::exact(value, width)] }]
    }
}

/// The instructions that compute from registers to registers.
const COMPUTES: &[&str] = &[
    "abs", "add", "addc", "and", "bfe", "bfi", "bfind", "bmsk", "brev", "clz", "cnot", "copysign", "cos",
    "cvt", "div", "dp2a", "dp4a", "ex2", "fma", "fns", "lg2", "lop3", "mad", "mad24", "madc", "max", "min",
    "mov", "mul", "mul24", "neg", "not", "or", "popc", "prmt", "rcp", "rem", "rsqrt", "sad", "selp", "set",
    "setp", "shf", "shl", "shr", "sin", "slct", "sqrt", "sub", "subc", "szext", "tanh", "testp", "xor",
];

/// What a kernel of straight-line code leaves in memory: runs one thread of `function`, whose first parameter points to
/// the results; the others are numbers. `None` where it does anything but compute.
pub(crate) fn run(function: &Function, arguments: &[u128]) -> Option<BTreeMap<i64, Write>> {
    let mut lane = Lane::default();
    let mut results = BTreeMap::new();
    // Results carry the slack of the value last written to their register.
    let mut latest: HashMap<String, Vec<Part>> = HashMap::new();
    for statement in function.body.as_ref()? {
        lane.declare(statement);
        let Statement::Instruction(instruction) = statement else { continue };
        if !lane.runs(instruction) {
            continue;
        }
        match (&*instruction.opcode.name, &instruction.operands[..]) {
            ("ret", _) => break,
            ("ld", [Operand::Name(d), Operand::Address(address)]) => {
                if &*instruction.modifiers[0].name != "param" {
                    return None;
                }
                let base = address.base.as_ref()?;
                let at = function.params.iter().position(|param| param.name.name == base.name)?;
                let value = if at == 0 { 0 } else { *arguments.get(at - 1)? };
                lane.registers.insert(d.name.to_string(), value);
                latest.remove(&*d.name);
            }
            ("st", [Operand::Address(address), Operand::Name(source)]) => {
                if &*address.base.as_ref()?.name != "%out" {
                    return None;
                }
                let ty = lane.type_of(&source.name);
                let bits = lane.registers.get(&*source.name).copied().unwrap_or(0);
                let parts = latest
                    .get(&*source.name)
                    .cloned()
                    .unwrap_or_else(|| vec![Part::exact(bits, width_of(ty))]);
                results.insert(address.offset, Write { register: source.name.to_string(), parts });
            }
            (opcode, _) if !COMPUTES.contains(&opcode) => return None,
            ("mov", [_, Operand::Name(name)])
                if name.name.starts_with('%') && pipe_ptx::is_special_register(&name.name) =>
            {
                return None;
            }
            _ => {
                for write in lane.evaluate(instruction) {
                    lane.registers.insert(write.register.clone(), write.bits());
                    latest.insert(write.register.clone(), write.parts);
                }
            }
        }
    }
    Some(results)
}
