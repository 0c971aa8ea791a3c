//! `WITH name AS MATERIALIZED (…)`: a part of a statement that is computed once, however often the statement names it.
//!
//! The engine puts the text of a `WITH` clause wherever its name stands, and computes it there anew. The word is PostgreSQL's; the
//! parser's dialect does not know it, so it is taken out of the text before it is parsed, and blanks keep every other place.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::DataType,
};
use datafusion::{
    catalog::MemTable,
    error::Result as EngineResult,
    physical_plan::collect_partitioned,
    prelude::DataFrame,
    sql::{
        parser::Statement,
        sqlparser::{
            ast::{self, Query},
            dialect::GenericDialect,
            keywords::Keyword,
            tokenizer::{Token, TokenWithSpan, Tokenizer},
        },
    },
};

use super::Text;
use crate::Error;

const WORD: &str = "MATERIALIZED";

/// The rows of a statement, in memory.
pub(crate) async fn rows(frame: DataFrame) -> EngineResult<MemTable> {
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    let schema = plan.schema();
    let partitions = collect_partitioned(plan, context).await?;
    let compacted = partitions.iter().map(|batches| batches.iter().map(compacted).collect());
    MemTable::try_new(schema, compacted.collect::<EngineResult<_>>()?)
}

/// A batch whose texts hold what they show and no more. Those that the engine makes hold what other batches show as well, all of
/// which it counts again for every batch when it bounds its memory.
fn compacted(batch: &RecordBatch) -> EngineResult<RecordBatch> {
    let column = |column: &ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            _ => Arc::clone(column),
        }
    };
    Ok(RecordBatch::try_new(batch.schema(), batch.columns().iter().map(column).collect())?)
}

/// The text without the word, and the names that it stood behind. Text that is no SQL stays as it is, for the parser to say so.
pub(super) fn taken_out(sql: &str) -> (Cow<'_, str>, BTreeSet<String>) {
    let mut names = BTreeSet::new();
    if !sql.to_ascii_uppercase().contains(WORD) {
        return (sql.into(), names);
    }
    let Ok(mut tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else {
        return (sql.into(), names);
    };
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut lines: Vec<Vec<char>> = sql.split('\n').map(|line| line.chars().collect()).collect();
    for around in tokens.windows(4) {
        let [name, behind, word, parenthesis] = around else { continue };
        let Token::Word(name) = &name.token else { continue };
        if is(behind, Keyword::AS) && is(word, Keyword::MATERIALIZED) && parenthesis.token == Token::LParen {
            let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
            let (line, column) = (place(word.span.start.line), place(word.span.start.column));
            if let Some(line) = lines.get_mut(line) {
                line.iter_mut().skip(column).take(WORD.len()).for_each(|letter| *letter = ' ');
            }
            names.insert(name.value.clone());
        }
    }
    let lines: Vec<String> = lines.into_iter().map(String::from_iter).collect();
    (lines.join("\n").into(), names)
}

fn is(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(word) if word.keyword == keyword && word.quote_style.is_none())
}

/// The query that a statement is; none where it only tells of one.
fn query(statement: &mut Statement) -> Option<&mut Query> {
    match statement {
        Statement::Statement(statement) => match &mut **statement {
            ast::Statement::Query(query) => Some(query),
            _ => None,
        },
        _ => None,
    }
}

/// The statement for the part in place `index` of the `WITH` clause alone; none where there is no such part.
pub(crate) fn part(statement: &Statement, index: usize) -> Result<Option<(String, Statement)>, Error> {
    let mut statement = statement.clone();
    let Some(with) = query(&mut statement).and_then(|query| query.with.take()) else { return Ok(None) };
    let Some(cte) = with.cte_tables.get(index) else { return Ok(None) };
    let name = cte.alias.name.clone();
    let mut part = super::parse(Text::typed(&format!("SELECT * FROM {name}")))?.statement;
    if let Some(query) = query(&mut part) {
        let mut with = with;
        with.cte_tables.truncate(index + 1);
        query.with = Some(with);
    }
    Ok(Some((name.value, part)))
}

/// Lets the part in place `index` be what `table` has.
pub(crate) fn replace(statement: &mut Statement, index: usize, table: &str) -> Result<(), Error> {
    let mut rows = super::parse(Text::typed(&format!("SELECT * FROM {table}")))?.statement;
    let cte = query(statement).and_then(|query| query.with.as_mut()?.cte_tables.get_mut(index));
    if let (Some(cte), Some(rows)) = (cte, query(&mut rows)) {
        *cte.query = rows.clone();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_leaves_blanks() {
        let sql = "WITH a AS MATERIALIZED (SELECT 'AS MATERIALIZED (' AS materialized),\n b AS (SELECT 'ä'), \"C\" as materialized (\nSELECT 1)";
        let (text, names) = taken_out(sql);
        assert_eq!(
            text,
            "WITH a AS              (SELECT 'AS MATERIALIZED (' AS materialized),\n b AS (SELECT 'ä'), \"C\" as              (\nSELECT 1)"
        );
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["C", "a"]);
        assert_eq!(taken_out("SELECT 'open").0, "SELECT 'open");
    }

    #[test]
    fn a_part_has_those_before_it() {
        let parsed = super::super::parse(Text::typed(
            "WITH a AS (SELECT 1 AS x), b AS MATERIALIZED (SELECT x FROM a), c AS (SELECT 2) SELECT * FROM b",
        ))
        .unwrap();
        let mut statement = parsed.statement;
        let (name, b) = part(&statement, 1).unwrap().unwrap();
        assert!(parsed.materialized.contains(&name));
        insta::assert_snapshot!(b, @"WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT * FROM b");
        assert!(part(&statement, 3).unwrap().is_none());
        replace(&mut statement, 1, "kept").unwrap();
        insta::assert_snapshot!(statement, @"WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM kept), c AS (SELECT 2) SELECT * FROM b");
    }
}
