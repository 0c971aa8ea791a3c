//! What the user sees: results on standard output, everything else on standard error, colour and quietness.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    args::{ColorWhen, Global},
    error::{CommandError, Exit},
};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const RESET: &str = "\x1b[0m";

/// Where messages go and how they look.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    quiet: bool,
    verbose: bool,
    color: ColorChoice,
}

impl Ui {
    pub(crate) fn new(global: &Global) -> Self {
        let color = match global.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        Self { quiet: global.quiet, verbose: global.verbose, color }
    }

    /// Standard output, for results. Escape codes are dropped where colour is off.
    pub(crate) fn out(&self) -> impl Write + use<> {
        io::BufWriter::new(AutoStream::new(io::stdout(), self.color))
    }

    /// Whether standard output takes colours.
    pub(crate) fn is_colored(&self) -> bool {
        AutoStream::new(io::stdout(), self.color).current_choice() != ColorChoice::Never
    }

    fn line(&self, style: &str, label: &str, message: &dyn Display) {
        let mut err = AutoStream::new(io::stderr(), self.color);
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(err, "{style}{label}{RESET}{}{message}", if label.is_empty() { "" } else { ": " });
    }

    /// A line about what was done. Not printed with `-q`.
    pub(crate) fn note(&self, message: impl Display) {
        if !self.quiet {
            self.line("", "", &message);
        }
    }

    /// A line that only `-v` prints.
    pub(crate) fn detail(&self, message: impl Display) {
        if self.verbose {
            self.line("", "", &message);
        }
    }

    /// What the user might do next. Not printed with `-q`.
    pub(crate) fn hint(&self, message: impl Display) {
        if !self.quiet {
            self.line(CYAN, "hint", &message);
        }
    }

    /// Something went wrong and the rest goes on.
    pub(crate) fn warn(&self, message: impl Display) {
        self.line(YELLOW, "warning", &message);
    }

    /// Prints an error with its causes and remedy, and says how the process should end.
    pub(crate) fn fail(&self, error: &CommandError) -> Exit {
        if !error.is_broken_pipe() {
            self.line(RED, "error", &error.message());
            if let Some(hint) = error.hint() {
                self.line(CYAN, "hint", &hint);
            }
        }
        error.exit()
    }

    /// A progress bar of `length` steps on standard error; hidden unless that is a terminal.
    pub(crate) fn progress(&self, length: u64) -> ProgressBar {
        let target =
            if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) };
        let style =
            ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} {elapsed} (eta {eta}) {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(length), target).with_style(style)
    }

    /// The width to fit tables into; `None` where standard output is no terminal.
    pub(crate) fn table_width(&self) -> Option<u16> {
        if !io::stdout().is_terminal() {
            return None;
        }
        comfy_table::Table::new().width()
    }

    /// Asks for a line on standard error; the answer is on standard input.
    pub(crate) fn ask(&self, question: impl Display) -> io::Result<()> {
        let mut err = AutoStream::new(io::stderr(), self.color);
        write!(err, "{CYAN}?{RESET} {question}")?;
        err.flush()
    }

    /// Whether somebody can be asked: standard input and standard error are a terminal.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether both ends of a conversation are a terminal.
    pub(crate) fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }
}
