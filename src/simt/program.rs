//! A loaded PTX module: its kernels, decoded and ready to run, and its variables.

use std::{
    collections::HashSet,
    ops::Range,
    sync::{Arc, OnceLock},
};

use pipe_ptx::{
    Diagnostic, Diagnostics, LineIndex,
    ast::{self, Item},
};
use thiserror::Error;

use crate::{
    cfg::{self, Block, BlockId, NO_BLOCK},
    decode::{self, Functions, ModuleVariables, Param, Problem, Target},
    instruction::{Builtin, Call, Callee, Instruction, Tables},
    isa::Code,
    jit::{self, Compiled},
    memory::{GlobalMemory, OutOfMemory},
    neighbours,
    progress::Sites,
    slots::{self, Slots},
    special::Special,
};

/// A module cannot be loaded: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{diagnostics}")]
pub struct LoadError {
    /// Each problem with its line and column.
    pub diagnostics: Diagnostics,
}

/// A PTX module, decoded.
#[derive(Debug)]
pub struct Program {
    kernels: Vec<Kernel>,
    pub(crate) variables: ModuleVariables,
}

/// A kernel: an `.entry` with its decoded code.
#[derive(Debug)]
pub struct Kernel {
    name: Arc<str>,
    params: Vec<Param>,
    param_bytes: u32,
    static_shared_bytes: u32,
    local_bytes: u32,
    max_threads_per_block: u32,
    required_block: Option<[u32; 3]>,
    pub(crate) code: Vec<Instruction>,
    /// Source line of each instruction.
    pub(crate) lines: Vec<u32>,
    /// Whether each instruction stands for one of the PTX text, or helps one.
    pub(crate) counted: Vec<bool>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) tables: Tables,
    pub(crate) slots: Slots,
    pub(crate) functions: Vec<Function>,
    pub(crate) has_barriers: bool,
    /// Where it changes memory, and where it polls it.
    pub(crate) sites: Sites,
    /// Whether its blocks must run one after another for counts to be the same every time.
    pub(crate) in_order: bool,
    /// Whether it asks where the blocks of a cooperative launch meet.
    pub(crate) reads_workspace: bool,
    /// Compiled at the first launch: where warps lie anyhow, and where they lie in rows.
    compiled: [OnceLock<Option<Compiled>>; 2],
}

/// A function as a kernel calls it.
#[derive(Debug)]
pub(crate) struct Function {
    /// Which of the module's functions it is.
    pub(crate) id: decode::FunctionId,
    pub(crate) entry: BlockId,
    /// Bytes of local memory from its frame's beginning on.
    pub(crate) stack_bytes: u32,
    /// Offset and bytes of each result and parameter.
    pub(crate) shape: Vec<(u32, u32)>,
    /// Whether it can be called while it runs, so that a call has to save its registers.
    pub(crate) recursive: bool,
    /// Where in [`Tables::frame_pointers`] its own are.
    pub(crate) pointers: Range<usize>,
}

impl Kernel {
    /// Its name, as the launch uses it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where each parameter lies in the parameter buffer, in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The kernel's compiled blocks for launches whose warps lie `in_rows` of their block or not.
    pub(crate) fn compiled(&self, in_rows: bool) -> Option<&Compiled> {
        let compile = || jit::compile(&self.code, &self.tables, &self.blocks, &self.slots, in_rows);
        self.compiled[usize::from(in_rows)].get_or_init(compile).as_ref()
    }

    /// Whether it allocates or frees memory.
    pub(crate) fn uses_heap(&self) -> bool {
        let of_heap = |call: &Call| matches!(call.callee, Callee::Builtin(Builtin::Allocate | Builtin::Free));
        self.tables.calls.iter().any(of_heap)
    }

    /// Bytes of the parameter buffer.
    pub fn param_bytes(&self) -> u32 {
        self.param_bytes
    }

    /// Bytes of shared memory that a block has without dynamic ones.
    pub fn static_shared_bytes(&self) -> u32 {
        self.static_shared_bytes
    }

    /// Bytes of local memory that a thread has.
    pub fn local_bytes(&self) -> u32 {
        self.local_bytes
    }

    /// Most threads a block may have: `.maxntid` or `.reqntid` where given, else 1024.
    pub fn max_threads_per_block(&self) -> u32 {
        self.max_threads_per_block
    }

    /// `.reqntid`: the only block size it may be launched with.
    pub fn required_block(&self) -> Option<[u32; 3]> {
        self.required_block
    }

