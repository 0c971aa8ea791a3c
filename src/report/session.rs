//! The query engine as a source of rows.

use pipe_query::{Answer, Session};

use crate::source::{Params, Source, SourceError, Table};

impl Source for Session {
    fn named(&self, name: &str, params: &Params) -> Result<Table, SourceError> {
        table(Session::named(self, name, &untyped(params)?)?)
    }

    fn sql(&self, text: &str, params: &Params) -> Result<Table, SourceError> {
        table(Session::sql(self, text, &untyped(params)?)?)
    }
}

/// The parameters as a command line would give them: the query's declaration settles their types.
fn untyped(params: &Params) -> Result<pipe_query::Params, SourceError> {
    let mut untyped = pipe_query::Params::new();
    for (name, value) in params {
        untyped.set_argument(&format!("{name}={value}"))?;
    }
    Ok(untyped)
}

fn table(answer: Answer) -> Result<Table, SourceError> {
    let columns = answer.columns();
    Ok(Table { columns, rows: answer.cells()? })
}
