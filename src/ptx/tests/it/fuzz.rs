//! That nothing makes the parser panic, overflow the stack, lose its way or take long.

use pipe_ptx::{Diagnostics, ast::Module, parse};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::corpus::{FIXTURES, assert_round_trip};

/// Pieces of PTX, well and badly formed.
const PIECES: &[&str] = &[
    ".version 8.0",
    ".target sm_80",
    ".address_size 64",
    ".visible",
    ".extern",
    ".entry",
    ".func",
    "k",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    ":",
    "@",
    "@!",
    "!",
    "?",
    "~",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "&&",
    "|",
    "||",
    "^",
    "<",
    "<=",
    "<<",
    ">",
    ">=",
    ">>",
    "=",
    "==",
    "!=",
    ".param",
    ".u64",
    ".reg",
    ".b32",
    ".pred",
    ".global",
    ".shared",
    ".const",
    ".local",
    ".align",
    ".v4",
    ".f32",
    ".ptr",
    ".attribute",
    ".managed",
    "%r",
    "%r1",
    "%p1",
    "_",
    "$L",
    "a",
    "mov",
    "ld",
    "bra",
    "call",
    "brx",
    "setp",
    ".idx",
    ".x",
    ".L2::cache_hint",
    "%tid",
    "%tid.x",
    "WARP_SZ",
    "generic",
    "0",
    "1",
    "8",
    "0x1F",
    "017",
    "0b1",
    "2U",
    "0f3F800000",
    "0d3FF0000000000000",
    "1.5",
    "1e9",
    "12q",
    "0x",
    "0f1",
    "99999999999999999999",
    ".loc",
    ".file",
    ".section",
    ".pragma",
    ".alias",
    ".maxntid",
    ".branchtargets",
    ".calltargets",
    ".callprototype",
    "\"text\"",
    "\"",
    "//",
    "/*",
    "*/",
    "\n",
    "#",
    "# 1",
    "\\",
    "\u{e9}",
    "\u{1f980}",
    ".",
    "..",
    "::",
    "\0",
    ".s64",
    "(.s64)",
    "(.u64)",
];

/// Statements that are right in the kernel of [`kernel_of`].
const STATEMENTS: &[&str] = &[
    "mov.u32 %r1, 4*2+1;",
    "@%p1 bra END;",
    "@!%p2 bra END;",
    "{ .reg .f32 %r1; mov.f32 %r1, 0f7FC00001; }",
    "ld.global.v2.u32 {%r1, _}, [%rd1+-8];",
    "setp.eq.u32 %p1|_, %r1, -5;",
    "mov.u64 %rd1, g+8;",
    "mov.u64 %rd1, (.s64) 0x8000000000000000;",
    "mov.f64 %d, -1.5e300;",
    "add.u32 %r1, %r2+1, g[1];",
    "ld.global.u32 %r1, g[%r2+1];",
    "ld.global.u32 %r1, g[3];",
    "call f, (%r1, 5);",
    ".pragma \"nounroll\";",
    ".loc 1 2 3",
    "mov.u64 %rd1, 18446744073709551615;",
    "{ L: bra L; }",
    "bar.sync 0;",
    "ret;",
    "ld.u32 %r1, [%rd1+(-9223372036854775807-1)];",
    ".shared .align 8 .b8 NAME[4][2];",
    "bra END;",
    "{ T: .branchtargets END, END; brx.idx %r1, T; }",
    "{ P: .callprototype (.param .b32 _) _ (.param .b8 x[4]) .noreturn; }",
];

fn kernel_of(statements: &[&str]) -> String {
    let mut source = ".version 8.0\n.target sm_80\n.address_size 64\n.global .u32 g[4] = {1, -1, generic(g), 0xff(g+4)};\n\
                      .func f(.reg .u32 a, .reg .u32 b);\n.entry k() {\n.reg .u32 %r<4>; .reg .u64 %rd<2>; .reg .f64 %d; .reg .pred %p<3>;\n"
        .to_owned();
    for (number, statement) in statements.iter().enumerate() {
        source.push_str(&statement.replace("NAME", &format!("shared{number}")));
        source.push('\n');
    }
    source + "END: ret; }\n"
}

