//! Writes the manifest, and the benchmark type of an op of its own.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use pipe_model::Dtype;
use toml::Value;

use super::{AdoptError, Answers, Check, Entry, Param, ParamKind, Question, Subject, TensorAnswer, entries};
use crate::{
    Element, Implementation, Op, Origin, Source, TensorRole,
    source::{File, Folder},
};

/// The files that make a PTX file an implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// `kernel.toml`
    pub manifest: String,
    /// `types/<name>.toml`, where the op is its own.
    pub benchmark_type: Option<String>,
}

/// Writes what `answers` and `ptx`, the content of `file`, say; `data` are the files that the answers name.
///
/// # Errors
/// The text is no PTX, has no such entry, an answer is about nothing that is there, or questions are open: all of them at once.
pub fn adopt(
    file: &str,
    ptx: &str,
    answers: &Answers,
    data: &BTreeMap<String, Vec<u8>>,
) -> Result<Adopted, AdoptError> {
    let module =
        pipe_ptx::parse(ptx).map_err(|diagnostics| AdoptError::Unreadable(diagnostics.render(file, ptx)))?;
    let entries = entries(&module);
    let entry = match (&answers.entry, entries.as_slice()) {
        (_, []) => return Err(AdoptError::NoEntry),
        (None, [only]) => only,
        (Some(name), all) => all.iter().find(|entry| entry.name == *name).ok_or_else(|| {
            AdoptError::UnknownEntry { name: name.clone(), known: names(all.iter().map(|e| &e.name)) }
        })?,
        (None, all) => {
            let known = names(all.iter().map(|entry| &entry.name));
            let what = format!("which entry is launched: {}", known.join(", "));
            let example = known.first().cloned().unwrap_or_default();
            return Err(AdoptError::Open(vec![Question { subject: Subject::Entry, what, example }]));
        }
    };
    let draft = Draft { file, entry, answers, op: answers.op.unwrap_or(Op::Custom) };
    draft.refuse_unknown()?;
    let questions = draft.questions();
    if !questions.is_empty() {
        return Err(AdoptError::Open(questions));
    }
    let manifest = draft.manifest();
    let of = |name: &str, content: &[u8]| File { name: name.to_owned(), content: Ok(content.to_vec()) };
    let folder = Folder {
        name: answers.name.clone(),
        manifest: Some(of("the manifest", manifest.as_bytes())),
        ptx: Some(of(file, ptx.as_bytes())),
        data: data.iter().map(|(name, content)| (name.clone(), of(name, content))).collect(),
    };
    let own = folder.ptx.iter().map(|file| (answers.name.clone(), Source::read(file).map(Arc::new)));
    Implementation::load(&answers.name, &folder, Origin::BuiltIn, &own.collect())
        .map_err(AdoptError::Wrong)?;
    Ok(Adopted { manifest, benchmark_type: (draft.op == Op::Custom).then(|| draft.benchmark_type()) })
}

struct Draft<'a> {
    file: &'a str,
    entry: &'a Entry,
    answers: &'a Answers,
    op: Op,
}

