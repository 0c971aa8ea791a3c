//! The dashboard: the state of a history on one screen.
//!
//! [`Dashboard::read`] asks named queries (`dashboard-*`, `regressions`, `stale`), so that whoever runs them sees the same
//! numbers; [`Dashboard::render`] words the answers for a terminal of some width, or for a pipe. Nothing is printed here.
#![forbid(unsafe_code)]

mod error;
mod model;
mod render;
mod section;

pub use error::DashboardError;
pub use model::{CommitState, Dashboard, Regression, RunState, Scope, Stale, Trend, TypeState};
pub use render::Look;
