//! `atom` and `red` in all their forms.

use crate::device::{kernel, one_thread, run, try_run};
use pipe_simt::Options;

fn halves(low: f32, high: f32) -> u32 {
    u32::from(half::f16::from_f32(low).to_bits()) | u32::from(half::f16::from_f32(high).to_bits()) << 16
}

fn brains(low: f32, high: f32) -> u32 {
    u32::from(half::bf16::from_f32(low).to_bits()) | u32::from(half::bf16::from_f32(high).to_bits()) << 16
}

/// Does an operation on a word that holds `old`, in global, shared and generic space; gives what each returned and left.
fn word(operation: &str, ty: &str, old: u32, b: u32) -> (u32, u32) {
    let (register, load) = if ty.starts_with('f') && ty == "f32" { ("%f", "f32") } else { ("%r", "b32") };
    let body = format!(
        "
        .shared .align 16 .b32 s[8];
        mov.b32 %r20, s; cvt.u64.u32 %rd1, %r20; cvta.shared.u64 %rd2, %rd1;
        mov.b32 %r21, {old}; st.global.b32 [%out+4], %r21; st.shared.b32 [%r20+4], %r21; st.shared.b32 [%r20+8], %r21;
        mov.b32 %r22, {b}; mov.b32 {register}1, %r22;
        atom.relaxed.gpu.global.{operation}.{ty} {register}2, [%out+4], {register}1;
        atom.acq_rel.cta.shared::cta.{operation}.{ty} {register}3, [%r20+4], {register}1;
        atom.acquire.cluster.{operation}.{ty} {register}4, [%rd2+8], {register}1;
        ld.shared.b32 %r10, [%r20+4]; ld.shared.b32 %r11, [%r20+8];
        st.global.{load} [%out], {register}2; st.global.b32 [%out+8], %r10; st.global.{load} [%out+12], {register}3;
        st.global.b32 [%out+16], %r11; st.global.{load} [%out+20], {register}4;
        ret;"
    );
    let out = one_thread(&body, 6);
    assert_eq!((out[1], out[0]), (out[2], out[3]), "{operation}.{ty} global and shared");
    assert_eq!((out[1], out[0]), (out[4], out[5]), "{operation}.{ty} generic");
    (out[0], out[1])
}

#[test]
fn words_change_as_the_isa_says() {
    let new = |operation, ty, old, b| {
        let (returned, left) = word(operation, ty, old, b);
        assert_eq!(returned, old, "{operation}.{ty} gives the old value");
        left
    };
    let minus = |x: i32| -x as u32;
    assert_eq!(new("and", "b32", 0xff00_ff00, 0x0ff0_0ff0), 0x0f00_0f00);
    assert_eq!(new("or", "b32", 0xff00_ff00, 0x0ff0_0ff0), 0xfff0_fff0);
    assert_eq!(new("xor", "b32", 0xff00_ff00, 0x0ff0_0ff0), 0xf0f0_f0f0);
    assert_eq!(new("exch", "b32", 1, 2), 2);
    assert_eq!(new("add", "u32", u32::MAX, 2), 1);
    assert_eq!(new("add", "s32", minus(3), 2), minus(1));
    assert_eq!(new("inc", "u32", 4, 5), 5);
    assert_eq!(new("inc", "u32", 5, 5), 0);
    assert_eq!(new("dec", "u32", 0, 5), 5);
    assert_eq!(new("dec", "u32", 6, 5), 5);
    assert_eq!(new("dec", "u32", 3, 5), 2);
    assert_eq!(new("min", "u32", 1, minus(1)), 1);
    assert_eq!(new("min", "s32", 1, minus(1)), minus(1));
    assert_eq!(new("max", "u32", 1, minus(1)), minus(1));
    assert_eq!(new("max", "s32", 1, minus(1)), 1);
    assert_eq!(new("add", "f32", 1.5f32.to_bits(), 2f32.to_bits()), 3.5f32.to_bits());
    assert_eq!(new("add.noftz", "f16x2", halves(1.0, -2.0), halves(0.5, 4.0)), halves(1.5, 2.0));
    assert_eq!(new("add.noftz", "bf16x2", brains(1.0, -2.0), brains(0.5, 4.0)), brains(1.5, 2.0));
}

#[test]
fn sums_of_floats_flush_subnormals_in_global_memory_only() {
    let body = "
        .shared .align 4 .b32 s;
        mov.b32 %r1, 0x00000003; st.global.b32 [%out], %r1; st.shared.b32 [s], %r1;
        mov.f32 %f1, 0f00000001;
        red.global.add.f32 [%out], %f1; red.shared.add.f32 [s], %f1;
        ld.shared.b32 %r2, [s]; st.global.b32 [%out+4], %r2;
        ret;";
    assert_eq!(one_thread(body, 2), [0, 4]);
}