impl Draft<'_> {
    /// The tensor that a pointer points to.
    fn tensor<'p>(&'p self, param: &'p Param) -> &'p str {
        self.answers.args.get(&param.name).map_or(&param.name, String::as_str)
    }

    /// The pointers, with what lies there.
    fn pointers(&self) -> impl Iterator<Item = (&Param, Option<Element>, Option<TensorRole>)> {
        self.entry.params.iter().filter_map(|param| match param.kind {
            ParamKind::Pointer { element, is_read, is_written } => {
                let role = match (is_read, is_written) {
                    (true, false) => Some(TensorRole::Input),
                    (false, true) => Some(TensorRole::Output),
                    (true, true) => Some(TensorRole::Inout),
                    (false, false) => None,
                };
                Some((param, element, role))
            }
            _ => None,
        })
    }

    fn answer(&self, tensor: &str) -> TensorAnswer {
        self.answers.tensors.get(tensor).cloned().unwrap_or_default()
    }

    /// The tensors that are written, as far as it is known.
    fn outputs(&self) -> Vec<&str> {
        let written = self.pointers().filter(|(param, _, role)| {
            let role = self.answer(self.tensor(param)).role.or(*role);
            matches!(role, Some(TensorRole::Output | TensorRole::Inout))
        });
        written.map(|(param, ..)| self.tensor(param)).collect()
    }

    /// The file of what is right in an output: a file without a name is that of the only one.
    fn expected(&self, output: &str) -> Option<&str> {
        let Check::Files(files) = &self.answers.check else { return None };
        let unnamed = || files.get("").filter(|_| self.outputs().len() == 1);
        files.get(output).or_else(unnamed).map(String::as_str)
    }

    /// Answers about what is not there, and parameters that no manifest describes.
    fn refuse_unknown(&self) -> Result<(), AdoptError> {
        for param in &self.entry.params {
            if let ParamKind::Structure(bytes) = param.kind {
                return Err(AdoptError::Structure { name: param.name.clone(), bytes });
            }
        }
        let params = names(self.entry.params.iter().map(|param| &param.name));
        if let Some(name) = self.answers.args.keys().find(|name| !params.contains(name)) {
            return Err(AdoptError::Unknown { what: "parameter", name: name.clone(), known: params });
        }
        let tensors: Vec<String> = self.pointers().map(|(param, ..)| self.tensor(param).to_owned()).collect();
        let expected = match &self.answers.check {
            Check::Files(files) => files.keys().filter(|name| !name.is_empty()).collect(),
            _ => Vec::new(),
        };
        match self.answers.tensors.keys().chain(expected).find(|name| !tensors.contains(name)) {
            Some(name) => Err(AdoptError::Unknown { what: "tensor", name: name.clone(), known: tensors }),
            None => Ok(()),
        }
    }

    /// Everything that is not known yet.
    fn questions(&self) -> Vec<Question> {
        let answers = self.answers;
        let mut questions = Vec::new();
        let mut ask = |subject, what: String, example: &str| {
            questions.push(Question { subject, what, example: example.to_owned() });
        };
        let size = answers.sizes.first().map_or("n", |(name, _)| name.as_str());
        if self.op == Op::Custom {
            if answers.sizes.is_empty() {
                ask(
                    Subject::Size,
                    "a name for the problem's size, and values to measure".to_owned(),
                    "n=65536",
                );
            }
            for (param, element, role) in self.pointers() {
                let tensor = self.tensor(param);
                let answer = self.answer(tensor);
                let mut missing = Vec::new();
                let mut example = answer.elements.clone().unwrap_or_else(|| size.to_owned());
                if answer.elements.is_none() {
                    missing.push("how many elements it has");
                }
                if answer.element.or(element).is_none() {
                    missing.push("their type");
                    example.push_str(":f32");
                }
                if answer.role.or(role).is_none() {
                    missing.push("whether it is input, output or inout");
                    example.push_str(":input");
                }
                if !missing.is_empty() {
                    let what = format!("of what {} points to: {}", param.name, missing.join(", "));
                    ask(Subject::Tensor(tensor.to_owned()), what, &format!("{tensor}={example}"));
                }
            }
        } else {
            if answers.dtypes.is_empty() {
                ask(Subject::Dtype, "the element types it is for".to_owned(), "f32");
            }
            if answers.head_dims.is_empty() {
                ask(Subject::HeadDim, "the head dimensions it is for".to_owned(), "64");
            }
            let own = [self.op.inputs(), self.op.outputs()].concat();
            for (param, ..) in self.pointers().filter(|(param, ..)| !own.contains(&self.tensor(param))) {
                let what = format!("which tensor {} points to: {}", param.name, own.join(", "));
                ask(Subject::Arg(param.name.clone()), what, &format!("{}={}", param.name, own.join("|")));
            }
        }
        for param in &self.entry.params {
            if let ParamKind::Scalar(element) = param.kind
                && self.value(param).is_none()
            {
                let what = format!("the value of {} ({element})", param.name);
                let example = if element.is_float() { "1.0" } else { size };
                ask(Subject::Arg(param.name.clone()), what, &format!("{}={example}", param.name));
            }
        }
        if answers.block.is_empty() && self.entry.block.is_none() {
            let limit = self.entry.largest_block.map(|[x, y, z]| format!(", {x} x {y} x {z} at most"));
            let what = format!("threads of a block{}", limit.unwrap_or_default());
            let example = self.entry.largest_block.map_or("256".to_owned(), |[x, ..]| x.to_string());
            ask(Subject::Block, what, &example);
        }
        if answers.grid.is_empty() {
            let block = answers.block.first().cloned();
            let block =
                block.or_else(|| self.entry.block.or(self.entry.largest_block).map(|[x, ..]| x.to_string()));
            let block = block.unwrap_or_else(|| "256".to_owned());
            let size = if self.op == Op::Custom { size } else { "seq_len" };
            ask(Subject::Grid, "blocks of the grid".to_owned(), &format!("ceil_div({size}, {block})"));
        }
        if self.op == Op::Custom {
            let outputs = self.outputs();
            match &answers.check {
                Check::Nothing => {
                    let what = "what the outputs are held against: an implementation, or a .npy or Parquet file of what is right";
                    let example = match outputs.as_slice() {
                        [first, _, ..] => format!("{first}=expected.npy"),
                        _ => "expected.npy".to_owned(),
                    };
                    ask(Subject::Check, what.to_owned(), &example);
                }
                Check::Reference(_) => {}
                Check::Files(_) => {
                    for name in outputs.iter().filter(|name| self.expected(name).is_none()) {
                        let what = format!("a .npy or Parquet file of what is right in {name}");
                        ask(Subject::Check, what, &format!("{name}=expected.npy"));
                    }
                }
            }
        }
        questions
    }

    /// The expression for a number: what was answered, or the size of the same name.
    fn value(&self, param: &Param) -> Option<String> {
        let answered = self.answers.args.get(&param.name).cloned();
        let is_size = self.answers.sizes.iter().any(|(name, _)| *name == param.name);
        let is_variable = self.op != Op::Custom
            && matches!(param.name.as_str(), "batch_size" | "seq_len" | "num_heads" | "head_dim" | "causal");
        answered.or_else(|| (is_size || is_variable).then(|| param.name.clone()))
    }

    fn manifest(&self) -> String {
        let answers = self.answers;
        let mut text = String::new();
        let mut line = |content: String| {
            text.push_str(&content);
            text.push('\n');
        };
        line(format!("op = {}", quoted(self.op.as_str())));
        line(format!("summary = {}", quoted(&format!("`{}` of {}", self.entry.name, self.file))));
        if self.op == Op::Custom {
            let sizes = answers.sizes.iter().filter_map(|(name, values)| Some((name, values.first()?)));
            let sizes: Vec<String> = sizes.map(|(name, value)| format!("{name} = {value}")).collect();
            line(format!("parameters = {{ {} }}", sizes.join(", ")));
            if let Check::Reference(reference) = &answers.check {
                line(format!("reference = {}", quoted(reference)));
            }
        } else {
            let dtypes: Vec<String> =
                answers.dtypes.iter().map(|dtype: &Dtype| quoted(dtype.as_str())).collect();
            line(format!("dtypes = [{}]", dtypes.join(", ")));
            line(format!("head_dims = {:?}", answers.head_dims));
        }
        for (param, element, role) in self.pointers().filter(|_| self.op == Op::Custom) {
            let name = self.tensor(param);
            let answer = self.answer(name);
            let role = answer.role.or(role).unwrap_or(TensorRole::Input);
            line("\n[[tensor]]".to_owned());
            line(format!("name = {}", quoted(name)));
            line(format!("role = {}", quoted(role.as_str())));
            line(format!(
                "element = {}",
                quoted(answer.element.or(element).unwrap_or(Element::F32).as_str())
            ));
            line(format!("elements = {}", expression(&answer.elements.unwrap_or_default())));
            if role != TensorRole::Output {
                line(format!("content = {}", quoted(answer.content.as_deref().unwrap_or("uniform"))));
            }
            if role != TensorRole::Input {
                if let Some(file) = self.expected(name) {
                    line(format!("expected = {}", quoted(file)));
                }
                if let Some(bound) = answers.bound {
                    line(format!("bound = {bound:?}"));
                }
            }
        }
        line("\n[[launch]]".to_owned());
        line(format!("entry = {}", quoted(&self.entry.name)));
        line(format!("grid = {}", dimensions(&answers.grid, None)));
        line(format!("block = {}", dimensions(&answers.block, self.entry.block)));
        if let Some(bytes) = &answers.shared_bytes {
            line(format!("shared_bytes = {}", expression(bytes)));
        }
        line("args = [".to_owned());
        for param in &self.entry.params {
            let argument = match param.kind {
                ParamKind::Scalar(element) => {
                    let kind = scalar(element);
                    format!("{{ {kind} = {} }}", expression(&self.value(param).unwrap_or_default()))
                }
                _ => quoted(self.tensor(param)),
            };
            line(format!("    {argument},"));
        }
        line("]".to_owned());
        text
    }

    /// Every profile takes every size but `quick`, which takes the first.
    fn benchmark_type(&self) -> String {
        let Answers { name, sizes, .. } = self.answers;
        let mut text = String::new();
        let _ =
            writeln!(text, "description = {}", quoted(&format!("`{}` of {}", self.entry.name, self.file)));
        let mut implementations = vec![quoted(name)];
        if let Check::Reference(reference) = &self.answers.check {
            implementations.push(quoted(reference));
        }
        let _ = writeln!(text, "implementations = [{}]", implementations.join(", "));
        for profile in ["quick", "standard", "full"] {
            let axes = sizes.iter().map(|(name, values)| {
                let values = if profile == "quick" { values.get(..1).unwrap_or_default() } else { values };
                format!("{name} = {values:?}")
            });
            let axes: Vec<String> = axes.collect();
            let _ = writeln!(text, "\n[[{profile}]]\nparameters = {{ {} }}", axes.join(", "));
        }
        text
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.cloned().collect()
}

/// A TOML string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An integer as it is, anything else as a string.
fn expression(text: &str) -> String {
    if text.parse::<u64>().is_ok() { text.to_owned() } else { quoted(text) }
}

/// Three expressions; what is left out is 1.
fn dimensions(given: &[String], otherwise: Option<[u32; 3]>) -> String {
    let mut all: Vec<String> = match (given, otherwise) {
        ([], Some(otherwise)) => otherwise.iter().map(u32::to_string).collect(),
        (given, _) => given.iter().map(|text| expression(text)).collect(),
    };
    all.resize(3, "1".to_owned());
    format!("[{}]", all.join(", "))
}

/// The type of an argument; what is narrower than a manifest's types goes by its width.
fn scalar(element: Element) -> &'static str {
    match element {
        Element::U8 | Element::S8 => "u8",
        Element::U16 | Element::S16 | Element::F16 | Element::Bf16 => "u16",
        other => other.as_str(),
    }
}
