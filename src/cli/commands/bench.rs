//! `pipe bench`: checks and times kernels, prints what came out and writes it to the history.

mod against;
mod progress;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use pipe_bench::{Outcome, Ptxas, Request, Roofline, Runner, Sampling, Schedule, Strategy, TimeSpent};
use pipe_driver::Sanitize;
use pipe_history::History;
use pipe_kernels::{Library, LookupError, Overrides, Profile};
use pipe_model::{BenchmarkType, Commit, DeviceKind, Run, RunId, Status};

use super::{device, kernels::warn_of_broken};
use crate::{
    args::{BenchArgs, DeviceArgs, Global, ModelArgs, ProfileArg},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

/// What is measured where no type is named.
const DEFAULT_TYPE: &str = "all-implementations";

/// A set of kernels and the commit that its results belong to.
struct Target {
    commit: Commit,
    library: Library,
    /// Implementations that differ from the commit's.
    dirty: BTreeSet<String>,
}

pub(super) fn run(args: BenchArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let targets = targets(&place, args.rev.as_deref(), ui)?;
    let mut bench = Bench::open(&place, &Setup::from(&args), ui)?;
    let schedules = schedules(&args, bench.profile, &targets, ui)?;
    if let Some(rev) = &args.against {
        let exit = against::run(&args, rev, &mut bench, &place, schedules)?;
        return Ok(bench.close(exit));
    }
    if let [target] = targets.as_slice() {
        warn_of_broken(&target.library, ui);
    }
    let mut exit = Exit::Done;
    for (target, schedule) in schedules {
        let run = bench.measure(&target.commit, &schedule)?;
        let mut out = ui.out();
        write!(out, "{}", table::Results::new(&run.run, ui.table_width()))?;
        out.flush()?;
        let result = bench.conclude(&run)?;
        if result != Exit::Done {
            exit = result;
        }
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
    }
    let exit = bench.close(exit);
    ui.hint("`pipe query rankings` ranks the latest commit, `pipe report` renders the performance report");
    Ok(exit)
}

/// How the device is opened and what is measured on it.
pub(super) struct Setup<'a> {
    pub(super) device: &'a DeviceArgs,
    pub(super) model: &'a ModelArgs,
    pub(super) profile: Option<ProfileArg>,
    pub(super) sanitize: bool,
}

impl<'a> From<&'a BenchArgs> for Setup<'a> {
    fn from(args: &'a BenchArgs) -> Self {
        Self { device: &args.device, model: &args.model, profile: args.profile, sanitize: args.sanitize }
    }
}

/// An open device, and what every run on it has in common.
pub(super) struct Bench<'a> {
    runner: Runner,
    pub(super) profile: Profile,
    sampling: Sampling,
    environment: BTreeMap<String, String>,
    history: History,
    stop: Arc<AtomicBool>,
    ui: &'a Ui,
}

/// A run that was measured and is not recorded yet.
pub(super) struct Measured {
    pub(super) run: Run,
    planned: usize,
    pub(super) interrupted: bool,
    spent: TimeSpent,
}

impl<'a> Bench<'a> {
    /// Opens the device that the flags name; fails now rather than after the measurements where the history cannot be written.
    pub(super) fn open(place: &Place, setup: &Setup<'_>, ui: &'a Ui) -> Result<Self, CommandError> {
        let sanitize = if setup.sanitize { Sanitize::Recorded } else { Sanitize::Off };
        device::select_sanitized(setup.device, sanitize)?;
        let device = device::open(setup.device)?;
        if setup.sanitize && device.kind() != DeviceKind::Embedded {
            return Err(CommandError::usage("--sanitize needs the embedded device")
                .with_hint("add --device embedded; on a GPU, NVIDIA's compute-sanitizer does the same"));
        }
        let profile = setup.profile.map_or_else(|| default_profile(device.kind()), Profile::from);
        let history = place.history();
        history.require_writable().map_err(CommandError::failed)?;
        ui.detail(format_args!("device: {} ({})", device.name(), device.kind()));
        let mut environment = device.environment();
        environment.insert("command_line".to_owned(), command_line());
        environment.insert("profile".to_owned(), profile.to_string());

        let gpu = place.work_tree_library()?.gpu(&setup.model.gpu).map_err(CommandError::usage)?.clone();
        let sampling = Sampling::of(device.kind(), profile);
        let mut runner = Runner::new(device);
        if runner.device().kind() == DeviceKind::Embedded {
            environment.insert("roofline_gpu".to_owned(), gpu.name.clone());
            let ptxas = setup.model.ptxas.as_ref().map(Ptxas::new);
            if let Some(version) = ptxas.as_ref().and_then(|ptxas| ptxas.version().ok()) {
                environment.insert("ptxas".to_owned(), version);
            }
            runner.model(Roofline::new(gpu, ptxas));
        }
        Ok(Self { runner, profile, sampling, environment, history, stop: stop_flag(ui)?, ui })
    }

