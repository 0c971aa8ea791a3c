//! The leaf of a query's plan that reads files of the history, several at a time.

use std::{fmt, sync::Arc};

use super::{
    piece::{Piece, pieces},
    reader::Reading,
};
use crate::{Error, Warning, error::external, facts::Facts};
use arrow::array::RecordBatch;
use datafusion::{
    common::{internal_err, tree_node::TreeNodeRecursion},
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr},
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        ReplaceChildrenOptions,
        execution_plan::{Boundedness, EmissionType},
        stream::RecordBatchStreamAdapter,
    },
};

/// Reads files, each by one of the plan's partitions.
#[derive(Debug)]
pub(crate) struct HistoryScan {
    facts: Arc<Facts>,
    reading: Arc<Reading>,
    groups: Vec<Arc<[Piece]>>,
    /// Rows after which a partition may stop.
    limit: Option<usize>,
    /// Files of the whole history, for those who read the plan.
    of: usize,
    properties: Arc<PlanProperties>,
}

impl HistoryScan {
    /// A scan of `pieces`, out of a history of `of` files.
    pub(crate) fn new(
        facts: Arc<Facts>,
        reading: Reading,
        pieces: Vec<Piece>,
        of: usize,
        limit: Option<usize>,
    ) -> Self {
        let groups = dealt(pieces, facts.threads());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(reading.columns())),
            Partitioning::UnknownPartitioning(groups.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { facts, reading: Arc::new(reading), groups, limit, of, properties: Arc::new(properties) }
    }
}

/// Deals pieces to as many groups as pieces are read at a time; at least one group, which may be empty.
fn dealt(files: Vec<Piece>, threads: usize) -> Vec<Arc<[Piece]>> {
    let mut groups = vec![Vec::new(); threads.clamp(1, files.len().max(1))];
    let count = groups.len();
    for (number, file) in files.into_iter().enumerate() {
        groups[number % count].push(file);
    }
    groups.into_iter().map(Into::into).collect()
}

/// Reads a piece; where an archiver has moved its rows since they were listed, from where they are now, and where the summary is
/// damaged, from the files.
pub(crate) fn read(reading: &Reading, piece: &Piece, facts: &Facts) -> Result<Vec<RecordBatch>, Warning> {
    if let Some(part) = piece.part() {
        if let Ok(batches) = reading.read_part(part) {
            return Ok(batches);
        }
        part.segment.remove();
        let mut batches = Vec::new();
        for piece in pieces(piece.runs().to_vec()) {
            match read(reading, &piece, facts) {
                Ok(more) => batches.extend(more),
                Err(warning) => facts.cannot_read(warning)?,
            }
        }
        return Ok(batches);
    }
    reading.read(piece).or_else(|warning| match facts.moved(piece) {
        Some(files) => pieces(files).iter().try_fold(Vec::new(), |mut batches, piece| {
            batches.extend(reading.read(piece)?);
            Ok(batches)
        }),
        None => Err(warning),
    })
}

impl ExecutionPlan for HistoryScan {
    fn name(&self) -> &str {
        "HistoryScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.reading.predicate().map_or(Ok(TreeNodeRecursion::Continue), visit)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan of the history has no input") }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(files) = self.groups.get(partition).map(Arc::clone) else {
            return internal_err!("a scan of the history has no partition {partition}");
        };
        let (facts, reading, limit) = (Arc::clone(&self.facts), Arc::clone(&self.reading), self.limit);
        let mut rows = 0;
        // Local files: reading one blocks its thread, of which there are as many as partitions.
        let batches = (0..files.len())
            .map_while(move |number| {
                if limit.is_some_and(|limit| rows >= limit) {
                    return None;
                }
                let batches = match read(&reading, &files[number], &facts) {
                    Ok(batches) => batches,
                    Err(warning) => match facts.cannot_read(warning) {
                        Ok(()) => Vec::new(),
                        Err(warning) => return Some(Err(external(Error::File(warning)))),
                    },
                };
                rows += batches.iter().map(|batch| batch.num_rows()).sum::<usize>();
                Some(Ok(batches))
            })
            .flat_map(|batches| match batches {
                Ok(batches) => batches.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            });
        let schema = Arc::clone(self.reading.columns());
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches))))
    }
}

impl DisplayAs for HistoryScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: usize =
            self.groups.iter().flat_map(|group| group.iter()).map(|piece| piece.runs().len()).sum();
        let columns: Vec<&str> =
            self.reading.columns().fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "HistoryScan: files={files} of {}, columns=[{}]", self.of, columns.join(", "))?;
        if let Some(predicate) = self.reading.predicate() {
            write!(f, ", filter={predicate}")?;
        }
        self.limit.map_or(Ok(()), |limit| write!(f, ", limit={limit}"))
    }
}
