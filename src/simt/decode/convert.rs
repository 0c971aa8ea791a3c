//! `cvt` in all its forms.

use super::{
    Decoder, Outcome, Parts, Problem,
    operand::span_of,
    row,
    scope::{Register, bits_of, file_of},
};
use crate::{
    instruction::Instruction,
    isa::{Code, Kind},
    lane::{
        convert::{Conversion, Number, Shape},
        round::Rounding,
    },
    registers::File,
};

impl Decoder<'_> {
    pub(super) fn cvt(&mut self, parts: &Parts<'_>) -> Outcome {
        if parts.has("rs") {
            return Err(parts
                .problem(format!("`{}` rounds stochastically, which is not supported", parts.mnemonic())));
        }
        if parts.has("pack") {
            return self.lane_op(parts);
        }
        let [destination, first, rest @ ..] = parts.operands else { return Err(parts.unsupported()) };
        let sizes = (self.as_register(destination), self.as_register_or_special(first));
        if let Some((row, modifiers)) = row("cvt", &parts.modifiers) {
            // Registers may be wider than the types, which the rows do not know.
            let exact = |register: Option<Register>, kind: Kind| match (register, kind) {
                (Some(register), Kind::Bits(n) | Kind::Integer(n) | Kind::Float(n)) => {
                    bits_of(register.ty) == n
                }
                _ => true,
            };
            if !rest.is_empty() || exact(sizes.0, row.output) && exact(sizes.1, row.inputs[0]) {
                return self.emit_row(parts, row, modifiers, parts.operands);
            }
        }
        let mut conversion = parse(parts)?;
        let second = match (conversion.shape, rest) {
            (Shape::Joined, [second]) => Some(second),
            (Shape::Single | Shape::Halves, []) => None,
            (shape, _) => {
                let wanted = if shape == Shape::Joined { 3 } else { 2 };
                return Err(parts.problem(format!(
                    "`{}` takes {wanted} operands, not {}",
                    parts.mnemonic(),
                    parts.operands.len()
                )));
            }
        };
        let single = conversion.shape == Shape::Single;
        let Some(to) = sizes.0 else {
            return Err(Problem::new(span_of(destination), "the destination must be a register"));
        };
        let is_wide_enough = |register: Register, need: u8, number: Number| {
            let have = bits_of(register.ty);
            let may_be_wider = single && !number.is_float();
            file_of(register.ty) != File::Predicate && (have == need || may_be_wider && have > need)
        };
        let checked = [
            (sizes.0, conversion.result_bits(), conversion.to, destination),
            (sizes.1, conversion.source_bits(), conversion.from, first),
        ];
        for (register, need, number, operand) in checked {
            if let Some(register) = register
                && !is_wide_enough(register, need, number)
            {
                let have = bits_of(register.ty);
                return Err(Problem::new(
                    span_of(operand),
                    format!("a register of {have} bits where `{}` needs {need}", parts.mnemonic()),
                ));
            }
        }
        let mut instruction = Instruction::new(Code::Convert);
        instruction.a = match sizes.1 {
            Some(from) if file_of(from.ty) == File::Wide && conversion.source_bits() < 64 => {
                let d = self.fresh(File::Narrow);
                self.help(Instruction { d, a: from.slot, ..Instruction::new(Code::LowB64) });
                d
            }
            Some(from) => from.slot,
            None => self.source(first, kind_of(conversion.from))?,
        };
        if let Some(second) = second {
            instruction.b = self.source(second, kind_of(conversion.from))?;
        }
        instruction.d = to.slot;
        conversion.register_bits = bits_of(to.ty);
        instruction.m = self.tables.conversions.len() as u16;
        self.tables.conversions.push(conversion);
        self.count(instruction);
        Ok(())
    }
}

/// What an operand of that type is.
fn kind_of(number: Number) -> Kind {
    if number.is_float() { Kind::Float(number.bits()) } else { Kind::Integer(number.bits()) }
}

/// A type of `cvt`, and whether it is a pair.
fn number(name: &str) -> Option<(Number, bool)> {
    match name.strip_suffix("x2") {
        Some(one) => Some((Number::named(one)?, true)),
        None => Some((Number::named(name)?, false)),
    }
}

