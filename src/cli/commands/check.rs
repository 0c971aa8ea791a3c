//! `pipe check`: the gate. Compares what is checked out with its base and ends as the gate decides.

mod base;
mod github;
mod json;
mod junit;
mod markdown;
mod table;
mod words;

use std::io::Write;

use pipe_history::Acceptance;

use super::query::warn_of_skipped;
use crate::{
    args::{CheckArgs, CheckFormat, Global},
    comparison::{Comparison, Filter, Resolver},
    config::Config,
    error::{CommandError, Exit},
    gate,
    place::Place,
    ui::Ui,
};

/// What one check compares, before anything is judged.
pub(super) struct Checked {
    pub(super) comparison: Comparison,
    pub(super) accepted: Vec<Acceptance>,
}

pub(super) fn run(args: CheckArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let config = Config::load(place.root(), args.config.as_deref())?;
    let filter = Filter::from(&args.filter);
    let checked = compare(&place, &config, args.baseline.as_deref(), args.new.as_deref(), &filter, ui)?;
    let outcome = gate::judge(&checked.comparison, &config.check, &checked.accepted);

    let print = |out: &mut dyn Write, width: Option<u16>| -> Result<(), CommandError> {
        let comparison = &checked.comparison;
        match args.format {
            CheckFormat::Table => table::write(comparison, &outcome, width, out)?,
            CheckFormat::Markdown => markdown::write(comparison, &outcome, out)?,
            CheckFormat::Github => github::write(comparison, &outcome, place.root(), out)?,
            CheckFormat::Junit => junit::write(&outcome, out)?,
            CheckFormat::Json => json::write(comparison, &outcome, out)?,
        }
        Ok(())
    };
    super::print_or_write(args.output.as_deref(), ui, print)?;
    if let Some(side) = checked.comparison.unmeasured() {
        ui.warn(format_args!("the history has no result of {} for these cases", side.label()));
        ui.hint(format_args!("`pipe bench --rev {}` measures it", side.commit.short()));
    } else if outcome.exit == Exit::Slower {
        ui.hint(
            "`pipe baseline accept --reason …` accepts the changes; `pipe bisect` finds the commit of one",
        );
    }
    Ok(outcome.exit)
}

/// Compares what is checked with its base, and reads what was accepted.
pub(super) fn compare(
    place: &Place,
    config: &Config,
    baseline: Option<&str>,
    new: Option<&str>,
    filter: &Filter,
    ui: &Ui,
) -> Result<Checked, CommandError> {
    let baselines = place.baselines(config);
    let accepted = baselines.accepted().map_err(CommandError::failed)?;
    let mut resolver = Resolver::new(place, baselines);
    let new = match new {
        Some(new) => resolver.side(new)?,
        None => resolver.work_tree()?,
    };
    let base = match baseline.or(config.check.baseline.as_deref()) {
        Some(baseline) => resolver.side(baseline)?,
        None => base::of(place, config, &new)?,
    };
    let session = resolver.session()?;
    let comparison = Comparison::of(&session, base, new, filter)?;
    warn_of_skipped(&session, 0, ui);
    Ok(Checked { comparison, accepted })
}
