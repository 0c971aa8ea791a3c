//! Matrix instructions: fragments as the ISA draws them, against a product computed element by element.

use crate::device::{BODY, kernel, run, trap, try_run};
use crate::numbers::{Random, bits_of, pack, unpack};
use pipe_simt::{Options, TrapKind};

/// Where element `i` of a lane's fragment stands: row and column, from the lane's group `g` of four and its thread `t`.
type Place = fn(g: usize, t: usize, i: usize) -> (usize, usize);

/// A form of `mma` and its fragments, in the words of PTX ISA, "Matrix Fragments for mma".
struct Form {
    instruction: &'static str,
    shape: [usize; 3],
    a: Place,
    b: Place,
    c: Place,
}

/// Of the accumulator all 16-row shapes have the same drawing, and the 8-row shapes its upper half.
const C: Place = |g, t, i| (if i < 2 { g } else { g + 8 }, 2 * t + (i & 1));

const HALVES_K8: (Place, Place) =
    (|g, t, i| (if i < 2 { g } else { g + 8 }, 2 * t + (i & 1)), |g, t, i| (2 * t + i, g));
const HALVES_K16: (Place, Place) = (
    |g, t, i| {
        (if i < 2 || (4..6).contains(&i) { g } else { g + 8 }, 2 * t + (i & 1) + if i < 4 { 0 } else { 8 })
    },
    |g, t, i| (2 * t + (i & 1) + if i < 2 { 0 } else { 8 }, g),
);
const WORDS_K4: (Place, Place) = (|g, t, i| (g + 8 * i, t), |g, t, _| (t, g));
const WORDS_K8: (Place, Place) = (
    |g, t, i| (if i == 0 || i == 2 { g } else { g + 8 }, if i < 2 { t } else { t + 4 }),
    |g, t, i| (if i == 0 { t } else { t + 4 }, g),
);
const WORDS_K16: (Place, Place) =
    (|g, t, i| (if i % 2 == 0 { g } else { g + 8 }, i / 2 * 4 + t), |g, t, i| (4 * i + t, g));
const BYTES_K16: (Place, Place) =
    (|g, t, i| (if i < 4 { g } else { g + 8 }, 4 * t + (i & 3)), |g, t, i| (4 * t + i, g));
const BYTES_K32: (Place, Place) = (
    |g, t, i| {
        let upper = i < 4 || (8..12).contains(&i);
        (if upper { g } else { g + 8 }, 4 * t + (i & 3) + if i < 8 { 0 } else { 16 })
    },
    |g, t, i| (4 * t + (i & 3) + if i < 4 { 0 } else { 16 }, g),
);

fn form(instruction: &'static str, shape: [usize; 3], factors: (Place, Place)) -> Form {
    Form { instruction, shape, a: factors.0, b: factors.1, c: C }
}

fn forms() -> Vec<Form> {
    vec![
        form("m16n8k8.row.col.f16.f16.f16.f16", [16, 8, 8], HALVES_K8),
        form("m16n8k8.row.col.f32.f16.f16.f32", [16, 8, 8], HALVES_K8),
        form("m16n8k8.row.col.f32.bf16.bf16.f32", [16, 8, 8], HALVES_K8),
        form("m16n8k16.row.col.f16.f16.f16.f16", [16, 8, 16], HALVES_K16),
        form("m16n8k16.row.col.f32.f16.f16.f32", [16, 8, 16], HALVES_K16),
        form("m16n8k16.row.col.f32.bf16.bf16.f32", [16, 8, 16], HALVES_K16),
        form("m16n8k4.row.col.f32.tf32.tf32.f32", [16, 8, 4], WORDS_K4),
        form("m16n8k8.row.col.f32.tf32.tf32.f32", [16, 8, 8], WORDS_K8),
        form("m8n8k16.row.col.s32.s8.s8.s32", [8, 8, 16], BYTES_K16),
        form("m16n8k16.row.col.s32.s8.u8.s32", [16, 8, 16], BYTES_K16),
        form("m16n8k16.row.col.satfinite.s32.u8.u8.s32", [16, 8, 16], BYTES_K16),
        form("m16n8k32.row.col.s32.u8.s8.s32", [16, 8, 32], BYTES_K32),
        form("m16n8k32.row.col.satfinite.s32.s8.s8.s32", [16, 8, 32], BYTES_K32),
        form("m16n8k16.row.col.f32.e4m3.e5m2.f32", [16, 8, 16], BYTES_K16),
        form("m16n8k16.row.col.f16.e5m2.e4m3.f16", [16, 8, 16], BYTES_K16),
        form("m16n8k32.row.col.f32.e4m3.e4m3.f32", [16, 8, 32], BYTES_K32),
        form("m16n8k32.row.col.f32.e5m2.e4m3.f32", [16, 8, 32], BYTES_K32),
        form("m16n8k32.row.col.f16.e4m3.e5m2.f16", [16, 8, 32], BYTES_K32),
        form("m8n8k4.row.col.f64.f64.f64.f64", [8, 8, 4], WORDS_K4),
        form("m16n8k4.row.col.f64.f64.f64.f64", [16, 8, 4], WORDS_K4),
        form("m16n8k8.row.col.f64.f64.f64.f64", [16, 8, 8], WORDS_K8),
        form("m16n8k16.row.col.f64.f64.f64.f64", [16, 8, 16], WORDS_K16),
    ]
}

