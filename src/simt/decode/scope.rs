//! Names: registers, variables and labels by scope.

use std::{collections::HashMap, sync::Arc};

use pipe_ptx::ast::{self, Ident, Type};

use super::{Decoder, Outcome, Problem};
use crate::{
    instruction::Space,
    registers::{File, Slot},
};

/// A label's index in the decoder's list.
pub(super) type LabelId = usize;

/// A declared register that is in use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Register {
    pub(super) ty: Type,
    pub(super) slot: Slot,
}

/// Where a variable's bytes are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Symbol {
    pub(super) space: Space,
    /// Offset in the space, or the index of a module variable in global memory.
    pub(super) place: SymbolPlace,
    pub(super) bytes: u64,
}

/// See [`Symbol::place`].
#[derive(Debug, Clone, Copy)]
pub(super) enum SymbolPlace {
    Offset(u64),
    Module(u32),
    /// Offset in the frame of the function at hand.
    Frame(u32),
}

/// What a call through an address may call.
#[derive(Debug, Clone)]
pub(super) enum Callees {
    Prototype { returns: Vec<ast::Variable>, params: Vec<ast::Variable> },
    Targets(Vec<Ident>),
}

/// What is declared between two braces.
#[derive(Debug, Default)]
pub(super) struct Scope {
    registers: HashMap<Arc<str>, (Type, Option<Slot>)>,
    /// `%r<9>`: prefix to type and count.
    ranges: HashMap<Arc<str>, (Type, u32)>,
    /// Vectors of registers, by how many there are; each is a register of its own, named `v.x`.
    vectors: HashMap<Arc<str>, u8>,
    pub(super) symbols: HashMap<Arc<str>, Symbol>,
    pub(super) labels: HashMap<Arc<str>, LabelId>,
    /// The `.branchtargets` declared here.
    pub(super) branch_targets: HashMap<Arc<str>, Vec<Ident>>,
    /// The `.callprototype`s and `.calltargets` declared here.
    pub(super) callees: HashMap<Arc<str>, Callees>,
}

impl Scope {
    /// Enters a single register.
    pub(super) fn declare(&mut self, name: &Arc<str>, ty: Type) {
        self.registers.insert(Arc::clone(name), (ty, None));
    }

    /// Whether the scope declares that register, entering it under its own name if it is of a range.
    fn declares(&mut self, name: &Arc<str>) -> bool {
        if self.registers.contains_key(name) {
            return true;
        }
        let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
        // The prefix may itself end in digits, so every split is tried.
        for start in name.len() - digits..name.len() {
            let (prefix, number) = name.split_at(start);
            if let Some((ty, count)) = self.ranges.get(prefix)
                && number.parse::<u32>().is_ok_and(|number| number < *count)
                && (number == "0" || !number.starts_with('0'))
            {
                self.registers.insert(Arc::clone(name), (*ty, None));
                return true;
            }
        }
        false
    }
}

/// The registers of a vector, in order.
const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// Most registers that a range of vectors declares.
const VECTOR_REGISTERS: usize = 1 << 14;

/// The name of a register of a vector by its position, where it is that of a colour.
fn by_position(name: &Arc<str>) -> Option<Arc<str>> {
    let (vector, colour) = name.rsplit_once('.')?;
    let component = COMPONENTS[["r", "g", "b", "a"].iter().position(|other| *other == colour)?];
    Some(format!("{vector}.{component}").into())
}

/// The file for registers of a type.
pub(super) fn file_of(ty: Type) -> File {
    match ty {
        Type::Pred => File::Predicate,
        // Of 128 bits two slots, the lower half first.
        Type::B64 | Type::U64 | Type::S64 | Type::F64 | Type::B128 => File::Wide,
        _ => File::Narrow,
    }
}

/// Width of a type in bits; a predicate has one, the opaque types none.
pub(super) fn bits_of(ty: Type) -> u8 {
    match ty {
        Type::B8 | Type::U8 | Type::S8 => 8,
        Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 16,
        Type::B32 | Type::U32 | Type::S32 | Type::F32 | Type::F16x2 | Type::Bf16x2 => 32,
        Type::B64 | Type::U64 | Type::S64 | Type::F64 => 64,
        Type::B128 => 128,
        Type::Pred => 1,
        Type::Texref | Type::Samplerref | Type::Surfref => 0,
    }
}

