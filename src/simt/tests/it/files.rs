//! PTX test files: `tests/ptx/*.ptx`. Each is PTX that an assembler takes, with tests in comments, so that one file can
//! test any executor.
//!
//! ```text
//! // out: u32, f32~2ulp
//! .visible .entry name(.param .u64 out, .param .u32 a, .param .u64 b) { … }
//! // run: name(7, [u32: 1, 2, 3 * 4]) == 8, 0f3f800000
//! // run: name<<<2, 32>>>(7, [f32: 0.5 * 64]) == 8 * 64
//! // run: name(7, [u32: 1]) traps: misaligned
//! ```
//!
//! - The first parameter points to the results. `// out:` before a kernel says what they are: types laid out as a C
//!   struct has them, `pred` being a `u32`. The list repeats for as long as a run has values, which makes results of
//!   many threads an array.
//! - The other parameters are numbers, or `[type: values]`: a global array of those, whose address is passed.
//! - `<<<grid, block, bytes>>>` are blocks, threads a block and bytes of dynamic shared memory; `<<<1, 1>>>` if absent.
//!   `value * n` stands for `n` equal ones.
//! - Values are decimal, `0x…`, the bits of a float as `0f…` or `0d…`, or `nan`, which is any NaN. Halves and pairs are
//!   given as bits.
//! - `~` gives the distance the ISA allows: `2ulp`; `2^-20.5`, times the value where that is above 1; `2^-11rel`, of the
//!   value but at least an ulp. Without it results agree to the bit.
//! - `traps:` runs until a trap whose message has that text.
//!
//! A file's `.target` has all its instructions; `scripts/check-ptxas` assembles each for it. Every code and every form of
//! the op table must be in a kernel that a run names (`isa/coverage.rs`), and the [random
//! programs](crate::straight_lines) are made of what stands here.
//!
//! A new test of arithmetic may have `?` for its values: `PIPE_BLESS=1 cargo test -p pipe-simt --test it files` has
//! them filled in by the [evaluator](crate::evaluator), never by the executor under test.

use std::{fmt::Write as _, fs, path::PathBuf};

use pipe_ptx::ast::{Function, Item, Space, Type};
use pipe_simt::{GlobalMemory, LaunchConfig, LaunchError, Options, Program, launch};

use crate::evaluator::{
    self, Slack,
    exact::{BF16, F16, F32, F64, Format},
    width_of,
};

/// One of the results.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    ty: String,
    bound: Option<Bound>,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Ulps(f64),
    Absolute(f64),
    Relative(f64),
}

/// A `// run:` line.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) line: usize,
    pub(crate) kernel: String,
    grid: u32,
    block: u32,
    shared: u32,
    arguments: Vec<String>,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Values(Vec<String>),
    Trap(String),
    /// `?`
    Unknown,
}

/// A test file.
pub(crate) struct TestFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) module: pipe_ptx::ast::Module,
    /// By kernel.
    columns: Vec<(String, Vec<Column>)>,
    pub(crate) runs: Vec<Run>,
}

/// Bits of a type as results have it.
fn bits_of(ty: &str) -> u32 {
    match ty {
        "pred" => 32,
        "f16x2" | "bf16x2" => 32,
        "f32x2" => 64,
        _ => ty.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap(),
    }
}

/// The float formats of the parts of a type.
fn parts_of(ty: &str) -> Option<(Format, u32)> {
    Some(match ty {
        "f16" => (F16, 1),
        "bf16" => (BF16, 1),
        "f32" => (F32, 1),
        "f64" => (F64, 1),
        "f16x2" => (F16, 2),
        "bf16x2" => (BF16, 2),
        "f32x2" => (F32, 2),
        _ => return None,
    })
}

fn parse_bound(text: &str) -> Bound {
    let power = |text: &str| text.strip_prefix("2^").unwrap().parse::<f64>().unwrap().exp2();
    if let Some(count) = text.strip_suffix("ulp") {
        Bound::Ulps(count.parse().unwrap())
    } else if let Some(relative) = text.strip_suffix("rel") {
        Bound::Relative(power(relative))
    } else {
        Bound::Absolute(power(text))
    }
}