/// Registers from `first` on, in braces, as PTX writes them.
fn registers(wide: bool, first: usize, count: usize) -> String {
    let prefix = if wide { "%rd" } else { "%r" };
    let names: Vec<String> = (first..first + count).map(|i| format!("{prefix}{i}")).collect();
    format!("{{{}}}", names.join(", "))
}

/// Runs an instruction `d, a, b, c` on one warp; the words of each lane's fragments follow each other in memory.
fn multiply(instruction: &str, wide: bool, words: [usize; 4], input: &[u32]) -> Vec<u32> {
    let size = if wide { 2 } else { 1 };
    let [d, a, b, c] = words.map(|words| words / size);
    let total = a + b + c;
    let bytes = 4 * size;
    let mut body = format!("mad.wide.u32 %rd50, %i, {}, %in;\n", bytes * total);
    let (load, prefix) = if wide { ("ld.global.b64", "%rd") } else { ("ld.global.b32", "%r") };
    for i in 0..total {
        body += &format!("{load} {prefix}{i}, [%rd50+{}];\n", bytes * i);
    }
    let [a_list, b_list] = [registers(wide, 0, a), registers(wide, a, b)];
    let (c_list, d_list) = (registers(wide, a + b, c), registers(wide, 32, d));
    body += &format!("{instruction} {d_list}, {a_list}, {b_list}, {c_list};\n");
    body += &format!("mad.wide.u32 %rd51, %i, {}, %out;\n", bytes * d);
    for i in 0..d {
        body += &format!("st.global.b{} [%rd51+{}], {prefix}{};\n", 8 * bytes, bytes * i, 32 + i);
    }
    body += "ret;";
    try_run(&kernel(&body), 1, 32, 32 * words[0], input, &Options::default()).unwrap().out
}

#[test]
fn products_agree_with_the_definition() {
    let mut random = Random(1);
    for form in forms() {
        let [m, n, k] = form.shape;
        let types: Vec<&str> = form.instruction.rsplit('.').take(4).collect();
        let [c_type, b_type, a_type, d_type] = types[..] else { panic!() };
        let range = |ty: &str| match ty {
            "u8" => (0, 255),
            "s8" => (-128, 127),
            // Sums stay below 2048, which halves still tell apart.
            _ => (-7, 7),
        };
        let (a_range, b_range) = (range(a_type), range(b_type));
        let a = random.matrix(m, k, a_range.0, a_range.1);
        let b = random.matrix(k, n, b_range.0, b_range.1);
        let c = random.matrix(m, n, -100, 100);
        let sums = m * n / 32;
        let mut input = Vec::new();
        let mut words = [0; 4];
        for lane in 0..32 {
            let (g, t) = (lane / 4, lane % 4);
            let elements = |matrix: &[Vec<i64>], place: Place, count: usize| -> Vec<i64> {
                let value = |i| {
                    let (row, column) = place(g, t, i);
                    matrix[row][column]
                };
                (0..count).map(value).collect()
            };
            let fragments = [
                pack(a_type, &elements(&a, form.a, m * k / 32)),
                pack(b_type, &elements(&b, form.b, n * k / 32)),
                pack(c_type, &elements(&c, form.c, sums)),
            ];
            words = [sums * bits_of(d_type) / 32, fragments[0].len(), fragments[1].len(), fragments[2].len()];
            input.extend(fragments.concat());
        }
        let text = format!("mma.sync.aligned.{}", form.instruction);
        let out = multiply(&text, a_type == "f64", words, &input);
        for lane in 0..32 {
            let fragment = &out[lane * words[0]..][..words[0]];
            for i in 0..sums {
                let (row, column) = (form.c)(lane / 4, lane % 4, i);
                let product: i64 = (0..k).map(|k| a[row][k] * b[k][column]).sum();
                let found = unpack(d_type, fragment, i);
                assert_eq!(found, product + c[row][column], "{} lane {lane} element {i}", form.instruction);
            }
        }
    }
}

