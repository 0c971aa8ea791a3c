//! Unfolding: an archive into run files.

use super::{
    ArchiveError, ArchiveFile, State, Step, Watch, remove, rename,
    rows::{Rows, is_of, same},
    step,
};
use crate::{History, ReadError, read};

/// Writes the files of an archive's runs, checks them, and removes the archive; answers how many runs and rows.
pub(super) fn restore(
    history: &History,
    archive: &ArchiveFile,
    watch: &mut Watch<'_>,
) -> Result<(usize, usize), ArchiveError> {
    let path = archive.in_state(State::Restoring);
    if archive.state != State::Restoring {
        rename(&archive.path, &path)?;
    }
    let archive = ArchiveFile { path: path.clone(), state: State::Restoring, ..archive.clone() };
    let runs = archive.runs()?;
    let mut rows = Rows::open(&path)?;
    for run in &runs {
        let archived = rows.take(run.rows)?;
        let own = history.path_of(&run.commit, &archive.benchmark_type, run.id);
        if !is_of(&archived, run.commit.as_str()) {
            return Err(ArchiveError::Differs { archive: path, run: own });
        }
        let batch = read::adapt(&archived)
            .map_err(|error| ReadError::Corrupt { path: path.clone(), reason: error.to_string() })?;
        if !own.exists() {
            step(watch, Step::Restore(&own))?;
            history.write_batch(&batch, &run.commit, &archive.benchmark_type, run.id)?;
        }
        if !same(&archived, &read::read_batch(&own)?) {
            return Err(ArchiveError::Differs { archive: path, run: own });
        }
    }
    step(watch, Step::Finish(&path))?;
    remove(&path)?;
    Ok((runs.len(), runs.iter().map(|run| run.rows).sum()))
}
