//! Adoption: an existing PTX file becomes an implementation, unchanged. What its text tells is read from it, the rest is
//! asked for.

mod entry;
mod write;

use std::collections::BTreeMap;

use pipe_model::{Dtype, near};

use crate::{Broken, Element, Op, TensorRole};

pub use self::{
    entry::{Entry, Param, ParamKind, entries},
    write::{Adopted, adopt},
};

/// What the PTX does not tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// The implementation's name.
    pub name: String,
    /// Which entry is launched; not needed where there is one.
    pub entry: Option<String>,
    /// What it computes; `None` for an op of its own.
    pub op: Option<Op>,
    /// Element types that it is for, under an op of pipe's.
    pub dtypes: Vec<Dtype>,
    /// Head dimensions that it is for, likewise.
    pub head_dims: Vec<u64>,
    /// Names for sizes with the values to measure, the first for everyday use.
    pub sizes: Vec<(String, Vec<u64>)>,
    /// Blocks along x, y and z, as expressions; what is left out is 1.
    pub grid: Vec<String>,
    /// Threads of a block, likewise.
    pub block: Vec<String>,
    /// Dynamic shared memory of a block, in bytes.
    pub shared_bytes: Option<String>,
    /// By parameter: the tensor or workspace that a pointer points to, the value of a number.
    pub args: BTreeMap<String, String>,
    /// What is known of tensors, by name.
    pub tensors: BTreeMap<String, TensorAnswer>,
    /// What the outputs are held against, where no op says it.
    pub check: Check,
    /// The largest relative error of a right output; `None` where the element type decides.
    pub bound: Option<f64>,
}

/// What the PTX does not tell of a tensor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorAnswer {
    /// How many elements, as an expression.
    pub elements: Option<String>,
    /// Instead of the type that the instructions tell.
    pub element: Option<Element>,
    /// Instead of the role that the instructions tell.
    pub role: Option<TensorRole>,
    /// `uniform`, `zero`, `one`, `index`, or the name of a `.npy` file.
    pub content: Option<String>,
}

/// What outputs are held against.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Check {
    /// Nothing is known yet.
    #[default]
    Nothing,
    /// What this implementation gives.
    Reference(String),
    /// `.npy` files beside the manifest, by output; under `""` that of the only one.
    Files(BTreeMap<String, String>),
}

/// Something that must be answered first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked about.
    pub subject: Subject,
    /// What the answer is.
    pub what: String,
    /// An answer that may serve.
    pub example: String,
}

/// What a [`Question`] is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// [`Answers::entry`]
    Entry,
    /// [`Answers::sizes`]
    Size,
    /// [`Answers::grid`]
    Grid,
    /// [`Answers::block`]
    Block,
    /// [`Answers::args`] of the parameter.
    Arg(String),
    /// [`Answers::tensors`] of the tensor.
    Tensor(String),
    /// [`Answers::check`]
    Check,
    /// [`Answers::dtypes`]
    Dtype,
    /// [`Answers::head_dims`]
    HeadDim,
}

/// Why a file is not adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The text is no PTX; every error with its place.
    #[error("{0}")]
    Unreadable(String),
    /// There is nothing to launch.
    #[error("there is no entry in it; PTX of kernels has .entry functions")]
    NoEntry,
    /// The entry asked for is not there.
    #[error("there is no entry '{name}' in it, there are {}{}", known.join(", "), hint(name, known))]
    UnknownEntry {
        /// As asked for.
        name: String,
        /// All there are.
        known: Vec<String>,
    },
    /// A parameter or a tensor that was answered for is not there.
    #[error("there is no {what} '{name}', there are {}{}", known.join(", "), hint(name, known))]
    Unknown {
        /// `parameter` or `tensor`.
        what: &'static str,
        /// As given.
        name: String,
        /// All there are.
        known: Vec<String>,
    },
    /// A parameter that no manifest can describe.
    #[error(
        "parameter '{name}' is a structure of {bytes} bytes, which a manifest cannot describe; pass its members one by one"
    )]
    Structure {
        /// Of the parameter.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// Questions are open.
    #[error("more has to be known")]
    Open(Vec<Question>),
    /// The answers make no manifest.
    #[error("{0}")]
    Wrong(Broken),
}

fn hint(name: &str, known: &[String]) -> String {
    match near(name, known.iter().map(String::as_str)).first() {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None => String::new(),
    }
}
