//! Linking: PTX modules that refer to each other become one.
//!
//! What one module defines takes the place of what others declare `.extern`; of several `.weak` definitions the first stays. The
//! result is text again, of the newest version and target among its parts, and the loader checks it as any other.

use std::collections::{HashMap, HashSet};

use pipe_ptx::ast::{Ident, Item, Linkage, Module};

use crate::abi::*;
use crate::embedded::error::{Answer, Failure};

/// A module to be linked, and what it is called.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) module: Module,
}

/// A module's definition or declaration.
struct Entry<'a> {
    name: &'a Ident,
    linkage: Option<Linkage>,
    defines: bool,
}

/// `None` for what has no name that others could mean.
fn entry(item: &Item) -> Option<Entry<'_>> {
    match item {
        Item::Function(function) => Some(Entry {
            name: &function.name,
            linkage: function.linkage,
            defines: function.body.is_some() && function.linkage != Some(Linkage::Extern),
        }),
        Item::Variable(variable) => Some(Entry {
            name: &variable.name,
            linkage: variable.linkage,
            defines: variable.linkage != Some(Linkage::Extern),
        }),
        Item::Directive(_) => None,
    }
}

/// One module of several.
///
/// # Errors
///
/// `CUDA_ERROR_INVALID_PTX` where two define the same name.
pub(crate) fn merge(parts: &[Part]) -> Answer<Module> {
    let [first, ..] = parts else {
        return Err(Failure::invalid_value("nothing was added to the linker"));
    };
    // By name the part and the item that define it.
    let mut definitions: HashMap<&str, (usize, usize, Option<Linkage>)> = HashMap::new();
    for (part, Part { name, module }) in parts.iter().enumerate() {
        for (index, item) in module.items.iter().enumerate() {
            let Some(found) = entry(item).filter(|found| found.defines) else { continue };
            let key = &*found.name.name;
            match definitions.get(key).copied() {
                Some((before, _, linkage)) if before != part => match (linkage, found.linkage) {
                    (_, Some(Linkage::Weak | Linkage::Common)) => {}
                    (Some(Linkage::Weak | Linkage::Common), _) => {
                        definitions.insert(key, (part, index, found.linkage));
                    }
                    _ => {
                        return Err(Failure::new(
                            CUDA_ERROR_INVALID_PTX,
                            format!(
                                "`{key}` is defined in {} and in {name}; rename one of them",
                                parts[before].name
                            ),
                        ));
                    }
                },
                _ => drop(definitions.insert(key, (part, index, found.linkage))),
            }
        }
    }
    let mut declared = HashSet::new();
    let mut linked = Module { items: Vec::new(), ..first.module.clone() };
    for (part, Part { module, .. }) in parts.iter().enumerate() {
        linked.version = linked.version.max(module.version);
        if architecture(&module.target) > architecture(&linked.target) {
            linked.target = module.target.clone();
        }
        for (index, item) in module.items.iter().enumerate() {
            let keep = entry(item).is_none_or(|found| match definitions.get(&*found.name.name) {
                Some((of, at, _)) if found.defines => (*of, *at) == (part, index),
                // A declaration of what its own module defines comes before uses of it; one is enough of the others.
                Some((of, ..)) => *of == part && found.linkage != Some(Linkage::Extern),
                None => declared.insert(&*found.name.name),
            });
            if keep {
                linked.items.push(item.clone());
            }
        }
    }
    // Whatever is named comes before it is used.
    linked.items.sort_by_key(|item| match item {
        Item::Directive(directive) if &*directive.name.name == ".alias" => 4,
        Item::Directive(_) => 0,
        Item::Variable(_) => 1,
        Item::Function(function) => 2 + u8::from(function.entry),
    });
    Ok(linked)
}

/// The number in `sm_90a`.
fn architecture(target: &[Ident]) -> u32 {
    let name = target.first().map_or("", |target| &*target.name);
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, text: &str) -> Part {
        let text = format!(".version 7.0\n.target sm_70\n.address_size 64\n{text}");
        Part { name: name.to_owned(), module: pipe_ptx::parse(&text).unwrap() }
    }

    #[test]
    fn declarations_give_way_to_definitions() {
        let user = part(
            "a.ptx",
            ".extern .global .u32 seed; .extern .func (.param .u32 r) draw();
             .visible .entry k() { .param .u32 r; call (r), draw; ret; }",
        );
        let maker =
            part("b.ptx", ".visible .global .u32 seed = 7; .visible .func (.param .u32 r) draw() { ret; }");
        let text = merge(&[user, maker]).unwrap().to_string();
        assert!(!text.contains(".extern"), "{text}");
        assert_eq!((text.matches("seed").count(), text.matches("draw").count()), (1, 2), "{text}");
        pipe_ptx::parse(&text).unwrap();
    }

    #[test]
    fn two_definitions_are_refused_unless_weak() {
        let parts = |linkage: &str| {
            let text = format!("{linkage} .func f() {{ ret; }}");
            [part("a.ptx", ".visible .func f() { ret; }"), part("b.ptx", &text)]
        };
        let failure = merge(&parts(".visible")).unwrap_err();
        assert_eq!(failure.code, CUDA_ERROR_INVALID_PTX);
        assert_eq!(failure.message, "`f` is defined in a.ptx and in b.ptx; rename one of them");
        assert_eq!(merge(&parts(".weak")).unwrap().items.len(), 1);
    }
}
