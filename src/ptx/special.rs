//! The special registers (PTX ISA, "Special Registers").

/// Vectors with the components `.x`, `.y`, `.z` and `.w`.
const VECTORS: &[&str] =
    &["%cluster_ctaid", "%cluster_nctaid", "%clusterid", "%ctaid", "%nclusterid", "%nctaid", "%ntid", "%tid"];

const SCALARS: &[&str] = &[
    "%aggr_smem_size",
    "%clock",
    "%clock64",
    "%clock_hi",
    "%cluster_ctarank",
    "%cluster_nctarank",
    "%current_graph_exec",
    "%dynamic_smem_size",
    "%globaltimer",
    "%globaltimer_hi",
    "%globaltimer_lo",
    "%gridid",
    "%is_explicit_cluster",
    "%laneid",
    "%lanemask_eq",
    "%lanemask_ge",
    "%lanemask_gt",
    "%lanemask_le",
    "%lanemask_lt",
    "%nsmid",
    "%nwarpid",
    "%reserved_smem_offset_0",
    "%reserved_smem_offset_1",
    "%reserved_smem_offset_begin",
    "%reserved_smem_offset_cap",
    "%reserved_smem_offset_end",
    "%smid",
    "%total_smem_size",
    "%warpid",
];

/// Whether `name` is a special register, such as `%laneid`, `%tid`, `%tid.x` or `%envreg3`.
pub fn is_special_register(name: &str) -> bool {
    match name.split_once('.') {
        Some((vector, component)) => matches!(component, "x" | "y" | "z" | "w") && VECTORS.contains(&vector),
        None => SCALARS.contains(&name) || VECTORS.contains(&name) || is_numbered(name),
    }
}

/// `%envreg0` to `%envreg31`, `%pm0` to `%pm7` and `%pm0_64` to `%pm7_64`.
fn is_numbered(name: &str) -> bool {
    let below = |digits: &str, count: u32| {
        digits.parse::<u32>().is_ok_and(|number| number < count && number.to_string() == digits)
    };
    match (name.strip_prefix("%envreg"), name.strip_prefix("%pm")) {
        (Some(number), _) => below(number, 32),
        (_, Some(number)) => below(number.strip_suffix("_64").unwrap_or(number), 8),
        _ => false,
    }
}

/// The names worth suggesting for a misspelt one.
pub(crate) fn suggestions<'a>() -> impl Iterator<Item = &'a str> {
    const COMPONENTS: &[&str] = &[
        "%tid.x",
        "%tid.y",
        "%tid.z",
        "%ntid.x",
        "%ntid.y",
        "%ntid.z",
        "%ctaid.x",
        "%ctaid.y",
        "%ctaid.z",
        "%nctaid.x",
        "%nctaid.y",
        "%nctaid.z",
    ];
    let all: [&[&'a str]; 3] = [COMPONENTS, SCALARS, VECTORS];
    all.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_components_and_numbers() {
        for name in ["%tid", "%tid.x", "%nctaid.w", "%laneid", "%envreg31", "%pm7", "%pm0_64", "%clock64"] {
            assert!(is_special_register(name), "{name}");
        }
        for name in ["%tid.q", "%laneid.x", "%envreg32", "%envreg01", "%pm8", "tid.x", "%r1", "%pm_64"] {
            assert!(!is_special_register(name), "{name}");
        }
    }
}
