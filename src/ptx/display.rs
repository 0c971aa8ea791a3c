//! The syntax tree back to PTX text, in the layout of NVIDIA's compilers.
//!
//! Parsing the text gives the tree again, spans aside. What the tree does not keep is not shown: comments, and how
//! constants were written (floating-point constants come out as `0f…` and `0d…`).

mod declaration;
mod instruction;

use std::fmt::{self, Display, Formatter};

use crate::ast::{Directive, Function, Item, Module, Statement};

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, ".version {}.{}", self.version.0, self.version.1)?;
        let target = self.target.iter().map(|target| &*target.name);
        writeln!(f, ".target {}", Separated(target, ", "))?;
        writeln!(f, ".address_size {}", self.address_size)?;
        self.items.iter().try_for_each(|item| write!(f, "\n{item}"))
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Item::Variable(variable) => writeln!(f, "{variable};"),
            Item::Function(function) => function.fmt(f),
            Item::Directive(directive) => writeln!(f, "{directive}"),
        }
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(linkage) = self.linkage {
            write!(f, "{} ", linkage.keyword())?;
        }
        f.write_str(if self.entry { ".entry" } else { ".func" })?;
        let is_attribute = |directive: &&Directive| &*directive.name.name == ".attribute";
        for attribute in self.directives.iter().filter(is_attribute) {
            write!(f, " .attribute({})", Separated(&attribute.arguments, ", "))?;
        }
        if !self.returns.is_empty() {
            write!(f, " ({})", Separated(&self.returns, ", "))?;
        }
        write!(f, " {}", self.name.name)?;
        match self.params.as_slice() {
            [] => f.write_str("()")?,
            params => write!(f, "(\n\t{}\n)", Separated(params, ",\n\t"))?,
        }
        for directive in self.directives.iter().filter(|directive| !is_attribute(directive)) {
            write!(f, "\n{directive}")?;
        }
        match &self.body {
            None => writeln!(f, ";"),
            Some(body) => {
                f.write_str("\n{\n")?;
                statements(f, body, 1)?;
                f.write_str("}\n")
            }
        }
    }
}

/// Statements, one a line, `depth` tabs from the left; labels stand at the margin.
fn statements(f: &mut Formatter<'_>, list: &[Statement], depth: usize) -> fmt::Result {
    let tabs = |f: &mut Formatter<'_>, depth| (0..depth).try_for_each(|_| f.write_str("\t"));
    for statement in list {
        match statement {
            Statement::Label(name) => {
                writeln!(f, "{}:", name.name)?;
                continue;
            }
            Statement::Block(inner) => {
                tabs(f, depth)?;
                f.write_str("{\n")?;
                statements(f, inner, depth + 1)?;
                tabs(f, depth)?;
                f.write_str("}\n")?;
                continue;
            }
            _ => tabs(f, depth)?,
        }
        match statement {
            Statement::Label(_) | Statement::Block(_) => {}
            Statement::Instruction(instruction) => write!(f, "{instruction};")?,
            Statement::Registers(registers) => write!(f, "{registers};")?,
            Statement::Variable(variable) => write!(f, "{variable};")?,
            Statement::BranchTargets { name, targets } => {
                let targets = targets.iter().map(|target| &*target.name);
                write!(f, "{}: .branchtargets {};", name.name, Separated(targets, ", "))?;
            }
            Statement::CallTargets { name, targets } => {
                let targets = targets.iter().map(|target| &*target.name);
                write!(f, "{}: .calltargets {};", name.name, Separated(targets, ", "))?;
            }
            Statement::CallPrototype { name, returns, params, directives } => {
                write!(f, "{}: .callprototype", name.name)?;
                write!(f, " ({}) _ ({})", Separated(returns, ", "), Separated(params, ", "))?;
                directives.iter().try_for_each(|directive| write!(f, " {directive}"))?;
                f.write_str(";")?;
            }
            Statement::Directive(directive) => write!(f, "{directive}")?,
        }
        f.write_str("\n")?;
    }
    Ok(())
}

impl Display for Directive {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = &*self.name.name;
        f.write_str(name)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            let separator = match name {
                _ if index == 0 => " ",
                ".loc" if matches!(&**argument, "function_name" | "inlined_at") => ", ",
                ".file" if index > 1 => ", ",
                ".loc" | ".file" | ".section" => " ",
                _ => ", ",
            };
            write!(f, "{separator}{argument}")?;
        }
        match name {
            ".pragma" | ".alias" => f.write_str(";"),
            _ => Ok(()),
        }
    }
}

/// Items with a separator between them.
struct Separated<I>(I, &'static str);

impl<I> Display for Separated<I>
where
    I: IntoIterator + Clone,
    I::Item: Display,
{
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.clone().into_iter().enumerate() {
            if index > 0 {
                f.write_str(self.1)?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}
