//! How a message suggests the name that was meant.

use pipe_model::near;

/// `; did you mean 'x'?`, or nothing.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    near(name, known).first().map(|nearest| format!("; did you mean '{nearest}'?")).unwrap_or_default()
}
