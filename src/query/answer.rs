//! The answer to a statement: a stream of Arrow batches, read as it is computed.

use std::{collections::HashSet, fmt, sync::Arc};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{Field, Schema, SchemaRef},
    json::{StructMode, WriterBuilder, writer::LineDelimited},
};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::Error;

/// The rows of an answer. An iterator over its batches; each `next` computes one.
pub struct Answer {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    runtime: Arc<Runtime>,
}

impl Answer {
    pub(crate) fn new(stream: SendableRecordBatchStream, runtime: Arc<Runtime>) -> Self {
        Self { schema: with_unique_names(&stream.schema()), stream, runtime }
    }

    /// The columns. Names are unique: the second `x` of a join is `x_2`.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Every row as JSON values in the order of [`Answer::columns`]: whole numbers exact, times as RFC 3339 text,
    /// lists as arrays, maps as objects, NULL and numbers that are not finite as null.
    ///
    /// # Errors
    /// As the iterator; [`Error::Format`] for a value that JSON cannot hold.
    pub fn cells(self) -> Result<Vec<Vec<Value>>, Error> {
        let failed = |error: &dyn fmt::Display| Error::Format { format: "json", message: error.to_string() };
        let mut writer = WriterBuilder::new()
            .with_explicit_nulls(true)
            .with_struct_mode(StructMode::ListOnly)
            .build::<_, LineDelimited>(Vec::new());
        for batch in self {
            writer.write(&batch?).map_err(|error| failed(&error))?;
        }
        writer.finish().map_err(|error| failed(&error))?;
        let lines = writer.into_inner();
        serde_json::Deserializer::from_slice(&lines)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|error| failed(&error))
    }

    /// Every row as a JSON object by column name; the values are those of [`Answer::cells`].
    ///
    /// # Errors
    /// As [`Answer::cells`].
    pub fn rows(self) -> Result<Vec<Map<String, Value>>, Error> {
        let columns = self.columns();
        let object = |row: Vec<Value>| columns.iter().cloned().zip(row).collect();
        Ok(self.cells()?.into_iter().map(object).collect())
    }
}

impl Iterator for Answer {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.runtime.block_on(self.stream.next())? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(Error::execution(error))),
        };
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::clone(&self.schema);
        let named = RecordBatch::try_new_with_options(schema, batch.columns().to_vec(), &options);
        Some(named.map_err(|error| Error::Execution(error.to_string())))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The same schema with a number behind a name that an earlier column has.
fn with_unique_names(schema: &Schema) -> SchemaRef {
    let mut taken: HashSet<String> = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        let mut name = field.name().clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{}_{number}", field.name());
        }
        Field::new(name, field.data_type().clone(), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
