//! What can go wrong on the way to a dashboard.

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// A query failed.
    #[error("the query '{query}' failed: {source}")]
    Query {
        /// The named query.
        query: &'static str,
        /// What the query engine said.
        source: Box<pipe_query::Error>,
    },
    /// A query of the user's own, laid over a built-in one, answers with other columns.
    #[error("the query '{query}' does not answer with the columns of the built-in one: {source}")]
    Columns {
        /// The named query.
        query: &'static str,
        /// Which column is missing or of another type.
        source: serde_json::Error,
    },
}
