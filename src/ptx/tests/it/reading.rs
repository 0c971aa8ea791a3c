//! How single statements and declarations are read, seen through how they are shown.

use insta::assert_snapshot;
use pipe_ptx::{
    ast::{Item, Literal, Operand, Statement},
    parse,
};

use crate::corpus::{assert_round_trip, parsed};

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// The statements of a kernel with registers of every kind, as they are shown.
fn statements(body: &str) -> String {
    let source = format!(
        "{HEADER}.global .u32 array[8]; .entry k(.param .u64 p) {{\n\
         .reg .u32 r<10>; .reg .u64 d<4>; .reg .f32 f<4>; .reg .f64 g; .reg .pred p<4>; .reg .v4 .f32 v;\n{body}\n}}"
    );
    let module = parsed("", &source);
    assert_round_trip("", &module);
    let shown = module.to_string();
    let from = shown.find(".reg .v4 .f32 v;\n").expect("the last declaration") + ".reg .v4 .f32 v;\n".len();
    shown[from..].trim_end_matches("}\n").replace("\n\t", "\n").trim().to_owned()
}

/// The constant that an expression is.
fn constant(expression: &str) -> Result<Literal, String> {
    let source = format!("{HEADER}.entry k() {{ .reg .u64 d; mov.u64 d, {expression}; }}");
    let module = parse(&source).map_err(|diagnostics| {
        diagnostics.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ")
    })?;
    let Some(Item::Function(kernel)) = module.items.first() else { return Err("no kernel".to_owned()) };
    match kernel.body.as_deref() {
        Some([_, Statement::Instruction(mov)]) => match mov.operands.as_slice() {
            [_, Operand::Literal(literal, _)] => Ok(*literal),
            operands => Err(format!("{operands:?}")),
        },
        body => Err(format!("{body:?}")),
    }
}

fn signed(value: i64) -> Result<Literal, String> {
    Ok(Literal::Integer { bits: value as u64, unsigned: false })
}

fn unsigned(bits: u64) -> Result<Literal, String> {
    Ok(Literal::Integer { bits, unsigned: true })
}

fn float(value: f64) -> Result<Literal, String> {
    Ok(Literal::F64(value.to_bits()))
}

#[test]
fn integer_constants_follow_the_rules_of_c_in_64_bits() {
    assert_eq!(constant("4*2+1"), signed(9));
    assert_eq!(constant("4+2*3-1"), signed(9));
    assert_eq!(constant("(1+2)<<2"), signed(12));
    assert_eq!(constant("1<<2+1"), signed(8));
    assert_eq!(constant("7 % 4"), signed(3));
    assert_eq!(constant("-7 / 2"), signed(-3));
    assert_eq!(constant("-8 >> 1"), signed(-4));
    assert_eq!(constant("-8U >> 1"), unsigned(0x7fff_ffff_ffff_fffc));
    assert_eq!(constant("1 | 6 ^ 3 & 2"), signed(5));
    assert_eq!(constant("5 > 3 ? 1 : 2"), signed(1));
    assert_eq!(constant("0 ? 1 : 0 ? 2 : 3"), signed(3));
    assert_eq!(constant("1 && 0 || 1"), signed(1));
    assert_eq!(constant("!5 + !0"), signed(1));
    assert_eq!(constant("~5"), signed(-6));
    assert_eq!(constant("- - -1"), signed(-1));
    assert_eq!(constant("1 == 1 != 0"), signed(1));
    assert_eq!(constant("WARP_SZ - 1"), signed(31));
    assert_eq!(constant("1 << 64"), signed(0));
    assert_eq!(constant("-1 >> 200"), signed(-1));
    assert_eq!(constant("-9223372036854775807-1"), signed(i64::MIN));
    assert_eq!(constant("(-9223372036854775807-1) / -1"), signed(i64::MIN));
}

