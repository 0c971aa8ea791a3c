//! What users of the command line rely on, against the real binary in real repositories.

#[path = "it/bench.rs"]
mod bench;
#[path = "it/help.rs"]
mod help;
#[path = "it/query.rs"]
mod query;
#[path = "it/repository.rs"]
mod repository;
