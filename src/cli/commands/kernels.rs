//! `pipe kernels`: what can be benchmarked, and whether it loads.

use std::io::Write as _;

use pipe_kernels::{Implementation, Library};
use pipe_simt::Program;

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
        KernelsCommand::Check { names } => check(&place.work_tree_library()?, &names, ui),
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

fn check(library: &Library, names: &[String], ui: &Ui) -> Result<Exit, CommandError> {
    let chosen: Vec<&Implementation> = if names.is_empty() {
        library.implementations().map(AsRef::as_ref).collect()
    } else {
        let chosen = names.iter().map(|name| library.implementation(name).map(AsRef::as_ref));
        chosen.collect::<Result<_, _>>().map_err(CommandError::usage)?
    };
    let mut out = ui.out();
    let mut failures = 0;
    for implementation in chosen {
        match Program::load(implementation.ptx()) {
            Ok(program) => {
                let entries = program.kernels().count();
                writeln!(out, "{:<22}ok, {entries} entries", implementation.name())?;
            }
            Err(error) => {
                failures += 1;
                writeln!(out, "{:<22}does not load", implementation.name())?;
                writeln!(
                    out,
                    "{}",
                    error.diagnostics.render(implementation.ptx_file(), implementation.ptx())
                )?;
            }
        }
    }
    if names.is_empty() {
        for broken in library.broken() {
            failures += 1;
            writeln!(out, "{:<22}cannot be used\n{broken}", broken.name)?;
        }
    }
    out.flush()?;
    Ok(if failures == 0 { Exit::Done } else { Exit::KernelFailed })
}
