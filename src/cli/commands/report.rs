//! `pipe report`: renders a report from the history as markdown.

use std::{io::Write as _, path::Path, sync::Arc};

use jiff::Timestamp;
use pipe_report::{Params, ReportError, Reports};

use super::query::{open, warn_of_skipped};
use crate::{
    args::{Global, ReportArgs},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: ReportArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let session = Arc::new(open(&place, args.strict)?);
    let reports =
        Reports::new(session.clone(), place.overlay("reports").as_deref()).map_err(CommandError::failed)?;
    if args.list {
        return list(&reports, ui);
    }
    let mut params: Params = args.params.into_iter().collect();
    let takes_now = |report: &pipe_report::ReportInfo| report.parameters.iter().any(|p| p.name == "now");
    if reports.list().iter().any(|report| report.name == args.name && takes_now(report)) {
        params.entry("now".to_owned()).or_insert_with(|| Timestamp::now().to_string());
    }
    // Every query of the report sees the same history.
    let held = session.hold();
    match args.output.as_deref().filter(|path| path.as_os_str() != "-") {
        Some(path) => write_with_charts(&reports, &args.name, &params, path, ui)?,
        None => {
            let text = reports.render(&args.name, &params).map_err(report_error)?;
            let mut out = ui.out();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
    }
    drop(held);
    warn_of_skipped(&session, 0, ui);
    Ok(Exit::Done)
}

/// Writes the report, and beside it the charts that it links. Where there is no beside, a pipe for instance, it has none.
fn write_with_charts(
    reports: &Reports,
    name: &str,
    params: &Params,
    path: &Path,
    ui: &Ui,
) -> Result<(), CommandError> {
    let write =
        |path: &Path, text: &str| super::replace_file(path, |file| Ok(file.write_all(text.as_bytes())?));
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let (text, charts) = match stem.filter(|_| path.metadata().map_or(true, |metadata| metadata.is_file())) {
        Some(stem) => reports.render_with_charts(name, params, stem).map_err(report_error)?,
        None => (reports.render(name, params).map_err(report_error)?, Vec::new()),
    };
    for chart in &charts {
        write(&path.with_file_name(&chart.file), &chart.svg)?;
    }
    write(path, &text)?;
    let beside = match charts.len() {
        0 => String::new(),
        1 => " and 1 chart beside it".to_owned(),
        many => format!(" and {many} charts beside it"),
    };
    ui.note(format_args!("wrote {}{beside}", path.display()));
    Ok(())
}

fn report_error(error: ReportError) -> CommandError {
    match error {
        ReportError::Unknown { .. } => {
            CommandError::usage(error).with_hint("`pipe report --list` lists the reports")
        }
        ReportError::UnknownParameter { .. } => CommandError::usage(error),
        other => CommandError::failed(other),
    }
}

fn list(reports: &Reports, ui: &Ui) -> Result<Exit, CommandError> {
    let mut out = ui.out();
    for report in reports.list() {
        writeln!(out, "{}\n    {}", report.name, report.description)?;
        for parameter in &report.parameters {
            let value = parameter.default.as_deref().unwrap_or("…");
            writeln!(out, "    --param {}={value}  {}", parameter.name, parameter.description)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
