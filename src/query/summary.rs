//! The summary: the rows of many runs in few files, derived from the history's own and kept in `<history>/_summary`.
//!
//! # What it is
//!
//! For every benchmark type a few *segments*. A segment is two Parquet files that are written once and never changed: `<id>.rows` has the rows
//! of its runs in all columns but the raw samples, `<id>.runs` has a row a run: what the table `runs` says of it, where its rows
//! are, and the stamp (size and times) that its file had. A scan that wants no samples takes a run's rows from a segment where
//! the file's stamp is still that one, and from the file where it is not. So the answer is always that of the files: what is new, replaced
//! or removed is seen by the listing, which looks at every file.
//!
//! # How it is kept
//!
//! A statement that finds [`WORTH`] runs in no segment writes them into new ones, which take in older segments that are not much larger: every
//! row is rewritten a few times in its life, and there are few segments. Files are written under a hidden name and renamed, the `.runs`
//! last, which puts a segment in force; one writer at a time, by a lock that whoever finds it taken does not wait for.
//! Readers need no lock: a segment is held open while it is read, and where it cannot be read, the files are.
//!
//! Nobody needs it. Removed, damaged, written by another version or not writable: statements read the files, and write it anew if they can.

mod build;
mod segment;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    sync::Arc,
};

use arrow::{
    array::{RecordBatch, UInt32Array},
    compute::take_record_batch,
    error::ArrowError,
};
use pipe_history::{HistoryFile, SUMMARY_FOLDER};
use pipe_model::{BenchmarkType, Commit, RunId};

pub(crate) use self::segment::{Part, SAMPLES, Segment, runs_schema};
use crate::tables::piece::Piece;

/// Runs outside of all segments from which on it is worth writing them into one. Fewer runs are read from their files.
pub(crate) const WORTH: usize = 64;

/// The segments there are.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    segments: Vec<Arc<Segment>>,
    places: HashMap<Key, Place>,
}

type Key = (RunId, Commit, BenchmarkType);

/// A run's place: segment and number in it.
type Place = (usize, usize);

impl Summary {
    /// The segments in a folder; those that `before` has open already are not read again.
    fn load(folder: &Path, before: &Summary) -> Self {
        let mut names: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == segment::RUNS))
            .collect();
        names.sort();
        let mut summary = Summary::default();
        for path in names {
            let known = before.segments.iter().find(|segment| segment.path() == path);
            let Some(segment) = known.cloned().or_else(|| Segment::open(&path).map(Arc::new)) else {
                continue;
            };
            let number = summary.segments.len();
            for (index, run) in segment.runs().iter().enumerate() {
                let key = (run.id, run.commit.clone(), segment.benchmark_type().clone());
                // Where two have a run, one of them may have it as its file was once.
                summary.places.insert(key, (number, index));
            }
            summary.segments.push(segment);
        }
        summary
    }

    /// The place of a run, where its file is what it was when it was summarised.
    fn place(&self, file: &HistoryFile) -> Option<Place> {
        let key = (file.run_id, file.commit.clone(), file.benchmark_type.clone());
        let place = *self.places.get(&key)?;
        let run = &self.segments[place.0].runs()[place.1];
        (run.stamp == file.stamp && run.archived_at == file.rows.as_ref().map(|rows| rows.start))
            .then_some(place)
    }
}

/// A summary beside a listing: which runs it has, and which it has not.
#[derive(Debug, Default)]
pub(crate) struct Summarised {
    summary: Arc<Summary>,
    /// Of every segment the runs that are as the listing has them.
    live: Vec<Vec<usize>>,
    /// The others.
    pub(crate) rest: Vec<HistoryFile>,
}

impl Summarised {
    /// The runs of `files` in the summary of the history in `root`, which is brought up to date where that is worth it. `before` is what was
    /// known of it earlier.
    pub(crate) fn of(root: &Path, files: &[HistoryFile], before: &Summarised, threads: usize) -> Self {
        let mut found = Self { rest: files.to_vec(), ..Self::default() };
        if files.len() < WORTH {
            return found;
        }
        let folder = root.join(SUMMARY_FOLDER);
        let look = |before: &Summary| Self::find(Arc::new(Summary::load(&folder, before)), files);
        found = look(&before.summary);
        if found.new_in(root).len() >= WORTH {
            let update = |before: &Summarised| {
                let _lock = build::lock(&folder).ok()??;
                // Somebody else may have been faster.
                let found = look(&before.summary);
                build::update(&folder, &found, found.new_in(root), threads);
                Some(look(&found.summary))
            };
            found = update(&found).unwrap_or(found);
        }
        found
    }

    fn find(summary: Arc<Summary>, files: &[HistoryFile]) -> Self {
        let mut found = Self { live: vec![Vec::new(); summary.segments.len()], ..Self::default() };
        for file in files {
            match summary.place(file) {
                Some((segment, run)) => found.live[segment].push(run),
                None => found.rest.push(file.clone()),
            }
        }
        Self { summary, ..found }
    }

    /// The files of the history itself that are in no segment.
    fn new_in(&self, root: &Path) -> Vec<HistoryFile> {
        self.rest.iter().filter(|file| file.path.starts_with(root)).cloned().collect()
    }

    /// What the summary says of the runs it has, in the columns of the table `runs`.
    pub(crate) fn runs(&self) -> Result<Vec<RecordBatch>, ArrowError> {
        let columns: Vec<usize> = (0..runs_schema().fields().len()).collect();
        let live = |(segment, live): (&Arc<Segment>, &Vec<usize>)| {
            let live: UInt32Array = live.iter().filter_map(|run| u32::try_from(*run).ok()).collect();
            take_record_batch(&segment.batch().project(&columns)?, &live)
        };
        self.summary.segments.iter().zip(&self.live).map(live).collect()
    }

    /// What `files` are read in: parts of segments, and the files that are in none.
    pub(crate) fn pieces(&self, files: Vec<HistoryFile>) -> Vec<Piece> {
        let mut parts: BTreeMap<(usize, usize), Vec<(usize, HistoryFile)>> = BTreeMap::new();
        let mut rest = Vec::new();
        for file in files {
            match self.summary.place(&file) {
                Some((segment, run)) => {
                    let group = self.summary.segments[segment].runs()[run].group;
                    parts.entry((segment, group)).or_default().push((run, file));
                }
                None => rest.push(file),
            }
        }
        let part = |((segment, group), mut runs): ((usize, usize), Vec<(usize, HistoryFile)>)| {
            runs.sort_by_key(|(run, _)| *run);
            let segment = &self.summary.segments[segment];
            let numbers = runs.iter().map(|(run, _)| *run);
            let part = Part::new(Arc::clone(segment), group, numbers);
            Piece::of_summary(runs.into_iter().map(|(_, file)| file).collect(), part)
        };
        let mut pieces: Vec<Piece> = parts.into_iter().map(part).collect();
        pieces.extend(crate::tables::piece::pieces(rest));
        pieces
    }
}
