//! `pipe archive`: old runs into few large files, and back.

use std::{
    io::Write as _,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use jiff::{Timestamp, tz::TimeZone};
use pipe_history::archive::{ArchiveError, Archived, Step};

use crate::{
    args::{ArchiveArgs, Global},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

/// Work from which on there is a progress bar.
const LONG: Duration = Duration::from_secs(1);

pub(super) fn run(args: &ArchiveArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let history = Place::find(global)?.history();
    let before = args.older_than.map(before).transpose()?;
    if args.dry_run
        && let Some(before) = before
    {
        let plan = history.archivable(before).map_err(CommandError::failed)?;
        return tell(&plan, "would fold", "into", ui);
    }

    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    // Stops between two steps, where the next call goes on.
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).map_err(CommandError::failed)?;
    let begun = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    let mut watch = |step: Step<'_>| {
        if let Step::Fold { file, number, of } = step {
            if bar.is_none() && begun.elapsed() > LONG {
                bar = Some(ui.progress(of as u64));
            }
            if let Some(bar) = &bar {
                bar.set_position(number as u64);
                bar.set_message(file.display().to_string());
            }
        }
        if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let done = match before {
        Some(before) => history.archive(before, &mut watch),
        None => history.restore(&mut watch),
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match done {
        Ok(done) if before.is_some() => tell(&done, "folded", "into", ui),
        Ok(done) => tell(&done, "unfolded", "from", ui),
        Err(error @ ArchiveError::Stopped) => {
            ui.warn(error);
            Ok(Exit::Interrupted)
        }
        Err(error) => Err(CommandError::failed(error)),
    }
}

/// The time that is `age` ago.
fn before(age: jiff::Span) -> Result<Timestamp, CommandError> {
    let now = TimeZone::UTC.to_datetime(Timestamp::now());
    let then = now.checked_sub(age).and_then(|then| TimeZone::UTC.to_timestamp(then));
    then.map_err(|error| CommandError::usage(format!("--older-than: {error}")))
}

fn tell(done: &Archived, verb: &str, way: &str, ui: &Ui) -> Result<Exit, CommandError> {
    let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    for left in &done.left {
        ui.warn(format_args!("left as it is: {}: {}", left.path.display(), left.reason));
    }
    let mut out = ui.out();
    writeln!(
        out,
        "{verb} {} ({}) {way} {}",
        count(done.runs, "run"),
        count(done.rows, "row"),
        count(done.archives, "archive")
    )?;
    out.flush()?;
    Ok(Exit::Done)
}
