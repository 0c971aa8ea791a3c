//! Divergence, loops, barriers.

use crate::device::{kernel, run, try_run};
use pipe_simt::Options;

#[test]
fn both_sides_of_a_branch_run_and_meet() {
    let outcome = run(
        "
        and.b32 %r1, %i, 1;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra EVEN;
        mov.u32 %r2, 100;
        bra.uni JOIN;
        EVEN: mov.u32 %r2, 200;
        JOIN: add.u32 %r2, %r2, %i;
        st.global.u32 [%o], %r2;
        ret;",
        40,
        &[],
    );
    let expected: Vec<u32> = (0..40).map(|i| i + if i % 2 == 0 { 200 } else { 100 }).collect();
    assert_eq!(outcome.out, expected);
    assert_eq!(outcome.counts.divergent_branches, 2);
}

#[test]
fn every_lane_loops_as_often_as_it_wants() {
    // Collatz steps of the lane's number.
    let outcome = run(
        "
        add.u32 %r1, %i, 1;
        mov.u32 %r2, 0;
        LOOP: setp.eq.u32 %p1, %r1, 1;
        @%p1 bra DONE;
        add.u32 %r2, %r2, 1;
        and.b32 %r3, %r1, 1;
        setp.eq.u32 %p2, %r3, 1;
        @!%p2 shr.u32 %r1, %r1, 1;
        @%p2 mad.lo.u32 %r1, %r1, 3, 1;
        bra LOOP;
        DONE: st.global.u32 [%o], %r2;
        ret;",
        64,
        &[],
    );
    let collatz = |mut n: u32| {
        let mut steps = 0;
        while n != 1 {
            n = if n % 2 == 1 { 3 * n + 1 } else { n / 2 };
            steps += 1;
        }
        steps
    };
    assert_eq!(outcome.out, (1..=64).map(collatz).collect::<Vec<u32>>());
}

#[test]
fn exits_in_the_middle_leave_the_others_alone() {
    let outcome = run(
        "
        setp.lt.u32 %p1, %i, 10;
        mov.u32 %r1, 1;
        st.global.u32 [%o], %r1;
        @%p1 exit;
        setp.gt.u32 %p2, %i, 20;
        @%p2 bra REST;
        mov.u32 %r1, 2;
        st.global.u32 [%o], %r1;
        ret;
        REST: mov.u32 %r1, 3;
        st.global.u32 [%o], %r1;
        ret;",
        32,
        &[],
    );
    let expected: Vec<u32> = (0..32)
        .map(|i| {
            if i < 10 {
                1
            } else if i > 20 {
                3
            } else {
                2
            }
        })
        .collect();
    assert_eq!(outcome.out, expected);
}

#[test]
fn registers_read_before_written_are_zero() {
    let outcome = run("add.u32 %r1, %r2, %i; st.global.u32 [%o], %r1; ret;", 4, &[]);
    assert_eq!(outcome.out, [0, 1, 2, 3]);
}

#[test]
fn a_block_meets_at_a_barrier() {
    // Each thread reads what its mirror in another warp wrote.
    let text = kernel(
        "
        .shared .align 4 .b32 buffer[256];
        mov.u32 %r1, buffer;
        shl.b32 %r2, %i, 2;
        add.u32 %r3, %r1, %r2;
        mul.lo.u32 %r4, %i, %i;
        st.shared.u32 [%r3], %r4;
        bar.sync 0;
        sub.u32 %r5, 1020, %r2;
        add.u32 %r5, %r1, %r5;
        ld.shared.u32 %r6, [%r5];
        st.global.u32 [%o], %r6;
        ret;",
    );
    let outcome = try_run(&text, 3, 256, 256, &[], &Options::default()).unwrap();
    assert_eq!(outcome.out, (0..256u32).map(|i| (255 - i) * (255 - i)).collect::<Vec<_>>());
    assert_eq!(outcome.counts.barriers, 3);
}

#[test]
fn barriers_reduce_and_count_only_whom_they_are_for() {
    let outcome = run(
        "
        .shared .b32 word;
        setp.lt.u32 %p1, %i, 5;
        bar.red.popc.u32 %r1, 0, %p1;
        bar.red.or.pred %p2, 0, %p1;
        bar.red.and.pred %p3, 0, %p1;
        selp.u32 %r2, 100, 0, %p2;
        selp.u32 %r3, 1000, 0, %p3;
        add.u32 %r1, %r1, %r2;
        add.u32 %r1, %r1, %r3;
        setp.ge.u32 %p4, %i, 64;
        @%p4 bra CONSUMER;
        bar.arrive 1, 96;
        bra JOIN;
        CONSUMER: bar.sync 1, 96;
        JOIN: st.global.u32 [%o], %r1;
        ret;",
        96,
        &[],
    );
    assert_eq!(outcome.out, [105; 96]);
    assert_eq!(outcome.counts.barriers, 4);
}

#[test]
fn warps_that_have_exited_are_not_waited_for() {
    let outcome = run(
        "
        setp.lt.u32 %p1, %i, 32;
        @%p1 ret;
        bar.sync 0;
        st.global.u32 [%o], %i;
        ret;",
        96,
        &[],
    );
    assert_eq!(outcome.out[32..], (32..96).collect::<Vec<u32>>());
}
