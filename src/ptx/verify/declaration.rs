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
                _ => self.redeclared(&function.name.name, function.name.span, earlier),
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
        if matches!(variable.space, Space::Register | Space::Local | Space::Param) {
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
        if let Some((repeated, earlier)) = self.scopes.conflict_with_range(&name.name, count) {
            self.redeclared(repeated, name.span, earlier);
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
            let message = format!(
                "'{}' is in '{}' and cannot have an initial value",
                variable.name.name,
                variable.space.keyword()
            );
            let help = "only '.global' and '.const' variables can".to_owned();
            self.problems.report_with_help(variable.name.span, message, help);
        }
        self.initial_addresses(initializer);
        self.initial_size(variable, initializer, &variable.dimensions);
    }

    /// `[]` is for the outermost dimension, and for what gets its size elsewhere.
    fn array_sizes(&mut self, variable: &Variable) {
        let Some((outermost, inner)) = variable.dimensions.split_first() else { return };
        let sized_elsewhere = variable.linkage == Some(Linkage::Extern) || variable.space == Space::Param;
        let sized_by_value =
            outermost.is_none() && matches!(variable.initializer, Some(Initializer::List(_)));
        let help = if inner.iter().any(|size| matches!(size, None | Some(0))) {
            "only the outermost dimension can be left out"
        } else if !matches!(outermost, None | Some(0)) || sized_elsewhere || sized_by_value {
            return;
        } else if variable.space == Space::Shared {
            "give it a size, or declare it '.extern .shared' to take the size from the launch"
        } else {
            "give it a size, or an initial value to take the size from"
        };
        let message = format!("the array '{}' has no size", variable.name.name);
        self.problems.report_with_help(variable.name.span, message, help.to_owned());
    }

    fn initial_addresses(&mut self, initializer: &'m Initializer) {
        match initializer {
            Initializer::Literal(_) => {}
            Initializer::List(elements) => {
                elements.iter().for_each(|element| self.initial_addresses(element))
            }
            Initializer::Address { symbol, .. } => {
                self.resolve(symbol);
            }
        }
    }

    /// A list stands for an array or a vector, and has no more elements than there is room for.
    fn initial_size(
        &mut self,
        variable: &'m Variable,
        initializer: &'m Initializer,
        dimensions: &[Option<u64>],
    ) {
        let Initializer::List(elements) = initializer else { return };
        let (room, inner) = match dimensions.split_first() {
            Some((outermost, inner)) => (*outermost, inner),
            None => (Some(u64::from(variable.vector)), dimensions),
        };
        let name = &variable.name;
        let is_scalar = dimensions.is_empty() && variable.vector == 1;
        let is_nested = dimensions.is_empty() && elements.iter().any(|e| matches!(e, Initializer::List(_)));
        if is_scalar || is_nested {
            let message = format!(
                "the initial value of '{}' has more '{{' than the variable has dimensions",
                name.name
            );
            return self.problems.report(name.span, message);
        }
        if let Some(room) = room.filter(|room| elements.len() as u64 > *room) {
            let count = elements.len();
            let message =
                format!("'{}' has room for {room} values where its initial value has {count}", name.name);
            self.problems.report(name.span, message);
        }
        elements.iter().for_each(|element| self.initial_size(variable, element, inner));
    }
}

fn symbol_of(variable: &Variable) -> Symbol {
    match variable.space {
        Space::Register => Symbol::Register { ty: variable.ty, vector: variable.vector },
        space => Symbol::Variable { space, is_extern: variable.linkage == Some(Linkage::Extern) },
    }
}
