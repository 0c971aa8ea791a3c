//! Numbers in words: the one place that decides how a time, a size or a count is written, in reports and on the terminal.
//!
//! Three significant digits and always a unit. A number that is not finite is written as Rust writes it.

const TIME: (f64, &[&str]) = (1000.0, &["ns", "µs", "ms", "s"]);
const BYTES: (f64, &[&str]) = (1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
const COUNT: (f64, &[&str]) = (1000.0, &["", "k", "M", "G", "T", "P"]);
/// Significant digits where nothing else is asked for.
const DIGITS: usize = 3;
/// The most that [`pair`] writes.
const MOST_DIGITS: usize = 9;

/// Nanoseconds, in the unit that leaves one to three digits before the point.
pub fn nanoseconds(value: f64) -> String {
    scaled(value, TIME, DIGITS)
}

/// Bytes, in binary units; whole bytes below 1 KiB.
pub fn bytes(value: f64) -> String {
    scaled(value, BYTES, DIGITS)
}

/// A number of events; whole numbers below a thousand are exact.
pub fn count(value: f64) -> String {
    scaled(value, COUNT, DIGITS)
}

/// A value of a metric in its unit, as the history has it: times and sizes scaled, counts to the last digit.
pub fn with_unit(unit: &str, value: f64) -> String {
    written(unit, value, DIGITS)
}

fn written(unit: &str, value: f64, digits: usize) -> String {
    match unit {
        "ns" => scaled(value, TIME, digits),
        "us" => scaled(value * 1e3, TIME, digits),
        "ms" => scaled(value * 1e6, TIME, digits),
        "s" => scaled(value * 1e9, TIME, digits),
        "bytes" => scaled(value, BYTES, digits),
        "count" => whole(value),
        "1" => format!("{value}"),
        other => format!("{value} {other}"),
    }
}

/// A count to the last digit, in groups of three.
pub fn whole(value: f64) -> String {
    if value.fract() != 0.0 || value.abs() >= 1e15 {
        return value.to_string();
    }
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 { format!("-{grouped}") } else { grouped }
}

/// Two values of a metric with as many digits as it takes to tell them apart, three at least.
pub fn pair(unit: &str, one: f64, other: f64) -> (String, String) {
    let with = |digits| (written(unit, one, digits), written(unit, other, digits));
    let told_apart = |(one, other): &(String, String)| one != other;
    (DIGITS..=MOST_DIGITS).map(with).find(told_apart).unwrap_or_else(|| with(DIGITS))
}

/// A number in scientific notation with two digits: `1.2e-7`.
pub fn scientific(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

/// `value` in the largest of `units`, each `step` times the one before, that leaves its absolute value at least one.
fn scaled(value: f64, (step, units): (f64, &[&str]), digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let mut scaled = value;
    let mut unit = 0;
    // 999.6 rounds to a full step, so the next unit takes over half a last digit before it.
    while rounded(scaled, digits).abs() >= step && unit + 1 < units.len() {
        scaled /= step;
        unit += 1;
    }
    let whole = unit == 0 && scaled.fract() == 0.0;
    let text = if whole { format!("{scaled}") } else { to_digits(scaled, digits) };
    match units.get(unit) {
        Some(&"") | None => text,
        Some(unit) => format!("{text} {unit}"),
    }
}

/// `value` rounded to so many significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    to_digits(value, digits).parse().unwrap_or(value)
}

/// Three significant digits, never fewer than the whole part has.
pub(crate) fn significant(value: f64) -> String {
    to_digits(value, DIGITS)
}

fn to_digits(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    // The exponent of the value as it is after rounding: 9.996 has one more digit before the point than it seems.
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent = scientific.rsplit_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole() {
        assert_eq!(whole(1_234_567.0), "1,234,567");
        assert_eq!(whole(12.0), "12");
        assert_eq!(whole(-1000.0), "-1,000");
        assert_eq!(whole(0.5), "0.5");
    }

    #[test]
    fn values_have_their_unit() {
        assert_eq!(with_unit("ms", 1.5), "1.50 ms");
        assert_eq!(with_unit("bytes", 2048.0), "2.00 KiB");
        assert_eq!(with_unit("count", 12345.0), "12,345");
        assert_eq!(with_unit("1", 0.25), "0.25");
        assert_eq!(with_unit("GB/s", 3.0), "3 GB/s");
    }

    #[test]
    fn a_pair_is_told_apart() {
        let of = |unit, one, other| {
            let (one, other) = pair(unit, one, other);
            format!("{one} {other}")
        };
        assert_eq!(of("ns", 1320.0, 1321.6), "1.320 µs 1.322 µs");
        assert_eq!(of("ns", 1320.0, 2000.0), "1.32 µs 2.00 µs");
        assert_eq!(of("bytes", 1048576.0, 1048580.0), "1.000000 MiB 1.000004 MiB");
        assert_eq!(of("ns", 5.0, 5.0), "5 ns 5 ns");
    }
}
