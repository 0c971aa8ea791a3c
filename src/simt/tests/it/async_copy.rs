//! `cp.async`: copies land when they are waited for.

use crate::device::{BODY, kernel, run, trap, try_run};
use pipe_simt::{Options, TrapKind};

/// Copies a word a thread from `in` to shared memory, does `between`, and stores the neighbour's word.
fn copied(between: &str) -> Vec<u32> {
    let body = format!(
        "
        .shared .align 16 .b32 s[64];
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 4, %r1;
        mad.wide.u32 %rd1, %i, 4, %in;
        cp.async.ca.shared.global [%r1], [%rd1], 4;
        {between}
        xor.b32 %r2, %r1, 4;
        ld.shared.u32 %r3, [%r2];
        st.global.u32 [%o], %r3;
        ret;"
    );
    run(&body, 64, &(100..164).collect::<Vec<u32>>()).out
}

#[test]
fn a_missing_wait_shows() {
    let neighbours: Vec<u32> = (0..64).map(|i| 100 + (i ^ 1)).collect();
    assert_eq!(copied("cp.async.wait_all; bar.sync 0;"), neighbours);
    assert_eq!(copied("cp.async.commit_group; cp.async.wait_group 0; bar.sync 0;"), neighbours);
    assert_eq!(copied("bar.sync 0;"), [0; 64], "a barrier alone does not wait");
    assert_eq!(copied("cp.async.wait_group 0; bar.sync 0;"), [0; 64], "nothing was committed");
    assert_eq!(
        copied("cp.async.commit_group; cp.async.wait_group 1; bar.sync 0;"),
        [0; 64],
        "one may stay behind"
    );
}

#[test]
fn the_newest_groups_may_stay_behind() {
    let stage = |waiting: u32| {
        let body = format!(
            "
            .shared .align 16 .b32 s[128];
            mov.u32 %r1, s; mad.lo.u32 %r1, %i, 16, %r1;
            mad.wide.u32 %rd1, %i, 16, %in;
            cp.async.ca.shared.global [%r1], [%rd1], 4; cp.async.commit_group;
            cp.async.ca.shared::cta.global [%r1+4], [%rd1+4], 4; cp.async.commit_group;
            cp.async.commit_group;
            cp.async.ca.shared.global.L2::128B [%r1+8], [%rd1+8], 4; cp.async.commit_group;
            cp.async.wait_group {waiting};
            ld.shared.v4.u32 {{%r2, %r3, %r4, %r5}}, [%r1];
            mad.wide.u32 %rd2, %i, 16, %out;
            st.global.v4.u32 [%rd2], {{%r2, %r3, %r4, %r5}};
            ret;"
        );
        let input: Vec<u32> = (1..129).collect();
        try_run(&kernel(&body), 1, 32, 128, &input, &Options::default()).unwrap().out[124..].to_vec()
    };
    assert_eq!(stage(0), [125, 126, 127, 0]);
    assert_eq!(stage(1), [125, 126, 0, 0]);
    assert_eq!(stage(2), [125, 126, 0, 0], "an empty group counts");
    assert_eq!(stage(3), [125, 0, 0, 0]);
    assert_eq!(stage(4), [0, 0, 0, 0]);
}

#[test]
fn each_thread_has_groups_of_its_own() {
    let body = "
        .shared .align 16 .b32 s[32];
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 4, %r1;
        mad.wide.u32 %rd1, %i, 4, %in;
        setp.lt.u32 %p1, %i, 8;
        cp.async.ca.shared.global [%r1], [%rd1], 4;
        cp.async.commit_group;
        @%p1 cp.async.commit_group;
        cp.async.wait_group 1;
        ld.shared.u32 %r3, [%r1];
        st.global.u32 [%o], %r3;
        ret;";
    let out = run(body, 32, &[9; 32]).out;
    assert_eq!(out[..9], [9, 9, 9, 9, 9, 9, 9, 9, 0]);
}

