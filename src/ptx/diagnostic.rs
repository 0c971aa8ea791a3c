//! What is wrong with a PTX text: every problem of a file at once, each with its place and, where there is an obvious
//! one, its remedy.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::{LineIndex, ast::Span};

/// One problem in a PTX text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The text it is about.
    pub span: Span,
    /// Line of the span's start, from 1.
    pub line: u32,
    /// Column of the span's start, from 1, in characters.
    pub column: u32,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Every problem of one PTX text, in the order of the text. Displays as one `line:column: message` a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

/// How [`Diagnostics::render`] decorates its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Plain text.
    #[default]
    Plain,
    /// With ANSI colours, for a terminal.
    Colour,
}

impl Diagnostics {
    /// One problem of the text as a whole.
    pub(crate) fn about_all(message: &str) -> Self {
        let span = Span::default();
        Diagnostics(vec![Diagnostic { message: message.to_owned(), span, line: 1, column: 1, help: None }])
    }

    /// Each problem, in the order of the text. Never empty when it comes from [`parse`](crate::parse).
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems as a compiler shows them, each with its line of `source` and carets under the place, in plain
    /// text. `source` is the text that was parsed; `file_name` is what it is called in the output.
    pub fn render(&self, file_name: &str, source: &str) -> String {
        self.render_in(Style::Plain, file_name, source)
    }

    /// As [`render`](Self::render), in the given style.
    pub fn render_in(&self, style: Style, file_name: &str, source: &str) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Colour => Renderer::styled(),
        };
        let mut text = String::new();
        for diagnostic in &self.0 {
            let (line, range) = excerpt(source, diagnostic.span);
            let snippet = Snippet::source(line)
                .path(file_name)
                .line_start(diagnostic.line as usize)
                .annotation(AnnotationKind::Primary.span(range));
            let mut group = Level::ERROR.primary_title(diagnostic.message.as_str()).element(snippet);
            if let Some(help) = &diagnostic.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            text.push_str(&renderer.render(&[group]));
            text.push_str("\n\n");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// The line on which `span` starts, and the span within that line: rendering needs no more of a large file.
fn excerpt(source: &str, span: Span) -> (&str, std::ops::Range<usize>) {
    let at = floor_boundary(source, span.start);
    let start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = source[at..].find('\n').map_or(source.len(), |newline| at + newline);
    let line = source[start..end].trim_end_matches('\r');
    let stop = floor_boundary(source, span.end).clamp(at, start + line.len().max(at - start));
    (line, (at - start).min(line.len())..(stop - start).min(line.len()))
}

/// `offset`, moved back to where a character of `source` starts.
fn floor_boundary(source: &str, offset: u32) -> usize {
    source.floor_char_boundary(offset as usize)
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    /// In the order of the text, whatever order they come in.
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        let mut all: Vec<_> = diagnostics.into_iter().collect();
        all.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        Diagnostics(all)
    }
}

/// Where lexer, parser and verification put what they find.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<(Span, String, Option<String>)>);

/// As many problems as anyone will read. A text with more is no PTX.
const MAX_PROBLEMS: usize = 1000;

impl Problems {
    /// A problem without a remedy worth naming.
    pub(crate) fn report(&mut self, span: Span, message: impl Into<String>) {
        self.report_with_help(span, message, None);
    }

    /// A problem and what to do about it.
    pub(crate) fn report_with_help(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let count = self.0.len();
        if count < MAX_PROBLEMS {
            self.0.push((span, message.into(), help.into()));
        } else if count == MAX_PROBLEMS {
            self.0.push((span, "there are more problems than this".to_owned(), None));
        }
    }

    /// How many so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The diagnostics in the order of the text, without repetitions; `None` if there are none.
    pub(crate) fn into_diagnostics(mut self, source: &str) -> Option<Diagnostics> {
        if self.0.is_empty() {
            return None;
        }
        self.0.sort_by_key(|(span, ..)| (span.start, span.end));
        self.0.dedup();
        let lines = LineIndex::new(source);
        let located = self.0.into_iter().map(|(span, message, help)| {
            let (line, column) = lines.line_column(span.start);
            Diagnostic { message, span, line, column, help }
        });
        Some(Diagnostics(located.collect()))
    }
}
