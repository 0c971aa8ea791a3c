//! What launches count.

use crate::device::{BODY, kernel, observe_body, run, try_run};
use pipe_simt::{Counts, Options};

#[test]
fn instructions_fall_into_classes() {
    let counts = run(
        "
        cvt.rn.f32.u32 %f1, %i;
        fma.rn.f32 %f2, %f1, %f1, %f1;
        add.f32 %f2, %f2, %f1;
        ex2.approx.f32 %f3, %f2;
        setp.lt.u32 %p1, %i, 8;
        @%p1 mul.f32 %f3, %f3, %f2;
        st.global.f32 [%o], %f3;
        ret;",
        48,
        &[],
    )
    .counts;
    // Besides: two loads of parameters, a move, a multiply-add.
    assert_eq!(counts.instructions, 2 * 12);
    assert_eq!(counts.thread_instructions, 48 * 11 + 8);
    assert_eq!(counts.instructions_float, 2 * 3);
    assert_eq!(counts.instructions_special, 2);
    assert_eq!(counts.instructions_integer, 2);
    assert_eq!(counts.instructions_move, 2 * 2);
    assert_eq!(counts.instructions_memory, 2 * 3);
    assert_eq!(counts.instructions_convert, 2);
    assert_eq!(counts.instructions_control, 2);
    assert_eq!(counts.flops, 48 * 4 + 8);
    assert_eq!(counts.global_store_requests, 2);
    assert_eq!(counts.global_store_sectors, 4 + 2);
    assert_eq!(counts.global_store_bytes, 48 * 4);
    assert_eq!(counts.global_load_requests, 0, "parameters are not global memory");
}

#[test]
fn sectors_depend_on_the_pattern() {
    let sectors = |address: &str| {
        let body = format!("{address} ld.global.u32 %r9, [%rd9]; st.global.u32 [%o], %r9; ret;");
        let outcome = run(&body, 32, &(0..4096).collect::<Vec<u32>>());
        (outcome.counts.global_load_sectors, outcome.out[31])
    };
    assert_eq!(sectors("mad.wide.u32 %rd9, %i, 4, %in;"), (4, 31));
    assert_eq!(sectors("mov.b64 %rd9, %in;"), (1, 0));
    assert_eq!(sectors("mad.wide.u32 %rd9, %i, 8, %in;"), (8, 62));
    assert_eq!(sectors("mad.wide.u32 %rd9, %i, 64, %in;"), (32, 496));
    assert_eq!(sectors("xor.b32 %r1, %i, 5; mad.wide.u32 %rd9, %r1, 4, %in;"), (4, 26));
    assert_eq!(sectors("and.b32 %r1, %i, 3; mad.wide.u32 %rd9, %r1, 128, %in;"), (4, 96));
    assert_eq!(sectors("mad.wide.u32 %rd9, %i, 4, %in; add.u64 %rd9, %rd9, 16;"), (5, 35));
    assert_eq!(sectors("sub.u32 %r1, 31, %i; mad.wide.u32 %rd9, %r1, 4, %in;"), (4, 0));
}

#[test]
fn vectors_count_once_with_all_their_bytes() {
    let counts = run(
        "
        mad.wide.u32 %rd9, %i, 16, %in;
        ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd9];
        add.u32 %r1, %r1, %r4;
        st.global.u32 [%o], %r1;
        ret;",
        32,
        &(0..128).collect::<Vec<u32>>(),
    );
    assert_eq!(counts.out, (0..32).map(|i| 8 * i + 3).collect::<Vec<u32>>());
    assert_eq!(counts.counts.global_load_requests, 1);
    assert_eq!(counts.counts.global_load_sectors, 16);
    assert_eq!(counts.counts.global_load_bytes, 512);
}

#[test]
fn counts_are_the_same_for_any_number_of_threads() {
    let text = kernel(
        "
        .shared .b32 s[64];
        mov.u32 %r1, %ctaid.x;
        mad.lo.u32 %r2, %r1, 7, %i;
        rem.u32 %r3, %r2, 5;
        LOOP: setp.eq.u32 %p1, %r3, 0;
        @%p1 bra DONE;
        sub.u32 %r3, %r3, 1;
        bra LOOP;
        DONE: mov.u32 %r4, s;
        mad.lo.u32 %r4, %i, 4, %r4;
        st.shared.u32 [%r4], %r2;
        bar.sync 0;
        red.global.add.u32 [%out], 1;
        ret;",
    );
    let run = |threads| {
        let options = Options { threads: Some(threads), ..Options::default() };
        try_run(&text, 37, 64, 64, &[], &options).unwrap()
    };
    let one = run(1);
    assert_eq!(one.out[0], 37 * 64);
    for threads in [2, 4] {
        let more = run(threads);
        assert_eq!(more.counts, one.counts);
        assert_eq!(more.out, one.out);
    }
    assert_eq!(one.counts.barriers, 37);
    assert!(one.counts.divergent_branches > 0);
}

