//! The filters that turn query results into text a person reads.
//!
//! | filter | of | gives |
//! | --- | --- | --- |
//! | `ns` | nanoseconds | `1.23 ms` |
//! | `bytes` | bytes | `1.50 MiB` |
//! | `count` | a number of events | `12.3 M` |
//! | `percent`, `signed_percent` | a fraction | `12.3 %`, `+12.3 %` |
//! | `ratio` | a quotient | `1.23×` |
//! | `scientific` | a small number | `1.2e-7` |
//! | `plural(noun, many)` | a number of things | `1 run`, `3 runs` |
//! | `short` | a commit | its first ten digits |
//! | `date`, `day` | a time | `2026-11-24 02:40 UTC`, `2026-11-24` |
//! | `md`, `code` | text | the text, safe inside markdown; the text as a code span |
//! | `brief` | a message | its first sentence, or as much of it as fits a list |
//! | `sparkline` | a list of numbers | `▁▃▅█` |
//! | `table(columns…)` | rows | an aligned markdown table |
//! | `pivot(keys, column, value)` | rows | rows with one column for each value of `column` |
//! | `line_chart(…)`, `ratio_chart(…)` | rows | a chart's link, see the private module `chart`; nothing where there is no place for it |
//! | `with_case`, `common_case` | rows with a `config` | the rows with a short `case`; what all configs share |
//!
//! What is missing (null) is shown as [`MISSING`]; an undefined value is an error.

mod cases;
mod number;
mod pivot;
mod sparkline;
mod table;
mod text;

use minijinja::{Environment, Error, ErrorKind, Value};

/// Stands for a number that the history does not have.
pub(crate) const MISSING: &str = "–";

/// Adds all filters to an environment.
pub(crate) fn register(environment: &mut Environment<'_>) {
    environment.add_filter("ns", number::ns);
    environment.add_filter("bytes", number::bytes);
    environment.add_filter("count", number::count);
    environment.add_filter("percent", number::percent);
    environment.add_filter("signed_percent", number::signed_percent);
    environment.add_filter("ratio", number::ratio);
    environment.add_filter("scientific", number::scientific);
    environment.add_filter("plural", number::plural);
    environment.add_filter("short", text::short);
    environment.add_filter("date", text::date);
    environment.add_filter("day", text::day);
    environment.add_filter("md", text::md);
    environment.add_filter("code", text::code);
    environment.add_filter("brief", text::brief);
    environment.add_filter("sparkline", sparkline::sparkline);
    environment.add_filter("table", table::table);
    environment.add_filter("pivot", pivot::pivot);
    environment.add_filter("with_case", cases::with_case);
    environment.add_filter("common_case", cases::common_case);
}

/// An error about what a filter was given.
fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail.into())
}

/// The number in `value`; `None` where it is null.
///
/// # Errors
///
/// The value is undefined or not a number.
pub(crate) fn number(value: &Value, filter: &str) -> Result<Option<f64>, Error> {
    if value.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            format!("'{filter}' was given an undefined value"),
        ));
    }
    if value.is_none() {
        return Ok(None);
    }
    f64::try_from(value.clone())
        .map(Some)
        .map_err(|_| invalid(format!("'{filter}' takes a number, not {} {value}", value.kind())))
}

/// The text of `value`; [`MISSING`] where it is null.
///
/// # Errors
///
/// The value is undefined.
fn text(value: &Value, filter: &str) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            format!("'{filter}' was given an undefined value"),
        ));
    }
    if value.is_none() {
        return Ok(MISSING.to_owned());
    }
    Ok(value.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Renders an expression with all filters and `rows`, a list of maps or anything else.
    pub(crate) fn render(template: &str, rows: serde_json::Value) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        register(&mut environment);
        environment.render_str(template, minijinja::context! { rows => minijinja::value::Serde(rows) })
    }
}