#[test]
fn a_constant_is_unsigned_by_suffix_magnitude_or_cast() {
    assert_eq!(constant("2U"), unsigned(2));
    assert_eq!(constant("0xFFU"), unsigned(255));
    assert_eq!(constant("0U"), unsigned(0));
    assert_eq!(constant("9223372036854775808"), unsigned(1 << 63));
    assert_eq!(constant("0xFFFFFFFFFFFFFFFF"), unsigned(u64::MAX));
    assert_eq!(constant("1 - 2U"), unsigned(u64::MAX));
    assert_eq!(constant("-1 < 1U"), signed(0));
    assert_eq!(constant("(.s64) 0x8000000000000000"), signed(i64::MIN));
    assert_eq!(constant("(.u64) -1 >> 60"), unsigned(15));
    assert_eq!(constant("(.s64) 2.75"), signed(2));
    assert_eq!(constant("1 ? 1 : 2U"), unsigned(1));
}

#[test]
fn numbers_are_read_in_every_base() {
    assert_eq!(constant("0"), signed(0));
    assert_eq!(constant("017"), signed(15));
    assert_eq!(constant("0x1F"), signed(31));
    assert_eq!(constant("0X1f"), signed(31));
    assert_eq!(constant("0b1010"), signed(10));
    assert_eq!(constant("0f3F800000"), Ok(Literal::F32(0x3f80_0000)));
    assert_eq!(constant("0F7fC00001"), Ok(Literal::F32(0x7fc0_0001)));
    assert_eq!(constant("0d3FF0000000000000"), float(1.0));
    assert_eq!(constant("0dFFF8000000000001"), Ok(Literal::F64(0xfff8_0000_0000_0001)));
    assert_eq!(constant("1.5"), float(1.5));
    assert_eq!(constant("1."), float(1.0));
    assert_eq!(constant(".5"), float(0.5));
    assert_eq!(constant("1.5e-3"), float(1.5e-3));
    assert_eq!(constant("2E+2"), float(200.0));
    assert_eq!(constant("-1.5 * 2.0 + 1.0"), float(-2.0));
    assert_eq!(constant("1.0 < 2.0"), signed(1));
}

#[test]
fn constants_without_a_value_are_refused() {
    let message = |expression: &str| constant(expression).expect_err("no value");
    assert_snapshot!(message("1 / 0"), @"this constant expression divides by zero");
    assert_snapshot!(message("1U % 0"), @"this constant expression divides by zero");
    assert_snapshot!(message("1 + 2.0"), @"an integer and a floating-point constant cannot be combined");
    assert_snapshot!(message("-0f3F800000"), @"a '0f' constant cannot be part of an expression; write it as a decimal or '0d' constant");
    assert_snapshot!(message("1.0 % 2.0"), @"this operator takes integer constants only");
    assert_snapshot!(message("~1.0"), @"this operator takes integer constants only");
    assert_snapshot!(message("1.0 ? 1 : 2"), @"an integer is wanted as the condition");
    assert_snapshot!(message("18446744073709551616"), @"this number does not fit in 64 bits");
    assert_snapshot!(message("09"), @"this octal number is malformed; a leading 0 makes a number octal");
    assert_snapshot!(message("0b12"), @"this binary number is malformed");
    assert_snapshot!(message("0xG"), @"this hexadecimal number is malformed");
    assert_snapshot!(message("12q"), @"this number is malformed");
    assert_snapshot!(message("0f3F80"), @"'0f' wants 8 hexadecimal digits");
    assert_snapshot!(message("0d3F80"), @"'0d' wants 16 hexadecimal digits");
    assert_snapshot!(message("1.5.2"), @"expected ',' or ';' after the instruction, found '.2'");
}

