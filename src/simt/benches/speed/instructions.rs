//! What one warp instruction costs, kind by kind.

use crate::{
    device::{Call, Device, bytes},
    timing::{Candidate, in_turns},
};

/// What is timed: a name, and the instruction, of which a loop has 64. `%d` and `%f` count up from 0 to 7 in the text
/// of neighbours, so that they do not wait for each other.
const KINDS: &[(&str, &str)] = &[
    ("popc.b32 (interpreted)", "popc.b32 %r#, %i;"),
    ("@p popc.b32, half the lanes", "@%half popc.b32 %r#, %i;"),
    ("xor.pred", "xor.pred %q0, %q1, %half;"),
    ("mov.b32", "mov.b32 %r#, %i;"),
    ("add.u32", "add.u32 %r#, %r#, %i;"),
    ("add.u64", "add.u64 %rd#, %rd#, %wide;"),
    ("mad.lo.u32", "mad.lo.u32 %r#, %r#, %i, %i;"),
    ("fma.rn.f32", "fma.rn.f32 %f#, %f#, %x, %y;"),
    ("max.f32", "max.f32 %f#, %f#, %x;"),
    ("setp.lt.u32", "setp.lt.u32 %q1, %r#, %i;"),
    ("@p add.u32, half the lanes", "@%half add.u32 %r#, %r#, %i;"),
    ("ex2.approx.f32", "ex2.approx.f32 %f#, %x;"),
    ("fma.rn.f16x2", "fma.rn.f16x2 %r#, %r#, %one, %one;"),
    ("shfl.sync.bfly", "shfl.sync.bfly.b32 %r#, %r#, 5, 31, 0xffffffff;"),
    ("ld.shared, a word for all", "ld.shared.u32 %r#, [%s];"),
    ("ld.shared, a row", "ld.shared.u32 %r#, [%srow];"),
    ("ld.shared, scattered", "ld.shared.u32 %r#, [%sany];"),
    ("ld.shared.v4, lanes in fours", "ld.shared.v4.u32 {%v0, %v1, %v2, %v3}, [%sfour];"),
    ("st.shared, a row", "st.shared.u32 [%srow], %i;"),
    ("ld.global, a word for all", "ld.global.u32 %r#, [%g];"),
    ("ld.global, a row", "ld.global.u32 %r#, [%grow];"),
    ("ld.global, a column", "ld.global.u32 %r#, [%gcolumn];"),
    ("ld.global, scattered", "ld.global.u32 %r#, [%gany];"),
    ("ld.global.v2, a row", "ld.global.v2.u32 {%v0, %v1}, [%gtwo];"),
    ("ld.global.v4.b16, a row", "ld.global.v4.b16 {%h0, %h1, %h2, %h3}, [%gtwo];"),
    ("cvt.f32.f16", "cvt.f32.f16 %f#, %h0;"),
    ("cvt.rn.f16.f32", "cvt.rn.f16.f32 %h0, %x;"),
    ("ld.global.v4, a row", "ld.global.v4.u32 {%v0, %v1, %v2, %v3}, [%gfour];"),
    ("st.global, a row", "st.global.u32 [%grow], %i;"),
    (
        "mma.m16n8k16.f32.f16",
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%x0, %x1, %x2, %x3}, {%v0, %v1, %v2, %v3}, {%v0, %v1}, {%x0, %x1, %x2, %x3};",
    ),
    (
        "mma.m16n8k8.f32.tf32",
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%x0, %x1, %x2, %x3}, {%v0, %v1, %v2, %v3}, {%v0, %v1}, {%x0, %x1, %x2, %x3};",
    ),
    (
        "mma.m16n8k32.s32.s8",
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r0, %r1, %r2, %r3}, {%v0, %v1, %v2, %v3}, {%v0, %v1}, {%r0, %r1, %r2, %r3};",
    ),
    ("ldmatrix.x4", "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%v0, %v1, %v2, %v3}, [%ssixteen];"),
    (
        "ldmatrix.x4.trans",
        "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%v0, %v1, %v2, %v3}, [%ssixteen];",
    ),
    (
        "cp.async.cg 16, with its wait",
        "cp.async.cg.shared.global [%ssixteen], [%gfour], 16; cp.async.wait_all;",
    ),
    ("atom.global.add, a word a lane", "atom.global.add.u32 %r#, [%grow], %i;"),
];

/// Instructions of the loop, and how often it is run.
const BODY: usize = 64;
const STEPS: usize = 200;

fn text(instruction: &str) -> String {
    let mut body = String::new();
    for i in 0..BODY {
        body += &instruction.replace('#', &(i % 8).to_string());
        body.push('\n');
    }
    format!(
        "
        .version 8.0
        .target sm_80
        .address_size 64
        .visible .entry k(.param .u64 data) {{
        .reg .pred %p, %half, %q<2>; .reg .b32 %i, %t, %steps, %s, %srow, %sany, %sfour, %ssixteen, %one, %r<8>, %v<4>;
        .reg .b16 %h<4>; .reg .b64 %g, %gtwo, %grow, %gcolumn, %gany, %gfour, %wide, %rd<8>; .reg .f32 %x, %y, %f<8>, %x<4>;
        .shared .align 16 .b8 s[8192];
        ld.param.u64 %g, [data];
        mov.u32 %i, %tid.x;
        mov.u32 %one, 0x3c003c00;
        mov.u32 %s, s;
        mad.lo.u32 %srow, %i, 4, %s;
        mul.lo.u32 %t, %i, 7;
        xor.b32 %t, %t, 21;
        mad.lo.u32 %sany, %t, 4, %s;
        mad.wide.u32 %gany, %t, 4, %g;
        shr.u32 %t, %i, 2;
        mad.lo.u32 %sfour, %t, 16, %s;
        mad.lo.u32 %ssixteen, %i, 16, %s;
        mad.wide.u32 %grow, %i, 4, %g;
        mad.wide.u32 %gcolumn, %i, 1024, %g;
        mad.wide.u32 %gtwo, %i, 8, %g;
        mad.wide.u32 %gfour, %i, 16, %g;
        cvt.u64.u32 %wide, %i;
        cvt.rn.f32.u32 %x, %i;
        mov.f32 %y, 0f3F800000;
        and.b32 %t, %i, 1;
        setp.eq.u32 %half, %t, 0;
        mov.u32 %steps, {STEPS};
        LOOP:
        {body}
        sub.u32 %steps, %steps, 1;
        setp.ne.u32 %p, %steps, 0;
        @%p bra LOOP;
        ret;
        }}"
    )
}

/// Seconds of a launch with one warp.
fn time(instruction: &str) -> f64 {
    let device = Device::new(&text(instruction));
    let data = device.buffer(&vec![0; 64 << 10]);
    let params = bytes(&[data], |word| word.to_le_bytes());
    let call = Call { kernel: "k", grid: [16, 1], block: [32, 1], params };
    let [seconds] = in_turns([Candidate::here(&mut || device.launch(&call, 1))]);
    seconds / 16.0
}

pub(crate) fn main() {
    let count = (BODY * STEPS) as f64;
    // A loop around nothing, taken off.
    let empty = time("");
    let cost = |instruction: &str| (time(instruction) - empty) / count * 1e9;
    let unit = cost("fma.rn.f32 %f#, %f#, %x, %y;");
    println!("a warp instruction, one thread         ns    x fma.rn.f32");
    for (name, instruction) in KINDS {
        let cost = cost(instruction);
        println!("  {name:<34}{cost:>7.2}{:>10.2}", cost / unit);
    }
}
