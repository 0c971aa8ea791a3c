//! Shuffles, votes, matches and reductions.

use crate::device::run;

fn lanes(body: &str) -> Vec<u32> {
    run(&format!("{body}\nst.global.u32 [%o], %r1; ret;"), 32, &[]).out
}

#[test]
fn shuffles_follow_clamp_and_segments() {
    let members = "0xffffffff";
    for by in 0..32 {
        for clamp in [31, 15] {
            let from = |i: u32| if i ^ by <= clamp { i ^ by } else { i };
            let body = "mov.u32 %r1, 77; shfl.sync.bfly.b32 %r1|%p1, %i, BY, CLAMP, MEMBERS; @!%p1 add.u32 %r1, %r1, 100;";
            let body = body.replace("BY", &by.to_string()).replace("CLAMP", &clamp.to_string());
            let refused = |i: u32| if i ^ by <= clamp { 0 } else { 100 };
            assert_eq!(
                lanes(&body.replace("MEMBERS", members)),
                (0..32).map(|i| from(i) + refused(i)).collect::<Vec<u32>>()
            );
        }
    }
    assert_eq!(
        lanes(&format!("shfl.sync.down.b32 %r1, %i, 4, 31, {members};")),
        (0..32).map(|i| if i + 4 < 32 { i + 4 } else { i }).collect::<Vec<u32>>()
    );
    assert_eq!(
        lanes(&format!("shfl.sync.up.b32 %r1, %i, 3, 0, {members};")),
        (0..32).map(|i| if i >= 3 { i - 3 } else { i }).collect::<Vec<u32>>()
    );
    // Segments of 8: the mask is 0x18, in bits 8 to 12.
    assert_eq!(
        lanes(&format!("shfl.sync.idx.b32 %r1|%p1, %i, 2, 0x181f, {members};")),
        (0..32).map(|i| i / 8 * 8 + 2).collect::<Vec<u32>>()
    );
    assert_eq!(
        lanes(&format!("shfl.sync.down.b32 %r2|%p1, %i, 1, 0x1807, {members}; selp.u32 %r1, 1, 0, %p1;")),
        (0..32).map(|i| u32::from(i % 8 != 7)).collect::<Vec<u32>>()
    );
}

#[test]
fn votes_and_matches() {
    assert_eq!(lanes("setp.lt.u32 %p1, %i, 5; vote.sync.ballot.b32 %r1, %p1, 0xffffffff;"), [0x1f; 32]);
    assert_eq!(
        lanes("setp.lt.u32 %p1, %i, 5; vote.sync.all.pred %p2, %p1, 0xffffffff; selp.u32 %r1, 1, 0, %p2;"),
        [0; 32]
    );
    assert_eq!(
        lanes("and.b32 %r2, %i, 3; match.any.sync.b32 %r1, %r2, 0xffffffff;"),
        (0..32).map(|i| 0x1111_1111 << (i % 4)).collect::<Vec<u32>>()
    );
    assert_eq!(lanes("redux.sync.add.s32 %r1, %i, 0xffffffff;"), [496; 32]);
    assert_eq!(lanes("sub.u32 %r2, %i, 5; redux.sync.min.s32 %r1, %r2, 0xffffffff;"), [-5i32 as u32; 32]);
    assert_eq!(lanes("activemask.b32 %r1;"), [u32::MAX; 32]);
    assert_eq!(lanes("elect.sync %r2|%p1, 0xffffffff; selp.u32 %r1, 1, 0, %p1;")[..3], [1, 0, 0]);
    assert_eq!(lanes("mov.u32 %r1, %lanemask_lt;")[..3], [0, 1, 3]);
}

#[test]
fn members_of_a_part_of_the_warp() {
    let out = lanes(
        "
        mov.u32 %r1, 7;
        setp.lt.u32 %p1, %i, 8;
        @%p1 redux.sync.add.u32 %r1, %i, 0xff;",
    );
    assert_eq!(out[..9], [28, 28, 28, 28, 28, 28, 28, 28, 7]);
}