/// Parses, and checks what must hold for any text at all.
fn checked(source: &str) -> Result<Module, Diagnostics> {
    let result = parse(source);
    match &result {
        Ok(module) => assert_round_trip("shown", module),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            for diagnostic in diagnostics {
                assert!(diagnostic.span.start <= diagnostic.span.end, "{diagnostic:?}");
                assert!(diagnostic.span.end as usize <= source.len(), "{diagnostic:?}");
                assert!(diagnostic.line >= 1 && diagnostic.column >= 1, "{diagnostic:?}");
            }
            assert!(diagnostics.render("k.ptx", source).contains("error"));
        }
    }
    result
}

/// One edit of a text: where, how much to remove, and what to put there.
type Edit = (prop::sample::Index, usize, &'static str);

fn edited(source: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = source.chars().collect();
    for (at, removed, piece) in edits {
        let at = at.index(text.len() + 1);
        let end = (at + removed).min(text.len());
        text.splice(at..end, piece.chars());
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_text(source in ".{0,200}") {
        let _ = checked(&source);
    }

    #[test]
    fn any_tokens(pieces in vec(select(PIECES), 0..120), separator in select(vec!["", " ", "\n"])) {
        let _ = checked(&pieces.join(separator));
    }

    #[test]
    fn any_tokens_in_a_body(pieces in vec(select(PIECES), 0..60)) {
        let _ = checked(&kernel_of(&[&pieces.join(" ")]));
    }

    #[test]
    fn any_statements(statements in vec(select(STATEMENTS), 0..40)) {
        let source = kernel_of(&statements);
        let result = checked(&source);
        prop_assert!(result.is_ok(), "{}", result.unwrap_err().render("k.ptx", &source));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn real_kernels_with_mistakes(
        fixture in 0..FIXTURES.len(),
        edits in vec((any::<prop::sample::Index>(), 0usize..12, select(PIECES)), 1..6),
    ) {
        let _ = checked(&edited(FIXTURES[fixture].1, &edits));
    }

    #[test]
    fn real_kernels_cut_off(fixture in 0..FIXTURES.len(), at in any::<prop::sample::Index>()) {
        let source = FIXTURES[fixture].1;
        let _ = checked(&source[..source.floor_char_boundary(at.index(source.len() + 1))]);
    }
}

/// Everything that nests, nested far too deep, on a small stack.
#[test]
fn depth_is_bounded() {
    let body = |text: String| kernel_of(&[&text]);
    let many = 20_000;
    let sources = [
        body("{".repeat(many)),
        body(format!("{}{}", "{".repeat(many), "}".repeat(many))),
        body(format!("mov.u32 %r1, {}1{};", "(".repeat(many), ")".repeat(many))),
        body(format!("mov.u32 %r1, {}1;", "- ".repeat(many))),
        body(format!("mov.u32 %r1, {}1;", "(.s64)".repeat(many))),
        body(format!("mov.u32 %r1, 1{};", "?1:1".repeat(many))),
        body(format!("mov.u32 %r1, {}1{};", "1?".repeat(many), ":1".repeat(many))),
        body(format!("mov.u32 %r1, {}%r1;", "{".repeat(many))),
        body(format!("ld.u32 %r1, {}%r1;", "[%r1,".repeat(many))),
        body(format!("call {}%r1;", "(".repeat(many))),
        kernel_of(&[]) + &format!(".global .u32 a[1] = {}1{};", "{".repeat(many), "}".repeat(many)),
        kernel_of(&[]) + &format!(".attribute{} .global .u32 a;", "(".repeat(many)),
    ];
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        for source in sources {
            let diagnostics = parse(&source).expect_err("too deep");
            assert!(diagnostics.len() < 1100, "{}", diagnostics.len());
        }
    });
    thread.expect("a thread").join().expect("no overflow");
}

/// Expressions may be long without being deep.
#[test]
fn length_is_not() {
    let sum = vec!["1"; 50_000].join("+");
    assert!(checked(&kernel_of(&[&format!("mov.u64 %rd1, {sum};")])).is_ok());
    let long = "mov.u32 %r1, %r2;\n".repeat(50_000);
    assert!(parse(&kernel_of(&[&long])).is_ok());
}