    /// Ends the work on the device, which may find faults that only its end shows.
    pub(super) fn close(self, mut exit: Exit) -> Exit {
        let ui = self.ui;
        if let Some(refusal) = self.runner.roofline().and_then(|roofline| roofline.refusals().next()) {
            ui.warn(format_args!("{refusal}; registers are the embedded device's own estimate"));
        }
        // The context ends here: what is left of it leaked.
        drop(self.runner);
        for leak in pipe_driver::embedded::take_findings() {
            ui.warn(leak);
            exit = Exit::KernelFailed;
        }
        exit
    }

    /// The device.
    pub(super) fn device(&self) -> pipe_model::Device {
        let device = self.runner.device();
        pipe_model::Device { name: device.name().to_owned(), kind: device.kind() }
    }

    /// Measures what is scheduled as a run of `commit`.
    pub(super) fn measure(&mut self, commit: &Commit, schedule: &Schedule) -> Result<Measured, CommandError> {
        let begun = Timestamp::now();
        let mut progress = progress::Progress::new(self.ui, commit, schedule);
        let outcome = self.runner.run(schedule, &self.sampling, &self.stop, &mut progress);
        progress.finish();
        Ok(self.measured(begun, commit, schedule, outcome))
    }

    /// What came of a schedule, as a run of `commit`.
    fn measured(&self, begun: Timestamp, commit: &Commit, schedule: &Schedule, outcome: Outcome) -> Measured {
        let run = Run {
            id: RunId::new(),
            recorded_at: begun,
            commit: commit.clone(),
            benchmark_type: schedule.benchmark_type.clone(),
            device: self.device(),
            environment: self.environment.clone(),
            source: format!("pipe {}", env!("CARGO_PKG_VERSION")),
            measurements: outcome.measurements,
        };
        let (interrupted, spent) = (outcome.interrupted, outcome.spent);
        Measured { run, planned: schedule.jobs.len(), interrupted, spent }
    }

    /// Records a run and says how it went.
    pub(super) fn conclude(&self, measured: &Measured) -> Result<Exit, CommandError> {
        let Measured { run, planned, interrupted, spent } = measured;
        let ui = self.ui;
        ui.detail(format_args!(
            "{:.1?} in all: {:.1?} in launches, {:.1?} in checks, {:.1} % beside them",
            spent.total,
            spent.launches,
            spent.checks,
            100.0 * spent.overhead()
        ));
        if run.measurements.is_empty() {
            ui.note("nothing was finished, so nothing was recorded");
        } else {
            let path = self.history.write(run).map_err(CommandError::failed)?;
            ui.note(format_args!("recorded in {}", super::shown(&path).display()));
        }
        if *interrupted {
            let done = table::cases(run).len();
            ui.warn(format_args!("interrupted: {done} of {planned} cases were finished and are recorded"));
            return Ok(Exit::Interrupted);
        }
        let wrong =
            |status| matches!(status, Status::WrongResult | Status::Trap | Status::Timeout | Status::Error);
        let failed = run.measurements.iter().filter(|row| wrong(row.status)).count();
        if failed > 0 {
            ui.warn(format_args!("{failed} of {planned} cases failed; their rows say why"));
            return Ok(Exit::KernelFailed);
        }
        Ok(Exit::Done)
    }
}

/// The kernels to measure: the work tree's, or those of one or more commits.
fn targets(place: &Place, rev: Option<&str>, ui: &Ui) -> Result<Vec<Target>, CommandError> {
    let Some(rev) = rev else {
        return Ok(vec![work_tree(place, ui)?]);
    };
    let commits = place.require_repository("--rev")?.range(rev).map_err(CommandError::usage)?;
    if commits.is_empty() {
        return Err(CommandError::usage(format!("--rev {rev}: the range holds no commit"))
            .with_hint("A..B is the commits of B that A does not have"));
    }
    let today = place.work_tree_library()?;
    let target = |commit: Commit| {
        let library = place.commit_library(&commit)?.with_types_of(&today);
        Ok(Target { library, commit, dirty: BTreeSet::new() })
    };
    commits.into_iter().map(target).collect()
}