#[test]
fn volta_products_agree_with_the_definition() {
    // PTX ISA, "Matrix Fragments for mma.m8n8k4 with .f16 floating point type".
    let by_row = |lane: usize, i: usize| (lane % 4 + lane / 16 * 4, i);
    let a_by_column = |lane: usize, i: usize| (i % 4 + lane / 16 * 4, lane % 4);
    let b_by_row = |lane: usize, i: usize| (lane % 4, i + lane / 16 * 4);
    let b_by_column = |lane: usize, i: usize| (i, lane % 4 + lane / 16 * 4);
    let wide_sum =
        |lane: usize, i: usize| ((lane & 1) + (i & 2) + lane / 16 * 4, (i & 4) + (lane & 2) + (i & 1));
    let mut random = Random(2);
    for (a_layout, b_layout) in [("row", "col"), ("row", "row"), ("col", "col"), ("col", "row")] {
        for (d_type, c_type) in [("f16", "f16"), ("f32", "f16"), ("f32", "f32")] {
            let products: Vec<_> = (0..4)
                .map(|_| {
                    (random.matrix(8, 4, -7, 7), random.matrix(4, 8, -7, 7), random.matrix(8, 8, -99, 99))
                })
                .collect();
            let place_of_sum =
                |ty: &str, lane, i| if ty == "f16" { by_row(lane, i) } else { wide_sum(lane, i) };
            let mut input = Vec::new();
            for lane in 0..32 {
                let (a, b, c) = &products[lane % 16 / 4];
                let pick = |matrix: &[Vec<i64>], (row, column): (usize, usize)| matrix[row][column];
                let a_place = |i| if a_layout == "row" { by_row(lane, i) } else { a_by_column(lane, i) };
                let b_place = |i| if b_layout == "row" { b_by_row(lane, i) } else { b_by_column(lane, i) };
                input.extend(pack("f16", &(0..4).map(|i| pick(a, a_place(i))).collect::<Vec<_>>()));
                input.extend(pack("f16", &(0..4).map(|i| pick(b, b_place(i))).collect::<Vec<_>>()));
                input.extend(pack(
                    c_type,
                    &(0..8).map(|i| pick(c, place_of_sum(c_type, lane, i))).collect::<Vec<_>>(),
                ));
            }
            let text = format!("mma.sync.aligned.m8n8k4.{a_layout}.{b_layout}.{d_type}.f16.f16.{c_type}");
            let words = [bits_of(d_type) / 4, 2, 2, bits_of(c_type) / 4];
            let out = multiply(&text, false, words, &input);
            for lane in 0..32 {
                let (a, b, c) = &products[lane % 16 / 4];
                for i in 0..8 {
                    let (row, column) = place_of_sum(d_type, lane, i);
                    let product: i64 = (0..4).map(|k| a[row][k] * b[k][column]).sum();
                    let found = unpack(d_type, &out[lane * words[0]..], i);
                    assert_eq!(found, product + c[row][column], "{text} lane {lane} element {i}");
                }
            }
        }
    }
}

