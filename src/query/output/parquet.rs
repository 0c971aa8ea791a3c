//! An answer as a Parquet file.

use std::{io::Write, sync::Arc};

use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::{Format, Sink, unwritable};
use crate::{Answer, Error};

pub(super) fn write(answer: Answer, out: &mut Sink<'_>) -> Result<(), Error> {
    let failed = |error: ::parquet::errors::ParquetError| unwritable(Format::Parquet, error);
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    // The writer wants an output that may change threads, which a terminal's need not.
    let schema = Arc::clone(answer.schema());
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(failed)?;
    for batch in answer {
        writer.write(&batch?).map_err(failed)?;
    }
    let file = writer.into_inner().map_err(failed)?;
    out.write_all(&file).map_err(Error::Output)
}
