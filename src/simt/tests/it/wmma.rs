//! `wmma`: matrices loaded, multiplied and stored, against a product computed element by element.

use crate::device::{kernel, trap, try_run};
use crate::numbers::{Random, bits_of, pack, unpack};
use pipe_simt::{Options, TrapKind};

/// Registers a fragment has.
fn registers(ty: &str, elements: usize, factor: bool) -> usize {
    match (ty, factor) {
        ("f16", true) => 8,
        ("f64", _) => elements / 32,
        _ => elements * bits_of(ty) / 32 / 32,
    }
}

fn list(wide: bool, first: usize, count: usize) -> String {
    let prefix = if wide { "%rd" } else { "%r" };
    let names: Vec<String> = (first..first + count).map(|i| format!("{prefix}{i}")).collect();
    format!("{{{}}}", names.join(", "))
}

/// A matrix as memory holds it, lines `stride` elements apart.
fn memory(ty: &str, matrix: &[Vec<i64>], layout: &str, stride: usize) -> Vec<u32> {
    let (rows, columns) = (matrix.len(), matrix[0].len());
    let lines = if layout == "row" { rows } else { columns };
    let mut elements = vec![0; lines * stride];
    for (r, row) in matrix.iter().enumerate() {
        for (c, value) in row.iter().enumerate() {
            elements[if layout == "row" { r * stride + c } else { c * stride + r }] = *value;
        }
    }
    pack(ty, &elements)
}

/// The whole of `d = a·b + c` with these types, shape and layouts.
fn check(types: [&str; 4], [m, n, k]: [usize; 3], layouts: [&str; 3], padding: usize, random: &mut Random) {
    let [d_type, a_type, b_type, c_type] = types;
    let [a_layout, b_layout, layout] = layouts;
    let range = |ty: &str| match ty {
        "u8" => (0, 255),
        "s8" => (-128, 127),
        _ => (-7, 7),
    };
    let a = random.matrix(m, k, range(a_type).0, range(a_type).1);
    let b = random.matrix(k, n, range(b_type).0, range(b_type).1);
    let c = random.matrix(m, n, -100, 100);
    let stride =
        |rows: usize, columns: usize, layout: &str| (if layout == "row" { columns } else { rows }) + padding;
    let strides = [stride(m, k, a_layout), stride(k, n, b_layout), stride(m, n, layout)];
    let parts = [
        memory(a_type, &a, a_layout, strides[0]),
        memory(b_type, &b, b_layout, strides[1]),
        memory(c_type, &c, layout, strides[2]),
    ];
    let offsets = [0, 4 * parts[0].len(), 4 * (parts[0].len() + parts[1].len())];
    let input = parts.concat();
    let counts = [
        registers(a_type, m * k, true),
        registers(b_type, k * n, true),
        registers(c_type, m * n, false),
        registers(d_type, m * n, false),
    ];
    let wide = a_type == "f64";
    let firsts = [0, counts[0], counts[0] + counts[1], 40];
    let lists: Vec<String> =
        firsts.iter().zip(counts).map(|(first, count)| list(wide, *first, count)).collect();
    let strided = |stride: usize| if padding == 0 { String::new() } else { format!(", {stride}") };
    let shape = format!("m{m}n{n}k{k}");
    let multiply = if a_type == "f16" {
        format!("wmma.mma.sync.aligned.{a_layout}.{b_layout}.{shape}.{d_type}.{c_type}")
    } else {
        format!("wmma.mma.sync.aligned.{a_layout}.{b_layout}.{shape}.{d_type}.{a_type}.{b_type}.{c_type}")
    };
    // The factors come from global memory, the sums by way of shared memory and a generic address.
    let words = input.len();
    let body = format!(
        "
        .shared .align 32 .b8 s[{}];
        mov.u32 %r60, s; mov.u32 %r61, %i;
        COPY: setp.ge.u32 %p1, %r61, {words};
        @%p1 bra COPIED;
        mad.wide.u32 %rd60, %r61, 4, %in; ld.global.b32 %r62, [%rd60];
        mad.lo.u32 %r63, %r61, 4, %r60; st.shared.b32 [%r63], %r62;
        add.u32 %r61, %r61, 32; bra COPY;
        COPIED: bar.sync 0;
        cvt.u64.u32 %rd61, %r60; cvta.shared.u64 %rd62, %rd61; mov.u32 %r59, {};
        wmma.load.a.sync.aligned.{a_layout}.{shape}.global.{a_type} {}, [%in+{}]{};
        wmma.load.b.sync.aligned.{b_layout}.{shape}.shared.{b_type} {}, [%r60+{}]{};
        wmma.load.c.sync.aligned.{layout}.{shape}.{c_type} {}, [%rd62+{}], %r59;
        {multiply} {}, {}, {}, {};
        wmma.store.d.sync.aligned.{layout}.{shape}.global.{d_type} [%out], {}{};
        ret;",
        4 * words,
        strides[2],
        lists[0],
        offsets[0],
        strided(strides[0]),
        lists[1],
        offsets[1],
        strided(strides[1]),
        lists[2],
        offsets[2],
        lists[3],
        lists[0],
        lists[1],
        lists[2],
        lists[3],
        strided(strides[2]),
    );
    let lines = if layout == "row" { m } else { n };
    let size = (lines * strides[2] * bits_of(d_type)).div_ceil(32);
    let out = try_run(&kernel(&body), 1, 32, size, &input, &Options::default()).unwrap().out;
    for row in 0..m {
        for column in 0..n {
            let product: i64 = (0..k).map(|k| a[row][k] * b[k][column]).sum();
            let at = if layout == "row" { row * strides[2] + column } else { column * strides[2] + row };
            let found = unpack(d_type, &out, at);
            assert_eq!(found, product + c[row][column], "{multiply} {layout} row {row} column {column}");
        }
    }
}

