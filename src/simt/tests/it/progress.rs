//! Threads that wait for each other: lanes of a warp, warps of a block, blocks of a grid; and waits that never end.

use crate::device::{BODY, kernel, run, trap, trap_of, try_run};
use pipe_simt::{Options, TrapKind};

/// Every thread takes a lock, adds to a sum without atomics, and gives it back; the lock is the second word of `out`.
const LOCKED: &str = "
    AGAIN: atom.global.cas.b32 %r1, [%out+4], 0, 1;
    setp.ne.u32 %p1, %r1, 0;
    @%p1 bra AGAIN;
    ld.volatile.global.u32 %r2, [%out];
    add.u32 %r2, %r2, 1;
    st.volatile.global.u32 [%out], %r2;
    membar.gl;
    atom.global.exch.b32 %r3, [%out+4], 0;
    ret;";

#[test]
fn a_spin_lock_between_lanes_warps_and_blocks_ends() {
    for (grid, block) in [(1, 32), (1, 7), (1, 96), (5, 40)] {
        let outcome = try_run(&kernel(LOCKED), grid, block, 2, &[], &Options::default()).unwrap();
        assert_eq!(outcome.out, [grid * block, 0], "{grid} blocks of {block}");
    }
}

#[test]
fn attempts_may_be_counted_and_slept_between() {
    let outcome = run(
        "
        mov.u32 %r4, 8;
        AGAIN: atom.global.cas.b32 %r1, [%out], 0, 1;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra HELD;
        nanosleep.u32 %r4;
        min.u32 %r4, %r4, 512;
        add.u32 %r4, %r4, %r4;
        add.u32 %r5, %r5, 1;
        bra AGAIN;
        HELD: ld.volatile.global.u32 %r2, [%out+4];
        add.u32 %r2, %r2, 1;
        st.volatile.global.u32 [%out+4], %r2;
        st.release.gpu.global.u32 [%out], 0;
        ret;",
        4,
        &[],
    );
    assert_eq!(outcome.out[..2], [0, 4]);
}

#[test]
fn a_lane_waits_for_another_on_either_side_of_a_branch() {
    // Whichever side runs first, the consumer waits for the producer.
    for condition in ["lt", "ge"] {
        let outcome = run(
            &format!(
                "
                .shared .align 4 .b32 flag; .shared .align 4 .b32 value;
                setp.{condition}.u32 %p1, %i, 16;
                @%p1 bra PRODUCE;
                WAIT: ld.volatile.shared.u32 %r1, [flag];
                setp.eq.u32 %p2, %r1, 0;
                @%p2 bra WAIT;
                ld.shared.u32 %r2, [value];
                bra JOIN;
                PRODUCE: mov.u32 %r2, 42;
                st.shared.u32 [value], %r2;
                membar.cta;
                st.volatile.shared.u32 [flag], 1;
                JOIN: activemask.b32 %r3;
                popc.b32 %r3, %r3;
                mad.lo.u32 %r2, %r3, 1000, %r2;
                st.global.u32 [%o], %r2;
                ret;"
            ),
            32,
            &[],
        );
        assert_eq!(outcome.out, [32_042; 32], "they meet again");
    }
}

#[test]
fn a_warp_waits_for_a_later_one() {
    let text = kernel(
        "
        .shared .align 4 .b32 turn;
        mov.u32 %r1, %warpid;
        WAIT: ld.volatile.shared.u32 %r2, [turn];
        add.u32 %r3, %r1, %r2;
        setp.ne.u32 %p1, %r3, 3;
        @%p1 bra WAIT;
        st.global.u32 [%o], %r2;
        and.b32 %r4, %i, 31;
        setp.eq.u32 %p2, %r4, 0;
        add.u32 %r2, %r2, 1;
        @%p2 st.volatile.shared.u32 [turn], %r2;
        ret;",
    );
    let outcome = try_run(&text, 3, 128, 128, &[], &Options::default()).unwrap();
    assert_eq!(outcome.out, (0..128).map(|i| 3 - i / 32).collect::<Vec<u32>>());
}

