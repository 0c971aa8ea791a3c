//! Compiled blocks against the interpreter: the same results and the same counts, whatever registers are uniform.

use proptest::prelude::*;

use crate::device::{kernel, try_run};
use pipe_simt::{Counts, Options};

/// Everything that is compiled, with operands by kind: `r` words, `d` 64-bit words, `f` floats, `h` halves, `p` predicates. The first
/// is the result.
const FORMS: &[(&str, &str)] = &[
    ("mov.b32", "rr"),
    ("mov.b64", "dd"),
    ("add.u32", "rrr"),
    ("sub.u32", "rrr"),
    ("mul.lo.u32", "rrr"),
    ("mad.lo.u32", "rrrr"),
    ("and.b32", "rrr"),
    ("or.b32", "rrr"),
    ("xor.b32", "rrr"),
    ("min.u32", "rrr"),
    ("max.u32", "rrr"),
    ("min.s32", "rrr"),
    ("max.s32", "rrr"),
    ("shl.b32", "rrr"),
    ("shr.u32", "rrr"),
    ("shr.s32", "rrr"),
    ("add.u64", "ddd"),
    ("sub.u64", "ddd"),
    ("mul.lo.u64", "ddd"),
    ("mad.lo.u64", "dddd"),
    ("and.b64", "ddd"),
    ("or.b64", "ddd"),
    ("xor.b64", "ddd"),
    ("shl.b64", "ddr"),
    ("shr.u64", "ddr"),
    ("mul.wide.u32", "drr"),
    ("mul.wide.s32", "drr"),
    ("mad.wide.u32", "drrd"),
    ("mad.wide.s32", "drrd"),
    ("cvt.u64.u32", "dr"),
    ("cvt.s64.s32", "dr"),
    ("cvt.u32.u64", "rd"),
    ("cvt.rn.f32.s32", "fr"),
    ("cvt.f32.f16", "fh"),
    ("cvt.rn.f16.f32", "hf"),
    ("cvt.u32.u16", "rh"),
    ("mov.b32", "rf"),
    ("mov.b32", "fr"),
    ("add.f32", "fff"),
    ("sub.f32", "fff"),
    ("mul.f32", "fff"),
    ("div.rn.f32", "fff"),
    ("fma.rn.f32", "ffff"),
    ("fma.rn.f32", "ffff"),
    ("min.f32", "fff"),
    ("max.f32", "fff"),
    ("neg.f32", "ff"),
    ("abs.f32", "ff"),
    ("sqrt.rn.f32", "ff"),
    ("rcp.rn.f32", "ff"),
    ("setp.eq.u32", "prr"),
    ("setp.ne.u32", "prr"),
    ("setp.lt.u32", "prr"),
    ("setp.le.u32", "prr"),
    ("setp.lt.s32", "prr"),
    ("setp.gt.s32", "prr"),
    ("setp.eq.u64", "pdd"),
    ("setp.lt.u64", "pdd"),
    ("setp.le.s64", "pdd"),
    ("setp.ge.u64", "pdd"),
    ("setp.eq.f32", "pff"),
    ("setp.ne.f32", "pff"),
    ("setp.lt.f32", "pff"),
    ("setp.le.f32", "pff"),
    ("setp.equ.f32", "pff"),
    ("setp.ltu.f32", "pff"),
    ("setp.geu.f32", "pff"),
    ("setp.num.f32", "pff"),
    ("setp.nan.f32", "pff"),
    ("mov.pred", "pp"),
    ("not.pred", "pp"),
    ("and.pred", "ppp"),
    ("or.pred", "ppp"),
    ("xor.pred", "ppp"),
    ("selp.b32", "rrrp"),
    ("selp.b64", "dddp"),
    ("ld.global.u32", "rL"),
    ("ld.global.u64", "dL"),
    ("ld.param.u32", "rP"),
    ("ld.param.u64", "dP"),
    ("ld.global.u32", "rV"),
    ("ld.global.f32", "fV"),
    ("ld.global.u32", "rV"),
    ("ld.global.v4.u32", "qQ"),
    ("ld.global.v2.u32", "vQ"),
    ("ld.global.v2.u32", "vE"),
    ("ld.global.u64", "dE"),
    ("ld.global.v4.u16", "HE"),
    ("ld.global.v4.b16", "HQ"),
    ("ld.shared.u64", "dX"),
    ("ld.shared.v2.u32", "vX"),
    ("ld.shared.v4.b16", "HX"),
    ("ld.shared.u32", "rW"),
    ("ld.shared.f32", "fW"),
    ("ld.shared.v4.u32", "qX"),
    // Left to the interpreter in between, which must see what compiled code wrote and the other way round.
    ("popc.b32", "rr"),
    ("cvt.u16.u32", "hr"),
    ("not.b64", "dd"),
    ("add.rn.ftz.f32", "fff"),
    ("ld.global.v2.u32", "vL"),
    ("shfl.sync.bfly.b32", "rrS"),
];

