//! Rows as a markdown table that reads well as plain text: padded columns, numbers on the right.
//!
//! A column is described by `heading: field | filter`. The heading may be left out where it is the field's name
//! (with spaces for underscores), the filter where the value is text. `field?` leaves the column out where no row
//! has a value for it. `*` stands for all fields that no other column names.

use std::collections::BTreeSet;

use minijinja::{
    Error, State, Value,
    value::{Rest, ValueKind},
};
use unicode_width::UnicodeWidthStr;

use super::{MISSING, invalid};
use crate::row::Row;

/// How a column's cells are made.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    heading: String,
    field: String,
    filter: Option<String>,
    optional: bool,
}

impl Column {
    fn parse(text: &str) -> Result<Self, Error> {
        let (heading, cell) = match text.split_once(": ") {
            Some((heading, cell)) => (Some(heading.trim().to_owned()), cell),
            None => (None, text),
        };
        let (field, filter) = match cell.split_once('|') {
            Some((field, filter)) => (field.trim(), Some(filter.trim().to_owned())),
            None => (cell.trim(), None),
        };
        let (field, optional) = match field.strip_suffix('?') {
            Some(field) => (field, true),
            None => (field, false),
        };
        if field.is_empty() {
            return Err(invalid(format!(
                "'table' cannot read the column '{text}'; write 'heading: field | filter'"
            )));
        }
        let heading = heading.unwrap_or_else(|| field.replace('_', " "));
        Ok(Self { heading, field: field.to_owned(), filter, optional })
    }
}

/// `rows | table("implementation", "median: time | ns", …)`; without columns, all fields.
pub(super) fn table(state: &mut State<'_, '_>, rows: &Value, columns: Rest<String>) -> Result<String, Error> {
    let rows: Vec<Value> = rows.try_iter()?.collect();
    let Some(first) = rows.first() else { return Ok(String::new()) };
    let mut columns = columns.iter().map(|text| Column::parse(text)).collect::<Result<Vec<_>, _>>()?;
    if columns.is_empty() {
        columns.push(Column::parse("*")?);
    }
    let columns = expand(columns, first)?;

    let mut grid: Vec<Vec<String>> = Vec::new();
    for column in &columns {
        if column.optional && rows.iter().all(|row| field(row, &column.field).is_ok_and(|v| v.is_none())) {
            continue;
        }
        let mut cells = vec![escape(&column.heading)];
        for row in &rows {
            cells.push(escape(&cell(state, column, row)?));
        }
        grid.push(cells);
    }
    Ok(draw(&grid))
}

/// Replaces `*` by the fields that no other column names, in the row's order.
fn expand(columns: Vec<Column>, row: &Value) -> Result<Vec<Column>, Error> {
    let named: BTreeSet<String> = columns.iter().map(|column| column.field.clone()).collect();
    let mut expanded = Vec::new();
    for column in columns {
        if column.field != "*" {
            expanded.push(column);
            continue;
        }
        if row.kind() != ValueKind::Map {
            return Err(invalid(format!("'table' takes rows, not {}", row.kind())));
        }
        let fields = row.try_iter()?.map(|key| key.to_string()).filter(|key| !named.contains(key));
        expanded.extend(fields.map(|field| Column {
            // A wildcard's fields are data (commits, implementations): they are not reworded.
            heading: field.clone(),
            field,
            ..column.clone()
        }));
    }
    Ok(expanded)
}

fn field(row: &Value, name: &str) -> Result<Value, Error> {
    let value = match row.downcast_object_ref::<Row>() {
        Some(row) => row.get(name).cloned().unwrap_or(Value::UNDEFINED),
        None => row.get_attr(name)?,
    };
    if value.is_undefined() {
        let known: Vec<String> = row.try_iter()?.map(|key| key.to_string()).collect();
        return Err(invalid(format!(
            "'table' finds no field '{name}' in the rows; they have {}",
            known.join(", ")
        )));
    }
    Ok(value)
}

fn cell(state: &mut State<'_, '_>, column: &Column, row: &Value) -> Result<String, Error> {
    let value = field(row, &column.field)?;
    let value = match &column.filter {
        Some(filter) => state.apply_filter(filter, &[value])?,
        None => value,
    };
    Ok(if value.is_none() { MISSING.to_owned() } else { value.to_string() })
}

/// A cell is one line, and a bar in it is no border.
fn escape(cell: &str) -> String {
    let line = cell.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(line.len());
    let mut before = ' ';
    for character in line.chars() {
        if character == '|' && before != '\\' {
            escaped.push('\\');
        }
        escaped.push(character);
        before = character;
    }
    escaped
}

