//! The runner on the embedded device: one process, one device a test, kernels of the tests' own and pipe's.
#![allow(missing_docs)]

mod agreement;
mod counts;
mod failures;
mod oracle;
mod runs;
mod support;