/// Registers of a kind: the even ones start uniform, the odd ones differ between lanes.
const REGISTERS: usize = 8;

/// An instruction: its form, the numbers of its operands, and a guard.
type Step = (usize, [usize; 4], Option<usize>);

fn step() -> impl Strategy<Value = Step> {
    (0..FORMS.len(), prop::array::uniform4(0..REGISTERS), prop::option::weighted(0.15, 0..REGISTERS))
}

fn text((form, operands, guard): &Step) -> String {
    let (name, kinds) = FORMS[*form];
    let guard = guard.map(|p| format!("@{}%p{p} ", if p % 3 == 0 { "!" } else { "" })).unwrap_or_default();
    // A lane that sits out a shuffle is an error of the program.
    let guard = if name.starts_with("shfl") { String::new() } else { guard };
    let operand = |(kind, n): (char, &usize)| match kind {
        'r' => format!("%r{n}"),
        'd' => format!("%rd{n}"),
        'f' => format!("%f{n}"),
        'h' => format!("%h{n}"),
        'p' => format!("%p{n}"),
        'v' => format!("{{%r{n}, %r{}}}", (n + 1) % REGISTERS),
        'q' | 'H' => {
            let file = if kind == 'q' { "r" } else { "h" };
            let registers: Vec<String> = (0..4).map(|k| format!("%{file}{}", (n + k) % REGISTERS)).collect();
            format!("{{{}}}", registers.join(", "))
        }
        'P' => String::from(if n % 2 == 0 { "[in]" } else { "[out]" }),
        'L' => format!("[%in+{}]", 8 * n),
        // Words of global memory by lane: a row, scattered ones, some of which move from round to round, and quads.
        'V' => format!("[%rd{}+{}]", 40 + n % 3, 4 * n),
        'Q' => format!("[%rd42+{}]", 16 * (n % 4)),
        'E' => format!("[%rd{}+{}]", 43 + n % 2, 8 * n),
        'W' => format!("[%r{}+{}]", 45 + n % 3, 4 * n),
        'X' => format!("[%r{}+{}]", 46 + n % 2, 16 * (n % 4)),
        _ => format!("{}, 31, %members", n + 1),
    };
    let operands: Vec<String> = kinds.chars().zip(operands).map(operand).collect();
    format!("{guard}{name} {};\n", operands.join(", "))
}

/// Words that a thread stores.
const WORDS: usize = 6 * REGISTERS;

/// The loop of a program.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Loop {
    /// A part of it is skipped by some lanes.
    Parted,
    /// It is one block, whose addresses move.
    Tight,
    /// The same, of nothing that is interpreted.
    Compiled,
}

/// The first form that is left to the interpreter.
fn first_interpreted() -> usize {
    FORMS.iter().position(|(name, _)| *name == "popc.b32").unwrap()
}

