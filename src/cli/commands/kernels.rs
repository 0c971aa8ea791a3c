//! `pipe kernels`: what can be benchmarked, whether it loads and does nothing wrong, and what is added to it.

mod add;
mod check;
mod expected;

use std::io::Write as _;

use pipe_kernels::Library;

use crate::{
    args::{Global, KernelsArgs, KernelsCommand},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: KernelsArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    match args.command {
        KernelsCommand::List { rev: None } => list(&place.work_tree_library()?, ui),
        KernelsCommand::List { rev: Some(rev) } => {
            let commit = place.require_repository("--rev")?.resolve(&rev).map_err(CommandError::usage)?;
            list(&place.commit_library(&commit)?, ui)
        }
        KernelsCommand::Add(args) => add::run(*args, &place, ui),
        KernelsCommand::Check { names, no_run, embedded } => {
            let runs = (!no_run).then_some(&embedded);
            check::run(&place.work_tree_library()?, &names, runs, ui)
        }
    }
}

fn list(library: &Library, ui: &Ui) -> Result<Exit, CommandError> {
    let mut out = ui.out();
    writeln!(out, "implementations:")?;
    for implementation in library.implementations() {
        writeln!(out, "  {:<22}{}", implementation.name(), implementation.summary())?;
    }
    writeln!(out, "benchmark types:")?;
    for benchmark_type in library.benchmark_types() {
        writeln!(out, "  {:<22}{}", benchmark_type.name, benchmark_type.description)?;
    }
    out.flush()?;
    warn_of_broken(library, ui);
    Ok(Exit::Done)
}

/// Tells of what is there and cannot be used.
pub(super) fn warn_of_broken(library: &Library, ui: &Ui) {
    for broken in library.broken() {
        ui.warn(format_args!("'{}' cannot be used:\n{broken}", broken.name));
    }
}
