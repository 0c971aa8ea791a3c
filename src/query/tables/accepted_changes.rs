//! The table `accepted_changes`: the changes that somebody accepted with `pipe baseline accept`, and why.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{ArrayRef, Float64Array, RecordBatch, StringViewArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion::{catalog::MemTable, error::Result};
use pipe_history::{Acceptance, AcceptedChange, Baselines};

use crate::{Error, error::external};

/// Every accepted change as it is in the files now, the earliest first. They are few, so they are read when planned.
pub(crate) fn read(baselines: &Baselines) -> Result<MemTable> {
    let accepted = baselines.accepted().map_err(|error| external(Error::History(Box::new(error))))?;
    let rows: Vec<(&Acceptance, &AcceptedChange)> = accepted
        .iter()
        .flat_map(|acceptance| acceptance.changes.iter().map(move |change| (acceptance, change)))
        .collect();
    let text = |of: fn(&Acceptance, &AcceptedChange) -> String| -> ArrayRef {
        Arc::new(
            rows.iter().map(|(acceptance, change)| Some(of(acceptance, change))).collect::<StringViewArray>(),
        )
    };
    let number = |of: fn(&AcceptedChange) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, change)| Some(of(change))).collect::<Float64Array>())
    };
    let columns = vec![
        text(|acceptance, _| acceptance.reason.clone()),
        text(|acceptance, _| acceptance.accepted_at.clone()),
        text(|acceptance, _| acceptance.base.clone()),
        text(|acceptance, _| acceptance.commit.clone()),
        text(|_, change| change.benchmark_type.clone()),
        text(|_, change| change.device.clone()),
        text(|_, change| change.implementation.clone()),
        text(|_, change| change.config.clone()),
        text(|_, change| change.metric.clone()),
        number(|change| change.base),
        number(|change| change.value),
    ];
    let batch = RecordBatch::try_new(schema(), columns)?;
    MemTable::try_new(schema(), vec![vec![batch]])
}

fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name| Field::new(name, DataType::Utf8View, false);
        let number = |name| Field::new(name, DataType::Float64, false);
        Arc::new(Schema::new(vec![
            text("reason"),
            text("accepted_at"),
            text("base_commit"),
            text("commit"),
            text("type"),
            text("device"),
            text("implementation"),
            text("config"),
            text("metric"),
            number("base_value"),
            number("accepted_value"),
        ]))
    });
    Arc::clone(&SCHEMA)
}
