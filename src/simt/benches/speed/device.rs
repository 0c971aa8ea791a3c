//! A loaded module with buffers, ready to be launched over and over.

use std::hint::black_box;

use pipe_simt::{Counts, GlobalMemory, Instance, LaunchConfig, Options, Program, launch};

/// A module on a device of its own.
pub(crate) struct Device {
    program: Program,
    memory: GlobalMemory,
    instance: Instance,
}

/// A kernel of the module with its geometry and parameters.
pub(crate) struct Call<'a> {
    pub(crate) kernel: &'a str,
    pub(crate) grid: [u32; 2],
    pub(crate) block: [u32; 2],
    pub(crate) params: Vec<u8>,
}

/// Cores of this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// Runs a function compiled for this CPU's vector instructions; it must be `#[inline(always)]` through and through.
#[inline(always)]
pub(crate) fn compiled_for_this_cpu<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(level) = pulp::x86::V4::try_new() {
            return level.vectorize(f);
        }
        if let Some(level) = pulp::x86::V3::try_new() {
            return level.vectorize(f);
        }
    }
    f()
}

/// Bytes of a sequence of words.
pub(crate) fn bytes<T, const N: usize>(words: &[T], to_bytes: impl Fn(&T) -> [u8; N]) -> Vec<u8> {
    words.iter().flat_map(to_bytes).collect()
}

impl Device {
    pub(crate) fn new(text: &str) -> Self {
        let program = Program::load(text).expect("the module loads");
        let memory = GlobalMemory::new(1 << 30).expect("address space");
        let instance = program.instantiate(&memory).expect("memory for variables");
        Device { program, memory, instance }
    }

    /// A buffer with these bytes; gives its address.
    pub(crate) fn buffer(&self, bytes: &[u8]) -> u64 {
        let address = self.memory.allocate(bytes.len() as u64).expect("memory");
        self.memory.copy_in(address, bytes).expect("inside");
        address
    }

    /// Floats of a buffer.
    pub(crate) fn floats(&self, address: u64, count: usize) -> Vec<f32> {
        let mut bytes = vec![0; 4 * count];
        self.memory.copy_out(address, &mut bytes).expect("inside");
        bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
    }

    /// Launches on so many threads.
    pub(crate) fn run(&self, call: &Call<'_>, threads: usize) -> Counts {
        let kernel = self.program.kernel(call.kernel).expect("the kernel");
        let ([columns, rows], [x, y]) = (call.grid, call.block);
        let config = LaunchConfig {
            grid: [columns, rows, 1],
            block: [x, y, 1],
            dynamic_shared_bytes: 0,
            params: &call.params,
        };
        let options = Options { threads: Some(threads), ..Options::default() };
        launch(&self.instance, kernel, &config, &self.memory, &options).expect("runs")
    }

    /// Launches on so many threads, for its time.
    pub(crate) fn launch(&self, call: &Call<'_>, threads: usize) {
        black_box(self.run(call, threads));
    }
}
