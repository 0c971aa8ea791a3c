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

    let mut headings: Vec<String> = Vec::new();
    let mut pivoted: Vec<(Value, Vec<Value>, Vec<Option<Value>>)> = Vec::new();
    for row in rows.try_iter()? {
        let get = |name: &str| {
            row.get_attr(name).ok().filter(|value| !value.is_undefined()).ok_or_else(|| {
                invalid(format!("'pivot' finds no field '{name}' in the rows"))
            })
        };
        let heading = get(column)?.to_string();
        let place = headings.iter().position(|known| *known == heading).unwrap_or_else(|| {
            headings.push(heading);
            headings.len() - 1
        });
        let key = get(first_key)?;
        let kept = keys.iter().map(|key| get(key)).collect::<Result<Vec<_>, _>>()?;
        let index = pivoted.iter().position(|(known, ..)| *known == key).unwrap_or_else(|| {
            pivoted.push((key, Vec::new(), Vec::new()));
            pivoted.len() - 1
        });
        if let Some((_, keys, cells)) = pivoted.get_mut(index) {
            *keys = kept;
            cells.resize(cells.len().max(place + 1), None);
            cells[place] = Some(get(value)?);
        }
    }

    let width = headings.len();
    let columns: Arc<[String]> = keys.into_iter().chain(headings).collect();
    let rows = pivoted.into_iter().map(|(_, mut cells, mut values)| {
        values.resize(width, None);
        cells.extend(values.into_iter().map(|value| value.unwrap_or(Value::from(()))));
        Value::from_object(Row::new(columns.clone(), cells))
    });
    Ok(rows.collect())
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
