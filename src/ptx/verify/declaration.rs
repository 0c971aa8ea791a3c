//! Declarations: that a name is declared once, and that what is declared makes sense.

use super::{
    Verifier,
    scope::{Declared, Range, Symbol},
};
use crate::ast::{Function, Initializer, Linkage, RegisterDeclaration, Space, Variable};

impl<'m> Verifier<'m> {
    /// Declares a function; a declaration may come before the definition.
    pub(super) fn declare_function(&mut self, function: &'m Function) {
        let entry = function.entry;
        let mut defined = function.body.is_some();
        if let Some(earlier) = self.scopes.find_here(&function.name.name) {
            match earlier.symbol {
                Symbol::Function { entry: as_entry, defined: before } if as_entry == entry => {
                    if defined && before {
                        let line = self.line(earlier.span);
                        let message = format!("'{}' is already defined on line {line}", function.name.name);
                        self.problems.report(function.name.span, message);
                    }
                    defined |= before;
                }
                _ => self.redeclared(&function.name, earlier),
            }
        }
        let declared = Declared { symbol: Symbol::Function { entry, defined }, span: function.name.span };
        self.scopes.declare(&function.name.name, declared);
    }

    pub(super) fn parameter(&mut self, parameter: &'m Variable, entry: bool) {
        if entry && parameter.space != Space::Param {
            let message = format!("a kernel's parameter is in '.param', not '{}'", parameter.space.keyword());
            self.problems.report(parameter.span, message);
        }
        self.array_sizes(parameter);
        // `_` stands for a parameter that has no name.
        if &*parameter.name.name != "_" {
            self.declare(&parameter.name, symbol_of(parameter));
        }
    }

    /// A `.extern` declaration may come before or after the definition.
    pub(super) fn module_variable(&mut self, variable: &'m Variable) {
        if matches!(variable.space, Space::Register | Space::Param) {
            let message = format!("'{}' cannot stand outside of functions", variable.space.keyword());
            self.problems.report(variable.span, message);
        }
        let name = &variable.name;
        let symbol = symbol_of(variable);
        match self.scopes.find_here(&name.name) {
            Some(Declared { symbol: Symbol::Variable { space, is_extern }, .. })
                if space == variable.space && (is_extern || variable.linkage == Some(Linkage::Extern)) =>
            {
                self.scopes.declare(&name.name, Declared { symbol, span: name.span });
            }
            _ => self.declare(name, symbol),
        }
        self.contents(variable);
    }

    pub(super) fn local_variable(&mut self, variable: &'m Variable) {
        self.declare(&variable.name, symbol_of(variable));
        self.contents(variable);
    }

    pub(super) fn registers(&mut self, registers: &'m RegisterDeclaration) {
        let name = &registers.name;
        let symbol = Symbol::Register { ty: registers.ty, vector: registers.vector };
        let Some(count) = registers.count else { return self.declare(name, symbol) };
        if let Some(earlier) = self.scopes.conflict_with_range(&name.name, count) {
            self.redeclared(name, earlier);
        } else {
            let declared = Declared { symbol, span: name.span };
            self.scopes.declare_range(&name.name, Range { declared, count });
        }
    }

    /// Sizes and initial value.
    fn contents(&mut self, variable: &'m Variable) {
        self.array_sizes(variable);
        let Some(initializer) = &variable.initializer else { return };
        if !matches!(variable.space, Space::Global | Space::Const) {
            let message =
                format!("'{}' is in '{}' and cannot have an initial value", variable.name.name, variable.space.keyword());
            let help = "only '.global' and '.const' variables can".to_owned();
            self.problems.report_with_help(variable.name.span, message, help);
        }
        self.initial_addresses(initializer);
        self.initial_size(variable, initializer, &variable.dimensions);
    }

    /// `[]` is for the outermost dimension, and for what gets its size elsewhere.
    fn array_sizes(&mut self, variable: &Variable) {
        let Some((outermost, inner)) = variable.dimensions.split_first() else { return };
        let sized_elsewhere = variable.linkage == Some(Linkage::Extern)
            || variable.space == Space::Param
            || matches!(variable.initializer, Some(Initializer::List(_)));
        if inner.contains(&None) || (outermost.is_none() && !sized_elsewhere) {
            let message = format!("the array '{}' has no size", variable.name.name);
            let help = match (variable.space, inner.contains(&None)) {
                (Space::Shared, false) => "'.extern .shared' takes its size from the launch",
                (_, false) => "give it a size, or an initial value to take the size from",
                (_, true) => "only the outermost dimension can be left out",
            };
            self.problems.report_with_help(variable.name.span, message, help.to_owned());
        }
    }

    fn initial_addresses(&mut self, initializer: &'m Initializer) {
        match initializer {
            Initializer::Literal(_) => {}
            Initializer::List(elements) => elements.iter().for_each(|element| self.initial_addresses(element)),
            Initializer::Address { symbol, .. } => {
                self.resolve(symbol);
            }
        }
    }

    /// A list has no more elements than there is room for.
    fn initial_size(&mut self, variable: &'m Variable, initializer: &'m Initializer, dimensions: &[Option<u64>]) {
        let Initializer::List(elements) = initializer else { return };
        let vector = u64::from(variable.vector);
        let is_flat = !elements.iter().any(|element| matches!(element, Initializer::List(_)));
        let room = match dimensions.split_first() {
            None => Some(vector),
            Some((outermost, inner)) if is_flat => inner
                .iter()
                .chain(std::iter::once(outermost))
                .try_fold(vector, |room, size| size.map(|size| room.saturating_mul(size))),
            Some((outermost, _)) => *outermost,
        };
        if let Some(room) = room.filter(|room| elements.len() as u64 > *room) {
            let message = format!(
                "'{}' has room for {room} values here, and its initial value has {}",
                variable.name.name,
                elements.len()
            );
            self.problems.report(variable.name.span, message);
        }
        let inner = dimensions.get(1..).unwrap_or_default();
        elements.iter().for_each(|element| self.initial_size(variable, element, inner));
    }
}

fn symbol_of(variable: &Variable) -> Symbol {
    match variable.space {
        Space::Register => Symbol::Register { ty: variable.ty, vector: variable.vector },
        space => Symbol::Variable { space, is_extern: variable.linkage == Some(Linkage::Extern) },
    }
}
