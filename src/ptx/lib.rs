//! PTX text to a checked syntax tree.
#![forbid(unsafe_code)]

pub mod ast;
