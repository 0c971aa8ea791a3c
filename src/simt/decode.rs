//! From the syntax tree to decoded instructions: types resolved, registers numbered, immediates and addresses turned
//! into constants.
//!
//! Anything that cannot be executed is a diagnostic here, with its line, and never a surprise at run time. Every
//! instruction is looked at, so that all problems of a module are reported at once.
//!
//! An instruction that the op table has as one row becomes one [`Instruction`]; the others become one that counts and
//! some helpers that do not.

mod arithmetic;
mod async_copy;
mod atomic;
mod call;
mod control;
mod convert;
mod function;
mod hints;
mod matrix;
mod mbarrier;
mod memory;
mod operand;
mod scope;
mod value;
mod variable;
pub(crate) mod video;
mod warp;
mod wmma;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use pipe_ptx::ast::{self, Span};

use crate::{
    instruction::{Constant, Guard, Instruction, Place, Tables},
    isa::{Code, ROWS, Row},
    lane::float::Modifiers,
    registers::{File, Slot},
};
use call::Frame;
pub(crate) use call::Routine;
pub(crate) use control::{BarrierMode, arrives_by_thread};
pub(crate) use function::{FunctionId, Functions};
use scope::{Callees, LabelId, Scope};
pub(crate) use variable::{ModuleVariables, Target};
pub(crate) use warp::{ReduceMode, VoteMode};

/// What is wrong with an instruction or declaration.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Problem {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Problem { span, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

type Outcome<T = ()> = Result<T, Problem>;

/// A kernel's code before slots are given to its registers.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) code: Vec<Instruction>,
    /// For each instruction its place in the source.
    pub(crate) spans: Vec<Span>,
    /// For each instruction whether it counts; helpers do not.
    pub(crate) counted: Vec<bool>,
    /// For each branch, by its index in `code`, where it goes.
    pub(crate) targets: HashMap<u32, u32>,
    pub(crate) tables: Tables,
    /// How many virtual registers each file has.
    pub(crate) registers: [usize; 3],
    /// The functions that the kernel can reach; their code follows the kernel's own.
    pub(crate) routines: Vec<Routine>,
    pub(crate) params: Vec<Param>,
    pub(crate) param_bytes: u32,
    pub(crate) static_shared_bytes: u32,
    pub(crate) local_bytes: u32,
}

/// A kernel parameter's place in the parameter bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Byte offset in the parameter buffer.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Alignment, in bytes.
    pub align: u32,
}

/// Decodes a kernel and the functions that it can reach.
pub(crate) fn kernel(
    function: &ast::Function,
    body: &[ast::Statement],
    variables: &ModuleVariables,
    functions: &Functions<'_>,
    problems: &mut Vec<Problem>,
) -> Decoded {
    let mut decoder = Decoder::new(variables, functions);
    let first = problems.len();
    let reachable = functions.reachable(body);
    decoder.routine_of = reachable.iter().zip(0..).map(|(id, index)| (*id, index)).collect();
    let others = reachable.iter().filter_map(|id| functions.get(*id)?.body.as_deref());
    let bodies: Vec<_> = std::iter::once(body).chain(others).collect();
    let params = decoder.place_params(&function.params, problems);
    decoder.place_shared(&bodies, problems);
    decoder.block(body, problems);
    // Falling off the end returns.
    decoder.span = function.name.span;
    decoder.guard = Guard::NONE;
    if problems.len() == first {
        decoder.count(Instruction::new(Code::Exit));
    }
    decoder.end_frame();
    for (id, index) in reachable.into_iter().zip(0..) {
        decoder.function(index, id, problems);
    }
    if problems.len() == first {
        decoder.lay_out_frames();
        if let Err(problem) = decoder.check_sizes(function) {
            problems.push(problem);
        }
    }
    decoder.finish(params)
}

