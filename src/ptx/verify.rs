//! What can be checked of a module without knowing what its instructions mean: that names are declared, once and
//! before their use; that labels exist; that guards are predicates; that declarations make sense.

mod declaration;
mod scope;

use std::{cell::OnceCell, sync::Arc};

use foldhash::HashSet;

use crate::{
    LineIndex,
    ast::{Function, Guard, Ident, Instruction, Item, Module, Operand, Span, Statement, Type},
    diagnostic::Problems,
    near::near,
    parser::Outcome,
    special,
};
use scope::{Declared, Scopes, Symbol};

/// Beyond this many problems no near names are looked for: a broken file is no reason to take long.
const MAX_SUGGESTIONS: usize = 100;

/// Reports what is wrong in a parsed module.
pub(crate) fn verify(source: &str, outcome: &Outcome, problems: &mut Problems) {
    let mut verifier = Verifier {
        source,
        lines: OnceCell::new(),
        lost: &outcome.lost,
        scopes: Scopes::new(),
        reported: HashSet::default(),
        problems,
    };
    verifier.module(&outcome.module);
}

struct Verifier<'m> {
    source: &'m str,
    lines: OnceCell<LineIndex<'m>>,
    /// Names whose declarations could not be read.
    lost: &'m HashSet<Arc<str>>,
    scopes: Scopes<'m>,
    /// Names of the current function that have been reported as undeclared: once is enough.
    reported: HashSet<&'m str>,
    problems: &'m mut Problems,
}

impl<'m> Verifier<'m> {
    fn module(&mut self, module: &'m Module) {
        for item in &module.items {
            match item {
                Item::Variable(variable) => self.module_variable(variable),
                Item::Function(function) => self.function(function),
                Item::Directive(_) => {}
            }
        }
    }

    fn function(&mut self, function: &'m Function) {
        self.declare_function(function);
        self.reported.clear();
        self.scopes.enter();
        for parameter in function.returns.iter().chain(&function.params) {
            self.parameter(parameter, function.entry);
        }
        if let Some(body) = &function.body {
            self.statements(body);
        }
        self.scopes.leave();
    }

    fn statements(&mut self, statements: &'m [Statement]) {
        // A branch may go forward, so the labels of a scope are known from its start.
        for statement in statements {
            let (name, symbol) = match statement {
                Statement::Label(name) => (name, Symbol::Label),
                Statement::BranchTargets { name, .. } => (name, Symbol::BranchTargets),
                Statement::CallTargets { name, .. } | Statement::CallPrototype { name, .. } => {
                    (name, Symbol::Callees)
                }
                _ => continue,
            };
            self.declare(name, symbol);
        }
        for statement in statements {
            match statement {
                Statement::Label(_) | Statement::CallPrototype { .. } | Statement::Directive(_) => {}
                Statement::Instruction(instruction) => self.instruction(instruction),
                Statement::Registers(registers) => self.registers(registers),
                Statement::Variable(variable) => self.local_variable(variable),
                Statement::Block(inner) => {
                    self.scopes.enter();
                    self.statements(inner);
                    self.scopes.leave();
                }
                Statement::BranchTargets { targets, .. } => targets.iter().for_each(|name| self.label(name)),
                Statement::CallTargets { targets, .. } => targets.iter().for_each(|name| self.callee(name)),
            }
        }
    }

    fn instruction(&mut self, instruction: &'m Instruction) {
        if let Some(guard) = &instruction.guard {
            self.guard(guard);
        }
        match (&*instruction.opcode.name, instruction.operands.as_slice()) {
            ("bra", [Operand::Name(target)]) => self.label(target),
            ("brx", [index, Operand::Name(targets)]) => {
                self.operand(index);
                self.branch_targets(targets);
            }
            (_, operands) => operands.iter().for_each(|operand| self.operand(operand)),
        }
    }

    fn guard(&mut self, guard: &'m Guard) {
        let name = &guard.predicate;
        match self.resolve(name) {
            None | Some(Symbol::Register { ty: Type::Pred, vector: 1 }) => {}
            Some(symbol) => {
                let message = format!("the guard '{}' is {}, not a predicate", name.name, describe(symbol));
                self.problems.report(name.span, message);
            }
        }
    }

