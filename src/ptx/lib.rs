//! PTX text to a checked syntax tree.
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
    let mut problems = Problems::default();
    let tokens = lexer::tokenize(source, &mut problems);
    let outcome = parser::parse(source, &tokens, &mut problems);
    verify::verify(source, &outcome, &mut problems);
    match problems.into_diagnostics(source) {
        None => Ok(outcome.module),
        Some(diagnostics) => Err(diagnostics),
    }
}
