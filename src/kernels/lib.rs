//! Kernels as data: finds implementations and benchmark types, and resolves their launches for a case.
//!
//! An implementation is a folder with `kernel.ptx`, hand-written PTX, and `kernel.toml`, a manifest that says which op it
//! computes and how it is launched; the manifest may name the PTX of other implementations beside its own or instead. A benchmark type is one file, `types/<type>.toml`. A [`Library`] holds those that
//! the binary carries, overlaid by a repository's own `kernels-ptx` folder or by that folder as a commit has it,
//! read from git's object database. [`Implementation::plan`] turns a [`pipe_model::Case`] into a [`Plan`]: buffers and
//! launches with every number resolved.
//!
//! The manifest's keys are described in `kernels-ptx/README.md`.
#![forbid(unsafe_code)]

pub mod adopt;
mod benchmark;
mod error;
mod expression;
mod gpu;
mod groups;
mod implementation;
mod library;
mod manifest;
mod near;
mod op;
mod plan;
mod scope;
mod source;
mod sparsity;
mod tensor;

pub use benchmark::{
    BenchmarkSpec, CaseGrid, GroupList, MetricSelection, Overrides, ParameterAxis, Procedure, Profile,
    Selection, TraceGrid, TraceKind,
};
pub use error::{Broken, FileError, LibraryError, LookupError, PlanError};
pub use gpu::{Gpu, Limits, Memory, TensorThroughput, Throughput};
pub use groups::{Group, groups};
pub use implementation::Implementation;
pub use library::Library;
pub use op::Op;
pub use plan::{Argument, Buffer, Launch, Plan, Role};
pub use source::{Origin, Source};
pub use sparsity::{Pattern, Sparsity, Visible};
pub use tensor::{Content, DataFile, Element, Tensor, TensorRole};
