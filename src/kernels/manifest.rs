//! `kernel.toml`: what an implementation computes and how it is launched. The keys are in `kernels-ptx/README.md`.

use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr};

use pipe_model::Dtype;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use crate::{
    FileError, Op,
    expression::{Expression, Fault, Template, Text},
    near::suggestion,
    scope::Names,
    tensor::TensorDeclaration,
};

/// A manifest as written; every expression is known to be well-formed and to use known names only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    #[serde(deserialize_with = "word")]
    pub(crate) op: Op,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) description: String,
    /// PTX files, relative to the manifest's folder; `kernel.ptx` alone where it names none.
    #[serde(default, deserialize_with = "some")]
    pub(crate) sources: Option<Vec<Text>>,
    /// At least one, and none under op `custom`; head dimensions likewise.
    #[serde(default)]
    pub(crate) dtypes: Vec<DtypeName>,
    #[serde(default)]
    pub(crate) head_dims: Vec<u64>,
    /// Case parameters, beside the op's own, that the expressions use, each with what it is where a case gives none.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// The implementation whose outputs are right; under op `custom`.
    #[serde(default)]
    pub(crate) reference: Option<String>,
    /// Under op `custom`.
    #[serde(default)]
    pub(crate) tensor: Vec<TensorDeclaration>,
    #[serde(default)]
    pub(crate) requires: Vec<Requirement>,
    #[serde(default)]
    pub(crate) define: Vec<Definition>,
    #[serde(default)]
    pub(crate) workspace: Vec<Workspace>,
    #[serde(default)]
    pub(crate) table: Vec<Table>,
    #[serde(deserialize_with = "at_least_one")]
    pub(crate) launch: Vec<LaunchTemplate>,
}

/// A value of a case parameter: a Boolean, a number, or text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Parameter {
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// A condition of the cases that the implementation can do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirement {
    #[serde(default)]
    pub(crate) for_each: Option<ForEach>,
    pub(crate) expression: Expression,
    pub(crate) message: Template,
}

/// A name for the value of an expression: a variable, or with `for_each` an attribute of each group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) for_each: Option<ForEach>,
    pub(crate) value: Expression,
}

/// Device memory that lives as long as the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workspace {
    pub(crate) name: Text,
    pub(crate) bytes: Expression,
}

/// A constant table in device memory: a row of scalars, or one for each group, laid out as a C struct.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) for_each: Option<ForEach>,
    #[serde(deserialize_with = "at_least_one")]
    pub(crate) row: Vec<Scalar>,
}

/// A launch, or one for each group. Neighbours with `for_each` repeat together: all of them for the first group, then all
/// of them for the next. With `repeat` it is launched that many times, `step` counting from 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaunchTemplate {
    pub(crate) entry: Template,
    #[serde(default)]
    pub(crate) for_each: Option<ForEach>,
    #[serde(default)]
    pub(crate) repeat: Option<Expression>,
    pub(crate) grid: [Expression; 3],
    pub(crate) block: [Expression; 3],
    #[serde(default)]
    pub(crate) shared_bytes: Option<Expression>,
    pub(crate) args: Vec<ArgumentTemplate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ForEach {
    Group,
}

/// A kernel argument: the name of a buffer, or a typed scalar such as `{ u32 = "seq_len" }`.
#[derive(Debug, Clone)]
pub(crate) enum ArgumentTemplate {
    Buffer(Text),
    Scalar(Scalar),
}

/// A typed expression: `{ u32 = "seq_len" }`.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) kind: ScalarKind,
    pub(crate) value: Expression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScalarKind {
    U8,
    U16,
    U32,
    S32,
    U64,
    S64,
    F32,
    F64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct DtypeName(#[serde(deserialize_with = "word")] pub(crate) Dtype);

impl ScalarKind {
    /// Bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::S32 | Self::F32 => 4,
            Self::U64 | Self::S64 | Self::F64 => 8,
        }
    }
}

