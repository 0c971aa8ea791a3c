//! Floating-point operations: exact, then rounded once.

use super::{
    Part, Slack,
    exact::{BF16, F16, F32, F64, Format, Mode, Number},
};

/// The format of a type's name.
pub(crate) fn format(ty: &str) -> Option<Format> {
    Some(match ty {
        "f16" => F16,
        "bf16" => BF16,
        "f32" => F32,
        "f64" => F64,
        _ => return None,
    })
}

pub(crate) fn mode(m: &[&str]) -> Mode {
    m.iter()
        .find_map(|modifier| {
            Some(match *modifier {
                "rz" | "rzi" => Mode::Zero,
                "rm" | "rmi" => Mode::Down,
                "rp" | "rpi" => Mode::Up,
                "rna" => Mode::NearestAway,
                _ => return None,
            })
        })
        .unwrap_or(Mode::Nearest)
}

/// `.sat`: NaN and what is not above 0 become +0.
pub(crate) fn saturate(format: &Format, bits: u128) -> u128 {
    let value = format.to_f64(bits);
    if value >= 1.0 {
        format.round(&F64.read(1f64.to_bits().into()), Mode::Nearest, false)
    } else if value > 0.0 {
        bits
    } else {
        0
    }
}

/// `.relu`: what is negative becomes +0.
pub(crate) fn relu(format: &Format, bits: u128) -> u128 {
    let negative = bits >> (format.bits() - 1) & 1 != 0;
    if negative && !format.is_nan(bits) { 0 } else { bits }
}

fn infinite(negative: bool) -> Number {
    Number::Infinite(negative)
}

fn is_negative(x: &Number) -> bool {
    match x {
        Number::Nan => false,
        Number::Infinite(negative) => *negative,
        Number::Finite(value) => value.negative,
    }
}

fn is_zero(x: &Number) -> bool {
    matches!(x, Number::Finite(value) if value.is_zero())
}

fn add(a: &Number, b: &Number, mode: Mode) -> Number {
    match (a, b) {
        (Number::Finite(a), Number::Finite(b)) => Number::Finite(a.plus(b, mode)),
        (Number::Infinite(a), Number::Infinite(b)) if a != b => Number::Nan,
        (Number::Nan, _) | (_, Number::Nan) => Number::Nan,
        (Number::Infinite(a), _) => infinite(*a),
        (_, Number::Infinite(b)) => infinite(*b),
    }
}

fn multiply(a: &Number, b: &Number) -> Number {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => Number::Nan,
        (Number::Finite(a), Number::Finite(b)) => Number::Finite(a.times(b)),
        _ if is_zero(a) || is_zero(b) => Number::Nan,
        _ => infinite(is_negative(a) != is_negative(b)),
    }
}

fn divide(a: &Number, b: &Number) -> Number {
    let negative = is_negative(a) != is_negative(b);
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) | (Number::Infinite(_), Number::Infinite(_)) => Number::Nan,
        _ if is_zero(a) && is_zero(b) => Number::Nan,
        (Number::Infinite(_), _) => infinite(negative),
        _ if is_zero(b) => infinite(negative),
        (Number::Finite(a), Number::Finite(b)) => Number::Finite(a.over(b)),
        (Number::Finite(a), _) => {
            Number::Finite(super::exact::Dyadic { negative, magnitude: 0u32.into(), ..a.clone() })
        }
    }
}

fn root(a: &Number) -> Number {
    match a {
        Number::Finite(value) if value.is_zero() => a.clone(),
        Number::Finite(value) if !value.negative => Number::Finite(value.root()),
        Number::Infinite(false) => a.clone(),
        _ => Number::Nan,
    }
}

/// Whether a comparison of two values holds.
pub(crate) fn compares(cmp: &str, a: f64, b: f64) -> bool {
    let unordered = a.is_nan() || b.is_nan();
    match cmp {
        "eq" => a == b,
        "ne" => !unordered && a != b,
        "lt" => a < b,
        "le" => a <= b,
        "gt" => a > b,
        "ge" => a >= b,
        "equ" => unordered || a == b,
        "neu" => unordered || a != b,
        "ltu" => unordered || a < b,
        "leu" => unordered || a <= b,
        "gtu" => unordered || a > b,
        "geu" => unordered || a >= b,
        "num" => !unordered,
        _ => unordered,
    }
}

/// Minimum or maximum of two, by the ISA's pseudo-code.
fn extremum(format: &Format, op: &str, m: &[&str], a: u128, b: u128) -> u128 {
    let sign = 1u128 << (format.bits() - 1);
    let xorsign = m.contains(&"xorsign");
    let product = (a ^ b) & sign;
    let (a, b) = if m.contains(&"abs") { (a & !sign, b & !sign) } else { (a, b) };
    let nan = format.round(&Number::Nan, Mode::Nearest, false);
    let chosen = match (format.is_nan(a), format.is_nan(b)) {
        (true, true) => nan,
        (true, false) | (false, true) if m.contains(&"NaN") => nan,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            // −0 is below +0.
            let key = |x: u128| (format.to_f64(x), x & sign == 0);
            let a_is_less = key(a) < key(b);
            if a_is_less == (op == "min") { a } else { b }
        }
    };
    if xorsign && !format.is_nan(chosen) { chosen | product } else { chosen }
}

