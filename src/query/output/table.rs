//! An answer as a drawn table.

use std::io::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

use super::{Format, Layout, Sink, cells, unwritable};
use crate::{Answer, Error};

pub(super) fn write(answer: Answer, layout: &Layout, out: &mut Sink<'_>) -> Result<(), Error> {
    let most = layout.max_rows.unwrap_or(usize::MAX);
    let numeric = cells::numeric(answer.schema());
    let alignment = |column: usize| match numeric.get(column) {
        Some(true) => CellAlignment::Right,
        _ => CellAlignment::Left,
    };

    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).force_no_tty().set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = layout.width {
        table.set_width(width);
    }
    let aligned = |(column, text): (usize, String)| Cell::new(text).set_alignment(alignment(column));
    table.set_header(answer.columns().into_iter().enumerate().map(aligned));

    let mut total = 0;
    for batch in answer {
        let batch = batch?;
        let shown = batch.slice(0, batch.num_rows().min(most.saturating_sub(total)));
        total += batch.num_rows();
        for row in cells::rows(&shown).map_err(|error| unwritable(Format::Table, error))? {
            table.add_row(row.into_iter().enumerate().map(aligned));
        }
    }
    // Cells are padded to the right edge; what ends a line says nothing.
    let mut text: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if total > most {
        text += &format!("{most} of {total} rows; another format has them all\n");
    }
    out.write_all(text.as_bytes()).map_err(Error::Output)
}