impl Manifest {
    /// Reads and checks a manifest; `file` is its name for messages.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<FileError>> {
        let manifest: Self = parse_toml(file, text).map_err(|error| vec![error])?;
        let of_all = manifest.unfit().into_iter().map(|message| FileError::whole(file, message));
        let placed =
            manifest.faults().into_iter().map(|fault| FileError::at(file, text, fault.offset, fault.message));
        let errors: Vec<FileError> = of_all.chain(placed).collect();
        if errors.is_empty() { Ok(manifest) } else { Err(errors) }
    }

    /// The keys that do not go with the op.
    fn unfit(&self) -> Vec<String> {
        let op = self.op;
        let keys = [
            ("dtypes", !self.dtypes.is_empty()),
            ("head_dims", !self.head_dims.is_empty()),
            ("tensor", !self.tensor.is_empty()),
        ];
        let unfit = |(key, is_given): (&str, bool)| match ((key == "tensor") == (op == Op::Custom), is_given)
        {
            (true, false) => Some(format!("`{key}` is missing or empty; op {op} needs at least one")),
            (false, true) => Some(format!("`{key}` does not go with op {op}; remove it")),
            _ => None,
        };
        let mut unfit: Vec<String> = keys.into_iter().filter_map(unfit).collect();
        if op != Op::Custom && self.reference.is_some() {
            unfit.push(format!("`reference` does not go with op {op}, which has its own; remove it"));
        }
        unfit
    }

    /// Everything that is wrong with the expressions and names, in order of appearance.
    fn faults(&self) -> Vec<Fault> {
        let names = Names::new(self.op, self.parameters.keys().map(String::as_str));
        let mut check = Check { names, faults: Vec::new() };
        for definition in &self.define {
            let per_group = definition.for_each.is_some();
            check.used(definition.value.variables(), &definition.value, per_group);
            if !check.names.define(&definition.name.text, per_group) {
                check.faults.push(definition.name.refuse("has a meaning already; choose another name"));
            }
        }
        for requirement in &self.requires {
            let per_group = requirement.for_each.is_some();
            check.used(requirement.expression.variables(), &requirement.expression, per_group);
            check.used(requirement.message.variables(), &requirement.message, per_group);
        }
        for tensor in &self.tensor {
            check.used(tensor.elements.variables(), &tensor.elements, false);
            check.faults.extend(tensor.faults(self.reference.is_some()));
        }
        for workspace in &self.workspace {
            check.used(workspace.bytes.variables(), &workspace.bytes, false);
        }
        for table in &self.table {
            for scalar in &table.row {
                check.used(scalar.value.variables(), &scalar.value, table.for_each.is_some());
            }
        }
        let buffers = self.buffers(&mut check);
        for launch in &self.launch {
            check.launch(launch, &buffers);
        }
        check.faults.sort_by_key(|fault| fault.offset);
        check.faults
    }

    /// The names of all buffers; a second one of a name is a fault.
    fn buffers(&self, check: &mut Check) -> Vec<&str> {
        let mut buffers: Vec<&str> = [self.op.inputs(), self.op.outputs()].concat();
        let tensors = self.tensor.iter().map(|tensor| &tensor.name);
        let workspaces = self.workspace.iter().map(|workspace| &workspace.name);
        for name in tensors.chain(workspaces).chain(self.table.iter().map(|table| &table.name)) {
            if buffers.contains(&name.text.as_str()) {
                check.faults.push(name.refuse("is the name of another buffer; choose another"));
            }
            buffers.push(&name.text);
        }
        buffers
    }
}

/// Collects faults against the names known so far.
struct Check {
    names: Names,
    faults: Vec<Fault>,
}

