//! `pipe bench --against REV`: the kernels of two commits in one process, their samples taken in turns, and the comparison.

use std::{collections::BTreeSet, io::Write as _, slice};

use jiff::Timestamp;
use pipe_bench::Schedule;

use super::{Bench, Measured, Target, progress, schedules};
use crate::{
    args::BenchArgs,
    commands::query,
    comparison::{Comparison, Filter, Side, write_table},
    error::{CommandError, Exit},
    place::Place,
};

/// Measures each schedule beside that of the same type at `rev`, records both as runs, and prints the comparison of the two.
pub(super) fn run(
    args: &BenchArgs,
    rev: &str,
    bench: &mut Bench<'_>,
    place: &Place,
    new: Vec<(&Target, Schedule)>,
) -> Result<Exit, CommandError> {
    let commit = place.require_repository("--against")?.resolve(rev).map_err(CommandError::usage)?;
    let library = place.commit_library(&commit)?.with_types_of(&place.work_tree_library()?);
    let base = Target { commit, library, dirty: BTreeSet::new() };
    let ui = bench.ui;
    let of_base = schedules(args, bench.profile, slice::from_ref(&base), ui)?;

    let mut exit = Exit::Done;
    for (target, schedule) in new {
        let Some((_, of_base)) =
            of_base.iter().find(|(_, other)| other.benchmark_type == schedule.benchmark_type)
        else {
            return Err(CommandError::usage(format!(
                "{} has none of the kernels to measure against",
                base.commit.short()
            )));
        };
        let [of_base, of_new] = bench.measure_in_turns((&base, of_base), (target, &schedule));
        for measured in [&of_base, &of_new] {
            let result = bench.conclude(measured)?;
            if result != Exit::Done {
                exit = result;
            }
        }
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        let session = query::open(place, false)?;
        let side = |measured: &Measured| Side {
            run: Some(measured.run.id.to_string()),
            ..Side::of(measured.run.commit.clone())
        };
        let comparison = Comparison::of(&session, side(&of_base), side(&of_new), &Filter::default())?;
        let mut out = ui.out();
        write_table(&comparison, false, ui.table_width(), &mut out)?;
        out.flush()?;
    }
    Ok(exit)
}

impl Bench<'_> {
    /// Measures two schedules of one type, job beside job.
    fn measure_in_turns(&mut self, base: (&Target, &Schedule), new: (&Target, &Schedule)) -> [Measured; 2] {
        let begun = Timestamp::now();
        let mut progress = progress::Progress::new(self.ui, &new.0.commit, new.1);
        let outcome = self.runner.run_paired(base.1, new.1, &self.sampling, &self.stop, &mut progress);
        progress.finish();
        let mut pair = [
            self.measured(begun, &base.0.commit, base.1, outcome.base),
            self.measured(begun, &new.0.commit, new.1, outcome.new),
        ];
        let ids = [&pair[0], &pair[1]].map(|measured| measured.run.id.to_string());
        for (measured, other) in pair.iter_mut().zip(ids.iter().rev()) {
            measured.run.environment.insert("sampled_in_turns_with".to_owned(), other.clone());
        }
        pair
    }
}
