//! Functions: arguments and results, divergent and recursive calls, calls through addresses, indexed branches.

use crate::device::{run, trap_of, try_run};
use pipe_simt::{Options, Program, TrapKind};

/// A module with functions before a kernel `k` as [`kernel`](crate::device::kernel) makes it.
fn module(functions: &str, body: &str) -> String {
    let kernel = crate::device::kernel(body);
    let header = kernel.find(".visible").unwrap();
    format!("{}\n{functions}\n{}", &kernel[..header], &kernel[header..])
}

fn outcome(functions: &str, body: &str, block: u32) -> Vec<u32> {
    let text = module(functions, body);
    try_run(&text, 1, block, block as usize, &[], &Options::default()).unwrap().out
}

const AFFINE: &str = "
    .func (.param .b32 result) affine(.param .b32 a, .param .align 8 .b8 pair[16])
    {
        .reg .b32 %r<8>; .reg .b64 %d<2>;
        ld.param.b32 %r1, [a];
        ld.param.b32 %r2, [pair+4];
        ld.param.b64 %d1, [pair+8];
        cvt.u32.u64 %r3, %d1;
        mad.lo.u32 %r4, %r1, %r2, %r3;
        st.param.b32 [result+0], %r4;
        ret;
    }";

#[test]
fn arguments_and_results_go_through_param_space() {
    let out = outcome(
        AFFINE,
        "
        mov.u32 %r9, 77;
        {
            .param .b32 p0; .param .align 8 .b8 p1[16]; .param .b32 q;
            st.param.b32 [p0+0], %i;
            st.param.b32 [p1+4], 3;
            st.param.b64 [p1+8], 100;
            call.uni (q), affine, (p0, p1);
            ld.param.b32 %r1, [q+0];
        }
        add.u32 %r1, %r1, %r9;
        st.global.u32 [%o], %r1;
        ret;",
        40,
    );
    assert_eq!(out, (0..40).map(|i| 3 * i + 177).collect::<Vec<u32>>());
}

#[test]
fn registers_and_constants_are_passed_too() {
    let functions = "
        .func (.reg .b32 sum, .reg .f32 half) both(.reg .b32 x, .reg .b64 y, .param .f32 z)
        {
            .reg .b32 %r<3>; .reg .f32 %f<3>;
            cvt.u32.u64 %r1, y;
            add.u32 sum, x, %r1;
            ld.param.f32 %f1, [z];
            mul.f32 half, %f1, 0f3F000000;
            ret;
        }";
    let out = outcome(
        functions,
        "
        call (%r1, %f1), both, (%i, 1000, 0f40C00000);
        cvt.rzi.u32.f32 %r2, %f1;
        mad.lo.u32 %r1, %r2, 10000, %r1;
        st.global.u32 [%o], %r1;
        ret;",
        33,
    );
    assert_eq!(out, (0..33).map(|i| 31_000 + i).collect::<Vec<u32>>());
}

