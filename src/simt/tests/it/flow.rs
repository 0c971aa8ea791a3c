//! Random control flow, irregular and with calls, against an evaluator that runs one thread at a time.
//!
//! A program is a kernel and two functions, each a list of blocks that go anywhere: branches, indexed branches, calls (of
//! themselves too), early returns and exits. Fuel, which calls hand on, ends every thread.

use std::fmt::Write;

use proptest::prelude::*;

use crate::device::{kernel, try_run};
use pipe_simt::Options;

const REGISTERS: usize = 4;
const BLOCKS: usize = 6;
const FUNCTIONS: usize = 2;
const FUEL: u32 = 30;

/// A block: `r[d] = r[a] * odd + r[b]`, and where to go on.
#[derive(Debug, Clone)]
struct Block {
    d: usize,
    a: usize,
    b: usize,
    odd: u32,
    end: End,
}

#[derive(Debug, Clone)]
enum End {
    Go(usize),
    /// By a bit of a register.
    If(usize, u32, usize, usize),
    /// By the low two bits of a register; other lanes of a guard go on at the last.
    Index(usize, [usize; 4]),
    /// Calls a function with a register, and puts the result into another.
    Call {
        function: usize,
        guard: Option<(usize, u32)>,
        argument: usize,
        result: usize,
        next: usize,
    },
    /// Threads of which a bit is set leave the kernel, or return from the function.
    Leave {
        exit: bool,
        register: usize,
        bit: u32,
        next: usize,
    },
}

type Body = Vec<Block>;

