//! Named queries: `queries/*.sql`, one a file, each with a comment header that says what it answers.
//!
//! ```sql
//! -- One line that says what the query answers.
//! --
//! -- As many more lines as it takes.
//! --
//! -- param type: text = null; the benchmark type, every type where it is null
//! -- param limit: integer = 20; the most rows
//! SELECT …  WHERE type = $type …  LIMIT $limit
//! ```
//!
//! A parameter is `text`, `integer`, `real` or `boolean`; one without `= DEFAULT` must be given.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};
use pipe_model::near;

use crate::{Error, Params, Value};

/// The queries carried inside the binary.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../queries");

/// A query that has a name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    /// The file's name without `.sql`.
    pub name: String,
    /// The header's first line: what the query answers.
    pub description: String,
    /// The header's other lines, without the parameters; may be empty.
    pub details: String,
    /// In the order declared.
    pub parameters: Vec<Parameter>,
    /// The whole file.
    pub sql: String,
    /// Where it was read from; `None` for one carried inside the binary.
    pub path: Option<PathBuf>,
}

/// A parameter that a named query declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The placeholder, without the `$`.
    pub name: String,
    /// The type of its values.
    pub kind: ParameterType,
    /// The value where none is given; `None` where one must be.
    pub default: Option<Value>,
    /// What it does; may be empty.
    pub description: String,
}

/// The type of a parameter's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    /// Any text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Real,
    /// `true` or `false`.
    Boolean,
}

impl ParameterType {
    const WORDS: [(&'static str, ParameterType); 4] = [
        ("text", ParameterType::Text),
        ("integer", ParameterType::Integer),
        ("real", ParameterType::Real),
        ("boolean", ParameterType::Boolean),
    ];

    /// The value as this type, where it has one.
    fn convert(self, value: &Value) -> Option<Value> {
        Some(match (self, value) {
            (_, Value::Null) => Value::Null,
            (ParameterType::Text, Value::Untyped(text) | Value::Text(text)) => Value::Text(text.clone()),
            (ParameterType::Text, Value::Integer(integer)) => Value::Text(integer.to_string()),
            (ParameterType::Integer, Value::Integer(integer)) => Value::Integer(*integer),
            (ParameterType::Integer, Value::Untyped(text)) => Value::Integer(text.parse().ok()?),
            (ParameterType::Real, Value::Real(real)) => Value::Real(*real),
            (ParameterType::Real, Value::Integer(integer)) => Value::Real(*integer as f64),
            (ParameterType::Real, Value::Untyped(text)) => Value::Real(text.parse().ok()?),
            (ParameterType::Boolean, Value::Boolean(truth)) => Value::Boolean(*truth),
            (ParameterType::Boolean, Value::Untyped(text)) => Value::Boolean(text.parse().ok()?),
            _ => return None,
        })
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParameterType::Text => "text",
            ParameterType::Integer => "a whole number",
            ParameterType::Real => "a number",
            ParameterType::Boolean => "true or false",
        })
    }
}

impl NamedQuery {
    /// Reads a query file's header; the error is a line, from 1, and what is wrong there.
    fn parse(name: &str, sql: &str, path: Option<PathBuf>) -> Result<Self, (usize, String)> {
        let mut lines: Vec<&str> = Vec::new();
        let mut parameters: Vec<Parameter> = Vec::new();
        let comments = sql.lines().map_while(|line| line.trim_end().strip_prefix("--"));
        for (line, comment) in (1..).zip(comments) {
            let comment = comment.strip_prefix(' ').unwrap_or(comment);
            let Some(declaration) = comment.strip_prefix("param ") else {
                lines.push(comment);
                continue;
            };
            let parameter = Parameter::parse(declaration).map_err(|message| (line, message))?;
            if parameters.iter().any(|other| other.name == parameter.name) {
                return Err((line, format!("parameter '{}' is declared twice", parameter.name)));
            }
            parameters.push(parameter);
        }
        let Some((first, rest)) = lines.split_first().filter(|(first, _)| !first.trim().is_empty()) else {
            return Err((1, "the first line must be a comment that says what the query answers".to_owned()));
        };
        Ok(Self {
            name: name.to_owned(),
            description: first.trim().to_owned(),
            details: rest.join("\n").trim().to_owned(),
            parameters,
            sql: sql.to_owned(),
            path,
        })
    }

