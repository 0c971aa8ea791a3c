//! PTX text to tokens.
//!
//! The lexer never stops: a character that belongs to no token is reported and skipped, so that the parser still
//! sees the rest. Comments and `# 1 "kernel.cu"` line markers of a preprocessor are white space.

use crate::{
    ast::Span,
    diagnostic::Problems,
    token::{Kind, Token},
};

/// The tokens of `source`, ending with one [`Kind::End`]. The text is shorter than 4 GiB.
pub(crate) fn tokenize(source: &str, problems: &mut Problems) -> Vec<Token> {
    let mut lexer = Lexer { source, bytes: source.as_bytes(), at: 0, problems };
    // PTX of compilers has a token every 4 to 5 bytes.
    let mut tokens = Vec::with_capacity(source.len() / 4 + 1);
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    let end = source.len() as u32;
    tokens.push(Token { kind: Kind::End, span: Span { start: end, end } });
    tokens
}

struct Lexer<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    problems: &'a mut Problems,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<Token> {
        loop {
            self.skip_blank();
            let start = self.at;
            let first = *self.bytes.get(start)?;
            let kind = match first {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.word(),
                b'%' if self.peek(1).is_some_and(is_name) => self.word(),
                b'.' if self.peek(1).is_some_and(is_name) => self.dotted(),
                b'0'..=b'9' => self.number(),
                b'"' => self.text(),
                _ => {
                    let Some((kind, length)) = punctuation(first, self.peek(1)) else {
                        self.stray();
                        continue;
                    };
                    self.at += length;
                    kind
                }
            };
            return Some(Token { kind, span: self.span(start) });
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn span(&self, start: usize) -> Span {
        Span { start: start as u32, end: self.at as u32 }
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| accept(*byte)) {
            self.at += 1;
        }
    }

    fn skip_blank(&mut self) {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c) => self.at += 1,
                Some(b'/') if self.peek(1) == Some(b'/') => self.take_while(|byte| byte != b'\n'),
                Some(b'/') if self.peek(1) == Some(b'*') => self.block_comment(),
                Some(b'#') if self.is_line_marker() => self.take_while(|byte| byte != b'\n'),
                // Some editors begin a file with a byte-order mark.
                Some(0xef) if self.at == 0 && self.source.starts_with('\u{feff}') => self.at = 3,
                _ => return,
            }
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        match self.source[start + 2..].find("*/") {
            Some(length) => self.at = start + 2 + length + 2,
            None => {
                self.at = self.bytes.len();
                let opening = Span { start: start as u32, end: start as u32 + 2 };
                self.problems.report_with_help(
                    opening,
                    "this comment is not closed",
                    "close it with '*/'".to_owned(),
                );
            }
        }
    }

    /// Whether the `#` here begins its line and is followed by a line number, as preprocessors write it.
    fn is_line_marker(&self) -> bool {
        let before = self.source[..self.at].trim_end_matches([' ', '\t']);
        let after = self.source[self.at + 1..].trim_start_matches([' ', '\t']);
        let after = after.strip_prefix("line").map_or(after, |rest| rest.trim_start_matches([' ', '\t']));
        (before.is_empty() || before.ends_with('\n')) && after.starts_with(|c: char| c.is_ascii_digit())
    }

    fn word(&mut self) -> Kind {
        self.at += 1;
        self.take_while(is_name);
        Kind::Word
    }

    /// `.shared::cluster` is one token: the parts on both sides of a `::` belong together.
    fn dotted(&mut self) -> Kind {
        self.at += 1;
        loop {
            self.take_while(is_name);
            if self.peek(0) == Some(b':') && self.peek(1) == Some(b':') && self.peek(2).is_some_and(is_name) {
                self.at += 2;
            } else {
                return Kind::Dotted;
            }
        }
    }

    /// Takes everything that sticks to the number, so that `12q` is one malformed number rather than two tokens.
    fn number(&mut self) -> Kind {
        let radix_prefix = self.bytes[self.at] == b'0'
            && matches!(self.peek(1), Some(b'x' | b'X' | b'b' | b'B' | b'f' | b'F' | b'd' | b'D'));
        self.take_while(is_name);
        if radix_prefix {
            return Kind::Number;
        }
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.take_while(is_name);
        }
        self.exponent();
        Kind::Number
    }

    /// The sign and digits of `1.5e-3`, where the `e` has been taken already.
    fn exponent(&mut self) {
        let ends_with_e = matches!(self.bytes[self.at - 1], b'e' | b'E');
        if ends_with_e
            && matches!(self.peek(0), Some(b'+' | b'-'))
            && self.peek(1).is_some_and(|byte| byte.is_ascii_digit())
        {
            self.at += 1;
            self.take_while(is_name);
        }
    }

    fn text(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek(0) {
                Some(b'"') => {
                    self.at += 1;
                    return Kind::Text;
                }
                Some(b'\\') if self.peek(1).is_some_and(|byte| byte != b'\n') => self.at += 2,
                Some(b'\n') | None => {
                    let span = self.span(start);
                    self.problems.report_with_help(
                        span,
                        "this string is not closed on its line",
                        "close it with '\"'".to_owned(),
                    );
                    return Kind::Text;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn stray(&mut self) {
        let start = self.at;
        let Some(character) = self.source[start..].chars().next() else { return };
        self.at += character.len_utf8();
        let help = (character == '#').then(|| "run a preprocessor over the file first".to_owned());
        if character == '#' {
            self.take_while(|byte| byte != b'\n');
        }
        let message = format!("{character:?} has no meaning in PTX outside comments and strings");
        let span = self.span(start);
        self.problems.report_with_help(span, message, help);
    }
}

/// Whether a byte can continue a name. (`%` can only begin one.)
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// The punctuation that starts with `first`, the longest that fits, and its length.
fn punctuation(first: u8, second: Option<u8>) -> Option<(Kind, usize)> {
    let double = match (first, second) {
        (b'&', Some(b'&')) => Some(Kind::AmpersandAmpersand),
        (b'|', Some(b'|')) => Some(Kind::PipePipe),
        (b'<', Some(b'<')) => Some(Kind::ShiftLeft),
        (b'<', Some(b'=')) => Some(Kind::LessEqual),
        (b'>', Some(b'>')) => Some(Kind::ShiftRight),
        (b'>', Some(b'=')) => Some(Kind::GreaterEqual),
        (b'=', Some(b'=')) => Some(Kind::EqualEqual),
        (b'!', Some(b'=')) => Some(Kind::BangEqual),
        _ => None,
    };
    if let Some(kind) = double {
        return Some((kind, 2));
    }
    let single = match first {
        b'(' => Kind::LeftParen,
        b')' => Kind::RightParen,
        b'{' => Kind::LeftBrace,
        b'}' => Kind::RightBrace,
        b'[' => Kind::LeftBracket,
        b']' => Kind::RightBracket,
        b',' => Kind::Comma,
        b';' => Kind::Semicolon,
        b':' => Kind::Colon,
        b'@' => Kind::At,
        b'?' => Kind::Question,
        b'!' => Kind::Bang,
        b'~' => Kind::Tilde,
        b'+' => Kind::Plus,
        b'-' => Kind::Minus,
        b'*' => Kind::Star,
        b'/' => Kind::Slash,
        b'%' => Kind::Percent,
        b'&' => Kind::Ampersand,
        b'|' => Kind::Pipe,
        b'^' => Kind::Caret,
        b'<' => Kind::Less,
        b'>' => Kind::Greater,
        b'=' => Kind::Equal,
        _ => return None,
    };
    Some((single, 1))
}