fn block() -> impl Strategy<Value = Block> {
    let (r, to, bit) = (0..REGISTERS, 0..BLOCKS, 0..8u32);
    let end = prop_oneof![
        2 => to.clone().prop_map(End::Go),
        5 => (r.clone(), bit.clone(), to.clone(), to.clone()).prop_map(|(r, bit, a, b)| End::If(r, bit, a, b)),
        2 => (r.clone(), prop::array::uniform4(to.clone())).prop_map(|(r, list)| End::Index(r, list)),
        3 => (0..FUNCTIONS, prop::option::of((r.clone(), bit.clone())), r.clone(), r.clone(), to.clone()).prop_map(
            |(function, guard, argument, result, next)| End::Call { function, guard, argument, result, next }
        ),
        2 => (prop::bool::weighted(0.3), r.clone(), bit, to).prop_map(
            |(exit, register, bit, next)| End::Leave { exit, register, bit, next }
        ),
    ];
    (r.clone(), r.clone(), r, any::<u32>(), end).prop_map(|(d, a, b, odd, end)| Block {
        d,
        a,
        b,
        odd: odd | 1,
        end,
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop::collection::vec(block(), BLOCKS)
}

/// The blocks of a function or of the kernel as PTX. Registers are `%r0` to `%r3`, the fuel is `%r8`.
fn text(body: &Body, in_function: bool) -> String {
    let mut text = String::new();
    for (n, block) in body.iter().enumerate() {
        let Block { d, a, b, odd, end } = block;
        let _ = writeln!(text, "B{n}: setp.eq.u32 %p1, %r8, 0; @%p1 bra END; sub.u32 %r8, %r8, 1;");
        let _ = writeln!(text, "mad.lo.u32 %r{d}, %r{a}, {odd}, %r{b};");
        let test = |register: usize, bit: u32| {
            format!("bfe.u32 %r9, %r{register}, {bit}, 1; setp.eq.u32 %p2, %r9, 1; ")
        };
        let _ = match end {
            End::Go(to) => writeln!(text, "bra B{to};"),
            End::If(r, bit, yes, no) => writeln!(text, "{}@%p2 bra B{yes}; bra B{no};", test(*r, *bit)),
            End::Index(r, [i, j, k, l]) => writeln!(
                text,
                "and.b32 %r9, %r{r}, 3; T{n}: .branchtargets B{i}, B{j}, B{k}, B{l}; brx.idx %r9, T{n};"
            ),
            End::Call { function, guard, argument, result, next } => {
                let condition = guard.map_or(String::new(), |(r, bit)| test(r, bit));
                let at = if guard.is_some() { "@%p2 " } else { "" };
                writeln!(
                    text,
                    "{condition}{at}call (%r{result}, %r8), f{function}, (%r{argument}, %r8); bra B{next};"
                )
            }
            End::Leave { exit, register, bit, next } => {
                let how = if *exit {
                    "exit"
                } else if in_function {
                    "bra END"
                } else {
                    "exit"
                };
                writeln!(text, "{}@%p2 {how}; bra B{next};", test(*register, *bit))
            }
        };
    }
    text
}

fn module(program: &[Body]) -> String {
    let mut main = String::new();
    for r in 0..REGISTERS {
        let _ = writeln!(main, "mad.lo.u32 %r{r}, %i, {}, {r};", 2_654_435_761u32.wrapping_mul(r as u32 + 1));
    }
    let _ = writeln!(main, "mov.u32 %r10, %ctaid.x; add.u32 %r0, %r0, %r10; mov.u32 %r8, {FUEL};");
    main += &text(&program[0], false);
    let _ = writeln!(main, "END: mad.lo.u32 %r10, %r10, %ntid.x, %i;");
    let _ = writeln!(main, "mad.wide.u32 %o, %r10, {}, %out;", 4 * REGISTERS);
    for r in 0..REGISTERS {
        let _ = writeln!(main, "st.global.u32 [%o+{}], %r{r};", 4 * r);
    }
    main += "ret;";
    let mut functions = String::new();
    for f in 0..FUNCTIONS {
        let _ = writeln!(
            functions,
            ".func (.reg .b32 result, .reg .b32 left) f{f}(.reg .b32 a, .reg .b32 fuel);"
        );
    }
    for (f, body) in program[1..].iter().enumerate() {
        let _ = write!(
            functions,
            ".func (.reg .b32 result, .reg .b32 left) f{f}(.reg .b32 a, .reg .b32 fuel)
            {{
            .reg .b32 %r<12>; .reg .pred %p<4>;
            mov.u32 %r0, a; mov.u32 %r1, {f}; mov.u32 %r2, 7; mov.u32 %r3, a; mov.u32 %r8, fuel;
            {}
            END: xor.b32 result, %r0, %r1; mov.u32 left, %r8; ret;
            }}\n",
            text(body, true)
        );
    }
    let kernel = kernel(&main);
    let at = kernel.find(".visible").unwrap_or_default();
    format!("{}{functions}{}", &kernel[..at], &kernel[at..])
}

/// Runs a body for one thread; `false` if the thread has left the kernel.
fn apply(program: &[Body], body: usize, registers: &mut [u32; REGISTERS], fuel: &mut u32) -> bool {
    let mut at = 0;
    while *fuel > 0 {
        *fuel -= 1;
        let Block { d, a, b, odd, end } = &program[body][at];
        registers[*d] = registers[*a].wrapping_mul(*odd).wrapping_add(registers[*b]);
        let set = |registers: &[u32; REGISTERS], r: usize, bit: u32| registers[r] >> bit & 1 == 1;
        at = match end {
            End::Go(to) => *to,
            End::If(r, bit, yes, no) => {
                if set(registers, *r, *bit) {
                    *yes
                } else {
                    *no
                }
            }
            End::Index(r, list) => list[registers[*r] as usize & 3],
            End::Call { function, guard, argument, result, next } => {
                if guard.is_none_or(|(r, bit)| set(registers, r, bit)) {
                    let a = registers[*argument];
                    let mut inner = [a, *function as u32, 7, a];
                    if !apply(program, function + 1, &mut inner, fuel) {
                        return false;
                    }
                    registers[*result] = inner[0] ^ inner[1];
                }
                *next
            }
            End::Leave { exit, register, bit, next } => {
                if set(registers, *register, *bit) {
                    return body != 0 && !exit;
                }
                *next
            }
        };
    }
    true
}

fn check(program: &[Body]) {
    const THREADS: u32 = 48;
    const GRID: u32 = 3;
    let text = module(program);
    let words = (GRID * THREADS) as usize * REGISTERS;
    let run = |threads| {
        let options = Options { threads: Some(threads), instruction_budget: 1 << 24, ..Options::default() };
        try_run(&text, GRID, THREADS, words, &[], &options)
    };
    let outcome = run(1).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for (n, found) in outcome.out.chunks(REGISTERS).enumerate() {
        let (block, i) = (n as u32 / THREADS, n as u32 % THREADS);
        let mut registers: [u32; REGISTERS] = std::array::from_fn(|r| {
            i.wrapping_mul(2_654_435_761u32.wrapping_mul(r as u32 + 1)).wrapping_add(r as u32)
        });
        registers[0] = registers[0].wrapping_add(block);
        let stays = apply(program, 0, &mut registers, &mut FUEL.clone());
        assert_eq!(
            found,
            if stays { registers } else { [0; REGISTERS] },
            "thread {i} of block {block} of\n{text}"
        );
    }
    let more = run(3).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((more.counts, more.out), (outcome.counts, outcome.out), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn irregular_control_flow_with_calls_agrees(program in prop::collection::vec(body(), 1 + FUNCTIONS)) {
        check(&program);
    }
}