/// Turns statements into instructions.
struct Decoder<'m> {
    variables: &'m ModuleVariables,
    functions: &'m Functions<'m>,
    /// Indices of the functions that the kernel can reach.
    routine_of: HashMap<FunctionId, u32>,
    routines: Vec<Routine>,
    /// The frame of the function at hand, and those that are complete.
    frame: Frame,
    frames: Vec<Frame>,
    scopes: Vec<Scope>,
    /// Where each label stands, once it is reached.
    labels: Vec<Option<u32>>,
    branches: Vec<(u32, LabelId)>,
    branch_lists: Vec<Vec<LabelId>>,
    code: Vec<Instruction>,
    spans: Vec<Span>,
    counted: Vec<bool>,
    tables: Tables,
    constants: HashMap<(File, Constant), Slot>,
    registers: [usize; 3],
    /// The predicate that holds `CC.CF`, once it is used.
    carry: Option<Slot>,
    shared_bytes: u32,
    local_bytes: u32,
    param_bytes: u32,
    /// The statement at hand, and its guard.
    span: Span,
    guard: Guard,
}

/// Rows by opcode.
static BY_OPCODE: LazyLock<HashMap<&str, Vec<&Row>>> = LazyLock::new(|| {
    let mut map: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in ROWS {
        let opcodes = row.spelling.split('.').next().unwrap_or_default();
        for opcode in opcodes.split('|') {
            map.entry(opcode).or_default().push(row);
        }
    }
    map
});

/// The row whose spelling fits, and the `.ftz`, `.sat` and `.relu` it was given.
fn row(opcode: &str, modifiers: &[&str]) -> Option<(&'static Row, Modifiers)> {
    BY_OPCODE.get(opcode)?.iter().find_map(|row| Some((*row, fit(row.spelling, modifiers)?)))
}

/// Matches modifiers against a spelling.
fn fit(spelling: &str, modifiers: &[&str]) -> Option<Modifiers> {
    let mut given = modifiers.iter().copied().peekable();
    let mut flags = 0;
    for pattern in spelling.split('.').skip(1) {
        let (choices, optional) = match pattern.strip_suffix('?') {
            Some(choices) => (choices, true),
            None => (pattern, false),
        };
        let found = given.next_if(|modifier| choices.split('|').any(|choice| choice == *modifier));
        match found {
            Some("ftz") if optional => flags |= Modifiers::FTZ,
            Some("sat") if optional => flags |= Modifiers::SAT,
            Some("relu") if optional => flags |= Modifiers::RELU,
            None if !optional => return None,
            _ => {}
        }
    }
    given.next().is_none().then_some(Modifiers(flags))
}

/// An instruction being decoded: its parts at hand.
struct Parts<'a> {
    opcode: &'a str,
    modifiers: Vec<&'a str>,
    operands: &'a [ast::Operand],
    span: Span,
}

impl<'a> Parts<'a> {
    fn of(instruction: &'a ast::Instruction) -> Self {
        Parts {
            opcode: &instruction.opcode.name,
            modifiers: instruction.modifiers.iter().map(|modifier| &*modifier.name).collect(),
            operands: &instruction.operands,
            span: instruction.span,
        }
    }

    /// As written, without operands.
    fn mnemonic(&self) -> String {
        let mut text = self.opcode.to_owned();
        for modifier in &self.modifiers {
            text.push('.');
            text.push_str(modifier);
        }
        text
    }

    /// The diagnostic for an instruction that is not there.
    fn unsupported(&self) -> Problem {
        let problem = Problem::new(self.span, format!("instruction `{}` is not supported", self.mnemonic()));
        match BY_OPCODE.get(self.opcode) {
            Some(rows) => {
                let forms: Vec<_> = rows.iter().take(8).map(|row| format!("`{}`", row.spelling)).collect();
                problem.help(format!("forms of `{}` include {}", self.opcode, forms.join(", ")))
            }
            None => problem,
        }
    }

    /// A problem with the instruction as a whole.
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.span, message)
    }

    /// The operands, if there are exactly so many.
    fn exactly<const N: usize>(&self) -> Outcome<&'a [ast::Operand; N]> {
        self.operands.try_into().map_err(|_| {
            self.problem(format!("`{}` takes {N} operands, not {}", self.mnemonic(), self.operands.len()))
        })
    }

    fn has(&self, modifier: &str) -> bool {
        self.modifiers.contains(&modifier)
    }
}

