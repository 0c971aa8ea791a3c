//! Commits, times and words, safe inside markdown.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use minijinja::{Error, Value};

use super::{MISSING, invalid, text};

/// The digits of a commit that are shown; as many as `Commit::short` of the model gives.
const SHORT: usize = 10;

/// The characters that `brief` leaves of a sentence.
const LONGEST: usize = 120;

/// The first ten digits of a commit hash; other words whole.
pub(super) fn short(value: &Value) -> Result<String, Error> {
    let commit = text(value, "short")?;
    let hash = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(if hash { commit.chars().take(SHORT).collect() } else { commit })
}

/// A time to the minute, in UTC.
pub(super) fn date(value: &Value) -> Result<String, Error> {
    formatted(value, "date", "%Y-%m-%d %H:%M UTC")
}

/// The day of a time, in UTC.
pub(super) fn day(value: &Value) -> Result<String, Error> {
    formatted(value, "day", "%Y-%m-%d")
}

fn formatted(value: &Value, filter: &str, format: &str) -> Result<String, Error> {
    if value.is_none() {
        return Ok(MISSING.to_owned());
    }
    let text = text(value, filter)?;
    // A time without offset is UTC, as every time of the history is.
    let time = text
        .parse::<Timestamp>()
        .or_else(|_| text.parse::<DateTime>().and_then(|time| TimeZone::UTC.to_timestamp(time)))
        .map_err(|_| {
            invalid(format!("'{filter}' takes a time such as 2026-11-24T02:40:00Z, not '{text}'"))
        })?;
    Ok(time.strftime(format).to_string())
}

/// Text that markdown shows as it is: on one line, with what would mark it up escaped.
pub(super) fn md(value: &Value) -> Result<String, Error> {
    Ok(escape(&text(value, "md")?))
}

/// The first sentence of a message, for a list; a sentence too long for one is cut.
pub(super) fn brief(value: &Value) -> Result<String, Error> {
    let text = one_line(&text(value, "brief")?);
    let sentence = text.split_once(". ").map_or(text.as_str(), |(first, _)| first);
    if sentence.chars().count() <= LONGEST {
        return Ok(sentence.to_owned());
    }
    let mut cut: String = sentence.chars().take(LONGEST).collect();
    // A word is left out rather than halved.
    if let Some(space) = cut.rfind(' ') {
        cut.truncate(space);
    }
    Ok(cut + "…")
}

/// Text as a code span.
pub(super) fn code(value: &Value) -> Result<String, Error> {
    let text = one_line(&text(value, "code")?);
    // A code span ends at a run of as many backticks as opened it.
    let run = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(run + 1);
    Ok(if run > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escape(text: &str) -> String {
    let text = one_line(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        // An underscore inside a word marks nothing up, so snake_case stays legible as plain text.
        let inside_word = before.is_alphanumeric() && characters.peek().is_some_and(|c| c.is_alphanumeric());
        if matches!(character, '\\' | '`' | '*' | '<' | '[' | '|') || (character == '_' && !inside_word) {
            escaped.push('\\');
        }
        escaped.push(character);
        before = character;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(filter: fn(&Value) -> Result<String, Error>, text: &str) -> String {
        filter(&Value::from(text)).unwrap()
    }

    #[test]
    fn only_hashes_are_shortened() {
        assert_eq!(apply(short, "0123456789abcdef0123456789abcdef01234567"), "0123456789");
        assert_eq!(apply(short, "unversioned"), "unversioned");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(apply(date, "2026-11-24T02:40:31.123456Z"), "2026-11-24 02:40 UTC");
        assert_eq!(apply(date, "2026-11-24T04:40:00+02:00"), "2026-11-24 02:40 UTC");
        assert_eq!(apply(day, "2026-11-24T02:40:31.123456"), "2026-11-24");
        assert_eq!(apply(day, "2026-11-24 02:40:31"), "2026-11-24");
        let error = day(&Value::from("yesterday")).unwrap_err().to_string();
        assert!(error.contains("not 'yesterday'"), "{error}");
    }

    #[test]
    fn markdown_is_escaped_and_words_stay_legible() {
        assert_eq!(apply(md, "a|b *c* `d` <e> [f](g)"), r"a\|b \*c\* \`d\` \<e> \[f](g)");
        assert_eq!(
            apply(md, "peak_memory of __init__\nsecond line"),
            r"peak_memory of \_\_init\_\_ second line"
        );
    }

    #[test]
    fn a_message_in_brief_is_its_first_sentence() {
        assert_eq!(apply(brief, "out of memory. Tried to allocate 1.90 GiB."), "out of memory");
        assert_eq!(apply(brief, "1.5 is not\n2.5"), "1.5 is not 2.5");
        let long = "word ".repeat(40);
        assert_eq!(apply(brief, &long), format!("{}…", "word ".repeat(24).trim_end()));
    }

    #[test]
    fn code_spans_hold_backticks() {
        assert_eq!(apply(code, "pipe bench"), "`pipe bench`");
        assert_eq!(apply(code, "a `` b"), "``` a `` b ```");
    }
}
