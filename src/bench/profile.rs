//! What a case's kernels do, line by line.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use pipe_driver::embedded::LaunchRecord;
use pipe_kernels::{Implementation, Source};
use pipe_ptx::{LineIndex, ast::Item};
use pipe_simt::Counts;

use crate::{BoundLaunch, Roofline, hot_loop};

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
    /// The lines of each of its loops, from the label to the last branch back to it.
    pub loops: Vec<RangeInclusive<u32>>,
}

/// A case's launches, its result checked.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The kernels, in the order of their first launch.
    pub kernels: Vec<KernelProfile>,
    /// ‖out − ref‖ / ‖ref‖ against the op's reference.
    pub relative_error: f64,
}

/// Where the lines of a kernel are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    extent: RangeInclusive<u32>,
    loops: Vec<RangeInclusive<u32>>,
}

/// The layouts of the kernels that were seen: a text is read once for each of its entries, not for each case.
#[derive(Debug, Default)]
pub(crate) struct Layouts(BTreeMap<(Arc<str>, String), Layout>);

impl Layouts {
    fn of(&mut self, source: &Source, entry: &str) -> &Layout {
        let key = (source.shared_ptx(), entry.to_owned());
        self.0.entry(key).or_insert_with_key(|(ptx, entry)| Layout::of(ptx, entry))
    }
}

/// Puts the launches of each kernel together.
pub(crate) fn by_kernel(
    implementation: &Implementation,
    launches: Vec<LaunchRecord>,
    mut roofline: Option<&mut Roofline>,
    layouts: &mut Layouts,
) -> Vec<KernelProfile> {
    let mut kernels: Vec<KernelProfile> = Vec::new();
    for launch in launches {
        let bound = roofline.as_deref_mut().map(|roofline| roofline.bound(implementation, &launch));
        let index = kernels.iter().position(|kernel| kernel.entry == launch.kernel).unwrap_or_else(|| {
            let source = implementation.source_of(&launch.kernel);
            let Layout { extent, loops } = layouts.of(source, &launch.kernel).clone();
            kernels.push(KernelProfile {
                entry: launch.kernel.clone(),
                source: Arc::clone(source),
                launches: Vec::new(),
                bounds: Vec::new(),
                counts: Counts::default(),
                lines: BTreeMap::new(),
                extent,
                loops,
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

impl Layout {
    /// Of an entry: its lines from its header to before the next function, without what leads up to that.
    fn of(ptx: &str, entry: &str) -> Self {
        let count = ptx.lines().count() as u32;
        let unknown = || Self { extent: 1..=count, loops: Vec::new() };
        let Ok(module) = pipe_ptx::parse(ptx) else { return unknown() };
        let index = LineIndex::new(ptx);
        let mut functions = module.items.iter().filter_map(|item| match item {
            Item::Function(function) => Some((index.line_column(function.span.start).0, function)),
            _ => None,
        });
        let Some((first, function)) = functions.find(|(_, function)| *function.name.name == *entry) else {
            return unknown();
        };
        let next = functions.next().map_or(count + 1, |(line, _)| line);
        let lines: Vec<&str> = ptx.lines().collect();
        let belongs = |line: &u32| {
            let text = lines.get(*line as usize - 1).map_or("", |text| text.trim());
            !(text.is_empty() || text.starts_with("//"))
        };
        let last = (first..next).rev().find(belongs).unwrap_or(first);
        Self { extent: first..=last, loops: hot_loop::loops(function, &index) }
    }
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
        assert_eq!(Layout::of(text, "one").extent, 5..=9);
        assert_eq!(Layout::of(text, "two").extent, 12..=12);
        assert_eq!(Layout::of("no PTX\n", "one").extent, 1..=1);
    }
}
