//! Random straight-line programs against the [evaluator](crate::evaluator), instruction by instruction.
//!
//! The instructions are all that stand in the [test files](crate::files), which have every operation of the op table;
//! their registers are exchanged for random ones of the same types, and some get guards. A program stores every result,
//! so a failure names the first instruction that is wrong. Where the ISA allows an error, the evaluator checks the
//! result and goes on with it.

use std::{collections::BTreeSet, fmt::Write as _, sync::LazyLock};

use pipe_ptx::ast::{Guard, Ident, Instruction, Literal, Operand, Span, Statement, Type};
use pipe_simt::{GlobalMemory, LaunchConfig, Options, Program, launch};
use proptest::prelude::*;

use crate::{
    evaluator::{Lane, width_of},
    files,
};

const THREADS: u32 = 37;
/// Registers of each type.
const POOL: usize = 4;
/// Bytes of a result, and results of an instruction.
const SLOT: usize = 16;
const RESULTS: usize = 4;

/// The register types, what they are called, and the file's own name of each register's first letters.
const TYPES: [(Type, &str, &str); 8] = [
    (Type::B8, "b8", "%tb"),
    (Type::B16, "b16", "%th"),
    (Type::B32, "b32", "%tr"),
    (Type::F32, "f32", "%tf"),
    (Type::B64, "b64", "%td"),
    (Type::F64, "f64", "%tw"),
    (Type::B128, "b128", "%tq"),
    (Type::Pred, "pred", "%tp"),
];

/// An instruction of a test file, with the types of its registers in the order of [`names`].
struct Template {
    instruction: Instruction,
    types: Vec<Type>,
}

/// Every name in an operand, in order.
fn names<'o>(operand: &'o mut Operand, found: &mut Vec<&'o mut Ident>) {
    match operand {
        Operand::Name(name) | Operand::Not(name) => found.push(name),
        Operand::Vector(elements, _) => elements.iter_mut().for_each(|element| names(element, found)),
        Operand::Pair(a, b) => {
            names(a, found);
            names(b, found);
        }
        _ => {}
    }
}

fn registers(instruction: &mut Instruction) -> Vec<&mut Ident> {
    let mut found = Vec::new();
    instruction.operands.iter_mut().for_each(|operand| names(operand, &mut found));
    found.retain(|name| &*name.name != "_");
    found
}

/// How many of the registers are written.
fn written(instruction: &mut Instruction) -> usize {
    let mut found = Vec::new();
    if let Some(first) = instruction.operands.first_mut() {
        names(first, &mut found);
    }
    found.iter().filter(|name| &*name.name != "_").count()
}

/// Every different instruction of the kernels that the evaluator can run.
static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut seen = BTreeSet::new();
    let mut templates = Vec::new();
    for file in files::all() {
        let kernels: BTreeSet<&str> =
            file.runs.iter().filter(|run| files::is_plain(run)).map(|run| &run.kernel[..]).collect();
        for kernel in kernels {
            let function = file.function(kernel);
            let zeros = vec![0; function.params.len()];
            if crate::evaluator::run(function, &zeros).is_none() {
                continue;
            }
            let mut lane = Lane::default();
            for statement in function.body.iter().flatten() {
                lane.declare(statement);
                let Statement::Instruction(instruction) = statement else { continue };
                if matches!(&*instruction.opcode.name, "ld" | "st" | "ret") {
                    continue;
                }
                let mut instruction = instruction.clone();
                instruction.guard = None;
                let types: Vec<Type> =
                    registers(&mut instruction).iter().map(|name| lane.type_of(&name.name)).collect();
                let mut nameless = instruction.clone();
                registers(&mut nameless).into_iter().for_each(|name| name.name = "".into());
                if seen.insert(format!("{}{types:?}", show(&nameless))) {
                    templates.push(Template { instruction, types });
                }
            }
        }
    }
    templates
});

/// An instruction as text.
fn show(instruction: &Instruction) -> String {
    fn text_of(operand: &Operand) -> String {
        match operand {
            Operand::Name(name) => name.name.to_string(),
            Operand::Not(name) => format!("!{}", name.name),
            Operand::Literal(Literal::Integer { bits, .. }, _) => format!("{bits:#x}"),
            Operand::Literal(Literal::F32(bits), _) => format!("0f{bits:08x}"),
            Operand::Literal(Literal::F64(bits), _) => format!("0d{bits:016x}"),
            Operand::Vector(elements, _) => {
                format!("{{{}}}", elements.iter().map(text_of).collect::<Vec<_>>().join(", "))
            }
            Operand::Pair(a, b) => format!("{}|{}", text_of(a), text_of(b)),
            other => panic!("{other:?} in a straight line"),
        }
    }
    let mut text = String::new();
    if let Some(guard) = &instruction.guard {
        let _ = write!(text, "@{}{} ", if guard.negated { "!" } else { "" }, guard.predicate.name);
    }
    text += &instruction.opcode.name;
    for modifier in &instruction.modifiers {
        let _ = write!(text, ".{}", modifier.name);
    }
    let operands: Vec<String> = instruction.operands.iter().map(text_of).collect();
    let _ = write!(text, " {};", operands.join(", "));
    text
}

