//! Renders reports by name, and says where in a template an error is.

use std::{collections::BTreeMap, error::Error as _, path::Path, sync::Arc};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context, syntax::SyntaxConfig,
};

use pipe_model::near;

use crate::{
    chart::{self, Chart, Charts},
    error::{QueryFailure, ReportError},
    filters, functions,
    source::{Params, Source},
    templates::{self, SUFFIX, Template},
};

/// A report's name and what its opening comment says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportInfo {
    /// What `pipe report` takes.
    pub name: String,
    /// What the report answers: the comment's text up to its parameters.
    pub description: String,
    /// In the order declared.
    pub parameters: Vec<Parameter>,
}

/// A parameter that a report's opening comment declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// What `--param NAME=VALUE` takes, and the template reads as `params.NAME`.
    pub name: String,
    /// The value where none is given; without one it is none.
    pub default: Option<String>,
    /// What it does; may be empty.
    pub description: String,
}

/// All reports, and the source of their rows.
pub struct Reports {
    templates: BTreeMap<String, Template>,
    source: Arc<dyn Source>,
}

impl Reports {
    /// The built-in reports, and over them the templates of `overlay`, where that folder exists.
    ///
    /// # Errors
    ///
    /// The folder, or a template in it, cannot be read.
    pub fn new(source: Arc<dyn Source>, overlay: Option<&Path>) -> Result<Self, ReportError> {
        Ok(Self { templates: templates::load(overlay)?, source })
    }

    /// All reports, by name. A file that begins with `_` is a part for others to include and no report.
    pub fn list(&self) -> Vec<ReportInfo> {
        self.names().into_iter().filter_map(|name| self.info(&name)).collect()
    }

    /// The text of the report `name`, without charts.
    ///
    /// # Errors
    ///
    /// The report or a parameter is unknown, its template is broken, or one of its queries fails.
    pub fn render(&self, name: &str, params: &Params) -> Result<String, ReportError> {
        self.render_into(name, params, &Charts::new(None))
    }

    /// The text of the report `name`, and the charts that it links as files beside it, whose names begin with `stem`.
    ///
    /// # Errors
    ///
    /// As [`Reports::render`].
    pub fn render_with_charts(
        &self,
        name: &str,
        params: &Params,
        stem: &str,
    ) -> Result<(String, Vec<Chart>), ReportError> {
        let charts = Charts::new(Some(stem));
        let text = self.render_into(name, params, &charts)?;
        Ok((text, charts.made()))
    }

    fn render_into(&self, name: &str, params: &Params, charts: &Charts) -> Result<String, ReportError> {
        let Some(info) = self.info(name) else {
            let known = self.names();
            return Err(ReportError::Unknown {
                name: name.to_owned(),
                near: near(name, known.iter().map(String::as_str)),
                known,
            });
        };
        self.check(&info, params)?;
        let declared = info.parameters.into_iter().map(|parameter| {
            let value = params.get(&parameter.name).cloned().or(parameter.default);
            (parameter.name, Value::from(value))
        });
        let values: BTreeMap<String, Value> = declared.collect();
        let environment = self.environment(charts);
        let text = environment
            .get_template(&format!("{name}{SUFFIX}"))
            .and_then(|template| template.render(context! { params => values }))
            .map_err(|error| self.locate(&error))?;
        Ok(tidy(&text))
    }

    fn names(&self) -> Vec<String> {
        let names = self.templates.keys().filter(|file| !file.starts_with('_'));
        names.filter_map(|file| file.strip_suffix(SUFFIX)).map(str::to_owned).collect()
    }

    fn info(&self, name: &str) -> Option<ReportInfo> {
        let template = self.templates.get(&format!("{name}{SUFFIX}")).filter(|_| !name.starts_with('_'))?;
        Some(header(name, &template.text))
    }

