//! Makes the tables that a statement names, when it names them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, SchemaProvider, TableProvider, view::ViewTable},
    error::Result,
    execution::{SessionState, context::SessionContext},
    logical_expr::LogicalPlan,
    prelude::DataFrame,
};

use crate::{
    error::external,
    facts::Facts,
    sql::{self, Text, materialized},
    tables::{
        self, Commits, Measurements, PointsTable, SeriesTable, Source, StepsTable, SummarisedRuns,
        accepted_changes,
    },
};

/// The session's schema.
pub(crate) struct Catalog {
    facts: Arc<Facts>,
    /// What plans the views. It is the state that holds this catalog, so it must not be held in turn.
    state: OnceLock<Box<dyn Fn() -> Option<SessionState> + Send + Sync>>,
    /// Parts of statements that are being planned, by names of their own.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tables: HashMap<String, Arc<MemTable>>,
    /// How many there have been.
    count: u64,
}

impl Catalog {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts, state: OnceLock::new(), kept: Mutex::default() }
    }

    /// Lets the views be planned by `context`.
    pub(crate) fn plan_views_with(&self, context: &SessionContext) {
        let state = context.state_weak_ref();
        // A catalog belongs to one session; a second one would find the first in place.
        let _ = self.state.set(Box::new(move || state.upgrade().map(|state| state.read().clone())));
    }

    /// Keeps rows under a name, which is answered, until it is [forgotten](Self::forget).
    pub(crate) fn keep(&self, rows: MemTable) -> String {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count += 1;
        let name = format!("_materialized_{}", kept.count);
        kept.tables.insert(name.clone(), Arc::new(rows));
        name
    }

    /// Forgets rows that no statement needs to find any more.
    pub(crate) fn forget(&self, name: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).tables.remove(name);
    }

    fn kept(&self, name: &str) -> Option<Arc<MemTable>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).tables.get(name).cloned()
    }

    fn state(&self) -> Result<SessionState> {
        let state = self.state.get().and_then(|state| state());
        state.ok_or_else(|| datafusion::common::internal_datafusion_err!("the session has ended"))
    }

    /// Plans a statement over other tables.
    async fn plan(&self, text: &str) -> Result<LogicalPlan> {
        let parsed = sql::parse(Text::typed(text)).map_err(external)?;
        self.state()?.statement_to_plan(parsed.statement).await
    }

    /// The rows of a statement over other tables.
    async fn rows(&self, text: &str) -> Result<Arc<MemTable>> {
        let plan = self.plan(text).await?;
        Ok(Arc::new(materialized::rows(DataFrame::new(self.state()?, plan)).await?))
    }
}

#[async_trait]
impl SchemaProvider for Catalog {
    fn table_names(&self) -> Vec<String> {
        tables::ALL.iter().map(|table| table.name.to_owned()).collect()
    }

    fn table_exist(&self, name: &str) -> bool {
        tables::table(name).is_some() || self.kept(name).is_some()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = tables::table(name) else {
            return Ok(self.kept(name).map(|rows| rows as Arc<dyn TableProvider>));
        };
        let facts = || Arc::clone(&self.facts);
        Ok(Some(match table.source {
            Source::Measurements => Arc::new(Measurements::new(facts())),
            Source::OtherMeasurements => Arc::new(Measurements::not_summarised(facts())),
            Source::SummarisedRuns => Arc::new(SummarisedRuns::new(facts())),
            Source::Commits(of_runs) => Arc::new(Commits::new(facts(), self.plan(of_runs).await?)),
            Source::Series => Arc::new(SeriesTable::new(facts())),
            Source::Points => Arc::new(PointsTable::new(facts())),
            Source::Steps => Arc::new(StepsTable::new(facts())),
            Source::AcceptedChanges => Arc::new(accepted_changes::read(self.facts.baselines())?),
            Source::KeptView(text) if self.facts.is_held() => {
                let view = self.facts.view(table.name);
                let rows = view.get_or_try_init(async || self.rows(text).await);
                Arc::clone(rows.await?) as Arc<dyn TableProvider>
            }
            Source::View(text) | Source::KeptView(text) => {
                Arc::new(ViewTable::new(self.plan(text).await?, Some(text.to_owned())))
            }
        }))
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("facts", &self.facts).finish_non_exhaustive()
    }
}
