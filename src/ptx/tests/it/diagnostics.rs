//! What is said about wrong input, and that one mistake does not hide another.

use insta::assert_snapshot;
use pipe_ptx::{Style, parse};

/// The problems of a whole file.
fn problems(source: &str) -> String {
    match parse(source) {
        Ok(module) => panic!("this is accepted:\n{module}"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

/// The problems of a kernel's body, whose first line is line 1.
fn in_body(body: &str) -> String {
    problems(&format!(
        ".version 8.0 .target sm_80 .global .u32 array[8]; .func helper(.param .u32 a) {{ ret; }} .entry k(.param .u64 p) {{ \
         .reg .b32 %r<10>; .reg .b64 %rd<4>; .reg .pred %p<4>;\n{body}\n}}"
    ))
}

#[test]
fn every_problem_of_a_file_is_reported() {
    assert_snapshot!(in_body("
        ld.param.u64 %rd1, [q];
        add.u32 %r1, %r2 %r3;
        mov.u32 %r1, %tidx;
        @%r1 bra LOOP;
        mov.b32 %r10, 5 +;
        ret
    "), @"
    3:29: 'q' is not declared
    4:26: expected ',' or ';' after the instruction, found '%r3'
    5:22: '%tidx' is not declared; is '%tid' meant?
    6:10: the guard '%r1' is a '.b32' register, not a predicate
    6:18: no label 'LOOP' in this scope or around it
    7:26: expected a constant, found ';'
    8:11: the instruction does not end with ';'; add ';' here
    ");
}

#[test]
fn rendered_with_the_line_and_carets() {
    let source =
        ".version 8.0\n.target sm_80\n.entry k()\n{\n\t.reg .b32 %value, %r<4>;\n\tmov.b32 %valeu, %r7;\n}\n";
    let diagnostics = parse(source).expect_err("two problems");
    assert_snapshot!(diagnostics.render("kernel.ptx", source), @"
    error: '%valeu' is not declared
     --> kernel.ptx:6:10
      |
    6 |     mov.b32 %valeu, %r7;
      |             ^^^^^^
      |
      = help: is '%value' meant?

    error: '%r7' is not declared
     --> kernel.ptx:6:18
      |
    6 |     mov.b32 %valeu, %r7;
      |                     ^^^
      |
      = help: '%r<4>' ends before it; declare '%r<8>'
    ");
    assert!(diagnostics.render_in(Style::Colour, "kernel.ptx", source).contains("\u{1b}["));
    assert!(!diagnostics.render("kernel.ptx", source).contains('\u{1b}'));
}

#[test]
fn the_header() {
    assert_snapshot!(problems(""), @"1:1: there is no '.version' before this; begin the file with '.version 8.0'");
    assert_snapshot!(problems(".target sm_80\n.version 8.0\n.entry k() { ret; }"), @"1:1: there is no '.version' before this; begin the file with '.version 8.0'");
    assert_snapshot!(problems(".version 8.0\n.entry k() { ret; }"), @"2:1: there is no '.target' before this; add '.target sm_80' after '.version'");
    assert_snapshot!(problems(".version eight\n.target sm_80"), @"1:10: expected a version such as 8.0, found 'eight'");
    assert_snapshot!(problems(".version 8.0\n.target 80"), @"2:9: expected a name of a target such as sm_80, found '80'");
    assert_snapshot!(problems(".version 8.0\n.target debug, sm_80"), @"2:9: 'debug' is not an architecture; name the architecture first, such as sm_80");
    assert_snapshot!(problems(".version 8.0 .version 8.1 .target sm_80 .address_size 48"), @"
    1:23: the module already has '.version 8.0'
    1:55: an address size is 32 or 64
    ");
}

#[test]
fn text_that_is_no_ptx() {
    assert_snapshot!(problems("\u{1f980} not PTX at all"), @"
    1:1: '🦀' has no meaning in PTX outside comments and strings
    1:3: there is no '.version' before this; begin the file with '.version 8.0'
    1:3: expected a declaration such as '.visible .entry', found 'not'
    ");
    assert_snapshot!(in_body("mov.u32 %r1, 5; ` # define X"), @"
    2:17: '`' has no meaning in PTX outside comments and strings
    2:19: '#' has no meaning in PTX outside comments and strings; run a preprocessor over the file first
    ");
    assert_snapshot!(problems(".version 8.0 .target sm_80\n.file 1 \"kernel.cu\n.global .u32 a;"), @r#"2:9: this string is not closed on its line; close it with '"'"#);
    assert_snapshot!(problems(".version 8.0 .target sm_80 /* never closed\n.global .u32 a;"), @"1:28: this comment is not closed; close it with '*/'");
    assert_snapshot!(problems(".version 8.0 .target sm_80\n.globl .u32 a;\n.entri k() { ret; }\n.visible .u32 b;"), @"
    2:1: '.globl' cannot begin a declaration; is '.global' meant?
    3:1: '.entri' cannot begin a declaration; is '.entry' meant?
    4:10: expected '.entry', '.func' or a state space such as '.global', found '.u32'
    ");
}

#[test]
fn bodies_that_are_not_closed() {
    assert_snapshot!(in_body("{ ret;"), @"1:112: the body of 'k' is not closed before the end of the file; close it with '}'");
    assert_snapshot!(problems(".version 8.0 .target sm_80\n.entry a() { ret;\n.visible .entry b() { ret; }\n.entry c() { bra X; }"), @"
    2:12: the body of 'a' is not closed before the next function; close it with '}'
    4:18: no label 'X' in this scope or around it
    ");
    assert_snapshot!(in_body("ret; } }"), @"2:8: expected a declaration such as '.visible .entry', found '}'");
    assert_snapshot!(in_body("mov.b64 {%r1, %r2, %rd1;\n ret %r77;"), @"
    2:24: expected ',' or '}', found ';'
    3:6: '%r77' is not declared; '%r<10>' ends before it; declare '%r<78>'
    ");
    assert_snapshot!(in_body("mov.b64 {%r1 %r2}, %rd1;\n add.u32 %r77, %r1, %r2;"), @"
    2:14: expected ',' or '}', found '%r2'
    3:10: '%r77' is not declared; '%r<10>' ends before it; declare '%r<78>'
    ");
}

#[test]
fn statements() {
    assert_snapshot!(in_body(";"), @"2:1: there is no statement before this ';'; remove it");
    assert_snapshot!(in_body(".regs .u32 a;"), @"2:1: '.regs' cannot begin a statement; is '.reg' meant?");
    assert_snapshot!(in_body(".reg .u33 a; mov.u32 a, a;"), @"2:6: '.u33' is not a type of a declaration; is '.u32' meant?");
    assert_snapshot!(in_body(".extern .shared .b8 a[];"), @"2:1: '.extern' stands only before declarations outside of functions; move the declaration before the function");
    assert_snapshot!(in_body("mov . u32 %r1, 1;"), @"
    2:5: '.' has no meaning in PTX outside comments and strings
    2:11: expected ',' or ';' after the instruction, found '%r1'
    ");
    assert_snapshot!(in_body("add.u32 %r1, %r2,;"), @"2:18: expected an operand, found ';'");
    assert_snapshot!(in_body("ld.u32 %r1, [%rd1;"), @"2:18: expected ']' at the end of the address, found ';'");
    assert_snapshot!(in_body("ld.u32 %r1, [%rd1+%rd2];"), @"2:19: expected a constant, found '%rd2'");
    assert_snapshot!(in_body("add.u32 %r1, %r2,\n%r3\n%r4;"), @"
    3:3: the instruction does not end with ';'; add ';' here
    4:1: expected an instruction, found '%r4'
    ");
    assert_snapshot!(in_body("@ bra X;"), @"2:3: 'bra' is not declared");
    assert_snapshot!(in_body(".reg .u32 x<1.5>;"), @"2:13: a count is a decimal number");
    assert_snapshot!(in_body(".shared .align 3 .u32 x;"), @"2:16: an alignment is a power of two, in bytes");
}

#[test]
fn names() {
    assert_snapshot!(in_body("mov.u32 %r10, %r1;"), @"2:9: '%r10' is not declared; '%r<10>' ends before it; declare '%r<11>'");
    assert_snapshot!(in_body("mov.u32 %r01, %r1;"), @"2:9: '%r01' is not declared");
    assert_snapshot!(in_body("add.u32 missing, missing, missing; add.u32 missing, 1, 2;"), @"2:9: 'missing' is not declared");
    assert_snapshot!(in_body("add.u32 later, 1, 2; .reg .u32 later;"), @"2:9: 'later' is not declared");
    assert_snapshot!(in_body("{ .reg .u32 inner; } mov.u32 inner, 1;"), @"2:30: 'inner' is not declared");
    assert_snapshot!(in_body("mov.u32 %r1, %tid.q; mov.u32 %r1, %r2.x; mov.u32 %r1, %ctaid_x;"), @"
    2:14: '%tid.q' is not declared; is '%tid.x' meant?
    2:35: '%r2' is a '.b32' register and has no component '.x'
    2:55: '%ctaid_x' is not declared; is '%ctaid.x' meant?
    ");
    assert_snapshot!(in_body(".reg .v2 .f32 v; mov.f32 v.x, v.z;"), @"2:31: 'v' is a '.v2 .f32' register and has no component '.z'");
    assert_snapshot!(in_body("@%laneid ret; @%tid.x ret; @_ ret; mov.b64 {%r1, _}, %rd1;"), @"
    2:2: the guard '%laneid' is a special register, not a predicate
    2:20: expected an instruction, found '.x'
    2:29: the guard '_' is the sink, not a predicate
    ");
    assert_snapshot!(in_body("mov.u64 %rd1, arrray;"), @"2:15: 'arrray' is not declared; is 'array' meant?");
    assert_snapshot!(in_body("setp.eq.and.u32 %p1, %r1, 0, !%r2;"), @"2:31: '%r2' after '!' is a '.b32' register, not a predicate");
    assert_snapshot!(in_body("ld.u32 %r1, %r2[%r3];"), @"2:13: '%r2' is a '.b32' register and takes no index");
}

#[test]
fn labels() {
    assert_snapshot!(in_body("bra exit_label; exit_lable: ret;"), @"2:5: no label 'exit_label' in this scope or around it; is 'exit_lable' meant?");
    assert_snapshot!(in_body("{ inner: ret; } bra inner;"), @"2:21: no label 'inner' in this scope or around it");
    assert_snapshot!(in_body("again: ret; again: ret;"), @"2:13: 'again' is already a label, declared on line 2");
    assert_snapshot!(in_body("bra %r1; bra array;"), @"
    2:5: '%r1' is a '.b32' register, not a label
    2:14: 'array' is a '.global' variable, not a label
    ");
    assert_snapshot!(in_body("brx.idx %r1, table; table: .branchtargets a, b; a: ret;"), @"2:46: no label 'b' in this scope or around it");
    assert_snapshot!(in_body("brx.idx %r1, a; a: ret; t: .calltargets helper, helpr, a;"), @"
    2:14: 'a' is a label, not a list of '.branchtargets'
    2:49: no function 'helpr' before this; is 'helper' meant?
    2:56: 'a' is a label, not a function
    ");
    assert_snapshot!(in_body("call halper, (%r1);"), @"2:6: 'halper' is not declared; is 'helper' meant?");
}

#[test]
fn declarations_repeated() {
    assert_snapshot!(in_body(".reg .u32 %r3;"), @"2:11: '%r3' is already a '.b32' register, declared on line 1");
    assert_snapshot!(in_body(".reg .u32 x3;\n.reg .f32 x<5>;\n.reg .u64 x<2>;"), @"3:11: 'x3' is already a '.u32' register, declared on line 2");
    assert_snapshot!(in_body(".reg .u32 p;"), @"2:11: 'p' is already a '.param' variable, declared on line 1");
    assert_snapshot!(problems(".version 8.0 .target sm_80\n.entry k() { ret; }\n.entry k() { ret; }\n.global .u32 k;\n.func k();"), @"
    3:8: 'k' is already defined on line 2
    4:14: 'k' is already a kernel, declared on line 3
    5:7: 'k' is already a kernel, declared on line 3
    ");
    assert_snapshot!(problems(".version 8.0 .target sm_80\n.extern .global .u32 a;\n.global .u32 a;\n.global .u32 a;"), @"4:14: 'a' is already a '.global' variable, declared on line 3");
}

#[test]
fn declarations_that_make_no_sense() {
    assert_snapshot!(problems(
        ".version 8.0 .target sm_80
        .reg .u32 r;
        .local .u32 l;
        .shared .b8 s[];
        .global .b8 g[];
        .global .b8 h[4][];
        .global .b8 zero[0];
        .shared .u32 i = 4;
        .global .u32 two[2] = {1, 2, 3};
        .global .u32 flat[2][2] = {1, 2, 3, 4};
        .global .u32 scalar = {1};
        .global .u64 forward = later;
        .global .u32 later;
        .entry k(.reg .u32 a, .param .u32 a) { ret; }
        .global .b32 many<100000>;"
    ), @"
    2:9: '.reg' cannot stand outside of functions
    3:9: '.local' cannot stand outside of functions
    4:21: the array 's' has no size; give it a size, or declare it '.extern .shared' to take the size from the launch
    5:21: the array 'g' has no size; give it a size, or an initial value to take the size from
    6:21: the array 'h' has no size; only the outermost dimension can be left out
    7:21: the array 'zero' has no size; give it a size, or an initial value to take the size from
    8:22: 'i' is in '.shared' and cannot have an initial value; only '.global' and '.const' variables can
    9:22: 'two' has room for 2 values where its initial value has 3
    10:22: 'flat' has room for 2 values where its initial value has 4
    11:22: the initial value of 'scalar' has more '{' than the variable has dimensions
    12:32: 'later' is not declared
    14:18: a kernel's parameter is in '.param', not '.reg'
    14:43: 'a' is already a '.u32' register, declared on line 14
    15:27: declarations with '<n>' make more than 65536 variables
    ");
}

#[test]
fn an_unreadable_declaration_does_not_make_its_names_unknown() {
    assert_snapshot!(in_body(".reg .u33 %a<4>, b; mov.u32 %a1, b;"), @"2:6: '.u33' is not a type of a declaration; is '.u32' meant?");
    assert_snapshot!(problems(".version 8.0 .target sm_80\n.func helper(.param u32 a) { ret; }\n.entry k() { call helper, (1); bra gone; }"), @"
    2:21: expected a type such as '.u32', found 'u32'
    3:36: no label 'gone' in this scope or around it
    ");
}

#[test]
fn there_is_an_end_to_problems() {
    let source = "\u{1f980} ".repeat(5000);
    let diagnostics = parse(&source).expect_err("problems");
    assert!(diagnostics.len() < 1100, "{}", diagnostics.len());
    assert!(diagnostics.iter().any(|d| d.message == "there are more problems than this"));
}
