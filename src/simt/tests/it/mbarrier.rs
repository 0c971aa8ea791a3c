//! `mbarrier`, and the copies that it counts.

use crate::device::{BODY, kernel, run, trap, try_run};
use pipe_simt::{Options, TrapKind};

#[test]
fn phases_follow_each_other() {
    let body = "
        .shared .align 8 .b64 bar;
        mov.u32 %r1, bar; cvt.u64.u32 %rd1, %r1; cvta.shared.u64 %rd2, %rd1;
        mbarrier.init.shared::cta.b64 [bar], 3;
        mbarrier.arrive.shared.b64 %rd3, [bar];
        mbarrier.pending_count.b64 %r2, %rd3; st.global.u32 [%out], %r2;
        mbarrier.test_wait.shared.b64 %p1, [%r1], %rd3; selp.u32 %r3, 1, 0, %p1; st.global.u32 [%out+4], %r3;
        mbarrier.arrive.noComplete.release.cta.b64 %rd4, [%rd2], 1;
        mbarrier.pending_count.b64 %r2, %rd4; st.global.u32 [%out+8], %r2;
        mbarrier.arrive.release.cta.shared::cta.b64 _, [%r1];
        mbarrier.try_wait.acquire.cta.shared::cta.b64 %p1, [%r1], %rd3, 1000; selp.u32 %r3, 1, 0, %p1; st.global.u32 [%out+12], %r3;
        mbarrier.test_wait.parity.b64 %p1, [%rd2], 0; selp.u32 %r3, 1, 0, %p1; st.global.u32 [%out+16], %r3;
        mbarrier.try_wait.parity.shared.b64 %p1, [bar], 1; selp.u32 %r3, 1, 0, %p1; st.global.u32 [%out+20], %r3;
        mbarrier.arrive_drop.shared.b64 %rd5, [bar];
        mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [bar], 32;
        mbarrier.arrive.shared.b64 %rd5, [bar], 2;
        mbarrier.test_wait.parity.shared.b64 %p1, [bar], 1; selp.u32 %r3, 1, 0, %p1; st.global.u32 [%out+24], %r3;
        mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [bar], 32;
        mbarrier.test_wait.parity.shared.b64 %p1, [bar], 1; selp.u32 %r3, 1, 0, %p1; st.global.u32 [%out+28], %r3;
        mbarrier.arrive.expect_tx.shared.b64 %rd5, [bar], 16; mbarrier.pending_count.b64 %r2, %rd5; st.global.u32 [%out+32], %r2;
        mbarrier.inval.shared.b64 [bar];
        ret;";
    let out = try_run(&kernel(body), 1, 1, 9, &[], &Options::default()).unwrap().out;
    // Two arrivals after a drop: the third phase waits for two.
    assert_eq!(out, [3, 0, 2, 1, 1, 0, 0, 1, 2]);
}

/// Copies a word a thread, tracked by an mbarrier that counts `arrivals`, and stores a neighbour's word.
fn tracked(arrivals: u32, how: &str, wait: &str) -> Vec<u32> {
    let body = format!(
        "
        .shared .align 8 .b64 bar; .shared .align 16 .b32 s[32];
        setp.eq.u32 %p1, %i, 0;
        @%p1 mbarrier.init.shared.b64 [bar], {arrivals};
        bar.warp.sync 0xffffffff;
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 4, %r1;
        mad.wide.u32 %rd1, %i, 4, %in;
        cp.async.ca.shared.global [%r1], [%rd1], 4;
        {how}
        {wait}
        xor.b32 %r2, %r1, 4; ld.shared.u32 %r3, [%r2]; st.global.u32 [%o], %r3;
        ret;"
    );
    run(&body, 32, &(100..132).collect::<Vec<u32>>()).out
}

#[test]
fn copies_arrive_when_they_land() {
    let neighbours: Vec<u32> = (0..32).map(|i| 100 + (i ^ 1)).collect();
    let wait = "WAIT: mbarrier.test_wait.parity.shared.b64 %p2, [bar], 0; @!%p2 bra WAIT;";
    assert_eq!(tracked(32, "cp.async.mbarrier.arrive.noinc.shared.b64 [bar];", wait), neighbours);
    let both = "cp.async.mbarrier.arrive.shared::cta.b64 [bar]; mbarrier.arrive.shared.b64 %rd9, [bar];";
    assert_eq!(tracked(32, both, wait), neighbours);
    assert_eq!(tracked(32, "cp.async.mbarrier.arrive.noinc.shared.b64 [bar];", ""), [0; 32], "nobody waited");
}