/// A value's bits; `None` for any NaN.
fn parse_value(text: &str, ty: &str) -> Option<u64> {
    if text == "nan" {
        return None;
    }
    if let Some(hex) = ["0x", "0f", "0d"].iter().find_map(|prefix| text.strip_prefix(prefix)) {
        return Some(u64::from_str_radix(hex, 16).unwrap_or_else(|_| panic!("{text} is no number")));
    }
    let bits = match ty {
        "f32" => u64::from(text.parse::<f32>().unwrap().to_bits()),
        "f64" => text.parse::<f64>().unwrap().to_bits(),
        _ => text.parse::<i128>().unwrap_or_else(|_| panic!("{text} is no number")) as u64,
    };
    Some(if bits_of(ty) == 64 { bits } else { bits & ((1 << bits_of(ty)) - 1) })
}

/// Values at commas, `v * n` repeated.
fn values(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        match item.split_once(" * ") {
            Some((value, count)) => all.extend(std::iter::repeat_n(value.to_owned(), count.parse().unwrap())),
            None => all.push(item.to_owned()),
        }
    }
    all
}

/// Arguments at commas outside brackets.
fn arguments(text: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all.iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

fn parse_run(text: &str, line: usize) -> Run {
    let (head, expected) = match text.split_once(" == ") {
        Some((head, "?")) => (head, Expected::Unknown),
        Some((head, list)) => (head, Expected::Values(values(list))),
        None => {
            let (head, trap) = text.split_once(" traps: ").unwrap_or_else(|| panic!("line {line}: no `==`"));
            (head, Expected::Trap(trap.to_owned()))
        }
    };
    let (head, list) = head.trim().strip_suffix(')').and_then(|head| head.split_once('(')).unwrap();
    let (kernel, shape) = match head.split_once("<<<") {
        Some((kernel, shape)) => (kernel, values(shape.trim_end_matches(">>>"))),
        None => (head, Vec::new()),
    };
    let number = |i: usize, default| shape.get(i).map_or(default, |text: &String| text.parse().unwrap());
    Run {
        line,
        kernel: kernel.trim().to_owned(),
        grid: number(0, 1),
        block: number(1, 1),
        shared: number(2, 0),
        arguments: arguments(list),
        expected,
    }
}

/// Every test file, in the order of their names.
pub(crate) fn all() -> Vec<TestFile> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ptx");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ptx"));
    paths.sort();
    assert!(!paths.is_empty());
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> TestFile {
    let text = fs::read_to_string(&path).unwrap();
    let module = pipe_ptx::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut columns, mut runs, mut pending) = (Vec::new(), Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        if let Some(list) = line.strip_prefix("// out: ") {
            let column = |item: &str| match item.trim().split_once('~') {
                Some((ty, bound)) => Column { ty: ty.to_owned(), bound: Some(parse_bound(bound)) },
                None => Column { ty: item.trim().to_owned(), bound: None },
            };
            pending = list.split(',').map(column).collect();
        } else if let Some(text) = line.strip_prefix("// run: ") {
            runs.push(parse_run(text, index + 1));
        } else if let Some((_, rest)) = line.split_once(".entry ") {
            let name = rest.split(['(', ' ']).next().unwrap_or_default();
            columns.push((name.to_owned(), std::mem::take(&mut pending)));
        }
    }
    TestFile { path, text, module, columns, runs }
}