/// Each block waits until all have come, as a grid-wide barrier does.
const GRID_BARRIER: &str = "
    setp.ne.u32 %p1, %i, 0;
    mov.u32 %r9, %nctaid.x;
    mov.u32 %r8, %ctaid.x;
    @%p1 bra JOIN;
    atom.add.acq_rel.gpu.global.u32 %r1, [%out], 1;
    WAIT: ld.acquire.gpu.global.u32 %r2, [%out];
    setp.lt.u32 %p2, %r2, %r9;
    @%p2 bra WAIT;
    JOIN: bar.sync 0;
    ld.volatile.global.u32 %r3, [%out];
    mad.wide.u32 %rd1, %r8, 4, %out;
    st.global.u32 [%rd1+4], %r3;
    ret;";

#[test]
fn blocks_wait_for_all_of_a_grid() {
    let run = |threads| {
        let options = Options { threads: Some(threads), ..Options::default() };
        try_run(&kernel(GRID_BARRIER), 24, 64, 25, &[], &options).unwrap()
    };
    let one = run(1);
    assert_eq!(one.out, [24; 25]);
    let many = run(4);
    assert_eq!(
        (many.counts, many.out),
        (one.counts, one.out),
        "counts are the same for any number of threads"
    );
}

#[test]
fn blocks_wait_for_each_other_on_several_threads_too() {
    // A plain load, so that nothing says beforehand that blocks wait.
    let body =
        GRID_BARRIER.replace("ld.acquire.gpu", "ld").replace("atom.add", "red.add").replace("%r1, [", "[");
    let options = Options { threads: Some(3), ..Options::default() };
    let outcome = try_run(&kernel(&body), 12, 32, 13, &[], &options).unwrap();
    assert_eq!(outcome.out, [12; 13]);
}

#[test]
fn waits_that_never_end_are_reported_with_their_place() {
    let spin = trap(
        "
        WAIT: ld.volatile.global.u32 %r1, [%out];
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra WAIT;
        ret;",
        2,
        64,
    );
    assert_eq!((spin.kind, spin.line, spin.block), (TrapKind::Deadlock, BODY + 1, [0, 0, 0]));
    assert!(spin.detail.contains("nobody changes memory"), "{spin}");
    // Warp 0 waits at a barrier for warp 1, which waits for a flag.
    let mixed = trap(
        "
        .shared .align 4 .b32 flag;
        setp.lt.u32 %p1, %i, 32;
        @%p1 bra BARRIER;
        WAIT: ld.volatile.shared.u32 %r1, [flag];
        setp.eq.u32 %p2, %r1, 0;
        @%p2 bra WAIT;
        BARRIER: bar.sync 0;
        ret;",
        1,
        64,
    );
    assert_eq!((mixed.kind, mixed.line, mixed.thread), (TrapKind::Deadlock, BODY + 4, [32, 0, 0]));
}

