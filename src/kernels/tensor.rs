//! Tensors that a manifest declares itself, where no op of pipe's fits: `op = "custom"`.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use pipe_model::Dtype;
use serde::Deserialize;

use crate::{
    PlanError,
    expression::{Expression, Fault, Text},
    manifest::word,
    near::suggestion,
};

/// An element type of device memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are PTX's own type names")]
pub enum Element {
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    /// Every element type.
    pub const ALL: &[Element] = &[
        Element::U8,
        Element::S8,
        Element::U16,
        Element::S16,
        Element::U32,
        Element::S32,
        Element::U64,
        Element::S64,
        Element::F16,
        Element::Bf16,
        Element::F32,
        Element::F64,
    ];

    /// The name a manifest uses, PTX's own.
    pub const fn as_str(self) -> &'static str {
        match self {
            Element::U8 => "u8",
            Element::S8 => "s8",
            Element::U16 => "u16",
            Element::S16 => "s16",
            Element::U32 => "u32",
            Element::S32 => "s32",
            Element::U64 => "u64",
            Element::S64 => "s64",
            Element::F16 => "f16",
            Element::Bf16 => "bf16",
            Element::F32 => "f32",
            Element::F64 => "f64",
        }
    }

    /// Bytes.
    pub const fn size(self) -> u64 {
        match self {
            Element::U8 | Element::S8 => 1,
            Element::U16 | Element::S16 | Element::F16 | Element::Bf16 => 2,
            Element::U32 | Element::S32 | Element::F32 => 4,
            Element::U64 | Element::S64 | Element::F64 => 8,
        }
    }

    /// Whether results are rounded, so that a right one may differ from another.
    pub const fn is_float(self) -> bool {
        matches!(self, Element::F16 | Element::Bf16 | Element::F32 | Element::F64)
    }
}

impl From<Dtype> for Element {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Element::F32,
            Dtype::F16 => Element::F16,
            Dtype::Bf16 => Element::Bf16,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Element {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Element::ALL.iter().map(|element| element.as_str());
        Element::ALL.iter().copied().find(|element| element.as_str() == text).ok_or_else(|| {
            let known = names().collect::<Vec<_>>().join(", ");
            format!("unknown element type '{text}', there are {known}{}", suggestion(text, names()))
        })
    }
}

/// What kernels do with a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TensorRole {
    /// They read it.
    Input,
    /// They write all of it.
    Output,
    /// They read and write it: it has content before the first launch, and is checked after the last.
    Inout,
}

impl TensorRole {
    /// The name a manifest uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            TensorRole::Input => "input",
            TensorRole::Output => "output",
            TensorRole::Inout => "inout",
        }
    }
}

/// What a tensor holds before the first launch.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Numbers that look random and are the same everywhere: in [-1, 1), or 0 to 255 for integers.
    Uniform,
    /// Zeros.
    Zero,
    /// Ones.
    One,
    /// Each element is its own index.
    Index,
    /// A `.npy` file.
    File(DataFile),
}

/// A file beside the manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// As a message should name it.
    pub name: String,
    /// Its bytes.
    pub content: Arc<[u8]>,
}

/// A tensor of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// As the manifest calls it.
    pub name: String,
    /// What kernels do with it.
    pub role: TensorRole,
    /// Element type.
    pub element: Element,
    /// How many elements; at least one.
    pub elements: u64,
    /// What it holds before the first launch, unless it is an output.
    pub content: Content,
    /// What an output must hold after the last launch; `None` where the manifest's `reference` says.
    pub expected: Option<DataFile>,
    /// The largest relative error of a right output; `None` where the element type decides.
    pub bound: Option<f64>,
}

/// A `[[tensor]]` of a manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TensorDeclaration {
    pub(crate) name: Text,
    pub(crate) role: TensorRole,
    #[serde(deserialize_with = "word")]
    pub(crate) element: Element,
    pub(crate) elements: Expression,
    #[serde(default)]
    pub(crate) content: Option<Text>,
    #[serde(default)]
    pub(crate) expected: Option<Text>,
    #[serde(default)]
    pub(crate) bound: Option<f64>,
}

impl TensorDeclaration {
    /// The files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Text> {
        let content = self.content.iter().filter(|content| is_file(&content.text));
        content.chain(&self.expected)
    }
}

/// Whether `content` names a file rather than a pattern.
fn is_file(content: &str) -> bool {
    content.ends_with(".npy")
}

/// The contents that are no file.
const PATTERNS: [&str; 4] = ["uniform", "zero", "one", "index"];

impl TensorDeclaration {
    /// The tensor with its size and its files, which are among `data` since the manifest was read.
    pub(crate) fn resolve(
        &self,
        elements: u64,
        data: &BTreeMap<String, DataFile>,
    ) -> Result<Tensor, PlanError> {
        let file = |name: &Text| {
            let missing = || PlanError::case(&self.name.text, format!("there is no {}", name.text));
            data.get(&name.text).cloned().ok_or_else(missing)
        };
        let content = match &self.content {
            None => Content::Uniform,
            Some(text) => match text.text.as_str() {
                "uniform" => Content::Uniform,
                "zero" => Content::Zero,
                "one" => Content::One,
                "index" => Content::Index,
                _ => Content::File(file(text)?),
            },
        };
        Ok(Tensor {
            name: self.name.text.clone(),
            role: self.role,
            element: self.element,
            elements,
            content,
            expected: self.expected.as_ref().map(file).transpose()?,
            bound: self.bound,
        })
    }

    /// What is wrong with it, the names of tensors aside.
    pub(crate) fn faults(&self, has_reference: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_output = self.role != TensorRole::Input;
        match &self.content {
            Some(content) if self.role == TensorRole::Output => {
                faults
                    .push(content.refuse("is the content of an output, which has none; make its role inout"));
            }
            Some(content) if !is_file(&content.text) && !PATTERNS.contains(&content.text.as_str()) => {
                let near = suggestion(&content.text, PATTERNS);
                let known = PATTERNS.join(", ");
                faults.push(
                    content.refuse(format_args!("is no content, there are {known} and .npy files{near}")),
                );
            }
            _ => {}
        }
        match &self.expected {
            Some(expected) if !is_output => {
                faults.push(expected.refuse("is expected of an input, which is only read"))
            }
            Some(expected) if !is_file(&expected.text) => {
                faults.push(expected.refuse("is no .npy file; give one that lies beside the manifest"));
            }
            None if is_output && !has_reference => {
                let what = "is an output that nothing checks; give expected = \"<file>.npy\", or reference = \"<implementation>\" above";
                faults.push(self.name.refuse(what));
            }
            _ => {}
        }
        faults
    }
}
