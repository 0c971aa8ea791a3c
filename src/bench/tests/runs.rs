//! What a run that goes well produces, in which order, and how it is watched and stopped.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use pipe_bench::{Job, Observer, Request, Schedule};
use pipe_kernels::{Overrides, Profile};
use pipe_model::{Basis, Measurement, Metric, Status};

use crate::support::{Kernels, SAMPLING, primary, run, runner};

fn quick(dirty: &[&str]) -> Request {
    Request {
        profile: Profile::Quick,
        dirty: dirty.iter().map(|name| (*name).to_owned()).collect(),
        ..Request::default()
    }
}

#[test]
fn a_right_kernel_gives_a_row_for_every_metric() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy"], &[1]);
    let library = kernels.library();
    let schedule = Schedule::new(&library, "tiny", &quick(&["copy"])).unwrap();
    let outcome = runner().run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ());

    assert!(!outcome.interrupted);
    for row in &outcome.measurements {
        // What an op asks for names the op.
        let message = if row.metric == Metric::OP_FLOPS { "attention" } else { "" };
        assert_eq!((row.status, row.message.as_str()), (Status::Ok, message), "{}", row.metric);
        assert_eq!(row.kernel_digest, library.implementation("copy").unwrap().digest());
        assert_eq!(row.unit, row.metric.unit());
        assert!(row.dirty);
    }
    // Everything pipe knows of kernels except what only a GPU, a model or the assembler gives, and what is of loops, which
    // a copy has none of.
    let found: BTreeSet<Metric> = outcome.measurements.iter().map(|row| row.metric.clone()).collect();
    let of_other_procedures = [
        Metric::SLICE_TIME,
        Metric::RING_STEP_TIME,
        Metric::RING_TIME,
        Metric::STRONG_SCALING,
        Metric::WEAK_SCALING,
        Metric::MAX_SEQ_LEN,
        Metric::ALLOCATION_TIME,
        Metric::REUSE_TIME,
        Metric::FREE_TIME,
        Metric::FRAGMENTATION,
        Metric::LIVE_MEMORY,
        Metric::DEVICE_ALLOCATIONS,
        Metric::HOT_CACHE_HITS,
    ];
    let counted = |metric: &Metric| {
        *metric != Metric::GPU_TIME
            && !["roofline_", "registers_", "spilled_bytes_", "hot_loop_"]
                .iter()
                .any(|prefix| metric.as_str().starts_with(prefix))
            && !of_other_procedures.contains(metric)
    };
    let known: BTreeSet<Metric> = Metric::known().filter(counted).collect();
    assert_eq!(found, known);
    assert_eq!(found.len(), outcome.measurements.len(), "a metric is there twice");

    let row = |name: &str| outcome.measurements.iter().find(|row| row.metric.as_str() == name).unwrap();
    let time = row("emulation_time");
    assert_eq!((time.basis, time.samples.len()), (Basis::Measured, 3));
    assert!(time.samples.iter().all(|nanoseconds| *nanoseconds > 0.0));
    // q, k, v and out: one position, one head of 32 floats.
    assert_eq!(row("peak_memory").samples, [4.0 * 32.0 * 4.0]);
    assert_eq!(row("relative_error").samples, [0.0], "a copy rounds nothing");
    // One warp of the block copies 32 floats, the others leave at the bounds check.
    assert_eq!(row("launches").samples, [1.0]);
    assert_eq!(row("global_load_bytes").samples, [128.0]);
    assert_eq!(row("global_store_sectors").samples, [4.0]);
    assert_eq!(row("global_store_sectors").basis, Basis::Counted);
}

#[test]
fn what_the_user_gives_replaces_what_the_type_says() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy", "attention"], &[1, 8]);
    let library = kernels.library();
    let schedule = |request: &Request| Schedule::new(&library, "tiny", request).unwrap();
    let jobs = |schedule: Schedule| -> Vec<(String, Option<u64>)> {
        schedule.jobs.iter().map(|job| (job.implementation.clone(), job.case.seq_len)).collect()
    };
    let job = |name: &str, seq_len| (name.to_owned(), Some(seq_len));
    assert_eq!(
        jobs(schedule(&quick(&[]))),
        [job("copy", 1), job("attention", 1), job("copy", 8), job("attention", 8)],
        "case by case"
    );
    let asked = Request {
        implementations: vec!["copy".into(), "copy".into()],
        overrides: Overrides { seq_len: vec![4, 2], ..Overrides::default() },
        ..quick(&[])
    };
    assert_eq!(jobs(schedule(&asked)), [job("copy", 4), job("copy", 2)]);
    let unknown = Request { implementations: vec!["copi".into()], ..quick(&[]) };
    let error = Schedule::new(&library, "tiny", &unknown).unwrap_err().to_string();
    assert_eq!(error, "unknown implementation 'copi'; did you mean 'copy'?");
    let error = Schedule::new(&library, "tinny", &quick(&[])).unwrap_err().to_string();
    assert_eq!(error, "unknown benchmark type 'tinny'; did you mean 'tiny'?");
}