impl<'m> Decoder<'m> {
    fn new(variables: &'m ModuleVariables, functions: &'m Functions<'m>) -> Self {
        Decoder {
            variables,
            functions,
            routine_of: HashMap::new(),
            routines: Vec::new(),
            frame: Frame::default(),
            frames: Vec::new(),
            scopes: vec![Scope::default()],
            labels: Vec::new(),
            branches: Vec::new(),
            branch_lists: Vec::new(),
            code: Vec::new(),
            spans: Vec::new(),
            counted: Vec::new(),
            tables: Tables::default(),
            constants: HashMap::new(),
            registers: [0; 3],
            carry: None,
            shared_bytes: 0,
            local_bytes: 0,
            param_bytes: 0,
            span: Span::default(),
            guard: Guard::NONE,
        }
    }

    /// Decodes the statements of one scope.
    fn block(&mut self, statements: &[ast::Statement], problems: &mut Vec<Problem>) {
        self.scopes.push(Scope::default());
        for statement in statements {
            match statement {
                ast::Statement::Label(name) => {
                    let id = self.labels.len();
                    self.labels.push(None);
                    self.scope().labels.insert(Arc::clone(&name.name), id);
                }
                ast::Statement::BranchTargets { name, targets } => {
                    self.scope().branch_targets.insert(Arc::clone(&name.name), targets.clone());
                }
                ast::Statement::CallTargets { name, targets } => {
                    let callees = Callees::Targets(targets.clone());
                    self.scope().callees.insert(Arc::clone(&name.name), callees);
                }
                ast::Statement::CallPrototype { name, returns, params, .. } => {
                    let callees = Callees::Prototype { returns: returns.clone(), params: params.clone() };
                    self.scope().callees.insert(Arc::clone(&name.name), callees);
                }
                _ => {}
            }
        }
        for statement in statements {
            match statement {
                ast::Statement::Label(name) => {
                    if let Some(id) = self.label(&name.name) {
                        self.labels[id] = Some(self.code.len() as u32);
                    }
                }
                ast::Statement::Instruction(instruction) => {
                    if let Err(problem) = self.instruction(instruction) {
                        problems.push(problem);
                    }
                }
                ast::Statement::Registers(declaration) => {
                    if let Err(problem) = self.declare_registers(declaration) {
                        problems.push(problem);
                    }
                }
                ast::Statement::Variable(variable) => {
                    if let Err(problem) = self.declare_variable(variable) {
                        problems.push(problem);
                    }
                }
                ast::Statement::Block(inner) => self.block(inner, problems),
                // Entered above: they may come after the instruction that names them.
                ast::Statement::BranchTargets { .. }
                | ast::Statement::CallTargets { .. }
                | ast::Statement::CallPrototype { .. }
                | ast::Statement::Directive(_) => {}
            }
        }
        self.scopes.pop();
    }

    fn instruction(&mut self, instruction: &ast::Instruction) -> Outcome {
        self.span = instruction.span;
        self.guard = Guard::NONE;
        if let Some(guard) = &instruction.guard {
            let predicate = self.predicate_register(&guard.predicate)?;
            self.guard = Guard::new(predicate, guard.negated);
        }
        let mut parts = Parts::of(instruction);
        let spread: Vec<_> = parts.operands.iter().map(|operand| self.spread(operand)).collect();
        let operands: Vec<_>;
        if spread.iter().any(Option::is_some) {
            let both = spread.into_iter().zip(parts.operands);
            operands = both.map(|(list, operand)| list.unwrap_or_else(|| operand.clone())).collect();
            parts.operands = &operands;
        }
        match parts.opcode {
            "mov" => self.mov(&parts),
            "setp" => self.setp(&parts),
            "set" => self.set(&parts),
            "cvt" => self.cvt(&parts),
            "cvta" => self.cvta(&parts),
            "isspacep" => self.isspacep(&parts),
            "lop3" => self.lop3(&parts),
            "add" | "addc" | "sub" | "subc" | "mad" | "madc" if arithmetic::is_carry_chain(&parts) => {
                self.carry_chain(&parts)
            }
            "add" | "sub" | "fma" if arithmetic::is_mixed(&parts) => self.mixed(&parts),
            "min" | "max" if parts.operands.len() == 4 => self.three_inputs(&parts),
            "and" | "or" | "xor" | "not" if parts.has("pred") => self.predicate_logic(&parts),
            "ld" | "ldu" => self.load(&parts),
            "st" => self.store(&parts),
            "atom" | "red" => self.atomic(&parts),
            "prefetch" | "prefetchu" | "discard" | "applypriority" => self.hint(&parts, Code::Prefetch),
            "createpolicy" => self.create_policy(&parts),
            "cp" => self.copy(&parts),
            "mbarrier" => self.mbarrier(&parts),
            "ldmatrix" => self.load_matrix(&parts),
            "stmatrix" => self.store_matrix(&parts),
            "movmatrix" => self.move_matrix(&parts),
            "mma" => self.multiply(&parts),
            "wmma" => self.wmma(&parts),
            "shfl" => self.shuffle(&parts),
            "vote" => self.vote(&parts),
            "match" => self.match_lanes(&parts),
            "activemask" => self.active_mask(&parts),
            "redux" => self.reduce(&parts),
            "elect" => self.elect(&parts),
            "bar" | "barrier" => self.barrier(&parts),
            "membar" | "fence" => self.hint(&parts, Code::Fence),
            "bra" => self.branch(&parts),
            "brx" => self.branch_indexed(&parts),
            "call" => self.call(&parts),
            "ret" => self.ret(&parts),
            "exit" => self.exit(&parts, Code::Exit),
            "trap" | "brkpt" => self.exit(&parts, Code::Trap),
            "nanosleep" => self.sleep(&parts),
            "pmevent" => self.hint(&parts, Code::Pause),
            "griddepcontrol" => self.depend_on_grids(&parts),
            "setmaxnreg" => self.share_registers(&parts),
            opcode if video::is_video(opcode) => self.video(&parts),
            _ => self.lane_op(&parts),
        }
    }

