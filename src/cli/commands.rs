//! One file a subcommand, and the dispatch to them.

mod archive;
mod baseline;
mod bench;
mod bisect;
mod check;
mod compare;
mod dashboard;
mod device;
mod export;
mod import;
mod kernels;
mod profile;
mod query;
mod report;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use clap::CommandFactory as _;

pub(crate) use self::query::query_error;
use crate::{
    args::{Cli, Command},
    error::{CommandError, Exit},
    ui::Ui,
};

/// Runs the subcommand the user asked for.
pub(crate) fn run(cli: Cli, ui: &Ui) -> Result<Exit, CommandError> {
    let global = &cli.global;
    match cli.command {
        Command::Bench(args) => bench::run(args, global, ui),
        Command::Query(args) => query::run(args, global, ui),
        Command::Report(args) => report::run(args, global, ui),
        Command::Profile(args) => profile::run(args, global, ui),
        Command::Archive(args) => archive::run(&args, global, ui),
        Command::Export(args) => export::run(args, global, ui),
        Command::Import(args) => import::run(args, global, ui),
        Command::Compare(args) => compare::run(args, global, ui),
        Command::Check(args) => check::run(args, global, ui),
        Command::Baseline(args) => baseline::run(args, global, ui),
        Command::Bisect(args) => bisect::run(args, global, ui),
        Command::Dashboard(args) => dashboard::run(&args, global, ui),
        Command::Kernels(args) => kernels::run(args, global, ui),
        Command::Device(args) => device::run(&args, ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pipe", &mut script);
            print(ui, &script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(ui, &page)
        }
    }
}

fn print(ui: &Ui, text: &[u8]) -> Result<Exit, CommandError> {
    let mut out = ui.out();
    out.write_all(text)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Writes to `path`, or where there is none or it is `-` to standard output; `write` is told the width of a terminal.
fn print_or_write(
    path: Option<&Path>,
    ui: &Ui,
    write: impl FnOnce(&mut dyn Write, Option<u16>) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    match path {
        Some(path) if path.as_os_str() != "-" => replace_file(path, |file| write(file, None)),
        _ => {
            let mut out = ui.out();
            write(&mut out, ui.table_width())?;
            Ok(out.flush()?)
        }
    }
}

/// `path` from the working folder, where it lies below it.
fn shown(path: &Path) -> &Path {
    let current = std::env::current_dir().ok();
    current.and_then(|current| path.strip_prefix(current).ok()).unwrap_or(path)
}

/// Writes `path` whole or not at all: into a temporary file beside it first, which then takes its place.
/// A device or a pipe is written to as it is.
fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let cannot = |error: io::Error| CommandError::failed(format!("cannot write {}: {error}", path.display()));
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        let mut file = BufWriter::new(File::options().write(true).open(path).map_err(cannot)?);
        write(&mut file)?;
        return file.flush().map_err(cannot);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As a file of the user's own would be created; the umask still applies.
    let permissions = fs::Permissions::from_mode(0o666);
    let temporary = tempfile::Builder::new().permissions(permissions).tempfile_in(folder).map_err(cannot)?;
    let mut file = BufWriter::new(temporary);
    write(&mut file)?;
    let file = file.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    Ok(())
}
