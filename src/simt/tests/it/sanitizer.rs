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