/// Choices of a random instruction.
#[derive(Debug, Clone)]
struct Step {
    template: usize,
    registers: [u8; 8],
    guard: Option<(u8, bool)>,
}

fn step() -> impl Strategy<Value = Step> {
    let guard = prop::option::weighted(0.2, (0..POOL as u8, any::<bool>()));
    (any::<usize>(), any::<[u8; 8]>(), guard).prop_map(|(template, registers, guard)| Step {
        template,
        registers,
        guard,
    })
}

fn prefix(ty: Type) -> &'static str {
    TYPES.iter().find(|(own, ..)| *own == ty).unwrap_or_else(|| panic!("no registers of {ty:?}")).2
}

impl Step {
    fn instruction(&self) -> Instruction {
        let template = &TEMPLATES[self.template % TEMPLATES.len()];
        let mut instruction = template.instruction.clone();
        let targets = written(&mut instruction);
        let mut used = Vec::new();
        for (i, (name, ty)) in registers(&mut instruction).into_iter().zip(&template.types).enumerate() {
            let mut choice = usize::from(self.registers[i % 8]) % POOL;
            // Two results of one instruction go to different registers.
            while i < targets && used.contains(&(*ty, choice)) {
                choice = (choice + 1) % POOL;
            }
            used.push((*ty, choice));
            name.name = format!("{}{choice}", prefix(*ty)).into();
        }
        instruction.guard = self.guard.map(|(register, negated)| Guard {
            predicate: Ident { name: format!("%tp{register}").into(), span: Span::default() },
            negated,
        });
        instruction
    }
}

/// Words that are numbers at the edges as well as any.
fn word() -> impl Strategy<Value = u64> {
    const EDGES: [u64; 22] = [
        0,
        1,
        u64::MAX,
        0x8000_0000_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_8000_0000,
        0x7fff_ffff_7fff_ffff,
        0x3f80_0000_bf80_0000,
        0x7f80_0000_ff80_0000,
        0x7fc0_0000_7fff_ffff,
        0x007f_ffff_0080_0000,
        0x7f7f_ffff_4b80_0001,
        0x3ff0_0000_0000_0000,
        0xbfe0_0000_0000_0001,
        0x7ff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        0x000f_ffff_ffff_ffff,
        0x7fef_ffff_ffff_ffff,
        0x3c00_bc00_7bff_0001,
        0x7c00_fc00_7e00_83ff,
        0x3f80_bf80_7f7f_0080,
        0x0000_001f_0000_0020,
    ];
    prop_oneof![any::<u64>(), prop::sample::select(&EDGES[..]), any::<u32>().prop_map(u64::from)]
}

/// Registers that each thread loads: two words of the input a register.
fn prologue() -> String {
    let mut text = String::new();
    for (_, ty, prefix) in TYPES {
        let _ = writeln!(text, ".reg .{ty} {prefix}<{POOL}>;");
    }
    text +=
        ".reg .b64 %out, %in, %x, %y; .reg .b32 %i, %w; ld.param.u64 %out, [out]; ld.param.u64 %in, [in];\n";
    let bytes = TYPES.len() * POOL * SLOT;
    let _ = writeln!(text, "mov.u32 %i, %tid.x; mad.wide.u32 %in, %i, {bytes}, %in;");
    for (t, (ty, name, prefix)) in TYPES.iter().enumerate() {
        for i in 0..POOL {
            let at = (t * POOL + i) * SLOT;
            let _ = match ty {
                Type::Pred => {
                    writeln!(
                        text,
                        "ld.global.u32 %w, [%in+{at}]; and.b32 %w, %w, 1; setp.ne.u32 {prefix}{i}, %w, 0;"
                    )
                }
                Type::B128 => writeln!(
                    text,
                    "ld.global.v2.b64 {{%x, %y}}, [%in+{at}]; mov.b128 {prefix}{i}, {{%x, %y}};"
                ),
                _ => writeln!(text, "ld.global.{name} {prefix}{i}, [%in+{at}];"),
            };
        }
    }
    text
}

