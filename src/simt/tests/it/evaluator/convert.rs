//! `cvt`, by way of exact numbers.

use super::{
    Part, Slack,
    exact::{BF16, Dyadic, E2M1, E2M3, E3M2, E4M3, E5M2, F16, F32, F64, Format, Mode, Number, TF32},
    float::{mode, relu, saturate},
    integer::{mask, number, range},
};

/// The format of a floating-point type, and the bits it takes in a pair.
fn format(ty: &str) -> Option<(Format, u32)> {
    Some(match ty {
        "f16" => (F16, 16),
        "bf16" => (BF16, 16),
        "f32" => (F32, 32),
        "f64" => (F64, 64),
        "tf32" => (TF32, 32),
        "e4m3" => (E4M3, 8),
        "e5m2" => (E5M2, 8),
        "e2m1" => (E2M1, 4),
        "e2m3" => (E2M3, 8),
        "e3m2" => (E3M2, 8),
        _ => return None,
    })
}

/// One number converted. `register` is the destination's width, to which integers are extended.
fn one(m: &[&str], to: &str, from: &str, bits: u128, register: u32) -> Part {
    let has = |modifier: &str| m.contains(&modifier);
    let mode = mode(m);
    let to_integral = has("rni") || has("rzi") || has("rmi") || has("rpi");
    let source = format(from);
    if to == "ue8m0" {
        let (format, _) = source.unwrap();
        let bits = power_of_two(format.to_f64(bits).abs(), mode, has("satfinite"));
        return Part { bits, width: 8, slack: Slack::None };
    }
    let value = match source {
        _ if from == "ue8m0" => {
            let value = if bits == 0xff { f64::NAN } else { 2f64.powi(bits as i32 - 127) };
            F64.read(value.to_bits().into())
        }
        Some((format, _)) => {
            let flush = has("ftz") && from == "f32";
            format.read(if flush { format.flush(bits) } else { bits })
        }
        None => Number::Finite(Dyadic::integer(number(from, bits))),
    };
    let Some((target, width)) = format(to) else {
        let (least, greatest) = range(to);
        let own: u32 = to[1..].parse().unwrap();
        let result = match (&value, source) {
            // Integers wrap unless told to saturate; floats always clamp.
            (_, None) => {
                let integer = number(from, bits);
                if has("sat") { integer.clamp(least, greatest) } else { number(to, integer as u128) }
            }
            (Number::Nan, _) => {
                if from == "f64" || own == 64 {
                    1 << (own - 1)
                } else {
                    0
                }
            }
            (Number::Infinite(negative), _) => {
                if *negative {
                    least
                } else {
                    greatest
                }
            }
            (Number::Finite(value), _) => {
                let steps = value.steps(0, mode);
                let magnitude = steps.iter_u64_digits().next().unwrap_or(0);
                let magnitude = if steps.bits() > 64 { i128::MAX } else { i128::from(magnitude) };
                (if value.negative { -magnitude } else { magnitude }).clamp(least, greatest)
            }
        };
        return Part { bits: mask(result as u128, register), width: register, slack: Slack::None };
    };
    let value = match value {
        Number::Finite(value) if to_integral => {
            let magnitude = value.steps(0, mode);
            Number::Finite(Dyadic { negative: value.negative, magnitude, exponent: 0, more: false })
        }
        other => other,
    };
    let mut bits = target.round(&value, if to_integral { Mode::Nearest } else { mode }, has("satfinite"));
    if has("ftz") && to == "f32" {
        bits = target.flush(bits);
    }
    if has("sat") {
        bits = saturate(&target, bits);
    }
    if has("relu") {
        bits = relu(&target, bits);
    }
    if to == "tf32" {
        // Held as single precision; NaN is that of single precision.
        bits = if target.is_nan(bits) { 0x7fff_ffff } else { bits << 13 };
    }
    let slack = if to == "f64" && target.is_nan(bits) { Slack::Nan(target) } else { Slack::None };
    Part { bits, width, slack }
}

/// The code of the greatest power of two that is no more than a magnitude, or of the least that is no less.
fn power_of_two(magnitude: f64, mode: Mode, satfinite: bool) -> u128 {
    let too_great = if satfinite { 254 } else { 255 };
    let power = |code: &u128| 2f64.powi(*code as i32 - 127);
    match mode {
        _ if magnitude.is_nan() => 255,
        _ if magnitude.is_infinite() => too_great,
        Mode::Up => (0..255).find(|code| power(code) >= magnitude).unwrap_or(too_great),
        _ => (0..255).rev().find(|code| power(code) <= magnitude).unwrap_or(0),
    }
}

/// All that one `cvt` gives; low parts first.
pub(crate) fn evaluate(m: &[&str], a: &[u128], register: u32) -> Vec<Part> {
    let [modifiers @ .., to, from] = m else { panic!("cvt without types") };
    match (to.strip_suffix("x2"), from.strip_suffix("x2")) {
        (Some(to), None) => vec![one(modifiers, to, from, a[1], 0), one(modifiers, to, from, a[0], 0)],
        (Some(to), Some(from)) => {
            let width = format(from).map_or(8, |(_, width)| width);
            [0, width].map(|at| one(modifiers, to, from, mask(a[0] >> at, width), 0)).into()
        }
        _ => vec![one(modifiers, to, from, a[0], register)],
    }
}
