//! A titled table of a dashboard: its columns, its rows, and what of a cell is good or bad news.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

/// Stands for a number that the history does not have.
pub(crate) const MISSING: &str = "–";

/// What a cell tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Warning,
}

/// The text of a cell and what it tells.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Text { text: text.into(), tone: Tone::Plain }
    }
}

impl Text {
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Text { text: text.into(), tone }
    }
}

/// A title, a table, and lines below it.
pub(crate) struct Section {
    pub(crate) title: String,
    /// A column whose name ends in `>` is one of numbers and is aligned to the right.
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<Text>>,
    pub(crate) notes: Vec<String>,
}

impl Section {
    /// The section as text, fitted to `width` where there is one.
    pub(crate) fn write(self, width: Option<u16>, styled: bool, out: &mut String) {
        let bold = |text: &str| if styled { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
        out.push('\n');
        out.push_str(&bold(&self.title));
        out.push('\n');
        if !self.rows.is_empty() {
            out.push_str(&self.table(width, styled));
            out.push('\n');
        }
        for note in &self.notes {
            out.push_str(&format!(" {note}\n"));
        }
    }

    fn table(&self, width: Option<u16>, styled: bool) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = width {
            table.set_width(width);
        }
        if styled {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        // A column that has nothing to say in any row is left out.
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|column| {
                self.rows.iter().any(|row| row.get(*column).is_some_and(|cell| cell.text != MISSING))
            })
            .collect();
        let right = |column: usize| self.columns[column].ends_with('>');
        table.set_header(shown.iter().map(|&column| {
            let cell = Cell::new(self.columns[column].trim_end_matches('>')).add_attribute(Attribute::Dim);
            if right(column) { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
        for row in &self.rows {
            table.add_row(shown.iter().filter_map(|&column| {
                let text = row.get(column)?;
                let mut cell = Cell::new(&text.text);
                if right(column) {
                    cell = cell.set_alignment(CellAlignment::Right);
                }
                Some(match text.tone {
                    Tone::Plain => cell,
                    Tone::Good => cell.fg(Color::Green),
                    Tone::Bad => cell.fg(Color::Red),
                    Tone::Warning => cell.fg(Color::Yellow),
                })
            }));
        }
        table.trim_fmt()
    }
}
