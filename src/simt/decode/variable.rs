//! Variables: their sizes, the layout of parameters, shared and local memory, and initial values.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pipe_ptx::ast::{self, Initializer, Literal, Type};

use super::{
    Decoder, FunctionId, Functions, Outcome, Param, Problem, operand_names,
    scope::{Symbol, SymbolPlace, bits_of},
};
use crate::instruction::Space;

/// A module variable in global memory: `.global` or `.const`.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    pub(crate) name: Arc<str>,
    /// Its size. All bytes are zero but those of the initial values.
    pub(crate) bytes: u64,
    /// Initial values, each with the offset of its first byte, in order.
    pub(crate) values: Vec<(u64, Vec<u8>)>,
    pub(crate) relocations: Vec<Relocation>,
}

/// An address to be written into a variable once all of them are placed.
#[derive(Debug, Clone)]
pub(crate) struct Relocation {
    /// Where in the variable.
    pub(crate) at: u64,
    /// Bytes to write.
    pub(crate) width: usize,
    /// Whose address it is.
    pub(crate) target: Target,
    pub(crate) offset: i64,
    pub(crate) mask: Option<u64>,
}

/// What an initial value can be the address of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// A variable, by its index.
    Variable(u32),
    Function(FunctionId),
}

/// The variables of a module.
#[derive(Debug, Default)]
pub(crate) struct ModuleVariables {
    /// In global memory, by index.
    pub(crate) placed: Vec<Contents>,
    by_name: HashMap<Arc<str>, (u32, Space)>,
    /// `.shared` ones, which each kernel that uses them lays out for itself.
    shared: Vec<ast::Variable>,
}

/// Most bytes of local memory that a thread has, as on a GPU; no block has as much shared memory.
const LOCAL_BYTES: u32 = 512 << 10;

/// Most bytes of parameters that a kernel has (PTX ISA, "Kernel Function Parameters").
const PARAM_BYTES: u32 = 32_764;

/// The strictest alignment, in bytes.
const MAX_ALIGN: u32 = 1 << 16;

/// Bytes and alignment of a variable.
pub(super) fn extent(variable: &ast::Variable) -> Outcome<(u64, u32)> {
    let element = u64::from(bits_of(variable.ty) / 8) * u64::from(variable.vector.max(1));
    let count = variable.dimensions.iter().enumerate().try_fold(1u64, |product, (i, dimension)| {
        let elements = match (dimension, &variable.initializer) {
            (Some(n), _) => *n,
            (None, Some(Initializer::List(list))) if i == 0 => list.len() as u64,
            (None, _) => 0,
        };
        product.checked_mul(elements)
    });
    let bytes = count.and_then(|count| count.checked_mul(element)).filter(|bytes| *bytes < 1 << 40);
    let bytes =
        bytes.ok_or_else(|| Problem::new(variable.span, format!("`{}` is too large", variable.name.name)))?;
    let align = variable.align.unwrap_or(element.clamp(1, 16) as u32).max(1);
    if align > MAX_ALIGN {
        let message = format!("`{}` is aligned to {align} bytes, more than {MAX_ALIGN}", variable.name.name);
        return Err(Problem::new(variable.span, message));
    }
    Ok((bytes, align))
}

/// Reserves `bytes` at the next multiple of `align`.
pub(super) fn reserve(used: &mut u32, bytes: u64, align: u32) -> Option<u32> {
    let offset = used.checked_next_multiple_of(align)?;
    *used = u32::try_from(u64::from(offset) + bytes).ok()?;
    Some(offset)
}

impl ModuleVariables {
    /// Places the variables of a module, with their initial values.
    pub(crate) fn of(module: &ast::Module, functions: &Functions<'_>, problems: &mut Vec<Problem>) -> Self {
        let mut variables = ModuleVariables::default();
        let declared = || {
            module.items.iter().filter_map(|item| match item {
                ast::Item::Variable(variable) => Some(variable),
                _ => None,
            })
        };
        for variable in declared() {
            variables.add(variable, problems);
        }
        // Initial values may name variables that come later.
        for variable in declared() {
            variables.fill(variable, functions, problems);
        }
        variables
    }

    fn add(&mut self, variable: &ast::Variable, problems: &mut Vec<Problem>) {
        let constant = match variable.space {
            ast::Space::Global => false,
            ast::Space::Const => true,
            _ => return self.shared.push(variable.clone()),
        };
        match extent(variable) {
            Ok((bytes, _)) => {
                let index = self.placed.len() as u32;
                let space = if constant { Space::Const } else { Space::Global };
                self.by_name.insert(Arc::clone(&variable.name.name), (index, space));
                self.placed.push(Contents {
                    name: Arc::clone(&variable.name.name),
                    bytes,
                    values: Vec::new(),
                    relocations: Vec::new(),
                });
            }
            Err(problem) => problems.push(problem),
        }
    }