    fn operand(&mut self, operand: &'m Operand) {
        match operand {
            Operand::Literal(..) => {}
            Operand::Name(name) => {
                self.resolve(name);
            }
            Operand::Not(name) => match self.resolve(name) {
                None | Some(Symbol::Register { ty: Type::Pred, .. }) => {}
                Some(symbol) => {
                    let message =
                        format!("'{}' after '!' is {}, not a predicate", name.name, describe(symbol));
                    self.problems.report(name.span, message);
                }
            },
            Operand::Negated(name) => match self.resolve(name) {
                None | Some(Symbol::Register { vector: 1, .. }) => {}
                Some(symbol) => {
                    let message =
                        format!("'{}' after '-' is {}, not a register", name.name, describe(symbol));
                    self.problems.report(name.span, message);
                }
            },
            Operand::Offset { symbol: name, .. } => match self.resolve(name) {
                None | Some(Symbol::Register { vector: 1, .. } | Symbol::Variable { .. }) => {}
                Some(symbol) => {
                    let message =
                        format!("'{}' is {} and takes no offset or index", name.name, describe(symbol));
                    self.problems.report(name.span, message);
                }
            },
            Operand::Element { symbol: name, index, .. } => {
                if let Some(symbol) = self.resolve(name)
                    && !matches!(symbol, Symbol::Variable { .. })
                {
                    let message = format!("'{}' is {} and takes no index", name.name, describe(symbol));
                    self.problems.report(name.span, message);
                }
                self.resolve(index);
            }
            Operand::Address(address) => {
                if let Some(base) = &address.base {
                    self.resolve(base);
                }
                address.coordinates.iter().for_each(|operand| self.operand(operand));
            }
            Operand::Vector(elements, _) | Operand::List(elements, _) => {
                elements.iter().for_each(|operand| self.operand(operand));
            }
            Operand::Pair(first, second) => {
                self.operand(first);
                self.operand(second);
            }
        }
    }

    fn label(&mut self, name: &'m Ident) {
        match self.scopes.find(&name.name).map(|declared| declared.symbol) {
            Some(Symbol::Label) => {}
            Some(symbol) => {
                let message = format!("'{}' is {}, not a label", name.name, describe(symbol));
                self.problems.report(name.span, message);
            }
            None => self.undeclared(name, "no label '", "' in this scope or around it", |symbol| {
                symbol == Symbol::Label
            }),
        }
    }

    fn branch_targets(&mut self, name: &'m Ident) {
        match self.scopes.find(&name.name).map(|declared| declared.symbol) {
            Some(Symbol::BranchTargets) => {}
            Some(symbol) => {
                let message =
                    format!("'{}' is {}, not a list of '.branchtargets'", name.name, describe(symbol));
                self.problems.report(name.span, message);
            }
            None => self.undeclared(name, "no '.branchtargets' named '", "'", |symbol| {
                symbol == Symbol::BranchTargets
            }),
        }
    }

    fn callee(&mut self, name: &'m Ident) {
        match self.scopes.find(&name.name).map(|declared| declared.symbol) {
            Some(Symbol::Function { .. }) => {}
            Some(symbol) => {
                let message = format!("'{}' is {}, not a function", name.name, describe(symbol));
                self.problems.report(name.span, message);
            }
            None => self.undeclared(name, "no function '", "' before this", |symbol| {
                matches!(symbol, Symbol::Function { .. })
            }),
        }
    }

    /// What a name in an operand stands for; `None` once it has been reported that it stands for nothing.
    fn resolve(&mut self, ident: &'m Ident) -> Option<Symbol> {
        let name = &*ident.name;
        if let Some(declared) = self.scopes.find(name) {
            return Some(declared.symbol);
        }
        if special::is_special_register(name) {
            return Some(Symbol::Special);
        }
        if name == "_" {
            return Some(Symbol::Sink);
        }
        if let Some((base, component)) = name.split_once('.')
            && let Some(declared) = self.scopes.find(base)
        {
            return self.component(ident, base, component, declared.symbol);
        }
        self.undeclared(ident, "'", "' is not declared", |symbol| symbol != Symbol::Label);
        None
    }

