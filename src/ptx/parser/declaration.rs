//! Declarations of variables, parameters and registers, and their initial values.

use super::{Parsed, Parser, Reported};
use crate::{
    ast::{Ident, Initializer, Linkage, Pointer, RegisterDeclaration, Space, Span, Type, Variable},
    near::near,
    token::Kind,
};

use std::sync::Arc;

/// The most variables that parameterised names, `x<n>`, may declare in a module. Registers do not count: their
/// declarations are not expanded.
const MAX_NUMBERED: u64 = 1 << 16;

/// What the names of one declaration share.
pub(super) struct Head {
    start: Span,
    linkage: Option<Linkage>,
    space: Space,
    align: Option<u32>,
    vector: u8,
    ty: Type,
    pointer: Option<Pointer>,
    attributes: Vec<Arc<str>>,
}

impl Head {
    fn variable(
        &self,
        name: Ident,
        dimensions: Vec<Option<u64>>,
        initializer: Option<Initializer>,
    ) -> Variable {
        let span = Span { start: self.start.start, end: name.span.end };
        Variable {
            linkage: self.linkage,
            space: self.space,
            align: self.align,
            vector: self.vector,
            ty: self.ty,
            name,
            dimensions,
            initializer,
            pointer: self.pointer,
            attributes: self.attributes.clone(),
            span,
        }
    }
}