    fn fill(&mut self, variable: &ast::Variable, functions: &Functions<'_>, problems: &mut Vec<Problem>) {
        let (Some(initializer), Some((index, _))) =
            (&variable.initializer, self.by_name.get(&variable.name.name).copied())
        else {
            return;
        };
        let width = usize::from(bits_of(variable.ty) / 8);
        // The stride of each nesting level, outermost first. The whole fits in 64 bits.
        let mut strides = vec![width as u64];
        let inner = variable.dimensions.iter().skip(1).rev().map(|d| d.unwrap_or(0));
        for count in inner.chain((variable.vector > 1).then_some(u64::from(variable.vector))) {
            let stride = strides.last().copied().unwrap_or(width as u64).saturating_mul(count);
            strides.push(stride);
        }
        strides.reverse();
        if let Err(problem) = self.write(variable, functions, index, initializer, 0, &strides) {
            problems.push(problem);
        }
    }

    fn write(
        &mut self,
        variable: &ast::Variable,
        functions: &Functions<'_>,
        index: u32,
        initializer: &Initializer,
        at: u64,
        strides: &[u64],
    ) -> Outcome {
        let width = usize::from(bits_of(variable.ty) / 8);
        match initializer {
            Initializer::List(list) => {
                let (stride, inner) = match strides {
                    [stride, inner @ ..] if !inner.is_empty() => (*stride, inner),
                    _ => (width as u64, strides),
                };
                for (i, element) in list.iter().enumerate() {
                    self.write(
                        variable,
                        functions,
                        index,
                        element,
                        at.saturating_add(stride.saturating_mul(i as u64)),
                        inner,
                    )?;
                }
                Ok(())
            }
            Initializer::Literal(literal) => {
                let bits = literal_bits(*literal, variable.ty).ok_or_else(|| {
                    Problem::new(
                        variable.span,
                        format!("`{}` has a value of another type", variable.name.name),
                    )
                })?;
                let contents = &mut self.placed[index as usize];
                if at.checked_add(width as u64).is_none_or(|end| end > contents.bytes) {
                    let message = format!("`{}` has more initial values than elements", variable.name.name);
                    return Err(Problem::new(variable.span, message));
                }
                let value = &bits.to_le_bytes()[..width];
                match contents.values.last_mut() {
                    Some((start, values)) if *start + values.len() as u64 == at => {
                        values.extend_from_slice(value);
                    }
                    _ => contents.values.push((at, value.to_vec())),
                }
                Ok(())
            }
            Initializer::Address { symbol, offset, mask, .. } => {
                let variable = self.by_name.get(&symbol.name).map(|(index, _)| Target::Variable(*index));
                let function = || functions.find(&symbol.name).map(Target::Function);
                let target = variable.or_else(function).ok_or_else(|| {
                    let message = format!("the address of `{}` is not known before a launch", symbol.name);
                    Problem::new(symbol.span, message)
                })?;
                let relocation = Relocation { at, width, target, offset: *offset, mask: *mask };
                self.placed[index as usize].relocations.push(relocation);
                Ok(())
            }
        }
    }

    /// Index and bytes of the `.const` variables.
    pub(super) fn constants(&self) -> impl Iterator<Item = (u32, u64)> + use<> {
        let mut constants: Vec<(u32, u64)> = self
            .by_name
            .values()
            .filter(|(_, space)| *space == Space::Const)
            .map(|(index, _)| (*index, self.placed[*index as usize].bytes))
            .collect();
        constants.sort_unstable();
        constants.into_iter()
    }

    /// The `.global` or `.const` variable of that name.
    pub(super) fn symbol(&self, name: &str) -> Option<Symbol> {
        let (index, space) = *self.by_name.get(name)?;
        let bytes = self.placed[index as usize].bytes;
        Some(Symbol { space, place: SymbolPlace::Module(index), bytes })
    }
}

/// The bits of a literal as a value of a type; `None` where it cannot be one.
pub(super) fn literal_bits(literal: Literal, ty: Type) -> Option<u64> {
    Some(match (literal, ty) {
        (Literal::Integer { bits: 0, .. }, Type::F32 | Type::F64) => 0,
        (Literal::Integer { .. }, Type::F32 | Type::F64 | Type::Pred) => return None,
        (Literal::Integer { bits, .. }, _) => bits,
        (Literal::F32(bits), Type::F64) => f64::from(f32::from_bits(bits)).to_bits(),
        (Literal::F32(bits), Type::F32 | Type::B32) => u64::from(bits),
        (Literal::F64(bits), Type::F64 | Type::B64) => bits,
        (Literal::F64(bits), Type::F32) => u64::from((f64::from_bits(bits) as f32).to_bits()),
        _ => return None,
    })
}

