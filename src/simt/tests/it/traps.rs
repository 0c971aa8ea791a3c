//! Traps: what, in which line, by which thread.

use crate::device::{BODY, kernel, trap, try_run};
use pipe_simt::{LaunchError, Options, TrapKind};

#[test]
fn an_access_out_of_bounds_names_its_place() {
    let trap = trap(
        "
        mov.u32 %r1, %ctaid.x;
        setp.eq.u32 %p1, %r1, 2;
        setp.eq.and.u32 %p1, %i, 37, %p1;
        selp.b64 %rd1, 3960, 0, %p1;
        add.u64 %rd2, %o, %rd1;
        st.global.u32 [%rd2], %r1;
        ret;",
        4,
        64,
    );
    assert_eq!(trap.kind, TrapKind::OutOfBounds);
    assert_eq!((trap.kernel.as_str(), trap.line), ("k", BODY + 6));
    assert_eq!((trap.block, trap.thread), ([2, 0, 0], [37, 0, 0]));
    assert!(trap.detail.contains("store of 4 bytes"), "{trap}");
    assert!(trap.detail.contains("12 bytes after the end of the 4096 bytes allocated"), "{trap}");
}

#[test]
fn misaligned_and_wild_accesses_trap() {
    let misaligned = trap("ld.global.u64 %rd1, [%out+4]; ret;", 1, 1);
    assert_eq!(misaligned.kind, TrapKind::Misaligned);
    let null = trap("mov.u64 %rd2, 0; ld.u32 %r1, [%rd2]; ret;", 1, 1);
    assert_eq!(null.kind, TrapKind::OutOfBounds);
    let vector = trap("ld.global.v4.u32 {%r1,%r2,%r3,%r4}, [%out+8]; ret;", 1, 32);
    assert_eq!(vector.kind, TrapKind::Misaligned);
    let shared = trap(
        ".shared .b32 s[4]; mov.u32 %r1, s; shl.b32 %r2, %i, 2; add.u32 %r1, %r1, %r2; ld.shared.u32 %r3, [%r1]; ret;",
        1,
        8,
    );
    assert_eq!((shared.kind, shared.thread), (TrapKind::OutOfBounds, [4, 0, 0]));
    let local = trap(".local .b32 l; mov.u64 %rd1, l; ld.local.u32 %r1, [%rd1+64]; ret;", 1, 1);
    assert_eq!(local.kind, TrapKind::OutOfBounds);
    let end = trap("mov.u64 %rd1, -4; add.u64 %rd1, %rd1, 0; st.global.u32 [%rd1], 1; ret;", 1, 1);
    assert_eq!(end.kind, TrapKind::OutOfBounds);
}

#[test]
fn endless_loops_and_deadlocks_end() {
    let endless = trap(
        "
        L: add.u32 %r1, %r1, 1;
        bra L;",
        2,
        64,
    );
    assert_eq!((endless.kind, endless.line), (TrapKind::Timeout, BODY + 1));
    let deadlock = trap(
        "
        setp.lt.u32 %p1, %i, 32;
        @%p1 bra A;
        bar.sync 1;
        ret;
        A: bar.sync 2;
        ret;",
        1,
        64,
    );
    assert_eq!((deadlock.kind, deadlock.line), (TrapKind::Deadlock, BODY + 5));
    let divergent = trap(
        "
        setp.lt.u32 %p1, %i, 8;
        @%p1 bra A;
        bar.sync 0;
        A: ret;",
        1,
        32,
    );
    assert_eq!((divergent.kind, divergent.line), (TrapKind::DivergentBarrier, BODY + 3));
}

#[test]
fn the_first_block_that_traps_is_reported_whatever_runs_beside_it() {
    let text = kernel(
        "
        mov.u32 %r1, %ctaid.x;
        rem.u32 %r2, %r1, 7;
        setp.eq.u32 %p1, %r2, 5;
        @%p1 trap;
        ret;",
    );
    for threads in [1, 2, 4] {
        let options = Options { threads: Some(threads), ..Options::default() };
        match try_run(&text, 100, 32, 1, &[], &options) {
            Err(LaunchError::Trap(trap)) => assert_eq!((trap.kind, trap.block), (TrapKind::Trap, [5, 0, 0])),
            other => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn wrong_member_masks_trap() {
    let outsider = trap("shfl.sync.idx.b32 %r1, %i, 0, 31, 0xf; ret;", 1, 32);
    assert_eq!((outsider.kind, outsider.thread), (TrapKind::InvalidMembers, [4, 0, 0]));
}

#[test]
fn launches_that_do_not_fit_are_refused() {
    let text = kernel("ret;");
    let error = try_run(&text, 1, 2048, 1, &[], &Options::default()).err().unwrap();
    assert!(matches!(error, LaunchError::Invalid(_)), "{error}");
    let error = try_run(&text, 0, 32, 1, &[], &Options::default()).err().unwrap();
    assert!(matches!(error, LaunchError::Invalid(_)), "{error}");
}
