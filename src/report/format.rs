//! Numbers in words: the one place that decides how a time, a size or a count is written, in reports and on the terminal.
//!
//! Three significant digits and always a unit. A number that is not finite is written as Rust writes it.

const TIME: (f64, &[&str]) = (1000.0, &["ns", "µs", "ms", "s"]);
const BYTES: (f64, &[&str]) = (1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
const COUNT: (f64, &[&str]) = (1000.0, &["", "k", "M", "G", "T", "P"]);

/// Nanoseconds, in the unit that leaves one to three digits before the point.
pub fn nanoseconds(value: f64) -> String {
    scaled(value, TIME)
}

/// Bytes, in binary units; whole bytes below 1 KiB.
pub fn bytes(value: f64) -> String {
    scaled(value, BYTES)
}

/// A number of events; whole numbers below a thousand are exact.
pub fn count(value: f64) -> String {
    scaled(value, COUNT)
}

/// A number in scientific notation with two digits: `1.2e-7`.
pub fn scientific(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

/// `value` in the largest of `units`, each `step` times the one before, that leaves its absolute value at least one.
fn scaled(value: f64, (step, units): (f64, &[&str])) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let mut scaled = value;
    let mut unit = 0;
    // 999.6 rounds to a full step, so the next unit takes over half a last digit before it.
    while rounded(scaled).abs() >= step && unit + 1 < units.len() {
        scaled /= step;
        unit += 1;
    }
    let whole = unit == 0 && scaled.fract() == 0.0;
    let digits = if whole { format!("{scaled}") } else { significant(scaled) };
    match units.get(unit) {
        Some(&"") | None => digits,
        Some(unit) => format!("{digits} {unit}"),
    }
}

/// `value` rounded to three significant digits.
fn rounded(value: f64) -> f64 {
    significant(value).parse().unwrap_or(value)
}

/// Three significant digits, never fewer than the whole part has.
pub(crate) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    // The exponent of the value as it is after rounding: 9.996 has one more digit before the point than it seems.
    let exponent =
        format!("{value:.2e}").rsplit_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    let decimals = usize::try_from(2 - exponent).unwrap_or(0);
    format!("{value:.decimals$}")
}
