//! One value of a table, whichever format it came in.

use crate::json::{Node, Value};

use super::Record;

/// A value that is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    Integer(i128),
    Flag(bool),
    Numbers(Vec<f64>),
    Pairs(Vec<(String, String)>),
}

impl Cell {
    /// As a parameter's value.
    pub(crate) fn written(self) -> Option<String> {
        Some(match self {
            Cell::Text(text) => text,
            Cell::Number(number) => number.to_string(),
            Cell::Integer(number) => number.to_string(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Numbers(numbers) => numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(","),
            Cell::Pairs(pairs) if pairs.is_empty() => return None,
            Cell::Pairs(pairs) => {
                pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
            }
        })
    }
}

/// The columns of a JSON object; a null is no value.
pub(super) fn record_of(node: &Node) -> Record {
    node.fields().iter().filter_map(|(name, node)| Some((name.clone(), of(node)?))).collect()
}

fn of(node: &Node) -> Option<Cell> {
    Some(match node.value() {
        Value::Null => return None,
        Value::Bool(flag) => Cell::Flag(*flag),
        Value::Integer(number) => Cell::Integer(*number),
        Value::Number(number) => Cell::Number(*number),
        Value::Text(text) => Cell::Text(text.clone()),
        Value::List(items) => match items.iter().map(Node::number).collect::<Option<Vec<f64>>>() {
            Some(numbers) => Cell::Numbers(numbers),
            None => Cell::Text(node.written()),
        },
        Value::Object(_) => Cell::Pairs(pairs(node)),
    })
}

/// The fields of an object, nested ones by their path.
pub(super) fn pairs(node: &Node) -> Vec<(String, String)> {
    node.leftovers()
}