#[test]
fn calls_and_returns_diverge_and_meet_again() {
    let functions = "
        .func (.param .b32 result) pick(.param .b32 a)
        {
            .reg .b32 %r<4>; .reg .pred %p<3>;
            ld.param.b32 %r1, [a];
            setp.lt.u32 %p1, %r1, 8;
            @%p1 bra SMALL;
            setp.lt.u32 %p2, %r1, 16;
            st.param.b32 [result], 2;
            @%p2 ret;
            st.param.b32 [result], 3;
            bra END;
            SMALL: st.param.b32 [result], 1;
            END: ret;
        }";
    let run = |body: &str| {
        let text = module(functions, body);
        try_run(&text, 1, 32, 32, &[], &Options::default()).unwrap()
    };
    let outcome = run("
        setp.ge.u32 %p1, %i, 4;
        mov.u32 %r1, 9;
        @%p1 call (%r1), pick, (%i);
        activemask.b32 %r2;
        popc.b32 %r2, %r2;
        mad.lo.u32 %r1, %r2, 10, %r1;
        st.global.u32 [%o], %r1;
        ret;");
    let expected = |i| {
        320 + match i {
            0..4 => 9,
            4..8 => 1,
            8..16 => 2,
            _ => 3,
        }
    };
    assert_eq!(outcome.out, (0..32).map(expected).collect::<Vec<u32>>());
    assert_eq!(outcome.counts.divergent_branches, 1);
    // What moves arguments and results does not count: 12 before, in and after the kernel, 10 in the function, in turn.
    assert_eq!(outcome.counts.instructions_control, 1 + 1 + 1 + 1 + 2);
}

const FIBONACCI: &str = "
    .func (.param .b32 result) fib(.param .b32 n)
    {
        .reg .b32 %r<8>; .reg .pred %p<2>; .local .b32 kept;
        ld.param.b32 %r1, [n];
        setp.gt.u32 %p1, %r1, 1;
        @%p1 bra MORE;
        st.param.b32 [result], %r1;
        ret;
        MORE:
        st.local.b32 [kept], %r1;
        sub.u32 %r2, %r1, 1;
        { .param .b32 a; .param .b32 b; st.param.b32 [a], %r2; call.uni (b), fib, (a); ld.param.b32 %r3, [b]; }
        ld.local.b32 %r4, [kept];
        sub.u32 %r4, %r4, 2;
        { .param .b32 a; .param .b32 b; st.param.b32 [a], %r4; call.uni (b), fib, (a); ld.param.b32 %r5, [b]; }
        add.u32 %r3, %r3, %r5;
        st.param.b32 [result], %r3;
        ret;
    }";

#[test]
fn recursion_keeps_registers_and_locals_by_call() {
    let out = outcome(
        FIBONACCI,
        "rem.u32 %r1, %i, 13; call.uni (%r2), fib, (%r1); st.global.u32 [%o], %r2; ret;",
        40,
    );
    let fib = |n: u32| (0..n).fold((0u32, 1u32), |(a, b), _| (b, a + b)).0;
    assert_eq!(out, (0..40).map(|i| fib(i % 13)).collect::<Vec<u32>>());
}

#[test]
fn a_stack_that_is_too_deep_traps() {
    let functions = "
        .func forever() { .reg .b32 %r<2>; .local .b32 l; add.u32 %r1, %r1, 1; call forever; st.local.u32 [l], %r1; ret; }";
    let text = module(functions, "call forever; ret;");
    let trap = trap_of(&text, 1, 32);
    assert_eq!(trap.kind, TrapKind::StackOverflow);
    assert!(trap.detail.contains("65536 bytes of stack"), "{trap}");
}

const TABLE: &str = "
    .func (.param .b32 r) twice(.param .b32 a)
    { .reg .b32 %r<3>; ld.param.b32 %r1, [a]; shl.b32 %r2, %r1, 1; st.param.b32 [r], %r2; ret; }
    .func (.param .b32 r) negated(.param .b32 a)
    { .reg .b32 %r<3>; ld.param.b32 %r1, [a]; neg.s32 %r2, %r1; st.param.b32 [r], %r2; ret; }
    .func (.param .b64 r) other(.param .b64 a) { st.param.b64 [r], 1; ret; }
    .global .align 8 .u64 table[3] = {twice, negated, other};";

#[test]
fn calls_through_addresses_go_where_each_lane_points() {
    let body = |third: &str| {
        format!(
            "
        prototype: .callprototype (.param .b32 _) _ (.param .b32 _);
        {third}
        mov.u64 %rd1, table;
        mad.wide.u32 %rd1, %r1, 8, %rd1;
        ld.global.u64 %rd2, [%rd1];
        call (%r2), %rd2, (%i), prototype;
        activemask.b32 %r3;
        setp.ne.u32 %p1, %r3, 0xffffffff;
        @%p1 trap;
        st.global.u32 [%o], %r2;
        ret;"
        )
    };
    let expected = |i: u32| if i.is_multiple_of(2) { 2 * i } else { i.wrapping_neg() };
    assert_eq!(outcome(TABLE, &body("and.b32 %r1, %i, 1;"), 32), (0..32).map(expected).collect::<Vec<u32>>());
    let wrong = trap_of(&module(TABLE, &body("mov.u32 %r1, 2;")), 1, 32);
    assert_eq!(wrong.kind, TrapKind::InvalidTarget, "{wrong}");
    let moved = outcome(
        TABLE,
        "list: .calltargets twice, negated; mov.u64 %rd2, twice; call (%r2), %rd2, (%i), list; st.global.u32 [%o], %r2; ret;",
        4,
    );
    assert_eq!(moved, [0, 2, 4, 6]);
    let nowhere = trap_of(
        &module(TABLE, "list: .calltargets twice; mov.u64 %rd2, 12; call (%r2), %rd2, (%i), list; ret;"),
        1,
        1,
    );
    assert_eq!(nowhere.kind, TrapKind::InvalidTarget);
}

#[test]
fn functions_share_the_blocks_memory_and_barriers() {
    let functions = "
        .extern .shared .align 4 .b8 dynamic[];
        .func (.param .b32 r) mirror(.param .b32 i)
        {
            .shared .align 4 .b32 buffer[64];
            .reg .b32 %r<8>;
            ld.param.b32 %r1, [i];
            mov.u32 %r2, buffer;
            mad.lo.u32 %r3, %r1, 4, %r2;
            st.shared.u32 [%r3], %r1;
            bar.sync 0;
            sub.u32 %r4, 63, %r1;
            mad.lo.u32 %r3, %r4, 4, %r2;
            ld.shared.u32 %r5, [%r3];
            st.param.b32 [r], %r5;
            ret;
        }";
    let out = outcome(functions, "call (%r1), mirror, (%i); st.global.u32 [%o], %r1; ret;", 64);
    assert_eq!(out, (0..64).map(|i| 63 - i).collect::<Vec<u32>>());
}

#[test]
fn an_exit_in_a_function_ends_the_thread() {
    let functions = "
        .func leave(.param .b32 i)
        {
            .reg .b32 %r<2>; .reg .pred %p<2>;
            ld.param.b32 %r1, [i];
            setp.lt.u32 %p1, %r1, 5;
            @%p1 exit;
        }";
    let out = outcome(functions, "call leave, (%i); st.global.u32 [%o], 1; ret;", 8);
    assert_eq!(out, [0, 0, 0, 0, 0, 1, 1, 1]);
}

#[test]
fn indexed_branches_go_to_each_label() {
    let body = "
        rem.u32 %r1, %i, 3;
        targets: .branchtargets A, B, C;
        brx.idx %r1, targets;
        A: mov.u32 %r2, 10; bra J;
        B: mov.u32 %r2, 20; bra J;
        C: mov.u32 %r2, 30;
        J: add.u32 %r2, %r2, %i;
        st.global.u32 [%o], %r2;
        ret;";
    let outcome = run(body, 32, &[]);
    assert_eq!(outcome.out, (0..32).map(|i| i + 10 * (i % 3 + 1)).collect::<Vec<u32>>());
    assert_eq!(outcome.counts.divergent_branches, 1);
    let uniform = run(&body.replace("%i, 3;", "%i, 1;"), 32, &[]);
    assert_eq!(uniform.counts.divergent_branches, 0);
    let beyond = crate::device::trap("t: .branchtargets A; brx.idx %i, t; A: ret;", 1, 2);
    assert_eq!((beyond.kind, beyond.thread), (TrapKind::InvalidTarget, [1, 0, 0]));
}

#[test]
fn assertions_say_where_they_failed() {
    let text = "
.version 8.3 .target sm_80 .address_size 64
.extern .func __assertfail(.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 g, .param .b64 s);
.global .align 1 .b8 message[6] = {105, 32, 60, 32, 53};
.global .align 1 .b8 file[5] = {97, 46, 99, 117};
.visible .entry k(.param .u64 out, .param .u64 in)
{
    .reg .b64 %d<4>; .reg .b32 %i; .reg .pred %p;
    mov.u32 %i, %tid.x;
    setp.lt.u32 %p, %i, 5;
    @%p bra FINE;
    mov.u64 %d1, message; cvta.global.u64 %d1, %d1;
    mov.u64 %d2, file; cvta.global.u64 %d2, %d2;
    { .param .b64 p0; .param .b64 p1; .param .b32 p2; .param .b64 p3; .param .b64 p4;
      st.param.b64 [p0], %d1; st.param.b64 [p1], %d2; st.param.b32 [p2], 12; st.param.b64 [p3], %d1; st.param.b64 [p4], 1;
      call.uni __assertfail, (p0, p1, p2, p3, p4); }
    FINE: ret;
}";
    let trap = trap_of(text, 1, 32);
    assert_eq!((trap.kind, trap.thread), (TrapKind::Trap, [5, 0, 0]));
    assert_eq!(trap.detail, "assertion `i < 5` failed in a.cu, line 12");
}

#[test]
fn functions_that_are_nowhere_are_refused_by_name() {
    let text = module(
        ".extern .func (.param .b64 r) nowhere(.param .b64 n); .func f() { wgmma.fence.sync.aligned; ret; } .func unused() { trop; }",
        "call (%rd1), nowhere, (%rd1); call f; call f, (%i); ret;",
    );
    let error = Program::load(&text).unwrap_err().to_string();
    for part in [
        "function `nowhere` has no body",
        "`wgmma.fence.sync.aligned` is not supported",
        "has 0 arguments, not 1",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("trop"), "what no kernel reaches does not matter: {error}");
}

#[test]
fn aliases_and_weak_functions_are_called() {
    let functions = ".weak .func (.param .b32 r) one() { st.param.b32 [r], 1; ret; } .func (.param .b32 r) uno(); .alias uno, one;";
    assert_eq!(outcome(functions, "call (%r1), uno; st.global.u32 [%o], %r1; ret;", 2), [1, 1]);
}
