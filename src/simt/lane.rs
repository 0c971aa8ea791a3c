//! What one lane computes: pure functions on scalars, branch-free where they are hot, so that a loop over them becomes
//! vector code.
//!
//! NaN results of single and half precision are PTX's canonical ones; double precision passes payloads through.

pub(crate) mod approx;
pub(crate) mod convert;
mod exact;
pub(crate) mod float;
pub(crate) mod half;
pub(crate) mod int;
pub(crate) mod round;
pub(crate) mod small;
pub(crate) mod video;