#[test]
fn narrow_and_wide_values() {
    let body = "
        mov.b32 %r1, 0x11112222; st.global.b32 [%out], %r1;
        mov.b16 %h1, 0x1111; mov.b16 %h2, 0x3333; mov.b16 %h3, 0x2222;
        atom.global.cas.b16 %h4, [%out+2], %h1, %h2;
        atom.global.cas.b16 %h5, [%out], %h1, %h2;
        mov.b32 %r2, {%h4, %h5}; st.global.b32 [%out+4], %r2;
        mov.b32 %r3, 0x40003c00; st.global.b32 [%out+8], %r3; mov.b16 %h6, 0x3c00;
        atom.global.add.noftz.f16 %h7, [%out+8], %h6;
        red.global.add.noftz.f16 [%out+10], %h6;
        mov.b32 %r3, 0x40003f80; st.global.b32 [%out+12], %r3; mov.b16 %h6, 0x3f80;
        atom.global.add.noftz.bf16 %h7, [%out+12], %h6;
        mov.b64 %rd1, 0x100000000; st.global.b64 [%out+16], %rd1;
        atom.global.add.u64 %rd2, [%out+16], -1;
        st.global.b64 [%out+24], %rd2;
        mov.b64 %rd3, 0xfffffffffffffff0; st.global.b64 [%out+32], %rd3;
        red.global.max.s64 [%out+32], 5;
        st.global.b64 [%out+40], %rd3; red.global.min.u64 [%out+40], 7;
        mov.f64 %d1, 0d3ff0000000000000; st.global.f64 [%out+48], %d1; red.global.gpu.add.f64 [%out+48], 0d3fd0000000000000;
        atom.global.cas.b64 %rd4, [%out+40], 7, 9; atom.sys.global.exch.b64 %rd4, [%out+40], %rd4;
        ret;";
    let out = one_thread(body, 14);
    assert_eq!(out[..4], [0x3333_2222, 0x2222_1111, 0x4200_4000, 0x4000_4000]);
    assert_eq!(out[4..8], [u32::MAX, 0, 0, 1]);
    assert_eq!(out[8..12], [5, 0, 7, 0]);
    assert_eq!(f64::from_bits(u64::from(out[12]) | u64::from(out[13]) << 32), 1.25);
}

#[test]
fn sixteen_bytes_change_together() {
    let body = "
        .reg .b128 %q<6>;
        .shared .align 16 .b64 s[2];
        mov.b64 %rd1, 1; mov.b64 %rd2, 2; mov.b64 %rd3, 3; mov.b64 %rd4, 4;
        st.global.v2.b64 [%out], {%rd1, %rd2}; st.shared.v2.b64 [s], {%rd1, %rd2};
        mov.b128 %q1, {%rd1, %rd2}; mov.b128 %q2, {%rd3, %rd4};
        atom.global.cas.b128 %q3, [%out], %q2, %q1;
        atom.global.cas.b128 %q3, [%out], %q1, %q2;
        mov.b128 {%rd5, %rd6}, %q3; st.global.v2.b64 [%out+16], {%rd6, %rd5};
        mov.b64 %rd7, s; atom.shared.exch.b128 %q4, [%rd7], %q2;
        st.global.b128 [%out+32], %q4;
        ld.shared.b128 %q5, [s]; st.global.b128 [%out+48], %q5;
        ret;";
    let out = one_thread(body, 16);
    assert_eq!(out, [3, 0, 4, 0, 2, 0, 1, 0, 1, 0, 2, 0, 3, 0, 4, 0]);
}

#[test]
fn vectors_change_element_by_element() {
    let body = "
        mov.b32 %r1, 0x3f800000; st.global.v4.b32 [%out], {%r1, %r1, %r1, %r1};
        mov.f32 %f1, 0f40000000; mov.f32 %f2, 0f40400000; mov.f32 %f3, 0f40800000; mov.f32 %f4, 0f40A00000;
        atom.global.v4.f32.add {%f4, %f3, %f2, %f1}, [%out], {%f1, %f2, %f3, %f4};
        st.global.v4.f32 [%out+16], {%f4, %f3, %f2, %f1};
        mov.b32 %r2, 0x40003c00; st.global.v2.b32 [%out+32], {%r2, %r2};
        mov.b32 %r3, 0x3c004000;
        red.global.v2.f16x2.max.noftz [%out+32], {%r2, %r3};
        mov.b16 %h1, 0x3c00; mov.b16 %h2, 0x4000;
        st.global.v2.b32 [%out+40], {%r2, %r2};
        red.global.v4.f16.min.noftz [%out+40], {%h1, %h1, %h2, %h2};
        mov.b32 %r4, 0x40003f80; st.global.b32 [%out+48], %r4; mov.b32 %r4, 0x40003f80; st.global.b32 [%out+52], %r4;
        red.global.v2.bf16x2.add.noftz [%out+48], {%r4, %r4};
        ret;";
    let out = one_thread(body, 14);
    let floats: Vec<f32> = out[..4].iter().map(|word| f32::from_bits(*word)).collect();
    assert_eq!(floats, [3.0, 4.0, 5.0, 6.0]);
    assert_eq!(out[4..8], [0x3f80_0000; 4]);
    assert_eq!(out[8..10], [0x4000_3c00, 0x4000_4000]);
    assert_eq!(out[10..12], [0x3c00_3c00, 0x4000_3c00]);
    assert_eq!(out[12..14], [0x4080_4000, 0x4080_4000]);
    let counts =
        run("mad.wide.u32 %rd1, %i, 16, %out; red.global.v2.f32.add [%out], {%f1, %f1}; ret;", 32, &[])
            .counts;
    assert_eq!(counts.instructions, 4 + 3, "a vector is one instruction");
}

#[test]
fn an_ordered_launch_adds_floats_in_the_order_of_blocks() {
    let text = kernel(
        "
        mov.u32 %r1, %ctaid.x; mad.lo.u32 %r1, %r1, 32, %i;
        cvt.rn.f32.u32 %f1, %r1; mul.f32 %f1, %f1, 0f3DCCCCCD;
        red.global.add.f32 [%out], %f1;
        ret;",
    );
    let mut sum = 0f32;
    for i in 0..64 * 32 {
        sum += i as f32 * 0.1f32;
    }
    for threads in [1, 2, 4] {
        let options = Options { threads: Some(threads), ordered: true, ..Options::default() };
        assert_eq!(try_run(&text, 64, 32, 1, &[], &options).unwrap().out, [sum.to_bits()]);
    }
}
