//! The columns of one row, taken one by one as the type they should have.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{Cell, Record, cell};
use crate::json::{self, number_of};

/// What is left of a row.
pub(super) struct Columns<'a>(pub(super) &'a mut Record);

impl Columns<'_> {
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).and_then(Cell::written)
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, String> {
        let number = match self.0.remove(name) {
            None => return Ok(None),
            Some(Cell::Number(number)) => number,
            // The nearest double, which is what a sample is stored as.
            Some(Cell::Integer(number)) => number as f64,
            Some(Cell::Text(text)) if text.trim().is_empty() => return Ok(None),
            Some(Cell::Text(text)) => {
                number_of(text.trim()).ok_or_else(|| format!("{name} is '{text}', not a number"))?
            }
            Some(other) => return Err(format!("{name} is {other:?}, not a number")),
        };
        if number.is_finite() {
            Ok(Some(number))
        } else {
            Err(format!("{name} is {number}, not a finite number"))
        }
    }

    pub(super) fn numbers(&mut self, name: &str) -> Result<Option<Vec<f64>>, String> {
        let numbers = match self.0.remove(name) {
            None => return Ok(None),
            Some(Cell::Numbers(numbers)) => numbers,
            Some(Cell::Number(number)) => vec![number],
            Some(Cell::Integer(number)) => vec![number as f64],
            Some(Cell::Text(text)) => {
                let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
                let parts = inner.split([',', ';', ' ', '\n']).filter(|part| !part.is_empty());
                parts
                    .map(|part| {
                        number_of(part).ok_or_else(|| format!("{name} has '{part}', which is not a number"))
                    })
                    .collect::<Result<_, _>>()?
            }
            Some(other) => return Err(format!("{name} is {other:?}, not a list of numbers")),
        };
        match numbers.iter().find(|number| !number.is_finite()) {
            Some(number) => Err(format!("{name} has {number}, which is not a finite number")),
            None => Ok(Some(numbers)),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, String> {
        match self.text(name).unwrap_or_default().to_lowercase().as_str() {
            "" | "false" | "0" => Ok(false),
            "true" | "1" => Ok(true),
            other => Err(format!("{name} is '{other}', neither true nor false")),
        }
    }

    /// A word of a closed set.
    pub(super) fn word<T: std::str::FromStr<Err = pipe_model::NameError>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, String> {
        let text = self.text(name).filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|error: pipe_model::NameError| error.to_string())).transpose()
    }

    /// An object, or the JSON text of one.
    pub(super) fn pairs(&mut self, name: &str) -> Result<Vec<(String, String)>, String> {
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Cell::Pairs(pairs)) => Ok(pairs),
            Some(Cell::Text(text)) if text.trim().is_empty() => Ok(Vec::new()),
            Some(Cell::Text(text)) => match json::parse(&text) {
                Ok(node) if node.is_object() => Ok(cell::pairs(&node)),
                _ => Err(format!("{name} is '{text}', not the JSON text of an object")),
            },
            Some(_) => Err(format!("{name} is not an object")),
        }
    }
}

/// A time with an offset, or one without, which is UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}
