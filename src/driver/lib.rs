//! The CUDA driver API that `cust` links against.
//!
//! ```text
//! cust ──cu…()──> front ──┬──> forward ──> NVIDIA's libcuda.so.1        where that has a device
//!                         └──> edge ──> embedded ──> pipe-simt           everywhere else
//! ```
//!
//! [`symbols`] is the one table of functions. `front` defines and exports each of them; the first call
//! decides in `backend` who answers them all, from then on. `use pipe_driver as _;` is enough to link a
//! program that uses `cust`.
//!
//! Rust callers say before the first call what they want ([`configure`]), ask what they got ([`backend`]),
//! and learn of the embedded device what the C API has no place for: exact counts and the words behind an
//! error ([`embedded`]).

pub mod abi;
mod backend;
mod edge;
pub mod embedded;
mod entry_points;
mod forward;
pub mod front;
pub mod symbols;

pub use backend::{
    AlreadyStarted, Backend, Choice, Config, NoCuda, Sanitize, Unavailable, backend, configure,
};
