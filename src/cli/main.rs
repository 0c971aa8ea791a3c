//! `pipe`: the command line. The only crate that prints, exits or reads the environment.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod comparison;
mod config;
mod error;
mod gate;
mod place;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Cli, ui::Ui};

/// A fifth of a query's time goes to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new(&cli.global);
    match commands::run(cli, &ui) {
        Ok(code) => code.into(),
        Err(error) => ui.fail(&error).into(),
    }
}
