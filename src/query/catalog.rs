//! Makes the tables that a statement names, when it names them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use datafusion::{
    catalog::{SchemaProvider, TableProvider, view::ViewTable},
    error::Result,
    execution::{SessionState, context::SessionContext},
    logical_expr::LogicalPlan,
    sql::parser::Statement,
};

use crate::{
    error::external,
    facts::Facts,
    sql::{self, Text},
    tables::{self, Commits, Measurements, Source, SummarisedRuns, accepted_changes},
};

/// The session's schema.
pub(crate) struct Catalog {
    facts: Arc<Facts>,
    /// What plans the views. It is the state that holds this catalog, so it must not be held in turn.
    state: OnceLock<Box<dyn Fn() -> Option<SessionState> + Send + Sync>>,
}

impl Catalog {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts, state: OnceLock::new() }
    }

    /// Lets the views be planned by `context`.
    pub(crate) fn plan_views_with(&self, context: &SessionContext) {
        let state = context.state_weak_ref();
        // A catalog belongs to one session; a second one would find the first in place.
        let _ = self.state.set(Box::new(move || state.upgrade().map(|state| state.read().clone())));
    }

    /// Plans a statement over other tables.
    async fn plan(&self, text: &str) -> Result<LogicalPlan> {
        let state = self.state.get().and_then(|state| state());
        let state =
            state.ok_or_else(|| datafusion::common::internal_datafusion_err!("the session has ended"))?;
        let statement: Statement = sql::parse(Text::typed(text)).map_err(external)?;
        state.statement_to_plan(statement).await
    }
}

#[async_trait]
impl SchemaProvider for Catalog {
    fn table_names(&self) -> Vec<String> {
        tables::ALL.iter().map(|table| table.name.to_owned()).collect()
    }

    fn table_exist(&self, name: &str) -> bool {
        tables::table(name).is_some()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = tables::table(name) else { return Ok(None) };
        let facts = || Arc::clone(&self.facts);
        Ok(Some(match table.source {
            Source::Measurements => Arc::new(Measurements::new(facts())),
            Source::OtherMeasurements => Arc::new(Measurements::not_summarised(facts())),
            Source::SummarisedRuns => Arc::new(SummarisedRuns::new(facts())),
            Source::Commits(of_runs) => Arc::new(Commits::new(facts(), self.plan(of_runs).await?)),
            Source::AcceptedChanges => Arc::new(accepted_changes::read(self.facts.baselines())?),
            Source::View(text) => Arc::new(ViewTable::new(self.plan(text).await?, Some(text.to_owned()))),
        }))
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("facts", &self.facts).finish_non_exhaustive()
    }
}
