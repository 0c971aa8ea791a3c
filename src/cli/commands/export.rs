//! `pipe export`: measurements in the formats of other tools.

mod case;
mod google;
mod legacy;

use std::{
    io::{self, Write},
    path::Path,
};

use pipe_model::Commit;
use pipe_query::{Answer, Format, Layout, Params, Session, write};
use serde_json::{Map, Value};

use super::query::{open, query_error, warn_of_skipped};
use crate::{
    args::{ExportArgs, ExportFormat, Global},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

/// A row of the table `measurements`.
type Row = Map<String, Value>;

pub(super) fn run(args: ExportArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let session = open(&place, args.strict)?;
    let sql = selection(&args, &place)?;
    let format = args.format.or_else(|| format_of(args.output.as_deref()?)).unwrap_or(ExportFormat::Csv);
    let output = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    let empty = || {
        CommandError::failed("no measurement of the history is selected")
            .with_hint("`pipe query runs` shows what there is")
    };

    let plain = match format {
        ExportFormat::Csv => Some(Format::Csv),
        ExportFormat::Json => Some(Format::Json),
        ExportFormat::Ndjson => Some(Format::Ndjson),
        ExportFormat::Parquet => Some(Format::Parquet),
        ExportFormat::GoogleBenchmark | ExportFormat::Legacy => None,
    };
    if let Some(format) = plain {
        let answer = ask(&session, &sql)?;
        put(output, ui, |out| write(answer, format, &Layout::default(), out).map_err(query_error))?;
    } else {
        let rows = ask(&session, &sql)?.rows().map_err(query_error)?;
        if rows.is_empty() {
            return Err(empty());
        }
        if format == ExportFormat::GoogleBenchmark {
            let (document, left_out) = google::document(&rows);
            put(output, ui, |out| write_json(&document, out))?;
            if left_out > 0 {
                ui.note(format_args!("{left_out} measurements of earlier runs of the same cases are left out; select one commit with --commit"));
            }
        } else {
            let folder = output.ok_or_else(|| {
                CommandError::usage("the format legacy is a folder of files")
                    .with_hint("name the folder with -o DIR")
            })?;
            write_folder(&legacy::files(&rows), folder, ui)?;
        }
    }
    warn_of_skipped(&session, 0, ui);
    Ok(Exit::Done)
}

/// The statement that selects what the arguments ask for, runs in the order in which they began.
fn selection(args: &ExportArgs, place: &Place) -> Result<String, CommandError> {
    let commits = args.commit.iter().map(|text| resolve(text, place)).collect::<Result<Vec<_>, _>>()?;
    let parts = [
        ("type", args.types.iter().map(ToString::to_string).collect()),
        ("implementation", args.implementation.clone()),
        ("commit", commits.iter().map(ToString::to_string).collect::<Vec<_>>()),
        ("metric", args.metric.clone()),
    ];
    let quoted = |value: &String| format!("'{}'", value.replace('\'', "''"));
    let conditions: Vec<String> = parts
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(column, values)| {
            format!("{column} IN ({})", values.iter().map(quoted).collect::<Vec<_>>().join(", "))
        })
        .collect();
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    Ok(format!(
        "SELECT * FROM measurements{filter} ORDER BY recorded_at, run_id, type, metric, implementation, config"
    ))
}

fn resolve(text: &str, place: &Place) -> Result<Commit, CommandError> {
    match text.parse() {
        Ok(commit) => Ok(commit),
        Err(_) => place.require_repository("--commit")?.resolve(text).map_err(CommandError::usage),
    }
}

fn ask(session: &Session, sql: &str) -> Result<Answer, CommandError> {
    session.sql(sql, &Params::new()).map_err(query_error)
}

/// Writes to a file, whole or not at all, or to standard output.
fn put(
    output: Option<&Path>,
    ui: &Ui,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    match output {
        Some(path) => {
            super::replace_file(path, fill)?;
            ui.note(format_args!("wrote {}", path.display()));
        }
        None => {
            // Parquet is no text, so no escape code is looked for.
            let mut out = io::BufWriter::new(io::stdout().lock());
            fill(&mut out)?;
            out.flush()?;
        }
    }
    Ok(())
}

fn write_json(document: &Value, out: &mut dyn Write) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(document).map_err(CommandError::failed)?;
    Ok(writeln!(out, "{text}")?)
}

fn write_folder(files: &[legacy::File], folder: &Path, ui: &Ui) -> Result<(), CommandError> {
    for file in files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .map_err(|error| CommandError::failed(format!("cannot make {}: {error}", parent.display())))?;
        super::replace_file(&path, |out| write_json(&file.document, out))?;
    }
    ui.note(format_args!("wrote {} files below {}", files.len(), folder.display()));
    Ok(())
}

/// The format a file's ending asks for.
fn format_of(path: &Path) -> Option<ExportFormat> {
    match path.extension()?.to_str()? {
        "csv" => Some(ExportFormat::Csv),
        "json" => Some(ExportFormat::Json),
        "ndjson" | "jsonl" => Some(ExportFormat::Ndjson),
        "parquet" => Some(ExportFormat::Parquet),
        _ => None,
    }
}