    /// An instruction that is a row of the op table.
    fn lane_op(&mut self, parts: &Parts<'_>) -> Outcome {
        let (row, modifiers) = row(parts.opcode, &parts.modifiers).ok_or_else(|| parts.unsupported())?;
        self.emit_row(parts, row, modifiers, parts.operands)
    }

    /// Decodes `operands`, the destination first, by a row and emits it.
    fn emit_row(
        &mut self,
        parts: &Parts<'_>,
        row: &'static Row,
        modifiers: Modifiers,
        operands: &[ast::Operand],
    ) -> Outcome {
        let wanted = row.inputs.len() + 1;
        let [destination, sources @ ..] = operands else {
            return Err(parts.problem(format!("`{}` takes {wanted} operands, not 0", parts.mnemonic())));
        };
        if sources.len() + 1 != wanted {
            return Err(parts.problem(format!(
                "`{}` takes {wanted} operands, not {}",
                parts.mnemonic(),
                operands.len()
            )));
        }
        let mut instruction = Instruction::new(row.code);
        instruction.m = modifiers.0;
        let slots = [&mut instruction.a, &mut instruction.b, &mut instruction.c, &mut instruction.e];
        for ((slot, kind), source) in slots.into_iter().zip(row.inputs).zip(sources) {
            *slot = self.source(source, *kind)?;
        }
        instruction.d = self.destination(destination, row.output)?;
        self.count(instruction);
        Ok(())
    }

    /// Adds the instruction that stands for the statement at hand, under its guard.
    fn count(&mut self, instruction: Instruction) {
        self.code.push(Instruction { guard: self.guard, ..instruction });
        self.spans.push(self.span);
        self.counted.push(true);
    }

    /// Adds an instruction that the statement at hand needs besides, which does not count.
    fn help(&mut self, instruction: Instruction) {
        self.count(instruction);
        if let Some(counted) = self.counted.last_mut() {
            *counted = false;
        }
    }

    /// A fresh register.
    fn fresh(&mut self, file: File) -> Slot {
        let count = &mut self.registers[file as usize];
        *count += 1;
        // Past the limit the number means nothing; `check_sizes` reports it.
        (*count - 1).min(usize::from(Slot::MAX - 1)) as Slot
    }

    /// Slots and indices are 16 bits wide.
    fn check_sizes(&self, function: &ast::Function) -> Outcome {
        let limit = usize::from(Slot::MAX >> 1);
        let largest = self
            .registers
            .iter()
            .copied()
            .chain([
                self.tables.accesses.len(),
                self.tables.conversions.len(),
                self.tables.videos.len(),
                self.tables.products.len(),
                self.tables.calls.len(),
            ])
            .max()
            .unwrap_or(0);
        if largest < limit {
            return Ok(());
        }
        Err(Problem::new(
            function.name.span,
            format!(
                "kernel `{}` uses {largest} registers or accesses, more than {limit}",
                function.name.name
            ),
        ))
    }

