//! What tells cases apart: the words of their configs that not all of them share.

use std::collections::BTreeMap;

/// The words of a canonical config, `name=value` each; a quoted value keeps its spaces.
pub fn words(config: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, character) in config.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                words.push(&config[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    words.push(&config[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// The words that every config has.
pub fn common<'a>(configs: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for config in configs {
        all += 1;
        for word in words(config) {
            *counts.entry(word).or_default() += 1;
        }
    }
    counts.into_iter().filter(|&(_, count)| count == all).map(|(word, _)| word).collect()
}

/// A config without the `common` words, the sequence length first; the whole config where nothing else tells it apart.
pub fn own(config: &str, common: &[&str]) -> String {
    let mut own: Vec<&str> = words(config).into_iter().filter(|word| !common.contains(word)).collect();
    own.sort_by_key(|word| !word.starts_with("seq_len="));
    if own.is_empty() { config.to_owned() } else { own.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_keep_their_spaces() {
        assert_eq!(words(r#"a="x y" b=1 c="q\" r""#), [r#"a="x y""#, "b=1", r#"c="q\" r""#]);
        assert!(words("").is_empty());
    }
}
