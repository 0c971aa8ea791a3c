//! A small device for tests: load, launch, read back.

use pipe_simt::{
    Counts, GlobalMemory, LaunchConfig, LaunchError, Observed, Options, Program, Trap, launch, observe,
};

/// Wraps a body of PTX into a kernel `k` with the pointers `out` and `in`; `%out` and `%in` hold them, `%i` the thread
/// and `%o` the address of its 32-bit word in `out`.
pub(crate) fn kernel(body: &str) -> String {
    format!(
        "\
.version 8.3
.target sm_90
.address_size 64
.visible .entry k(.param .u64 out, .param .u64 in)
{{
.reg .pred %p<32>; .reg .b16 %h<64>; .reg .b32 %r<64>; .reg .f32 %f<64>; .reg .b64 %rd<64>; .reg .f64 %d<64>;
.reg .b64 %out, %in, %o; .reg .b32 %i;
ld.param.u64 %out, [out]; ld.param.u64 %in, [in]; mov.u32 %i, %tid.x; mad.wide.u32 %o, %i, 4, %out;
{body}
}}
"
    )
}

/// The line of the first instruction of a body that [`kernel`] wraps, if it starts with a new line.
pub(crate) const BODY: u32 = 9;

/// What one launch of a kernel from [`kernel`] did.
pub(crate) struct Outcome {
    pub(crate) out: Vec<u32>,
    pub(crate) counts: Counts,
}

/// Launches `k` with a number of output words and some input.
pub(crate) fn try_run(
    text: &str,
    grid: u32,
    block: u32,
    words: usize,
    input: &[u32],
    options: &Options,
) -> Result<Outcome, LaunchError> {
    let program = Program::load(text).unwrap_or_else(|error| panic!("{error}"));
    let memory = GlobalMemory::new(16 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let out = memory.allocate(4 * words as u64).unwrap();
    let inp = memory.allocate(4 * input.len().max(1) as u64).unwrap();
    let bytes: Vec<u8> = input.iter().flat_map(|word| word.to_le_bytes()).collect();
    memory.copy_in(inp, &bytes).unwrap();
    let mut params = out.to_le_bytes().to_vec();
    params.extend(inp.to_le_bytes());
    let config =
        LaunchConfig { grid: [grid, 1, 1], block: [block, 1, 1], dynamic_shared_bytes: 0, params: &params };
    let counts = launch(&instance, program.kernel("k").unwrap(), &config, &memory, options)?;
    let mut bytes = vec![0; 4 * words];
    memory.copy_out(out, &mut bytes).unwrap();
    let out = bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    Ok(Outcome { out, counts })
}

/// What `grid` blocks of `block` threads of a body do; `out` and `in` have `words` words each.
pub(crate) fn observe_body(body: &str, grid: u32, block: u32, words: u64, options: &Options) -> Observed {
    let program = Program::load(&kernel(body)).unwrap_or_else(|error| panic!("{error}"));
    let memory = GlobalMemory::new(16 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let params: Vec<u8> =
        [(); 2].iter().flat_map(|()| memory.allocate(4 * words).unwrap().to_le_bytes()).collect();
    let config =
        LaunchConfig { grid: [grid, 1, 1], block: [block, 1, 1], dynamic_shared_bytes: 0, params: &params };
    observe(&instance, program.kernel("k").unwrap(), &config, &memory, options).unwrap()
}

/// One block of `block` threads of the body, one output word a thread.
pub(crate) fn run(body: &str, block: u32, input: &[u32]) -> Outcome {
    try_run(&kernel(body), 1, block, block as usize, input, &Options::default()).unwrap()
}

/// The words that one thread stores.
pub(crate) fn one_thread(body: &str, words: usize) -> Vec<u32> {
    try_run(&kernel(body), 1, 1, words, &[], &Options::default()).unwrap().out
}

/// The trap that a body ends in.
pub(crate) fn trap(body: &str, grid: u32, block: u32) -> Trap {
    trap_of(&kernel(body), grid, block)
}

/// The trap that the kernel `k` of a module ends in.
pub(crate) fn trap_of(text: &str, grid: u32, block: u32) -> Trap {
    let options = Options { instruction_budget: 100_000, ..Options::default() };
    match try_run(text, grid, block, 1024, &[], &options) {
        Err(LaunchError::Trap(trap)) => trap,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the kernel did not trap"),
    }
}
