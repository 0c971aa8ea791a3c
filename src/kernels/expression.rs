//! The expressions and templates of manifests, evaluated by minijinja: exact integers, and nothing undefined.
//!
//! `+ - * // %` on integers are exact and never wrap; `/` gives a float, which an integer place refuses. Besides the
//! case's variables there are the functions `ceil_div`, `align_up`, `next_power_of_two`, `min`, `max` and `sqrt`.

use std::{
    fmt,
    ops::{Deref, Range},
    sync::LazyLock,
};

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value,
    value::{Rest, ValueKind},
};
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Keeps the range of the failing part in an error.
    environment.set_debug(true);
    environment.add_function("ceil_div", ceil_div);
    environment.add_function("align_up", |n, to| {
        ceil_div(n, to)?.checked_mul(to).ok_or_else(|| operand("the result of align_up is too large".into()))
    });
    environment.add_function("next_power_of_two", |n: i128| {
        match u64::try_from(n).map(u64::checked_next_power_of_two) {
            Ok(Some(power)) => Ok(power),
            _ => Err(operand(format!("next_power_of_two takes 0 to 2^63, not {n}"))),
        }
    });
    environment.add_function("min", |values: Rest<i128>| least(values.iter().copied().min(), "min"));
    environment.add_function("max", |values: Rest<i128>| least(values.iter().copied().max(), "max"));
    environment.add_function("sqrt", f64::sqrt);
    environment
});

fn ceil_div(n: i128, by: i128) -> Result<i128, Error> {
    if n < 0 || by <= 0 {
        return Err(operand(format!("ceil_div takes n >= 0 and a divisor > 0, not {n} and {by}")));
    }
    Ok(n / by + i128::from(n % by != 0))
}

fn least(value: Option<i128>, function: &str) -> Result<i128, Error> {
    value.ok_or_else(|| operand(format!("{function} takes at least one integer")))
}

fn operand(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Why an expression has no usable value, and where in its manifest that is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// Byte offset in the manifest.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// A string of a manifest with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl Text {
    fn fault(&self, error: &Error) -> Fault {
        let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        // Offsets inside count from the opening quote; right as long as the string has no escapes.
        let inside = error.range().map_or(0, |range| range.start + 1);
        let offset = (self.span.start + inside).min(self.span.end);
        Fault { offset, message: format!("`{}`: {what}", self.text) }
    }

    /// The fault that this text `message`.
    pub(crate) fn refuse(&self, message: impl fmt::Display) -> Fault {
        Fault { offset: self.span.start, message: format!("`{}` {message}", self.text) }
    }
}

/// An expression: an integer, or a string such as `"ceil_div(seq_len, 64)"`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression(Text);

impl Expression {
    /// The variables used, with their attributes: `seq_len`, `group.kept`.
    ///
    /// # Errors
    /// Where the text is not an expression.
    pub(crate) fn variables(&self) -> Result<Vec<String>, Fault> {
        let compiled = ENVIRONMENT.compile_expression(&self.0.text).map_err(|error| self.0.fault(&error))?;
        Ok(without_globals(compiled.undeclared_variables(true)))
    }

    pub(crate) fn value(&self, scope: &Value) -> Result<Value, Fault> {
        ENVIRONMENT
            .compile_expression(&self.0.text)
            .and_then(|compiled| compiled.eval(scope.clone()))
            .map_err(|error| self.0.fault(&error))
    }

    /// An integer that fits `T`, which the message calls `kind`. A Boolean counts as 0 or 1.
    pub(crate) fn integer<T: TryFrom<i128>>(&self, scope: &Value, kind: &str) -> Result<T, Fault> {
        let value = self.value(scope)?;
        if value.kind() == ValueKind::Number && !value.is_integer() {
            return Err(self.refuse(format_args!("is {value}, not an integer; divide with //")));
        }
        let integer = i128::try_from(value.clone())
            .map_err(|_| self.refuse(format_args!("is {value}, not an integer")))?;
        T::try_from(integer).map_err(|_| self.refuse(format_args!("is {integer}, which {kind} cannot hold")))
    }