/// What an operation on numbers of one type gives.
pub(crate) fn evaluate(op: &str, m: &[&str], ty: &str, a: &[u128]) -> Option<Part> {
    let format = format(ty)?;
    let has = |modifier: &str| m.contains(&modifier);
    let ftz = has("ftz") && ty != "bf16";
    let inputs: Vec<u128> = a.iter().map(|bits| if ftz { format.flush(*bits) } else { *bits }).collect();
    let a = &inputs[..];
    let sign = 1u128 << (format.bits() - 1);
    let mode = mode(m);
    let n = |i: usize| format.read(a[i]);
    let finish = |bits: u128| {
        let bits = if ftz { format.flush(bits) } else { bits };
        let bits = if has("sat") { saturate(&format, bits) } else { bits };
        if has("relu") { relu(&format, bits) } else { bits }
    };
    let rounded = |number: &Number| {
        let bits = finish(format.round(number, mode, false));
        let slack =
            if format.is_nan(bits) && format.nan.is_none() { Slack::Nan(format) } else { Slack::None };
        Some(Part { bits, width: format.bits(), slack })
    };
    let exactly = |bits: u128| Some(Part { bits, width: format.bits(), slack: Slack::None });
    let any_nan = |bits: u128| {
        let slack = if format.is_nan(bits) { Slack::Nan(format) } else { Slack::None };
        Some(Part { bits, width: format.bits(), slack })
    };
    if has("approx") || has("full") {
        return Some(approximate(op, m, ty, &format, a, finish));
    }
    match op {
        "add" => rounded(&add(&n(0), &n(1), mode)),
        "sub" => rounded(&add(&n(0), &format.read(a[1] ^ sign), mode)),
        "mul" => rounded(&multiply(&n(0), &n(1))),
        // No operand is an OOB NaN, which only tensor copies make.
        "fma" | "mad" => rounded(&add(&multiply(&n(0), &n(1)), &n(2), mode)),
        "div" => rounded(&divide(&n(0), &n(1))),
        "rcp" => rounded(&divide(&Number::Finite(super::exact::Dyadic::integer(1)), &n(0))),
        "sqrt" => rounded(&root(&n(0))),
        // Which NaN they give is not defined.
        "neg" => any_nan(finish(a[0] ^ sign)),
        "abs" => any_nan(finish(a[0] & !sign)),
        "min" | "max" => {
            let first = extremum(&format, op, m, a[0], a[1]);
            let result = if a.len() > 2 { extremum(&format, op, m, first, a[2]) } else { first };
            if format.nan.is_none() { any_nan(finish(result)) } else { exactly(finish(result)) }
        }
        "copysign" => exactly(a[1] & !sign | a[0] & sign),
        _ => None,
    }
}

/// Operations with a stated error.
fn approximate(
    op: &str,
    m: &[&str],
    ty: &str,
    format: &Format,
    a: &[u128],
    finish: impl Fn(u128) -> u128,
) -> Part {
    let x = format.to_f64(a[0]);
    let width = format.bits();
    let rounded = |value: f64| finish(format.round(&F64.read(value.to_bits().into()), Mode::Nearest, false));
    let near = |value: f64, bound: f64| {
        let bits = rounded(value);
        Part { bits, width, slack: Slack::Near { value, format: *format, bound } }
    };
    let ulps = |value: f64, count: f64| near(value, count * format.ulp(value));
    let relative =
        |value: f64, exponent: f64| near(value, (value.abs() * exponent.exp2()).max(format.ulp(value)));
    match (op, ty) {
        ("div", _) => {
            let y = format.to_f64(a[1]);
            let far = m.contains(&"approx") && y.abs() > 126f64.exp2() && y.is_finite();
            if far { ulps(x * 0f64.copysign(y), 2.0) } else { ulps(x / y, 2.0) }
        }
        ("rcp", "f64") | ("rsqrt", "f64") if m.contains(&"ftz") => {
            // Only the upper half is read and written.
            let upper = f64::from_bits(format.flush(a[0]) as u64 & !0xffff_ffff);
            let exact = if op == "rcp" { 1.0 / upper } else { 1.0 / upper.sqrt() };
            let value = if x.is_nan() { f64::NAN } else { exact };
            let value = f64::from_bits(F64.flush(value.to_bits().into()) as u64);
            near(value, value.abs() * (-20f64).exp2())
        }
        ("rcp", _) => ulps(1.0 / x, 1.0),
        ("sqrt", _) => relative(x.sqrt(), -23.0),
        ("rsqrt", "f64") => relative(1.0 / x.sqrt(), -22.9),
        ("rsqrt", _) => relative(1.0 / x.sqrt(), -22.9),
        ("ex2", "f16") => relative(x.exp2(), -9.9),
        ("ex2", "bf16") => relative(flushed(x.exp2()), -7.0),
        ("ex2", _) => ulps(x.exp2(), 2.0),
        ("lg2", _) => {
            let value = if x < 0.0 { f64::NAN } else { x.abs().log2() };
            if (0.5..2.0).contains(&x) { near(value, (-22f64).exp2()) } else { relative(value, -22.0) }
        }
        ("sin" | "cos", _) => {
            let value = if op == "sin" { x.sin() } else { x.cos() };
            // Far from 0 the ISA promises nothing but the range.
            let bound = if x.abs() <= std::f64::consts::TAU { (-20.5f64).exp2() } else { 2.0 };
            near(value, bound)
        }
        ("tanh", "f16") => relative(x.tanh(), -10.987),
        ("tanh", "bf16") => relative(x.tanh(), -8.0),
        _ => relative(x.tanh(), -11.0),
    }
}

/// `ex2.approx.ftz.bf16` flushes its subnormal results.
fn flushed(x: f64) -> f64 {
    if x.abs() < (-126f64).exp2() { 0.0 } else { x }
}