impl Check {
    /// Checks the variables that `place` uses.
    fn used(&mut self, variables: Result<Vec<String>, Fault>, place: &Text, per_group: bool) {
        match variables {
            Ok(used) => {
                let objections = used.iter().filter_map(|name| self.names.objection(name, per_group));
                self.faults.extend(objections.map(|objection| place.refuse(objection)));
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    fn launch(&mut self, launch: &LaunchTemplate, buffers: &[&str]) {
        let per_group = launch.for_each.is_some();
        if let Some(repeat) = &launch.repeat {
            self.used(repeat.variables(), repeat, per_group);
        }
        self.names.repeats(launch.repeat.is_some());
        self.used(launch.entry.variables(), &launch.entry, per_group);
        for expression in launch.grid.iter().chain(&launch.block).chain(&launch.shared_bytes) {
            self.used(expression.variables(), expression, per_group);
        }
        for argument in &launch.args {
            match argument {
                ArgumentTemplate::Scalar(scalar) => {
                    self.used(scalar.value.variables(), &scalar.value, per_group);
                }
                ArgumentTemplate::Buffer(name) if buffers.contains(&name.text.as_str()) => {}
                ArgumentTemplate::Buffer(name) => {
                    let near = suggestion(&name.text, buffers.iter().copied());
                    self.faults.push(
                        name.refuse(format_args!("is no buffer, there are {}{near}", buffers.join(", "))),
                    );
                }
            }
        }
        self.names.repeats(false);
    }
}

/// Reads TOML; the error has line and column, and names the nearest key for an unknown one.
pub(crate) fn parse_toml<T: de::DeserializeOwned>(file: &str, text: &str) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| {
        let message = error.message();
        let hint =
            unknown_and_known(message).map(|(unknown, known)| suggestion(unknown, known)).unwrap_or_default();
        let message = format!("{}{hint}", message.replace('\n', ", "));
        match error.span() {
            Some(span) => FileError::at(file, text, span.start, message),
            None => FileError::whole(file, message),
        }
    })
}

/// The names in serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_and_known(message: &str) -> Option<(&str, Vec<&str>)> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = quoted.split_first()?;
    message.starts_with("unknown ").then(|| (*unknown, known.to_vec()))
}

/// A value given by its name: an op, a dtype.
pub(crate) fn word<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    /// Parses within the visit, which is what gives an error its place.
    struct Visitor<T>(PhantomData<T>);
    impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for Visitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name in quotes")
        }
        fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
            name.parse().map_err(de::Error::custom)
        }
    }
    deserializer.deserialize_str(Visitor(PhantomData))
}

/// A list that is there, and is not empty.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    at_least_one(deserializer).map(Some)
}