#[test]
fn products_agree_with_the_definition() {
    let mut random = Random(3);
    let wide = [[16, 16, 16], [32, 8, 16], [8, 32, 16]];
    let forms: Vec<([&str; 4], &[[usize; 3]])> = vec![
        (["f32", "f16", "f16", "f32"], &wide),
        (["f16", "f16", "f16", "f16"], &wide),
        (["f32", "f16", "f16", "f16"], &wide),
        (["f16", "f16", "f16", "f32"], &wide),
        (["f32", "bf16", "bf16", "f32"], &wide),
        (["s32", "s8", "s8", "s32"], &wide),
        (["s32", "u8", "u8", "s32"], &wide),
        (["f32", "tf32", "tf32", "f32"], &[[16, 16, 8]]),
        (["f64", "f64", "f64", "f64"], &[[8, 8, 4]]),
    ];
    for (types, shapes) in forms {
        for shape in shapes {
            for a_layout in ["row", "col"] {
                for b_layout in ["row", "col"] {
                    for (layout, padding) in [("row", 0), ("col", 8)] {
                        check(types, *shape, [a_layout, b_layout, layout], padding, &mut random);
                    }
                }
            }
        }
    }
}

#[test]
fn a_load_counts_once_and_is_checked() {
    let load =
        "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%r1,%r2,%r3,%r4,%r5,%r6,%r7,%r8}, [%in]; ret;";
    let outcome = try_run(&kernel(load), 1, 32, 1, &[0; 128], &Options::default()).unwrap();
    // Two parameter loads, a special register, a multiply-add, the load and the return.
    assert_eq!(outcome.counts.instructions, 6);
    // A load of 4 bytes a lane for each of the four registers that hold something.
    assert_eq!((outcome.counts.global_load_requests, outcome.counts.global_load_bytes), (4, 512));
    let outside = trap(
        "wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {%f1,%f2,%f3,%f4,%f5,%f6,%f7,%f8}, [%out+3200]; ret;",
        1,
        32,
    );
    assert_eq!(outside.kind, TrapKind::OutOfBounds);
}