    /// A value for every declared parameter: the given one, else the default.
    pub(crate) fn bind(&self, given: &Params) -> Result<BTreeMap<String, Value>, Error> {
        let query = || self.name.clone();
        if let Some(name) = given.names().find(|name| self.parameters.iter().all(|p| p.name != *name)) {
            return Err(Error::UnknownParameter {
                query: Some(query()),
                name: name.to_owned(),
                parameters: self.parameters.iter().map(|p| p.name.clone()).collect(),
            });
        }
        let value = |parameter: &Parameter| match (given.get(&parameter.name), &parameter.default) {
            (Some(value), _) => parameter.kind.convert(value).ok_or_else(|| Error::ParameterType {
                query: query(),
                name: parameter.name.clone(),
                value: match value {
                    Value::Text(text) | Value::Untyped(text) => text.clone(),
                    Value::Integer(integer) => integer.to_string(),
                    Value::Real(real) => real.to_string(),
                    Value::Boolean(truth) => truth.to_string(),
                    Value::Null => "null".to_owned(),
                },
                expected: parameter.kind,
            }),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(Error::MissingParameter {
                query: Some(query()),
                name: parameter.name.clone(),
                description: parameter.description.clone(),
            }),
        };
        self.parameters.iter().map(|p| Ok((p.name.clone(), value(p)?))).collect()
    }
}

impl Parameter {
    /// Reads `NAME: TYPE [= DEFAULT] [; DESCRIPTION]`.
    fn parse(declaration: &str) -> Result<Self, String> {
        const FORM: &str = "expected '-- param NAME: TYPE = DEFAULT; what it does'";
        let (head, description) = declaration.split_once(';').unwrap_or((declaration, ""));
        let (name, rest) = head.split_once(':').ok_or(FORM)?;
        let (kind, default) = match rest.split_once('=') {
            Some((kind, default)) => (kind, Some(default.trim())),
            None => (rest, None),
        };
        let (name, word) = (name.trim(), kind.trim());
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(format!("'{name}' is not a parameter's name; {FORM}"));
        }
        let kind = ParameterType::WORDS
            .iter()
            .find_map(|(known, kind)| (*known == word).then_some(*kind))
            .ok_or_else(|| format!("'{word}' is not a type; expected text, integer, real or boolean"))?;
        let default = match default {
            None => None,
            Some("null") => Some(Value::Null),
            Some(text) => Some(
                kind.convert(&Value::Untyped(text.to_owned()))
                    .ok_or_else(|| format!("the default '{text}' of '{name}' is not {kind}"))?,
            ),
        };
        Ok(Self { name: name.to_owned(), kind, default, description: description.trim().to_owned() })
    }
}

/// The built-in queries with a folder's laid over them.
#[derive(Debug)]
pub(crate) struct Queries {
    good: Vec<NamedQuery>,
    /// Files whose header cannot be read, by query name; the others work.
    broken: BTreeMap<String, (PathBuf, usize, String)>,
}

