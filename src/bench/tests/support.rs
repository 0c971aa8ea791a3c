//! A device for every test, and a library with kernels whose outcome is known.

use std::{
    env, fs,
    path::Path,
    sync::{
        Once,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use pipe_bench::{Device, Outcome, Request, Runner, Sampling, Schedule};
use pipe_driver::{Choice, Config, Sanitize};
use pipe_kernels::{Library, Overrides};
use pipe_model::{Measurement, Metric};
use tempfile::TempDir;

/// Enough for every case but those that are meant not to fit.
const MEMORY: u64 = 64 << 20;
const DEVICES: u32 = 96;

/// Set for a process whose device runs recorded launches under the sanitizer.
pub(crate) const SANITIZE: &str = "PIPE_BENCH_TEST_SANITIZE";

/// As few samples as count, so that a test is about what is measured and not about how long.
pub(crate) const SAMPLING: Sampling =
    Sampling { warm_ups: 0, min_samples: 3, max_samples: 3, relative_width: 0.0, budget: Duration::ZERO };

/// A runner on a device of its own, so that a trap in one test is nothing to the others.
pub(crate) fn runner() -> Runner {
    runner_with(None)
}

/// A runner on the first of so many devices that no other test uses.
pub(crate) fn runner_of(devices: u32) -> Runner {
    runner_on(devices, None)
}

/// A runner whose device runs blocks on so many threads; the first runner of the process decides.
pub(crate) fn runner_with(threads: Option<usize>) -> Runner {
    runner_on(1, threads)
}

fn runner_on(devices: u32, threads: Option<usize>) -> Runner {
    static CONFIGURED: Once = Once::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    CONFIGURED.call_once(|| {
        let config = Config {
            choice: Choice::Embedded,
            embedded_devices: DEVICES as usize,
            embedded_memory: MEMORY,
            threads,
            instruction_budget: Some(50_000_000),
            sanitize: if env::var_os(SANITIZE).is_some() { Sanitize::Recorded } else { Sanitize::Off },
        };
        pipe_driver::configure(config).unwrap();
    });
    let ordinal = NEXT.fetch_add(devices, Ordering::Relaxed);
    assert!(ordinal + devices <= DEVICES, "raise DEVICES: every runner takes one");
    Runner::new(Device::open(ordinal).unwrap())
}

/// pipe's own library, laid over with kernels of the test.
pub(crate) struct Kernels {
    folder: TempDir,
}

impl Kernels {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Op `attention`, computed by `copy`, which is right for one key and wrong for more: the softmax of one
    /// score is 1.
    pub(crate) fn with_copy(self) -> Self {
        let launch = launch("copy", r#"["v", "out", { u32 = "elements" }]"#);
        self.implementation("copy", &manifest(&launch), COPY)
    }

    pub(crate) fn implementation(self, name: &str, manifest: &str, ptx: &str) -> Self {
        self.file(&format!("{name}/kernel.toml"), manifest).file(&format!("{name}/kernel.ptx"), ptx)
    }

    /// A type with these implementations and sequence lengths, one head of 32.
    pub(crate) fn benchmark(self, name: &str, implementations: &[&str], seq_len: &[u64]) -> Self {
        let text = format!(
            "description = \"a test\"\nimplementations = {implementations:?}\nstandard = []\nfull = []\n\
             [[quick]]\nbatch_size = 1\nseq_len = {seq_len:?}\nnum_heads = 1\nhead_dim = 32\ndtype = \"f32\"\n\
             causal = false\ngroups = {{ segment_lengths = [16], dilation_rates = [1] }}\n"
        );
        self.benchmark_text(name, &text)
    }

    /// A type as its file has it.
    pub(crate) fn benchmark_text(self, name: &str, text: &str) -> Self {
        self.file(&format!("types/{name}.toml"), text)
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn library(&self) -> Library {
        Library::built_in().overlay_folder(self.path()).unwrap()
    }
}

/// A manifest with one launch.
pub(crate) fn manifest(launch: &str) -> String {
    format!(
        "op = \"attention\"\nsummary = \"a test\"\ndtypes = [\"f32\"]\nhead_dims = [32]\n\
         define = [{{ name = \"elements\", value = \"batch_size * seq_len * num_heads * head_dim\" }}]\n{launch}"
    )
}

/// A launch of `entry` with a thread an element.
pub(crate) fn launch(entry: &str, args: &str) -> String {
    format!(
        "[[launch]]\nentry = \"{entry}\"\ngrid = [\"ceil_div(elements, 128)\", 1, 1]\nblock = [128, 1, 1]\nargs = {args}\n"
    )
}

/// `to[i] = from[i]` for i below `count`.
pub(crate) const COPY: &str = "\
.version 7.0
.target sm_75
.address_size 64

.visible .entry copy(.param .u64 from, .param .u64 to, .param .u32 count)
{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    .reg .f32 %f<2>;
    .reg .b64 %rd<8>;

    ld.param.u64 %rd1, [from];
    ld.param.u64 %rd2, [to];
    ld.param.u32 %r1, [count];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.u32 %r5, %r2, %r3, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra DONE;
    cvta.to.global.u64 %rd3, %rd1;
    cvta.to.global.u64 %rd4, %rd2;
    mul.wide.u32 %rd5, %r5, 4;
    add.u64 %rd6, %rd3, %rd5;
    add.u64 %rd7, %rd4, %rd5;
    ld.global.f32 %f1, [%rd6];
    st.global.f32 [%rd7], %f1;
DONE:
    ret;
}
";

/// Runs the quick profile of `benchmark_type` with what is asked for.
pub(crate) fn run(
    runner: &mut Runner,
    library: &Library,
    benchmark_type: &str,
    overrides: Overrides,
) -> Outcome {
    let request = Request { overrides, profile: pipe_kernels::Profile::Quick, ..Request::default() };
    let schedule = Schedule::new(library, benchmark_type, &request).unwrap();
    runner.run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ())
}

/// The primary row of each case.
pub(crate) fn primary(outcome: &Outcome) -> Vec<&Measurement> {
    outcome.measurements.iter().filter(|row| row.metric == Metric::EMULATION_TIME).collect()
}
