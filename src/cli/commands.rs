//! One file a subcommand, and the dispatch to them.

mod archive;
mod bench;
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
