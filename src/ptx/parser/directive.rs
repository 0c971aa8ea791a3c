//! Directives that are kept without a meaning for execution: `.loc`, `.file`, `.section`, `.pragma`, `.alias`.

use std::sync::Arc;

use super::{Parsed, Parser};
use crate::{
    ast::{Directive, Span},
    near::near,
    token::Kind,
};

/// Directives between a function's header and its body.
const FUNCTION_DIRECTIVES: &[&str] = &[
    ".abi_preserve",
    ".abi_preserve_control",
    ".blocksareclusters",
    ".explicitcluster",
    ".maxclusterrank",
    ".maxnctapersm",
    ".maxnreg",
    ".maxntid",
    ".minnctapersm",
    ".noreturn",
    ".pragma",
    ".reqnctapercluster",
    ".reqntid",
];

impl Parser<'_> {
    /// `.pragma "nounroll";`
    pub(super) fn pragma(&mut self) -> Parsed<Directive> {
        let name = self.directive_name();
        let arguments = self.arguments()?;
        self.expect_semicolon("the directive")?;
        Ok(Directive { name, arguments })
    }

    /// `.loc 1 5 3, function_name $L__info_string0, inlined_at 1 2 3` or `.file 1 "kernel.cu", 1700000000, 3072`.
    /// These end without a semicolon.
    pub(super) fn location(&mut self) -> Parsed<Directive> {
        let name = self.directive_name();
        let mut arguments = Vec::new();
        loop {
            match self.kind() {
                Kind::Number | Kind::Text => self.argument(&mut arguments),
                Kind::Comma if self.token_at(1).kind == Kind::Number => self.advance(),
                Kind::Comma if self.token_at(1).kind == Kind::Word => {
                    self.advance();
                    let keyword = self.text();
                    if !matches!(keyword, "function_name" | "inlined_at") {
                        return Err(self.unexpected("`function_name` or `inlined_at`"));
                    }
                    self.argument(&mut arguments);
                    if keyword == "function_name" {
                        let start = self.span();
                        self.ident("of the inlined function")?;
                        if self.eat(Kind::Plus) {
                            self.integer_constant("an offset")?;
                        }
                        let span = self.since(start);
                        arguments.push(self.kept(span));
                    }
                }
                _ => return Ok(Directive { name, arguments }),
            }
        }
    }

    /// `.section .debug_str { … }`, whose content is kept as it stands.
    pub(super) fn section(&mut self) -> Parsed<Directive> {
        let name = self.directive_name();
        let mut arguments = Vec::new();
        if !matches!(self.kind(), Kind::Dotted | Kind::Word) {
            return Err(self.unexpected("the section's name"));
        }
        self.argument(&mut arguments);
        let opening = self.span();
        self.expect(Kind::LeftBrace, "before the section's content")?;
        let mut depth = 1;
        while depth > 0 {
            match self.kind() {
                Kind::LeftBrace => depth += 1,
                Kind::RightBrace => depth -= 1,
                Kind::End => return Err(self.fail(opening, "this '{' is not closed")),
                _ => {}
            }
            self.advance();
        }
        let span = self.since(opening);
        arguments.push(self.kept(span));
        Ok(Directive { name, arguments })
    }

    /// Directives of a function's header, up to its body or the `;` of a declaration.
    pub(super) fn function_directives(&mut self, directives: &mut Vec<Directive>) -> Parsed<()> {
        while self.is(Kind::Dotted) {
            let text = self.text();
            if !FUNCTION_DIRECTIVES.contains(&text) {
                let span = self.span();
                let help =
                    near(text, FUNCTION_DIRECTIVES.iter().copied()).map(|near| format!("is '{near}' meant?"));
                self.problems.report_with_help(
                    span,
                    format!("'{text}' is not a directive of a function"),
                    help,
                );
                return Err(super::Reported);
            }
            directives.push(if text == ".pragma" { self.pragma()? } else { self.plain_directive()? });
        }
        Ok(())
    }

    /// `.maxntid 128, 1, 1`, which ends without a semicolon.
    fn plain_directive(&mut self) -> Parsed<Directive> {
        let name = self.directive_name();
        Ok(Directive { name, arguments: self.arguments()? })
    }

    fn directive_name(&mut self) -> crate::ast::Ident {
        let span = self.span();
        self.advance();
        self.ident_at(span)
    }

    /// Numbers, strings and names with commas between them; possibly none.
    fn arguments(&mut self) -> Parsed<Vec<Arc<str>>> {
        let mut arguments = Vec::new();
        while matches!(self.kind(), Kind::Number | Kind::Text | Kind::Word) {
            self.argument(&mut arguments);
            if !self.eat(Kind::Comma) {
                break;
            }
            if !matches!(self.kind(), Kind::Number | Kind::Text | Kind::Word) {
                return Err(self.unexpected("an argument after ','"));
            }
        }
        Ok(arguments)
    }

    fn argument(&mut self, arguments: &mut Vec<Arc<str>>) {
        let span = self.span();
        arguments.push(self.kept(span));
        self.advance();
    }

    fn kept(&mut self, span: Span) -> Arc<str> {
        let text = self.text_of(span);
        self.names.intern(text)
    }
}