/// A kernel with a guarded loop, every kind of memory and a barrier, for 64 threads.
const VARIED: &str = "
.shared .b32 s[64];
.local .align 4 .b32 l[4];
mov.u32 %r1, s;
mad.lo.u32 %r2, %i, 4, %r1;
st.shared.u32 [%r2], %i;
bar.sync 0;
atom.shared.add.u32 %r3, [%r1], 1;
red.global.add.u32 [%out], 1;
st.local.u32 [l+4], %i;
ld.local.u32 %r4, [l+4];
setp.lt.u32 %p1, %i, 8;
@%p1 bra A;
ex2.approx.f32 %f1, 0f40000000;
A: fma.rn.f64 %d1, %d1, %d1, %d1;
add.rn.f16 %h1, %h1, %h1;
fma.rn.bf16x2 %r5, %r5, %r5, %r5;
mad.wide.u32 %rd9, %i, 4, %in;
ld.global.u32 %r6, [%in];
ld.global.u32 %r7, [%rd9];
st.global.u32 [%o], %r6;
ret;";

#[test]
fn every_line_has_its_own_counts() {
    let observed = observe_body(VARIED, 3, 64, 64, &Options { footprint: true, ..Options::default() });
    let line = |n: u32| observed.lines.iter().find(|line| line.line == BODY + 1 + n).unwrap().counts;
    let (warps, threads) = (6, 3 * 64);
    assert_eq!(
        line(3),
        Counts { instructions: 6, thread_instructions: 192, instructions_integer: 6, ..line(3) }
    );
    let store = line(4);
    assert_eq!((store.shared_wavefronts, store.shared_bank_conflicts), (warps, 0));
    assert_eq!((line(5).barriers, line(5).instructions_barrier), (3, warps));
    let atomic = line(6);
    assert_eq!((atomic.shared_atomic_requests, atomic.shared_atomic_operations), (warps, threads));
    assert_eq!(atomic.shared_wavefronts, warps);
    let atomic = line(7);
    assert_eq!((atomic.global_atomic_requests, atomic.global_atomic_operations), (warps, threads));
    assert_eq!((atomic.global_atomic_sectors, atomic.global_load_requests), (warps, 0));
    let local = line(8);
    assert_eq!((local.local_store_requests, local.local_store_sectors), (warps, 4 * warps));
    assert_eq!(line(9).local_load_bytes, 4 * threads);
    assert_eq!((line(11).branches, line(11).divergent_branches), (warps, 3));
    let special = line(12);
    assert_eq!(
        (special.instructions, special.thread_instructions),
        (warps, threads - 24),
        "8 lanes of 3 warps jump"
    );
    assert_eq!((special.special_operations, special.flops_f32), (threads - 24, threads - 24));
    assert_eq!((line(13).flops_f64, line(13).instructions_f64), (2 * threads, warps));
    assert_eq!((line(14).flops_f16, line(14).instructions_f16), (threads, warps));
    assert_eq!((line(15).flops_bf16, line(15).instructions_bf16), (4 * threads, warps));
    assert_eq!((line(17).global_load_sectors, line(18).global_load_sectors), (warps, 4 * warps));

    // 64 words of `in`, 64 of `out` that are stored and one of them that an atomic reads.
    assert_eq!((observed.counts.unique_load_bytes, observed.counts.unique_store_bytes), (256 + 32, 256));
    assert_eq!(observed.counts.block_unique_load_bytes, 3 * (256 + 32));
    let mut sum: Counts = observed.lines.iter().map(|line| line.counts).sum();
    assert_eq!(sum.unique_load_bytes, 0);
    (sum.unique_load_bytes, sum.unique_store_bytes) = (256 + 32, 256);
    sum.block_unique_load_bytes = 3 * (256 + 32);
    assert_eq!(sum, observed.counts);
}

#[test]
fn local_memory_is_counted_as_gpus_lay_it_out() {
    let sectors = |body: &str| {
        let body = format!(".local .align 16 .b32 l[128]; mov.u32 %r1, l; {body} ret;");
        let counts = run(&body, 32, &[]).counts;
        (counts.local_store_requests, counts.local_store_sectors, counts.local_store_bytes)
    };
    assert_eq!(sectors("st.local.u32 [l], %i;"), (1, 4, 128));
    assert_eq!(sectors("st.local.v4.u32 [l], {%i, %i, %i, %i};"), (1, 16, 512));
    assert_eq!(sectors("st.local.u8 [l+3], 1;"), (1, 4, 32));
    // Every lane another word: nothing is side by side.
    assert_eq!(sectors("mad.lo.u32 %r2, %i, 4, %r1; st.local.u32 [%r2], %i;"), (1, 32, 128));
    // Two pairs of words for each quarter of the warp.
    let pairs = "and.b32 %r2, %i, 1; mad.lo.u32 %r2, %r2, 8, %r1; st.local.v2.u32 [%r2], {%i, %i};";
    assert_eq!(sectors(pairs), (1, 16, 256));
}
