//! The same PTX, a matrix product, on the crate `ptoxide` and on pipe's executor, in one run.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench stops and prints")]

use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion};
use pipe_simt::{GlobalMemory, LaunchConfig, Options, Program, launch, vector_level};

/// nvcc's output for `c[i * n + j] = Σ a[i * k + l] * b[l * n + j]`, from ptoxide's own test kernels.
const GEMM: &str = include_str!("gemm.ptx");
const KERNEL: &str = "_Z4gemmPfS_S_mmm";
/// Threads of a block: `x` walks the rows, so loads of `a` are strided and loads of `b` uniform in a warp.
const BLOCK: [u32; 2] = [32, 8];

/// pipe's executor with the matrices in its memory.
struct Ours {
    program: Program,
    memory: GlobalMemory,
    params: Vec<u8>,
    size: u32,
}

impl Ours {
    fn new(size: u32) -> Self {
        let program = Program::load(GEMM).expect("gemm.ptx loads");
        let memory = GlobalMemory::new(1 << 30).expect("address space");
        let bytes = u64::from(size * size) * 4;
        let ones: Vec<u8> =
            std::iter::repeat_n(1f32.to_le_bytes(), (size * size) as usize).flatten().collect();
        let mut params = Vec::new();
        for _ in 0..3 {
            let address = memory.allocate(bytes).expect("memory");
            memory.copy_in(address, &ones).expect("inside");
            params.extend(address.to_le_bytes());
        }
        for _ in 0..3 {
            params.extend(u64::from(size).to_le_bytes());
        }
        Ours { program, memory, params, size }
    }

    /// Runs once; gives the thread-instructions.
    fn run(&self, threads: usize) -> u64 {
        let instance = self.program.instantiate(&self.memory).expect("no variables");
        let kernel = self.program.kernel(KERNEL).expect("the kernel");
        let [x, y] = BLOCK;
        let config = LaunchConfig {
            grid: [self.size.div_ceil(x), self.size.div_ceil(y), 1],
            block: [x, y, 1],
            dynamic_shared_bytes: 0,
            params: &self.params,
        };
        let options = Options { threads: Some(threads), ..Options::default() };
        launch(&instance, kernel, &config, &self.memory, &options).expect("runs").thread_instructions
    }

    fn result(&self) -> f32 {
        let address = u64::from_le_bytes(self.params[16..24].try_into().expect("eight bytes"));
        let mut bytes = [0; 4];
        self.memory.copy_out(address, &mut bytes).expect("inside");
        f32::from_le_bytes(bytes)
    }
}

/// Runs ptoxide once.
fn ptoxide(size: u32) -> Duration {
    use ptoxide::{Argument, Context, LaunchParams};
    let n = size as usize;
    let mut context = Context::new_with_module(GEMM).expect("gemm.ptx loads");
    let pointers = [0; 3].map(|_| context.alloc(n * n * 4));
    for pointer in pointers {
        context.write(pointer, &vec![1f32; n * n]);
    }
    let [a, b, c] = pointers;
    let launch = LaunchParams::func_id(0)
        .grid2d(size.div_ceil(BLOCK[0]), size.div_ceil(BLOCK[1]))
        .block2d(BLOCK[0], BLOCK[1]);
    let size = || Argument::U64(u64::from(size));
    let arguments = [Argument::ptr(a), Argument::ptr(b), Argument::ptr(c), size(), size(), size()];
    let start = busy_time();
    context.run(launch, &arguments).expect("runs");
    let elapsed = busy_time() - start;
    let mut out = vec![0f32; n * n];
    context.read(c, &mut out);
    assert_eq!(out[n * n - 1], n as f32);
    elapsed
}

/// Time this thread has been on a CPU, where the system tells, so that other work on the machine does not matter much;
/// else the time of day.
fn busy_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn main() {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for size in [128, 256] {
        let ours = Ours::new(size);
        let mut group = criterion.benchmark_group(format!("gemm {size}"));
        for threads in [1, cores] {
            group.bench_function(BenchmarkId::new("pipe", threads), |b| {
                b.iter(|| black_box(ours.run(threads)))
            });
        }
        group.finish();
        let work = ours.run(1) as f64;
        assert_eq!(ours.result(), size as f32);
        let rate = |work: f64, time: Duration| work / time.as_secs_f64() / 1e6;
        let theirs = rate(work, ptoxide(size));
        println!("gemm {size}: ptoxide {theirs:.0} M thread-instructions/s");
        for threads in [1, cores] {
            let clock = Instant::now();
            // What one thread does is timed by its time on a CPU, which ticks in milliseconds: many runs together.
            let now = || if threads == 1 { busy_time() } else { clock.elapsed() };
            let (start, runs) = (now(), 1 + (200 << 20) / (size as usize).pow(3));
            for _ in 0..runs {
                black_box(ours.run(threads));
            }
            let ours = rate(work * runs as f64, now() - start);
            println!(
                "gemm {size}: pipe on {threads} threads ({}) {ours:.0} M thread-instructions/s, {:.0} × ptoxide",
                vector_level(),
                ours / theirs
            );
        }
    }
    criterion.final_summary();
}
