//! Scopes: which names are declared where.

use foldhash::HashMap;

use crate::ast::{Space, Span, Type};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// `vector` is 1 for a scalar.
    Register {
        ty: Type,
        vector: u8,
    },
    /// `is_extern` where the declaration leaves the definition to another one.
    Variable {
        space: Space,
        is_extern: bool,
    },
    Function {
        entry: bool,
        defined: bool,
    },
    Label,
    /// Of `.branchtargets`.
    BranchTargets,
    /// Of `.calltargets` or `.callprototype`.
    Callees,
    /// `%tid.x` and the like, which nothing declares.
    Special,
    /// `_`, where a result is not wanted.
    Sink,
}

/// A symbol and where it was declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared {
    pub(super) symbol: Symbol,
    pub(super) span: Span,
}

/// `%r<8>`: eight symbols under one prefix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) declared: Declared,
    pub(super) count: u32,
}

/// One `{ … }`, or the module.
#[derive(Debug, Default)]
struct Scope<'m> {
    names: HashMap<&'m str, Declared>,
    ranges: HashMap<&'m str, Range>,
}

/// The scopes around a place in the module, the innermost last.
#[derive(Debug)]
pub(super) struct Scopes<'m>(Vec<Scope<'m>>);

impl<'m> Scopes<'m> {
    /// The module's own scope.
    pub(super) fn new() -> Self {
        Scopes(vec![Scope::default()])
    }

    pub(super) fn enter(&mut self) {
        self.0.push(Scope::default());
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// The nearest declaration of a name.
    pub(super) fn find(&self, name: &str) -> Option<Declared> {
        self.0.iter().rev().find_map(|scope| scope.find(name))
    }

    /// The declaration of a name in the innermost scope.
    pub(super) fn find_here(&self, name: &str) -> Option<Declared> {
        self.0.last().and_then(|scope| scope.find(name))
    }

    /// The name that `prefix<count>` would declare again in the innermost scope.
    pub(super) fn conflict_with_range(&self, prefix: &'m str, count: u32) -> Option<(&'m str, Declared)> {
        /// Compilers declare a range a type. Beyond this many a clash with a single name goes unnoticed, so that
        /// odd input does not take quadratic time.
        const MAX_CHECKED_RANGES: usize = 64;
        let scope = self.0.last()?;
        if let Some(range) = scope.ranges.get(prefix) {
            return Some((prefix, range.declared));
        }
        if scope.ranges.len() > MAX_CHECKED_RANGES {
            return None;
        }
        let clashes = |name: &str| splits(name).any(|(found, number)| found == prefix && number < count);
        let clashing = scope.names.iter().filter(|(name, _)| clashes(name));
        clashing.map(|(name, declared)| (*name, *declared)).min_by_key(|(_, declared)| declared.span.start)
    }

    /// Puts a name into the innermost scope, in place of what it stood for there.
    pub(super) fn declare(&mut self, name: &'m str, declared: Declared) {
        if let Some(scope) = self.0.last_mut() {
            scope.names.insert(name, declared);
        }
    }

    /// Puts `prefix<count>` into the innermost scope.
    pub(super) fn declare_range(&mut self, prefix: &'m str, range: Range) {
        if let Some(scope) = self.0.last_mut() {
            scope.ranges.insert(prefix, range);
        }
    }

    /// A range that a name just misses: its prefix, its count and the number the name has.
    pub(super) fn range_short_of(&self, name: &str) -> Option<(&'m str, u32, u32)> {
        self.0.iter().rev().find_map(|scope| {
            splits(name).find_map(|(prefix, number)| {
                let (prefix, range) = scope.ranges.get_key_value(prefix)?;
                Some((*prefix, range.count, number))
            })
        })
    }

    /// Every name that is visible, with what it stands for; not those of ranges.
    pub(super) fn visible(&self) -> impl Iterator<Item = (&'m str, Symbol)> {
        self.0
            .iter()
            .rev()
            .flat_map(|scope| scope.names.iter().map(|(name, declared)| (*name, declared.symbol)))
    }
}

impl Scope<'_> {
    fn find(&self, name: &str) -> Option<Declared> {
        // Ranges first: most names of a compiler's output are in one.
        let in_range = || {
            splits(name).find_map(|(prefix, number)| {
                self.ranges.get(prefix).filter(|range| number < range.count).map(|range| range.declared)
            })
        };
        let ranged = if self.ranges.is_empty() { None } else { in_range() };
        ranged.or_else(|| self.names.get(name).copied())
    }
}

/// The ways to see a name as a prefix and a number without leading zeros: `%r10` is `%r` and 10, or `%r1` and 0.
pub(super) fn splits(name: &str) -> impl Iterator<Item = (&str, u32)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    // A count is a u32, so a number has ten digits at most.
    (stem.max(name.len().saturating_sub(10))..name.len()).filter_map(move |at| {
        let (prefix, digits) = name.split_at(at);
        let canonical = digits.len() == 1 || !digits.starts_with('0');
        if !canonical || prefix.is_empty() {
            return None;
        }
        digits.parse().ok().map(|number| (prefix, number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(name: &str) -> Vec<(&str, u32)> {
        splits(name).collect()
    }

    #[test]
    fn splits_have_no_leading_zero() {
        assert_eq!(split("%r10"), [("%r", 10), ("%r1", 0)]);
        assert_eq!(split("%r01"), [("%r0", 1)]);
        assert_eq!(split("%r0"), [("%r", 0)]);
        assert_eq!(split("%p"), []);
        assert_eq!(split("x99999999999").len(), 9, "ten digits over 32 bits are no number");
    }
}
