//! `latest_commit([type [, device]])`: the last commit in git's order that was measured.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{AsArray, StringViewArray},
    datatypes::{DataType, TimestampMicrosecondType},
};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility},
};
use pipe_history::HistoryFile;
use pipe_model::Commit;

use crate::{
    Error,
    error::external,
    facts::Facts,
    tables::{measurements_schema, reader::Reading},
};

/// The commit with the greatest position that has a run of a benchmark type, on a device; either may be NULL or left
/// out, which is every one. Where git places none of them, the commit whose last run is the latest.
///
/// Looks at paths and at git, and reads files only where a device is given or git places no commit.
#[derive(Debug)]
pub(super) struct LatestCommit {
    facts: Arc<Facts>,
    signature: Signature,
}

impl LatestCommit {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        let texts = [TypeSignature::Nullary, TypeSignature::String(1), TypeSignature::String(2)];
        Self { facts, signature: Signature::one_of(texts.into(), Volatility::Stable) }
    }

    fn latest(&self, benchmark_type: Option<&str>, device: Option<&str>) -> Result<Option<Commit>, Error> {
        let listing = self.facts.listing()?;
        let order = self.facts.order()?;
        let mut measured: BTreeMap<&Commit, Vec<&HistoryFile>> = BTreeMap::new();
        for file in Facts::files_of(&listing, benchmark_type) {
            measured.entry(&file.commit).or_default().push(file);
        }

        let (mut placed, unplaced): (Vec<_>, Vec<_>) =
            measured.into_iter().partition(|(commit, _)| order.position(commit).is_some());
        placed.sort_by_key(|(commit, _)| order.position(commit));
        for (commit, files) in placed.into_iter().rev() {
            if self.last_run(&files, device)?.is_some() {
                return Ok(Some(commit.clone()));
            }
        }

        let mut latest: Option<(i64, &Commit)> = None;
        for (commit, files) in unplaced {
            let last = self.last_run(&files, device)?.map(|recorded_at| (recorded_at, commit));
            latest = latest.max(last);
        }
        Ok(latest.map(|(_, commit)| commit.clone()))
    }

    /// When the last run on a device began, in microseconds since 1970; `None` where no readable file has one.
    fn last_run(&self, files: &[&HistoryFile], device: Option<&str>) -> Result<Option<i64>, Error> {
        let schema = measurements_schema();
        let wanted = ["recorded_at", "device"].map(|name| schema.index_of(name));
        let wanted =
            wanted.into_iter().collect::<Result<Vec<_>, _>>().and_then(|wanted| schema.project(&wanted));
        let reading = Reading::all(Arc::new(wanted.map_err(|error| Error::Execution(error.to_string()))?));
        let mut last = None;
        for file in files {
            let batches = match reading.read_run(file) {
                Ok(batches) => batches,
                Err(warning) => {
                    self.facts.cannot_read(warning).map_err(Error::File)?;
                    continue;
                }
            };
            for batch in batches {
                let recorded_at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
                let devices = batch.column(1).as_string_view();
                let on_device = |row: &usize| device.is_none_or(|device| devices.value(*row) == device);
                let rows = (0..batch.num_rows()).filter(on_device);
                last = last.max(rows.map(|row| recorded_at.value(row)).max());
            }
        }
        Ok(last)
    }
}

impl ScalarUDFImpl for LatestCommit {
    fn name(&self) -> &str {
        "latest_commit"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = super::texts(&args)?;
        let argument =
            |number: usize, row: usize| texts.get(number).and_then(|array| super::text(array, row));
        // Few types and devices, many rows.
        let mut known: HashMap<(Option<&str>, Option<&str>), Option<Commit>> = HashMap::new();
        let mut commits = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let key = (argument(0, row), argument(1, row));
            let commit = match known.get(&key) {
                Some(commit) => commit.clone(),
                None => {
                    let commit = self.latest(key.0, key.1).map_err(external)?;
                    known.entry(key).or_insert(commit).clone()
                }
            };
            commits.push(commit);
        }
        let values: StringViewArray =
            commits.iter().map(|commit| commit.as_ref().map(Commit::as_str)).collect();
        super::answer(&args, values)
    }
}

// Two of them are the same function where they ask the same history.
impl PartialEq for LatestCommit {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.facts, &other.facts)
    }
}

impl Eq for LatestCommit {}

impl Hash for LatestCommit {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.facts).hash(state);
    }
}