/// Loads 128 words in bulk, does `between`, and stores the first 32.
fn bulk(between: &str) -> pipe_simt::Counts {
    let body = format!(
        "
        .shared .align 8 .b64 bar; .shared .align 16 .b32 s[128];
        mov.u32 %r1, s; mad.lo.u32 %r2, %i, 4, %r1;
        setp.ne.u32 %p1, %i, 0;
        @%p1 bra ALL;
        mbarrier.init.shared::cta.b64 [bar], 1;
        fence.mbarrier_init.release.cluster;
        fence.proxy.async.shared::cta;
        mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 512;
        cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%in], 512, [bar];
        ALL: bar.warp.sync 0xffffffff;
        {between}
        ld.shared.u32 %r3, [%r2]; st.global.u32 [%o], %r3;
        ret;"
    );
    let outcome = run(&body, 32, &(1..129).collect::<Vec<u32>>());
    let landed = between.contains("wait");
    let wanted: Vec<u32> = if landed { (1..33).collect() } else { vec![0; 32] };
    assert_eq!(outcome.out, wanted, "{between}");
    outcome.counts
}

#[test]
fn bulk_copies_land_when_their_bytes_are_waited_for() {
    bulk("");
    let counts = bulk("WAIT: mbarrier.try_wait.parity.shared::cta.b64 %p2, [bar], 0; @!%p2 bra WAIT;");
    assert_eq!(
        (counts.global_load_requests, counts.global_load_sectors, counts.global_load_bytes),
        (1, 16, 512)
    );
    // 512 bytes in, 128 out.
    assert_eq!(counts.shared_wavefronts, 4 + 1);
}

#[test]
fn bulk_stores_land_when_their_group_is_waited_for() {
    let stored = |wait: &str| {
        let body = format!(
            "
            .shared .align 16 .b32 s[32];
            mov.u32 %r1, s; mad.lo.u32 %r2, %i, 4, %r1;
            add.u32 %r3, %i, 7; st.shared.u32 [%r2], %r3;
            fence.proxy.async.shared::cta; bar.sync 0;
            elect.sync _|%p1, 0xffffffff;
            @!%p1 bra DONE;
            cp.async.bulk.prefetch.L2.global [%out], 64;
            cp.async.bulk.global.shared::cta.bulk_group [%out], [%r1], 64;
            cp.async.bulk.commit_group;
            cp.async.bulk.global.shared::cta.bulk_group [%out+64], [%r1+64], 64;
            cp.async.bulk.commit_group;
            {wait}
            DONE: ret;"
        );
        run(&body, 32, &[]).out
    };
    let all: Vec<u32> = (7..39).collect();
    assert_eq!(stored("cp.async.bulk.wait_group 0;"), all);
    assert_eq!(stored("cp.async.bulk.wait_group.read 0;"), all);
    assert_eq!(stored("cp.async.bulk.wait_group 1;")[..17], [&all[..16], &[0]].concat());
    assert_eq!(stored(""), [0; 32]);
}

#[test]
fn warps_wait_for_each_other() {
    let body = "
        .shared .align 8 .b64 bar[2]; .shared .align 4 .b32 s;
        setp.eq.u32 %p1, %i, 0;
        @%p1 mbarrier.init.shared.b64 [bar], 32;
        @%p1 mbarrier.init.shared.b64 [bar+8], 32;
        bar.sync 0;
        setp.lt.u32 %p2, %i, 32;
        @%p2 bra CONSUMER;
        st.shared.u32 [s], 55;
        mbarrier.arrive.shared.b64 %rd1, [bar];
        ret;
        CONSUMER: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 0;
        @!%p3 bra CONSUMER;
        ld.shared.u32 %r1, [s]; st.global.u32 [%o], %r1;
        ret;";
    assert_eq!(run(body, 64, &[]).out[..32], [55; 32]);
}

#[test]
fn objects_are_checked() {
    let new = trap("\n.shared .align 8 .b64 bar;\nmbarrier.arrive.shared.b64 %rd1, [bar]; ret;", 1, 1);
    assert_eq!((new.kind, new.line), (TrapKind::InvalidBarrier, BODY + 2));
    let many = trap(
        "
        .shared .align 8 .b64 bar;
        mbarrier.init.shared.b64 [bar], 1;
        mbarrier.arrive.shared.b64 %rd1, [bar], 2;
        ret;",
        1,
        1,
    );
    assert_eq!((many.kind, many.line), (TrapKind::InvalidBarrier, BODY + 3));
    let size = trap(
        "
        .shared .align 16 .b64 bar[4];
        mov.u32 %r1, bar;
        mbarrier.init.shared.b64 [bar+16], 1; mov.u32 %r2, 24;
        cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%out], %r2, [%r1+16];
        ret;",
        1,
        1,
    );
    assert_eq!((size.kind, size.line), (TrapKind::Misaligned, BODY + 4));
    let far = trap(
        "
        .shared .align 16 .b64 bar[4];
        mov.u32 %r1, bar; mov.u64 %rd1, %out;
        cp.async.bulk.global.shared::cta.bulk_group [%rd1+4080], [%r1], 32;
        ret;",
        1,
        1,
    );
    assert_eq!((far.kind, far.line), (TrapKind::OutOfBounds, BODY + 3));
}
