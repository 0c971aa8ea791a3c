//! The variables that a manifest's expressions see: the case, its groups, and what the manifest defines.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;
use pipe_model::Case;

use crate::{Group, Op, PlanError, Sparsity, groups, manifest::Parameter, near::suggestion};

/// Variables of every case.
const VARIABLES: &[&str] =
    &["batch_size", "causal", "dtype", "element_bytes", "groups", "head_dim", "num_heads", "seq_len"];

/// Variables of every case of a block-sparse op.
const SPARSITY: &[&str] = &["block", "kept_share", "pattern", "sparsity"];

/// Attributes of every group.
const GROUP: &[&str] =
    &["dilation_rate", "first_head", "index", "kept", "num_heads", "offset", "segment_length", "segments"];

/// The names that may be used; known when a manifest is read.
pub(crate) struct Names {
    variables: BTreeSet<String>,
    group: BTreeSet<String>,
    repeats: bool,
}

/// The variable that counts the launches of one with `repeat`.
pub(crate) const STEP: &str = "step";

impl Names {
    /// The names of every case of `op`, and the `parameters` that a manifest declares.
    pub(crate) fn new<'a>(op: Op, parameters: impl IntoIterator<Item = &'a str>) -> Self {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let mut variables = if op == Op::Custom { BTreeSet::new() } else { own(VARIABLES) };
        if op.is_block_sparse() {
            variables.append(&mut own(SPARSITY));
        }
        variables.extend(parameters.into_iter().map(str::to_owned));
        Self { variables, group: own(GROUP), repeats: false }
    }

    /// Adds a defined name; false where it is taken.
    pub(crate) fn define(&mut self, name: &str, per_group: bool) -> bool {
        let names = if per_group { &mut self.group } else { &mut self.variables };
        name != "group" && name != STEP && names.insert(name.to_owned())
    }

    /// Whether what follows belongs to a launch that is repeated, and may use [`STEP`].
    pub(crate) fn repeats(&mut self, repeats: bool) {
        self.repeats = repeats;
    }

    /// Why `used`, `seq_len` or `group.kept` for instance, is not there.
    pub(crate) fn objection(&self, used: &str, per_group: bool) -> Option<String> {
        let (variable, attribute) = used.split_once('.').unwrap_or((used, ""));
        if variable == "group" {
            return match attribute {
                _ if !per_group => Some("uses `group`; add for_each = \"group\"".to_owned()),
                "" => None,
                known if self.group.contains(known) => None,
                unknown => {
                    let near = suggestion(unknown, self.group.iter().map(String::as_str));
                    Some(format!("uses the unknown `group.{unknown}`{near}"))
                }
            };
        }
        if variable == STEP {
            return (!self.repeats).then(|| "uses `step`; add repeat = the number of steps".to_owned());
        }
        if self.variables.contains(variable) {
            return None;
        }
        let near = suggestion(variable, self.variables.iter().map(String::as_str));
        Some(format!("uses the unknown variable `{variable}`{near}"))
    }
}

/// The values of the names for one case.
pub(crate) struct Scope {
    variables: BTreeMap<String, Value>,
    groups: Vec<BTreeMap<String, Value>>,
}

