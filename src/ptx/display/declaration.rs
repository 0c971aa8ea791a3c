//! Declarations of variables and registers as text.

use std::fmt::{self, Display, Formatter};

use super::Separated;
use crate::ast::{Initializer, Literal, RegisterDeclaration, Variable};

impl Display for Variable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(linkage) = self.linkage {
            write!(f, "{} ", linkage.keyword())?;
        }
        f.write_str(self.space.keyword())?;
        if !self.attributes.is_empty() {
            write!(f, " .attribute({})", Separated(&self.attributes, ", "))?;
        }
        if let Some(align) = self.align {
            write!(f, " .align {align}")?;
        }
        if self.vector > 1 {
            write!(f, " .v{}", self.vector)?;
        }
        write!(f, " {}", self.ty.keyword())?;
        if let Some(pointer) = self.pointer {
            f.write_str(" .ptr")?;
            if let Some(space) = pointer.space {
                write!(f, " {}", space.keyword())?;
            }
            write!(f, " .align {}", pointer.align)?;
        }
        write!(f, " {}", self.name.name)?;
        for dimension in &self.dimensions {
            match dimension {
                Some(size) => write!(f, "[{size}]")?,
                None => f.write_str("[]")?,
            }
        }
        match &self.initializer {
            Some(initializer) => write!(f, " = {initializer}"),
            None => Ok(()),
        }
    }
}

impl Display for RegisterDeclaration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(".reg")?;
        if self.vector > 1 {
            write!(f, " .v{}", self.vector)?;
        }
        write!(f, " {} {}", self.ty.keyword(), self.name.name)?;
        match self.count {
            Some(count) => write!(f, "<{count}>"),
            None => Ok(()),
        }
    }
}

impl Display for Initializer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Initializer::Literal(literal) => literal.fmt(f),
            Initializer::List(elements) => write!(f, "{{{}}}", Separated(elements, ", ")),
            Initializer::Address { symbol, offset, generic, mask } => {
                if let Some(mask) = mask {
                    write!(f, "{mask:#X}(")?;
                }
                match generic {
                    true => write!(f, "generic({})", symbol.name)?,
                    false => f.write_str(&symbol.name)?,
                }
                if *offset != 0 {
                    write!(f, "+{}", Signed(*offset))?;
                }
                if mask.is_some() { f.write_str(")") } else { Ok(()) }
            }
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Literal::Integer { bits, unsigned: true } => write!(f, "{bits}U"),
            Literal::Integer { bits, unsigned: false } => Signed(bits as i64).fmt(f),
            Literal::F32(bits) => write!(f, "0f{bits:08X}"),
            Literal::F64(bits) => write!(f, "0d{bits:016X}"),
        }
    }
}

/// A signed integer constant. The least one has no literal of its own: its magnitude would be unsigned.
pub(super) struct Signed(pub(super) i64);

impl Display for Signed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            i64::MIN => write!(f, "(-{}-1)", i64::MAX),
            value => value.fmt(f),
        }
    }
}
