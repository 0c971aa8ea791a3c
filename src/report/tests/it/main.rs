//! The built-in reports over small histories, through the real query engine.

mod fixture;
mod performance;
mod queries;
