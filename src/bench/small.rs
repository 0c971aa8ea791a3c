//! Cases as small as an implementation takes, one for each of its entries: enough to look for faults in.

use pipe_kernels::{CaseGrid, GroupList, Implementation, Library, Op, Overrides, Profile, Selection};
use pipe_model::Case;

/// Sequence lengths to try, in tokens.
const LENGTHS: [u64; 6] = [64, 128, 256, 512, 1024, 2048];

/// The smallest cases of `implementation`'s op that it has a plan for: every element type and head dimension it names,
/// causal or not. Empty where no benchmark type measures it with parameters that fit.
pub fn small_cases(library: &Library, implementation: &Implementation) -> Vec<Case> {
    let measures = |selection: &Selection| match selection {
        Selection::All => true,
        Selection::Named(names) => names.iter().any(|name| name == implementation.name()),
    };
    let mut cases: Vec<Case> = Vec::new();
    for spec in library.benchmark_types().filter(|spec| measures(&spec.implementations)) {
        for grid in spec.grids(Profile::Quick) {
            let smallest = candidates(grid, implementation).into_iter().find(|cases| !cases.is_empty());
            for case in smallest.unwrap_or_default() {
                let known = |other: &Case| {
                    other.dtype == case.dtype
                        && other.head_dim == case.head_dim
                        && other.parameters.get("causal") == case.parameters.get("causal")
                };
                if !cases.iter().any(known) {
                    cases.push(case);
                }
            }
        }
    }
    cases
}

/// The cases of a grid made small, the smallest first; those without a plan are left out.
fn candidates(grid: &CaseGrid, implementation: &Implementation) -> Vec<Vec<Case>> {
    let fitting = |grid: CaseGrid| -> Vec<Case> {
        grid.cases().into_iter().filter(|case| implementation.plan(case).is_ok()).collect()
    };
    if implementation.op() == Op::Custom {
        // Its sizes mean what its manifest makes of them.
        return vec![fitting(grid.clone())];
    }
    let narrow = GroupList { segment_lengths: vec![16, 32], dilation_rates: vec![1, 2] };
    // Three heads do not divide among two groups.
    let few = |groups: Vec<GroupList>, seq_len| {
        let overrides = Overrides {
            batch_size: vec![1],
            seq_len: vec![seq_len],
            num_heads: vec![3],
            head_dim: implementation.head_dims().to_vec(),
            dtype: implementation.dtypes().collect(),
            causal: vec![false, true],
        };
        CaseGrid { groups, ..grid.with(&overrides) }
    };
    let grids = std::iter::once(few(vec![narrow], LENGTHS[0]))
        .chain(LENGTHS.map(|length| few(grid.groups.iter().take(1).cloned().collect(), length)));
    grids.map(fitting).collect()
}
