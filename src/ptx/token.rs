//! The tokens of PTX.

use crate::ast::Span;

/// What a token is. Its text is its span of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or opcode: `%r1`, `add`, `$L__BB0_1`, `_`.
    Word,
    /// A dot and what belongs to it: `.global`, `.L2::cache_hint`, `.x`, `.2d`.
    Dotted,
    /// `12`, `0x1fU`, `0f3F800000`, `1.5e-3`; not necessarily well-formed.
    Number,
    /// `"…"`, with its quotes.
    Text,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Semicolon,
    Colon,
    At,
    Question,
    Bang,
    Tilde,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Ampersand,
    AmpersandAmpersand,
    Pipe,
    PipePipe,
    Caret,
    Less,
    LessEqual,
    ShiftLeft,
    Greater,
    GreaterEqual,
    ShiftRight,
    Equal,
    EqualEqual,
    BangEqual,
    /// One past the last token; there is always one.
    End,
}

impl Kind {
    /// The kind as a message names it.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Kind::Word => "a name",
            Kind::Dotted => "a directive",
            Kind::Number => "a number",
            Kind::Text => "a string",
            Kind::LeftParen => "'('",
            Kind::RightParen => "')'",
            Kind::LeftBrace => "'{'",
            Kind::RightBrace => "'}'",
            Kind::LeftBracket => "'['",
            Kind::RightBracket => "']'",
            Kind::Comma => "','",
            Kind::Semicolon => "';'",
            Kind::Colon => "':'",
            Kind::At => "'@'",
            Kind::Question => "'?'",
            Kind::Bang => "'!'",
            Kind::Tilde => "'~'",
            Kind::Plus => "'+'",
            Kind::Minus => "'-'",
            Kind::Star => "'*'",
            Kind::Slash => "'/'",
            Kind::Percent => "'%'",
            Kind::Ampersand => "'&'",
            Kind::AmpersandAmpersand => "'&&'",
            Kind::Pipe => "'|'",
            Kind::PipePipe => "'||'",
            Kind::Caret => "'^'",
            Kind::Less => "'<'",
            Kind::LessEqual => "'<='",
            Kind::ShiftLeft => "'<<'",
            Kind::Greater => "'>'",
            Kind::GreaterEqual => "'>='",
            Kind::ShiftRight => "'>>'",
            Kind::Equal => "'='",
            Kind::EqualEqual => "'=='",
            Kind::BangEqual => "'!='",
            Kind::End => "the end of the file",
        }
    }
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}
