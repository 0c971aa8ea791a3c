//! Operands of instructions.

use super::{Parsed, Parser};
use crate::{
    ast::{Address, Ident, Operand, Span},
    token::Kind,
};

/// What an operand is of, where that decides how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Of a `call`: a parenthesis holds its arguments rather than a constant.
    Call,
    /// Of a `mov`: `array[2]` is the address of an element.
    Move,
    /// Of any other instruction: `array[2]` is the element in memory.
    Other,
}

impl Parser<'_> {
    /// One operand.
    pub(super) fn operand(&mut self, context: Context) -> Parsed<Operand> {
        let start = self.span();
        match self.kind() {
            Kind::LeftBracket => self.address().map(Operand::Address),
            Kind::LeftBrace => {
                let elements =
                    self.enclosed(Kind::LeftBrace, Kind::RightBrace, |parser| parser.operand(context))?;
                Ok(Operand::Vector(elements, self.since(start)))
            }
            Kind::LeftParen if context == Context::Call => {
                let elements =
                    self.enclosed(Kind::LeftParen, Kind::RightParen, |parser| parser.operand(context))?;
                Ok(Operand::List(elements, self.since(start)))
            }
            Kind::Bang
                if self.token_at(1).kind == Kind::Word
                    && self.text_of(self.token_at(1).span) != "WARP_SZ" =>
            {
                self.advance();
                Ok(Operand::Not(self.operand_name()?))
            }
            Kind::Minus
                if self.token_at(1).kind == Kind::Word
                    && self.text_of(self.token_at(1).span) != "WARP_SZ" =>
            {
                self.advance();
                Ok(Operand::Negated(self.operand_name()?))
            }
            Kind::LeftParen => self.literal(),
            _ if self.at_constant() => self.literal(),
            Kind::Word => self.named_operand(context),
            _ => Err(self.unexpected("an operand")),
        }
    }

    fn literal(&mut self) -> Parsed<Operand> {
        let start = self.span();
        let value = self.constant()?;
        Ok(Operand::Literal(value.into(), self.since(start)))
    }

    /// What begins with a name: `%r1`, `array+4`, `array[2]`, `d|p`.
    fn named_operand(&mut self, context: Context) -> Parsed<Operand> {
        let name = self.operand_name()?;
        match self.kind() {
            Kind::Plus | Kind::Minus => Ok(Operand::Offset { symbol: name, offset: self.offset()? }),
            Kind::LeftBracket => self.element(name, context),
            Kind::Pipe => {
                self.advance();
                let second = self.operand_name()?;
                Ok(Operand::Pair(Box::new(Operand::Name(name)), Box::new(Operand::Name(second))))
            }
            _ => Ok(Operand::Name(name)),
        }
    }

    /// A name with the component that sticks to it: `%tid.x` and `%v.y` are one name.
    fn operand_name(&mut self) -> Parsed<Ident> {
        if !self.is(Kind::Word) {
            return Err(self.unexpected("a name"));
        }
        let mut span = self.span();
        self.advance();
        if self.is(Kind::Dotted) && self.span().start == span.end {
            span.end = self.span().end;
            self.advance();
        }
        Ok(self.ident_at(span))
    }

    /// `+4`, `+-8`, `-8`: a constant expression after a base.
    fn offset(&mut self) -> Parsed<i64> {
        // A minus is left for the expression to take, so that `a-4+2` is `a+(-4+2)`.
        self.eat(Kind::Plus);
        self.integer_constant("an offset").map(|bits| bits as i64)
    }

    /// `[2]` or `[%r1+2]` after the name of an array.
    fn element(&mut self, symbol: Ident, context: Context) -> Parsed<Operand> {
        self.expect(Kind::LeftBracket, "before the index")?;
        let known = self.arrays.iter().rev().find(|(name, _)| *name == symbol.name);
        // An array that is not in scope is reported by verification.
        let scale = known.map_or(1, |(_, size)| *size);
        if self.is(Kind::Word) && !self.at_constant() {
            let index = self.operand_name()?;
            let offset = if self.is(Kind::RightBracket) { 0 } else { self.offset()? };
            self.expect(Kind::RightBracket, "after the index")?;
            return Ok(Operand::Element { symbol, index, offset, scale });
        }
        let index = self.integer_constant("an index")?;
        self.expect(Kind::RightBracket, "after the index")?;
        let offset = index.wrapping_mul(scale) as i64;
        if context == Context::Move {
            return Ok(Operand::Offset { symbol, offset });
        }
        let span = self.since(symbol.span);
        Ok(Operand::Address(Address {
            base: Some(symbol),
            offset,
            coordinates: Vec::new(),
            unified: false,
            span,
        }))
    }

    /// `[base+offset, coordinates]`.
    fn address(&mut self) -> Parsed<Address> {
        let start = self.expect(Kind::LeftBracket, "before the address")?;
        let (base, offset) = if self.is(Kind::Word) && !self.at_constant() {
            let base = self.operand_name()?;
            let offset = if matches!(self.kind(), Kind::Plus | Kind::Minus) { self.offset()? } else { 0 };
            (Some(base), offset)
        } else {
            (None, self.integer_constant("an address")? as i64)
        };
        let mut coordinates = Vec::new();
        while self.eat(Kind::Comma) {
            coordinates.push(self.nested(|parser| parser.operand(Context::Other))?);
        }
        self.expect(Kind::RightBracket, "at the end of the address")?;
        let span = self.since(start);
        let unified = self.eat_dotted(".unified");
        Ok(Address { base, offset, coordinates, unified, span })
    }

    /// `open element, element … close`, possibly without elements.
    pub(super) fn enclosed<T>(
        &mut self,
        open: Kind,
        close: Kind,
        element: impl Fn(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.nested(|parser| {
            let opening: Span = parser.expect(open, "here")?;
            let mut elements = Vec::new();
            if parser.eat(close) {
                return Ok(elements);
            }
            loop {
                elements.push(element(parser)?);
                if parser.eat(close) {
                    return Ok(elements);
                }
                if parser.is(Kind::End) {
                    return Err(parser.fail(opening, format!("this {} is not closed", open.describe())));
                }
                if !parser.eat(Kind::Comma) {
                    return Err(parser.unexpected(&format!("',' or {}", close.describe())));
                }
            }
        })
    }
}
