//! What a statement knows of the history before it reads a row: the files there are, and the order of their commits.
//!
//! Both are looked up when first needed and kept for the rest of the statement, so that all parts of one statement see
//! the same history and the next statement sees what landed in between.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use datafusion::catalog::MemTable;
use pipe_history::{
    Baselines, History, HistoryFile, Listing,
    git::{Order, Repository},
};
use pipe_model::{Commit, RunId};
use tokio::sync::OnceCell;

use crate::{
    Error, Warning,
    points::{self, Points},
    summary::Summarised,
    tables::{piece::Piece, reader::Reading},
    warnings::Warnings,
};

/// The history, its repository, and what is known of them during one statement.
#[derive(Debug)]
pub(crate) struct Facts {
    history: History,
    repository: Option<PathBuf>,
    baselines: Baselines,
    strict: bool,
    threads: usize,
    /// Files beside the history's.
    files: Vec<HistoryFile>,
    pub(crate) warnings: Warnings,
    known: Mutex<Arc<Known>>,
    /// How many hold what is known.
    holders: AtomicUsize,
    /// As it was last found, so that what is still the same is not read again.
    summarised: Mutex<Arc<Summarised>>,
}

#[derive(Debug, Default)]
struct Known {
    listing: Once<Listing>,
    summarised: Once<Summarised>,
    order: Once<Order>,
    behind: Once<HashMap<Commit, i64>>,
    latest: Once<Latest>,
    points: Once<Points>,
    of_git: Once<RecordBatch>,
    views: Mutex<HashMap<&'static str, View>>,
}

/// The rows of a view, once somebody has asked for them.
pub(crate) type View = Arc<OnceCell<Arc<MemTable>>>;

/// What is found out by the first who asks; who else asks meanwhile waits for it.
#[derive(Debug)]
struct Once<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Once<T> {
    fn get_or<F: Into<Arc<T>>>(&self, find: impl FnOnce() -> Result<F, Error>) -> Result<Arc<T>, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(known) => Ok(Arc::clone(known)),
            None => Ok(Arc::clone(known.insert(find()?.into()))),
        }
    }
}

/// Of every benchmark type the commits that are the last to have measured it on some device.
pub(crate) type Latest = HashMap<String, HashSet<String>>;

impl Facts {
    pub(crate) fn new(
        history: History,
        repository: Option<PathBuf>,
        baselines: Baselines,
        strict: bool,
        threads: usize,
        files: Vec<HistoryFile>,
    ) -> Self {
        Self {
            history,
            repository,
            baselines,
            strict,
            threads,
            files,
            warnings: Warnings::default(),
            known: Mutex::default(),
            holders: AtomicUsize::new(0),
            summarised: Mutex::default(),
        }
    }

    /// What was accepted.
    pub(crate) fn baselines(&self) -> &Baselines {
        &self.baselines
    }

    /// How many files are read at a time.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Forgets what is known, where nobody holds it: a new statement begins.
    pub(crate) fn refresh(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_held() {
            *known = Arc::default();
        }
    }