    fn finish(mut self, params: Vec<Param>) -> Decoded {
        let targets = self
            .branches
            .iter()
            .filter_map(|(branch, label)| Some((*branch, self.labels[*label]?)))
            .collect();
        let resolved =
            |labels: &Vec<LabelId>| labels.iter().filter_map(|label| self.labels[*label]).collect();
        self.tables.branch_lists = self.branch_lists.iter().map(resolved).collect();
        self.tables.constants = self
            .constants
            .iter()
            .map(|((file, constant), slot)| (Place { file: *file, slot: *slot }, *constant))
            .collect();
        self.tables.constants.sort_by_key(|(place, _)| (place.file, place.slot));
        Decoded {
            code: self.code,
            spans: self.spans,
            counted: self.counted,
            targets,
            tables: self.tables,
            registers: self.registers,
            routines: self.routines,
            params,
            param_bytes: self.param_bytes,
            static_shared_bytes: self.shared_bytes,
            local_bytes: self.local_bytes,
        }
    }
}

/// Every name that occurs as an operand in a body, to know which module variables a kernel uses.
fn operand_names(statements: &[ast::Statement], names: &mut HashSet<Arc<str>>) {
    fn of_operand(operand: &ast::Operand, names: &mut HashSet<Arc<str>>) {
        match operand {
            ast::Operand::Name(name) | ast::Operand::Not(name) | ast::Operand::Negated(name) => {
                names.insert(Arc::clone(&name.name));
            }
            ast::Operand::Offset { symbol, .. } | ast::Operand::Element { symbol, .. } => {
                names.insert(Arc::clone(&symbol.name));
            }
            ast::Operand::Address(address) => {
                names.extend(address.base.iter().map(|base| Arc::clone(&base.name)));
            }
            ast::Operand::Vector(inner, _) | ast::Operand::List(inner, _) => {
                inner.iter().for_each(|operand| of_operand(operand, names));
            }
            ast::Operand::Pair(a, b) => {
                of_operand(a, names);
                of_operand(b, names);
            }
            ast::Operand::Literal(..) => {}
        }
    }
    for statement in statements {
        match statement {
            ast::Statement::Instruction(instruction) => {
                instruction.operands.iter().for_each(|operand| of_operand(operand, names));
            }
            ast::Statement::Block(inner) => operand_names(inner, names),
            ast::Statement::CallTargets { targets, .. } => {
                names.extend(targets.iter().map(|target| Arc::clone(&target.name)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_matched_with_options_and_alternatives() {
        let found = |text: &str| {
            let mut parts = text.split('.');
            let opcode = parts.next().unwrap();
            row(opcode, &parts.collect::<Vec<_>>()).map(|(row, modifiers)| (row.code, modifiers.0))
        };
        assert_eq!(found("add.s32"), Some((Code::AddI32, 0)));
        assert_eq!(found("add.rn.ftz.sat.f32"), Some((Code::AddF32, Modifiers::FTZ | Modifiers::SAT)));
        assert_eq!(found("mad.rn.f32"), Some((Code::FmaF32, 0)));
        assert_eq!(found("div.full.ftz.f32"), Some((Code::DivF32, Modifiers::FTZ)));
        assert_eq!(found("add.rz.ftz.f32"), Some((Code::AddRzF32, Modifiers::FTZ)));
        assert_eq!(found("add.sat.s32"), Some((Code::AddSatS32, 0)));
        assert_eq!(found("add.rzi.f32"), None);
        assert_eq!(found("add"), None);
        assert_eq!(found("add.s32.s32"), None);
    }

    /// What the spelling's first alternative without options reads.
    fn plainest(spelling: &str) -> String {
        let choice = |pattern: &str| pattern.split('|').next().unwrap_or_default().to_owned();
        spelling.split('.').filter(|p| !p.ends_with('?')).map(choice).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn every_row_is_found_by_its_own_spelling() {
        for wanted in ROWS {
            let text = plainest(wanted.spelling);
            let mut parts = text.split('.');
            let opcode = parts.next().unwrap_or_default();
            let modifiers: Vec<_> = parts.collect();
            let found = row(opcode, &modifiers).map(|(row, _)| row.code);
            assert_eq!(found, Some(wanted.code), "{text} is taken by another row");
        }
    }
}