impl Scope {
    /// The variables of `case` under `op`, with the `parameters` that the manifest declares.
    pub(crate) fn new<'a>(
        op: Op,
        case: &Case,
        parameters: impl IntoIterator<Item = (&'a String, &'a Parameter)>,
    ) -> Result<Self, PlanError> {
        let mut variables = if op == Op::Custom { BTreeMap::new() } else { variables_of(case)? };
        if op.is_block_sparse() {
            let sparsity = Sparsity::of(case)?;
            let values: [(&str, Value); 4] = [
                ("block", sparsity.block.into()),
                ("kept_share", sparsity.kept_share().into()),
                ("pattern", sparsity.pattern.as_str().into()),
                ("sparsity", sparsity.sparsity.into()),
            ];
            variables.extend(values.map(|(name, value)| (name.to_owned(), value)));
        }
        for (parameter, otherwise) in parameters {
            let value = case.parameters.get(parameter).map_or_else(|| otherwise.value(), |text| typed(text));
            variables.insert(parameter.to_owned(), value);
        }
        let seq_len = case.seq_len.unwrap_or(0);
        let groups = groups(op, case)?.iter().map(|group| attributes(group, seq_len)).collect();
        Ok(Self { variables, groups })
    }

    pub(crate) fn define(&mut self, name: &str, value: Value) {
        self.variables.insert(name.to_owned(), value);
    }

    pub(crate) fn define_in_group(&mut self, group: usize, name: &str, value: Value) {
        if let Some(group) = self.groups.get_mut(group) {
            group.insert(name.to_owned(), value);
        }
    }

    /// What an expression sees outside groups.
    pub(crate) fn value(&self) -> Value {
        Value::from(self.with_groups())
    }

    /// What an expression sees in each group, in order.
    pub(crate) fn by_group(&self) -> Vec<Value> {
        let all = self.with_groups();
        let each = self.groups.iter().map(|group| {
            let mut variables = all.clone();
            variables.insert("group".to_owned(), Value::from(group.clone()));
            Value::from(variables)
        });
        each.collect()
    }

    /// [`Scope::by_group`] or the one [`Scope::value`].
    pub(crate) fn each(&self, per_group: bool) -> Vec<Value> {
        if per_group { self.by_group() } else { vec![self.value()] }
    }

    fn with_groups(&self) -> BTreeMap<String, Value> {
        let mut variables = self.variables.clone();
        let groups: Vec<Value> = self.groups.iter().cloned().map(Value::from).collect();
        variables.insert("groups".to_owned(), Value::from(groups));
        variables
    }
}

/// `scope` in one step of a launch that is repeated.
pub(crate) fn in_step(scope: &Value, step: u64) -> Value {
    minijinja::context! { step, ..scope.clone() }
}

impl Parameter {
    fn value(&self) -> Value {
        match self {
            Parameter::Flag(value) => (*value).into(),
            Parameter::Integer(value) => (*value).into(),
            Parameter::Number(value) => (*value).into(),
            Parameter::Text(value) => value.as_str().into(),
        }
    }
}

/// The values of [`VARIABLES`], the groups aside.
fn variables_of(case: &Case) -> Result<BTreeMap<String, Value>, PlanError> {
    let dtype = case.dtype.ok_or_else(|| PlanError::case("dtype", "the case does not give it"))?;
    let variables = [
        ("batch_size", dimension("batch_size", case.batch_size)?.into()),
        ("seq_len", dimension("seq_len", case.seq_len)?.into()),
        ("num_heads", dimension("num_heads", case.num_heads)?.into()),
        ("head_dim", dimension("head_dim", case.head_dim)?.into()),
        ("dtype", dtype.as_str().into()),
        ("element_bytes", dtype.size().into()),
        ("causal", causal(case)?.into()),
    ];
    Ok(variables.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into())
}

fn dimension(name: &str, value: Option<u64>) -> Result<u64, PlanError> {
    match value {
        Some(0) => Err(PlanError::case(name, "is 0; give at least 1")),
        Some(value) => Ok(value),
        None => Err(PlanError::case(name, "the case does not give it")),
    }
}

fn causal(case: &Case) -> Result<bool, PlanError> {
    match case.parameters.get("causal").map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(PlanError::case("causal", format!("is '{other}'; give true or false"))),
    }
}

fn attributes(group: &Group, seq_len: u64) -> BTreeMap<String, Value> {
    let Group { index, segment_length, dilation_rate, offset, first_head, num_heads, kept } = *group;
    [
        ("index", index),
        ("segment_length", segment_length),
        ("dilation_rate", dilation_rate),
        ("offset", offset),
        ("first_head", first_head),
        ("num_heads", num_heads),
        ("kept", kept),
        ("segments", seq_len / segment_length),
    ]
    .map(|(name, value)| (name.to_owned(), Value::from(value)))
    .into()
}

/// A parameter's text as a Boolean, an integer, a float, a list of those, or what it is.
fn typed(text: &str) -> Value {
    if text.contains(',') {
        return Value::from(text.split(',').map(|item| typed(item.trim())).collect::<Vec<_>>());
    }
    match (text.parse::<bool>(), text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(value), _, _) => value.into(),
        (_, Ok(value), _) => value.into(),
        (_, _, Ok(value)) => value.into(),
        _ => text.into(),
    }
}
