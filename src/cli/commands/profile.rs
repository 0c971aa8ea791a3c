//! `pipe profile`: a kernel's PTX, line by line, with what each line was counted to do.

mod export;
mod listing;

use std::io::Write as _;

use pipe_bench::{Ptxas, Request, Roofline, Runner, Schedule};
use pipe_driver::Sanitize;
use pipe_kernels::{Implementation, Library, Overrides, Profile};
use pipe_model::{Case, Status};
use pipe_simt::Counts;

use super::{device, replace_file};
use crate::{
    args::{Global, ProfileArgs, ProfileFormat},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: ProfileArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    require_count(&args.by)?;
    let place = Place::find(global)?;
    let library = match &args.rev {
        None => place.work_tree_library()?,
        Some(rev) => {
            let commit = place.require_repository("--rev")?.resolve(rev).map_err(CommandError::usage)?;
            place.commit_library(&commit)?.with_types_of(&place.work_tree_library()?)
        }
    };
    let implementation = library
        .implementation(&args.implementation)
        .map_err(|error| CommandError::usage(error).with_hint("`pipe kernels list` lists what there is"))?;
    let case = case(&args, &library)?;
    let gpu = library.gpu(&args.model.gpu).map_err(CommandError::usage)?;

    device::select_embedded(&args.embedded, Sanitize::Off)?;
    let mut runner = Runner::new(device::open_embedded()?);
    runner.model(Roofline::new(gpu.clone(), args.model.ptxas.as_ref().map(Ptxas::new)));
    ui.detail(format_args!("profiling {} on {}", implementation.name(), case.config()));
    let profile = match runner.profile(implementation, &case) {
        Ok(profile) => profile,
        Err(failure) => {
            let message = format!("{} on {}: {}", implementation.name(), case.config(), failure.message);
            return match failure.status {
                Status::Skipped | Status::Error => Err(CommandError::usage(message)),
                _ => Err(CommandError::kernel(message)),
            };
        }
    };
    if let Some(refusal) = runner.roofline().and_then(|roofline| roofline.refusals().next()) {
        ui.warn(format_args!("{refusal}; registers are those of the embedded device"));
    }
    let profiled = Profiled { implementation, case: &case, profile: &profile, gpu, by: &args.by };
    match &args.output {
        None => {
            let mut out = ui.out();
            write(&mut out, &profiled, args.format)?;
            out.flush()?;
        }
        Some(path) => replace_file(path, |file| {
            let mut plain = anstream::StripStream::new(Vec::new());
            write(&mut plain, &profiled, args.format)?;
            Ok(file.write_all(&plain.into_inner())?)
        })?,
    }
    Ok(Exit::Done)
}

/// What there is to print.
struct Profiled<'a> {
    implementation: &'a Implementation,
    case: &'a Case,
    profile: &'a pipe_bench::Profile,
    gpu: &'a pipe_kernels::Gpu,
    /// The count that lines are ranked by.
    by: &'a str,
}

fn write(
    out: &mut dyn std::io::Write,
    profiled: &Profiled<'_>,
    format: ProfileFormat,
) -> Result<(), CommandError> {
    match format {
        ProfileFormat::Table => listing::write(out, profiled)?,
        ProfileFormat::Json => export::json(out, profiled)?,
        ProfileFormat::Csv => export::csv(out, profiled)?,
    }
    Ok(())
}

/// The first case of the type's quick profile with the user's axes in place.
fn case(args: &ProfileArgs, library: &Library) -> Result<Case, CommandError> {
    let request = Request {
        profile: Profile::Quick,
        implementations: vec![args.implementation.clone()],
        overrides: Overrides {
            batch_size: args.batch_size.into_iter().collect(),
            seq_len: args.seq_len.into_iter().collect(),
            num_heads: args.num_heads.into_iter().collect(),
            head_dim: args.head_dim.into_iter().collect(),
            dtype: args.dtype.into_iter().collect(),
            ..Overrides::default()
        },
        ..Request::default()
    };
    let schedule =
        Schedule::new(library, args.benchmark_type.as_str(), &request).map_err(CommandError::usage)?;
    let first = schedule.jobs.into_iter().next().map(|job| job.case);
    first.ok_or_else(|| CommandError::usage(format!("type '{}' has no case", args.benchmark_type)))
}

/// The count of that name.
fn count_of(counts: &Counts, name: &str) -> u64 {
    counts.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| value)
}

fn require_count(name: &str) -> Result<(), CommandError> {
    let counts = Counts::default();
    if counts.iter().any(|(known, _)| known == name) {
        return Ok(());
    }
    let known: Vec<&str> = counts.iter().map(|(known, _)| known).collect();
    let near = pipe_model::near(name, known.iter().copied());
    let hint = match near.first() {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there are {}", known.join(", ")),
    };
    Err(CommandError::usage(format!("--by {name}: there is no such count")).with_hint(hint))
}
