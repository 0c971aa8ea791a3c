//! Statements of a function's body.

use super::{MAX_DEPTH, Parsed, Parser, Reported, declaration::LocalDeclaration, operand::Context};
use crate::{
    ast::{Guard, Ident, Instruction, Linkage, Span, Statement},
    near::near,
    token::Kind,
};

/// Directives that can begin a statement.
const STATEMENT_DIRECTIVES: &[&str] =
    &[".reg", ".local", ".shared", ".global", ".const", ".param", ".loc", ".file", ".pragma"];

impl Parser<'_> {
    /// `{ statements }`; `what` names it should it not be closed.
    pub(super) fn body(&mut self, what: &str) -> Parsed<Vec<Statement>> {
        let opening = self.expect(Kind::LeftBrace, "here")?;
        let arrays = self.arrays.len();
        let mut statements = Vec::new();
        loop {
            if self.eat(Kind::RightBrace) {
                break;
            }
            if self.is(Kind::End) || self.at_function() {
                let before = if self.is(Kind::End) { "the end of the file" } else { "the next function" };
                let message = format!("{what} is not closed before {before}");
                self.problems.report_with_help(opening, message, "close it with '}'".to_owned());
                break;
            }
            let start = self.at;
            if self.statement(&mut statements).is_err() {
                self.skip_statement(start);
            }
        }
        self.arrays.truncate(arrays);
        Ok(statements)
    }

    /// Whether a function begins here, which it cannot inside of a body.
    fn at_function(&self) -> bool {
        let is_function =
            |ahead: usize| matches!(self.text_of(self.token_at(ahead).span), ".entry" | ".func");
        self.is(Kind::Dotted)
            && (is_function(0) || (Linkage::from_keyword(self.text()).is_some() && is_function(1)))
    }

    fn statement(&mut self, into: &mut Vec<Statement>) -> Parsed<()> {
        match self.kind() {
            Kind::Word if self.token_at(1).kind == Kind::Colon => into.push(self.label()?),
            Kind::Word | Kind::At => into.push(self.instruction().map(Statement::Instruction)?),
            Kind::LeftBrace => into.push(self.scope()?),
            Kind::Dotted => self.directive_statement(into)?,
            Kind::Semicolon => {
                let span = self.span();
                return Err(self.fail_with_help(span, "there is no statement before this ';'", "remove it"));
            }
            _ => return Err(self.unexpected("a statement")),
        }
        Ok(())
    }

    fn directive_statement(&mut self, into: &mut Vec<Statement>) -> Parsed<()> {
        match self.text() {
            ".loc" | ".file" => into.push(Statement::Directive(self.location()?)),
            ".pragma" => into.push(Statement::Directive(self.pragma()?)),
            _ if self.at_declaration() => match self.local_declaration()? {
                LocalDeclaration::Registers(registers) => {
                    into.extend(registers.into_iter().map(Statement::Registers));
                }
                LocalDeclaration::Variables(variables) => {
                    into.extend(variables.into_iter().map(Statement::Variable));
                }
            },
            text if Linkage::from_keyword(text).is_some() => {
                let span = self.span();
                let message = format!("'{text}' stands only before declarations outside of functions");
                return Err(self.fail_with_help(span, message, "move the declaration before the function"));
            }
            text => {
                let span = self.span();
                let known = STATEMENT_DIRECTIVES.iter().copied();
                let help = near(text, known).map(|known| format!("is '{known}' meant?"));
                self.problems.report_with_help(span, format!("'{text}' cannot begin a statement"), help);
                return Err(Reported);
            }
        }
        Ok(())
    }

    /// A nested `{ … }`.
    fn scope(&mut self) -> Parsed<Statement> {
        if self.depth >= MAX_DEPTH {
            let opening = self.span();
            self.skip_braces();
            self.problems.report(opening, format!("scopes are nested more than {MAX_DEPTH} levels deep"));
            return Ok(Statement::Block(Vec::new()));
        }
        self.nested(|parser| parser.body("this scope")).map(Statement::Block)
    }

    /// `name:`, on its own or before `.branchtargets`, `.calltargets` or `.callprototype`.
    fn label(&mut self) -> Parsed<Statement> {
        let name = self.ident("for the label")?;
        self.expect(Kind::Colon, "after the label")?;
        if !self.is(Kind::Dotted) {
            return Ok(Statement::Label(name));
        }
        match self.text() {
            ".branchtargets" => Ok(Statement::BranchTargets { name, targets: self.targets()? }),
            ".calltargets" => Ok(Statement::CallTargets { name, targets: self.targets()? }),
            ".callprototype" => self.prototype(name),
            _ => Ok(Statement::Label(name)),
        }
    }

    fn targets(&mut self) -> Parsed<Vec<Ident>> {
        self.advance();
        let mut targets = vec![self.ident("of a target")?];
        while self.eat(Kind::Comma) {
            targets.push(self.ident("of a target")?);
        }
        self.expect_semicolon("the list of targets")?;
        Ok(targets)
    }

    fn prototype(&mut self, name: Ident) -> Parsed<Statement> {
        self.advance();
        let returns = if self.is(Kind::LeftParen) { self.parameters()? } else { Vec::new() };
        self.ident("in the place of the function, such as '_',")?;
        let params = if self.is(Kind::LeftParen) { self.parameters()? } else { Vec::new() };
        let mut directives = Vec::new();
        self.function_directives(&mut directives)?;
        self.expect_semicolon("the prototype")?;
        Ok(Statement::CallPrototype { name, returns, params, directives })
    }

    /// `@p opcode.modifier operands;`
    fn instruction(&mut self) -> Parsed<Instruction> {
        let start = self.span();
        let guard = if self.eat(Kind::At) {
            let negated = self.eat(Kind::Bang);
            Some(Guard { predicate: self.ident("of the guard's predicate")?, negated })
        } else {
            None
        };
        if !self.is(Kind::Word) || self.text().starts_with(['%', '$']) {
            return Err(self.unexpected("an instruction"));
        }
        let opcode = self.ident("of an instruction")?;
        let mut modifiers = Vec::new();
        while self.is(Kind::Dotted) {
            let span = self.span();
            self.advance();
            modifiers.push(self.ident_at(Span { start: span.start + 1, end: span.end }));
        }
        let mut operands = Vec::new();
        if !self.is(Kind::Semicolon) && !self.at_end_of_statement() {
            let context = match &*opcode.name {
                "call" => Context::Call,
                "mov" => Context::Move,
                _ => Context::Other,
            };
            operands.push(self.operand(context)?);
            while self.eat(Kind::Comma) {
                operands.push(self.operand(context)?);
            }
        }
        self.expect_semicolon("the instruction")?;
        let span = self.since(start);
        Ok(Instruction { guard, opcode, modifiers, operands, span })
    }

    /// Whether the instruction ends here for want of a `;`: a `ret` on a line of its own before a `}` or a label.
    fn at_end_of_statement(&self) -> bool {
        match self.kind() {
            Kind::RightBrace | Kind::End | Kind::At => true,
            Kind::Word => self.token_at(1).kind == Kind::Colon,
            _ => false,
        }
    }

    /// After a statement that failed: on to the next one. `start` is the index of its first token.
    fn skip_statement(&mut self, start: usize) {
        let stop = self.at;
        let is_declaration = self.tokens.get(start).is_some_and(|token| token.kind == Kind::Dotted);
        self.at = start;
        // Braces opened in the statement belong to it: `{%r1 %r2}`.
        let mut depth = 0u32;
        while !self.is(Kind::End) {
            let passed = self.at >= stop;
            match self.kind() {
                Kind::LeftBrace => depth += 1,
                Kind::RightBrace if depth == 0 && passed => break,
                Kind::RightBrace => depth = depth.saturating_sub(1),
                Kind::Semicolon if passed => {
                    self.advance();
                    break;
                }
                Kind::Dotted if passed && self.at > start && self.at_function() => break,
                _ => {}
            }
            self.advance();
        }
        if is_declaration {
            self.lose(start..self.at);
        }
    }

    /// From a `{` to after its `}`.
    pub(super) fn skip_braces(&mut self) {
        let mut depth = 0u32;
        while !self.is(Kind::End) {
            match self.kind() {
                Kind::LeftBrace => depth += 1,
                Kind::RightBrace => depth -= 1,
                _ => {}
            }
            self.advance();
            if depth == 0 {
                return;
            }
        }
    }
}
