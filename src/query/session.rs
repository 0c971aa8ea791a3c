//! A session: one history, its tables and functions, and the statements put to them.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread::available_parallelism,
};

use datafusion::{
    catalog::{CatalogProvider, MemoryCatalogProvider},
    error::DataFusionError,
    execution::{
        SessionStateBuilder,
        context::{SQLOptions, SessionContext},
        memory_pool::GreedyMemoryPool,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{DataFrame, SessionConfig},
    sql::parser::Statement,
};
use pipe_history::{Baselines, History, HistoryFile};
use tokio::runtime::{self, Runtime};

use crate::{
    Answer, ColumnDescription, Error, FunctionDescription, NamedQuery, Params, TableDescription, Warning,
    catalog::Catalog,
    facts::Facts,
    functions,
    named::Queries,
    sql::{self, Parsed, Text, materialized},
    tables::{self, meaning},
};

/// The name of the schema that holds the tables.
const SCHEMA: &str = "public";
/// The name of the catalog that holds the schema.
const CATALOG: &str = "pipe";

/// What a session is opened with.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// A folder of the repository that was measured; without one no commit has a position.
    pub repository: Option<PathBuf>,
    /// The baselines and accepted changes; those beside the runs where it is `None`.
    pub baselines: Option<Baselines>,
    /// A folder of queries laid over the built-in ones; it need not exist.
    pub queries: Option<PathBuf>,
    /// Whether a file that cannot be read is an error. Otherwise it is skipped with a warning.
    pub strict: bool,
    /// How many threads compute; as many as there are cores where it is `None`.
    pub threads: Option<NonZeroUsize>,
    /// Files beside the history's that are read as if they were in it. A run that the history has counts once.
    pub files: Vec<HistoryFile>,
    /// Bytes that sorts, joins and aggregations may hold before they go to disk.
    pub memory: usize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            repository: None,
            baselines: None,
            queries: None,
            strict: false,
            threads: None,
            files: Vec::new(),
            memory: 1024 * 1024 * 1024,
        }
    }
}

/// An open history. Statements may be put to it from several threads.
pub struct Session {
    context: SessionContext,
    catalog: Arc<Catalog>,
    facts: Arc<Facts>,
    options: SessionOptions,
    runtime: OnceLock<Arc<Runtime>>,
    queries: OnceLock<Queries>,
}

impl Session {
    /// Opens a history, which need not exist yet. Reads nothing.
    ///
    /// # Errors
    /// Where the query engine cannot be set up.
    pub fn open(history: &History, options: SessionOptions) -> Result<Self, Error> {
        let threads = options.threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let files = options.files.clone();
        let baselines = options.baselines.clone().unwrap_or_else(|| Baselines::of_history(history.root()));
        let repository = options.repository.clone();
        let facts =
            Arc::new(Facts::new(history.clone(), repository, baselines, options.strict, threads, files));
        let (context, catalog) = context(&facts, threads, options.memory).map_err(Error::execution)?;
        Ok(Self { context, catalog, facts, options, runtime: OnceLock::new(), queries: OnceLock::new() })
    }

    /// Answers one statement; every `$name` in it must have a value in `params`, and every value a `$name`.
    ///
    /// # Errors
    /// [`Error::Sql`] with the place of the mistake, [`Error::ReadOnly`] for a statement that writes, and what else
    /// planning meets. What reading meets comes with the answer's batches.
    pub fn sql(&self, text: &str, params: &Params) -> Result<Answer, Error> {
        let text = Text::typed(text);
        let mut parsed = sql::parse(text)?;
        sql::bind_given(&mut parsed.statement, params)?;
        self.answer(parsed, text)
    }

    /// Answers a named query; a parameter that is not given takes its default.
    ///
    /// # Errors
    /// As [`Session::sql`], and [`Error::UnknownQuery`] with names that are near.
    pub fn named(&self, name: &str, params: &Params) -> Result<Answer, Error> {
        let query = self.loaded()?.get(name)?;
        let values = query.bind(params)?;
        let text = Text { sql: &query.sql, path: query.path.as_deref() };
        let mut parsed = sql::parse(text)?;
        sql::bind(&mut parsed.statement, &mut |placeholder| {
            values.get(placeholder).cloned().ok_or_else(|| Error::UndeclaredParameter {
                query: query.name.clone(),
                name: placeholder.to_owned(),
            })
        })?;
        self.answer(parsed, text)
    }

