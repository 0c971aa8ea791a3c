//! An answer as JSON: one array of objects, or one object a line.

use arrow::json::{
    WriterBuilder,
    writer::{JsonArray, JsonFormat, LineDelimited},
};

use super::{Format, Sink, unwritable};
use crate::{Answer, Error};

pub(super) fn write(answer: Answer, out: &mut Sink<'_>) -> Result<(), Error> {
    write_as::<JsonArray>(answer, Format::Json, out)?;
    std::io::Write::write_all(out, b"\n").map_err(Error::Output)
}

pub(super) fn write_lines(answer: Answer, out: &mut Sink<'_>) -> Result<(), Error> {
    write_as::<LineDelimited>(answer, Format::Ndjson, out)
}

fn write_as<F: JsonFormat>(answer: Answer, format: Format, out: &mut Sink<'_>) -> Result<(), Error> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, F>(out);
    for batch in answer {
        writer.write(&batch?).map_err(|error| unwritable(format, error))?;
    }
    writer.finish().map_err(|error| unwritable(format, error))
}
