//! Tokens to a syntax tree.
//!
//! Recursive descent, one file a part of the grammar. A part that cannot be parsed reports why and gives back
//! [`Reported`]; the statement or item around it skips to where the next one begins, so that one mistake does not
//! hide the others. Whatever nests is counted against [`MAX_DEPTH`].

mod constant;
mod declaration;
mod directive;
mod function;
mod module;
mod operand;
mod statement;

use std::sync::Arc;

use foldhash::HashSet;

use crate::{
    ast::{Ident, Module, Span},
    diagnostic::Problems,
    names::Names,
    token::{Kind, Token},
};

/// How deep scopes, expressions, initialisers and operands may nest. Compilers stay below ten; the bound keeps
/// parser, verification and display within the smallest stack a thread may have.
pub(crate) const MAX_DEPTH: u32 = 100;

/// A problem has been reported and there is nothing to give back.
#[derive(Debug, Clone, Copy)]
struct Reported;

type Parsed<T> = Result<T, Reported>;

/// What parsing gives.
pub(crate) struct Outcome {
    /// What could be parsed.
    pub(crate) module: Module,
    /// Names in declarations that could not: their uses are not worth another complaint.
    pub(crate) lost: HashSet<Arc<str>>,
}

/// Parses `tokens`, the tokens of `source`, ending with [`Kind::End`]. What could not be parsed is reported.
pub(crate) fn parse(source: &str, tokens: &[Token], problems: &mut Problems) -> Outcome {
    let mut parser = Parser {
        source,
        tokens,
        at: 0,
        depth: 0,
        names: Names::default(),
        arrays: Vec::new(),
        numbered_variables: 0,
        lost: HashSet::default(),
        problems,
    };
    let module = parser.module();
    Outcome { module, lost: parser.lost }
}

struct Parser<'a> {
    source: &'a str,
    /// Never empty: the last one is [`Kind::End`].
    tokens: &'a [Token],
    at: usize,
    depth: u32,
    names: Names,
    /// Arrays in scope, innermost last, with the bytes of an element: what `array[2]` is multiplied by.
    arrays: Vec<(Arc<str>, u64)>,
    /// Variables declared so far by parameterised names.
    numbered_variables: u64,
    lost: HashSet<Arc<str>>,
    problems: &'a mut Problems,
}

/// Looking at tokens and taking them.
impl<'a> Parser<'a> {
    fn token(&self) -> Token {
        self.token_at(0)
    }

    fn token_at(&self, ahead: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + ahead).min(last)]
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn span(&self) -> Span {
        self.token().span
    }

    /// The span of the token before this one.
    fn previous(&self) -> Span {
        match self.at.checked_sub(1) {
            Some(before) => self.tokens[before].span,
            None => Span::default(),
        }
    }

    /// From the start of `from` to the end of the token before this one.
    fn since(&self, from: Span) -> Span {
        Span { start: from.start, end: self.previous().end.max(from.start) }
    }

    fn text_of(&self, span: Span) -> &'a str {
        self.source.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn text(&self) -> &'a str {
        self.text_of(self.span())
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn is(&self, kind: Kind) -> bool {
        self.kind() == kind
    }

    fn is_dotted(&self, text: &str) -> bool {
        self.is(Kind::Dotted) && self.text() == text
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.is(kind);
        if found {
            self.advance();
        }
        found
    }

    fn eat_dotted(&mut self, text: &str) -> bool {
        let found = self.is_dotted(text);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, kind: Kind, place: &str) -> Parsed<Span> {
        let span = self.span();
        if self.eat(kind) { Ok(span) } else { Err(self.unexpected(&format!("{} {place}", kind.describe()))) }
    }

    /// Ends a statement. A `;` forgotten at the end of a line is reported there, and parsing goes on after it.
    fn expect_semicolon(&mut self, what: &str) -> Parsed<()> {
        if self.eat(Kind::Semicolon) {
            return Ok(());
        }
        let before = self.previous();
        let between = Span { start: before.end, end: self.span().start };
        if self.text_of(between).contains('\n') || matches!(self.kind(), Kind::RightBrace | Kind::End) {
            let place = Span { start: before.end.saturating_sub(1), end: before.end };
            let message = format!("{what} does not end with ';'");
            self.problems.report_with_help(place, message, "add ';' here".to_owned());
            return Ok(());
        }
        Err(self.unexpected(&format!("',' or ';' after {what}")))
    }

    fn ident(&mut self, place: &str) -> Parsed<Ident> {
        if !self.is(Kind::Word) {
            return Err(self.unexpected(&format!("a name {place}")));
        }
        let span = self.span();
        self.advance();
        Ok(self.ident_at(span))
    }

    fn ident_at(&mut self, span: Span) -> Ident {
        Ident { name: self.names.intern(self.text_of(span)), span }
    }
}

/// Problems and depth.
impl Parser<'_> {
    fn fail(&mut self, span: Span, message: impl Into<String>) -> Reported {
        self.problems.report(span, message);
        Reported
    }

    fn fail_with_help(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Reported {
        self.problems.report_with_help(span, message, help.into());
        Reported
    }

    /// The token here is not what it should be.
    fn unexpected(&mut self, wanted: &str) -> Reported {
        let span = self.span();
        let message = format!("expected {wanted}, found {}", self.describe());
        self.fail(span, message)
    }

    /// The token here as a message names it.
    fn describe(&self) -> String {
        let text = self.text();
        match self.kind() {
            Kind::Word | Kind::Dotted | Kind::Number if text.len() <= 40 => format!("'{text}'"),
            kind => kind.describe().to_owned(),
        }
    }

    /// Parses something that can contain itself.
    fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let span = self.span();
            return Err(self.fail(span, format!("this is nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }
}
