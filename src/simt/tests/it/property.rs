//! Random programs against an evaluator that does one thread, one instruction at a time.

use proptest::prelude::*;

use crate::device::{kernel, try_run};
use pipe_simt::Options;

/// An operation on two words, spelled and computed.
type Binary = (&'static str, fn(u32, u32) -> u32);

fn f(bits: u32) -> f32 {
    f32::from_bits(bits)
}

/// Bits of a result, with PTX's one NaN.
fn b(value: f32) -> u32 {
    if value.is_nan() { 0x7fff_ffff } else { value.to_bits() }
}

const OPS: &[Binary] = &[
    ("add.u32", u32::wrapping_add),
    ("sub.u32", u32::wrapping_sub),
    ("mul.lo.u32", u32::wrapping_mul),
    ("mul.hi.u32", |a, b| ((u64::from(a) * u64::from(b)) >> 32) as u32),
    ("mul.hi.s32", |a, b| ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32),
    ("and.b32", |a, b| a & b),
    ("or.b32", |a, b| a | b),
    ("xor.b32", |a, b| a ^ b),
    ("min.s32", |a, b| (a as i32).min(b as i32) as u32),
    ("max.u32", u32::max),
    ("shl.b32", |a, b| a.checked_shl(b).unwrap_or(0)),
    ("shr.u32", |a, b| a.checked_shr(b).unwrap_or(0)),
    ("shr.s32", |a, b| ((a as i32) >> b.min(31)) as u32),
    ("div.u32", |a, b| a.checked_div(b).unwrap_or(u32::MAX)),
    ("rem.s32", |a, b| if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 }),
    ("add.f32", |x, y| b(f(x) + f(y))),
    ("sub.f32", |x, y| b(f(x) - f(y))),
    ("mul.rn.f32", |x, y| b(f(x) * f(y))),
    ("div.rn.f32", |x, y| b(f(x) / f(y))),
];

/// One instruction of a straight-line program: operation, destination, sources, and a guard on a register's parity.
#[derive(Debug, Clone)]
struct Step {
    op: usize,
    d: usize,
    a: usize,
    b: usize,
    guard: Option<(usize, bool)>,
}

const REGISTERS: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let guard = prop::option::weighted(0.3, (0..REGISTERS, any::<bool>()));
    (0..OPS.len(), 0..REGISTERS, 0..REGISTERS, 0..REGISTERS, guard).prop_map(|(op, d, a, b, guard)| Step {
        op,
        d,
        a,
        b,
        guard,
    })
}

impl Step {
    /// A float operation works on float registers that are copied in and out.
    fn text(&self) -> String {
        let name = OPS[self.op].0;
        let mut text = String::new();
        let mut guard = String::new();
        if let Some((register, negated)) = self.guard {
            text += &format!("and.b32 %r40, %r{register}, 1; setp.eq.u32 %p1, %r40, 1;\n");
            guard = format!("@{}%p1 ", if negated { "!" } else { "" });
        }
        let Step { d, a, b, .. } = self;
        if name.ends_with("f32") {
            text += &format!("mov.b32 %f1, %r{a}; mov.b32 %f2, %r{b}; mov.b32 %f3, %r{d};\n");
            text += &format!("{guard}{name} %f3, %f1, %f2; mov.b32 %r{d}, %f3;\n");
        } else {
            text += &format!("{guard}{name} %r{d}, %r{a}, %r{b};\n");
        }
        text
    }

    fn apply(&self, registers: &mut [u32; REGISTERS]) {
        let runs = self.guard.is_none_or(|(register, negated)| (registers[register] & 1 == 1) != negated);
        if runs {
            registers[self.d] = OPS[self.op].1(registers[self.a], registers[self.b]);
        }
    }
}

/// Structured control flow over steps.
#[derive(Debug, Clone)]
enum Tree {
    Step(Step),
    /// On a register's parity.
    If(usize, Vec<Tree>, Vec<Tree>),
    /// As often as the two low bits of a register said at the start.
    Loop(usize, Vec<Tree>),
    /// Leaves the kernel if a register's low three bits are zero.
    ExitIf(usize),
}

