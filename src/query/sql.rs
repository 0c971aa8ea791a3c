//! From the text of one statement to its syntax tree: what is allowed, and placeholders bound.

pub(crate) mod materialized;
mod mistake;

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use datafusion::sql::{
    parser::{DFParserBuilder, Statement},
    sqlparser::{
        ast::{self, CastKind, Expr, visit_expressions_mut},
        dialect::GenericDialect,
    },
};

use crate::{Error, SqlError, Value};

/// The text of a statement, and the file it was read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) sql: &'a str,
    pub(crate) path: Option<&'a Path>,
}

impl<'a> Text<'a> {
    /// A statement that is in no file.
    pub(crate) fn typed(sql: &'a str) -> Self {
        Self { sql, path: None }
    }
}

/// A statement, and the names of its parts that are to be computed once.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) statement: Statement,
    pub(crate) materialized: BTreeSet<String>,
}

/// Parses one statement that only reads.
pub(crate) fn parse(text: Text<'_>) -> Result<Parsed, Error> {
    let (sql, materialized) = materialized::taken_out(text.sql);
    let mut statements = DFParserBuilder::new(sql.as_ref())
        .with_dialect(&GenericDialect {})
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| SqlError::of(&error, text, &[]))?;
    let found = statements.len();
    match statements.pop_front() {
        Some(statement) if found == 1 => {
            only_reads(&statement, text.sql)?;
            Ok(Parsed { statement, materialized })
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
    let mut used = BTreeSet::new();
    bind(statement, &mut |name| {
        used.insert(name.to_owned());
        given.get(name).cloned().ok_or_else(|| Error::MissingParameter {
            query: None,
            name: name.to_owned(),
            description: String::new(),
        })
    })?;
    match given.names().find(|name| !used.contains(*name)) {
        Some(name) => Err(Error::UnknownParameter {
            query: None,
            name: name.to_owned(),
            parameters: used.into_iter().collect(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(sql: &str) -> Result<Statement, Error> {
        super::parse(Text::typed(sql)).map(|parsed| parsed.statement)
    }

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
        line 1, column 8: unterminated string literal
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
