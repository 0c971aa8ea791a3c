//! What is refused when a module is loaded, and how it is said.

use crate::device::kernel;
use pipe_simt::Program;

/// The diagnostics of a kernel body, one a line.
fn problems(body: &str) -> String {
    match Program::load(&kernel(body)) {
        Ok(_) => String::from("loads"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn all_problems_are_named_at_once() {
    insta::assert_snapshot!(problems("
        wgmma.fence.sync.aligned;
        add.rzi.f32 %f1, %f2, %f3;
        add.f32 %f1, %rd1, %f2;
        add.u32 %r1, %r2;
        ld.global.f64 %r1, [%rd1];
        st.param.u32 [in], %r1;
        cvt.s32.f32 %r1, %f1;
        setp.lt.u32 %r1, %r2, %r3;
        bar.sync 16;
        ld.param.u64 %rd1, [in+4];
        ret;"), @r"
10:9: instruction `wgmma.fence.sync.aligned` is not supported
11:9: instruction `add.rzi.f32` is not supported; forms of `add` include `add.u16|s16`, `add.u32|s32`, `add.u64|s64`, `add.u16x2|s16x2`, `add.sat.s32`, `add.rn?.ftz?.sat?.f32`, `add.rn?.f64`, `add.rz.ftz?.sat?.f32`
12:22: `%rd1` is a .b64 register where an f32 register is wanted
13:9: `add.u32` takes 3 operands, not 2
14:23: a .b32 register does not fit `ld.global.f64`
15:9: `st.param.u32` writes to a space that is only read
16:9: `cvt.s32.f32` needs a rounding mode; write `.rzi`, or another mode, after `cvt`
17:21: `%r1` is a .b32 register where a predicate is wanted
18:18: barriers are numbered from 0 to 15
19:9: bytes 4 to 12 are outside the variable, which has 8
");
}

#[test]
fn video_instructions_are_refused_where_they_select_what_they_cannot() {
    insta::assert_snapshot!(problems("
        vadd.u32.u32 %r1, %r2, %r3;
        vadd.u32.u32.u32 %r1.h0, %r2, %r3;
        vadd.u32.u32.u32.add %r1.h0, %r2, %r3, %r4;
        vadd.u32.u32.u32 %r1, %r2.b10, %r3;
        vadd.u32.u32.u32 %r1, -%r2, %r3;
        vmad.u32.u32.u32.po %r1, %r2, %r3, -%r4;
        vmad.s32.s32.s32 %r1, -%r2, %r3, -%r4;
        vmad.s32.s32.s32 %r1, %r2, %r3;
        vadd2.u32.u32.u32 %r1, %r2, %r3;
        vadd2.u32.u32.u32 %r1.h01, %r2, %r3, %r4;
        vadd4.u32.u32.u32 %r1, %r2.h10, %r3, %r4;
        vadd4.u32.u32.u32 %r1, %r2.b210, %r3, %r4;
        add.u32 %r1, %r2.b0, -%r3;
        ret;"), @r"
    10:9: instruction `vadd.u32.u32` is not supported; its forms are `vadd|vsub|vabsdiff|vmin|vmax.u32|s32.u32|s32.u32|s32.sat?.add|min|max?`
    11:9: `vadd.u32.u32.u32` takes 4 operands here
    12:9: a second operation and a selected destination exclude each other
    13:31: `.b10` selects nothing here; expected one of `.b0`, `.b1`, `.b2`, `.b3`, `.h0`, `.h1`
    14:9: only `vmad` negates its operands, not `vadd`
    15:9: operands of `.po` cannot be negated
    16:9: either the product or what is added to it can be negated, not both
    17:9: `vmad.s32.s32.s32` takes 4 operands, not 3
    18:9: `vadd2.u32.u32.u32` takes 4 operands, not 3
    19:27: `.h01` selects nothing here; expected some of `.h10`, in that order
    20:32: `.h10` selects nothing here; expected parts as in `.b3210`
    21:32: `.b210` selects nothing here; expected 4 parts, as in `.b3210`
    22:22: special register `%r2.b0` is not supported here
    ");
}

#[test]
fn a_kernel_tells_what_a_launch_needs() {
    let text = "\
.version 8.3
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.shared .align 8 .b8 unused[4096];
.global .align 4 .u32 table[3] = {1, 2, 3};
.const .f32 scale = 0f3F800000;
.visible .entry first(.param .u64 a, .param .u32 b, .param .align 16 .b8 c[20]) .maxntid 128, 1, 1
{
  .shared .align 4 .b8 tile[100];
  .local .align 8 .b8 stack[24];
  .reg .b32 %r<4>;
  mov.u32 %r1, tile;
  mov.u32 %r2, dynamic;
  st.shared.u32 [%r2], %r1;
  ret;
}
.entry second() .reqntid 32, 2, 1 { ret; }
";
    let program = Program::load(text).unwrap();
    let first = program.kernel("first").unwrap();
    let places: Vec<_> = first.params().iter().map(|p| (p.offset, p.size, p.align)).collect();
    assert_eq!(places, [(0, 8, 8), (8, 4, 4), (16, 20, 16)]);
    assert_eq!(first.param_bytes(), 36);
    assert_eq!(first.static_shared_bytes(), 100);
    assert_eq!(first.local_bytes(), 24);
    assert_eq!(first.max_threads_per_block(), 128);
    assert_eq!(program.kernel("second").unwrap().required_block(), Some([32, 2, 1]));
    assert!(program.kernel("third").is_none());
    let names: Vec<_> = program.kernels().map(|kernel| kernel.name()).collect();
    assert_eq!(names, ["first", "second"]);
}