/// Draws columns of cells, the heading first in each.
fn draw(columns: &[Vec<String>]) -> String {
    let widths: Vec<usize> =
        columns.iter().map(|cells| cells.iter().map(|cell| cell.width()).max().unwrap_or(0).max(3)).collect();
    let right: Vec<bool> = columns.iter().map(|cells| numeric(cells.get(1..).unwrap_or_default())).collect();
    let height = columns.first().map_or(0, Vec::len);

    let mut lines = Vec::with_capacity(height + 1);
    for index in 0..height {
        let cells = columns.iter().zip(&widths).zip(&right).map(|((cells, &width), &right)| {
            let cell = cells.get(index).map_or("", String::as_str);
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if right { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
        });
        lines.push(format!("| {} |", cells.collect::<Vec<_>>().join(" | ")));
        if index == 0 {
            let rules = widths.iter().zip(&right).map(|(&width, &right)| {
                if right { format!("{}:", "-".repeat(width - 1)) } else { "-".repeat(width) }
            });
            lines.push(format!("| {} |", rules.collect::<Vec<_>>().join(" | ")));
        }
    }
    lines.join("\n")
}

/// Whether all cells are numbers (with a sign, a unit of a few letters, emphasis) or missing, and not all missing.
fn numeric(cells: &[String]) -> bool {
    let mut some = false;
    for cell in cells {
        let cell = cell.trim_matches('*');
        if cell == MISSING || cell.is_empty() {
            continue;
        }
        let digits = cell.trim_start_matches(['<', '>', '~', '+', '-']);
        let unit = digits.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let exponent = unit.strip_prefix("e-").is_some_and(|e| e.bytes().all(|b| b.is_ascii_digit()));
        let unit = unit.trim_start();
        let number = unit.len() < digits.len()
            && (exponent || unit.chars().count() <= 3 && !unit.contains(|c: char| c.is_ascii_digit()));
        if !number {
            return false;
        }
        some = true;
    }
    some
}

#[cfg(test)]
mod tests {
    use crate::filters::tests::render;
    use serde_json::json;

    #[test]
    fn columns_are_padded_and_numbers_stand_right() {
        let rows = json!([
            { "implementation": "dilated", "time": 1_234_567.0, "share": 0.5 },
            { "implementation": "improved|dilated", "time": 12.0, "share": null },
        ]);
        let text =
            render(r#"{{ rows | table("implementation", "median: time | ns", "share | percent") }}"#, rows);
        insta::assert_snapshot!(text.unwrap(), @r"
        | implementation    |  median |  share |
        | ----------------- | ------: | -----: |
        | dilated           | 1.23 ms | 50.0 % |
        | improved\|dilated |   12 ns |      – |
        ");
    }

    #[test]
    fn an_optional_column_without_values_is_left_out() {
        let rows = json!([{ "a": 1, "b": null }, { "a": 2, "b": null }]);
        assert_eq!(
            render(r#"{{ rows | table("a", "b?") }}"#, rows).unwrap(),
            "|   a |\n| --: |\n|   1 |\n|   2 |"
        );
    }

    #[test]
    fn the_wildcard_takes_what_is_left() {
        let rows = json!([{ "a": "x", "b": 1, "c": 2 }]);
        let text = render(r#"{{ rows | table("name: a", "* | ratio") }}"#, rows).unwrap();
        insta::assert_snapshot!(text, @r"
        | name |     b |     c |
        | ---- | ----: | ----: |
        | x    | 1.00× | 2.00× |
        ");
    }

    #[test]
    fn an_unknown_field_names_the_known_ones() {
        let error = render(r#"{{ rows | table("tiem") }}"#, json!([{ "time": 1 }])).unwrap_err().to_string();
        assert!(error.contains("no field 'tiem' in the rows; they have time"), "{error}");
    }

    #[test]
    fn no_rows_make_no_table() {
        assert_eq!(render(r#"{{ rows | table("a") }}"#, json!([])).unwrap(), "");
    }

    #[test]
    fn hashes_and_words_are_no_numbers() {
        let numeric =
            |cells: &[&str]| super::numeric(&cells.iter().map(|&c| c.to_owned()).collect::<Vec<_>>());
        assert!(numeric(&["1.23 ms", "–", "+5.0 %", "1.2e-7", "**12.3×**"]));
        assert!(!numeric(&["0123456789", "12ab345678"]));
        assert!(!numeric(&["–"]));
        assert!(!numeric(&["2026-11-24"]));
    }
}