impl Decoder<'_> {
    /// Lays out the parameters of a kernel.
    pub(super) fn place_params(
        &mut self,
        params: &[ast::Variable],
        problems: &mut Vec<Problem>,
    ) -> Vec<Param> {
        /// Bytes that a kernel's parameters may take (PTX ISA, "Kernel Function Parameters").
        const LIMIT: u32 = 32_764;
        let mut placed = Vec::new();
        for param in params {
            let outcome = extent(param).and_then(|(bytes, align)| {
                let offset = reserve(&mut self.param_bytes, bytes, align);
                let offset = offset.filter(|_| self.param_bytes <= PARAM_BYTES).ok_or_else(|| {
                    let message = format!("the parameters of a kernel have at most {PARAM_BYTES} bytes");
                    Problem::new(param.span, message)
                })?;
                let place = SymbolPlace::Offset(u64::from(offset));
                let symbol = Symbol { space: Space::Param, place, bytes };
                self.scope().symbols.insert(Arc::clone(&param.name.name), symbol);
                Ok(Param { offset, size: bytes as u32, align })
            });
            match outcome {
                Ok(param) => placed.push(param),
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(last) = params.last().filter(|_| self.param_bytes > LIMIT) {
            let message = format!("{} bytes of parameters; a kernel may have {LIMIT}", self.param_bytes);
            problems.push(Problem::new(last.span, message));
        }
        placed
    }

    /// Lays out the module's shared variables that a kernel and its functions use; dynamic ones start where the static
    /// ones end, and so must wait for those of the bodies themselves.
    pub(super) fn place_shared(&mut self, bodies: &[&[ast::Statement]], problems: &mut Vec<Problem>) {
        let mut names = HashSet::new();
        bodies.iter().for_each(|body| operand_names(body, &mut names));
        let variables = self.variables;
        let used: Vec<_> = variables.shared.iter().filter(|v| names.contains(&v.name.name)).collect();
        let (dynamic, fixed): (Vec<_>, Vec<_>) = used.into_iter().partition(|variable| is_dynamic(variable));
        for variable in fixed {
            if let Err(problem) = self.declare_variable(variable) {
                problems.push(problem);
            }
        }
        let mut end = self.shared_bytes;
        bodies.iter().for_each(|body| body_shared(body, &mut end));
        for variable in dynamic {
            match extent(variable) {
                Ok((_, align)) => {
                    let offset = end.next_multiple_of(align);
                    let place = SymbolPlace::Offset(u64::from(offset));
                    let symbol = Symbol { space: Space::Shared, place, bytes: 0 };
                    self.scope().symbols.insert(Arc::clone(&variable.name.name), symbol);
                }
                Err(problem) => problems.push(problem),
            }
        }
    }

    /// Enters a variable declared in the body.
    pub(super) fn declare_variable(&mut self, variable: &ast::Variable) -> Outcome {
        let (bytes, align) = extent(variable)?;
        let (space, used) = match variable.space {
            ast::Space::Shared if is_dynamic(variable) => return Ok(()),
            ast::Space::Shared => (Space::Shared, &mut self.shared_bytes),
            ast::Space::Local => (Space::Local, &mut self.frame.bytes),
            ast::Space::Param => (Space::Argument, &mut self.frame.bytes),
            _ => {
                let message = format!("`{}` cannot be declared in a kernel's body here", variable.name.name);
                return Err(Problem::new(variable.span, message).help("declare it at module scope"));
            }
        };
        let offset = reserve(used, bytes, align).filter(|_| *used <= LOCAL_BYTES).ok_or_else(|| {
            let message = format!(
                "`{}` does not fit its space; a thread's has {LOCAL_BYTES} bytes",
                variable.name.name
            );
            Problem::new(variable.span, message)
        })?;
        let place = if space == Space::Shared {
            SymbolPlace::Offset(u64::from(offset))
        } else {
            self.frame.align = self.frame.align.max(align);
            self.frame.place(offset)
        };
        self.scope().symbols.insert(Arc::clone(&variable.name.name), Symbol { space, place, bytes });
        Ok(())
    }
}

/// `.extern .shared .b8 name[];`
fn is_dynamic(variable: &ast::Variable) -> bool {
    variable.linkage == Some(ast::Linkage::Extern) || variable.dimensions.contains(&None)
}

/// Moves `end` past the shared variables that a body declares, as declaring them one by one will.
fn body_shared(body: &[ast::Statement], end: &mut u32) {
    for statement in body {
        match statement {
            ast::Statement::Variable(variable)
                if variable.space == ast::Space::Shared && !is_dynamic(variable) =>
            {
                // What does not fit is reported when it is declared.
                if let Ok((bytes, align)) = extent(variable) {
                    let _ = reserve(end, bytes, align);
                }
            }
            ast::Statement::Block(inner) => body_shared(inner, end),
            _ => {}
        }
    }
}