impl TestFile {
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap().to_string_lossy().into_owned()
    }

    pub(crate) fn function(&self, name: &str) -> &Function {
        let found = self.module.items.iter().find_map(|item| match item {
            Item::Function(function) if &*function.name.name == name => Some(function),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{} has no kernel {name}", self.name()))
    }

    /// The place and the column of so many results, and the bytes of all.
    fn layout(&self, kernel: &str, count: usize) -> (Vec<(usize, Column)>, usize) {
        let (_, columns) = self.columns.iter().find(|(name, _)| name == kernel).unwrap();
        let align = columns.iter().map(|column| bits_of(&column.ty) as usize / 8).max().unwrap_or(1);
        let (mut places, mut at) = (Vec::new(), 0usize);
        for i in 0..count {
            let column = &columns[i % columns.len()];
            let size = bits_of(&column.ty) as usize / 8;
            at = at.next_multiple_of(if i > 0 && i % columns.len() == 0 { align } else { size });
            places.push((at, column.clone()));
            at += size;
        }
        (places, at.next_multiple_of(align))
    }
}

impl Column {
    /// Whether a result will do for the expected one.
    fn allows(&self, expected: Option<u64>, got: u64) -> bool {
        if expected == Some(got) {
            return true;
        }
        let Some((format, count)) = parts_of(&self.ty) else { return false };
        (0..count).all(|i| {
            let cut = |bits: u64| u128::from(bits >> (i * format.bits())) & ((1 << format.bits()) - 1);
            let got = cut(got);
            let Some(expected) = expected.map(cut) else { return format.is_nan(got) };
            let (want, have) = (format.to_f64(expected), format.to_f64(got));
            let bound = match self.bound {
                _ if expected == got => return true,
                None => return false,
                Some(Bound::Ulps(count)) => count * format.ulp(want),
                Some(Bound::Absolute(bound)) => bound * want.abs().max(1.0),
                Some(Bound::Relative(bound)) => (bound * want.abs()).max(format.ulp(want)),
            };
            // Half an ulp more: what is written down is rounded itself.
            (have - want).abs() <= bound + format.ulp(want) / 2.0
        })
    }

    /// Bits as a value of a run.
    fn show(&self, bits: u64) -> String {
        match &self.ty[..] {
            "f32" => format!("0f{bits:08x}"),
            "f64" => format!("0d{bits:016x}"),
            ty if ty.starts_with('s') => {
                let width = bits_of(ty);
                format!("{}", ((bits << (64 - width)) as i64) >> (64 - width))
            }
            ty if ty.starts_with('u') && bits < 100_000 || ty == "pred" => format!("{bits}"),
            _ => format!("{bits:#x}"),
        }
    }
}

/// Runs a kernel on the executor: the bytes at its first parameter.
fn execute(program: &Program, function: &Function, run: &Run, bytes: usize) -> Result<Vec<u8>, LaunchError> {
    let memory = GlobalMemory::new(16 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let kernel = program.kernel(&run.kernel).unwrap();
    let out = memory.allocate(bytes.max(4) as u64).unwrap();
    memory.copy_in(out, &vec![0xa5; bytes.max(4)]).unwrap();
    let mut params = vec![0; kernel.param_bytes() as usize];
    assert_eq!(run.arguments.len() + 1, function.params.len(), "arguments of {}", run.kernel);
    for (i, param) in kernel.params().iter().enumerate() {
        let value = match i.checked_sub(1).map(|i| &run.arguments[i]) {
            None => out,
            Some(text) => match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                Some(array) => {
                    let (ty, list) = array.split_once(':').unwrap();
                    let size = bits_of(ty) as usize / 8;
                    let mut data = Vec::new();
                    for value in values(list) {
                        data.extend(&parse_value(&value, ty).unwrap().to_le_bytes()[..size]);
                    }
                    let address = memory.allocate(data.len().max(1) as u64).unwrap();
                    memory.copy_in(address, &data).unwrap();
                    address
                }
                None => parse_value(text, type_name(function.params[i].ty)).unwrap(),
            },
        };
        let (at, size) = (param.offset as usize, param.size as usize);
        params[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }
    let config = LaunchConfig {
        grid: [run.grid, 1, 1],
        block: [run.block, 1, 1],
        dynamic_shared_bytes: run.shared,
        params: &params,
    };
    let options = Options { instruction_budget: 1_000_000, ..Options::default() };
    launch(&instance, kernel, &config, &memory, &options)?;
    let mut result = vec![0; bytes];
    memory.copy_out(out, &mut result).unwrap();
    Ok(result)
}

/// How a scalar parameter's values are written.
fn type_name(ty: Type) -> &'static str {
    match (ty, width_of(ty)) {
        (Type::F32, _) => "f32",
        (Type::F64, _) => "f64",
        (_, 8) => "b8",
        (_, 16) => "b16",
        (_, 64) => "b64",
        _ => "b32",
    }
}

fn check(file: &TestFile, program: &Program, run: &Run) -> Result<(), String> {
    let place = || format!("{}:{}: {}", file.name(), run.line, run.kernel);
    let function = file.function(&run.kernel);
    let count = if let Expected::Values(list) = &run.expected { list.len() } else { 0 };
    let (places, bytes) = file.layout(&run.kernel, count);
    let outcome = execute(program, function, run, bytes);
    match (&run.expected, outcome) {
        (Expected::Unknown, _) => Err(format!("{}: no values yet", place())),
        (Expected::Trap(text), Err(LaunchError::Trap(trap))) if trap.to_string().contains(text) => Ok(()),
        (Expected::Trap(text), outcome) => {
            Err(format!("{}: expected a trap with '{text}', got {outcome:?}", place()))
        }
        (_, Err(error)) => Err(format!("{}: {error}", place())),
        (Expected::Values(list), Ok(bytes)) => {
            let mut wrong = String::new();
            for (i, (text, (at, column))) in list.iter().zip(places).enumerate() {
                let size = bits_of(&column.ty) as usize / 8;
                let mut word = [0; 8];
                word[..size].copy_from_slice(&bytes[at..at + size]);
                let got = u64::from_le_bytes(word);
                if !column.allows(parse_value(text, &column.ty), got) {
                    let _ = write!(wrong, " [{i}] {} for {text}", column.show(got));
                }
            }
            if wrong.is_empty() {
                Ok(())
            } else {
                Err(format!("{}({}):{wrong}", place(), run.arguments.join(", ")))
            }
        }
    }
}

#[test]
fn files_pass() {
    let mut failures = Vec::new();
    let mut runs = 0;
    for file in all() {
        let program = match Program::load(&file.text) {
            Ok(program) => program,
            Err(error) => {
                failures.push(format!("{} does not load: {error}", file.name()));
                continue;
            }
        };
        runs += file.runs.len();
        failures.extend(file.runs.iter().filter_map(|run| check(&file, &program, run).err()));
    }
    let shown = failures.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {runs} runs failed:\n{shown}", failures.len());
}

/// Whether the evaluator can run it: one thread, numbers only.
pub(crate) fn is_plain(run: &Run) -> bool {
    run.block == 1 && run.grid == 1 && !run.arguments.iter().any(|argument| argument.starts_with('['))
}

#[test]
fn files_agree_with_the_evaluator() {
    let bless = std::env::var_os("PIPE_BLESS").is_some();
    let mut failures = Vec::new();
    for file in all() {
        let mut lines: Vec<String> = file.text.lines().map(str::to_owned).collect();
        for run in file.runs.iter().filter(|run| is_plain(run)) {
            let function = file.function(&run.kernel);
            let kept = |(argument, param): (&String, &pipe_ptx::ast::Variable)| {
                assert_eq!(param.space, Space::Param);
                u128::from(parse_value(argument, type_name(param.ty)).unwrap())
            };
            let numbers: Vec<u128> = run.arguments.iter().zip(&function.params[1..]).map(kept).collect();
            let Some(results) = evaluator::run(function, &numbers) else { continue };
            let (places, _) = file.layout(&run.kernel, results.len());
            match &run.expected {
                Expected::Trap(_) => {}
                Expected::Unknown => {
                    let shown: Vec<String> = places
                        .iter()
                        .map(|(at, column)| {
                            let write = &results[&(*at as i64)];
                            let any = |part: &evaluator::Part| match part.slack {
                                Slack::Nan(_) => true,
                                Slack::Near { value, .. } => value.is_nan(),
                                Slack::None => false,
                            };
                            let nan = write.parts.len() == 1 && any(&write.parts[0]);
                            if nan { "nan".to_owned() } else { column.show(write.bits() as u64) }
                        })
                        .collect();
                    let line = &mut lines[run.line - 1];
                    *line = line.replace("== ?", &format!("== {}", shown.join(", ")));
                }
                Expected::Values(list) => {
                    for (text, (at, column)) in list.iter().zip(&places) {
                        let want = results[&(*at as i64)].bits() as u64;
                        if !column.allows(parse_value(text, &column.ty), want) {
                            let want = column.show(want);
                            failures.push(format!("{}:{}: {want}, not {text}", file.name(), run.line));
                        }
                    }
                }
            }
        }
        if bless {
            fs::write(&file.path, lines.join("\n") + "\n").unwrap();
        }
    }
    let shown = failures.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} values differ:\n{shown}", failures.len());
}
