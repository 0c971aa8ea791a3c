//! Answers as text and files: for people (table, markdown) and for programs (csv, json, ndjson, parquet).
//!
//! csv, json and ndjson are written as the answer is computed; table and markdown need all rows to set column widths;
//! parquet goes out whole at the end.

mod cells;
mod csv;
mod json;
mod markdown;
mod parquet;
mod table;

use std::io::{self, Write};

use pipe_model::near;

use crate::{Answer, Error};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A drawn table that fits a terminal.
    Table,
    /// RFC 4180 with a header line; NULL is an empty field, lists and maps are JSON.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// A Parquet file, zstd-compressed.
    Parquet,
    /// A GitHub table.
    Markdown,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 6] =
        [Format::Table, Format::Csv, Format::Json, Format::Ndjson, Format::Parquet, Format::Markdown];

    /// The name a user gives.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
            Format::Markdown => "markdown",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Format::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let names = Format::ALL.map(Format::as_str);
            let near = near(text, names);
            let meant = near.first().map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
            format!("'{text}' is not a format; expected {}{meant}", names.join(", "))
        })
    }
}

/// What a table drawn for people looks like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout {
    /// Columns of the terminal; a table that is not shown on one is as wide as it needs.
    pub width: Option<u16>,
    /// Most rows to draw; a line below says how many there are. All where it is `None`.
    pub max_rows: Option<usize>,
}

/// Writes an answer, computing it on the way.
///
/// # Errors
/// [`Error::Output`] where `out` fails, with the kind it failed with, so that a broken pipe can be told apart;
/// otherwise what computing the answer met.
pub fn write(answer: Answer, format: Format, layout: &Layout, out: &mut dyn Write) -> Result<(), Error> {
    let mut sink = Sink { out, error: None };
    let written = match format {
        Format::Table => table::write(answer, layout, &mut sink),
        Format::Csv => csv::write(answer, &mut sink),
        Format::Json => json::write(answer, &mut sink),
        Format::Ndjson => json::write_lines(answer, &mut sink),
        Format::Parquet => parquet::write(answer, &mut sink),
        Format::Markdown => markdown::write(answer, &mut sink),
    };
    let written = written.and_then(|()| sink.flush().map_err(Error::Output));
    // Writers of other libraries wrap the output's error beyond recognition; the sink still has it.
    match sink.error {
        Some(error) => Err(Error::Output(error)),
        None => written,
    }
}

/// The output, remembering what it failed with.
struct Sink<'a> {
    out: &'a mut dyn Write,
    error: Option<io::Error>,
}

impl Sink<'_> {
    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let copy = io::Error::new(error.kind(), error.to_string());
            if error.kind() != io::ErrorKind::Interrupted {
                self.error.get_or_insert(error);
            }
            copy
        })
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.out.write(bytes);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.remember(result)
    }
}

/// A value that a format cannot hold.
fn unwritable(format: Format, error: impl std::fmt::Display) -> Error {
    Error::Format { format: format.as_str(), message: error.to_string() }
}