#[test]
fn operands_of_every_form() {
    assert_snapshot!(statements("
        mov.u32 r1, %tid.x; mov.f32 f1, v.x; mov.v4.f32 v, {f0, f1, f2, f3};
        ld.global.u32 r1, [d1+-8]; ld.global.u32 r1, [d1 - 8]; ld.global.u32 r1, [ d1 + 4*2-1 ]; ld.local.u32 r1, [16];
        ld.global.u32 r1, array[2]; ld.global.u32 r1, array[r2+1]; mov.u64 d1, array[3]; mov.u64 d1, array+4;
        @!p1 setp.eq.and.u32 p1|p2, r1, 2U, !p3;
        mov.b64 {r1, _}, d1;
        add.u32 r0, r1+1, r2+-1;
        tex.2d.v4.f32.f32 {f0, f1, f2, f3}, [d1, {f0, f1}];
        ld.global.u32 r1, [d1].unified;
        vmad.s32.s32.u32.sat r1, -r2.h1, r3.b0, - r4; vadd4.u32.u32.u32 r1.b31, r2.b0123, r3.b7654, r4;
    "), @"
    mov.u32 r1, %tid.x;
    mov.f32 f1, v.x;
    mov.v4.f32 v, {f0, f1, f2, f3};
    ld.global.u32 r1, [d1+-8];
    ld.global.u32 r1, [d1+-8];
    ld.global.u32 r1, [d1+7];
    ld.local.u32 r1, [16];
    ld.global.u32 r1, [array+8];
    ld.global.u32 r1, array[r2+1];
    mov.u64 d1, array+12;
    mov.u64 d1, array+4;
    @!p1 setp.eq.and.u32 p1|p2, r1, 2U, !p3;
    mov.b64 {r1, _}, d1;
    add.u32 r0, r1+1, r2+-1;
    tex.2d.v4.f32.f32 {f0, f1, f2, f3}, [d1, {f0, f1}];
    ld.global.u32 r1, [d1].unified;
    vmad.s32.s32.u32.sat r1, -r2.h1, r3.b0, -r4;
    vadd4.u32.u32.u32 r1.b31, r2.b0123, r3.b7654, r4;
    ");
}

#[test]
fn modifiers_with_colons_are_one() {
    let source = format!(
        "{HEADER}.entry k() {{ .reg .u64 d; .reg .u32 r;\n\
         cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [r], [d], r, [r], d; }}"
    );
    let module = parsed("", &source);
    let Some(Item::Function(kernel)) = module.items.first() else { panic!("a kernel") };
    let Some([.., Statement::Instruction(copy)]) = kernel.body.as_deref() else { panic!("an instruction") };
    let modifiers: Vec<_> = copy.modifiers.iter().map(|modifier| &*modifier.name).collect();
    assert_eq!(
        modifiers,
        ["async", "bulk", "shared::cluster", "global", "mbarrier::complete_tx::bytes", "L2::cache_hint"]
    );
    assert_eq!(
        &source[copy.modifiers[2].span.start as usize..copy.modifiers[2].span.end as usize],
        "shared::cluster"
    );
}

#[test]
fn the_element_of_an_array_is_found_in_the_innermost_scope() {
    assert_snapshot!(statements("
        { .shared .f64 array[4]; mov.u64 d1, array[2]; { .shared .v2 .b16 array[4]; mov.u64 d1, array[2]; } mov.u64 d1, array[2]; }
        mov.u64 d1, array[2];
    "), @"
    {
    	.shared .f64 array[4];
    	mov.u64 d1, array+16;
    	{
    		.shared .v2 .b16 array[4];
    		mov.u64 d1, array+8;
    	}
    	mov.u64 d1, array+16;
    }
    mov.u64 d1, array+8;
    ");
}

#[test]
fn a_header_without_an_address_size_means_64_bits() {
    let module = parsed("", ".version 7.0 .target sm_75 .visible .entry k() { ret; }");
    assert_eq!((module.version, module.address_size), ((7, 0), 64));
    assert_eq!(&*module.target[0].name, "sm_75");
    let module = parsed("", "\u{feff}.version 3.2\n.target sm_20, debug\n.address_size 32\n.target sm_30");
    assert_eq!((module.version, module.address_size), ((3, 2), 32));
    assert_eq!(
        module.target.iter().map(|target| &*target.name).collect::<Vec<_>>(),
        ["sm_20", "debug", "sm_30"]
    );
}
