//! `pipe baseline`: names for commits to compare with, and changes that are right.

use std::io::Write as _;

use jiff::Timestamp;
use pipe_history::{Acceptance, AcceptedChange, Baseline, BaselineError};

use crate::{
    args::{BaselineArgs, BaselineCommand, Global},
    comparison::{Filter, Resolver},
    config::Config,
    error::{CommandError, Exit},
    gate::{self, Kind},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: BaselineArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let config = Config::load(place.root(), None)?;
    match args.command {
        BaselineCommand::Set { name, rev } => set(&place, &config, name, &rev, ui),
        BaselineCommand::List => list(&place, &config, ui),
        BaselineCommand::Remove { name } => {
            place.baselines(&config).remove(&name).map_err(baseline_error)?;
            ui.note(format_args!("removed baseline {name}"));
            Ok(Exit::Done)
        }
        BaselineCommand::Accept { reason, baseline, filter } => {
            accept(&place, &config, reason, baseline.as_deref(), &Filter::from(&filter), ui)
        }
    }
}

fn set(place: &Place, config: &Config, name: String, rev: &str, ui: &Ui) -> Result<Exit, CommandError> {
    let baselines = place.baselines(config);
    let commit = Resolver::new(place, baselines.clone()).side(rev)?.commit;
    let files = place.history().files().map_err(CommandError::failed)?.files;
    if !files.iter().any(|file| file.commit == commit) {
        return Err(CommandError::usage(format!("the history has no result of {}", commit.short()))
            .with_hint(format_args!("`pipe bench --rev {rev}` measures it")));
    }
    let baseline = Baseline { name, commit, set_at: now() };
    let path = baselines.set(&baseline).map_err(baseline_error)?;
    ui.note(format_args!(
        "baseline {} is {}, in {}",
        baseline.name,
        baseline.commit.short(),
        super::shown(&path).display()
    ));
    Ok(Exit::Done)
}

fn list(place: &Place, config: &Config, ui: &Ui) -> Result<Exit, CommandError> {
    let baselines = place.baselines(config);
    let mut out = ui.out();
    for baseline in baselines.list().map_err(baseline_error)? {
        let subject = match place.repository() {
            Some(repository) => repository.info(&baseline.commit).map_err(CommandError::failed)?,
            None => None,
        };
        let subject = subject.map(|info| info.subject).unwrap_or_default();
        writeln!(out, "{:<20}{:<12}{subject}", baseline.name, baseline.commit.short())?;
    }
    for acceptance in baselines.accepted().map_err(baseline_error)? {
        let commit = acceptance.commit.get(..10).unwrap_or(&acceptance.commit);
        let changes = acceptance.changes.len();
        let plural = if changes == 1 { "" } else { "s" };
        writeln!(out, "accepted            {commit:<12}{changes} change{plural}: {}", acceptance.reason)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Accepts every regression that the gate complains of.
fn accept(
    place: &Place,
    config: &Config,
    reason: String,
    baseline: Option<&str>,
    filter: &Filter,
    ui: &Ui,
) -> Result<Exit, CommandError> {
    if reason.trim().is_empty() {
        return Err(CommandError::usage("--reason is empty; say why the changes are right"));
    }
    let checked = super::check::compare(place, config, baseline, None, filter, ui)?;
    let outcome = gate::judge(&checked.comparison, &config.check, &checked.accepted);
    let changes: Vec<AcceptedChange> = outcome
        .findings
        .iter()
        .filter(|finding| finding.alone == Kind::Slower)
        .filter_map(|finding| {
            let metric = finding.row.metric.as_ref()?;
            Some(AcceptedChange {
                benchmark_type: finding.row.benchmark_type.clone(),
                device: finding.row.device.clone(),
                implementation: finding.row.implementation.clone(),
                config: finding.row.config.clone(),
                metric: metric.name.clone(),
                base: metric.base,
                value: metric.new,
            })
        })
        .collect();
    if changes.is_empty() {
        ui.note("nothing is slower, so there is nothing to accept");
        return Ok(Exit::Done);
    }
    let count = changes.len();
    let acceptance = Acceptance {
        reason,
        accepted_at: now(),
        base: checked.comparison.base.commit.to_string(),
        commit: checked.comparison.new.commit.to_string(),
        changes,
    };
    let path = place.baselines(config).accept(&acceptance).map_err(baseline_error)?;
    let plural = if count == 1 { "" } else { "s" };
    ui.note(format_args!("accepted {count} change{plural}, in {}", super::shown(&path).display()));
    Ok(Exit::Done)
}

fn now() -> String {
    Timestamp::now().to_string()
}

fn baseline_error(error: BaselineError) -> CommandError {
    match error {
        BaselineError::Name { .. } | BaselineError::Unknown { .. } => CommandError::usage(error),
        BaselineError::Io { .. } | BaselineError::Content { .. } => CommandError::failed(error),
    }
}
