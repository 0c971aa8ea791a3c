//! From the text of one statement to its syntax tree: what is allowed, placeholders bound, mistakes with their place.

use std::{collections::BTreeMap, ops::ControlFlow};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use datafusion::{
    common::{DataFusionError, SchemaError, Span},
    sql::{
        parser::{DFParserBuilder, Statement},
        sqlparser::{
            ast::{self, CastKind, Expr, visit_expressions_mut},
            dialect::GenericDialect,
            parser::ParserError,
        },
    },
};

use pipe_model::near;

use crate::{Error, SqlError, Value, error::one_of};

/// Parses one statement that only reads.
pub(crate) fn parse(text: &str) -> Result<Statement, Error> {
    let mut statements = DFParserBuilder::new(text)
        .with_dialect(&GenericDialect {})
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| SqlError::of(&error, text, &[]))?;
    let found = statements.len();
    match statements.pop_front() {
        Some(statement) if found == 1 => {
            only_reads(&statement, text)?;
            Ok(statement)
        }
        _ => Err(Error::StatementCount { found }),
    }
}

/// Refuses what writes or changes settings. What parses as a query and still writes (`SELECT … INTO`) is refused
/// once it is planned.
fn only_reads(statement: &Statement, text: &str) -> Result<(), Error> {
    let reads = match statement {
        Statement::Statement(statement) => matches!(
            **statement,
            ast::Statement::Query(_)
                | ast::Statement::ExplainTable { .. }
                | ast::Statement::ShowTables { .. }
                | ast::Statement::ShowColumns { .. }
                | ast::Statement::ShowFunctions { .. }
                | ast::Statement::ShowVariable { .. }
                | ast::Statement::ShowCreate { .. }
        ),
        Statement::Explain(explain) => return only_reads(&explain.statement, text),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    };
    if reads { Ok(()) } else { Err(read_only(text)) }
}

/// The refusal of a statement that does not only read.
pub(crate) fn read_only(text: &str) -> Error {
    let code = text.lines().find(|line| !line.trim_start().starts_with("--") && !line.trim().is_empty());
    let keyword = code.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    Error::ReadOnly { keyword: keyword.to_uppercase() }
}

/// Replaces every `$name` by the value that `value` gives for it, as a typed literal of the syntax tree: no text is
/// pasted, so a value can never become syntax.
pub(crate) fn bind(
    statement: &mut Statement,
    value: &mut dyn FnMut(&str) -> Result<Value, Error>,
) -> Result<(), Error> {
    let statement = match statement {
        Statement::Statement(statement) => statement,
        Statement::Explain(explain) => return bind(&mut explain.statement, value),
        _ => return Ok(()),
    };
    let flow = visit_expressions_mut(statement, |expression| {
        if let Expr::Value(ast::ValueWithSpan { value: ast::Value::Placeholder(placeholder), .. }) =
            expression
        {
            match value(placeholder.trim_start_matches('$')) {
                Ok(value) => *expression = literal(value),
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    });
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// A value as a literal whose type the planner knows.
fn literal(value: Value) -> Expr {
    let cast = |text: Option<String>, data_type| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::value(text.map_or(ast::Value::Null, ast::Value::SingleQuotedString))),
        data_type,
        array: false,
        format: None,
    };
    match value {
        Value::Null => cast(None, ast::DataType::Varchar(None)),
        Value::Boolean(truth) => Expr::value(ast::Value::Boolean(truth)),
        Value::Integer(integer) => cast(Some(integer.to_string()), ast::DataType::BigInt(None)),
        Value::Real(real) => cast(Some(real.to_string()), ast::DataType::Double(ast::ExactNumberInfo::None)),
        Value::Text(text) => Expr::value(ast::Value::SingleQuotedString(text)),
        Value::Untyped(text) => literal(Value::guess(&text)),
    }
}

/// Values for a statement that declares none: each placeholder must have one, and each value a placeholder.
pub(crate) fn bind_given(statement: &mut Statement, given: &crate::Params) -> Result<(), Error> {
    let mut used = BTreeMap::new();
    bind(statement, &mut |name| {
        used.insert(name.to_owned(), ());
        given.get(name).cloned().ok_or_else(|| Error::MissingParameter {
            query: None,
            name: name.to_owned(),
            description: String::new(),
        })
    })?;
    match given.names().find(|name| !used.contains_key(*name)) {
        Some(name) => Err(Error::UnknownParameter {
            query: None,
            name: name.to_owned(),
            parameters: used.into_keys().collect(),
        }),
        None => Ok(()),
    }
}

impl SqlError {
    /// What the engine says of `text`, in our words where it is a common mistake. `tables` are the ones there are.
    pub(crate) fn of(error: &DataFusionError, text: &str, tables: &[String]) -> Self {
        let diagnostic = error.diagnostic();
        let mut span = diagnostic.and_then(|diagnostic| diagnostic.span);
        let mut help = String::new();
        let mut meant = |near: Vec<String>| {
            if !near.is_empty() {
                help = format!("did you mean {}?", one_of(&near));
            }
        };
        let message = match error.find_root() {
            DataFusionError::SQL(parser, _) => {
                let message = match &**parser {
                    ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                        message.clone()
                    }
                    ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
                };
                let (message, place) = split_place(&message);
                span = span.or(place);
                message.replacen("Expected:", "expected", 1).replacen(", found:", ", found", 1)
            }
            DataFusionError::SchemaError(schema, _) => match &**schema {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    meant(near(&field.name, valid_fields.iter().map(|column| column.name.as_str())));
                    format!("there is no column '{}'", field.quoted_flat_name().replace('"', ""))
                }
                SchemaError::AmbiguousReference { field } => {
                    help = "name its table as well, as in table.column".to_owned();
                    format!("column '{}' is in more than one table", field.name)
                }
                other => first_lower(&other.to_string()),
            },
            other => {
                let message = diagnostic.map_or_else(|| other.message().into_owned(), |d| d.message.clone());
                if let Some(table) =
                    message.strip_prefix("table '").and_then(|m| m.strip_suffix("' not found"))
                {
                    let table = table.rsplit('.').next().unwrap_or(table);
                    meant(near(table, tables.iter().map(String::as_str)));
                    if help.is_empty() {
                        help = format!("the tables are {}", tables.join(", "));
                    }
                    format!("there is no table '{table}'")
                } else if let Some(function) = message.strip_prefix("Invalid function '") {
                    let notes = diagnostic.map(|d| d.notes.as_slice()).unwrap_or_default();
                    meant(
                        notes
                            .iter()
                            .filter_map(|n| n.message.split('\'').nth(1))
                            .map(str::to_owned)
                            .collect(),
                    );
                    format!("there is no function '{}", function)
                } else {
                    first_lower(message.trim_end_matches('.'))
                }
            }
        };
        Self::render(message, span, help, text)
    }

    fn render(message: String, span: Option<Span>, help: String, text: &str) -> Self {
        let place = span.and_then(|span| {
            let start = offset(text, span.start.line, span.start.column)?;
            let end = offset(text, span.end.line, span.end.column).filter(|end| *end > start);
            Some((span, start, end.unwrap_or(start + 1)))
        });
        let rendered = match place {
            Some((span, start, end)) => {
                let title = format!("line {}, column {}: {message}", span.start.line, span.start.column);
                let snippet =
                    Snippet::source(text).line_start(1).annotation(AnnotationKind::Primary.span(start..end));
                let mut group = Level::ERROR.no_name().primary_title(title).element(snippet);
                if !help.is_empty() {
                    group = group.element(Level::HELP.message(help.as_str()));
                }
                Renderer::plain().render(&[group]).trim_start_matches(": ").to_owned()
            }
            None if help.is_empty() => message.clone(),
            None => format!("{message}; {help}"),
        };
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            message,
            line: place.map(|(span, ..)| number(span.start.line)),
            column: place.map(|(span, ..)| number(span.start.column)),
            help,
            rendered,
        }
    }
}

