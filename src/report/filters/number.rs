//! Numbers with their unit, three significant digits unless said otherwise.

use minijinja::{Error, Value};

use super::{MISSING, number};
use crate::format;

/// Nanoseconds, in the unit that leaves one to three digits before the point.
pub(super) fn ns(value: &Value) -> Result<String, Error> {
    let nanoseconds = number(value, "ns")?;
    Ok(nanoseconds.map_or(MISSING.to_owned(), format::nanoseconds))
}

/// Bytes, in binary units; whole bytes below 1 KiB.
pub(super) fn bytes(value: &Value) -> Result<String, Error> {
    let bytes = number(value, "bytes")?;
    Ok(bytes.map_or(MISSING.to_owned(), format::bytes))
}

/// A number of events; whole numbers below a thousand are exact.
pub(super) fn count(value: &Value) -> Result<String, Error> {
    let count = number(value, "count")?;
    Ok(count.map_or(MISSING.to_owned(), format::count))
}

/// A fraction in percent, with one decimal.
pub(super) fn percent(value: &Value) -> Result<String, Error> {
    let fraction = number(value, "percent")?;
    Ok(fraction.map_or(MISSING.to_owned(), |fraction| format!("{} %", tenths(fraction * 100.0))))
}

/// A fraction in percent, with one decimal and always a sign.
pub(super) fn signed_percent(value: &Value) -> Result<String, Error> {
    let fraction = number(value, "signed_percent")?;
    Ok(fraction.map_or(MISSING.to_owned(), |fraction| {
        let sign = if fraction < 0.0 { "" } else { "+" };
        format!("{sign}{} %", tenths(fraction * 100.0))
    }))
}

/// A quotient: `1.23×`.
pub(super) fn ratio(value: &Value) -> Result<String, Error> {
    let ratio = number(value, "ratio")?;
    Ok(ratio.map_or(MISSING.to_owned(), |ratio| format!("{}×", format::significant(ratio))))
}

/// A number in scientific notation with two digits: `1.2e-7`.
pub(super) fn scientific(value: &Value) -> Result<String, Error> {
    let number = number(value, "scientific")?;
    Ok(number.map_or(MISSING.to_owned(), format::scientific))
}

/// A number of things with their noun: `1 run`, `3 runs`; `many` is the plural where it is not `noun` and `s`.
pub(super) fn plural(value: &Value, noun: &str, many: Option<&str>) -> Result<String, Error> {
    let Some(things) = number(value, "plural")? else { return Ok(MISSING.to_owned()) };
    Ok(match (things == 1.0, many) {
        (true, _) => format!("{things} {noun}"),
        (false, Some(many)) => format!("{things} {many}"),
        (false, None) => format!("{things} {noun}s"),
    })
}

/// One decimal; what would round to zero but is not zero says so.
fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.trim_start_matches('-') {
        "0.0" if value > 0.0 => "<0.1".to_owned(),
        "0.0" if value < 0.0 => ">-0.1".to_owned(),
        "0.0" => "0.0".to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::value::Value;

    fn all(filter: fn(&Value) -> Result<String, Error>, values: &[f64]) -> Vec<String> {
        values.iter().map(|&value| filter(&Value::from(value)).unwrap()).collect()
    }

    #[test]
    fn times_take_the_unit_that_fits() {
        let values = [0.0, 7.0, 12.34, 999.4, 999.6, 1234.0, 12_345_678.0, 1e9, 4.56e12];
        assert_eq!(
            all(ns, &values),
            ["0 ns", "7 ns", "12.3 ns", "999 ns", "1.00 µs", "1.23 µs", "12.3 ms", "1.00 s", "4560 s"]
        );
    }

    #[test]
    fn bytes_are_binary() {
        let values = [0.0, 512.0, 1023.0, 1024.0, 1536.0, 1_572_864.0, 3.5e9];
        assert_eq!(
            all(bytes, &values),
            ["0 B", "512 B", "1023 B", "1.00 KiB", "1.50 KiB", "1.50 MiB", "3.26 GiB"]
        );
    }

    #[test]
    fn counts_are_exact_while_small() {
        assert_eq!(
            all(count, &[0.0, 42.0, 42.5, 999.0, 1000.0, 12_345_678.0]),
            ["0", "42", "42.5", "999", "1.00 k", "12.3 M"]
        );
    }

    #[test]
    fn fractions_and_quotients() {
        assert_eq!(all(percent, &[0.0, 0.1234, 1.5, 0.0001]), ["0.0 %", "12.3 %", "150.0 %", "<0.1 %"]);
        assert_eq!(
            all(signed_percent, &[0.0, 0.1234, -0.05, -0.0001]),
            ["+0.0 %", "+12.3 %", "-5.0 %", ">-0.1 %"]
        );
        assert_eq!(
            all(ratio, &[0.5, 1.0, 1.234, 12.34, 1234.0]),
            ["0.500×", "1.00×", "1.23×", "12.3×", "1234×"]
        );
        assert_eq!(all(scientific, &[0.0, 1.234e-7]), ["0", "1.2e-7"]);
    }

    #[test]
    fn nouns_agree() {
        let say = |n: i64, many| plural(&Value::from(n), "query", many).unwrap();
        assert_eq!(say(1, Some("queries")), "1 query");
        assert_eq!(say(0, Some("queries")), "0 queries");
        assert_eq!(plural(&Value::from(2), "run", None).unwrap(), "2 runs");
    }

    #[test]
    fn null_is_missing_and_the_rest_is_refused() {
        assert_eq!(ns(&Value::from(())).unwrap(), MISSING);
        let error = ns(&Value::from("fast")).unwrap_err().to_string();
        assert_eq!(error, "invalid operation: 'ns' takes a number, not string fast");
        assert!(ns(&Value::UNDEFINED).is_err());
    }
}