    /// 32-bit registers a thread needs at once: those of the emulator's allocation, a guide to what an assembler finds.
    pub fn registers(&self) -> u32 {
        let [narrow, wide, _] = self.slots.needed;
        let constants = self.tables.constants.len();
        (narrow + 2 * wide).saturating_sub(constants).min(255) as u32
    }
}

impl Program {
    /// Parses and decodes a module.
    ///
    /// # Errors
    ///
    /// All that is wrong with the text at once: syntax, names, types, and instructions that are not supported.
    pub fn load(source: &str) -> Result<Self, LoadError> {
        let module = pipe_ptx::parse(source).map_err(|diagnostics| LoadError { diagnostics })?;
        let lines = LineIndex::new(source);
        let mut problems = Vec::new();
        let functions = Functions::of(&module);
        let variables = ModuleVariables::of(&module, &functions, &mut problems);
        let mut kernels = Vec::new();
        for item in &module.items {
            let Item::Function(function) = item else { continue };
            if !function.entry {
                continue;
            }
            let Some(body) = &function.body else { continue };
            let before = problems.len();
            let decoded = decode::kernel(function, body, &variables, &functions, &mut problems);
            if problems.len() == before {
                kernels.push(Kernel::new(function, decoded, &lines));
            }
        }
        if problems.is_empty() {
            return Ok(Program { kernels, variables });
        }
        // A function is looked at once for each kernel that reaches it.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert((problem.span, problem.message.clone())));
        let diagnostics = problems.into_iter().map(|problem| diagnostic(problem, &lines)).collect();
        Err(LoadError { diagnostics })
    }

    /// The kernels, in the order of the text.
    pub fn kernels(&self) -> impl Iterator<Item = &Kernel> {
        self.kernels.iter()
    }

    /// The kernel of that name.
    pub fn kernel(&self, name: &str) -> Option<&Kernel> {
        self.kernels.iter().find(|kernel| kernel.name() == name)
    }

    /// Places the module's variables in a device's memory with their initial values.
    ///
    /// # Errors
    ///
    /// When they do not fit.
    pub fn instantiate(&self, memory: &GlobalMemory) -> Result<Instance, OutOfMemory> {
        let placed = &self.variables.placed;
        let mut instance = Instance { addresses: Vec::new(), names: Vec::new() };
        for variable in placed {
            // Allocations are aligned to 256 bytes, more than any variable asks for.
            match memory.allocate(variable.bytes) {
                Ok(address) => instance.addresses.push(address),
                Err(error) => {
                    instance.release(memory);
                    return Err(error);
                }
            }
            instance.names.push((Arc::clone(&variable.name), variable.bytes));
        }
        for (variable, address) in placed.iter().zip(&instance.addresses) {
            // The allocation has exactly these bytes, so none of this can fail.
            let _ = memory.fill(*address, variable.bytes, &[0]);
            for (at, values) in &variable.values {
                let _ = memory.copy_in(address + at, values);
            }
            for relocation in &variable.relocations {
                let target = match relocation.target {
                    Target::Variable(index) => instance.address(index),
                    Target::Function(id) => Functions::address(id),
                };
                let mut value = target.wrapping_add_signed(relocation.offset);
                if let Some(mask) = relocation.mask {
                    value = (value & mask) >> mask.trailing_zeros().min(63);
                }
                let bytes = &value.to_le_bytes()[..relocation.width.min(8)];
                let _ = memory.copy_in(address + relocation.at, bytes);
            }
        }
        Ok(instance)
    }
}

/// A module whose variables have places in a device's memory.
#[derive(Debug, Clone)]
pub struct Instance {
    addresses: Vec<u64>,
    names: Vec<(Arc<str>, u64)>,
}

impl Instance {
    /// Address and bytes of a `.global` or `.const` variable.
    pub fn symbol(&self, name: &str) -> Option<(u64, u64)> {
        let index = self.names.iter().position(|(symbol, _)| &**symbol == name)?;
        Some((self.addresses[index], self.names[index].1))
    }

    /// Gives the variables' memory back.
    pub fn release(&mut self, memory: &GlobalMemory) {
        for address in self.addresses.drain(..) {
            // Each was allocated here and is freed once.
            let _ = memory.free(address);
        }
        self.names.clear();
    }

    /// The address of a variable by index.
    pub(crate) fn address(&self, index: u32) -> u64 {
        self.addresses.get(index as usize).copied().unwrap_or_default()
    }
}