/// Splits `… at Line: 1, Column: 8` off a message of the parser, which gives the place in no other way.
fn split_place(message: &str) -> (String, Option<Span>) {
    let place = || {
        let (head, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
        let at = datafusion::common::Location { line: line.parse().ok()?, column: digits.parse().ok()? };
        Some((head.to_owned(), Some(Span::new(at, at))))
    };
    place().unwrap_or_else(|| (message.to_owned(), None))
}

/// The byte offset of a line and column, both from 1 and the column in characters.
fn offset(text: &str, line: u64, column: u64) -> Option<usize> {
    let line_start: usize =
        text.split_inclusive('\n').take(usize::try_from(line).ok()?.checked_sub(1)?).map(str::len).sum();
    let rest = text.get(line_start..)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    Some(line_start + rest.char_indices().nth(column).map_or(rest.len(), |(offset, _)| offset))
}

fn first_lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        // An acronym or an identifier keeps its case.
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parse("SELECT *\nFORM measurements").unwrap_err();
        insta::assert_snapshot!(error, @"
        line 2, column 1: expected end of statement, found FORM
          |
        2 | FORM measurements
          | ^^^^
        ");
        let Error::Sql(error) = error else { panic!("{error:?}") };
        assert_eq!((error.line, error.column), (Some(2), Some(1)));
    }

    #[test]
    fn an_open_quote_has_a_place() {
        insta::assert_snapshot!(parse("SELECT 'abc").unwrap_err(), @"
        line 1, column 8: Unterminated string literal
          |
        1 | SELECT 'abc
          |        ^
        ");
    }

    #[test]
    fn only_reading_statements_pass() {
        for text in [
            "SELECT 1;",
            "EXPLAIN SELECT 1",
            "SHOW TABLES",
            "DESCRIBE runs",
            "VALUES (1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "INSERT INTO runs VALUES (1)",
            "DROP TABLE runs",
            "CREATE TABLE a AS SELECT 1",
            "CREATE EXTERNAL TABLE a STORED AS PARQUET LOCATION '/etc/'",
            "COPY runs TO 'x.csv'",
            "-- harmless\nUPDATE runs SET a = 1",
            "EXPLAIN COPY runs TO 'x.csv'",
            "SET a = 1",
            "RESET a",
            "DELETE FROM runs",
            "TRUNCATE runs",
            "USE a",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, Error::ReadOnly { .. } | Error::Sql(_)), "{text}: {error}");
        }
        assert_eq!(
            parse("drop table runs").unwrap_err().to_string(),
            "'DROP' is not possible: the history is only read here; use SELECT, EXPLAIN, SHOW or DESCRIBE"
        );
    }

    #[test]
    fn exactly_one_statement() {
        assert!(matches!(parse("").unwrap_err(), Error::StatementCount { found: 0 }));
        assert!(matches!(parse("SELECT 1; SELECT 2").unwrap_err(), Error::StatementCount { found: 2 }));
    }

    #[test]
    fn a_value_never_becomes_syntax() {
        let mut statement = parse("SELECT $a, $b, $c FROM runs LIMIT $n").unwrap();
        let given =
            crate::Params::new().with("a", "' OR 1=1 --").with("b", None::<i64>).with("c", -1.5).with("n", 3);
        bind_given(&mut statement, &given).unwrap();
        insta::assert_snapshot!(statement, @"SELECT ''' OR 1=1 --', CAST(NULL AS VARCHAR), CAST('-1.5' AS DOUBLE) FROM runs LIMIT CAST('3' AS BIGINT)");
    }
}