    fn check(&self, info: &ReportInfo, params: &Params) -> Result<(), ReportError> {
        let known: Vec<String> = info.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        match params.keys().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(ReportError::UnknownParameter {
                report: info.name.clone(),
                name: name.clone(),
                near: near(name, known.iter().map(String::as_str)),
                known,
            }),
        }
    }

    fn environment(&self, charts: &Charts) -> Environment<'static> {
        let mut environment = Environment::new();
        // Blocks stand on lines of their own and leave nothing behind.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_debug(true);
        filters::register(&mut environment);
        functions::register(&mut environment, &self.source);
        chart::register(&mut environment, charts);
        let templates: BTreeMap<String, String> =
            self.templates.iter().map(|(name, template)| (name.clone(), template.text.clone())).collect();
        environment.set_loader(move |name| Ok(templates.get(name).cloned()));
        environment
    }

    /// Finds the innermost place in a template that an error names, and the query that caused it.
    fn locate(&self, error: &Error) -> ReportError {
        let mut innermost = error;
        let mut failure = None;
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(inner) = error.downcast_ref::<Error>() {
                innermost = inner;
            }
            failure = failure.or(error.downcast_ref::<QueryFailure>());
            cause = error.source();
        }

        let name = innermost.name().unwrap_or_default();
        let template = self.templates.get(name);
        let file = template.map_or_else(|| name.to_owned(), |template| template.origin.clone());
        let line = innermost.line().unwrap_or(1);
        let column = template.zip(innermost.range()).map_or(1, |(template, range)| {
            let before = template.text.get(..range.start).unwrap_or_default();
            before.rsplit('\n').next().unwrap_or_default().chars().count() + 1
        });
        match failure {
            Some(QueryFailure { query, source }) => ReportError::Query {
                file,
                line,
                column,
                query: query.clone(),
                source: Box::new(source.clone()),
            },
            None => {
                let message = match innermost.detail() {
                    Some(detail) => format!("{}: {detail}", innermost.kind()),
                    None => innermost.kind().to_string(),
                };
                ReportError::Template { file, line, column, message, help: help(innermost) }
            }
        }
    }
}

/// What to do about an error in a template.
fn help(error: &Error) -> String {
    let text = match error.kind() {
        ErrorKind::SyntaxError => "correct the template there",
        ErrorKind::UndefinedError => {
            "use a column that the query gives, a parameter that the opening comment declares, or 'is defined'"
        }
        ErrorKind::UnknownFilter => {
            "use one of pipe's filters (ns, bytes, count, percent, ratio, table …) or minijinja's"
        }
        ErrorKind::UnknownFunction => {
            "use 'query(name)', 'queries(name…)', 'sql(text)' or a function of minijinja"
        }
        ErrorKind::TemplateNotFound => {
            "put the included template in the same folder, with its full file name"
        }
        _ => "correct the expression there",
    };
    text.to_owned()
}

/// Reads a template's opening comment: its text is the description, lines `param NAME = DEFAULT; what it does` are the
/// parameters.
fn header(name: &str, text: &str) -> ReportInfo {
    let comment = text
        .trim_start()
        .strip_prefix("{#")
        .and_then(|rest| rest.split_once("#}"))
        .map_or("", |(comment, _)| comment.trim_matches(['-', '+', ' ', '\n', '\r']));
    let mut description: Vec<&str> = Vec::new();
    let mut parameters: Vec<Parameter> = Vec::new();
    for line in comment.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("param "), parameters.last_mut()) {
            (Some(declaration), _) => parameters.push(Parameter::parse(declaration)),
            (None, Some(parameter)) => parameter.description = format!("{} {line}", parameter.description),
            (None, None) => description.push(line),
        }
    }
    ReportInfo { name: name.to_owned(), description: description.join(" "), parameters }
}

impl Parameter {
    fn parse(declaration: &str) -> Self {
        let (head, description) = declaration.split_once(';').unwrap_or((declaration, ""));
        let (name, default) = match head.split_once('=') {
            Some((name, default)) => (name, Some(default.trim().to_owned())),
            None => (head, None),
        };
        Self { name: name.trim().to_owned(), default, description: description.trim().to_owned() }
    }
}

/// Leaves at most one blank line in a row, none at the ends, and no space at the end of a line; what is fenced stays.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut fenced = false;
    let mut blank = true;
    for line in text.lines() {
        let line = if fenced { line } else { line.trim_end() };
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if line.is_empty() && blank && !fenced {
            continue;
        }
        blank = line.is_empty();
        tidied.push_str(line);
        tidied.push('\n');
    }
    tidied.truncate(tidied.trim_end().len());
    tidied.push('\n');
    tidied
}

#[cfg(test)]
mod tests;