#[test]
fn a_wait_between_blocks_that_never_ends_is_reported_on_any_number_of_threads() {
    let body = "
        mov.u32 %r8, %ctaid.x;
        setp.eq.u32 %p1, %r8, 3;
        @%p1 bra DONE;
        WAIT: ld.global.u32 %r1, [%out];
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra WAIT;
        DONE: ret;";
    for threads in [1, 2, 3] {
        let options = Options { threads: Some(threads), ..Options::default() };
        match try_run(&kernel(body), 6, 32, 1, &[], &options) {
            Err(pipe_simt::LaunchError::Trap(trap)) => {
                assert_eq!((trap.kind, trap.block, trap.line), (TrapKind::Deadlock, [0, 0, 0], BODY + 4));
            }
            other => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn long_loops_that_do_not_wait_keep_their_counts() {
    // The even lanes leave early and wait for the others, who load the same words again and again.
    let body = "
        and.b32 %r1, %i, 1;
        mul.lo.u32 %r1, %r1, 100000;
        LOOP: ld.global.u32 %r2, [%in];
        add.u32 %r3, %r3, %r2;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra DONE;
        sub.u32 %r1, %r1, 1;
        bra LOOP;
        DONE: activemask.b32 %r4;
        add.u32 %r3, %r3, %r4;
        st.global.u32 [%o], %r3;
        ret;";
    let outcome = run(body, 32, &[1]);
    let expected = |i: u32| if i.is_multiple_of(2) { 0 } else { 100_000 };
    assert_eq!(outcome.out, (0..32).map(expected).collect::<Vec<u32>>());
    assert_eq!(outcome.counts.divergent_branches, 1);
    assert_eq!(outcome.counts.instructions, 4 + 2 + 100_001 * 4 + 100_000 * 2 + 4);
}

#[test]
fn lanes_wait_for_the_members_of_a_shuffle() {
    // Both sides come to the same shuffle, one after another, from different trips of a loop.
    let outcome = run(
        "
        and.b32 %r1, %i, 1;
        setp.eq.u32 %p1, %r1, 0;
        mov.u32 %r2, 100;
        @%p1 bra SHUFFLE;
        mov.u32 %r2, 200;
        bra SHUFFLE;
        SHUFFLE: add.u32 %r3, %r2, %i;
        shfl.sync.bfly.b32 %r4, %r3, 1, 31, 0xffffffff;
        st.global.u32 [%o], %r4;
        ret;",
        32,
        &[],
    );
    let expected = |i: u32| (i ^ 1) + if i.is_multiple_of(2) { 200 } else { 100 };
    assert_eq!(outcome.out, (0..32).map(expected).collect::<Vec<u32>>());
}

#[test]
fn a_guarded_vote_waits_until_the_others_have_exited() {
    let outcome = run(
        "
        setp.lt.u32 %p1, %i, 8;
        @%p1 vote.sync.ballot.b32 %r1, %p1, 0xffffffff;
        @!%p1 exit;
        st.global.u32 [%o], %r1;
        ret;",
        32,
        &[],
    );
    assert_eq!(outcome.out[..9], [255, 255, 255, 255, 255, 255, 255, 255, 0]);
}

#[test]
fn warp_barriers_meet_at_different_places() {
    let outcome = run(
        "
        .shared .align 4 .b32 word[32];
        mov.u32 %r9, word;
        mad.lo.u32 %r9, %i, 4, %r9;
        setp.lt.u32 %p1, %i, 16;
        @%p1 bra LOW;
        st.shared.u32 [%r9], %i;
        bar.warp.sync 0xffffffff;
        ld.shared.u32 %r1, [%r9+-64];
        bra JOIN;
        LOW: st.shared.u32 [%r9], %i;
        bar.warp.sync 0xffffffff;
        ld.shared.u32 %r1, [%r9+64];
        JOIN: st.global.u32 [%o], %r1;
        ret;",
        32,
        &[],
    );
    assert_eq!(outcome.out, (0..32).map(|i| i ^ 16).collect::<Vec<u32>>());
}

#[test]
fn lanes_that_never_come_together_are_reported() {
    let never = trap(
        "
        setp.lt.u32 %p1, %i, 8;
        @%p1 bra LOW;
        vote.sync.any.pred %p2, %p1, 0xffffffff;
        ret;
        LOW: vote.sync.all.pred %p2, %p1, 0xffffffff;
        ret;",
        1,
        32,
    );
    assert_eq!(never.kind, TrapKind::Deadlock, "{never}");
    assert!(never.detail.contains("wait for lanes of their warp"), "{never}");
}

#[test]
fn threads_arrive_at_an_unaligned_barrier_one_by_one() {
    let outcome = run(
        "
        .shared .align 4 .b32 word[64];
        mov.u32 %r9, word;
        mad.lo.u32 %r8, %i, 4, %r9;
        and.b32 %r1, %i, 3;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra SOME;
        st.shared.u32 [%r8], %i;
        barrier.sync 0;
        bra JOIN;
        SOME: add.u32 %r2, %i, 1000;
        st.shared.u32 [%r8], %r2;
        barrier.sync 0;
        JOIN: sub.u32 %r3, 63, %i;
        mad.lo.u32 %r8, %r3, 4, %r9;
        ld.shared.u32 %r4, [%r8];
        activemask.b32 %r5;
        popc.b32 %r5, %r5;
        mad.lo.u32 %r4, %r5, 10000, %r4;
        st.global.u32 [%o], %r4;
        ret;",
        64,
        &[],
    );
    let word = |i: u32| i + if i.is_multiple_of(4) { 1000 } else { 0 };
    assert_eq!(outcome.out, (0..64).map(|i| 320_000 + word(63 - i)).collect::<Vec<u32>>());
    assert_eq!(outcome.counts.barriers, 1);
}

#[test]
fn an_aligned_barrier_under_a_guard_is_reported() {
    let trap = trap("setp.lt.u32 %p1, %i, 8; @%p1 bar.sync 0; ret;", 1, 32);
    assert_eq!(trap.kind, TrapKind::DivergentBarrier);
}

#[test]
fn a_lock_before_a_barrier_brings_the_warp_together_again() {
    let body = LOCKED.replace(
        "ret;",
        "bar.sync 0; activemask.b32 %r4; popc.b32 %r4, %r4; st.global.u32 [%o+8], %r4; ret;",
    );
    let outcome = try_run(&kernel(&body), 1, 64, 66, &[], &Options::default()).unwrap();
    assert_eq!(outcome.out[..2], [64, 0]);
    assert_eq!(outcome.out[2..], [32; 64]);
    assert_eq!(outcome.counts.barriers, 1);
}

#[test]
fn clocks_advance_with_sleep() {
    let outcome = run(
        "
        mov.u64 %rd1, %globaltimer;
        nanosleep.u32 5000;
        mov.u64 %rd2, %globaltimer;
        sub.u64 %rd3, %rd2, %rd1;
        cvt.u32.u64 %r1, %rd3;
        setp.ge.u32 %p1, %r1, 5000;
        selp.u32 %r1, 1, 0, %p1;
        st.global.u32 [%o], %r1;
        ret;",
        1,
        &[],
    );
    assert_eq!(outcome.out, [1]);
}

#[test]
fn a_call_may_wait_for_lanes_outside_of_it() {
    let functions = "
        .func wait(.param .b64 flag)
        {
            .reg .b64 %d<2>; .reg .b32 %r<2>; .reg .pred %p<2>;
            ld.param.b64 %d1, [flag];
            WAIT: ld.volatile.u32 %r1, [%d1];
            setp.eq.u32 %p1, %r1, 0;
            @%p1 bra WAIT;
            ret;
        }";
    let body = "setp.lt.u32 %p1, %i, 31; @%p1 call wait, (%out); st.volatile.global.u32 [%out], 1; ret;";
    let text = kernel(body);
    let at = text.find(".visible").unwrap();
    let text = format!("{}{functions}{}", &text[..at], &text[at..]);
    assert_eq!(try_run(&text, 1, 32, 1, &[], &Options::default()).unwrap().out, [1]);
    let stuck = trap_of(&text.replace("st.volatile.global.u32 [%out], 1;", ""), 1, 32);
    assert_eq!(stuck.kind, TrapKind::Deadlock);
}

#[test]
fn a_cooperative_grid_meets_in_its_workspace() {
    // As `grid.sync()` is compiled: the block at the origin adds what flips the sign once all have come.
    let body = "
        mov.u32 %r1, %envreg1; mov.u32 %r2, %envreg2; mov.b64 %rd1, {%r2, %r1};
        mov.u32 %r3, %ctaid.x; mov.u32 %r4, %nctaid.x;
        setp.eq.u32 %p1, %i, 0;
        @%p1 red.global.add.u32 [%out], 1;
        barrier.sync 0;
        @!%p1 bra JOIN;
        setp.eq.u32 %p2, %r3, 0;
        mov.u32 %r5, 0x80000001;
        sub.u32 %r5, %r5, %r4;
        selp.b32 %r5, %r5, 1, %p2;
        atom.add.release.gpu.u32 %r6, [%rd1+4], %r5;
        WAIT: ld.acquire.gpu.u32 %r7, [%rd1+4];
        xor.b32 %r7, %r7, %r6;
        setp.gt.s32 %p3, %r7, -1;
        @%p3 bra WAIT;
        JOIN: barrier.sync 0;
        ld.global.u32 %r8, [%out];
        mad.wide.u32 %rd2, %r3, 4, %out;
        st.global.u32 [%rd2+4], %r8;
        ret;";
    let outcome = try_run(&kernel(body), 7, 64, 8, &[], &Options::default()).unwrap();
    assert_eq!(outcome.out, [7; 8]);
}

#[test]
fn what_a_thread_keeps_in_local_memory_is_no_progress() {
    // As code for a debugger does: what was read goes through local memory, by a generic address.
    let stuck = trap(
        "
        .local .align 4 .b32 seen;
        mov.u64 %rd1, seen;
        cvta.local.u64 %rd1, %rd1;
        WAIT: ld.volatile.global.u32 %r1, [%out];
        st.u32 [%rd1], %r1;
        ld.u32 %r2, [%rd1];
        setp.eq.u32 %p1, %r2, 0;
        @%p1 bra WAIT;
        ret;",
        1,
        32,
    );
    assert_eq!(stuck.kind, TrapKind::Deadlock, "{stuck}");
}
