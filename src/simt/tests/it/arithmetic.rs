//! Values of single instructions, from the ISA's definitions.

use crate::device::one_thread;

/// Runs instructions that leave their result in `%r1` and gives it.
fn word(body: &str) -> u32 {
    one_thread(&format!("{body}\nst.global.b32 [%out], %r1; ret;"), 1)[0]
}

/// As [`word`], for a result in `%rd1`.
fn long(body: &str) -> u64 {
    let words = one_thread(&format!("{body}\nst.global.b64 [%out], %rd1; ret;"), 2);
    u64::from(words[0]) | u64::from(words[1]) << 32
}

/// As [`word`], for a result in `%f1`.
fn float(body: &str) -> f32 {
    f32::from_bits(one_thread(&format!("{body}\nst.global.f32 [%out], %f1; ret;"), 1)[0])
}

#[test]
fn integers() {
    assert_eq!(word("mov.u32 %r2, 7; sub.s32 %r1, %r2, 9;"), -2i32 as u32);
    assert_eq!(word("mov.u32 %r2, 0x80000000; mul.hi.s32 %r1, %r2, 4;"), -2i32 as u32);
    assert_eq!(word("mov.u32 %r2, 0x80000000; mul.hi.u32 %r1, %r2, 4;"), 2);
    assert_eq!(long("mov.u32 %r2, -3; mul.wide.s32 %rd1, %r2, 5;"), -15i64 as u64);
    assert_eq!(
        long("mov.u32 %r2, -3; mov.b64 %rd2, 1; mad.wide.u32 %rd1, %r2, 2, %rd2;"),
        0xffff_fffd * 2 + 1
    );
    assert_eq!(word("mov.u32 %r2, -7; div.s32 %r1, %r2, 2;"), -3i32 as u32);
    assert_eq!(word("mov.u32 %r2, -7; rem.s32 %r1, %r2, 2;"), -1i32 as u32);
    assert_eq!(long("mov.u64 %rd2, -7; rem.s64 %rd1, %rd2, 4;"), -3i64 as u64);
    assert_eq!(word("mov.u32 %r2, 1; shl.b32 %r1, %r2, 32;"), 0);
    assert_eq!(word("mov.u32 %r2, -8; shr.s32 %r1, %r2, 40;"), u32::MAX);
    assert_eq!(
        word("mov.u32 %r2, 0xf0f0; mov.u32 %r3, 0xff00; lop3.b32 %r1, %r2, %r3, 0xaaaa, 0x96;"),
        0xf0f0 ^ 0xff00 ^ 0xaaaa
    );
    assert_eq!(word("mov.u32 %r2, 0xabcd; bfe.u32 %r1, %r2, 4, 8;"), 0xbc);
    assert_eq!(word("mov.u32 %r2, 3; mov.u32 %r3, 0; bfi.b32 %r1, %r2, %r3, 8, 4;"), 0x300);
    assert_eq!(word("mov.u32 %r2, 0x03020100; prmt.b32 %r1, %r2, 0, 0x0123;"), 0x0001_0203);
    assert_eq!(word("mov.b64 %rd2, 0xf00000000; popc.b64 %r1, %rd2;"), 4);
    assert_eq!(word("mov.b32 %r2, 1; clz.b32 %r1, %r2;"), 31);
    assert_eq!(word("mov.b32 %r2, 1; brev.b32 %r1, %r2;"), 1 << 31);
    assert_eq!(word("mov.u32 %r2, 5; mov.u32 %r3, 9; sad.u32 %r1, %r2, %r3, 100;"), 104);
    assert_eq!(word("mov.u32 %r2, 0x7fffffff; add.sat.s32 %r1, %r2, 1;"), 0x7fff_ffff);
    assert_eq!(long("mov.u64 %rd2, 1; shl.b64 %rd1, %rd2, 63;"), 1 << 63);
    assert_eq!(word("mov.u32 %r2, 9; not.b32 %r3, %r2; neg.s32 %r1, %r3;"), 10);
    assert_eq!(
        word("mov.u16 %h1, 300; mov.u16 %h2, 300; mul.lo.u16 %h3, %h1, %h2; cvt.u32.u16 %r1, %h3;"),
        90_000 % 65_536
    );
}

#[test]
fn singles() {
    assert_eq!(float("mov.f32 %f2, 0f40400000; fma.rn.f32 %f1, %f2, %f2, 0f3F800000;"), 10.0);
    assert_eq!(float("mov.f32 %f2, 1.5; sub.sat.f32 %f1, %f2, 0f3F000000;"), 1.0);
    // 2⁻¹³⁰ is subnormal: flushed as an operand.
    assert_eq!(float("mov.f32 %f2, 0f00080000; add.ftz.f32 %f1, %f2, 0f00000000;"), 0.0);
    assert_eq!(float("mov.f32 %f2, 0f00080000; add.f32 %f1, %f2, 0f00000000;").to_bits(), 0x0008_0000);
    assert_eq!(
        float("mov.f32 %f2, 0f7F800000; sub.f32 %f1, %f2, %f2;").to_bits(),
        0x7fff_ffff,
        "canonical NaN"
    );
    assert_eq!(float("mov.f32 %f2, 0f7FC00000; max.f32 %f1, %f2, 0fBF800000;"), -1.0);
    assert!(float("mov.f32 %f2, 0f7FC00000; max.NaN.f32 %f1, %f2, 0fBF800000;").is_nan());
    assert_eq!(float("mov.f32 %f2, 0f41100000; sqrt.rn.f32 %f1, %f2;"), 3.0);
    assert_eq!(float("mov.f32 %f2, 0f40800000; rsqrt.approx.f32 %f1, %f2;"), 0.5);
    assert_eq!(float("mov.f32 %f2, 0f40400000; ex2.approx.ftz.f32 %f1, %f2;"), 8.0);
    assert_eq!(float("mov.f32 %f2, 0f41000000; lg2.approx.f32 %f1, %f2;"), 3.0);
    assert_eq!(float("mov.f32 %f2, 0f40800000; rcp.approx.ftz.f32 %f1, %f2;"), 0.25);
    assert_eq!(
        float("mov.f32 %f2, 0f3F800000; mov.f32 %f3, 0f40400000; div.rn.f32 %f1, %f2, %f3;"),
        1.0 / 3.0
    );
    // One rounding: a product and a sum would lose the last bit.
    let (a, b) = (1.0 + f32::EPSILON, 1.0 - f32::EPSILON);
    let body = format!(
        "mov.f32 %f2, 0f{:08X}; mov.f32 %f3, 0f{:08X}; fma.rn.f32 %f1, %f2, %f3, 0fBF800000;",
        a.to_bits(),
        b.to_bits()
    );
    assert_eq!(float(&body), a.mul_add(b, -1.0));
}

