//! The results of a predecessor's file, from the outside in.
//!
//! These shapes are known, and may stand inside one another:
//!
//! - a *record*, an object with a measured number or an outcome (`success`, `error`): rows;
//! - *columns*, an object of lists of one length, one of them a dimension's (`seq_lens`): a record an index;
//! - a *group*, an object of any of these: its keys name implementations, its plain values are parameters of all within;
//! - a list of records;
//! - `null` and the empty list where a record could stand: a skipped case.
//!
//! What is none of them is named and kept in the environment.

use pipe_model::{Basis, Case, Status};

use super::record::{self, Record};
use crate::{
    draft::{Draft, Findings, Row},
    json::Node,
    names::{metric, set_parameter},
};

/// Keys of objects that say with which parameters their neighbours came about.
const CONFIGURATIONS: &[&str] = &["config", "configuration", "parameters", "params", "settings"];

/// Where a walk is, and what it has learnt on the way.
#[derive(Debug, Clone)]
pub(super) struct Context<'a> {
    /// The nearest key, which names an implementation where nothing better does.
    pub(super) name: Option<&'a str>,
    /// Parameters of all that is within.
    pub(super) case: Case,
    pub(super) basis: Basis,
    /// The path, for messages.
    pub(super) place: String,
    is_root: bool,
}

impl<'a> Context<'a> {
    pub(super) fn root(case: Case, place: &str) -> Self {
        Self { name: None, case, basis: Basis::Measured, place: place.to_owned(), is_root: true }
    }

    pub(super) fn named(self, name: &'a str) -> Self {
        let basis = if name.starts_with("estimate") { Basis::Modelled } else { self.basis };
        Self { name: Some(name), basis, is_root: false, ..self }
    }

    fn below<'b>(&self, key: &'b str, case: &Case) -> Context<'b> {
        let place = format!("{}.{key}", self.place);
        Context { name: None, case: case.clone(), basis: self.basis, place, is_root: false }.named(key)
    }

    fn item(&self, index: usize) -> Self {
        Self { place: format!("{}.{index}", self.place), is_root: false, ..self.clone() }
    }
}

/// Reads results into a draft.
pub(super) struct Walk<'a> {
    pub(super) draft: &'a mut Draft,
    pub(super) findings: &'a mut Findings,
    /// The implementation that the frame names for all results.
    pub(super) fallback: Option<&'a str>,
    pub(super) type_name: &'a str,
}

impl Walk<'_> {
    pub(super) fn node(&mut self, node: &Node, context: &Context<'_>) {
        if node.is_object() {
            self.object(node, context);
        } else if node.is_null() || (node.is_list() && node.items().is_empty()) {
            self.nothing(context);
        } else if node.is_list() && node.items().iter().all(Node::is_object) {
            node.items().iter().enumerate().for_each(|(index, item)| self.node(item, &context.item(index)));
        } else if node.is_list() {
            self.findings.skip(&context.place, "a list of an unknown shape; kept in the environment");
        }
    }

    fn object(&mut self, node: &Node, context: &Context<'_>) {
        if let Some(length) = columns(node) {
            return (0..length).for_each(|index| self.index(node, index, context));
        }
        let fields: Vec<(String, &Node)> =
            node.fields().iter().map(|(key, node)| (key.clone(), node)).collect();
        let mut context = context.clone();
        for (_, config) in node.fields().iter().filter(|(key, _)| CONFIGURATIONS.contains(&key.as_str())) {
            for (key, node) in config.fields().iter().filter(|(_, node)| node.is_scalar() && !node.is_null())
            {
                set_parameter(&mut context.case, key, &node.take().written());
            }
        }
        if fields.iter().any(|(key, node)| record::is_result(key, node)) {
            let mut flat = Record::default();
            flat.flatten("", &fields, CONFIGURATIONS);
            let case = self.record(&flat, &context);
            for (key, node) in &flat.containers {
                self.node(node, &context.below(key, &case));
            }
        } else {
            self.group(node, &context);
        }
    }

    /// An object whose plain values are parameters of what is within.
    fn group(&mut self, node: &Node, context: &Context<'_>) {
        let mut case = context.case.clone();
        let plain = |node: &Node| (node.is_scalar() && !node.is_null()) || node.is_vector();
        if !context.is_root {
            for (key, node) in node.fields().iter().filter(|(_, node)| plain(node)) {
                set_parameter(&mut case, key, &node.take().written());
            }
        }
        for (key, child) in node.fields() {
            if !plain(child) && !CONFIGURATIONS.contains(&key.as_str()) {
                self.node(child, &context.below(key, &case));
            }
        }
    }

    /// The record that the `index`th values of columns make.
    fn index(&mut self, node: &Node, index: usize, context: &Context<'_>) {
        let mut fields: Vec<(String, &Node)> = Vec::new();
        for (key, child) in node.fields() {
            match child.items().get(index) {
                Some(value) => fields.push((record::singular(key).to_owned(), value)),
                None => fields.push((key.clone(), child)),
            }
        }
        let mut flat = Record::default();
        flat.flatten("", &fields, CONFIGURATIONS);
        self.record(&flat, &context.item(index));
    }

    fn nothing(&mut self, context: &Context<'_>) {
        let implementation = self.implementation(None, context);
        let message = "the file has no result for it";
        let row = Row::failed(&implementation, &context.case, metric("time"), Status::Skipped, message);
        self.draft.rows.push(row.basis(context.basis));
        self.findings.skip(&context.place, "nothing was measured; recorded as skipped");
    }

    fn record(&mut self, record: &Record<'_>, context: &Context<'_>) -> Case {
        let implementation = self.implementation(record.implementation(), context);
        record.rows(&implementation, context, self.draft, self.findings)
    }

    fn implementation(&self, stated: Option<&str>, context: &Context<'_>) -> String {
        let is_container = |name: &str| {
            name.ends_with("results") || matches!(name, "benchmarks" | "measurements" | "runs" | "data")
        };
        let key = context.name;
        let fallback = self.fallback.filter(|_| key.is_none_or(is_container));
        stated.or(fallback).or(key).unwrap_or(self.type_name).to_owned()
    }
}

/// How many records an object of columns makes; none where it is no such object.
fn columns(node: &Node) -> Option<usize> {
    let lists: Vec<&(String, Node)> = node.fields().iter().filter(|(_, node)| node.is_list()).collect();
    let length = lists.first()?.1.items().len();
    let even = lists.iter().all(|(_, node)| node.is_vector() && node.items().len() == length);
    let rest_is_plain = node.fields().iter().all(|(_, node)| !node.is_object());
    let has_dimension = lists.iter().any(|(key, _)| record::singular(key) != key);
    (lists.len() >= 2 && even && rest_is_plain && has_dimension).then_some(length)
}