/// The kernels as they are on disk; dirty is what differs from the commit checked out.
fn work_tree(place: &Place, ui: &Ui) -> Result<Target, CommandError> {
    let commit = place.head()?;
    if commit == Commit::Unversioned {
        let why = if place.repository().is_some() {
            "the repository has no commit yet"
        } else {
            "no git repository here"
        };
        ui.note(format_args!("{why}: results are recorded as commit 'unversioned'"));
    }
    let library = place.work_tree_library()?;
    let committed = place.commit_library(&commit)?;
    let digests: BTreeMap<&str, &str> =
        committed.implementations().map(|kernels| (kernels.name(), kernels.digest())).collect();
    let differs =
        |name: &str, digest: &str| commit != Commit::Unversioned && digests.get(name) != Some(&digest);
    let dirty = library
        .implementations()
        .filter(|kernels| differs(kernels.name(), kernels.digest()))
        .map(|kernels| kernels.name().to_owned())
        .collect();
    Ok(Target { commit, library, dirty })
}

/// What will be measured, all of it, so that a wrong name fails before anything runs.
fn schedules<'a>(
    args: &BenchArgs,
    profile: Profile,
    targets: &'a [Target],
    ui: &Ui,
) -> Result<Vec<(&'a Target, Schedule)>, CommandError> {
    let types: Vec<&str> = match args.types.as_slice() {
        [] => vec![DEFAULT_TYPE],
        types => types.iter().map(BenchmarkType::as_str).collect(),
    };
    for name in &args.implementation {
        let mut missing = targets.iter().filter_map(|target| unknown(target, name));
        if let (Some(error), count) = (missing.next(), missing.count() + 1)
            && count == targets.len()
        {
            return Err(lookup_error(error));
        }
    }
    let mut schedules = Vec::new();
    for target in targets {
        // A commit of a range need not have every kernel that a later one has.
        let (here, missing): (Vec<_>, Vec<_>) =
            args.implementation.iter().cloned().partition(|name| unknown(target, name).is_none());
        if !missing.is_empty() {
            ui.note(format_args!("{} has no {}", target.commit.short(), missing.join(", ")));
            if here.is_empty() {
                continue;
            }
        }
        let request = Request {
            profile,
            implementations: here,
            overrides: Overrides {
                batch_size: args.batch_size.clone(),
                seq_len: args.seq_len.clone(),
                num_heads: args.num_heads.clone(),
                head_dim: args.head_dim.clone(),
                dtype: args.dtype.clone(),
                ..Overrides::default()
            },
            dirty: target.dirty.clone(),
        };
        for benchmark_type in &types {
            let schedule = Schedule::new(&target.library, benchmark_type, &request).map_err(lookup_error)?;
            schedules.push((target, schedule));
        }
    }
    Ok(schedules)
}

/// The error of looking for an implementation that a target does not have; a broken one is there, and so is a strategy of
/// allocation.
fn unknown(target: &Target, name: &str) -> Option<LookupError> {
    if name.parse::<Strategy>().is_ok() {
        return None;
    }
    target.library.implementation(name).err().filter(|error| matches!(error, LookupError::Unknown { .. }))
}

fn lookup_error(error: LookupError) -> CommandError {
    match error {
        LookupError::Unknown { .. } => {
            CommandError::usage(error).with_hint("`pipe kernels list` lists what there is")
        }
        LookupError::Broken(_) => CommandError::failed(error),
    }
}

/// Raised by Ctrl-C; a second Ctrl-C ends the process at once.
fn stop_flag(ui: &Ui) -> Result<Arc<AtomicBool>, CommandError> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let ui = ui.clone();
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            #[allow(clippy::exit, reason = "the user asked twice; whatever is running is not waited for")]
            std::process::exit(130);
        }
        ui.warn(
            "stopping after the launch that is running; Ctrl-C again stops at once and records nothing more",
        );
    })
    .map_err(CommandError::failed)?;
    Ok(stop)
}

fn default_profile(kind: DeviceKind) -> Profile {
    match kind {
        DeviceKind::Cuda => Profile::Standard,
        DeviceKind::Embedded | DeviceKind::Imported => Profile::Quick,
    }
}

fn command_line() -> String {
    let arguments = std::env::args().skip(1);
    std::iter::once("pipe".to_owned()).chain(arguments.map(quoted)).collect::<Vec<_>>().join(" ")
}

/// An argument as it can be pasted into a shell.
fn quoted(argument: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=.,:/~^@+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

impl From<ProfileArg> for Profile {
    fn from(profile: ProfileArg) -> Self {
        match profile {
            ProfileArg::Quick => Profile::Quick,
            ProfileArg::Standard => Profile::Standard,
            ProfileArg::Full => Profile::Full,
        }
    }
}
