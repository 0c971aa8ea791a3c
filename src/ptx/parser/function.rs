//! Functions and kernels: header and body.

use super::{Parsed, Parser};
use crate::{
    ast::{Directive, Function, Linkage, Span},
    token::Kind,
};

impl Parser<'_> {
    /// `.entry name (params) directives { … }` or `.func (returns) name (params) directives { … }`.
    pub(super) fn function(&mut self, linkage: Option<Linkage>, start: Span) -> Parsed<Function> {
        let entry = self.is_dotted(".entry");
        self.advance();
        let arrays = self.arrays.len();
        let mut directives = Vec::new();
        let attribute = self.span();
        let attributes = self.attributes()?;
        if !attributes.is_empty() {
            directives.push(Directive { name: self.ident_at(attribute), arguments: attributes });
        }
        let returns = if self.is(Kind::LeftParen) && !entry { self.parameters()? } else { Vec::new() };
        let name = self.ident(if entry { "for the kernel" } else { "for the function" })?;
        let params = if self.is(Kind::LeftParen) { self.parameters()? } else { Vec::new() };
        self.function_directives(&mut directives)?;
        let span = self.since(start);
        let body = match self.kind() {
            Kind::LeftBrace => Some(self.body(&format!("the body of '{}'", name.name))?),
            Kind::Semicolon => {
                self.advance();
                None
            }
            _ => return Err(self.unexpected("'{', ';' or a directive such as '.maxntid'")),
        };
        self.arrays.truncate(arrays);
        Ok(Function { entry, linkage, name, returns, params, directives, body, span })
    }
}
