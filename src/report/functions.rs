//! `query`, `queries` and `sql`: how a template asks for rows.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, available_parallelism},
};

use minijinja::{
    Environment, Error, ErrorKind, Value,
    value::{Kwargs, Rest, ValueKind},
};

use crate::{
    error::QueryFailure,
    row::rows,
    source::{Params, Source, SourceError, Table},
};

/// Adds `query(name, param=value…)` and `sql(text, param=value…)`; each gives a list of rows. `queries(query…, param=value…)` gives the rows of
/// several, answered side by side: a query is a name, or a name and a map of parameters that it alone takes.
pub(crate) fn register(environment: &mut Environment<'_>, source: &Arc<dyn Source>) {
    let named = source.clone();
    environment.add_function("query", move |name: &str, arguments: Kwargs| {
        let table = named.named(name, &params(&arguments)?).map_err(|error| failed(name, error))?;
        Ok::<Value, Error>(rows(table))
    });
    let named = source.clone();
    environment.add_function("queries", move |queries: Rest<Value>, arguments: Kwargs| {
        let shared = params(&arguments)?;
        let queries = queries.iter().map(|query| one(query, &shared)).collect::<Result<Vec<_>, _>>()?;
        let answers = answers(&*named, &queries);
        let row = |((name, _), answer): (&(String, Params), Answer)| {
            answer.map(rows).map_err(|error| failed(name, error))
        };
        queries.iter().zip(answers).map(row).collect::<Result<Vec<Value>, Error>>()
    });
    let source = source.clone();
    environment.add_function("sql", move |text: &str, arguments: Kwargs| {
        let first_line = text.trim().lines().next().unwrap_or_default();
        let table = source.sql(text, &params(&arguments)?).map_err(|error| failed(first_line, error))?;
        Ok::<Value, Error>(rows(table))
    });
}

/// The name and the parameters of one of several queries.
fn one(query: &Value, shared: &Params) -> Result<(String, Params), Error> {
    if let Some(name) = query.as_str() {
        return Ok((name.to_owned(), shared.clone()));
    }
    let (name, own) = (query.get_item_by_index(0)?, query.get_item_by_index(1)?);
    match (name.as_str(), own.kind()) {
        (Some(name), ValueKind::Map) => {
            let mut params = shared.clone();
            for key in own.try_iter()? {
                add(&mut params, &key.to_string(), &own.get_item(&key)?)?;
            }
            Ok((name.to_owned(), params))
        }
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            "queries takes names, and pairs of a name and a map of parameters",
        )),
    }
}

type Answer = Result<Table, SourceError>;

/// The answers in the order of the queries, as many at a time as there are cores: a query by itself keeps one busy for most of its time.
fn answers(source: &dyn Source, queries: &[(String, Params)]) -> Vec<Answer> {
    let waiting = Mutex::new(queries.iter().enumerate());
    let answered = Mutex::new(Vec::with_capacity(queries.len()));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((number, (name, params))) = next() {
            let answer = source.named(name, params);
            answered.lock().unwrap_or_else(PoisonError::into_inner).push((number, answer));
        }
    };
    thread::scope(|scope| {
        let others = available_parallelism().map_or(1, NonZeroUsize::get).min(queries.len());
        (1..others).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut answered = answered.into_inner().unwrap_or_else(PoisonError::into_inner);
    answered.sort_by_key(|(number, _)| *number);
    answered.into_iter().map(|(_, answer)| answer).collect()
}

/// The keyword arguments as parameters.
fn params(arguments: &Kwargs) -> Result<Params, Error> {
    let mut params = Params::new();
    for name in arguments.args() {
        add(&mut params, name, &arguments.get::<Value>(name)?)?;
    }
    Ok(params)
}

/// Adds a parameter. One that is none is left out, so that the query's default holds.
fn add(params: &mut Params, name: &str, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        let detail = format!("the parameter '{name}' is undefined");
        return Err(Error::new(ErrorKind::UndefinedError, detail));
    }
    if !value.is_none() {
        params.insert(name.to_owned(), value.to_string());
    }
    Ok(())
}

fn failed(query: &str, error: SourceError) -> Error {
    let failure = QueryFailure { query: query.to_owned(), source: error.into() };
    Error::new(ErrorKind::InvalidOperation, failure.to_string()).with_source(failure)
}