/// PTX's name of a type.
pub(super) fn type_name(ty: Type) -> String {
    format!(".{ty:?}").to_lowercase()
}

/// The first registers of a vector, as a list.
pub(super) fn components(vector: &Ident, count: usize) -> ast::Operand {
    let component = |component: &&str| {
        let name = format!("{}.{component}", vector.name).into();
        ast::Operand::Name(Ident { name, span: vector.span })
    };
    ast::Operand::Vector(COMPONENTS.iter().take(count).map(component).collect(), vector.span)
}

impl Decoder<'_> {
    /// The innermost scope.
    pub(super) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// Enters a `.reg` declaration.
    pub(super) fn declare_registers(&mut self, declaration: &ast::RegisterDeclaration) -> Outcome {
        let name = &declaration.name;
        let scope = self.scope();
        if declaration.vector > 1 {
            let width = usize::from(declaration.vector).min(COMPONENTS.len());
            if declaration.count.is_some_and(|count| count as usize > VECTOR_REGISTERS / width) {
                let message = format!("`{}` stands for more than {VECTOR_REGISTERS} registers", name.name);
                return Err(Problem::new(name.span, message));
            }
            let names = match declaration.count {
                Some(count) => (0..count).map(|number| format!("{}{number}", name.name).into()).collect(),
                None => vec![Arc::clone(&name.name)],
            };
            for name in names {
                for component in &COMPONENTS[..width] {
                    scope.declare(&format!("{name}.{component}").into(), declaration.ty);
                }
                scope.vectors.insert(name, width as u8);
            }
            return Ok(());
        }
        match declaration.count {
            Some(count) => drop(scope.ranges.insert(Arc::clone(&name.name), (declaration.ty, count))),
            None => scope.declare(&name.name, declaration.ty),
        }
        Ok(())
    }

    /// An operand that names a vector of registers, as the list of them.
    pub(super) fn spread(&mut self, operand: &ast::Operand) -> Option<ast::Operand> {
        let ast::Operand::Name(name) = operand else { return None };
        for scope in self.scopes.iter_mut().rev() {
            if let Some(width) = scope.vectors.get(&name.name) {
                return Some(components(name, usize::from(*width)));
            }
            if scope.declares(&name.name) {
                return None;
            }
        }
        None
    }

    /// The register of that name, if it is one.
    pub(super) fn register(&mut self, name: &Arc<str>) -> Option<Register> {
        let position = by_position(name);
        let name = position.as_ref().unwrap_or(name);
        let depth = (0..self.scopes.len()).rev().find(|depth| {
            let scope = &mut self.scopes[*depth];
            scope.declares(name)
        })?;
        let (ty, slot) = *self.scopes[depth].registers.get(name)?;
        if let Some(slot) = slot {
            return Some(Register { ty, slot });
        }
        let slot = self.fresh(file_of(ty));
        if ty == Type::B128 {
            // Its upper half is the next register.
            self.fresh(File::Wide);
        }
        self.scopes[depth].registers.insert(Arc::clone(name), (ty, Some(slot)));
        Some(Register { ty, slot })
    }

    /// The predicate register of that name.
    pub(super) fn predicate_register(&mut self, name: &Ident) -> Outcome<Slot> {
        match self.register(&name.name) {
            Some(Register { ty: Type::Pred, slot }) => Ok(slot),
            Some(Register { ty, .. }) => Err(Problem::new(
                name.span,
                format!("`{}` is a {} register, not a predicate", name.name, type_name(ty)),
            )),
            None => Err(Problem::new(name.span, format!("`{}` is not a register", name.name))),
        }
    }

    /// The variable of that name, if it is one.
    pub(super) fn symbol(&self, name: &str) -> Option<Symbol> {
        let local = self.scopes.iter().rev().find_map(|scope| scope.symbols.get(name));
        local.copied().or_else(|| self.variables.symbol(name))
    }

    /// The label of that name, if it is in scope.
    pub(super) fn label(&self, name: &str) -> Option<LabelId> {
        self.scopes.iter().rev().find_map(|scope| scope.labels.get(name)).copied()
    }
}