#[test]
fn integer_sums_wrap_or_saturate() {
    // Factors of 127 everywhere: each sum of products is 32 · 127².
    let sum = |suffix: &str| {
        let lanes: Vec<u32> =
            (0..32).flat_map(|_| [vec![0x7f7f_7f7f; 6], vec![0x7fff_ffff; 4]].concat()).collect();
        let text = format!("mma.sync.aligned.m16n8k32.row.col{suffix}.s32.s8.s8.s32");
        multiply(&text, false, [4, 4, 2, 4], &lanes)[77] as i32
    };
    assert_eq!(sum(".satfinite"), i32::MAX);
    assert_eq!(sum(""), i32::MAX.wrapping_add(32 * 127 * 127));
}

#[test]
fn infinities_and_nan_go_through() {
    // Row 0 of `a` holds an infinity, row 1 a NaN, elsewhere zeros; `b` is all ones, `c` 2.
    let lanes: Vec<u32> = (0..32)
        .flat_map(|lane| {
            let a0 = [0x7c00u32, 0, 0, 0, 0x7e01].get(lane).copied().unwrap_or(0);
            [a0, 0, 0, 0, 0x3c00_3c00, 0x3c00_3c00, 0x4000_0000, 0x4000_0000, 0x4000_0000, 0x4000_0000]
        })
        .collect();
    let out = multiply("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", false, [4, 4, 2, 4], &lanes);
    assert_eq!(f32::from_bits(out[0]), f32::INFINITY);
    assert_eq!(out[4 * 4], 0x7fff_ffff, "NaN is canonical");
    assert_eq!(f32::from_bits(out[4 * 8]), 2.0);
}

/// A body that fills shared memory with 16-bit numbers 0, 1, 2 … and computes the address of a row of 8 in `%r2`.
fn numbered(row_of_lane: &str) -> String {
    format!(
        "
        .shared .align 16 .b8 s[1024];
        mov.u32 %r40, s;
        mad.lo.u32 %r41, %i, 32, %r40;
        mul.lo.u32 %r42, %i, 16;
        add.u32 %r43, %r42, 1;
        mad.lo.u32 %r44, %r43, 65536, %r42;
        st.shared.u32 [%r41], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+4], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+8], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+12], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+16], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+20], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+24], %r44; add.u32 %r44, %r44, 0x20002;
        st.shared.u32 [%r41+28], %r44;
        bar.sync 0;
        {row_of_lane}
        mad.lo.u32 %r2, %r1, 16, %r40;
        "
    )
}

/// What a lane gets of the row that `row` numbers, or of the column.
fn expected(matrix: usize, lane: usize, transposed: bool, row: impl Fn(usize) -> usize) -> u32 {
    let (g, t) = (lane / 4, lane % 4);
    let at = |r: usize, c: usize| (8 * row(8 * matrix + r) + c) as u32;
    if transposed { at(2 * t, g) | at(2 * t + 1, g) << 16 } else { at(g, 2 * t) | at(g, 2 * t + 1) << 16 }
}

#[test]
fn matrices_are_loaded_row_by_row() {
    let row = |lane: usize| (lane * 37 + 5) % 64;
    for (count, list) in [(1, "{%r10}"), (2, "{%r10, %r11}"), (4, "{%r10, %r11, %r12, %r13}")] {
        for trans in ["", ".trans"] {
            for (space, address) in [(".shared", "%r2"), (".shared::cta", "%r2"), ("", "%rd9")] {
                let body = format!(
                    "{}
                    cvt.u64.u32 %rd8, %r2; cvta.shared.u64 %rd9, %rd8;
                    ldmatrix.sync.aligned.m8n8.x{count}{trans}{space}.b16 {list}, [{address}];
                    mad.wide.u32 %rd1, %i, 16, %out;
                    st.global.v4.b32 [%rd1], {{%r10, %r11, %r12, %r13}};
                    ret;",
                    numbered("mad.lo.u32 %r1, %i, 37, 5; and.b32 %r1, %r1, 63;")
                );
                let out = try_run(&kernel(&body), 1, 32, 128, &[], &Options::default()).unwrap();
                for lane in 0..32 {
                    for matrix in 0..count {
                        let wanted = expected(matrix, lane, !trans.is_empty(), row);
                        assert_eq!(out.out[4 * lane + matrix], wanted, "x{count}{trans}{space} lane {lane}");
                    }
                }
            }
        }
    }
}

