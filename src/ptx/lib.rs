//! PTX text to a checked syntax tree.
//!
//! [`parse`] takes the text of a `.ptx` file and gives an [`ast::Module`], or every problem of the text at once as
//! [`Diagnostics`]. It reads what NVCC, NVRTC, clang and Triton write as well as hand-written PTX, for any target, and
//! does not know what an instruction means: that is the executor's part.
//!
//! The way of the text:
//!
//! | step | module | gives |
//! | --- | --- | --- |
//! | lexing | `lexer`, `token` | tokens with spans; comments are gone |
//! | parsing | `parser`, `constant`, `names` | the [tree](ast); constant expressions evaluated, equal names shared |
//! | verification | `verify`, `special` | nothing, or what is undeclared, repeated, mistyped or missing |
//! | display | `display`, `keyword` | text again: parsing a module's `to_string()` gives the same module, spans aside |
//!
//! Every step puts what it finds into one list and goes on: the lexer skips a stray character, the parser goes on at
//! the next statement or declaration, and a name whose declaration was unreadable is not reported again where it is
//! used. No input makes it panic, overflow the stack or take more than time in proportion to its length.
#![forbid(unsafe_code)]

pub mod ast;
mod constant;
mod diagnostic;
mod display;
mod keyword;
mod lexer;
mod line_index;
mod names;
mod near;
mod parser;
mod special;
mod token;
mod verify;

pub use diagnostic::{Diagnostic, Diagnostics, Style};
pub use line_index::LineIndex;
pub use special::is_special_register;

use diagnostic::Problems;

/// Parses and checks a PTX module.
///
/// # Errors
///
/// Every problem of the text at once: what cannot be read, names that are not declared or declared twice, labels that
/// are missing, guards that are no predicates.
pub fn parse(source: &str) -> Result<ast::Module, Diagnostics> {
    if u32::try_from(source.len()).is_err() {
        // Spans have 32 bits.
        return Err(Diagnostics::about_all("the text is longer than 4 GiB"));
    }
    let mut problems = Problems::default();
    let tokens = lexer::tokenize(source, &mut problems);
    let outcome = parser::parse(source, &tokens, &mut problems);
    verify::verify(source, &outcome, &mut problems);
    match problems.into_diagnostics(source) {
        None => Ok(outcome.module),
        Some(diagnostics) => Err(diagnostics),
    }
}
