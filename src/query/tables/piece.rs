//! What is read in one go: a run's file, neighbouring runs of an archive, or runs that the summary has side by side.

use std::{ops::Range, path::Path};

use parquet::arrow::arrow_reader::RowSelector;
use pipe_history::HistoryFile;
use pipe_model::{BenchmarkType, Commit};

use crate::summary::Part;

/// Rows of an archive from which on a piece is large enough to be worth a thread of its own.
const ENOUGH_ROWS: usize = 32 * 1024;

/// Runs of one file, or of one row group of the summary.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// At least one, of an archive in its order.
    runs: Vec<HistoryFile>,
    /// Where the summary has them.
    part: Option<Part>,
}

impl Piece {
    /// One run.
    pub(crate) fn of(file: HistoryFile) -> Self {
        Self { runs: vec![file], part: None }
    }

    /// Runs that the summary has in `part`.
    pub(crate) fn of_summary(runs: Vec<HistoryFile>, part: Part) -> Self {
        Self { runs, part: Some(part) }
    }

    pub(crate) fn part(&self) -> Option<&Part> {
        self.part.as_ref()
    }

    pub(crate) fn runs(&self) -> &[HistoryFile] {
        &self.runs
    }

    fn first(&self) -> &HistoryFile {
        &self.runs[0]
    }

    pub(crate) fn path(&self) -> &Path {
        &self.first().path
    }

    pub(crate) fn benchmark_type(&self) -> &BenchmarkType {
        &self.first().benchmark_type
    }

    pub(crate) fn is_archived(&self) -> bool {
        self.first().rows.is_some()
    }

    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.runs.iter().map(|run| run.size).sum()
    }

    /// The commit of all its rows, where they have one in common.
    pub(crate) fn commit(&self) -> Option<&Commit> {
        let commit = &self.first().commit;
        self.runs.iter().all(|run| run.commit == *commit).then_some(commit)
    }

    /// Which of an archive's row groups, of `sizes` rows each and among `groups`, have rows of the piece, and which of their rows.
    pub(crate) fn selection(&self, sizes: &[usize], groups: &[usize]) -> (Vec<usize>, Vec<RowSelector>) {
        let ranges = self.ranges();
        let (mut chosen, mut selectors) = (Vec::new(), Vec::new());
        let mut start = 0;
        for (group, size) in sizes.iter().enumerate() {
            let end = start + size;
            let inside: Vec<Range<usize>> = ranges
                .iter()
                .map(|range| range.start.max(start)..range.end.min(end))
                .filter(|range| !range.is_empty())
                .collect();
            if groups.contains(&group) && !inside.is_empty() {
                chosen.push(group);
                let mut at = start;
                for range in inside {
                    selectors.push(RowSelector::skip(range.start - at));
                    selectors.push(RowSelector::select(range.len()));
                    at = range.end;
                }
                selectors.push(RowSelector::skip(end - at));
            }
            start = end;
        }
        selectors.retain(|selector| selector.row_count > 0);
        (chosen, selectors)
    }

    /// Its rows, neighbours joined.
    fn ranges(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for rows in self.runs.iter().filter_map(|run| run.rows.clone()) {
            match ranges.last_mut() {
                Some(last) if last.end == rows.start => last.end = rows.end,
                _ => ranges.push(rows),
            }
        }
        ranges
    }
}

/// The pieces that `files`, sorted as a listing is, are read in.
pub(crate) fn pieces(files: Vec<HistoryFile>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rows = 0;
    for file in files {
        let count = file.rows.as_ref().map_or(0, |rows| rows.len());
        match pieces.last_mut() {
            Some(piece) if count > 0 && piece.path() == file.path && rows < ENOUGH_ROWS => {
                rows += count;
                piece.runs.push(file);
            }
            _ => {
                rows = count;
                pieces.push(Piece::of(file));
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use pipe_history::Stamp;
    use pipe_model::RunId;

    use super::*;

    fn run(path: &str, digit: char, rows: Option<Range<usize>>) -> HistoryFile {
        HistoryFile {
            path: PathBuf::from(path),
            commit: digit.to_string().repeat(40).parse().unwrap(),
            benchmark_type: "t".parse().unwrap(),
            run_id: RunId::new(),
            size: 1,
            stamp: Stamp::default(),
            rows,
        }
    }

    #[test]
    fn neighbours_in_an_archive_are_one_piece() {
        let files = vec![
            run("a", '1', None),
            run("a2", '1', None),
            run("b", '1', Some(0..10)),
            run("b", '2', Some(10..20)),
            run("b", '3', Some(40..50)),
        ];
        let pieces = pieces(files);
        assert_eq!(pieces.iter().map(|piece| piece.runs().len()).collect::<Vec<_>>(), [1, 1, 3]);
        assert!(pieces[0].commit().is_some() && pieces[2].commit().is_none());
        assert_eq!(pieces[2].ranges(), [0..20, 40..50]);
        let (groups, selectors) = pieces[2].selection(&[15, 15, 15, 15], &[0, 1, 2, 3]);
        assert_eq!(groups, [0, 1, 2, 3]);
        let told: Vec<(bool, usize)> = selectors.iter().map(|s| (s.skip, s.row_count)).collect();
        assert_eq!(
            told,
            [(false, 15), (false, 5), (true, 10), (true, 10), (false, 5), (false, 5), (true, 10)]
        );
        let (groups, selectors) = pieces[2].selection(&[15, 15, 15, 15], &[1]);
        assert_eq!((groups, selectors.len()), (vec![1], 2));
    }
}