/// A program of steps before a loop, in it and after it. Shuffles stand where all lanes are, if at all.
fn program(
    before: &[Step],
    inside: &[Step],
    seeds: &[u32; REGISTERS],
    shuffles: bool,
    shape: Loop,
) -> String {
    let mut body = String::from(
        ".shared .align 16 .b32 tile[256];
        mov.u32 %r40, %ntid.x; mov.u32 %r41, %ctaid.x; activemask.b32 %members;
        and.b32 %r44, %i, 31; mad.wide.u32 %rd40, %r44, 4, %in; mul.lo.u32 %r43, %r44, 5; and.b32 %r43, %r43, 31;
        mad.wide.u32 %rd41, %r43, 4, %in; and.b32 %r43, %i, 7; mad.wide.u32 %rd42, %r43, 16, %in;
        mad.wide.u32 %rd43, %r44, 8, %in; mul.lo.u32 %r43, %r44, 7; and.b32 %r43, %r43, 31; mad.wide.u32 %rd44, %r43, 8, %in;
        mov.u32 %r47, tile; mad.lo.u32 %r45, %r44, 4, %r47; mad.lo.u32 %r46, %r44, 16, %r47;
        mul.lo.u32 %r43, %i, 2654435761; st.shared.v4.u32 [%r46], {%r43, %r44, %r43, %i};
        bar.sync 0;\n",
    );
    for (n, seed) in seeds.iter().enumerate() {
        let lane = if n % 2 == 0 { "%r41" } else { "%i" };
        body += &format!("mad.lo.u32 %r{n}, {lane}, {}, {seed};\n", 2 * n + 3);
        body += &format!("mul.wide.u32 %rd{n}, %r{n}, {};\n", seed | 1);
        body += &format!("mov.b32 %f{n}, %r{n}; cvt.u16.u32 %h{n}, %r{n};\n");
        body += &format!("setp.lt.u32 %p{n}, %r{n}, %r{};\n", (n + 2) % REGISTERS);
    }
    let shuffles_at = |step: &&Step| FORMS[step.0].0.starts_with("shfl");
    before.iter().filter(|step| shuffles || !shuffles_at(step)).for_each(|step| body += &text(step));
    // A loop: how often it goes round differs between lanes, or between blocks.
    let evenly = shape != Loop::Parted && !seeds[0].is_multiple_of(4);
    body += if evenly { "add.u32 %r42, %r41, 4;" } else { "and.b32 %r42, %r1, 3;" };
    body += "mov.u64 %rd50, 16; mov.u32 %r51, 16;\nLOOP:\n";
    if shape == Loop::Parted {
        body += "@%p1 bra SKIP;\n";
        body += "mad.lo.u32 %r43, %i, %r42, %i; and.b32 %r43, %r43, 31; mad.wide.u32 %rd41, %r43, 4, %in;\n";
    }
    let wanted =
        |step: &&Step| !shuffles_at(step) && (shape != Loop::Compiled || step.0 < first_interpreted());
    inside.iter().filter(wanted).for_each(|step| body += &text(step));
    if shape != Loop::Parted {
        body += "add.u64 %rd40, %rd40, 4; add.u64 %rd43, %rd43, 32; sub.u64 %rd44, %rd44, -8; add.u64 %rd42, %rd50, %rd42; sub.u64 %rd42, %rd42, 0;
            add.u32 %r45, %r45, 8; add.u32 %r46, %r46, %r51;\n";
    }
    body += "SKIP:\nsub.u32 %r42, %r42, 1;\nsetp.gt.s32 %p30, %r42, 0;\n@%p30 bra LOOP;\n";
    before.iter().rev().filter(|step| !shuffles_at(step)).for_each(|step| body += &text(step));
    body += &format!("mad.lo.u32 %r43, %r41, %r40, %i; mad.wide.u32 %o, %r43, {}, %out;\n", 4 * WORDS);
    for n in 0..REGISTERS {
        body += &format!("st.global.u32 [%o+{}], %r{n};\n", 4 * n);
        body += &format!("st.global.f32 [%o+{}], %f{n};\n", 4 * (REGISTERS + n));
        body += &format!("st.global.u64 [%o+{}], %rd{n};\n", 8 * (REGISTERS + n));
        body +=
            &format!("selp.u32 %r44, 1, 0, %p{n}; st.global.u32 [%o+{}], %r44;\n", 4 * (4 * REGISTERS + n));
    }
    for n in 0..REGISTERS {
        body += &format!("cvt.u32.u16 %r44, %h{n}; st.global.u32 [%o+{}], %r44;\n", 4 * (5 * REGISTERS + n));
    }
    body += "ret;";
    body.replace("%members", "%r50")
}

