//! The module: its header and the items at its top.

use super::{Parsed, Parser};
use crate::{
    ast::{Ident, Item, Linkage, Module, Span},
    near::near,
    token::Kind,
};

/// Directives that can begin an item.
const ITEM_DIRECTIVES: &[&str] = &[
    ".version",
    ".target",
    ".address_size",
    ".entry",
    ".func",
    ".visible",
    ".extern",
    ".weak",
    ".common",
    ".global",
    ".const",
    ".shared",
    ".file",
    ".section",
    ".pragma",
    ".alias",
    ".loc",
];

/// What the header has said so far.
#[derive(Default)]
struct Header {
    version: Option<(u32, u32)>,
    target: Vec<Ident>,
    address_size: Option<u32>,
    /// The order of the header is reported once.
    complained: bool,
}

impl Parser<'_> {
    pub(super) fn module(&mut self) -> Module {
        let mut header = Header::default();
        let mut items = Vec::new();
        while !self.is(Kind::End) {
            let start = self.at;
            if self.item(&mut header, &mut items).is_err() {
                self.skip_item(start);
            }
        }
        self.check_header(&mut header);
        Module {
            version: header.version.unwrap_or_default(),
            target: header.target,
            // As ptxas has it: 32-bit addresses are gone, and so is the need to say that they are not meant.
            address_size: header.address_size.unwrap_or(64),
            items,
        }
    }

    fn item(&mut self, header: &mut Header, items: &mut Vec<Item>) -> Parsed<()> {
        if !self.is(Kind::Dotted) {
            self.check_header(header);
            return Err(self.unexpected("a declaration such as '.visible .entry'"));
        }
        match self.text() {
            ".version" => return self.version(header),
            ".target" => return self.target(header),
            ".address_size" => return self.address_size(header),
            _ => self.check_header(header),
        }
        let start = self.span();
        let linkage = Linkage::from_keyword(self.text());
        if linkage.is_some() {
            self.advance();
        }
        match self.text() {
            ".entry" | ".func" => items.push(Item::Function(self.function(linkage, start)?)),
            _ if self.at_declaration() => {
                items.extend(self.variables(linkage, start)?.into_iter().map(Item::Variable));
            }
            _ if linkage.is_some() => {
                return Err(self.unexpected("'.entry', '.func' or a state space such as '.global'"));
            }
            ".section" => items.push(Item::Directive(self.section()?)),
            ".file" | ".loc" => items.push(Item::Directive(self.location()?)),
            ".pragma" | ".alias" => items.push(Item::Directive(self.pragma()?)),
            text => {
                let span = self.span();
                let help =
                    near(text, ITEM_DIRECTIVES.iter().copied()).map(|near| format!("is '{near}' meant?"));
                self.problems.report_with_help(span, format!("'{text}' cannot begin a declaration"), help);
                return Err(super::Reported);
            }
        }
        Ok(())
    }

    /// Reports what should have come before the token here.
    fn check_header(&mut self, header: &mut Header) {
        let missing = if header.version.is_none() {
            Some((".version", "begin the file with '.version 8.0'"))
        } else if header.target.is_empty() {
            Some((".target", "add '.target sm_80' after '.version'"))
        } else {
            None
        };
        if let Some((missing, help)) = missing.filter(|_| !header.complained) {
            header.complained = true;
            let span = self.span();
            self.problems.report_with_help(
                span,
                format!("there is no '{missing}' before this"),
                help.to_owned(),
            );
        }
    }

    fn version(&mut self, header: &mut Header) -> Parsed<()> {
        self.advance();
        let span = self.span();
        let parts = self.text().split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let Some(version) = parts.filter(|_| self.is(Kind::Number)) else {
            header.complained = true;
            return Err(self.unexpected("a version such as 8.0"));
        };
        self.advance();
        match header.version.replace(version) {
            Some(earlier) if earlier != version => {
                self.problems
                    .report(span, format!("the module already has '.version {}.{}'", earlier.0, earlier.1));
            }
            _ => {}
        }
        Ok(())
    }

    fn target(&mut self, header: &mut Header) -> Parsed<()> {
        if header.version.is_none() {
            self.check_header(header);
        }
        self.advance();
        loop {
            let target = self.target_name(header)?;
            if header.target.iter().all(|known| known.name != target.name) {
                header.target.push(target);
            }
            if !self.eat(Kind::Comma) {
                return Ok(());
            }
        }
    }

    fn target_name(&mut self, header: &mut Header) -> Parsed<Ident> {
        let target = self.ident("of a target such as sm_80").inspect_err(|_| header.complained = true)?;
        let is_first = header.target.is_empty();
        if is_first && !target.name.starts_with("sm_") && !target.name.starts_with("compute_") {
            header.complained = true;
            let message = format!("'{}' is not an architecture", target.name);
            return Err(self.fail_with_help(
                target.span,
                message,
                "name the architecture first, such as sm_80",
            ));
        }
        Ok(target)
    }

    fn address_size(&mut self, header: &mut Header) -> Parsed<()> {
        self.check_header(header);
        self.advance();
        let span = self.span();
        let size = self.integer_constant("an address size")?;
        match (header.address_size, size) {
            (None, 32 | 64) => header.address_size = Some(size as u32),
            (Some(earlier), _) if u64::from(earlier) != size => {
                self.problems.report(span, format!("the module already has '.address_size {earlier}'"));
            }
            (Some(_), _) => {}
            (None, _) => self.problems.report(span, "an address size is 32 or 64"),
        }
        Ok(())
    }

    /// After an item that failed: on to the next one. `start` is the index of its first token.
    fn skip_item(&mut self, start: usize) {
        let stop = self.at.max(start + 1);
        self.at = start;
        while !self.is(Kind::End) {
            let passed = self.at >= stop;
            match self.kind() {
                Kind::LeftBrace => {
                    self.skip_braces();
                    if self.at >= stop && !self.is(Kind::Semicolon) {
                        break;
                    }
                    continue;
                }
                Kind::Semicolon if passed => {
                    self.advance();
                    break;
                }
                Kind::Dotted if passed && ITEM_DIRECTIVES.contains(&self.text()) && self.starts_line() => {
                    break;
                }
                _ => {}
            }
            self.advance();
        }
        self.lose(start..self.at);
    }

    fn starts_line(&self) -> bool {
        let between = Span { start: self.previous().end, end: self.span().start };
        self.text_of(between).contains('\n')
    }

    /// Remembers the names in tokens that were skipped, so that their uses are not reported as undeclared.
    pub(super) fn lose(&mut self, tokens: std::ops::Range<usize>) {
        for token in &self.tokens[tokens] {
            match token.kind {
                Kind::Word => {
                    let name = self.names.intern(self.text_of(token.span));
                    self.lost.insert(name);
                }
                Kind::LeftBrace => return,
                _ => {}
            }
        }
    }
}
