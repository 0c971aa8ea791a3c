//! What launches count.

use crate::device::{kernel, run, try_run};
use pipe_simt::Options;

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