/// Runs a program compiled and interpreted on blocks that fill their warps or not; everything that threads hold in the
/// end is compared, and every count.
fn check(before: &[Step], inside: &[Step], seeds: &[u32; REGISTERS], shape: Loop) {
    let input: Vec<u32> = (0..256).map(|n: u32| n.wrapping_mul(2_654_435_761)).collect();
    // What a shuffle reads of a lane that has no thread is unpredictable.
    for (threads, shuffles) in [(32, true), (64, true), (70, false), (5, false)] {
        let body = program(before, inside, seeds, shuffles, shape);
        let run = |compile| {
            let options = Options { compile, threads: Some(1), ..Options::default() };
            try_run(&kernel(&body), 2, threads, 2 * threads as usize * WORDS, &input, &options).unwrap()
        };
        let (compiled, interpreted) = (run(true), run(false));
        let differs = compiled.out.iter().zip(&interpreted.out).position(|(a, b)| a != b);
        let place = differs.map(|at| (at / WORDS, at % WORDS, compiled.out[at], interpreted.out[at]));
        assert_eq!(place, None, "thread, word, compiled, interpreted of {threads} threads:\n{body}");
        assert_eq!(compiled.counts, interpreted.counts, "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_and_interpreted_code_agree(
        before in prop::collection::vec(step(), 0..30),
        inside in prop::collection::vec(step(), 0..30),
        seeds: [u32; REGISTERS],
    ) {
        check(&before, &inside, &seeds, Loop::Parted);
    }

    #[test]
    fn compiled_and_interpreted_loops_agree(
        before in prop::collection::vec(step(), 0..10),
        inside in prop::collection::vec(step(), 0..16),
        seeds: [u32; REGISTERS],
        only_compiled: bool,
    ) {
        check(&before, &inside, &seeds, if only_compiled { Loop::Compiled } else { Loop::Tight });
    }
}

#[test]
fn a_load_that_machine_code_refuses_traps_as_interpreted() {
    let run = |compile, offset: u32| {
        let body = format!(
            "ld.global.u32 %r1, [%in];\nld.global.u32 %r2, [%in+{offset}];\nst.global.u32 [%o], %r2;\nret;"
        );
        let options = Options { compile, ..Options::default() };
        try_run(&kernel(&body), 1, 32, 32, &[1, 2, 3, 4], &options).map(|outcome| outcome.out)
    };
    for offset in [0, 12] {
        assert_eq!(run(true, offset).unwrap(), vec![1 + offset / 4; 32]);
    }
    for offset in [2, 16, 1 << 20] {
        let (compiled, interpreted) = (run(true, offset).unwrap_err(), run(false, offset).unwrap_err());
        assert_eq!(compiled.to_string(), interpreted.to_string());
    }
}

/// What a body does compiled and interpreted: the words it stores and its counts, or its trap.
fn both(body: &str, threads: u32, input: &[u32], budget: u64) -> [Result<(Vec<u32>, Counts), String>; 2] {
    [true, false].map(|compile| {
        let options = Options { compile, instruction_budget: budget, ..Options::default() };
        let outcome = try_run(&kernel(body), 2, threads, threads as usize, input, &options);
        outcome.map(|outcome| (outcome.out, outcome.counts)).map_err(|error| error.to_string())
    })
}

/// A sum of products along `steps` words: one factor from a row of `stride` words a lane, four of them at a time, the other
/// the same for all lanes. The loop is one block.
fn product(stride: u32, steps: u32) -> String {
    format!(
        "mul.lo.u32 %r1, %i, {}; cvt.u64.u32 %rd1, %r1; add.u64 %rd1, %rd1, %in; add.u64 %rd1, %rd1, 8; mov.u64 %rd2, %in;
        mov.f32 %f1, 0f3F800000; mov.u32 %r2, {steps};
        LOOP:
        ld.global.f32 %f2, [%rd2];
        ld.global.f32 %f3, [%rd1+-8];
        fma.rn.f32 %f1, %f2, %f3, %f1;
        ld.global.f32 %f4, [%rd2+4];
        ld.global.f32 %f5, [%rd1+-4];
        fma.rn.f32 %f1, %f4, %f5, %f1;
        ld.global.f32 %f6, [%rd1];
        ld.global.f32 %f7, [%rd1+4];
        fma.rn.f32 %f1, %f6, %f7, %f1;
        add.u64 %rd2, %rd2, 8;
        add.u64 %rd1, %rd1, 16;
        sub.u32 %r2, %r2, 1;
        setp.ne.u32 %p1, %r2, 0;
        @%p1 bra LOOP;
        st.global.f32 [%o], %f1;
        ret;",
        4 * stride
    )
}

#[test]
fn a_loop_that_stays_in_machine_code_counts_and_traps_as_interpreted() {
    let input: Vec<u32> = (0..4096u32).map(|n| (1.0 + n as f32 / 4096.0).to_bits()).collect();
    for stride in [1, 4, 5, 32, 36] {
        for threads in [32, 64, 70] {
            let [compiled, interpreted] = both(&product(stride, 16), threads, &input, 1 << 36);
            assert!(interpreted.is_ok(), "{interpreted:?}");
            assert_eq!(compiled, interpreted, "stride {stride}, {threads} threads");
        }
    }
    // Out of the allocation after some rounds, and out of the budget.
    let still =
        |text: String| text.replace("add.u64 %rd1, %rd1, 16;", "").replace("add.u64 %rd2, %rd2, 8;", "");
    let ends =
        [(product(36, 1 << 20), 1 << 36, "out of bounds"), (still(product(36, 1 << 20)), 100_000, "budget")];
    for (body, budget, what) in ends {
        let [compiled, interpreted] = both(&body, 64, &input, budget);
        assert!(interpreted.as_ref().is_err_and(|text| text.contains(what)), "{interpreted:?}");
        assert_eq!(compiled, interpreted);
    }
}

#[test]
fn a_loop_whose_lanes_leave_one_by_one_agrees() {
    let input: Vec<u32> = (0..4096u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
    // Scattered anew each time: such a block goes over to its second plan.
    let body = "and.b32 %r1, %i, 31; add.u32 %r2, %r1, 40; mov.u32 %r3, 0;
        LOOP:
        mul.lo.u32 %r4, %r3, 2654435761; add.u32 %r4, %r4, %r1; and.b32 %r4, %r4, 1023;
        mad.wide.u32 %rd1, %r4, 4, %in;
        ld.global.u32 %r5, [%rd1];
        xor.b32 %r3, %r3, %r5;
        add.u32 %r3, %r3, 1;
        sub.u32 %r2, %r2, 1;
        setp.ne.u32 %p1, %r2, 0;
        @%p1 bra LOOP;
        st.global.u32 [%o], %r3;
        ret;";
    for threads in [32, 64, 70] {
        let [compiled, interpreted] = both(body, threads, &input, 1 << 36);
        assert!(interpreted.is_ok());
        assert_eq!(compiled, interpreted, "{threads} threads");
    }
}
