//! What the session answers, over histories in temporary folders.

mod bad_files;
mod fixture;
mod named;
mod output;
mod sql;
mod tables;
