//! Constants and the arithmetic of PTX's constant expressions (PTX ISA, "Constant Expressions").
//!
//! Integers are 64 bits wide, signed unless a `U` suffix or the magnitude makes them unsigned; where one side of an
//! operator is unsigned the result is. Floating-point constants are binary64; `0f…` constants take no part in
//! expressions. Arithmetic wraps.

use crate::{ast::Literal, token::Kind};

/// The value of a constant expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// `0f…`: a binary32 by its bits.
    Single(u32),
}

/// Why an expression has no value.
pub(crate) type NoValue = &'static str;

const MIXED: NoValue = "an integer and a floating-point constant cannot be combined";
const SINGLE: NoValue =
    "a '0f' constant cannot be part of an expression; write it as a decimal or '0d' constant";
const INTEGERS_ONLY: NoValue = "this operator takes integer constants only";
const DIVISION_BY_ZERO: NoValue = "this constant expression divides by zero";

impl From<Value> for Literal {
    fn from(value: Value) -> Literal {
        match value {
            Value::Signed(value) => Literal::Integer { bits: value as u64, unsigned: false },
            Value::Unsigned(bits) => Literal::Integer { bits, unsigned: true },
            Value::Float(value) => Literal::F64(value.to_bits()),
            Value::Single(bits) => Literal::F32(bits),
        }
    }
}

impl Value {
    /// The value of a number token.
    pub(crate) fn of_number(text: &str) -> Result<Value, NoValue> {
        let prefix = text.get(..2).map(|prefix| prefix.to_ascii_lowercase());
        let digits = text.get(2..).unwrap_or_default();
        match prefix.as_deref() {
            Some("0f") => {
                exact(digits, 8, "'0f' wants 8 hexadecimal digits").map(|bits| Value::Single(bits as u32))
            }
            Some("0d") => {
                exact(digits, 16, "'0d' wants 16 hexadecimal digits").map(f64::from_bits).map(Value::Float)
            }
            Some("0x") => integer(digits, 16),
            Some("0b") => integer(digits, 2),
            _ if text.contains(['.', 'e', 'E']) => {
                text.parse().map(Value::Float).map_err(|_| "this number is malformed")
            }
            _ if text.len() > 1 && text.starts_with('0') && text != "0U" => integer(&text[1..], 8),
            _ => integer(text, 10),
        }
    }

    /// `true` of a condition: anything but zero.
    pub(crate) fn is_true(self) -> Result<bool, NoValue> {
        match self {
            Value::Signed(value) => Ok(value != 0),
            Value::Unsigned(value) => Ok(value != 0),
            Value::Float(_) | Value::Single(_) => Err("an integer is wanted as the condition"),
        }
    }

    /// `-`, `+`, `~` or `!` before a value.
    pub(crate) fn unary(self, operator: Kind) -> Result<Value, NoValue> {
        match (operator, self) {
            (_, Value::Single(_)) => Err(SINGLE),
            (Kind::Plus, value) => Ok(value),
            (Kind::Minus, Value::Signed(value)) => Ok(Value::Signed(value.wrapping_neg())),
            (Kind::Minus, Value::Unsigned(value)) => Ok(Value::Unsigned(value.wrapping_neg())),
            (Kind::Minus, Value::Float(value)) => Ok(Value::Float(-value)),
            (Kind::Tilde, Value::Signed(value)) => Ok(Value::Signed(!value)),
            (Kind::Tilde, Value::Unsigned(value)) => Ok(Value::Unsigned(!value)),
            (Kind::Bang, Value::Signed(_) | Value::Unsigned(_)) => Ok(truth(!self.is_true()?)),
            _ => Err(INTEGERS_ONLY),
        }
    }

    /// `(.s64)` and `(.u64)`.
    pub(crate) fn cast(self, unsigned: bool) -> Result<Value, NoValue> {
        match (self, unsigned) {
            (Value::Single(_), _) => Err(SINGLE),
            (Value::Signed(value), true) => Ok(Value::Unsigned(value as u64)),
            (Value::Unsigned(value), false) => Ok(Value::Signed(value as i64)),
            (Value::Float(value), true) => Ok(Value::Unsigned(value as u64)),
            (Value::Float(value), false) => Ok(Value::Signed(value as i64)),
            (value, _) => Ok(value),
        }
    }

    /// A binary operator between two values.
    pub(crate) fn binary(self, operator: Kind, other: Value) -> Result<Value, NoValue> {
        // The type of a shift is that of its left side alone.
        if matches!(operator, Kind::ShiftLeft | Kind::ShiftRight) {
            return self.shift(operator, other);
        }
        match (self, other) {
            (Value::Single(_), _) | (_, Value::Single(_)) => Err(SINGLE),
            (Value::Float(a), Value::Float(b)) => float(operator, a, b),
            (Value::Float(_), _) | (_, Value::Float(_)) => Err(MIXED),
            (Value::Signed(a), Value::Signed(b)) => signed(operator, a, b),
            (Value::Signed(a), Value::Unsigned(b)) => unsigned(operator, a as u64, b),
            (Value::Unsigned(a), Value::Signed(b)) => unsigned(operator, a, b as u64),
            (Value::Unsigned(a), Value::Unsigned(b)) => unsigned(operator, a, b),
        }
    }