/// Notes what it sees, and raises a stop after so many jobs or samples.
#[derive(Default)]
struct Watcher<'a> {
    seen: Vec<String>,
    stop_after_jobs: Option<(usize, &'a AtomicBool)>,
    stop_at_sample: Option<&'a AtomicBool>,
    finished: usize,
}

impl Observer for Watcher<'_> {
    fn job_started(&mut self, job: &Job) {
        self.seen.push(format!("start {}", job.case.seq_len.unwrap()));
    }

    fn sample_taken(&mut self, _: &Job, taken: usize, nanoseconds: f64) {
        assert!(nanoseconds > 0.0);
        self.seen.push(format!("sample {taken}"));
        if let Some(stop) = self.stop_at_sample {
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn job_finished(&mut self, _: &Job, rows: &[Measurement]) {
        self.seen.push(format!("end {}", rows[0].status));
        self.finished += 1;
        if let Some((jobs, stop)) = self.stop_after_jobs {
            stop.store(self.finished >= jobs, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_type_records_the_metrics_it_names() {
    let text = |metrics: &str| {
        format!(
            "description = \"a test\"\nimplementations = [\"copy\"]\nmetrics = {metrics}\nstandard = []\nfull = []\n\
             [[quick]]\nbatch_size = 1\nseq_len = [1, 2]\nnum_heads = 1\nhead_dim = 32\ndtype = \"f32\"\n\
             causal = false\ngroups = {{ segment_lengths = [1], dilation_rates = [1] }}\n"
        )
    };
    let kernels = Kernels::new().with_copy().benchmark_text("few", &text(r#"["peak_memory", "flops_*"]"#));
    let outcome = run(&mut runner(), &kernels.library(), "few", Overrides::default());
    let found: BTreeSet<&str> = outcome.measurements.iter().map(|row| row.metric.as_str()).collect();
    let expected = ["emulation_time", "flops_bf16", "flops_f16", "flops_f32", "flops_f64", "peak_memory"];
    assert_eq!(found, BTreeSet::from(expected), "emulation_time is of the case that went wrong");
    assert_eq!(primary(&outcome)[0].status, Status::WrongResult);
}

#[test]
fn a_run_can_be_watched() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy"], &[1, 2]);
    let schedule = Schedule::new(&kernels.library(), "tiny", &quick(&[])).unwrap();
    let mut watcher = Watcher::default();
    runner().run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut watcher);
    assert_eq!(
        watcher.seen,
        ["start 1", "sample 1", "sample 2", "sample 3", "end ok", "start 2", "end wrong_result"],
        "what is wrong is never timed"
    );
}

#[test]
fn a_stopped_run_keeps_what_is_finished() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy"], &[1, 2, 1]);
    let overrides = Overrides { batch_size: vec![1, 2], ..Overrides::default() };
    let request = Request { overrides, ..quick(&[]) };
    let schedule = Schedule::new(&kernels.library(), "tiny", &request).unwrap();
    assert_eq!(schedule.jobs.len(), 4);
    let mut runner = runner();

    let stop = AtomicBool::new(true);
    let outcome = runner.run(&schedule, &SAMPLING, &stop, &mut ());
    assert!(outcome.interrupted && outcome.measurements.is_empty());

    let stop = AtomicBool::new(false);
    let mut watcher = Watcher { stop_after_jobs: Some((2, &stop)), ..Watcher::default() };
    let outcome = runner.run(&schedule, &SAMPLING, &stop, &mut watcher);
    assert!(outcome.interrupted);
    assert_eq!(primary(&outcome).len(), 2);

    let stop = AtomicBool::new(false);
    let mut watcher = Watcher { stop_at_sample: Some(&stop), ..Watcher::default() };
    let outcome = runner.run(&schedule, &SAMPLING, &stop, &mut watcher);
    assert!(outcome.interrupted && outcome.measurements.is_empty(), "half a case is no case");

    let outcome = runner.run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ());
    assert!(!outcome.interrupted);
    assert_eq!(primary(&outcome).len(), 4);
}

#[test]
fn the_time_is_accounted_for() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy"], &[1]);
    let overrides = Overrides { batch_size: vec![64], num_heads: vec![64], ..Overrides::default() };
    let outcome = run(&mut runner(), &kernels.library(), "tiny", overrides);
    let spent = outcome.spent;
    assert_eq!(outcome.measurements[0].status, Status::Ok);
    assert!(!spent.launches.is_zero() && !spent.checks.is_zero());
    assert!(spent.launches + spent.checks <= spent.total, "{spent:?}");
    assert!((0.0..=1.0).contains(&spent.overhead()));
}

#[test]
fn the_environment_names_device_and_machine() {
    let runner = runner();
    let environment = runner.device().environment();
    for name in ["pipe", "driver", "cuda", "compute_capability", "device_memory", "cpu_cores", "os"] {
        assert!(environment.get(name).is_some_and(|value| !value.is_empty()), "{name}: {environment:?}");
    }
    assert_eq!(environment["device_memory"], (64_u64 << 20).to_string());
    assert_eq!(environment["driver"], "embedded: the embedded device was asked for");
    assert!(!runner.device().name().is_empty());
}
