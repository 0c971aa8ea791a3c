//! `pipe query`: a named query, SQL text, or an interactive prompt.

mod prompt;

use std::{
    io::{self, Write as _},
    path::Path,
};

use pipe_query::{Answer, Error, Format, Layout, Params, Session, SessionOptions, write};

use crate::{
    args::{FormatArg, Global, QueryArgs},
    config::Config,
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: QueryArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let session = open(&place, args.strict)?;
    if args.list {
        return list(&session, ui);
    }
    if args.functions {
        return functions(&session, ui);
    }
    let Some(query) = args.query else {
        if ui.is_interactive() {
            return prompt::run(&session, ui);
        }
        return Err(CommandError::usage("no query given").with_hint(
            "name a query (`pipe query --list` lists them), give SQL text, or `-` to read SQL from standard input",
        ));
    };
    let query = if query == "-" { io::read_to_string(io::stdin().lock())? } else { query };
    let mut params = Params::new();
    for (name, value) in &args.params {
        params.set_argument(&format!("{name}={value}")).map_err(query_error)?;
    }
    let answer = ask(&session, &query, &params)?;
    let format = args.format.map(Format::from).or_else(|| format_of(args.output.as_deref()?));
    let format = format.unwrap_or(Format::Table);
    match &args.output {
        Some(path) => write_file(answer, format, path)?,
        None => print(answer, format, ui)?,
    }
    warn_of_skipped(&session, 0, ui);
    Ok(Exit::Done)
}

/// The session every command that reads the history works with.
pub(super) fn open(place: &Place, strict: bool) -> Result<Session, CommandError> {
    let baselines = place.baselines(&Config::load(place.root(), None)?);
    let options = SessionOptions { strict, baselines: Some(baselines), ..place.session_options() };
    Session::open(&place.history(), options).map_err(query_error)
}

/// Tells of the files of the history that were skipped, from the `seen`th on; returns how many there are now.
pub(super) fn warn_of_skipped(session: &Session, seen: usize, ui: &Ui) -> usize {
    let warnings = session.warnings();
    for warning in warnings.iter().skip(seen) {
        ui.warn(warning);
    }
    warnings.len()
}

/// Names the remedy that belongs to an error of the query layer.
pub(crate) fn query_error(error: Error) -> CommandError {
    match error {
        Error::UnknownQuery { .. } => {
            CommandError::usage(error).with_hint("`pipe query --list` lists the named queries")
        }
        Error::Sql(_) => CommandError::usage(error).with_hint(
            "the tables are measurements, timings, latest_times, series, points, samples, runs, commits and accepted_changes; `pipe query \"describe measurements\"` shows columns",
        ),
        Error::ReadOnly { .. }
        | Error::StatementCount { .. }
        | Error::UnknownParameter { .. }
        | Error::MissingParameter { .. }
        | Error::ParameterType { .. }
        | Error::Argument { .. }
        | Error::QueryFile { .. } => CommandError::usage(error),
        Error::File(_) => CommandError::failed(error).with_hint("without --strict the file is skipped with a warning"),
        other => CommandError::failed(other),
    }
}

/// Runs a query's name or SQL text.
fn ask(session: &Session, query: &str, params: &Params) -> Result<Answer, CommandError> {
    // No SQL statement that answers anything is a single word.
    let is_name = query.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let answer = if is_name { session.named(query, params) } else { session.sql(query, params) };
    answer.map_err(query_error)
}

fn print(answer: Answer, format: Format, ui: &Ui) -> Result<(), CommandError> {
    let layout = Layout { width: ui.table_width(), max_rows: None };
    let mut out = ui.out();
    write(answer, format, &layout, &mut out).map_err(query_error)?;
    Ok(out.flush()?)
}

/// Writes beside `path` first, so that a failure leaves what was there.
fn write_file(answer: Answer, format: Format, path: &Path) -> Result<(), CommandError> {
    super::replace_file(path, |file| write(answer, format, &Layout::default(), file).map_err(query_error))
}

fn list(session: &Session, ui: &Ui) -> Result<Exit, CommandError> {
    let mut out = ui.out();
    for query in session.queries().map_err(query_error)? {
        writeln!(out, "{}\n    {}", query.name, query.description)?;
        for parameter in &query.parameters {
            writeln!(out, "    --param {}=…  {}", parameter.name, parameter.description)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn functions(session: &Session, ui: &Ui) -> Result<Exit, CommandError> {
    let mut out = ui.out();
    for function in session.functions() {
        writeln!(out, "{}\n    {}\n    {}", function.usage, function.meaning, function.example)?;
        if let Some(answer) = function.answer {
            writeln!(out, "        {answer}")?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The format a file's ending asks for.
fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "parquet" => Some(Format::Parquet),
        "md" => Some(Format::Markdown),
        _ => None,
    }
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Table => Format::Table,
            FormatArg::Csv => Format::Csv,
            FormatArg::Json => Format::Json,
            FormatArg::Ndjson => Format::Ndjson,
            FormatArg::Parquet => Format::Parquet,
            FormatArg::Markdown => Format::Markdown,
        }
    }
}