/// The program, its instructions and for each the registers it writes.
fn program(steps: &[Step]) -> (String, Vec<(Instruction, Vec<String>)>) {
    let mut text = format!(
        ".version 8.8\n.target sm_100a\n.address_size 64\n.visible .entry k(.param .u64 out, .param .u64 in)\n{{\n{}",
        prologue()
    );
    let _ = writeln!(text, "mad.wide.u32 %out, %i, {}, %out;", steps.len() * RESULTS * SLOT);
    let mut all = Vec::new();
    for (s, step) in steps.iter().enumerate() {
        let mut instruction = step.instruction();
        let _ = writeln!(text, "{}", show(&instruction));
        let count = written(&mut instruction);
        let targets: Vec<String> =
            registers(&mut instruction).iter().take(count).map(|name| name.name.to_string()).collect();
        for (k, target) in targets.iter().enumerate() {
            let at = (s * RESULTS + k) * SLOT;
            let (ty, name, _) = TYPES.iter().find(|(.., prefix)| target.starts_with(prefix)).unwrap();
            let _ = match ty {
                Type::Pred => writeln!(text, "selp.u32 %w, 1, 0, {target}; st.global.u32 [%out+{at}], %w;"),
                Type::B128 => {
                    writeln!(text, "mov.b128 {{%x, %y}}, {target}; st.global.v2.b64 [%out+{at}], {{%x, %y}};")
                }
                _ => writeln!(text, "st.global.{name} [%out+{at}], {target};"),
            };
        }
        all.push((instruction, targets));
    }
    text += "ret;\n}\n";
    (text, all)
}

fn word_at(bytes: &[u8], at: usize, width: u32) -> u128 {
    let mut word = [0; 16];
    word.copy_from_slice(&bytes[at..at + 16]);
    let word = u128::from_le_bytes(word);
    if width == 128 { word } else { word & ((1 << width) - 1) }
}

fn check(steps: &[Step], input: &[u64]) {
    let (text, instructions) = program(steps);
    let loaded = Program::load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let memory = GlobalMemory::new(16 << 20).unwrap();
    let instance = loaded.instantiate(&memory).unwrap();
    let a_thread = TYPES.len() * POOL * SLOT;
    let data: Vec<u8> =
        input.iter().cycle().flat_map(|word| word.to_le_bytes()).take(a_thread * THREADS as usize).collect();
    let size = steps.len() * RESULTS * SLOT * THREADS as usize;
    let (out, inp) = (memory.allocate(size as u64).unwrap(), memory.allocate(data.len() as u64).unwrap());
    memory.copy_in(inp, &data).unwrap();
    memory.copy_in(out, &vec![0; size]).unwrap();
    let params: Vec<u8> = [out, inp].iter().flat_map(|word| word.to_le_bytes()).collect();
    let config =
        LaunchConfig { grid: [1; 3], block: [THREADS, 1, 1], dynamic_shared_bytes: 0, params: &params };
    launch(&instance, loaded.kernel("k").unwrap(), &config, &memory, &Options::default()).unwrap();
    let mut results = vec![0; size];
    memory.copy_out(out, &mut results).unwrap();

    for thread in 0..THREADS as usize {
        let mut lane = Lane::default();
        for (t, (ty, _, prefix)) in TYPES.iter().enumerate() {
            for i in 0..POOL {
                let at = thread * a_thread + (t * POOL + i) * SLOT;
                let value = word_at(&data, at, width_of(*ty));
                lane.declare(&Statement::Registers(pipe_ptx::ast::RegisterDeclaration {
                    vector: 1,
                    ty: *ty,
                    name: Ident { name: format!("{prefix}{i}").into(), span: Span::default() },
                    count: None,
                }));
                lane.registers.insert(format!("{prefix}{i}"), value);
            }
        }
        for (s, (instruction, targets)) in instructions.iter().enumerate() {
            let writes = if lane.runs(instruction) { lane.evaluate(instruction) } else { Vec::new() };
            for (k, target) in targets.iter().enumerate() {
                let width = width_of(lane.type_of(target));
                let at = (thread * steps.len() + s) * RESULTS * SLOT + k * SLOT;
                let got = word_at(&results, at, width);
                let write = writes.iter().find(|write| write.register == *target);
                let (fits, want) = match write {
                    Some(write) => (write.allows(got), write.bits()),
                    None => (got == lane.registers[target], lane.registers[target]),
                };
                assert!(
                    fits,
                    "thread {thread}: {} gives {target} = {got:#x}, not {want:#x}; of {:x?}",
                    show(instruction),
                    lane.registers
                );
                lane.registers.insert(target.clone(), got);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn straight_lines_agree(
        steps in prop::collection::vec(step(), 1..40),
        input in prop::collection::vec(word(), 61),
    ) {
        check(&steps, &input);
    }
}

/// Every instruction once, so that none depends on luck.
#[test]
fn every_instruction_agrees_on_random_numbers() {
    use proptest::{
        strategy::ValueTree,
        test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
    };

    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    assert!(TEMPLATES.len() > 1000, "only {} instructions", TEMPLATES.len());
    let count = TEMPLATES.len();
    for first in (0..count).step_by(32) {
        let mut steps = Vec::new();
        for index in first..(first + 32).min(count) {
            let mut step = step().new_tree(&mut runner).unwrap().current();
            step.template = index;
            step.guard = None;
            steps.push(step);
        }
        let input = prop::collection::vec(word(), 61).new_tree(&mut runner).unwrap().current();
        check(&steps, &input);
    }
}
