//! A row of an answer as a template value: a map that keeps the column order of its query.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Serde, Value};

use crate::source::Table;

/// One row. Columns are shared by all rows of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    columns: Arc<[String]>,
    cells: Vec<Value>,
}

impl Row {
    /// A row of `cells` under `columns`; both have the same length.
    pub(crate) fn new(columns: Arc<[String]>, cells: Vec<Value>) -> Self {
        Self { columns, cells }
    }

    /// The names of the columns, in the order of the query.
    pub(crate) fn columns(&self) -> &Arc<[String]> {
        &self.columns
    }

    /// The cell under `column`.
    pub(crate) fn get(&self, column: &str) -> Option<&Value> {
        let index = self.columns.iter().position(|name| name == column)?;
        self.cells.get(index)
    }

    /// The cells, in the order of the columns.
    pub(crate) fn cells(&self) -> &[Value] {
        &self.cells
    }
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.columns.iter().map(|name| Value::from(name.as_str())).collect())
    }
}

/// The rows of an answer as a list of row objects.
pub(crate) fn rows(table: Table) -> Value {
    let columns: Arc<[String]> = table.columns.into();
    table
        .rows
        .into_iter()
        .map(|cells| {
            let cells = cells.into_iter().map(|cell| Value::from(Serde(cell))).collect();
            Value::from_object(Row::new(columns.clone(), cells))
        })
        .collect()
}
