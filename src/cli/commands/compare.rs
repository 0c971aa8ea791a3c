//! `pipe compare`: two sides, case by case.

use std::io::Write;

use pipe_query::{Format, Layout, write};

use super::query::{query_error, warn_of_skipped};
use crate::{
    args::{CompareArgs, CompareFormat, FilterArgs, Global},
    comparison::{Comparison, Filter, Resolver, Side, params, write_markdown, write_table},
    config::Config,
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: CompareArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let config = Config::load(place.root(), None)?;
    let mut resolver = Resolver::new(&place, place.baselines(&config));
    let base = resolver.side(&args.base)?;
    let new = match &args.new {
        Some(new) => resolver.side(new)?,
        None => resolver.work_tree()?,
    };
    let session = resolver.session()?;
    let filter = Filter { threshold: args.threshold, ..Filter::from(&args.filter) };

    let comparison = Comparison::of(&session, base, new, &filter)?;
    if let Some(side) = comparison.unmeasured() {
        return Err(unmeasured(side));
    }
    let format = match args.format {
        CompareFormat::Table | CompareFormat::Markdown => None,
        CompareFormat::Csv => Some(Format::Csv),
        CompareFormat::Json => Some(Format::Json),
    };
    let print = |out: &mut dyn Write, width: Option<u16>| match (format, args.format) {
        (Some(format), _) => {
            let answer = session.named("compare", &params(&comparison.base, &comparison.new, &filter));
            let answer = answer.map_err(query_error)?;
            write(answer, format, &Layout::default(), out).map_err(query_error)
        }
        (None, CompareFormat::Markdown) => Ok(write_markdown(&comparison, args.all, out)?),
        (None, _) => Ok(write_table(&comparison, args.all, width, out)?),
    };
    super::print_or_write(args.output.as_deref(), ui, print)?;
    warn_of_skipped(&session, 0, ui);
    Ok(Exit::Done)
}

/// A side without any result that the filters leave.
fn unmeasured(side: &Side) -> CommandError {
    let error = CommandError::usage(format!("the history has no result of {} for these cases", side.label()));
    match &side.run {
        Some(_) => error,
        None => error.with_hint(format_args!("`pipe bench --rev {}` measures it", side.commit.short())),
    }
}

impl From<&FilterArgs> for Filter {
    fn from(args: &FilterArgs) -> Self {
        Filter {
            benchmark_type: args.benchmark_type.as_ref().map(ToString::to_string),
            device: args.device.clone(),
            implementation: args.implementation.clone(),
            metric: args.metric.clone(),
            config: args.case.clone(),
            threshold: None,
        }
    }
}