#[test]
fn doubles_and_halves() {
    assert_eq!(
        long("mov.f64 %d2, 0d3FF8000000000000; fma.rn.f64 %d1, %d2, %d2, %d2; mov.b64 %rd1, %d1;"),
        3.75f64.to_bits()
    );
    assert_eq!(
        word("mov.b16 %h1, 0x3e00; mov.b16 %h2, 0x4000; mul.f16 %h3, %h1, %h2; cvt.u32.u16 %r1, %h3;"),
        0x4200
    );
    assert_eq!(word("mov.b32 %r2, 0x3c004000; add.f16x2 %r1, %r2, %r2;"), 0x4000_4400);
    assert_eq!(word("mov.b32 %r2, 0x3f803f80; fma.rn.bf16x2 %r1, %r2, %r2, %r2;"), 0x4000_4000);
    assert_eq!(float("mov.b16 %h1, 0x3e00; cvt.f32.f16 %f1, %h1;"), 1.5);
    assert_eq!(word("mov.f32 %f1, 1.5; mov.f32 %f2, 2.0; cvt.rn.f16x2.f32 %r1, %f1, %f2;"), 0x3e00_4000);
}

#[test]
fn conversions() {
    assert_eq!(word("mov.f32 %f2, 0fC0200000; cvt.rzi.s32.f32 %r1, %f2;"), -2i32 as u32);
    assert_eq!(word("mov.f32 %f2, 0f40200000; cvt.rni.s32.f32 %r1, %f2;"), 2);
    assert_eq!(word("mov.f32 %f2, 0f40200000; cvt.rpi.s32.f32 %r1, %f2;"), 3);
    assert_eq!(word("mov.f32 %f2, 0f7FC00000; cvt.rzi.s32.f32 %r1, %f2;"), 0);
    assert_eq!(float("mov.u32 %r2, -1; cvt.rn.f32.u32 %f1, %r2;"), 4_294_967_296.0);
    assert_eq!(word("mov.u32 %r2, 0x1ff; cvt.s32.s8 %r1, %r2;"), u32::MAX);
    assert_eq!(word("mov.u32 %r2, 300; cvt.sat.u8.u32 %r1, %r2;"), 255);
    assert_eq!(long("mov.u32 %r2, -5; cvt.s64.s32 %rd1, %r2;"), -5i64 as u64);
    assert_eq!(word("mov.u64 %rd2, 0x123456789; cvt.u32.u64 %r1, %rd2;"), 0x2345_6789);
    assert_eq!(float("mov.f32 %f2, 0f40200000; cvt.rmi.f32.f32 %f1, %f2;"), 2.0);
    assert_eq!(float("mov.f64 %d2, 0d3FB999999999999A; cvt.rn.f32.f64 %f1, %d2;"), 0.1);
}

#[test]
fn predicates() {
    let set = |setup: &str| word(&format!("{setup} selp.u32 %r1, 1, 0, %p1;"));
    assert_eq!(set("setp.lt.s32 %p1, -1, 1;"), 1);
    assert_eq!(set("mov.u32 %r2, -1; setp.lt.u32 %p1, %r2, 1;"), 0);
    assert_eq!(set("mov.u32 %r2, -1; setp.hi.u32 %p1, %r2, 1;"), 1);
    assert_eq!(set("mov.f32 %f2, 0f7FC00000; setp.ltu.f32 %p1, %f2, %f2;"), 1);
    assert_eq!(set("mov.f32 %f2, 0f7FC00000; setp.ne.f32 %p1, %f2, 0f00000000;"), 0);
    assert_eq!(set("mov.f32 %f2, 0f7FC00000; setp.geu.f32 %p1, %f2, 0f00000000;"), 1);
    assert_eq!(set("setp.eq.s32 %p2, 1, 1; setp.eq.and.s32 %p1|%p3, 1, 2, %p2;"), 0);
    assert_eq!(set("setp.eq.s32 %p2, 1, 1; setp.eq.and.s32 %p3|%p1, 1, 2, %p2;"), 1);
    assert_eq!(set("setp.eq.s32 %p2, 1, 2; setp.eq.or.s32 %p1, 1, 2, !%p2;"), 1);
    assert_eq!(word("set.lt.u32.s32 %r1, 1, 2;"), u32::MAX);
    assert_eq!(float("set.lt.f32.s32 %f1, 1, 2;"), 1.0);
    assert_eq!(word("mov.b64 %rd2, {7, 9}; mov.b64 {%r2, %r1}, %rd2;"), 9);
    assert_eq!(
        word("mov.b32 %r2, 0x00050006; mov.b32 {%h1, %h2}, %r2; mov.b32 %r1, {%h2, %h1};"),
        0x0006_0005
    );
}