    /// A finite number.
    pub(crate) fn number(&self, scope: &Value) -> Result<f64, Fault> {
        let value = self.value(scope)?;
        match f64::try_from(value.clone()) {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.refuse(format_args!("is {value}, not a finite number"))),
        }
    }

    pub(crate) fn holds(&self, scope: &Value) -> Result<bool, Fault> {
        let value = self.value(scope)?;
        match value.kind() {
            ValueKind::Bool => Ok(value.is_true()),
            _ => Err(self.refuse(format_args!("is {value}, not true or false"))),
        }
    }
}

/// Text with `{{ expressions }}` in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Template(Text);

impl Template {
    /// As [`Expression::variables`].
    pub(crate) fn variables(&self) -> Result<Vec<String>, Fault> {
        let compiled = ENVIRONMENT.template_from_str(&self.0.text).map_err(|error| self.0.fault(&error))?;
        Ok(without_globals(compiled.undeclared_variables(true)))
    }

    pub(crate) fn render(&self, scope: &Value) -> Result<String, Fault> {
        ENVIRONMENT.render_str(&self.0.text, scope).map_err(|error| self.0.fault(&error))
    }
}

impl Deref for Expression {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.0
    }
}

impl Deref for Template {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.0
    }
}

fn without_globals(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let globals: Vec<&str> = ENVIRONMENT.globals().map(|(name, _)| name).collect();
    let mut names: Vec<String> = names.into_iter().filter(|name| !globals.contains(&name.as_str())).collect();
    names.sort();
    names
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Scalar>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self(Text { text: spanned.into_inner().0, span }))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self { text: spanned.into_inner(), span })
    }
}

/// A number or a string, as text.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or an expression in a string")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn expression(text: &str) -> Expression {
        Expression(Text { text: text.to_owned(), span: 10..12 + text.len() })
    }

    fn integer(text: &str) -> Result<u32, String> {
        let scope = context!(seq_len => 48, groups => [context!(blocks => 3), context!(blocks => 4)]);
        expression(text).integer(&scope, "u32").map_err(|fault| fault.message)
    }

    #[test]
    fn integers_are_exact() {
        assert_eq!(integer("ceil_div(seq_len, 32)"), Ok(2));
        assert_eq!(integer("align_up(seq_len, 32) + next_power_of_two(seq_len)"), Ok(128));
        assert_eq!(integer("min(seq_len, 7, 9) * max(1, 2)"), Ok(14));
        assert_eq!(integer("7 // 2"), Ok(3));
        assert_eq!(integer("seq_len == 48"), Ok(1));
        assert_eq!(integer("groups[:1] | sum(attribute='blocks')"), Ok(3));
        assert_eq!(integer("groups | sum(attribute='blocks')"), Ok(7));
    }

    #[test]
    fn nothing_wraps_and_nothing_is_undefined() {
        let message = |text| integer(text).unwrap_err();
        insta::assert_snapshot!(message("seq_len - 49"), @"`seq_len - 49` is -1, which u32 cannot hold");
        insta::assert_snapshot!(message("seq_len * 2 ** 30"), @"`seq_len * 2 ** 30` is 51539607552, which u32 cannot hold");
        insta::assert_snapshot!(message("2 ** 200"), @"`2 ** 200`: unable to calculate 2 ** 200");
        insta::assert_snapshot!(message("seq_len / 2"), @"`seq_len / 2` is 24.0, not an integer; divide with //");
        insta::assert_snapshot!(message("seq_len // 0"), @"`seq_len // 0`: unable to calculate 48 // 0");
        insta::assert_snapshot!(message("seq_ln + 1"), @"`seq_ln + 1`: tried to use + operator on unsupported types undefined and number (`seq_ln` is undefined)");
        insta::assert_snapshot!(message("ceil_div(seq_len, 0)"), @"`ceil_div(seq_len, 0)`: ceil_div takes n >= 0 and a divisor > 0, not 48 and 0");
        insta::assert_snapshot!(message("'many'"), @"`'many'` is many, not an integer");
        insta::assert_snapshot!(message("seq_len +"), @"`seq_len +`: unexpected end of input, expected expression");
    }

    #[test]
    fn a_fault_points_into_the_expression() {
        let fault = expression("1 + (2 * )").variables().unwrap_err();
        assert_eq!(fault.offset, 10 + 1 + "1 + (2 * ".len());
    }

    #[test]
    fn variables_leave_out_functions() {
        let used = expression("ceil_div(seq_len, group.kept) + groups | length").variables().unwrap();
        assert_eq!(used, ["group.kept", "groups", "seq_len"]);
    }
}