#[test]
fn matrices_are_stored_as_they_are_loaded() {
    for trans in ["", ".trans"] {
        let body = format!(
            "{}
            ldmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 {{%r10, %r11, %r12, %r13}}, [%r2];
            xor.b32 %r3, %r2, 512;
            stmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 [%r3], {{%r13, %r12, %r11, %r10}};
            stmatrix.sync.aligned.m8n8.x2.shared::cta.b16 [%r2], {{%r10, %r11}};
            stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r2+256], {{%r10}};
            bar.sync 0;
            mad.lo.u32 %r4, %i, 32, %r40;
            ld.shared.u32 %r5, [%r4]; st.global.u32 [%o], %r5;
            ret;",
            numbered("mov.u32 %r1, %i;")
        );
        let out = run(&body, 32, &[]).out;
        // The upper 32 rows have the four matrices in reverse, as they were loaded.
        let upper = |lane: usize| {
            let row = 2 * (lane - 16);
            let from = 8 * (3 - row / 8) + row % 8;
            (8 * from) as u32 | (8 * from as u32 + 1) << 16
        };
        assert_eq!(out[16..].to_vec(), (16..32).map(upper).collect::<Vec<u32>>());
        if trans.is_empty() {
            assert_eq!(out[0], 1 << 16, "the first matrix is stored back in its place");
            assert_eq!(out[8], 1 << 16, "and 256 bytes further on");
        } else {
            assert_eq!(out[0], 8 << 16, "transposed: column 0 of the first matrix");
        }
    }
}

#[test]
fn a_matrix_in_registers_is_transposed() {
    let body = "
        mul.lo.u32 %r1, %i, 2; mad.lo.u32 %r1, %r1, 65537, 65536;
        movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r1;
        st.global.u32 [%o], %r2; ret;";
    let wanted: Vec<u32> =
        (0..32).map(|lane| (16 * (lane % 4) + lane / 4) | (16 * (lane % 4) + 8 + lane / 4) << 16).collect();
    assert_eq!(run(body, 32, &[]).out, wanted);
}

#[test]
fn products_and_rows_are_counted() {
    let body = format!(
        "{}
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{%r10, %r11, %r12, %r13}}, [%r2];
        mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {{%f1, %f2, %f3, %f4}}, {{%r10, %r11, %r12, %r13}}, {{%r10, %r11}}, {{%f1, %f2, %f3, %f4}};
        ret;",
        numbered("mul.lo.u32 %r1, %i, 8; and.b32 %r1, %r1, 63;")
    );
    let counts = run(&body, 32, &[]).counts;
    assert_eq!(counts.instructions_tensor, 1);
    assert_eq!(counts.tensor_flops, 2 * 16 * 8 * 16);
    assert_eq!(counts.flops, 0);
    // Each matrix has 8 rows 128 bytes apart, all in the same banks: 8 turns, unless they are the same row. So do the
    // 8 stores, 32 bytes apart.
    assert_eq!((counts.shared_wavefronts, counts.shared_bank_conflicts), (4 * 8 + 8 * 8, 4 * 7 + 8 * 7));
}

#[test]
fn part_of_a_warp_cannot_multiply() {
    let part = trap(
        "
        setp.lt.u32 %p1, %i, 8;
        @%p1 movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r1;
        ret;",
        1,
        32,
    );
    assert_eq!((part.kind, part.line), (TrapKind::InvalidMembers, BODY + 2));
    let outside = trap(
        "
        .shared .align 16 .b8 s[256];
        mov.u32 %r1, s; mad.lo.u32 %r1, %i, 16, %r1;
        ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r2, %r3}, [%r1];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%r1];
        ret;",
        1,
        32,
    );
    assert_eq!((outside.kind, outside.line), (TrapKind::OutOfBounds, BODY + 4));
    assert_eq!(outside.thread, [16, 0, 0]);
    let misaligned = trap(
        "
        .shared .align 16 .b8 s[256];
        mov.u32 %r1, s;
        ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1+8];
        ret;",
        1,
        32,
    );
    assert_eq!((misaligned.kind, misaligned.line), (TrapKind::Misaligned, BODY + 3));
}
