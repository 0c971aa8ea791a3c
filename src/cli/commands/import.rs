//! `pipe import`: results of other tools, file by file, into the history.

mod paths;
mod tally;

use std::{
    collections::BTreeSet,
    io::{self, Read as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use pipe_history::{History, WriteError};
use pipe_import::{ImportError, ImportedRun, MAX_BYTES, Options, Source};
use pipe_model::{Commit, RunId};

use self::{
    paths::{Input, expand},
    tally::{Tally, file_line},
};
use crate::{
    args::{Global, ImportArgs},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

/// Work from which on there is a progress bar.
const LONG: Duration = Duration::from_secs(1);

pub(super) fn run(args: ImportArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let commit = args.commit.as_deref().map(|commit| resolve(commit, &place)).transpose()?;
    let options = Options { commit, benchmark_type: args.benchmark_type };
    let history = place.history();
    if !args.dry_run {
        history.require_writable().map_err(CommandError::failed)?;
    }
    let recorded = recorded(&history)?;
    let (inputs, mut warnings) = expand(&args.paths, &global.directory)?;

    let mut importer =
        Importer { history, options, recorded, dry_run: args.dry_run, tally: Tally::default() };
    let mut bar = Bar { begun: Instant::now(), bar: None };
    let mut out = ui.out();
    for (index, input) in inputs.iter().enumerate() {
        bar.show(index, inputs.len(), input, ui);
        let line = importer.import(input, ui);
        bar.suspend(|| -> io::Result<()> {
            for warning in warnings.drain(..) {
                ui.warn(warning);
            }
            match line {
                Ok(Some(text)) => writeln!(out, "{text}")?,
                Ok(None) => {}
                Err(error) => return Err(error),
            }
            out.flush()
        })?;
    }
    warnings.iter().for_each(|warning| ui.warn(warning));
    bar.finish();
    writeln!(out, "{}", importer.tally.summary(args.dry_run))?;
    out.flush()?;
    Ok(importer.tally.exit())
}

/// The commit that `--commit` names. A full hash need not be in the repository: results outlive their commits.
fn resolve(text: &str, place: &Place) -> Result<Commit, CommandError> {
    if let Ok(commit) = text.parse() {
        return Ok(commit);
    }
    place.require_repository("--commit")?.resolve(text).map_err(CommandError::usage)
}

/// The runs that the history has.
fn recorded(history: &History) -> Result<BTreeSet<RunId>, CommandError> {
    let listing = history.files().map_err(CommandError::failed)?;
    Ok(listing.files.iter().map(|file| file.run_id).collect())
}

struct Importer {
    history: History,
    options: Options,
    recorded: BTreeSet<RunId>,
    dry_run: bool,
    tally: Tally,
}

impl Importer {
    /// Imports one file and answers what to say of it. What cannot be imported is said at once, and the rest goes on.
    fn import(&mut self, input: &Input, ui: &Ui) -> io::Result<Option<String>> {
        let read = source(input).and_then(|source| pipe_import::read(&source, &self.options));
        let imported = match read {
            Ok(imported) => imported,
            Err(error) if error.is_companion() => {
                self.tally.companions += 1;
                ui.detail(&error);
                return Ok(None);
            }
            // A folder may hold more than results.
            Err(error @ ImportError::Unknown { .. }) if input.is_found => {
                self.tally.unknown += 1;
                ui.warn(&error);
                return Ok(None);
            }
            Err(error) => {
                self.tally.failed += 1;
                ui.warn(format_args!("not imported: {error}"));
                return Ok(None);
            }
        };
        let mut known = 0;
        for run in &imported.runs {
            match self.record(run) {
                Ok(true) => self.tally.add(run),
                Ok(false) => known += 1,
                Err(error) => {
                    self.tally.failed += 1;
                    ui.warn(format_args!("not imported: {}: {error}", input.name()));
                    return Ok(None);
                }
            }
        }
        self.tally.known += known;
        self.tally.files += 1;
        self.tally.skipped += imported.skipped.len();
        for skipped in &imported.skipped {
            ui.detail(format_args!("left out {skipped}"));
        }
        Ok(Some(file_line(&input.name(), &imported, known, self.dry_run)))
    }

    /// Writes a run unless it is in the history; answers whether it was not.
    fn record(&mut self, imported: &ImportedRun) -> Result<bool, WriteError> {
        if !self.recorded.insert(imported.run.id) {
            return Ok(false);
        }
        if self.dry_run {
            return Ok(true);
        }
        match self.history.write_stated(&imported.run, &imported.stated) {
            Ok(_) => Ok(true),
            // Another import of the same file was faster.
            Err(WriteError::Exists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn source(input: &Input) -> Result<Source, ImportError> {
    let Some(path) = &input.path else {
        let name = Path::new("standard input");
        let mut bytes = Vec::new();
        let limit = MAX_BYTES as u64 + 1;
        io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|source| ImportError::Io { path: name.to_owned(), source })?;
        if bytes.len() > MAX_BYTES {
            let what = "more bytes than are read".to_owned();
            return Err(ImportError::Limit { path: name.to_owned(), what, limit: MAX_BYTES });
        }
        return Ok(Source::of_bytes(name, bytes));
    };
    Source::open(path)
}

/// A progress bar that appears when the work turns out to be long.
struct Bar {
    begun: Instant,
    bar: Option<ProgressBar>,
}

impl Bar {
    fn show(&mut self, index: usize, count: usize, input: &Input, ui: &Ui) {
        if self.bar.is_none() && self.begun.elapsed() > LONG && count > 1 {
            self.bar = Some(ui.progress(count as u64));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(index as u64);
            bar.set_message(input.name());
        }
    }

    fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
