//! The functions of CUDA's device runtime: `printf`, `malloc` and `free`.

use crate::device::kernel;
use pipe_simt::{GlobalMemory, LaunchConfig, LaunchError, Options, Program, TrapKind, launch};

const DECLARATIONS: &str = r#"
.extern .func (.param .b32 result) vprintf (.param .b64 format, .param .b64 arguments);
.extern .func (.param .b64 result) malloc (.param .b64 bytes);
.extern .func free (.param .b64 address);
.global .align 1 .b8 line[23] = {98, 108, 111, 99, 107, 32, 37, 100, 32, 116, 104, 114, 101, 97, 100, 32, 37, 117, 58, 32, 37, 103, 0};
"#;

/// What a body that uses the functions prints and leaves in `out`, on `threads` threads.
fn run(body: &str, grid: u32, block: u32, threads: usize) -> (Result<(), LaunchError>, String, Vec<u32>) {
    let text = kernel(body);
    let header = text.find(".visible").unwrap();
    let program = Program::load(&format!("{}{DECLARATIONS}{}", &text[..header], &text[header..])).unwrap();
    let memory = GlobalMemory::new(16 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let out = memory.allocate(4096).unwrap();
    let params = [out.to_le_bytes(), out.to_le_bytes()].concat();
    let config =
        LaunchConfig { grid: [grid, 1, 1], block: [block, 1, 1], dynamic_shared_bytes: 0, params: &params };
    let options = Options { threads: Some(threads), ..Options::default() };
    let outcome = launch(&instance, program.kernel("k").unwrap(), &config, &memory, &options);
    let mut bytes = vec![0; 4096];
    memory.copy_out(out, &mut bytes).unwrap();
    let words = bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    let printed = String::from_utf8(memory.take_printed()).unwrap();
    assert!(memory.take_printed().is_empty(), "what was taken is gone");
    (outcome.map(drop), printed, words)
}

const PRINT: &str = "
    .local .align 8 .b8 depot[16];
    mov.u32 %r1, %ctaid.x;
    cvt.rn.f64.u32 %d1, %i;
    mul.f64 %d1, %d1, 0d3FE0000000000000;
    st.local.u32 [depot], %r1;
    st.local.u32 [depot+4], %i;
    st.local.f64 [depot+8], %d1;
    mov.u64 %rd1, depot;
    cvta.local.u64 %rd1, %rd1;
    mov.u64 %rd2, line;
    cvta.global.u64 %rd2, %rd2;
    {
        .param .b64 p0; .param .b64 p1; .param .b32 q;
        st.param.b64 [p0], %rd2;
        st.param.b64 [p1], %rd1;
        call.uni (q), vprintf, (p0, p1);
        ld.param.b32 %r2, [q];
    }
    st.global.u32 [%o], %r2;";

#[test]
fn kernels_print_block_by_block() {
    let (outcome, printed, words) = run(&format!("{PRINT} ret;"), 2, 2, 2);
    assert_eq!(outcome, Ok(()));
    let expected =
        ["block 0 thread 0: 0", "block 0 thread 1: 0.5", "block 1 thread 0: 0", "block 1 thread 1: 0.5"];
    assert_eq!(printed, expected.concat());
    assert_eq!(words[..2], [3, 3], "printf gives the number of its arguments");
}

#[test]
fn what_was_printed_before_a_trap_is_kept() {
    let (outcome, printed, _) = run(&format!("{PRINT} trap;"), 1, 1, 1);
    assert!(matches!(outcome, Err(LaunchError::Trap(trap)) if trap.kind == TrapKind::Trap));
    assert_eq!(printed, "block 0 thread 0: 0");
}

#[test]
fn a_launch_prints_a_megabyte_at_most() {
    let body = format!(
        "mov.u32 %r9, 0; AGAIN: {PRINT} add.u32 %r9, %r9, 1; setp.lt.u32 %p1, %r9, 2000; @%p1 bra AGAIN; ret;"
    );
    let body = body.replace(".local .align 8 .b8 depot[16];", "");
    let body = format!(".local .align 8 .b8 depot[16]; {body}");
    let (outcome, printed, words) = run(&body, 1, 32, 1);
    assert_eq!(outcome, Ok(()));
    assert!((1 << 20) - 32 < printed.len() && printed.len() <= 1 << 20, "{}", printed.len());
    assert_eq!(words[31], u32::MAX, "printf fails once there is no room");
}

const ALLOCATE: &str = "
    {
        .param .b64 p0; .param .b64 q;
        st.param.b64 [p0], 24;
        call.uni (q), malloc, (p0);
        ld.param.b64 %rd1, [q];
    }";

const FREE: &str = "
    {
        .param .b64 p0;
        st.param.b64 [p0], %rd1;
        call.uni free, (p0);
    }";

#[test]
fn each_thread_has_what_it_allocates() {
    let body = format!(
        "{ALLOCATE}
        mad.lo.u32 %r1, %i, 3, 1;
        st.u32 [%rd1+20], %r1;
        bar.sync 0;
        ld.u32 %r2, [%rd1+20];
        st.global.u32 [%o], %r2;
        {FREE}
        ret;"
    );
    let (outcome, _, words) = run(&body, 1, 64, 1);
    assert_eq!(outcome, Ok(()));
    assert_eq!(words[..64], std::array::from_fn::<u32, 64, _>(|i| 3 * i as u32 + 1));
}

#[test]
fn what_is_too_large_is_null_and_null_is_freed() {
    let body = format!(
        "{} {FREE} cvt.u32.u64 %r1, %rd1; st.global.u32 [%o], %r1; ret;",
        ALLOCATE.replace("24;", "8388609;")
    );
    let (outcome, _, words) = run(&body, 1, 1, 1);
    assert_eq!((outcome, words[0]), (Ok(()), 0));
}

#[test]
fn freeing_twice_traps() {
    let (outcome, ..) = run(&format!("{ALLOCATE} {FREE} {FREE} ret;"), 1, 1, 1);
    let Err(LaunchError::Trap(trap)) = outcome else { panic!("no trap") };
    assert_eq!(trap.kind, TrapKind::UseAfterFree);
    assert!(trap.detail.contains("freed before"), "{}", trap.detail);
}

#[test]
fn an_address_of_64_bits_is_not_cut() {
    let text = kernel("mov.u32 %r1, line; ret;");
    let header = text.find(".visible").unwrap();
    let error = Program::load(&format!("{}{DECLARATIONS}{}", &text[..header], &text[header..])).unwrap_err();
    assert!(error.to_string().contains("has 64 bits, not 32"), "{error}");
}
