//! `pipe report`: renders a report from the history as markdown.

use std::{io::Write as _, sync::Arc};

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
    let text = reports.render(&args.name, &params).map_err(report_error)?;
    match &args.output {
        Some(path) if path.as_os_str() != "-" => {
            super::replace_file(path, |file| Ok(file.write_all(text.as_bytes())?))?;
            ui.note(format_args!("wrote {}", path.display()));
        }
        _ => {
            let mut out = ui.out();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
    }
    warn_of_skipped(&session, 0, ui);
    Ok(Exit::Done)
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
