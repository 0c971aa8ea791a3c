//! What is wrong with a statement, in words for its author, and where.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use datafusion::{
    common::{DataFusionError, Diagnostic, Location, SchemaError, Span},
    sql::sqlparser::parser::ParserError,
};
use pipe_model::near;

use super::Text;
use crate::{SqlError, error::one_of};

/// A mistake before it is set beside the statement's text.
#[derive(Default)]
struct Mistake {
    message: String,
    place: Option<Span>,
    help: String,
}

impl SqlError {
    /// What the engine says of `text`, in our words where it is a common mistake. `tables` are the ones there are.
    pub(crate) fn of(error: &DataFusionError, text: Text<'_>, tables: &[String]) -> Self {
        let diagnostic = error.diagnostic();
        let mistake = match error.find_root() {
            DataFusionError::SQL(parser, _) => syntax(parser, text.sql),
            DataFusionError::SchemaError(schema, _) => column(schema),
            other => meaning(&other.message(), diagnostic, tables),
        };
        let place = diagnostic.and_then(|diagnostic| diagnostic.span).or(mistake.place);
        Self::rendered(Mistake { place, ..mistake }, text)
    }

    fn rendered(Mistake { message, place, help }: Mistake, text: Text<'_>) -> Self {
        let path = text.path.map(|path| path.display().to_string());
        let shown = place.and_then(|place| Some((place.start, bytes(place, text.sql)?)));
        let rendered = match &shown {
            Some((at, bytes)) => {
                let title = match &path {
                    Some(path) => format!("{path}:{}:{}: {message}", at.line, at.column),
                    None => format!("line {}, column {}: {message}", at.line, at.column),
                };
                let caret = AnnotationKind::Primary.span(bytes.clone());
                let snippet = Snippet::source(text.sql).line_start(1).annotation(caret);
                let mut group = Level::ERROR.no_name().primary_title(title).element(snippet);
                if !help.is_empty() {
                    group = group.element(Level::HELP.message(help.as_str()));
                }
                Renderer::plain().render(&[group]).trim_start_matches(": ").to_owned()
            }
            None => {
                let path = path.map(|path| format!("{path}: ")).unwrap_or_default();
                let help = if help.is_empty() { String::new() } else { format!("; {help}") };
                format!("{path}{message}{help}")
            }
        };
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let at = shown.map(|(at, _)| at);
        Self {
            message,
            line: at.map(|at| number(at.line)),
            column: at.map(|at| number(at.column)),
            help,
            rendered,
        }
    }
}

/// What the parser says. The place is in its message, or it is the end of the text.
fn syntax(error: &ParserError, text: &str) -> Mistake {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return Mistake {
                message: "the statement is nested too deeply".to_owned(),
                ..Mistake::default()
            };
        }
    };
    let (message, mut place) = split_place(message);
    if message.ends_with("found: EOF") {
        place = place.or_else(|| end_of(text));
    }
    let message = message.replacen(", found: EOF", ", found the end", 1).replacen(", found:", ", found", 1);
    Mistake {
        message: first_lower(&message.replacen("Expected:", "expected", 1)),
        place,
        ..Mistake::default()
    }
}

/// What is wrong with a column.
fn column(error: &SchemaError) -> Mistake {
    let (message, help) = match error {
        SchemaError::FieldNotFound { field, valid_fields } => (
            format!("there is no column '{}'", field.flat_name()),
            did_you_mean(&near(&field.name, valid_fields.iter().map(|column| column.name.as_str()))),
        ),
        SchemaError::AmbiguousReference { field } => (
            format!("column '{}' is in more than one table", field.name),
            "name its table as well, as in table.column".to_owned(),
        ),
        other => (first_lower(&other.to_string()), String::new()),
    };
    Mistake { message, help, place: None }
}

/// What is wrong with everything else: a table, a function, a type.
fn meaning(message: &str, diagnostic: Option<&Diagnostic>, tables: &[String]) -> Mistake {
    let short = diagnostic.map_or(message, |diagnostic| &diagnostic.message);
    if let Some(table) = short.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        let table = table.rsplit('.').next().unwrap_or(table);
        let help = match near(table, tables.iter().map(String::as_str)).as_slice() {
            [] => format!("the tables are {}", tables.join(", ")),
            near => did_you_mean(near),
        };
        return Mistake { message: format!("there is no table '{table}'"), help, place: None };
    }
    if let Some(function) = short.strip_prefix("Invalid function ") {
        let notes = diagnostic.map(|diagnostic| diagnostic.notes.as_slice()).unwrap_or_default();
        let near: Vec<String> =
            notes.iter().filter_map(|note| note.message.split('\'').nth(1)).map(str::to_owned).collect();
        return Mistake {
            message: format!("there is no function {function}"),
            help: did_you_mean(&near),
            place: None,
        };
    }
    // The diagnostic is shorter and points at the place; where it does not, the error itself says more.
    let placed = diagnostic.is_some_and(|diagnostic| diagnostic.span.is_some());
    let message = if placed { short } else { message };
    Mistake { message: first_lower(message.trim_end_matches('.')), ..Mistake::default() }
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("did you mean {}?", one_of(near)) }
}

/// Splits `… at Line: 1, Column: 8` off a message of the parser, which gives the place in no other way.
fn split_place(message: &str) -> (String, Option<Span>) {
    let place = || {
        let (head, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
        let at = Location { line: line.parse().ok()?, column: digits.parse().ok()? };
        Some((head.to_owned(), Some(Span::new(at, at))))
    };
    place().unwrap_or_else(|| (message.to_owned(), None))
}

/// The place behind the last character that is not white space.
fn end_of(text: &str) -> Option<Span> {
    let text = text.trim_end();
    let last = text.lines().last()?;
    let number = |number: usize| u64::try_from(number).ok();
    let at = Location { line: number(text.lines().count())?, column: number(last.chars().count() + 1)? };
    Some(Span::new(at, at))
}

/// The bytes of a place, at least one character where the text goes on.
fn bytes(place: Span, text: &str) -> Option<Range<usize>> {
    let start = offset(text, place.start)?;
    let one = text[start..].chars().next().map_or(0, char::len_utf8);
    let end = offset(text, place.end).filter(|end| *end > start).unwrap_or(start + one);
    Some(start..end)
}

/// The byte offset of a place; a column beyond its line is the line's end.
fn offset(text: &str, Location { line, column }: Location) -> Option<usize> {
    let (line, column) =
        (usize::try_from(line).ok()?.checked_sub(1)?, usize::try_from(column).ok()?.checked_sub(1)?);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(before..)?;
    let rest = rest.split('\n').next().unwrap_or(rest);
    Some(before + rest.char_indices().nth(column).map_or(rest.len(), |(offset, _)| offset))
}

/// The same text with a small first letter; an acronym or an identifier keeps its case.
fn first_lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