impl Parser<'_> {
    /// Whether a variable, parameter or register declaration begins here.
    pub(super) fn at_declaration(&self) -> bool {
        self.is(Kind::Dotted) && (Space::from_keyword(self.text()).is_some() || self.text() == ".attribute")
    }

    /// `.global .align 4 .u32 a, b[2] = {1, 2};` with what linkage came before it.
    pub(super) fn variables(&mut self, linkage: Option<Linkage>, start: Span) -> Parsed<Vec<Variable>> {
        let head = self.head(linkage, start)?;
        self.variables_of(head)
    }

    /// `.reg .pred %p<8>, q;` or a variable.
    pub(super) fn local_declaration(&mut self) -> Parsed<LocalDeclaration> {
        let start = self.span();
        let head = self.head(None, start)?;
        if head.space != Space::Register {
            return self.variables_of(head).map(LocalDeclaration::Variables);
        }
        let mut registers = Vec::new();
        loop {
            let name = self.ident("for the register")?;
            let count = match self.count()? {
                Some((count, span)) => Some(
                    u32::try_from(count)
                        .map_err(|_| self.fail(span, "more registers than 32 bits can count"))?,
                ),
                None => None,
            };
            registers.push(RegisterDeclaration { vector: head.vector, ty: head.ty, name, count });
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.expect_semicolon("the declaration")?;
        Ok(LocalDeclaration::Registers(registers))
    }

    /// `(.param .u64 a, .param .b8 b[16])`
    pub(super) fn parameters(&mut self) -> Parsed<Vec<Variable>> {
        self.enclosed(Kind::LeftParen, Kind::RightParen, Self::parameter)
    }

    fn parameter(&mut self) -> Parsed<Variable> {
        let start = self.span();
        if !self.at_declaration() {
            return Err(self.unexpected("'.param' or '.reg'"));
        }
        let head = self.head(None, start)?;
        let name = self.ident("for the parameter")?;
        let dimensions = self.dimensions()?;
        Ok(head.variable(name, dimensions, None))
    }

    fn variables_of(&mut self, head: Head) -> Parsed<Vec<Variable>> {
        let mut variables = Vec::new();
        loop {
            let name = self.ident("for the variable")?;
            match self.count()? {
                Some((count, span)) => self.numbered(&head, &name, count, span, &mut variables)?,
                None => variables.push(self.variable(&head, name)?),
            }
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.expect_semicolon("the declaration")?;
        Ok(variables)
    }

    /// `.param .b32 x<3>;` declares `x0`, `x1` and `x2`.
    fn numbered(
        &mut self,
        head: &Head,
        prefix: &Ident,
        count: u64,
        span: Span,
        variables: &mut Vec<Variable>,
    ) -> Parsed<()> {
        self.numbered_variables = self.numbered_variables.saturating_add(count);
        if self.numbered_variables > MAX_NUMBERED {
            return Err(
                self.fail(span, format!("declarations with '<n>' make more than {MAX_NUMBERED} variables"))
            );
        }
        for number in 0..count {
            let name = self.names.intern(&format!("{}{number}", prefix.name));
            variables.push(head.variable(Ident { name, span: prefix.span }, Vec::new(), None));
        }
        Ok(())
    }

    fn variable(&mut self, head: &Head, name: Ident) -> Parsed<Variable> {
        let dimensions = self.dimensions()?;
        let element = head.ty.size() * u64::from(head.vector);
        self.arrays.push((Arc::clone(&name.name), element));
        let initializer = if self.eat(Kind::Equal) { Some(self.initializer()?) } else { None };
        Ok(head.variable(name, dimensions, initializer))
    }

    /// Everything before the names.
    fn head(&mut self, linkage: Option<Linkage>, start: Span) -> Parsed<Head> {
        let mut attributes = self.attributes()?;
        let Some(space) = Space::from_keyword(self.text()) else {
            return Err(self.unexpected("a state space such as '.global'"));
        };
        self.advance();
        let (mut align, mut vector, mut ty, mut pointer) = (None, 1, None, None);
        while self.is(Kind::Dotted) {
            let text = self.text();
            match text {
                ".align" => align = Some(self.align()?),
                ".ptr" => pointer = Some(self.pointer()?),
                ".attribute" => attributes.extend(self.attributes()?),
                ".v2" | ".v4" | ".v8" => {
                    vector = text.as_bytes()[2] - b'0';
                    self.advance();
                }
                _ => match Type::from_keyword(text) {
                    Some(found) => {
                        ty = Some(found);
                        self.advance();
                    }
                    None => return Err(self.not_a_type()),
                },
            }
        }
        let Some(ty) = ty else { return Err(self.unexpected("a type such as '.u32'")) };
        Ok(Head { start, linkage, space, align, vector, ty, pointer, attributes })
    }

    fn not_a_type(&mut self) -> Reported {
        let span = self.span();
        let text = self.text();
        let known = Type::KEYWORDS.iter().copied().chain([".align", ".v2", ".v4", ".ptr"]);
        let help = near(text, known).map(|known| format!("is '{known}' meant?"));
        self.problems.report_with_help(span, format!("'{text}' is not a type of a declaration"), help);
        Reported
    }

    /// `.attribute(.managed, .unified(19, 95))`, if there.
    pub(super) fn attributes(&mut self) -> Parsed<Vec<Arc<str>>> {
        if !self.eat_dotted(".attribute") {
            return Ok(Vec::new());
        }
        self.enclosed(Kind::LeftParen, Kind::RightParen, |parser| {
            let start = parser.span();
            if !parser.eat(Kind::Dotted) {
                return Err(parser.unexpected("an attribute such as '.managed'"));
            }
            if parser.is(Kind::LeftParen) {
                parser.enclosed(Kind::LeftParen, Kind::RightParen, |parser| {
                    parser.integer_constant("an attribute's argument")
                })?;
            }
            let span = parser.since(start);
            let text = parser.text_of(span);
            Ok(parser.names.intern(text))
        })
    }

    fn align(&mut self) -> Parsed<u32> {
        self.advance();
        let start = self.span();
        let align = self.integer_constant("an alignment")?;
        match u32::try_from(align) {
            Ok(align) if align.is_power_of_two() => Ok(align),
            _ => {
                let span = self.since(start);
                Err(self.fail(span, "an alignment is a power of two, in bytes"))
            }
        }
    }

    /// `.ptr .global .align 16`, the space and the alignment both left out at will.
    fn pointer(&mut self) -> Parsed<Pointer> {
        self.advance();
        let space = if self.is(Kind::Dotted) { Space::from_keyword(self.text()) } else { None };
        if space.is_some() {
            self.advance();
        }
        let align = if self.is_dotted(".align") { self.align()? } else { 4 };
        Ok(Pointer { space, align })
    }

    /// `<8>` after a name: how many names it stands for.
    fn count(&mut self) -> Parsed<Option<(u64, Span)>> {
        if !self.eat(Kind::Less) {
            return Ok(None);
        }
        let span = self.span();
        let text = self.text();
        let count = match self.kind() {
            Kind::Number => text.parse().map_err(|_| self.fail(span, "a count is a decimal number"))?,
            _ => return Err(self.unexpected("a count")),
        };
        self.advance();
        self.expect(Kind::Greater, "after the count")?;
        Ok(Some((count, span)))
    }

    fn dimensions(&mut self) -> Parsed<Vec<Option<u64>>> {
        let mut dimensions = Vec::new();
        while self.eat(Kind::LeftBracket) {
            let size =
                if self.is(Kind::RightBracket) { None } else { Some(self.integer_constant("a size")?) };
            self.expect(Kind::RightBracket, "after the size")?;
            dimensions.push(size);
        }
        Ok(dimensions)
    }

    /// `1`, `{1, {2, 3}}`, `symbol+4`, `generic(symbol)`, `0xff00(symbol)`.
    fn initializer(&mut self) -> Parsed<Initializer> {
        if self.is(Kind::LeftBrace) {
            return self
                .enclosed(Kind::LeftBrace, Kind::RightBrace, Self::initializer)
                .map(Initializer::List);
        }
        if self.is(Kind::Word) && !self.at_constant() {
            return self.initial_address(None);
        }
        let value = self.constant()?;
        if !self.eat(Kind::LeftParen) {
            return Ok(Initializer::Literal(value.into()));
        }
        let crate::ast::Literal::Integer { bits: mask, .. } = value.into() else {
            let span = self.previous();
            return Err(self.fail(span, "a mask is an integer"));
        };
        let address = self.initial_address(Some(mask))?;
        self.expect(Kind::RightParen, "after the masked address")?;
        Ok(address)
    }

    fn initial_address(&mut self, mask: Option<u64>) -> Parsed<Initializer> {
        let generic =
            self.is(Kind::Word) && self.text() == "generic" && self.token_at(1).kind == Kind::LeftParen;
        if generic {
            self.advance();
            self.advance();
        }
        let symbol = self.ident("of a variable or function")?;
        if generic {
            self.expect(Kind::RightParen, "after the symbol")?;
        }
        let offset = match self.kind() {
            Kind::Plus | Kind::Minus => {
                self.eat(Kind::Plus);
                self.integer_constant("an offset")? as i64
            }
            _ => 0,
        };
        Ok(Initializer::Address { symbol, offset, generic, mask })
    }
}

/// What a declaration in a body declares.
pub(super) enum LocalDeclaration {
    Registers(Vec<RegisterDeclaration>),
    Variables(Vec<Variable>),
}