    /// Lets the statements up to the end of what is answered see one and the same state of the history: what lands meanwhile is seen
    /// afterwards. For several statements that make one picture.
    pub fn hold(&self) -> Held<'_> {
        self.facts.hold();
        Held { facts: &self.facts }
    }

    /// The named queries, sorted by name. A file whose header cannot be read is left out; naming it says why.
    ///
    /// # Errors
    /// [`Error::Read`] where the folder of queries cannot be read.
    pub fn queries(&self) -> Result<&[NamedQuery], Error> {
        Ok(self.loaded()?.all())
    }

    /// The files that could not be read so far, each once. Complete for a statement once its answer is used up.
    pub fn warnings(&self) -> Vec<Warning> {
        self.facts.warnings.all()
    }

    /// The tables with what their columns mean.
    ///
    /// # Errors
    /// Where a table cannot be planned.
    pub fn describe(&self) -> Result<Vec<TableDescription>, Error> {
        let describe = |table: &tables::Table| {
            let frame = self.runtime()?.block_on(self.context.table(table.name)).map_err(Error::execution)?;
            let columns = frame.schema().fields().iter().map(|field| ColumnDescription {
                name: field.name().clone(),
                data_type: tables::type_name(field.data_type()),
                meaning: meaning(field.name()).unwrap_or_default().to_owned(),
            });
            let (name, row) = (table.name.to_owned(), table.row.to_owned());
            Ok(TableDescription { name, row, columns: columns.collect() })
        };
        tables::ALL.iter().map(describe).collect()
    }

    /// The functions that pipe adds to the engine's own.
    pub fn functions(&self) -> Vec<FunctionDescription> {
        functions::descriptions()
    }

    fn answer(&self, parsed: Parsed, text: Text<'_>) -> Result<Answer, Error> {
        self.facts.refresh();
        let runtime = self.runtime()?;
        let mut kept = Vec::new();
        let planned = runtime.block_on(async {
            let statement = self.materialize(parsed, text, &mut kept).await?;
            match self.planned(statement, text).await? {
                Some(frame) => frame.execute_stream().await.map_err(|error| self.planning(error, text)),
                None => Err(sql::read_only(text.sql)),
            }
        });
        kept.iter().for_each(|name| self.catalog.forget(name));
        Ok(Answer::new(planned?, Arc::clone(runtime)))
    }

    /// None where the statement parses as a query and yet writes.
    async fn planned(&self, statement: Statement, text: Text<'_>) -> Result<Option<DataFrame>, Error> {
        let failed = |error| self.planning(error, text);
        let plan = self.context.state().statement_to_plan(statement).await.map_err(failed)?;
        let only_reads =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        if only_reads.verify_plan(&plan).is_err() {
            return Ok(None);
        }
        self.context.execute_logical_plan(plan).await.map(Some).map_err(failed)
    }

    /// Computes the parts of a statement that are to be computed once, and puts the rows in their place. The names that the rows have
    /// meanwhile are added to `kept`.
    async fn materialize(
        &self,
        parsed: Parsed,
        text: Text<'_>,
        kept: &mut Vec<String>,
    ) -> Result<Statement, Error> {
        let Parsed { mut statement, materialized: names } = parsed;
        if names.is_empty() {
            return Ok(statement);
        }
        let mut index = 0;
        while let Some((name, part)) = materialized::part(&statement, index)? {
            if names.contains(&name)
                && let Some(frame) = self.planned(part, text).await?
            {
                let rows = materialized::rows(frame).await.map_err(|error| self.planning(error, text))?;
                let table = self.catalog.keep(rows);
                kept.push(table.clone());
                materialized::replace(&mut statement, index, &table)?;
            }
            index += 1;
        }
        Ok(statement)
    }

    fn planning(&self, error: DataFusionError, text: Text<'_>) -> Error {
        let names: Vec<String> = tables::ALL.iter().map(|table| table.name.to_owned()).collect();
        Error::planning(error, text, &names)
    }

    fn loaded(&self) -> Result<&Queries, Error> {
        if let Some(queries) = self.queries.get() {
            return Ok(queries);
        }
        let queries = Queries::load(self.options.queries.as_deref())?;
        Ok(self.queries.get_or_init(|| queries))
    }

    /// The threads that compute, started by the first statement.
    fn runtime(&self) -> Result<&Arc<Runtime>, Error> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(self.facts.threads())
            .thread_name("pipe-query")
            .build()
            .map_err(|error| Error::Execution(format!("cannot start a thread: {error}")))?;
        Ok(self.runtime.get_or_init(|| Arc::new(runtime)))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("options", &self.options).finish_non_exhaustive()
    }
}

/// While it lives, every statement of a [`Session`] sees the same state of the history.
#[derive(Debug)]
pub struct Held<'a> {
    facts: &'a Facts,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.facts.release();
    }
}

fn context(
    facts: &Arc<Facts>,
    threads: usize,
    memory: usize,
) -> Result<(SessionContext, Arc<Catalog>), DataFusionError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA);
    config.options_mut().sql_parser.collect_spans = true;
    // Shared by all statements. A fair pool would give each of their many small sorts a share that is less than a batch takes.
    let runtime =
        RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory))).build_arc()?;
    let mut state =
        SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    functions::register(facts, &mut state);
    let context = SessionContext::new_with_state(state.build());

    let tables = Arc::new(Catalog::new(Arc::clone(facts)));
    tables.plan_views_with(&context);
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::clone(&tables) as _)?;
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok((context, tables))
}
