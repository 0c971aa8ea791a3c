//! Any module is either refused, or loads and runs within its budget: to the end, or to a trap. Memory is small, and what
//! parameters hold is an address, or a number where 8 bytes are not left.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pipe_simt::{GlobalMemory, LaunchConfig, LaunchError, Options, Program, launch};

/// Bytes of device memory.
const CAPACITY: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let Ok(program) = Program::load(text) else { return Corpus::Keep };
    let Ok(memory) = GlobalMemory::new(CAPACITY) else { return Corpus::Reject };
    let Ok(instance) = program.instantiate(&memory) else { return Corpus::Keep };
    let buffer = memory.allocate(4096).unwrap_or_default();
    let options = Options { threads: Some(1), instruction_budget: 20_000, ..Options::default() };
    for kernel in program.kernels().take(4) {
        let mut params = vec![1; kernel.param_bytes() as usize];
        for param in kernel.params().iter().filter(|param| param.size == 8) {
            let at = param.offset as usize;
            params[at..at + 8].copy_from_slice(&buffer.to_le_bytes());
        }
        let block = kernel.required_block().unwrap_or([40.min(kernel.max_threads_per_block()), 1, 1]);
        let config = LaunchConfig { grid: [2, 1, 1], block, dynamic_shared_bytes: 1024, params: &params };
        if let Err(LaunchError::Fault(fault)) = launch(&instance, kernel, &config, &memory, &options) {
            panic!("{fault}");
        }
    }
    Corpus::Keep
});