#[test]
fn what_is_not_read_is_zero() {
    let body = "
        .shared .align 16 .b32 s[16];
        mov.u32 %r1, s;
        st.shared.v4.u32 [%r1], {-1, -1, -1, -1};
        st.shared.v4.u32 [%r1+16], {-1, -1, -1, -1};
        st.shared.v4.u32 [%r1+32], {-1, -1, -1, -1};
        st.shared.v4.u32 [%r1+48], {-1, -1, -1, -1};
        mov.u32 %r2, 6;
        createpolicy.fractional.L2::evict_first.b64 %rd9, 1.0;
        cp.async.cg.shared.global.L2::cache_hint [%r1], [%in], 16, %r2, %rd9;
        mov.u64 %rd3, 0;
        cp.async.cg.shared.global [%r1+16], [%rd3], 16, 0;
        setp.eq.u32 %p1, %r2, 6;
        cp.async.cg.shared.global [%r1+32], [%in], 16, %p1;
        cp.async.ca.shared.global [%r1+48], [%in], 8, !%p1;
        cp.async.wait_all;
        ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r1]; st.global.v4.u32 [%out], {%r4, %r5, %r6, %r7};
        ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r1+16]; st.global.v4.u32 [%out+16], {%r4, %r5, %r6, %r7};
        ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r1+32]; st.global.v4.u32 [%out+32], {%r4, %r5, %r6, %r7};
        ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r1+48]; st.global.v4.u32 [%out+48], {%r4, %r5, %r6, %r7};
        ret;";
    let outcome =
        try_run(&kernel(body), 1, 1, 16, &[0x0403_0201, 0x0807_0605, 9, 10], &Options::default()).unwrap();
    let all = u32::MAX;
    assert_eq!(outcome.out[..8], [0x0403_0201, 0x0605, 0, 0, 0, 0, 0, 0]);
    assert_eq!(outcome.out[8..], [0, 0, 0, 0, 0x0403_0201, 0x0807_0605, all, all]);
    assert_eq!(outcome.counts.global_load_bytes, 6 + 8);
    assert_eq!(outcome.counts.global_load_requests, 2, "a copy that reads nothing is no request");
}

#[test]
fn copies_are_checked_where_they_are_issued() {
    let outside = trap(
        "
        .shared .align 16 .b32 s[128];
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 16, %r1;
        mad.wide.u32 %rd1, %i, 16, %out;
        cp.async.cg.shared.global [%r1], [%rd1+3600], 16;
        cp.async.wait_all;
        ret;",
        1,
        32,
    );
    assert_eq!((outside.kind, outside.line, outside.thread), (TrapKind::OutOfBounds, BODY + 4, [31, 0, 0]));
    assert!(outside.detail.contains("asynchronous load of 16 bytes"), "{outside}");
    let small = trap(
        "
        .shared .align 16 .b32 s[4];
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 16, %r1;
        cp.async.cg.shared.global [%r1], [%out], 16;
        ret;",
        1,
        2,
    );
    assert_eq!((small.kind, small.line, small.thread), (TrapKind::OutOfBounds, BODY + 3, [1, 0, 0]));
    let misaligned = trap(
        "
        .shared .align 16 .b32 s[8];
        mov.u32 %r1, s;
        cp.async.ca.shared.global [%r1+4], [%out], 8;
        ret;",
        1,
        1,
    );
    assert_eq!((misaligned.kind, misaligned.line), (TrapKind::Misaligned, BODY + 3));
    let part = trap(
        "
        .shared .align 16 .b32 s[8];
        mov.u32 %r1, s; mov.u32 %r2, 9;
        cp.async.cg.shared.global [%r1], [%out+4088], 16, %r2;
        ret;",
        1,
        1,
    );
    assert_eq!((part.kind, part.line), (TrapKind::Misaligned, BODY + 3));
}

#[test]
fn copies_count_sectors_and_wavefronts() {
    let body = "
        .shared .align 16 .b8 s[4096];
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 128, %r1;
        mad.wide.u32 %rd1, %i, 16, %in;
        cp.async.cg.shared.global [%r1], [%rd1], 16;
        cp.async.wait_all;
        ret;";
    let counts = run(body, 32, &[1; 128]).counts;
    assert_eq!(
        (counts.global_load_requests, counts.global_load_sectors, counts.global_load_bytes),
        (1, 16, 512)
    );
    assert_eq!((counts.shared_wavefronts, counts.shared_bank_conflicts), (32, 28));
}
