//! `pipe dashboard`: the state of the history on one screen, once or until the user has seen enough.

use std::{
    io::{self, BufWriter, Write},
    thread,
    time::Duration,
};

use crossterm::{
    cursor, event,
    event::{Event, KeyCode, KeyModifiers},
    execute, terminal,
};
use pipe_dashboard::{Dashboard, DashboardError, Look, Scope};
use pipe_query::Session;

use super::query::{open, warn_of_skipped};
use crate::{
    args::{DashboardArgs, Global},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: &DashboardArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let session = open(&place, false)?;
    let scope = Scope {
        benchmark_type: args.benchmark_type.as_ref().map(ToString::to_string),
        device: args.device.clone(),
        commits: args.commits,
        rows: args.rows,
    };
    let interval = Duration::from_secs(args.interval);
    match args.watch {
        false => {
            let text = text(&session, &scope, look(ui, ui.table_width()))?;
            let mut out = ui.out();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
        true if ui.is_interactive() => watch_on_screen(&session, &scope, interval, ui)?,
        true => watch(&session, &scope, interval, ui)?,
    }
    warn_of_skipped(&session, 0, ui);
    Ok(Exit::Done)
}

fn look(ui: &Ui, width: Option<u16>) -> Look {
    Look { width, styled: ui.is_colored() }
}

fn text(session: &Session, scope: &Scope, look: Look) -> Result<String, CommandError> {
    let dashboard = Dashboard::read(session, scope).map_err(failed)?;
    Ok(dashboard.render(&look))
}

fn failed(error: DashboardError) -> CommandError {
    CommandError::failed(error)
}

/// Into a pipe or a file: again whenever something changed, until the reader leaves.
fn watch(session: &Session, scope: &Scope, interval: Duration, ui: &Ui) -> Result<(), CommandError> {
    let mut shown = String::new();
    loop {
        let text = text(session, scope, look(ui, None))?;
        if text != shown {
            let mut out = ui.out();
            let blank = if shown.is_empty() { "" } else { "\n" };
            write!(out, "{blank}{text}")?;
            out.flush()?;
            shown = text;
        }
        thread::sleep(interval);
    }
}

/// On a terminal: in place, until q, Escape or an interrupt.
fn watch_on_screen(
    session: &Session,
    scope: &Scope,
    interval: Duration,
    ui: &Ui,
) -> Result<(), CommandError> {
    let _screen = Screen::take()?;
    loop {
        let (width, height) = terminal::size()?;
        let text = text(session, scope, look(ui, Some(width)))?;
        // Cursor movements are no colours, so they go out in any case.
        let mut out = BufWriter::new(io::stdout());
        // Written over what was there, so that nothing flickers; whatever is longer is cut off at the last line.
        write!(out, "{}", cursor::MoveTo(0, 0))?;
        for (row, line) in text.lines().take(usize::from(height)).enumerate() {
            let end = if row + 1 == usize::from(height) { "" } else { "\r\n" };
            write!(out, "{line}{}{end}", terminal::Clear(terminal::ClearType::UntilNewLine))?;
        }
        write!(out, "{}", terminal::Clear(terminal::ClearType::FromCursorDown))?;
        out.flush()?;
        if leaves(interval)? {
            return Ok(());
        }
    }
}

/// Waits, and says whether the user wants to leave. A resized terminal ends the wait.
fn leaves(interval: Duration) -> io::Result<bool> {
    if !event::poll(interval)? {
        return Ok(false);
    }
    Ok(match event::read()? {
        Event::Key(key) => {
            let interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
            interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
        }
        _ => false,
    })
}

/// The terminal's other screen, with keys read one by one. What was there comes back when it is dropped.
struct Screen;

impl Screen {
    fn take() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        // From here on dropping it undoes everything.
        let screen = Self;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to tell when the terminal is gone.
        let _ = execute!(io::stdout(), cursor::Show, terminal::LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}
