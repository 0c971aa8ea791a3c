//! Faulty kernels, one for each kind of finding, and right ones that come close.

use pipe_simt::{
    Finding, FindingKind, GlobalMemory, LaunchConfig, LaunchError, Options, Program, TrapKind, launch,
};

use crate::device::kernel;

/// 4 KiB for `out`, which nothing wrote, and as many for `in`, which are 0; what `prepare` makes of them first.
fn sanitize_after(
    body: &str,
    grid: u32,
    block: u32,
    prepare: impl FnOnce(&GlobalMemory, u64, u64),
) -> Vec<Finding> {
    let program = Program::load(&kernel(body)).unwrap_or_else(|error| panic!("{error}"));
    let memory = GlobalMemory::new(1 << 20).unwrap().sanitized();
    let instance = program.instantiate(&memory).unwrap();
    let (out, inp) = (memory.allocate(4096).unwrap(), memory.allocate(4096).unwrap());
    memory.fill(inp, 4096, &[0]).unwrap();
    prepare(&memory, out, inp);
    let params: Vec<u8> = [out, inp].into_iter().flat_map(u64::to_le_bytes).collect();
    let config =
        LaunchConfig { grid: [grid, 1, 1], block: [block, 1, 1], dynamic_shared_bytes: 0, params: &params };
    let options = Options { sanitize: true, ..Options::default() };
    let outcome = launch(&instance, program.kernel("k").unwrap(), &config, &memory, &options);
    let findings = memory.take_findings();
    if let Err(LaunchError::Trap(trap)) = &outcome {
        assert!(findings.iter().any(|finding| finding.kind == FindingKind::Trap(trap.kind)));
    } else {
        outcome.unwrap();
    }
    findings
}

fn sanitize(body: &str, grid: u32, block: u32) -> Vec<Finding> {
    sanitize_after(body, grid, block, |_, _, _| {})
}

