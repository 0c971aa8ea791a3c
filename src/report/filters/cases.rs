//! Short names for cases: what all cases of a group share is said once, the rest names each.

use std::{collections::BTreeMap, sync::Arc};

use minijinja::{Error, Value};

use super::invalid;
use crate::row::Row;

/// The words of a canonical config, `name=value` each; a quoted value keeps its spaces.
fn words(config: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, character) in config.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                words.push(&config[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    words.push(&config[start..]);
    words.retain(|word| !word.is_empty());
    words
}

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

/// The words that every config has.
fn common(configs: &[String]) -> Vec<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for config in configs {
        for word in words(config) {
            *counts.entry(word).or_default() += 1;
        }
    }
    counts.into_iter().filter(|&(_, count)| count == configs.len()).map(|(word, _)| word).collect()
}

/// What the configs of all rows have in common, as canonical text.
pub(super) fn common_case(rows: &Value) -> Result<String, Error> {
    let rows: Vec<Value> = rows.try_iter()?.collect();
    Ok(common(&configs(&rows)?).join(" "))
}

/// The rows with one more field, `case`: their config without what all of them share, the sequence length first;
/// the whole config where nothing else tells them apart.
pub(super) fn with_case(rows: &Value) -> Result<Value, Error> {
    let rows: Vec<Value> = rows.try_iter()?.collect();
    let configs = configs(&rows)?;
    let common = common(&configs);
    let named = rows.iter().zip(&configs).map(|(row, config)| {
        let mut own: Vec<&str> = words(config).into_iter().filter(|word| !common.contains(word)).collect();
        own.sort_by_key(|word| !word.starts_with("seq_len="));
        let case = if own.is_empty() { config.clone() } else { own.join(" ") };

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
    use super::*;
    use crate::filters::tests::render;
    use serde_json::json;

    #[test]
    fn quoted_values_keep_their_spaces() {
        assert_eq!(words(r#"a="x y" b=1 c="q\" r""#), [r#"a="x y""#, "b=1", r#"c="q\" r""#]);
        assert!(words("").is_empty());
    }

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
