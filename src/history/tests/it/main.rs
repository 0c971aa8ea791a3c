//! The history as its users see it: files on disk and real git repositories.
#![allow(missing_docs)]

mod git;
mod hostile;
mod read;
mod samples;
mod store;