impl Queries {
    /// Reads all headers. A folder that does not exist lays nothing over the built-in ones.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, Error> {
        let mut parsed = BTreeMap::new();
        for file in BUILT_IN.files() {
            if let (Some(name), Some(sql)) = (query_name(file.path()), file.contents_utf8()) {
                parsed.insert(name.to_owned(), (file.path().to_owned(), NamedQuery::parse(name, sql, None)));
            }
        }
        for path in folder.map(sql_files).transpose()?.unwrap_or_default() {
            let Some(name) = query_name(&path) else { continue };
            let query = match fs::read_to_string(&path) {
                Ok(sql) => NamedQuery::parse(name, &sql, Some(path.clone())),
                Err(error) => Err((1, format!("cannot read it: {error}"))),
            };
            parsed.insert(name.to_owned(), (path, query));
        }
        let mut queries = Queries { good: Vec::new(), broken: BTreeMap::new() };
        for (name, (path, query)) in parsed {
            match query {
                Ok(query) => queries.good.push(query),
                Err((line, message)) => {
                    queries.broken.insert(name, (path, line, message));
                }
            }
        }
        Ok(queries)
    }

    pub(crate) fn all(&self) -> &[NamedQuery] {
        &self.good
    }

    pub(crate) fn get(&self, name: &str) -> Result<&NamedQuery, Error> {
        if let Some(query) = self.good.iter().find(|query| query.name == name) {
            return Ok(query);
        }
        if let Some((path, line, message)) = self.broken.get(name) {
            return Err(Error::QueryFile { path: path.clone(), line: *line, message: message.clone() });
        }
        let all: Vec<String> = self.good.iter().map(|query| query.name.clone()).collect();
        let near = near(name, all.iter().map(String::as_str));
        Err(Error::UnknownQuery { name: name.to_owned(), near, all })
    }
}

/// The name of the query that a file holds; `None` for a file that holds none.
fn query_name(path: &Path) -> Option<&str> {
    path.extension().filter(|extension| *extension == "sql").and_then(|_| path.file_stem()?.to_str())
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "-- What is fast.\n--\n-- More of it.\n-- param type: text = null; the type\n\
                          -- param limit: integer = 20; most rows\n-- param since: text; from when\nSELECT 1";

    #[test]
    fn a_header_says_what_it_answers_and_declares_parameters() {
        let query = NamedQuery::parse("fast", HEADER, None).unwrap();
        assert_eq!((query.description.as_str(), query.details.as_str()), ("What is fast.", "More of it."));
        let declared: Vec<_> =
            query.parameters.iter().map(|p| (p.name.as_str(), p.kind, p.default.clone())).collect();
        assert_eq!(
            declared,
            [
                ("type", ParameterType::Text, Some(Value::Null)),
                ("limit", ParameterType::Integer, Some(Value::Integer(20))),
                ("since", ParameterType::Text, None),
            ]
        );
    }

    #[test]
    fn given_values_take_the_declared_type() {
        let query = NamedQuery::parse("fast", HEADER, None).unwrap();
        let mut params = Params::new().with("since", Value::Untyped("007".to_owned()));
        let bound = query.bind(&params).unwrap();
        assert_eq!(bound["since"], Value::Text("007".to_owned()));
        assert_eq!(bound["limit"], Value::Integer(20));

        params.set("limit", Value::Untyped("many".to_owned()));
        assert_eq!(
            query.bind(&params).unwrap_err().to_string(),
            "parameter 'limit' of query 'fast' is not a whole number: 'many'"
        );
        assert_eq!(
            query.bind(&Params::new()).unwrap_err().to_string(),
            "query 'fast' needs parameter 'since': from when"
        );
        assert_eq!(
            query.bind(&Params::new().with("typ", "x")).unwrap_err().to_string(),
            "query 'fast' has no parameter 'typ'; it has type, limit, since"
        );
    }

    #[test]
    fn a_wrong_header_is_named_by_line() {
        let wrong = |text: &str| NamedQuery::parse("q", text, None).unwrap_err();
        assert_eq!(wrong("SELECT 1").0, 1);
        assert_eq!(
            wrong("-- What.\n-- param a: int = 1"),
            (2, "'int' is not a type; expected text, integer, real or boolean".to_owned())
        );
        assert_eq!(
            wrong("-- What.\n-- param a: integer = x"),
            (2, "the default 'x' of 'a' is not a whole number".to_owned())
        );
        assert_eq!(
            wrong("-- What.\n-- param a: text\n-- param a: text").1,
            "parameter 'a' is declared twice"
        );
    }

    #[test]
    fn every_built_in_query_has_a_good_header() {
        let queries = Queries::load(None).unwrap();
        assert_eq!(queries.broken, BTreeMap::new());
        assert!(queries.good.iter().any(|query| query.name == "rankings"));
    }
}
