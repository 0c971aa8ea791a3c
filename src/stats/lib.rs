//! Statistics of samples: pure functions on slices of numbers.
//!
//! No Arrow, no I/O, no randomness. SQL functions, reports and the runner all call these, so that they agree.
//! A sample is never silently dropped: where one is NaN or infinite, the whole answer is `None`.
#![forbid(unsafe_code)]

mod interval;
mod mean;
mod quantile;
mod summary;
mod trend;

pub use interval::{MedianInterval, median_interval};
pub use mean::{geometric_mean, mean};
pub use quantile::{median, quantile, sorted};
pub use summary::Summary;
pub use trend::Trend;
