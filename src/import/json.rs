//! JSON as benchmark tools write it: a tree that knows which of its values have found a place.
//!
//! Python writes `NaN` and `Infinity`, tools repeat keys, and hostile files nest without end. All values are kept, in
//! order, repeated keys too; nesting beyond 128 levels is an error. Every scalar remembers whether an importer took it, so
//! that what nobody took can be told.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A value and whether it has been taken.
pub(crate) struct Node {
    value: Value,
    taken: Cell<bool>,
}

/// A JSON value.
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    fn new(value: Value) -> Self {
        Self { value, taken: Cell::new(false) }
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The first value under `key`; none where this is no object.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.fields().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The fields of an object; empty where this is none.
    pub(crate) fn fields(&self) -> &[(String, Node)] {
        if let Value::Object(fields) = &self.value { fields } else { &[] }
    }

    /// The elements of a list; empty where this is none.
    pub(crate) fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.value, Value::Object(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(crate) fn is_scalar(&self) -> bool {
        !self.is_list() && !self.is_object()
    }

    /// A list with an element and nothing but scalars.
    pub(crate) fn is_vector(&self) -> bool {
        !self.items().is_empty() && self.items().iter().all(Node::is_scalar)
    }

    /// The number this is or, as a text, spells.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.value {
            // Nearest double: counts beyond 2^53 are rounded, as every reader of a double column would.
            Value::Integer(integer) => Some(*integer as f64),
            Value::Number(number) => Some(*number),
            Value::Text(text) => number_of(text),
            _ => None,
        }
    }

    /// The number this is, and not a text that spells one.
    pub(crate) fn plain_number(&self) -> Option<f64> {
        if matches!(self.value, Value::Integer(_) | Value::Number(_)) { self.number() } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self.value { Some(value) } else { None }
    }

    /// A scalar, or a list of scalars with commas between, as a parameter's value.
    pub(crate) fn written(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Text(text) => text.clone(),
            Value::List(items) => items.iter().map(Node::written).collect::<Vec<_>>().join(","),
            Value::Object(fields) => {
                let pair = |(name, node): &(String, Node)| format!("{name}={}", node.written());
                fields.iter().map(pair).collect::<Vec<_>>().join(",")
            }
        }
    }

    /// Marks this value, with all below it, as having found its place.
    pub(crate) fn take(&self) -> &Self {
        self.taken.set(true);
        for below in self.items().iter().chain(self.fields().iter().map(|(_, node)| node)) {
            below.take();
        }
        self
    }

    /// Takes the number under `key`.
    pub(crate) fn take_number(&self, key: &str) -> Option<f64> {
        let node = self.get(key)?;
        let number = node.number()?;
        node.take();
        Some(number)
    }

    /// Takes the text under `key`.
    pub(crate) fn take_text(&self, key: &str) -> Option<&str> {
        let node = self.get(key)?;
        let text = node.text()?;
        node.take();
        Some(text)
    }

    /// Takes the list of numbers under `key`; none unless every element is one.
    pub(crate) fn take_numbers(&self, key: &str) -> Option<Vec<f64>> {
        let node = self.get(key)?;
        if !node.is_list() {
            return None;
        }
        let numbers = node.items().iter().map(Node::number).collect::<Option<Vec<_>>>()?;
        node.take();
        Some(numbers)
    }

    /// Every value that nobody took, with its path: `hardware.gpu_names`, `results.0.note`. Lists of scalars are one value;
    /// nulls are none.
    pub(crate) fn leftovers(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.collect_leftovers(&mut String::new(), &mut found);
        found
    }

    fn collect_leftovers(&self, path: &mut String, found: &mut Vec<(String, String)>) {
        let mut below = |path: &mut String, name: &str, node: &Node| {
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
            node.collect_leftovers(path, found);
            path.truncate(length);
        };
        match &self.value {
            Value::Object(fields) => fields.iter().for_each(|(name, node)| below(path, name, node)),
            Value::List(items) if self.is_vector() && items.iter().all(|item| !item.taken.get()) => {
                found.push((path.clone(), self.written()));
            }
            Value::List(items) => {
                items.iter().enumerate().for_each(|(index, node)| below(path, &index.to_string(), node));
            }
            Value::Null => {}
            _ if self.taken.get() => {}
            _ => found.push((path.clone(), self.written())),
        }
    }
}

/// The finite or infinite number that a text spells, and nothing else with it.
pub(crate) fn number_of(text: &str) -> Option<f64> {
    match text {
        "NaN" | "nan" => Some(f64::NAN),
        "Infinity" | "inf" => Some(f64::INFINITY),
        "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            text.parse().ok()
        }
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::new(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::new(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::new(Value::Integer(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::new(Value::Integer(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::new(Value::Number(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::new(Value::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::new(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::new(Value::Object(fields)))
    }
}

/// Parses one JSON document.
pub(crate) fn parse(text: &str) -> Result<Node, serde_json::Error> {
    serde_json::from_str(&with_quoted_constants(text))
}

/// Puts quotes around `NaN`, `Infinity` and `-Infinity` where they stand as values, which strict parsers refuse.
fn with_quoted_constants(text: &str) -> Cow<'_, str> {
    const CONSTANTS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::with_capacity(text.len() + 64);
    let (mut rest, mut in_string) = (text, false);
    while let Some(first) = rest.chars().next() {
        if !in_string && let Some(constant) = CONSTANTS.iter().find(|constant| rest.starts_with(**constant)) {
            quoted.extend(["\"", constant, "\""]);
            rest = &rest[constant.len()..];
            continue;
        }
        let mut length = first.len_utf8();
        match first {
            '"' => in_string = !in_string,
            '\\' if in_string => length += rest[length..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        quoted.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_numbers_and_texts_stay_texts() {
        let node = parse(r#"{"a": NaN, "b": [-Infinity, Infinity], "c": "say \"NaN, Infinity", "d": "1.5"}"#)
            .unwrap();
        assert!(node.get("a").and_then(Node::number).unwrap().is_nan());
        assert_eq!(node.take_numbers("b"), Some(vec![f64::NEG_INFINITY, f64::INFINITY]));
        assert_eq!(node.get("c").and_then(Node::text), Some("say \"NaN, Infinity"));
        assert_eq!(node.get("d").and_then(Node::number), Some(1.5));
        assert_eq!(node.get("d").and_then(Node::plain_number), None);
    }

    #[test]
    fn what_nobody_takes_is_left_over_with_its_path_and_repeated_keys_count() {
        let node = parse(r#"{"a": 1, "a": 2, "b": {"c": [1, 2], "d": null}, "e": [{"f": true}]}"#).unwrap();
        node.take_number("a");
        let left: Vec<String> =
            node.leftovers().iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(left, ["a=2", "b.c=1,2", "e.0.f=true"]);
    }

    #[test]
    fn deep_nesting_is_an_error() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&("{\"a\":".repeat(1000) + "1" + &"}".repeat(1000))).is_err());
    }
}
