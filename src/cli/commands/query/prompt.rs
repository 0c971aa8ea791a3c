//! The interactive prompt of `pipe query`: SQL that ends with `;`, named queries, and `\` commands.

use std::{borrow::Cow, env, io::Write as _, path::PathBuf};

use pipe_query::{Format, Params, Session};
use reedline::{
    DefaultCompleter, FileBackedHistory, Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal,
    ValidationResult, Validator,
};

use super::{ask, print, query_error, warn_of_skipped};
use crate::{
    error::{CommandError, Exit},
    ui::Ui,
};

/// Lines that the prompt remembers between sessions.
const REMEMBERED_LINES: usize = 10_000;

const HELP: &str = r"SQL ends with `;` and may span lines. A single word is a named query.
  \d            tables
  \d TABLE      columns of a table
  \l            named queries
  \f FORMAT     output format: table, csv, json, ndjson, markdown
  \?            this help
  \q            quit (Ctrl-D too)
";

/// Reads and answers until the user leaves.
pub(super) fn run(session: &Session, ui: &Ui) -> Result<Exit, CommandError> {
    let mut editor = editor(session, ui)?;
    let mut format = Format::Table;
    let mut warned = 0;
    ui.note(r"pipe query: SQL over the history. \? helps, \q quits.");
    loop {
        match editor.read_line(&SqlPrompt)? {
            Signal::Success(text) => {
                let text = text.trim();
                let result = match text.strip_prefix('\\') {
                    _ if text.is_empty() => continue,
                    Some("q" | "quit") => return Ok(Exit::Done),
                    Some(command) => run_command(command, session, &mut format, ui),
                    None => ask(session, text.trim_end_matches([';', ' ', '\n']), &Params::new())
                        .and_then(|answer| print(answer, format, ui)),
                };
                warned = warn_of_skipped(session, warned, ui);
                // A wrong statement is no reason to leave.
                if let Err(error) = result {
                    ui.fail(&error);
                }
            }
            Signal::CtrlC => {}
            _ => return Ok(Exit::Done),
        }
    }
}

fn run_command(command: &str, session: &Session, format: &mut Format, ui: &Ui) -> Result<(), CommandError> {
    let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let argument = argument.trim().trim_end_matches(';');
    let mut out = ui.out();
    match (name, argument) {
        ("?" | "h" | "help", _) => write!(out, "{HELP}")?,
        ("d", "") => {
            for table in session.describe().map_err(query_error)? {
                writeln!(out, "{:<14}{}", table.name, table.row)?;
            }
        }
        ("d", table) => {
            let tables = session.describe().map_err(query_error)?;
            let found = tables.iter().find(|candidate| candidate.name == table).ok_or_else(|| {
                CommandError::usage(format!("there is no table '{table}'")).with_hint(r"\d lists the tables")
            })?;
            for column in &found.columns {
                writeln!(out, "{:<18}{:<34}{}", column.name, column.data_type, column.meaning)?;
            }
        }
        ("l", _) => {
            drop(out);
            return super::list(session, ui).map(|_| ());
        }
        ("f", wanted) => *format = wanted.parse().map_err(|error: String| CommandError::usage(error))?,
        _ => {
            return Err(
                CommandError::usage(format!(r"\{name} is no command")).with_hint(r"\? lists the commands")
            );
        }
    }
    Ok(out.flush()?)
}

fn editor(session: &Session, ui: &Ui) -> Result<Reedline, CommandError> {
    let tables = session.describe().map_err(query_error)?;
    let words = tables
        .iter()
        .flat_map(|table| {
            std::iter::once(table.name.to_string())
                .chain(table.columns.iter().map(|column| column.name.to_string()))
        })
        .chain(session.queries().map_err(query_error)?.iter().map(|query| query.name.clone()))
        .chain(["select", "from", "where", "group by", "order by", "limit", "join"].map(str::to_owned));
    let completer = DefaultCompleter::new_with_wordlen(words.collect(), 2);
    let editor = Reedline::create()
        .with_validator(Box::new(Statement))
        .with_completer(Box::new(completer))
        .with_quick_completions(true);
    let Some(path) = history_file() else { return Ok(editor) };
    match FileBackedHistory::with_file(REMEMBERED_LINES, path.clone()) {
        Ok(history) => Ok(editor.with_history(Box::new(history))),
        Err(error) => {
            ui.warn(format_args!("{}: {error}; this session's lines will not be remembered", path.display()));
            Ok(editor)
        }
    }
}

/// `$XDG_STATE_HOME/pipe/query-history`, by default below `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")))?;
    Some(state.join("pipe").join("query-history"))
}

/// Says when what was typed is a whole statement.
struct Statement;

impl Validator for Statement {
    fn validate(&self, text: &str) -> ValidationResult {
        let text = text.trim();
        if text.ends_with(';') || text.starts_with('\\') || !text.contains(char::is_whitespace) {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

struct SqlPrompt;

impl Prompt for SqlPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed("pipe")
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("   … ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}
