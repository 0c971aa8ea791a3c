//! What a case's kernels do, line by line.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use pipe_driver::embedded::LaunchRecord;
use pipe_kernels::{Implementation, Source};
use pipe_ptx::{LineIndex, ast::Item};
use pipe_simt::Counts;

use crate::{BoundLaunch, Roofline};

/// One kernel of a case's plan, all its launches together.
#[derive(Debug, Clone)]
pub struct KernelProfile {
    /// The entry's name.
    pub entry: String,
    /// The file that holds it.
    pub source: Arc<Source>,
    /// Its launches, in order.
    pub launches: Vec<LaunchRecord>,
    /// The bound of each launch; empty without a model.
    pub bounds: Vec<BoundLaunch>,
    /// What they did.
    pub counts: Counts,
    /// What each line with instructions did, by line from 1. The unique bytes are not told apart by line.
    pub lines: BTreeMap<u32, Counts>,
    /// The lines of the text that are the kernel's, from its header on.
    pub extent: RangeInclusive<u32>,
}

/// A case's launches, its result checked.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The kernels, in the order of their first launch.
    pub kernels: Vec<KernelProfile>,
    /// ‖out − ref‖ / ‖ref‖ against the op's reference.
    pub relative_error: f64,
}

/// Puts the launches of each kernel together.
pub(crate) fn by_kernel(
    implementation: &Implementation,
    launches: Vec<LaunchRecord>,
    mut roofline: Option<&mut Roofline>,
) -> Vec<KernelProfile> {
    let mut kernels: Vec<KernelProfile> = Vec::new();
    for launch in launches {
        let bound = roofline.as_deref_mut().map(|roofline| roofline.bound(implementation, &launch));
        let index = kernels.iter().position(|kernel| kernel.entry == launch.kernel).unwrap_or_else(|| {
            let source = implementation.source_of(&launch.kernel);
            kernels.push(KernelProfile {
                entry: launch.kernel.clone(),
                source: Arc::clone(source),
                launches: Vec::new(),
                bounds: Vec::new(),
                counts: Counts::default(),
                lines: BTreeMap::new(),
                extent: extent(source.ptx(), &launch.kernel),
            });
            kernels.len() - 1
        });
        let kernel = &mut kernels[index];
        kernel.bounds.extend(bound);
        kernel.counts += launch.counts;
        for line in &launch.lines {
            *kernel.lines.entry(line.line).or_default() += line.counts;
        }
        kernel.launches.push(launch);
    }
    kernels
}

/// The lines of an entry: from its header to before the next function, without what leads up to that.
fn extent(ptx: &str, entry: &str) -> RangeInclusive<u32> {
    let count = ptx.lines().count() as u32;
    let Ok(module) = pipe_ptx::parse(ptx) else { return 1..=count };
    let index = LineIndex::new(ptx);
    let mut starts = module.items.iter().filter_map(|item| match item {
        Item::Function(function) => Some((index.line_column(function.span.start).0, &*function.name.name)),
        _ => None,
    });
    let Some((first, _)) = starts.find(|(_, name)| *name == entry) else { return 1..=count };
    let next = starts.next().map_or(count + 1, |(line, _)| line);
    let lines: Vec<&str> = ptx.lines().collect();
    let belongs = |line: &u32| {
        let text = lines.get(*line as usize - 1).map_or("", |text| text.trim());
        !(text.is_empty() || text.starts_with("//"))
    };
    let last = (first..next).rev().find(belongs).unwrap_or(first);
    first..=last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_ends_before_what_leads_up_to_the_next() {
        let text = "\
.version 8.0
.target sm_80
.address_size 64
// one
.visible .entry one(
    .param .u64 a)
{
    ret; // here
}

// two
.visible .entry two() { ret; }
";
        assert_eq!(extent(text, "one"), 5..=9);
        assert_eq!(extent(text, "two"), 12..=12);
        assert_eq!(extent("no PTX\n", "one"), 1..=1);
    }
}
