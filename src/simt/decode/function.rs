//! The functions of a module: their addresses, the places of their arguments, and who can call whom.
//!
//! A function's frame lies in the thread's local memory, above its caller's. It begins with the results and the
//! parameters, in the order of the signature, so that caller and callee agree on their places without knowing each other;
//! variables in `.local` and `.param` space follow.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pipe_ptx::ast::{self, Initializer, Item, Statement};

use super::{
    Outcome, Problem, operand_names,
    variable::{extent, reserve},
};
use crate::memory::window;

/// The index of a function among those of its module.
pub(crate) type FunctionId = u32;

/// Most bytes of parameters and results.
const FRAME_BYTES: u32 = 32 << 10;

/// Bytes between the addresses of two functions.
const ADDRESS_STEP: u64 = 16;

/// A result or a parameter in the frame of the function called.
#[derive(Debug, Clone)]
pub(super) struct Formal<'a> {
    pub(super) variable: &'a ast::Variable,
    pub(super) offset: u32,
    pub(super) bytes: u32,
}

/// Results and parameters of a function or of a prototype, with their places.
#[derive(Debug, Clone, Default)]
pub(super) struct Signature<'a> {
    pub(super) returns: Vec<Formal<'a>>,
    pub(super) params: Vec<Formal<'a>>,
    /// Bytes of all of them.
    pub(super) bytes: u32,
    /// Their strictest alignment.
    pub(super) align: u32,
}

impl<'a> Signature<'a> {
    /// Lays out results, then parameters.
    pub(super) fn of(returns: &'a [ast::Variable], params: &'a [ast::Variable]) -> Outcome<Self> {
        let mut signature = Signature { align: 1, ..Signature::default() };
        let mut place = |variables: &'a [ast::Variable]| {
            variables
                .iter()
                .map(|variable| {
                    if variable.ty == ast::Type::Pred {
                        let message =
                            format!("`{}` is a predicate, which cannot be passed", variable.name.name);
                        return Err(Problem::new(variable.span, message));
                    }
                    let (bytes, align) = extent(variable)?;
                    let offset = reserve(&mut signature.bytes, bytes, align);
                    let offset = offset.filter(|_| signature.bytes <= FRAME_BYTES).ok_or_else(|| {
                        let message =
                            format!("the parameters of a function have at most {FRAME_BYTES} bytes");
                        Problem::new(variable.span, message)
                    })?;
                    signature.align = signature.align.max(align);
                    Ok(Formal { variable, offset, bytes: bytes as u32 })
                })
                .collect::<Outcome<Vec<_>>>()
        };
        let (returns, params) = (place(returns)?, place(params)?);
        Ok(Signature { returns, params, ..signature })
    }

    /// What has to be equal for a call through an address to find its arguments: sizes and places.
    pub(super) fn shape(&self) -> Vec<(u32, u32)> {
        self.returns.iter().chain(&self.params).map(|formal| (formal.offset, formal.bytes)).collect()
    }
}

/// The functions of a module.
#[derive(Debug, Default)]
pub(crate) struct Functions<'a> {
    list: Vec<&'a ast::Function>,
    by_name: HashMap<Arc<str>, FunctionId>,
    /// Those whose address is taken anywhere in the module.
    addressed: Vec<FunctionId>,
}

impl<'a> Functions<'a> {
    /// Finds the functions of a module.
    pub(crate) fn of(module: &'a ast::Module) -> Self {
        let mut functions = Functions::default();
        for item in &module.items {
            let Item::Function(function) = item else { continue };
            if function.entry {
                continue;
            }
            let next = functions.list.len() as FunctionId;
            let id = *functions.by_name.entry(Arc::clone(&function.name.name)).or_insert(next);
            if id == next {
                functions.list.push(function);
            } else if function.body.is_some() {
                functions.list[id as usize] = function;
            }
        }
        for item in &module.items {
            if let Item::Directive(directive) = item
                && &*directive.name.name == ".alias"
                && let [alias, aliased] = &directive.arguments[..]
                && let Some(id) = functions.by_name.get(aliased).copied()
            {
                functions.by_name.insert(Arc::clone(alias), id);
            }
        }
        functions.addressed = functions.find_addressed(module);
        functions
    }

