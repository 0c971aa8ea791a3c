//! Instructions and operands as text.

use std::fmt::{self, Display, Formatter};

use super::{Separated, declaration::Signed};
use crate::ast::{Address, Instruction, Operand};

impl Display for Instruction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(guard) = &self.guard {
            write!(f, "@{}{} ", if guard.negated { "!" } else { "" }, guard.predicate.name)?;
        }
        f.write_str(&self.opcode.name)?;
        self.modifiers.iter().try_for_each(|modifier| write!(f, ".{}", modifier.name))?;
        if !self.operands.is_empty() {
            write!(f, " {}", Separated(&self.operands, ", "))?;
        }
        Ok(())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Name(name) => f.write_str(&name.name),
            Operand::Not(name) => write!(f, "!{}", name.name),
            Operand::Negated(name) => write!(f, "-{}", name.name),
            Operand::Literal(literal, _) => literal.fmt(f),
            Operand::Offset { symbol, offset } => write!(f, "{}+{}", symbol.name, Signed(*offset)),
            Operand::Element { symbol, index, offset, .. } => {
                write!(f, "{}[{}+{}]", symbol.name, index.name, Signed(*offset))
            }
            Operand::Address(address) => address.fmt(f),
            Operand::Vector(elements, _) => write!(f, "{{{}}}", Separated(elements, ", ")),
            Operand::Pair(first, second) => write!(f, "{first}|{second}"),
            Operand::List(elements, _) => write!(f, "({})", Separated(elements, ", ")),
        }
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.base {
            Some(base) if self.offset == 0 => write!(f, "[{}", base.name)?,
            Some(base) => write!(f, "[{}+{}", base.name, Signed(self.offset))?,
            None => write!(f, "[{}", Signed(self.offset))?,
        }
        self.coordinates.iter().try_for_each(|coordinate| write!(f, ", {coordinate}"))?;
        f.write_str(if self.unified { "].unified" } else { "]" })
    }
}