/// Reads the modifiers of a `cvt`.
fn parse(parts: &Parts<'_>) -> Outcome<Conversion> {
    let [modifiers @ .., to, from] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
    let (Some((to, to_pair)), Some((from, from_pair))) = (number(to), number(from)) else {
        return Err(parts.unsupported());
    };
    let shape = match (to_pair, from_pair) {
        (false, false) => Shape::Single,
        (true, false) => Shape::Joined,
        (true, true) => Shape::Halves,
        (false, true) => return Err(parts.unsupported()),
    };
    let mut conversion = Conversion {
        from,
        to,
        shape,
        rounding: Rounding::Nearest,
        to_integral: false,
        ftz: false,
        saturate: false,
        relu: false,
        satfinite: false,
        register_bits: to.bits(),
    };
    let mut rounded = false;
    for modifier in modifiers {
        let (rounding, integral) = match *modifier {
            "rn" => (Rounding::Nearest, false),
            "rna" => (Rounding::NearestAway, false),
            "rz" => (Rounding::Zero, false),
            "rm" => (Rounding::Down, false),
            "rp" => (Rounding::Up, false),
            "rni" => (Rounding::Nearest, true),
            "rzi" => (Rounding::Zero, true),
            "rmi" => (Rounding::Down, true),
            "rpi" => (Rounding::Up, true),
            "ftz" => {
                conversion.ftz = true;
                continue;
            }
            "sat" => {
                conversion.saturate = true;
                continue;
            }
            "relu" => {
                conversion.relu = true;
                continue;
            }
            "satfinite" => {
                conversion.satfinite = true;
                continue;
            }
            _ => return Err(parts.unsupported()),
        };
        conversion.rounding = rounding;
        conversion.to_integral = integral;
        rounded = true;
    }
    check_rounding(parts, &conversion, rounded)?;
    if exists(&conversion) { Ok(conversion) } else { Err(parts.unsupported()) }
}

/// Whether the ISA has these modifiers with these types.
fn exists(conversion: &Conversion) -> bool {
    use Number::{Bf16, F16, F32, Small, Tf32, Ue8m0};
    use Rounding::{Nearest, NearestAway, Up, Zero};
    let Conversion { from, to, shape, rounding, to_integral, ftz, saturate, relu, satfinite, .. } =
        *conversion;
    let nearest_or_zero = matches!(rounding, Nearest | Zero) && !to_integral;
    let plain = !ftz && !saturate;
    match (from, to, shape) {
        (F32, Tf32, Shape::Single) => plain && (nearest_or_zero || rounding == NearestAway && !relu),
        (F32, F16 | Bf16, Shape::Joined) => plain && nearest_or_zero,
        (F32, Small(_), Shape::Joined) | (F16, Small(_), Shape::Halves) => {
            plain && satfinite && rounding == Nearest && !to_integral
        }
        (Small(_), F16, Shape::Halves) => plain && !satfinite && rounding == Nearest && !to_integral,
        (F32, Ue8m0, Shape::Joined) | (Bf16, Ue8m0, Shape::Halves) => {
            plain && !relu && matches!(rounding, Zero | Up) && !to_integral
        }
        (Ue8m0, Bf16, Shape::Halves) => plain && !relu && !satfinite && rounding == Nearest && !to_integral,
        (Small(_) | Tf32 | Ue8m0, ..)
        | (_, Small(_) | Tf32 | Ue8m0, _)
        | (_, _, Shape::Joined | Shape::Halves) => false,
        (F32, F16 | Bf16, Shape::Single) if relu || satfinite => plain && nearest_or_zero,
        _ => !relu && !satfinite && rounding != NearestAway,
    }
}

/// Conversions that lose something need a rounding mode.
fn check_rounding(parts: &Parts<'_>, conversion: &Conversion, rounded: bool) -> Outcome {
    let (from, to) = (conversion.from, conversion.to);
    let to_integer = from.is_float() && !to.is_float();
    let loses = to.is_float() && (!from.is_float() || to.bits() < from.bits() || to == Number::Tf32);
    let changes_half = from.is_float() && from.bits() == 16 && to.is_float() && to.bits() == 16 && from != to;
    let needed = to_integer || loses || changes_half || conversion.shape != Shape::Single;
    if needed && !rounded || to_integer && !conversion.to_integral {
        let example = if to_integer { ".rzi" } else { ".rn" };
        let problem = parts.problem(format!("`{}` needs a rounding mode", parts.mnemonic()));
        return Err(problem.help(format!("write `{example}`, or another mode, after `cvt`")));
    }
    Ok(())
}
