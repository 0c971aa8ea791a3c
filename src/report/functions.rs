//! `query` and `sql`: how a template asks for rows.

use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind, Value, value::Kwargs};

use crate::{
    error::QueryFailure,
    row::rows,
    source::{Params, Source, SourceError},
};

/// Adds `query(name, param=value…)` and `sql(text, param=value…)`; each gives a list of rows.
pub(crate) fn register(environment: &mut Environment<'_>, source: &Arc<dyn Source>) {
    let named = source.clone();
    environment.add_function("query", move |name: &str, arguments: Kwargs| {
        let table = named.named(name, &params(&arguments)?).map_err(|error| failed(name, error))?;
        Ok::<Value, Error>(rows(table))
    });
    let source = source.clone();
    environment.add_function("sql", move |text: &str, arguments: Kwargs| {
        let first_line = text.trim().lines().next().unwrap_or_default();
        let table = source.sql(text, &params(&arguments)?).map_err(|error| failed(first_line, error))?;
        Ok::<Value, Error>(rows(table))
    });
}

/// The keyword arguments as parameters. One that is none is left out, so that the query's default holds.
fn params(arguments: &Kwargs) -> Result<Params, Error> {
    let mut params = Params::new();
    for name in arguments.args() {
        let value: Value = arguments.get(name)?;
        if value.is_undefined() {
            let detail = format!("the parameter '{name}' is undefined");
            return Err(Error::new(ErrorKind::UndefinedError, detail));
        }
        if !value.is_none() {
            params.insert(name.to_owned(), value.to_string());
        }
    }
    Ok(params)
}

fn failed(query: &str, error: SourceError) -> Error {
    let failure = QueryFailure { query: query.to_owned(), source: error.into() };
    Error::new(ErrorKind::InvalidOperation, failure.to_string()).with_source(failure)
}