/// A list that is not empty.
fn at_least_one<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(de::Error::custom("the list is empty; give at least one"));
    }
    Ok(list)
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ArgumentTemplate::deserialize(deserializer)? {
            ArgumentTemplate::Scalar(scalar) => Ok(scalar),
            ArgumentTemplate::Buffer(name) => Err(de::Error::custom(format_args!(
                "'{}' has no type, a table holds scalars such as {{ u32 = \"seq_len\" }}",
                name.text
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for ArgumentTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Untagged>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(match spanned.into_inner() {
            Untagged::Name(text) => Self::Buffer(Text { text, span }),
            Untagged::Scalar(scalar) => Self::Scalar(scalar),
        })
    }
}

/// An [`ArgumentTemplate`] without its place.
enum Untagged {
    Name(String),
    Scalar(Scalar),
}

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Untagged;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a buffer or one typed scalar such as { u32 = \"seq_len\" }")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Untagged, E> {
                Ok(Untagged::Name(name.to_owned()))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Untagged, A::Error> {
                let (kind, value) = map
                    .next_entry::<ScalarKind, Expression>()?
                    .ok_or_else(|| de::Error::invalid_length(0, &self))?;
                match map.next_key::<ScalarKind>()? {
                    None => Ok(Untagged::Scalar(Scalar { kind, value })),
                    Some(_) => Err(de::Error::invalid_length(2, &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
op = "dilated-attention"
summary = "a test"
dtypes = ["f32"]
head_dims = [32, 64]

[[requires]]
for_each = "group"
expression = "seq_len % group.segment_length == 0"
message = "seq_len {{ seq_len }} is not a multiple of {{ group.segment_length }}"

[[define]]
name = "blocks"
for_each = "group"
value = "ceil_div(group.kept, 64)"

[[workspace]]
name = "scores"
bytes = "seq_len * 4"

[[table]]
name = "groups_table"
for_each = "group"
row = [{ u32 = "group.blocks" }]

[[launch]]
entry = "k_{{ dtype }}"
grid = ["groups | sum(attribute='blocks')", 1, 1]
block = [128, 1, 1]
args = ["q", "out", "scores", "groups_table", { u32 = "seq_len" }]
"#;

    fn errors(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from:?} is not in the good manifest");
        let errors = Manifest::parse("kernel.toml", &GOOD.replacen(from, to, 1)).unwrap_err();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_good_manifest_is_taken() {
        let manifest = Manifest::parse("kernel.toml", GOOD).unwrap();
        assert_eq!(manifest.op, Op::DilatedAttention);
        assert_eq!(manifest.launch[0].args.len(), 5);
    }

    #[test]
    fn mistakes_have_line_column_and_remedy() {
        insta::assert_snapshot!(errors("summary", "sumary"), @"kernel.toml:3:1: unknown field `sumary`, expected one of `op`, `summary`, `description`, `sources`, `dtypes`, `head_dims`, `parameters`, `reference`, `tensor`, `requires`, `define`, `workspace`, `table`, `launch`; did you mean 'summary'?");
        insta::assert_snapshot!(errors("op = \"dilated-attention\"", "op = \"dilated-atention\""), @"kernel.toml:2:6: unknown op 'dilated-atention', there are attention, dilated-attention, multihead-dilated-attention, block-sparse-dilated-attention, block-sparse-multihead-dilated-attention, custom; did you mean 'dilated-attention'?");
        insta::assert_snapshot!(errors("[\"f32\"]", "[\"f31\"]"), @"kernel.toml:4:11: 'f31' is not a dtype; expected f32, f16, bf16");
        insta::assert_snapshot!(errors("grid = [\"groups | sum(attribute='blocks')\", 1, 1]", "grid = [1, 1]"), @"kernel.toml:28:8: invalid length 2, expected an array of length 3");
        insta::assert_snapshot!(errors("{ u32 = \"seq_len\" }", "{ u33 = \"seq_len\" }"), @"kernel.toml:30:49: unknown variant `u33`, expected one of `u8`, `u16`, `u32`, `s32`, `u64`, `s64`, `f32`, `f64`; did you mean 'u32'?");
        insta::assert_snapshot!(errors("\"scores\", ", "\"scorse\", "), @"kernel.toml:30:21: `scorse` is no buffer, there are q, k, v, out, scores, groups_table; did you mean 'scores'?");
        insta::assert_snapshot!(errors("\"seq_len * 4\"", "\"seq_len * \""), @"kernel.toml:19:18: `seq_len * `: unexpected end of input, expected expression");
        insta::assert_snapshot!(errors("\"seq_len * 4\"", "\"seqlen * group.kept\""), @r#"
        kernel.toml:19:9: `seqlen * group.kept` uses `group`; add for_each = "group"
        kernel.toml:19:9: `seqlen * group.kept` uses the unknown variable `seqlen`; did you mean 'seq_len'?
        "#);
        insta::assert_snapshot!(errors("ceil_div(group.kept", "ceil_div(group.keept"), @"kernel.toml:15:9: `ceil_div(group.keept, 64)` uses the unknown `group.keept`; did you mean 'kept'?");
        insta::assert_snapshot!(errors("name = \"blocks\"", "name = \"kept\""), @r"
        kernel.toml:13:8: `kept` has a meaning already; choose another name
        kernel.toml:24:16: `group.blocks` uses the unknown `group.blocks`
        ");
        insta::assert_snapshot!(errors("name = \"scores\"", "name = \"out\""), @r"
        kernel.toml:18:8: `out` is the name of another buffer; choose another
        kernel.toml:30:21: `scores` is no buffer, there are q, k, v, out, out, groups_table
        ");
        insta::assert_snapshot!(errors("[{ u32 = \"group.blocks\" }]", "[\"q\"]"), @r#"kernel.toml:24:7: 'q' has no type, a table holds scalars such as { u32 = "seq_len" }"#);
        insta::assert_snapshot!(errors("{ u32 = \"seq_len\" }", "{ u32 = \"step\" }"), @"kernel.toml:30:55: `step` uses `step`; add repeat = the number of steps");
        insta::assert_snapshot!(errors("head_dims = [32, 64]", "head_dims = []"), @"kernel.toml: `head_dims` is missing or empty; op dilated-attention needs at least one");
        insta::assert_snapshot!(errors("head_dims = [", "head_dims ["), @"kernel.toml:5:11: key with no value, expected `=`");
        insta::assert_snapshot!(errors("for_each = \"group\"", "for_each = \"head\""), @"kernel.toml:8:12: unknown variant `head`, expected `group`");
        insta::assert_snapshot!(errors("k_{{ dtype }}", "k_{{ dtype "), @"kernel.toml:27:15: `k_{{ dtype `: unexpected end of input, expected end of variable block");
    }
}