    /// The two outcomes of `?:` brought to one type, the left of them returned.
    pub(crate) fn with_type_of(self, other: Value) -> Result<Value, NoValue> {
        match (self, other) {
            (Value::Signed(value), Value::Unsigned(_)) => Ok(Value::Unsigned(value as u64)),
            (Value::Single(_), _) | (_, Value::Single(_)) => Err(SINGLE),
            (Value::Float(_), Value::Float(_)) => Ok(self),
            (Value::Float(_), _) | (_, Value::Float(_)) => Err(MIXED),
            (value, _) => Ok(value),
        }
    }

    fn shift(self, operator: Kind, by: Value) -> Result<Value, NoValue> {
        let by = match by {
            Value::Signed(by) => u64::try_from(by).unwrap_or(u64::MAX),
            Value::Unsigned(by) => by,
            Value::Float(_) | Value::Single(_) => return Err(INTEGERS_ONLY),
        };
        let left = operator == Kind::ShiftLeft;
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        match self {
            Value::Signed(value) if left => Ok(Value::Signed(value.checked_shl(by).unwrap_or(0))),
            Value::Signed(value) => Ok(Value::Signed(value >> by.min(63))),
            Value::Unsigned(value) if left => Ok(Value::Unsigned(value.checked_shl(by).unwrap_or(0))),
            Value::Unsigned(value) => Ok(Value::Unsigned(value.checked_shr(by).unwrap_or(0))),
            Value::Float(_) | Value::Single(_) => Err(INTEGERS_ONLY),
        }
    }
}

/// What a comparison or a logical operator gives.
fn truth(value: bool) -> Value {
    Value::Signed(i64::from(value))
}

fn exact(digits: &str, wanted: usize, otherwise: NoValue) -> Result<u64, NoValue> {
    if digits.len() != wanted {
        return Err(otherwise);
    }
    u64::from_str_radix(digits, 16).map_err(|_| otherwise)
}

fn integer(text: &str, radix: u32) -> Result<Value, NoValue> {
    let (digits, suffixed) = match text.strip_suffix('U') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(match radix {
            2 => "this binary number is malformed",
            8 => "this octal number is malformed; a leading 0 makes a number octal",
            16 => "this hexadecimal number is malformed",
            _ => "this number is malformed",
        });
    }
    let value = u64::from_str_radix(digits, radix).map_err(|_| "this number does not fit in 64 bits")?;
    match i64::try_from(value) {
        Ok(value) if !suffixed => Ok(Value::Signed(value)),
        _ => Ok(Value::Unsigned(value)),
    }
}

fn signed(operator: Kind, a: i64, b: i64) -> Result<Value, NoValue> {
    Ok(Value::Signed(match operator {
        Kind::Plus => a.wrapping_add(b),
        Kind::Minus => a.wrapping_sub(b),
        Kind::Star => a.wrapping_mul(b),
        Kind::Slash | Kind::Percent if b == 0 => return Err(DIVISION_BY_ZERO),
        Kind::Slash => a.wrapping_div(b),
        Kind::Percent => a.wrapping_rem(b),
        Kind::Ampersand => a & b,
        Kind::Pipe => a | b,
        Kind::Caret => a ^ b,
        _ => return integer_logic(operator, a.cmp(&b), a != 0, b != 0),
    }))
}

fn unsigned(operator: Kind, a: u64, b: u64) -> Result<Value, NoValue> {
    Ok(Value::Unsigned(match operator {
        Kind::Plus => a.wrapping_add(b),
        Kind::Minus => a.wrapping_sub(b),
        Kind::Star => a.wrapping_mul(b),
        Kind::Slash => a.checked_div(b).ok_or(DIVISION_BY_ZERO)?,
        Kind::Percent => a.checked_rem(b).ok_or(DIVISION_BY_ZERO)?,
        Kind::Ampersand => a & b,
        Kind::Pipe => a | b,
        Kind::Caret => a ^ b,
        _ => return integer_logic(operator, a.cmp(&b), a != 0, b != 0),
    }))
}

fn integer_logic(operator: Kind, order: std::cmp::Ordering, a: bool, b: bool) -> Result<Value, NoValue> {
    Ok(truth(match operator {
        Kind::AmpersandAmpersand => a && b,
        Kind::PipePipe => a || b,
        Kind::Less => order.is_lt(),
        Kind::LessEqual => order.is_le(),
        Kind::Greater => order.is_gt(),
        Kind::GreaterEqual => order.is_ge(),
        Kind::EqualEqual => order.is_eq(),
        Kind::BangEqual => order.is_ne(),
        _ => return Err("this is not an operator of constant expressions"),
    }))
}

fn float(operator: Kind, a: f64, b: f64) -> Result<Value, NoValue> {
    match operator {
        Kind::Plus => Ok(Value::Float(a + b)),
        Kind::Minus => Ok(Value::Float(a - b)),
        Kind::Star => Ok(Value::Float(a * b)),
        Kind::Slash => Ok(Value::Float(a / b)),
        Kind::Less => Ok(truth(a < b)),
        Kind::LessEqual => Ok(truth(a <= b)),
        Kind::Greater => Ok(truth(a > b)),
        Kind::GreaterEqual => Ok(truth(a >= b)),
        Kind::EqualEqual => Ok(truth(a == b)),
        Kind::BangEqual => Ok(truth(a != b)),
        _ => Err(INTEGERS_ONLY),
    }
}
