//! Statistics of samples: pure functions on slices of numbers.
//!
//! No Arrow, no I/O, and no randomness that a caller could see: what resamples is seeded, so that the same samples give the
//! same answer. SQL functions, reports and commands all call these, so that they agree. A sample is never silently dropped:
//! where one is NaN or infinite, the whole answer is `None`.
//!
//! What is exact (a count) needs none of this: two counts are the same or they are not.
#![forbid(unsafe_code)]

pub mod change_points;
mod comparison;
mod interval;
mod mann_whitney;
mod mean;
mod multiple;
mod quantile;
mod ratio;
mod shift;
mod spread;
mod summary;
mod trend;

pub use comparison::{ALPHA, Comparison, decide, decide_exact};
pub use interval::{MedianInterval, median_interval};
pub use mann_whitney::{MannWhitney, mann_whitney};
pub use mean::{geometric_mean, mean};
pub use multiple::benjamini_hochberg;
pub use quantile::{median, quantile, sorted};
pub use ratio::{RatioInterval, ratio_interval};
pub use shift::hodges_lehmann;
pub use spread::{median_absolute_deviation, noise_of_differences, robust_std_dev};
pub use summary::Summary;
pub use trend::Trend;