/// The findings as users read them, addresses left out.
fn words(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let text = finding.to_string();
        let words = text.split(' ').map(|word| match word.strip_prefix("0x") {
            Some(address) => address.trim_start_matches(|c: char| c.is_ascii_hexdigit()).to_owned(),
            None => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn reads_of_what_nothing_wrote() {
    let global =
        sanitize("ld.global.u32 %r1, [%o]; st.global.u32 [%o], %r1; ld.global.u32 %r2, [%o]; ret;", 1, 40);
    insta::assert_snapshot!(words(&global), @"uninitialised read of global memory in kernel `k`, line 9, block (0,0,0), thread (0,0,0): 4 bytes at , of which nothing wrote all (40 times)");
    assert_eq!(global[0].count, 40);
    let bytes = sanitize(
        "st.global.u8 [%out], 1; st.global.u8 [%out+1], 1; ld.global.u16 %r1, [%out]; ld.global.u32 %r2, [%out]; ret;",
        1,
        1,
    );
    insta::assert_snapshot!(words(&bytes), @"uninitialised read of global memory in kernel `k`, line 9, block (0,0,0), thread (0,0,0): 4 bytes at , of which nothing wrote all");
    let shared = "
        .shared .b32 s[8];
        st.shared.u32 [s], 1;
        ld.shared.u32 %r1, [s];
        ld.shared.u32 %r2, [s+4];
        ret;";
    insta::assert_snapshot!(words(&sanitize(shared, 3, 1)), @"uninitialised read of shared memory in kernel `k`, line 13, block (0,0,0), thread (0,0,0): 4 bytes at , of which nothing wrote all (3 times)");
    let local = "
        .local .align 8 .b8 l[16];
        st.local.u32 [l], 1;
        ld.local.u32 %r1, [l];
        ld.local.u64 %rd1, [l];
        ret;";
    insta::assert_snapshot!(words(&sanitize(local, 1, 1)), @"uninitialised read of local memory in kernel `k`, line 13, block (0,0,0), thread (0,0,0): 8 bytes at , of which nothing wrote all");
}

#[test]
fn what_the_host_wrote_or_copied_is_known() {
    let body = "ld.global.u32 %r1, [%out]; ld.global.u32 %r1, [%out+4]; ld.global.u32 %r1, [%out+8]; ret;";
    let findings = sanitize_after(body, 1, 1, |memory, out, inp| {
        memory.copy_in(out, &[1; 4]).unwrap();
        memory.copy_within(out + 4, inp, 4).unwrap();
        memory.copy_within(out + 8, inp, 4).unwrap();
        memory.forget(out + 8, 2).unwrap();
    });
    assert_eq!(findings.len(), 1, "{}", words(&findings));
    assert_eq!(findings[0].count, 1);
}

#[test]
fn registers_that_a_path_leaves_out() {
    let body = "
        setp.lt.u32 %p1, %i, 8;
        @%p1 mov.u32 %r1, 5;
        @%p1 add.u32 %r2, %r1, 1;
        add.u32 %r3, %r1, 1;
        mov.u32 %r4, %r1;
        st.global.u32 [%o], %r3;
        ret;";
    let findings = sanitize(body, 1, 32);
    insta::assert_snapshot!(words(&findings), @"uninitialised read of a register in kernel `k`, line 13, block (0,0,0), thread (8,0,0): reads a register that it has not written (24 times)");
    assert_eq!(findings[0].count, 24);
}

#[test]
fn races_in_shared_memory() {
    let exchange = |between: &str| {
        format!(
            "
            .shared .b32 s[64];
            mov.u32 %r1, s; mad.lo.u32 %r2, %i, 4, %r1;
            xor.b32 %r3, %i, 33; mad.lo.u32 %r3, %r3, 4, %r1;
            st.shared.u32 [%r2], %i;
            {between}
            ld.shared.u32 %r4, [%r3];
            st.global.u32 [%o], %r4;
            ret;"
        )
    };
    // Its first read is of what nothing wrote yet, which is one more finding of the same mistake.
    let races = |findings: Vec<Finding>| -> Vec<Finding> {
        findings.into_iter().filter(|finding| finding.kind == FindingKind::SharedRace).collect()
    };
    insta::assert_snapshot!(words(&races(sanitize(&exchange(""), 1, 64))), @r"
    race in shared memory in kernel `k`, line 13, block (0,0,0), thread (32,0,0): writes 4 bytes at , with no barrier since they were read at line 15 by block (0,0,0), thread (1,0,0) (32 times)
    race in shared memory in kernel `k`, line 15, block (0,0,0), thread (32,0,0): reads 4 bytes at , with no barrier since they were written at line 13 by block (0,0,0), thread (1,0,0) (32 times)
    ");
    insta::assert_snapshot!(words(&sanitize(&exchange("bar.sync 0;"), 2, 64)), @"");
    let twice = "
        .shared .b32 s[64];
        mov.u32 %r1, s; mad.lo.u32 %r2, %i, 4, %r1;
        st.shared.u32 [%r2], %i;
        bar.sync 0;
        ld.shared.u32 %r4, [s];
        st.shared.u32 [%r2], %r4;
        ret;";
    insta::assert_snapshot!(words(&sanitize(twice, 1, 64)), @r"
    race in shared memory in kernel `k`, line 15, block (0,0,0), thread (0,0,0): writes 4 bytes at , with no bar.warp.sync since they were read at line 14 by block (0,0,0), thread (31,0,0)
    race in shared memory in kernel `k`, line 14, block (0,0,0), thread (32,0,0): reads 4 bytes at , with no barrier since they were written at line 15 by block (0,0,0), thread (0,0,0) (32 times)
    ");
}

#[test]
fn races_within_a_warp() {
    let neighbour = |between: &str| {
        format!(
            "
            .shared .b32 s[32];
            mov.u32 %r1, s; mad.lo.u32 %r2, %i, 4, %r1;
            xor.b32 %r3, %i, 1; mad.lo.u32 %r3, %r3, 4, %r1;
            st.shared.u32 [%r2], %i;
            {between}
            ld.shared.u32 %r4, [%r3];
            ret;"
        )
    };
    insta::assert_snapshot!(words(&sanitize(&neighbour(""), 1, 32)), @"race in shared memory in kernel `k`, line 15, block (0,0,0), thread (0,0,0): reads 4 bytes at , with no bar.warp.sync since they were written at line 13 by block (0,0,0), thread (1,0,0) (32 times)");
    insta::assert_snapshot!(words(&sanitize(&neighbour("bar.warp.sync 0xffffffff;"), 1, 32)), @"");
    insta::assert_snapshot!(words(&sanitize(".shared .b32 s[1]; st.shared.u32 [s], %i; ret;", 1, 32)), @"race in shared memory in kernel `k`, line 9, block (0,0,0), thread (1,0,0): writes 4 bytes at , with no bar.warp.sync since they were written at line 9 by block (0,0,0), thread (0,0,0) (31 times)");
    insta::assert_snapshot!(words(&sanitize(".shared .b32 s[1]; st.shared.u32 [s], 7; ret;", 1, 32)), @"");
}

#[test]
fn races_in_global_memory() {
    insta::assert_snapshot!(words(&sanitize("mov.u32 %r1, %ctaid.x; st.global.u32 [%o], %r1; ret;", 2, 32)), @"race in global memory in kernel `k`, line 9, block (1,0,0), thread (0,0,0): writes 4 bytes at , with nothing that orders blocks since they were written at line 9 by block (0,0,0), thread (0,0,0) (32 times)");
    insta::assert_snapshot!(words(&sanitize("red.global.add.u32 [%in], 1; ret;", 2, 64)), @"");
    insta::assert_snapshot!(words(&sanitize("red.global.add.u32 [%in], 1; ld.global.u32 %r1, [%in]; ret;", 1, 2)), @"race in global memory in kernel `k`, line 9, block (0,0,0), thread (0,0,0): reads 4 bytes at , with no bar.warp.sync since they were atomically updated at line 9 by block (0,0,0), thread (1,0,0)");
}

#[test]
fn the_last_block_may_read_what_others_wrote() {
    // Each block stores its part, and the one that counts last reads all: right with the fence, wrong without it.
    let reduction = |fence: &str| {
        format!(
            "
            mov.u32 %r1, %ctaid.x;
            mad.wide.u32 %rd1, %r1, 4, %out;
            st.global.u32 [%rd1], %r1;
            {fence}
            atom.global.add.u32 %r2, [%in], 1;
            setp.ne.u32 %p1, %r2, 3;
            @%p1 ret;
            ld.global.v4.u32 {{%r3, %r4, %r5, %r6}}, [%out];
            ret;"
        )
    };
    insta::assert_snapshot!(words(&sanitize(&reduction("membar.gl;"), 4, 1)), @"");
    let races = sanitize(&reduction(""), 4, 1);
    assert!(races.iter().all(|finding| finding.kind == FindingKind::GlobalRace), "{}", words(&races));
    assert_eq!(races.iter().map(|finding| finding.count).sum::<u64>(), 3);
}

/// Thread 0 of warp 0 stores a word and raises a flag, and thread 0 of warp 1 waits for it and reads the word.
fn handed_over(space: &str, raise: &str, wait: &str, between: &str) -> Vec<Finding> {
    let body = format!(
        "
        .shared .b32 s[2];
        mov.u64 %rd3, %in;
        cvta.shared.u64 %rd2, s;
        setp.eq.u32 %p4, {}, 0;
        @%p4 mov.u64 %rd3, %rd2;
        st.shared.v2.u32 [s], {{0, 0}};
        bar.sync 0;
        setp.eq.u32 %p1, %i, 0; setp.eq.u32 %p2, %i, 32;
        @%p2 bra WAIT;
        @!%p1 ret;
        st.u32 [%rd3+4], 7;
        {raise};
        ret;
        WAIT:
        {wait};
        setp.eq.u32 %p3, %r1, 0;
        @%p3 bra WAIT;
        {between}
        ld.u32 %r2, [%rd3+4];
        st.global.u32 [%out], %r2;
        ret;",
        u32::from(space == "global")
    );
    sanitize(&body, 1, 64)
}

#[test]
fn strong_accesses_hand_over() {
    let right = [
        ("st.release.gpu.u32 [%rd3], 1", "ld.acquire.gpu.u32 %r1, [%rd3]", ""),
        ("st.release.cta.u32 [%rd3], 1", "ld.relaxed.cta.u32 %r1, [%rd3]", "fence.acq_rel.cta;"),
        ("membar.gl; st.volatile.u32 [%rd3], 1", "ld.volatile.u32 %r1, [%rd3]", "membar.gl;"),
        ("fence.acq_rel.gpu; st.relaxed.gpu.u32 [%rd3], 1", "ld.acquire.gpu.u32 %r1, [%rd3]", ""),
        ("atom.exch.release.gpu.b32 %r5, [%rd3], 1", "atom.or.acquire.gpu.b32 %r1, [%rd3], 0", ""),
        ("red.release.gpu.add.u32 [%rd3], 1", "ld.acquire.gpu.u32 %r1, [%rd3]", ""),
        ("st.release.gpu.u32 [%rd3], 1", "atom.cas.acq_rel.gpu.b32 %r1, [%rd3], 5, 5", ""),
    ];
    for space in ["shared", "global"] {
        for (raise, wait, between) in right {
            assert_eq!(words(&handed_over(space, raise, wait, between)), "", "{space}: {raise}; {wait}");
        }
        // Without a fence the word may come after the flag; a plain flag is itself a race.
        let kind = if space == "shared" { FindingKind::SharedRace } else { FindingKind::GlobalRace };
        let relaxed =
            handed_over(space, "st.relaxed.gpu.u32 [%rd3], 1", "ld.acquire.gpu.u32 %r1, [%rd3]", "");
        assert_eq!(
            relaxed.iter().map(|finding| finding.kind).collect::<Vec<_>>(),
            [kind],
            "{}",
            words(&relaxed)
        );
        let plain = handed_over(space, "membar.gl; st.u32 [%rd3], 1", "ld.volatile.u32 %r1, [%rd3]", "");
        assert!(!plain.is_empty() && plain.iter().all(|finding| finding.kind == kind), "{}", words(&plain));
    }
}

#[test]
fn strong_accesses_hand_over_between_blocks() {
    let body = |raise: &str| {
        format!(
            "
            mov.u32 %r1, %ctaid.x; setp.eq.u32 %p1, %r1, 0;
            @%p1 bra WAIT;
            st.global.u32 [%in+4], 7;
            {raise};
            ret;
            WAIT:
            ld.acquire.gpu.global.u32 %r2, [%in];
            setp.eq.u32 %p2, %r2, 0;
            @%p2 bra WAIT;
            ld.global.u32 %r3, [%in+4];
            ret;"
        )
    };
    assert_eq!(words(&sanitize(&body("st.release.gpu.global.u32 [%in], 1"), 2, 1)), "");
    let races = sanitize(&body("st.relaxed.gpu.global.u32 [%in], 1"), 2, 1);
    assert!(!races.is_empty() && races.iter().all(|finding| finding.kind == FindingKind::GlobalRace));
}

#[test]
fn bulk_copies_are_seen() {
    // Lane 0 of each warp knows the mbarrier; `wait` is what stands between the copy and the reads.
    let copy = |source: &str, wait: &str| {
        format!(
            "
            .shared .align 16 .b8 tile[256]; .shared .align 8 .b64 full;
            mov.u32 %r1, tile; mov.u32 %r2, full; setp.eq.u32 %p1, %i, 0;
            @%p1 mbarrier.init.shared.b64 [%r2], 1;
            bar.sync 0;
            @%p1 mbarrier.arrive.expect_tx.shared.b64 _, [%r2], 256;
            @%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [{source}], 256, [%r2];
            {wait}
            mad.lo.u32 %r3, %i, 4, %r1;
            ld.shared.u32 %r4, [%r3];
            st.global.u32 [%o], %r4;
            ret;"
        )
    };
    let wait = "WAIT: mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0; @!%p2 bra WAIT;";
    assert_eq!(words(&sanitize(&copy("%in", wait), 1, 64)), "");
    let kinds = |findings: Vec<Finding>| findings.iter().map(|finding| finding.kind).collect::<Vec<_>>();
    assert_eq!(kinds(sanitize(&copy("%out", wait), 1, 64)), [FindingKind::UninitialisedGlobal]);
    assert!(kinds(sanitize(&copy("%in", ""), 1, 64)).contains(&FindingKind::SharedRace));

    let store = |fill: &str| {
        format!(
            "
            .shared .align 16 .b8 tile[128];
            mov.u32 %r1, tile; mad.lo.u32 %r3, %i, 4, %r1; setp.eq.u32 %p1, %i, 0;
            {fill}
            bar.sync 0;
            @!%p1 ret;
            cp.async.bulk.global.shared::cta.bulk_group [%out], [%r1], 128;
            cp.async.bulk.commit_group;
            cp.async.bulk.wait_group 0;
            ld.global.u32 %r5, [%out+64];
            ret;"
        )
    };
    assert_eq!(words(&sanitize(&store("st.shared.u32 [%r3], %i;"), 1, 32)), "");
    assert_eq!(kinds(sanitize(&store(""), 1, 32)), [FindingKind::UninitialisedShared]);
    let twice = sanitize(&store("st.shared.u32 [%r3], %i;"), 2, 32);
    assert!(kinds(twice).contains(&FindingKind::GlobalRace), "both blocks store there");
}

#[test]
fn the_heap_of_kernels_is_checked_by_allocation() {
    let allocate = "
        { .param .b64 p0; .param .b64 q; st.param.b64 [p0], 24; call.uni (q), malloc, (p0); ld.param.b64 %rd1, [q]; }";
    let free = "{ .param .b64 p0; st.param.b64 [p0], %rd1; call.uni free, (p0); }";
    let sanitized = |body: &str, block: u32| {
        let declarations = ".extern .func (.param .b64 result) malloc (.param .b64 bytes);
            .extern .func free (.param .b64 address);\n";
        let text = kernel(body).replace(".visible", &format!("{declarations}.visible"));
        let program = Program::load(&text).unwrap_or_else(|error| panic!("{error}"));
        let memory = GlobalMemory::new(16 << 20).unwrap().sanitized();
        let instance = program.instantiate(&memory).unwrap();
        let out = memory.allocate(4096).unwrap();
        let params = [out.to_le_bytes(), out.to_le_bytes()].concat();
        let config =
            LaunchConfig { grid: [1; 3], block: [block, 1, 1], dynamic_shared_bytes: 0, params: &params };
        let options = Options { sanitize: true, ..Options::default() };
        launch(&instance, program.kernel("k").unwrap(), &config, &memory, &options).unwrap();
        memory.end_heap();
        memory.take_findings()
    };
    // Each thread has 24 bytes; 24 to 31 are in nobody's, and 32 are the next thread's.
    let right = format!("{allocate} st.u32 [%rd1+20], %i; ld.u32 %r1, [%rd1+20]; {free} {allocate} ret;");
    assert_eq!(
        words(&sanitized(&right, 40)),
        "leak in kernel `k`, line 13, block (0,0,0), thread (0,0,0): 24 bytes that `malloc` gave were never freed (40 times)"
    );
    let freed = format!("{allocate} st.u32 [%rd1], %i; {free} ret;");
    assert_eq!(words(&sanitized(&freed, 40)), "");
    let kinds = |body: String| {
        let mut kinds: Vec<_> = sanitized(&body, 2).iter().map(|one| one.kind).collect();
        kinds.retain(|kind| *kind != FindingKind::Leak);
        kinds
    };
    assert_eq!(kinds(format!("{allocate} st.u32 [%rd1+24], %i; ret;")), [FindingKind::OutsideAllocation]);
    assert_eq!(kinds(format!("{allocate} {free} st.u32 [%rd1], %i; ret;")), [FindingKind::OutsideAllocation]);
    assert_eq!(kinds(format!("{allocate} ld.u32 %r1, [%rd1+8]; ret;")), [FindingKind::UninitialisedGlobal]);
    // What comes again from `malloc` is another's: nothing is known of it, and nobody races for it.
    let again = format!("{allocate} st.u32 [%rd1], %i; {free} {allocate} ld.u32 %r1, [%rd1]; ret;");
    assert_eq!(kinds(again), [FindingKind::UninitialisedGlobal]);
}

#[test]
fn what_traps_is_a_finding_too() {
    insta::assert_snapshot!(words(&sanitize("ld.global.u32 %r1, [%out+4096]; ret;", 1, 1)), @"access out of bounds in kernel `k`, line 9, block (0,0,0), thread (0,0,0): load of 4 bytes at ; 0 bytes after the end of the 4096 bytes allocated at");
    insta::assert_snapshot!(words(&sanitize("ld.global.u32 %r1, [%in+2]; ret;", 1, 1)), @"misaligned access in kernel `k`, line 9, block (0,0,0), thread (0,0,0): load of 4 bytes at , which is not a multiple of 4");
    let divergent = "setp.lt.u32 %p1, %i, 8; @%p1 bar.sync 0; ret;";
    insta::assert_snapshot!(words(&sanitize(divergent, 1, 32)), @"barrier in divergent code in kernel `k`, line 9, block (0,0,0), thread (0,0,0): lanes  of  are at the barrier");
}

#[test]
fn freed_memory_is_not_used_again_soon() {
    let findings = sanitize_after("ld.global.u32 %r1, [%in+8]; ret;", 1, 1, |memory, _, inp| {
        memory.free(inp).unwrap();
        assert_ne!(memory.allocate(4096).unwrap(), inp);
    });
    insta::assert_snapshot!(words(&findings), @"use after free in kernel `k`, line 9, block (0,0,0), thread (0,0,0): load of 4 bytes at ; byte 8 of the 4096 bytes that were at  until they were freed");
    assert_eq!(findings[0].kind, FindingKind::Trap(TrapKind::UseAfterFree));
}

#[test]
fn findings_are_the_same_every_time() {
    let body = "
        st.global.u32 [%out], %i;
        ld.global.u32 %r1, [%in+4];
        st.global.u32 [%in+4], %i;
        ret;";
    let first = sanitize(body, 3, 64);
    assert!(first.len() >= 3, "{}", words(&first));
    assert_eq!(first, sanitize(body, 3, 64));
}
