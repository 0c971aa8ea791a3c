//! The values that `$name` placeholders of a statement are bound to.

use std::collections::BTreeMap;

use crate::Error;

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL's NULL: the parameter is not given.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
    /// Text whose type is not known yet, as given on a command line. A named query's declaration settles it;
    /// elsewhere it is what it looks like.
    Untyped(String),
}

impl Value {
    /// What a piece of text looks like: a whole number, a number, `true` or `false`, or text.
    pub(crate) fn guess(text: &str) -> Value {
        // `007` and `+1` are not how a number is written out, so they stay text.
        let number = |canonical: String| canonical == text;
        match text {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(integer), _) if number(integer.to_string()) => Value::Integer(integer),
                (_, Ok(real)) if real.is_finite() && text.contains('.') => Value::Real(real),
                _ => Value::Text(text.to_owned()),
            },
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Value::Integer(integer)
    }
}

impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Value::Real(real)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Boolean(truth)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Values by placeholder name, without the `$`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(BTreeMap<String, Value>);

impl Params {
    /// No parameter at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same parameters and one more; the last value of a name counts.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets one parameter.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Sets one parameter from a command line's `NAME=VALUE`.
    ///
    /// # Errors
    /// [`Error::Argument`] where there is no `=` or no name before it.
    pub fn set_argument(&mut self, argument: &str) -> Result<(), Error> {
        match argument.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                self.0.insert(name.to_owned(), Value::Untyped(value.to_owned()));
                Ok(())
            }
            _ => Err(Error::Argument { argument: argument.to_owned() }),
        }
    }

    /// The value of one parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The names that have a value, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(values: I) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untyped_value_is_what_it_looks_like() {
        assert_eq!(Value::guess("2048"), Value::Integer(2048));
        assert_eq!(Value::guess("-3"), Value::Integer(-3));
        assert_eq!(Value::guess("0.5"), Value::Real(0.5));
        assert_eq!(Value::guess("true"), Value::Boolean(true));
        for text in ["007", "1e5", "nan", "inf", "", "a", "99999999999999999999"] {
            assert_eq!(Value::guess(text), Value::Text(text.to_owned()));
        }
    }

    #[test]
    fn an_argument_is_a_name_and_a_value() {
        let mut params = Params::new();
        params.set_argument("filter=a=b").unwrap();
        assert_eq!(params.get("filter"), Some(&Value::Untyped("a=b".to_owned())));
        assert_eq!(
            params.set_argument("limit").unwrap_err().to_string(),
            "'limit' is not a parameter; expected NAME=VALUE"
        );
        assert!(params.set_argument("=1").is_err());
    }
}