impl Kernel {
    fn new(function: &ast::Function, decoded: decode::Decoded, lines: &LineIndex<'_>) -> Self {
        let decode::Decoded { mut code, spans, counted, targets, mut tables, registers, .. } = decoded;
        let firsts = || decoded.routines.iter().map(|routine| routine.first);
        let blocks = cfg::blocks(&code, &targets, &mut tables.branch_lists, firsts());
        let entry = |first: u32| {
            blocks
                .binary_search_by_key(&first, |block| block.first)
                .map_or(NO_BLOCK, |block| block as BlockId)
        };
        let entries: Vec<BlockId> = firsts().map(entry).collect();
        let order = neighbours::gather(&mut code, &mut tables, &blocks);
        let slots = slots::allocate(&mut code, &mut tables, &blocks, &entries, registers);
        let recursive = recursive(&decoded.routines);
        let functions = decoded.routines.into_iter().zip(entries).zip(recursive).zip(0..).map(
            |(((routine, entry), recursive), index)| {
                let pointers = &tables.frame_pointers;
                let pointers = pointers.partition_point(|pointer| pointer.function < index)
                    ..pointers.partition_point(|pointer| pointer.function <= index);
                let decode::Routine { id, stack_bytes, shape, .. } = routine;
                Function { id, entry, stack_bytes, shape, recursive, pointers }
            },
        );
        let functions = functions.collect();
        tell_clocks(&mut code, &blocks);
        let bounds = |name: &str| {
            let directive = function.directives.iter().find(|d| &*d.name.name == name)?;
            let mut sizes = [1u32; 3];
            for (size, text) in sizes.iter_mut().zip(&directive.arguments) {
                *size = text.parse().ok()?;
            }
            Some(sizes)
        };
        let required_block = bounds(".reqntid");
        let limit = required_block.or_else(|| bounds(".maxntid"));
        let mut kernel = Kernel {
            name: Arc::clone(&function.name.name),
            params: decoded.params,
            param_bytes: decoded.param_bytes,
            static_shared_bytes: decoded.static_shared_bytes,
            local_bytes: decoded.local_bytes,
            max_threads_per_block: limit
                .map_or(1024, |sizes| sizes.iter().fold(1u32, |product, n| product.saturating_mul(*n)))
                .min(1024),
            required_block,
            lines: order.iter().map(|from| lines.line_column(spans[*from].start).0).collect(),
            counted: order.iter().map(|from| counted[*from]).collect(),
            has_barriers: code.iter().any(|i| matches!(i.code, Code::Barrier | Code::BarrierTest)),
            code,
            blocks,
            tables,
            slots,
            functions,
            sites: Sites::default(),
            in_order: false,
            reads_workspace: false,
            compiled: Default::default(),
        };
        kernel.sites = Sites::of(&kernel);
        kernel.in_order = kernel.waits_on_global();
        let of_workspace = [Special::WorkspaceLow, Special::WorkspaceHigh].map(|special| special as u16);
        kernel.reads_workspace =
            kernel.code.iter().any(|i| i.code == Code::ReadSpecial && of_workspace.contains(&i.m));
        kernel
    }
}

/// Tells the instructions that read a special register how many of their block come after: a warp counts those of a
/// block when it enters it.
fn tell_clocks(code: &mut [Instruction], blocks: &[Block]) {
    for block in blocks {
        for at in block.first..block.limit() {
            let instruction = &mut code[at as usize];
            if instruction.code == Code::ReadSpecial {
                instruction.b = (block.limit() - at).min(u32::from(u16::MAX)) as u16;
            }
        }
    }
}

/// Which functions can reach themselves by calls.
fn recursive(routines: &[decode::Routine]) -> Vec<bool> {
    let reaches_itself = |start: usize| {
        let mut seen = vec![false; routines.len()];
        let mut rest = vec![start];
        while let Some(at) = rest.pop() {
            for callee in routines[at].calls.iter().map(|callee| *callee as usize) {
                if callee == start {
                    return true;
                }
                if !std::mem::replace(&mut seen[callee], true) {
                    rest.push(callee);
                }
            }
        }
        false
    };
    (0..routines.len()).map(reaches_itself).collect()
}

fn diagnostic(problem: Problem, lines: &LineIndex<'_>) -> Diagnostic {
    let (line, column) = lines.line_column(problem.span.start);
    Diagnostic { message: problem.message, span: problem.span, line, column, help: problem.help }
}
