//! Turns the values of one column into columns.

use std::sync::Arc;

use minijinja::{Error, Value, value::Kwargs};

use super::invalid;
use crate::row::Row;

/// `rows | pivot(keys=["implementation"], column="commit", value="time")`: one row for each value of the first key,
/// with the keys and then one column for each value of `column`, all in order of first appearance.
///
/// Further keys are kept beside the first; the last row's value counts.
pub(super) fn pivot(rows: &Value, arguments: Kwargs) -> Result<Value, Error> {
    let keys: Vec<String> = arguments.get("keys")?;
    let column: &str = arguments.get("column")?;
    let value: &str = arguments.get("value")?;
    arguments.assert_all_used()?;
    let Some(first_key) = keys.first() else { return Err(invalid("'pivot' needs at least one key")) };

    let get = |row: &Value, field: &str| {
        let value = row.get_attr(field).ok().filter(|value| !value.is_undefined());
        value.ok_or_else(|| invalid(format!("'pivot' finds no field '{field}' in the rows")))
    };

    let mut headings: Vec<String> = Vec::new();
    let mut pivoted: Vec<Pivoted> = Vec::new();
    for row in rows.try_iter()? {
        let kept = keys.iter().map(|key| get(&row, key)).collect::<Result<Vec<_>, _>>()?;
        let key = get(&row, first_key)?;
        let heading = get(&row, column)?.to_string();
        let place = position_or_push(&mut headings, |known| *known == heading, || heading.clone());
        let index = position_or_push(&mut pivoted, |known| known.key == key, || Pivoted::new(key.clone()));
        if let Some(pivoted) = pivoted.get_mut(index) {
            pivoted.kept = kept;
            pivoted.cells.resize(pivoted.cells.len().max(place + 1), Value::from(()));
            pivoted.cells[place] = get(&row, value)?;
        }
    }

    let width = headings.len();
    let columns: Arc<[String]> = keys.into_iter().chain(headings).collect();
    let rows = pivoted.into_iter().map(|Pivoted { mut kept, mut cells, .. }| {
        cells.resize(width, Value::from(()));
        kept.append(&mut cells);
        Value::from_object(Row::new(columns.clone(), kept))
    });
    Ok(rows.collect())
}

/// A row of the result while it grows.
struct Pivoted {
    key: Value,
    /// The values of all keys.
    kept: Vec<Value>,
    /// One for each heading so far.
    cells: Vec<Value>,
}

impl Pivoted {
    fn new(key: Value) -> Self {
        Self { key, kept: Vec::new(), cells: Vec::new() }
    }
}

/// Where the first item is that fits; a new one is put at the end where none does.
fn position_or_push<T>(items: &mut Vec<T>, fits: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> usize {
    items.iter().position(fits).unwrap_or_else(|| {
        items.push(new());
        items.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use crate::filters::tests::render;
    use serde_json::json;

    #[test]
    fn values_become_columns() {
        let rows = json!([
            { "name": "ring", "commit": "b", "time": 1, "trend": 0.5 },
            { "name": "ring", "commit": "a", "time": 2, "trend": 0.5 },
            { "name": "full", "commit": "a", "time": 3, "trend": 0.7 },
        ]);
        let template = r#"{{ rows | pivot(keys=["name", "trend"], column="commit", value="time") | table("name", "*", "trend") }}"#;
        insta::assert_snapshot!(render(template, rows).unwrap(), @r"
        | name |   b |   a | trend |
        | ---- | --: | --: | ----: |
        | ring |   1 |   2 |   0.5 |
        | full |   – |   3 |   0.7 |
        ");
    }

    #[test]
    fn a_missing_field_is_named() {
        let template = r#"{{ rows | pivot(keys=["a"], column="b", value="c") }}"#;
        let error = render(template, json!([{ "a": 1 }])).unwrap_err().to_string();
        assert!(error.contains("no field 'b'"), "{error}");
    }
}