    fn find_addressed(&self, module: &ast::Module) -> Vec<FunctionId> {
        let mut names = HashSet::new();
        for item in &module.items {
            match item {
                Item::Variable(variable) => {
                    variable.initializer.iter().for_each(|value| initial_names(value, &mut names));
                }
                Item::Function(function) => {
                    function.body.iter().for_each(|body| taken_names(body, &mut names));
                }
                Item::Directive(_) => {}
            }
        }
        let mut found: Vec<_> = names.iter().filter_map(|name| self.find(name)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The function of that name.
    pub(crate) fn find(&self, name: &str) -> Option<FunctionId> {
        self.by_name.get(name).copied()
    }

    /// Its definition, or its declaration where there is none.
    pub(super) fn get(&self, id: FunctionId) -> Option<&'a ast::Function> {
        self.list.get(id as usize).copied()
    }

    /// The value of a function's address.
    pub(crate) fn address(id: FunctionId) -> u64 {
        window::CODE.base + ADDRESS_STEP * (u64::from(id) + 1)
    }

    /// The function at an address.
    pub(crate) fn at(address: u64) -> Option<FunctionId> {
        let offset = address.checked_sub(window::CODE.base)?;
        let index = (offset / ADDRESS_STEP).checked_sub(1)?;
        (offset % ADDRESS_STEP == 0).then_some(index).and_then(|index| FunctionId::try_from(index).ok())
    }

    /// The functions with a body that a kernel can reach, nearest first.
    pub(super) fn reachable(&self, body: &[Statement]) -> Vec<FunctionId> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut bodies = vec![body];
        let mut next = 0;
        let mut indirect = false;
        while let Some(body) = bodies.get(next).copied() {
            next += 1;
            let mut names = HashSet::new();
            operand_names(body, &mut names);
            let mut ids: Vec<_> = names.iter().filter_map(|name| self.find(name)).collect();
            ids.sort_unstable();
            if !indirect && self.calls_addresses(body) {
                indirect = true;
                ids.extend(&self.addressed);
            }
            for id in ids {
                if let Some(function) = self.get(id)
                    && let Some(body) = &function.body
                    && seen.insert(id)
                {
                    found.push(id);
                    bodies.push(body);
                }
            }
        }
        found
    }

    /// Whether a body calls what a register points at.
    fn calls_addresses(&self, body: &[Statement]) -> bool {
        body.iter().any(|statement| match statement {
            Statement::Instruction(instruction) => {
                callee_of(instruction).is_some_and(|name| self.find(&name.name).is_none())
            }
            Statement::Block(inner) => self.calls_addresses(inner),
            _ => false,
        })
    }
}

/// The operand of a `call` that says what is called.
pub(super) fn callee_of(instruction: &ast::Instruction) -> Option<&ast::Ident> {
    if &*instruction.opcode.name != "call" {
        return None;
    }
    instruction.operands.iter().find_map(|operand| match operand {
        ast::Operand::Name(name) => Some(name),
        _ => None,
    })
}

fn initial_names(initializer: &Initializer, names: &mut HashSet<Arc<str>>) {
    match initializer {
        Initializer::Address { symbol, .. } => drop(names.insert(Arc::clone(&symbol.name))),
        Initializer::List(list) => list.iter().for_each(|value| initial_names(value, names)),
        Initializer::Literal(_) => {}
    }
}

/// Names in a body other than those that are called directly.
fn taken_names(body: &[Statement], names: &mut HashSet<Arc<str>>) {
    for statement in body {
        match statement {
            Statement::Instruction(instruction) if &*instruction.opcode.name != "call" => {
                operand_names(std::slice::from_ref(statement), names);
            }
            Statement::Block(inner) => taken_names(inner, names),
            _ => {}
        }
    }
}
