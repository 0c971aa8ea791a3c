//! Constant expressions, evaluated as they are parsed.

use super::{Parsed, Parser};
use crate::{
    constant::{NoValue, Value},
    token::Kind,
};

/// Threads of a warp: what `WARP_SZ` stands for.
const WARP_SIZE: i64 = 32;

/// How tightly a binary operator binds, as in C; `None` for what is no binary operator.
fn precedence(operator: Kind) -> Option<u8> {
    Some(match operator {
        Kind::PipePipe => 1,
        Kind::AmpersandAmpersand => 2,
        Kind::Pipe => 3,
        Kind::Caret => 4,
        Kind::Ampersand => 5,
        Kind::EqualEqual | Kind::BangEqual => 6,
        Kind::Less | Kind::LessEqual | Kind::Greater | Kind::GreaterEqual => 7,
        Kind::ShiftLeft | Kind::ShiftRight => 8,
        Kind::Plus | Kind::Minus => 9,
        Kind::Star | Kind::Slash | Kind::Percent => 10,
        _ => return None,
    })
}

impl Parser<'_> {
    /// A whole expression, `?:` included.
    pub(super) fn constant(&mut self) -> Parsed<Value> {
        self.nested(|parser| {
            let start = parser.span();
            let condition = parser.binary(1)?;
            if !parser.eat(Kind::Question) {
                return Ok(condition);
            }
            let yes = parser.constant()?;
            parser.expect(Kind::Colon, "between the two outcomes of '?'")?;
            let no = parser.constant()?;
            let value = condition
                .is_true()
                .and_then(|truth| if truth { yes.with_type_of(no) } else { no.with_type_of(yes) });
            parser.valued(start, value)
        })
    }

    /// An integer constant expression as its 64 bits.
    pub(super) fn integer_constant(&mut self, what: &str) -> Parsed<u64> {
        let start = self.span();
        match self.constant()? {
            Value::Signed(value) => Ok(value as u64),
            Value::Unsigned(value) => Ok(value),
            Value::Float(_) | Value::Single(_) => {
                let span = self.since(start);
                Err(self.fail(span, format!("{what} is an integer, not a floating-point number")))
            }
        }
    }

    /// Whether a constant expression begins here. (A parenthesis may begin one too.)
    pub(super) fn at_constant(&self) -> bool {
        match self.kind() {
            Kind::Number | Kind::Plus | Kind::Minus | Kind::Tilde | Kind::Bang => true,
            Kind::Word => self.text() == "WARP_SZ",
            Kind::Dotted => self.at_bare_fraction(),
            _ => false,
        }
    }

    /// `.5`, which the lexer cannot tell from a modifier such as `.2d`.
    fn at_bare_fraction(&self) -> bool {
        self.is(Kind::Dotted) && self.text().as_bytes().get(1).is_some_and(u8::is_ascii_digit)
    }

    /// Operators that bind at least as tightly as `least`.
    fn binary(&mut self, least: u8) -> Parsed<Value> {
        let start = self.span();
        let mut left = self.unary()?;
        loop {
            let operator = self.kind();
            let Some(binding) = precedence(operator).filter(|binding| *binding >= least) else {
                return Ok(left);
            };
            self.advance();
            let right = self.nested(|parser| parser.binary(binding + 1))?;
            left = self.valued(start, left.binary(operator, right))?;
        }
    }

    fn unary(&mut self) -> Parsed<Value> {
        let start = self.span();
        let operator = self.kind();
        match operator {
            Kind::Plus | Kind::Minus | Kind::Tilde | Kind::Bang => {
                self.advance();
                let value = self.nested(Self::unary)?;
                self.valued(start, value.unary(operator))
            }
            Kind::LeftParen => {
                self.advance();
                let cast = self.text();
                if matches!(cast, ".s64" | ".u64") {
                    self.advance();
                    self.expect(Kind::RightParen, "after the type of a cast")?;
                    let value = self.nested(Self::unary)?;
                    return self.valued(start, value.cast(cast == ".u64"));
                }
                let value = self.constant()?;
                self.expect(Kind::RightParen, "at the end of the parenthesis")?;
                Ok(value)
            }
            Kind::Number => {
                let text = self.text();
                self.advance();
                self.valued(start, Value::of_number(text))
            }
            Kind::Dotted if self.at_bare_fraction() => {
                let text = self.text();
                self.advance();
                self.valued(start, text.parse().map(Value::Float).map_err(|_| "this number is malformed"))
            }
            Kind::Word if self.text() == "WARP_SZ" => {
                self.advance();
                Ok(Value::Signed(WARP_SIZE))
            }
            _ => Err(self.unexpected("a constant")),
        }
    }

    fn valued(&mut self, start: crate::ast::Span, value: Result<Value, NoValue>) -> Parsed<Value> {
        value.map_err(|message| {
            let span = self.since(start);
            self.fail(span, message)
        })
    }
}
