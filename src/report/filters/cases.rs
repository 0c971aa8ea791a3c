//! Short names for cases: what all cases of a group share is said once, the rest names each.

use std::sync::Arc;

use minijinja::{Error, Value};

use super::invalid;
use crate::{cases, row::Row};

fn configs(rows: &[Value]) -> Result<Vec<String>, Error> {
    rows.iter()
        .map(|row| {
            let config = row.get_attr("config")?;
            config
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| invalid("the rows need a 'config' to name their cases"))
        })
        .collect()
}

/// What the configs of all rows have in common, as canonical text.
pub(super) fn common_case(rows: &Value) -> Result<String, Error> {
    let rows: Vec<Value> = rows.try_iter()?.collect();
    let configs = configs(&rows)?;
    Ok(cases::common(configs.iter().map(String::as_str)).join(" "))
}

/// The rows with one more field, `case`: their config without what all of them share, the sequence length first;
/// the whole config where nothing else tells them apart.
pub(super) fn with_case(rows: &Value) -> Result<Value, Error> {
    let rows: Vec<Value> = rows.try_iter()?.collect();
    let configs = configs(&rows)?;
    let common = cases::common(configs.iter().map(String::as_str));
    let named = rows.iter().zip(&configs).map(|(row, config)| {
        let case = cases::own(config, &common);
        let (mut columns, mut cells) = match row.downcast_object_ref::<Row>() {
            Some(row) => (row.columns().to_vec(), row.cells().to_vec()),
            None => {
                let keys: Vec<Value> = row.try_iter()?.collect();
                let cells = keys.iter().map(|key| row.get_item(key)).collect::<Result<_, _>>()?;
                (keys.iter().map(ToString::to_string).collect(), cells)
            }
        };
        columns.push("case".to_owned());
        cells.push(Value::from(case));
        Ok(Value::from_object(Row::new(Arc::from(columns), cells)))
    });
    named.collect::<Result<Vec<_>, Error>>().map(Value::from)
}

#[cfg(test)]
mod tests {
    use crate::filters::tests::render;
    use serde_json::json;

    #[test]
    fn a_case_is_what_tells_it_apart() {
        let rows = json!([
            { "config": "batch_size=1 causal=false seq_len=1024" },
            { "config": "batch_size=1 causal=true seq_len=2048" },
        ]);
        let template =
            r#"{{ rows | common_case }}: {{ rows | with_case | map(attribute="case") | join("; ") }}"#;
        assert_eq!(
            render(template, rows).unwrap(),
            "batch_size=1: seq_len=1024 causal=false; seq_len=2048 causal=true"
        );
    }

    #[test]
    fn a_single_case_keeps_its_config() {
        let rows = json!([{ "config": "seq_len=1024" }]);
        assert_eq!(render(r#"{{ (rows | with_case | first).case }}"#, rows).unwrap(), "seq_len=1024");
    }
}