fn tree() -> impl Strategy<Value = Vec<Tree>> {
    let leaf = prop_oneof![8 => step().prop_map(Tree::Step), 1 => (0..REGISTERS).prop_map(Tree::ExitIf)];
    let node = leaf.prop_recursive(3, 24, 4, |inner| {
        let list = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (0..REGISTERS, list.clone(), list.clone()).prop_map(|(r, a, b)| Tree::If(r, a, b)),
            (0..REGISTERS, list).prop_map(|(r, body)| Tree::Loop(r, body)),
        ]
    });
    prop::collection::vec(node, 1..8)
}

fn write(trees: &[Tree], text: &mut String, labels: &mut usize, depth: usize) {
    for tree in trees {
        *labels += 1;
        let n = *labels;
        match tree {
            Tree::Step(step) => *text += &step.text(),
            Tree::If(r, yes, no) => {
                *text += &format!("and.b32 %r40, %r{r}, 1; setp.eq.u32 %p2, %r40, 1; @!%p2 bra E{n};\n");
                write(yes, text, labels, depth);
                *text += &format!("bra J{n};\nE{n}:\n");
                write(no, text, labels, depth);
                *text += &format!("J{n}:\n");
            }
            Tree::Loop(r, body) => {
                let counter = 41 + depth;
                *text += &format!(
                    "and.b32 %r{counter}, %r{r}, 3;\nH{n}: setp.eq.u32 %p3, %r{counter}, 0; @%p3 bra X{n};\n"
                );
                *text += &format!("sub.u32 %r{counter}, %r{counter}, 1;\n");
                write(body, text, labels, depth + 1);
                *text += &format!("bra H{n};\nX{n}:\n");
            }
            Tree::ExitIf(r) => {
                *text += &format!("and.b32 %r40, %r{r}, 7; setp.eq.u32 %p4, %r40, 0; @%p4 exit;\n");
            }
        }
    }
}

/// Runs a tree for one thread; `false` if it left the kernel.
fn apply(trees: &[Tree], registers: &mut [u32; REGISTERS]) -> bool {
    for tree in trees {
        match tree {
            Tree::Step(step) => step.apply(registers),
            Tree::If(r, yes, no) => {
                if !apply(if registers[*r] & 1 == 1 { yes } else { no }, registers) {
                    return false;
                }
            }
            Tree::Loop(r, body) => {
                for _ in 0..registers[*r] & 3 {
                    if !apply(body, registers) {
                        return false;
                    }
                }
            }
            Tree::ExitIf(r) => {
                if registers[*r] & 7 == 0 {
                    return false;
                }
            }
        }
    }
    true
}

/// Runs trees on the executor and on the evaluator; thread `i` stores all its registers if it reaches the end.
fn check(trees: &[Tree], seeds: &[u32; REGISTERS]) {
    let mut body = String::new();
    for (r, seed) in seeds.iter().enumerate() {
        body += &format!("mad.lo.u32 %r{r}, %i, {}, {seed};\n", 2 * r + 3);
    }
    write(trees, &mut body, &mut 0, 0);
    body += &format!("mad.wide.u32 %o, %i, {}, %out;\n", 4 * REGISTERS);
    for r in 0..REGISTERS {
        body += &format!("st.global.u32 [%o+{}], %r{r};\n", 4 * r);
    }
    body += "ret;";
    const THREADS: u32 = 40;
    let words = THREADS as usize * REGISTERS;
    let outcome = try_run(&kernel(&body), 1, THREADS, words, &[], &Options::default()).unwrap();
    for i in 0..THREADS {
        let mut registers: [u32; REGISTERS] =
            std::array::from_fn(|r| i.wrapping_mul(2 * r as u32 + 3).wrapping_add(seeds[r]));
        let expected = if apply(trees, &mut registers) { registers } else { [0; REGISTERS] };
        let first = i as usize * REGISTERS;
        assert_eq!(outcome.out[first..first + REGISTERS], expected, "thread {i} of\n{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn divergent_control_flow_agrees(trees in tree(), seeds: [u32; REGISTERS]) {
        check(&trees, &seeds);
    }
}
