//! Which known names look like a mistyped one: what every "did you mean" of pipe says.

/// Names at least this similar (Jaro-Winkler, 0 to 1) are worth suggesting.
const SIMILAR: f64 = 0.8;

/// The known names that look like `name`, the nearest first, three at most.
pub fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let name = &name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|candidate| (similarity(name, candidate), candidate))
        .filter(|(score, _)| *score >= SIMILAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup();
    scored.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// Jaro-Winkler; a part of a name, `heads` of `num_heads`, is as good as one letter off.
fn similarity(name: &str, candidate: &str) -> f64 {
    let candidate = &candidate.to_lowercase();
    let part = name.len() >= 3 && candidate.contains(name);
    strsim::jaro_winkler(name, candidate).max(if part { 0.95 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_looks_alike() {
        let known = ["attention", "dilated", "improved-dilated"];
        assert_eq!(near("atention", known), ["attention"]);
        assert_eq!(near("Dialted", known), ["dilated"]);
        assert_eq!(near("heads", ["head_dim", "num_heads"]), ["num_heads", "head_dim"]);
        assert_eq!(near("rates", ["dilation_rates", "causal"]), ["dilation_rates"]);
        assert!(near("zebra", known).is_empty());
    }
}