    /// `%v.x` of a vector register, or `%r.b0` as the video instructions select parts.
    fn component(&mut self, ident: &Ident, base: &str, component: &str, symbol: Symbol) -> Option<Symbol> {
        if let Symbol::Register { ty, vector } = symbol {
            let place = match component {
                "x" | "r" => Some(0),
                "y" | "g" => Some(1),
                "z" | "b" => Some(2),
                "w" | "a" => Some(3),
                _ => None,
            };
            if vector == 1 && selects_parts(component)
                || place.is_some_and(|place| vector > 1 && place < vector)
            {
                return Some(Symbol::Register { ty, vector: 1 });
            }
        }
        let message = format!("'{base}' is {} and has no component '.{component}'", describe(symbol));
        self.problems.report(ident.span, message);
        None
    }

    /// Reports a name that is not declared, once a function, with the nearest one that `fits`.
    fn undeclared(&mut self, ident: &'m Ident, before: &str, after: &str, fits: impl Fn(Symbol) -> bool) {
        let name: &'m str = &ident.name;
        let is_lost = |name: &str| self.lost.contains(name);
        let stem = name.split('.').next().unwrap_or(name);
        if is_lost(stem)
            || scope::splits(stem).any(|(prefix, _)| is_lost(prefix))
            || !self.reported.insert(name)
        {
            return;
        }
        let message = format!("{before}{name}{after}");
        if let Some((prefix, count, number)) = self.scopes.range_short_of(name) {
            let help =
                format!("'{prefix}<{count}>' ends before it; declare '{prefix}<{}>'", u64::from(number) + 1);
            self.problems.report_with_help(ident.span, message, help);
            return;
        }
        let help = if self.problems.len() < MAX_SUGGESTIONS {
            let visible = self.scopes.visible().filter(|(_, symbol)| fits(*symbol));
            let names = visible.map(|(name, _)| name).collect::<Vec<&str>>();
            near(name, names.into_iter().chain(special::suggestions()))
                .map(|near| format!("is '{near}' meant?"))
        } else {
            None
        };
        self.problems.report_with_help(ident.span, message, help);
    }

    /// Declares a name in the innermost scope; twice is a problem.
    fn declare(&mut self, ident: &'m Ident, symbol: Symbol) {
        if let Some(earlier) = self.scopes.find_here(&ident.name) {
            self.redeclared(&ident.name, ident.span, earlier);
        } else {
            self.scopes.declare(&ident.name, Declared { symbol, span: ident.span });
        }
    }

    fn redeclared(&mut self, name: &str, span: Span, earlier: Declared) {
        let line = self.line(earlier.span);
        let message = format!("'{name}' is already {}, declared on line {line}", describe(earlier.symbol));
        self.problems.report(span, message);
    }

    fn line(&self, span: Span) -> u32 {
        self.lines.get_or_init(|| LineIndex::new(self.source)).line_column(span.start).0
    }
}

/// Whether that selects bytes or halves: one, or several of a SIMD video instruction's two sources.
fn selects_parts(component: &str) -> bool {
    let (parts, most, places) = match component.split_at_checked(1) {
        Some(("b", parts)) => (parts, 4, b'0'..=b'7'),
        Some(("h", parts)) => (parts, 2, b'0'..=b'3'),
        _ => return false,
    };
    (1..=most).contains(&parts.len()) && parts.bytes().all(|place| places.contains(&place))
}

/// A symbol as a message names it.
fn describe(symbol: Symbol) -> String {
    match symbol {
        Symbol::Register { ty, vector: 1 } => format!("a '{}' register", ty.keyword()),
        Symbol::Register { ty, vector } => format!("a '.v{vector} {}' register", ty.keyword()),
        Symbol::Variable { space, .. } => format!("a '{}' variable", space.keyword()),
        Symbol::Function { entry: true, .. } => "a kernel".to_owned(),
        Symbol::Function { entry: false, .. } => "a function".to_owned(),
        Symbol::Label => "a label".to_owned(),
        Symbol::BranchTargets => "a list of '.branchtargets'".to_owned(),
        Symbol::Special => "a special register".to_owned(),
        Symbol::Sink => "the sink".to_owned(),
        Symbol::Callees => "a '.callprototype' or a list of '.calltargets'".to_owned(),
    }
}