    /// Keeps what is known from now on, and what becomes known, until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.refresh();
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn release(&self) {
        self.holders.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holders.load(Ordering::Relaxed) > 0
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The files of the history, sorted by path.
    pub(crate) fn listing(&self) -> Result<Arc<Listing>, Error> {
        self.known().listing.get_or(|| {
            let mut listing = self.history.files().map_err(|error| Error::History(Box::new(error)))?;
            for file in &self.files {
                if listing.files.iter().all(|known| known.run_id != file.run_id) {
                    listing.files.push(file.clone());
                }
            }
            for skipped in &listing.skipped {
                self.cannot_read(Warning { path: skipped.path.clone(), reason: skipped.reason.clone() })
                    .map_err(Error::File)?;
            }
            Ok(listing)
        })
    }

    /// The runs that the summary has, and the others; the summary is brought up to date where that is worth it.
    pub(crate) fn summarised(&self) -> Result<Arc<Summarised>, Error> {
        self.known().summarised.get_or(|| {
            let listing = self.listing()?;
            let mut before = self.summarised.lock().unwrap_or_else(PoisonError::into_inner);
            let found = Summarised::of(self.history.root(), &listing.files, &before, self.threads);
            *before = Arc::new(found);
            Ok(Arc::clone(&before))
        })
    }

    /// The commits of the history, each once.
    pub(crate) fn commits(&self) -> Result<BTreeSet<Commit>, Error> {
        Ok(self.listing()?.files.iter().map(|file| file.commit.clone()).collect())
    }

    /// The order of the repository's commits; without a repository no commit has a place.
    pub(crate) fn order(&self) -> Result<Arc<Order>, Error> {
        self.known().order.get_or(|| match self.repository()? {
            Some(repository) => {
                repository.order(&self.commits()?).map_err(|error| Error::History(Box::new(error)))
            }
            None => Ok(Order::default()),
        })
    }

    /// Of every commit of the history how many come after it: in git's order, before which come those that it does not place, by the time of
    /// their first run, which is the beginning of its id.
    pub(crate) fn behind(&self) -> Result<Arc<HashMap<Commit, i64>>, Error> {
        self.known().behind.get_or(|| {
            let (listing, order) = (self.listing()?, self.order()?);
            let mut first_runs: BTreeMap<&Commit, RunId> = BTreeMap::new();
            for file in &listing.files {
                let first = first_runs.entry(&file.commit).or_insert(file.run_id);
                *first = file.run_id.min(*first);
            }
            let mut commits: Vec<(&Commit, RunId)> = first_runs.into_iter().collect();
            commits.sort_by_key(|(commit, first)| (order.position(commit), *first));
            let behind = (0..).zip(commits.into_iter().rev());
            Ok(behind.map(|(behind, (commit, _))| (commit.clone(), behind)).collect::<HashMap<_, _>>())
        })
    }

    /// What git says of the commits, as `find` makes it.
    pub(crate) fn of_git(
        &self,
        find: impl FnOnce() -> Result<RecordBatch, Error>,
    ) -> Result<Arc<RecordBatch>, Error> {
        self.known().of_git.get_or(find)
    }

    /// The same of the commits that measured a benchmark type, where one is given, counting no others.
    pub(crate) fn behind_in(&self, benchmark_type: Option<&str>) -> Result<Arc<HashMap<Commit, i64>>, Error> {
        let behind = self.behind()?;
        if benchmark_type.is_none() {
            return Ok(behind);
        }
        let listing = self.listing()?;
        let commits = Self::files_of(&listing, benchmark_type).map(|file| &file.commit);
        let commits: BTreeMap<i64, &Commit> =
            commits.filter_map(|commit| Some((*behind.get(commit)?, commit))).collect();
        Ok(Arc::new(
            (0..).zip(commits.into_values()).map(|(behind, commit)| (commit.clone(), behind)).collect(),
        ))
    }

    /// The last commits of every benchmark type, by device.
    pub(crate) fn latest(&self) -> Result<Arc<Latest>, Error> {
        self.known().latest.get_or(|| self.find_latest())
    }

    fn find_latest(&self) -> Result<Latest, Error> {
        let (summarised, behind) = (self.summarised()?, self.behind()?);
        let mut last: HashMap<[String; 2], (i64, String)> = HashMap::new();
        let mut add = |benchmark_type: &str, device: &str, commit: &str| {
            let Some(behind) = commit.parse().ok().and_then(|commit: Commit| behind.get(&commit)) else {
                return;
            };
            let place = last.entry([benchmark_type.to_owned(), device.to_owned()]);
            let place = place.or_insert_with(|| (*behind, commit.to_owned()));
            if *behind < place.0 {
                *place = (*behind, commit.to_owned());
            }
        };
        for runs in summarised.runs().map_err(|error| Error::Execution(error.to_string()))? {
            let [types, devices, commits] =
                ["type", "device", "commit"].map(|name| runs[name].as_string_view());
            for run in 0..runs.num_rows() {
                add(types.value(run), devices.value(run), commits.value(run));
            }
        }
        let columns = Schema::new(vec![Field::new("device", DataType::Utf8View, false)]);
        let reading = Reading::all(Arc::new(columns));
        for file in &summarised.rest {
            let batches = match reading.read_run(file) {
                Ok(batches) => batches,
                Err(warning) => {
                    self.cannot_read(warning).map_err(Error::File)?;
                    continue;
                }
            };
            let devices = batches.iter().flat_map(|batch| batch.column(0).as_string_view().iter().flatten());
            for device in devices.collect::<BTreeSet<_>>() {
                add(file.benchmark_type.as_str(), device, file.commit.as_str());
            }
        }
        let mut latest = Latest::new();
        for ([benchmark_type, _], (_, commit)) in last {
            latest.entry(benchmark_type).or_default().insert(commit);
        }
        Ok(latest)
    }

    /// The rows of a view, where they are kept.
    pub(crate) fn view(&self, name: &'static str) -> View {
        let known = self.known();
        let mut views = known.views.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(views.entry(name).or_default())
    }

    /// The points of the history.
    pub(crate) fn points(&self) -> Result<Arc<Points>, Error> {
        self.known().points.get_or(|| points::gather(self))
    }

    /// The repository that was measured, where there is one.
    pub(crate) fn repository(&self) -> Result<Option<Repository>, Error> {
        let Some(folder) = &self.repository else { return Ok(None) };
        Repository::discover(folder).map_err(|error| Error::History(Box::new(error)))
    }

    /// Where the runs of a piece are now, where its file is gone and an archiver is the reason: in an archive, in the same
    /// one under its next name, or in files again.
    pub(crate) fn moved(&self, piece: &Piece) -> Option<Vec<HistoryFile>> {
        if piece.path().exists() {
            return None;
        }
        let wanted: BTreeSet<_> = piece.runs().iter().map(|file| file.run_id).collect();
        let mut files = self.history.files().ok()?.files;
        files.retain(|file| wanted.contains(&file.run_id));
        (files.len() == wanted.len()).then_some(files)
    }

    /// Records that a file is left out; where the session is strict that is an error instead.
    pub(crate) fn cannot_read(&self, warning: Warning) -> Result<(), Warning> {
        if self.strict {
            return Err(warning);
        }
        self.warnings.add(warning);
        Ok(())
    }

    /// The files of one benchmark type, or of all where it is `None`.
    pub(crate) fn files_of<'a>(
        listing: &'a Listing,
        benchmark_type: Option<&'a str>,
    ) -> impl Iterator<Item = &'a HistoryFile> {
        listing
            .files
            .iter()
            .filter(move |file| benchmark_type.is_none_or(|name| file.benchmark_type.as_str() == name))
    }
}
