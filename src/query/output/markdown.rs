//! An answer as a table of GitHub's markdown, its columns padded so that it reads as plain text, too.

use std::io::Write;

use super::{Format, Sink, cells, unwritable};
use crate::{Answer, Error};

pub(super) fn write(answer: Answer, out: &mut Sink<'_>) -> Result<(), Error> {
    let numeric = cells::numeric(answer.schema());
    let mut rows = vec![answer.columns()];
    for batch in answer {
        rows.extend(cells::rows(&batch?).map_err(|error| unwritable(Format::Markdown, error))?);
    }
    for cell in rows.iter_mut().flatten() {
        *cell = escaped(cell);
    }
    let widths: Vec<usize> = (0..numeric.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
        .map(|width| width.unwrap_or(0).max(3))
        .collect();

    let rule = widths.iter().zip(&numeric).map(|(width, numeric)| {
        if *numeric { format!("{}:", "-".repeat(width - 1)) } else { "-".repeat(*width) }
    });
    rows.insert(1.min(rows.len()), rule.collect());
    for row in rows {
        let cells: Vec<String> = row
            .into_iter()
            .zip(&widths)
            .zip(&numeric)
            .map(
                |((cell, width), numeric)| {
                    if *numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                },
            )
            .collect();
        writeln!(out, "| {} |", cells.join(" | ")).map_err(Error::Output)?;
    }
    Ok(())
}

/// A cell's text without what would end the cell or the line.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace(['\n', '\r'], "<br>")
}
