//! From the names of other tools to metrics, units, dimensions and benchmark types.

use pipe_model::{BenchmarkType, Case, Dtype, Metric, Unit};

const KIB: f64 = 1024.0;

/// Endings that say a unit: the ending, the unit it becomes, and by what a value is multiplied. Longer ones first.
const UNITS: &[(&str, &str, f64)] = &[
    ("_tokens_per_sec", "tokens/s", 1.0),
    ("_tokens_per_second", "tokens/s", 1.0),
    ("_bytes_per_second", "bytes/s", 1.0),
    ("_gb_per_sec", "bytes/s", 1e9),
    ("_per_second", "1/s", 1.0),
    ("_per_sec", "1/s", 1.0),
    ("_milliseconds", "ns", 1e6),
    ("_seconds", "ns", 1e9),
    ("_percent", "percent", 1.0),
    ("_mtoks", "tokens/s", 1e6),
    ("_tflops", "flop/s", 1e12),
    ("_gflops", "flop/s", 1e9),
    ("_bytes", "bytes", 1.0),
    ("_gb_s", "bytes/s", 1e9),
    ("_gbps", "bytes/s", 1e9),
    ("_sec", "ns", 1e9),
    ("_pct", "percent", 1.0),
    ("_ms", "ns", 1e6),
    ("_us", "ns", 1e3),
    ("_ns", "ns", 1.0),
    ("_s", "ns", 1e9),
    ("_gb", "bytes", KIB * KIB * KIB),
    ("_mb", "bytes", KIB * KIB),
    ("_kb", "bytes", KIB),
];

/// What a name says of a number: the metric without its unit, the unit, and what a value is multiplied by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) metric: Metric,
    pub(crate) unit: Unit,
    pub(crate) scale: f64,
}

impl Quantity {
    /// A metric in `unit`, of values that are multiplied by `scale` first.
    pub(crate) fn of(name: &str, unit: &str, scale: f64) -> Self {
        Self { metric: metric(name), unit: Unit::named(unit), scale }
    }

    /// A time whose values are in seconds.
    pub(crate) fn seconds(name: &str) -> Self {
        Self::of(name, "ns", 1e9)
    }
}

/// The quantity that a name with its unit at the end names: `mean_time_ms` is `mean_time` in nanoseconds.
pub(crate) fn quantity(name: &str) -> Quantity {
    let lower = name.to_lowercase();
    let ending = UNITS.iter().find_map(|(ending, unit, scale)| {
        let stem = lower.strip_suffix(ending)?;
        (!stem.is_empty()).then_some((stem, *unit, *scale))
    });
    let (stem, unit, scale) = ending.unwrap_or((&lower, "1", 1.0));
    Quantity { metric: metric(stem), unit: Unit::named(unit), scale }
}

/// A metric of any name: lower-case letters, digits and underscores remain.
pub(crate) fn metric(name: &str) -> Metric {
    let mut word = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
    }
    let word = word.trim_end_matches('_');
    let word = if word.starts_with(|c: char| c.is_ascii_lowercase()) {
        word.to_owned()
    } else {
        format!("value_{word}")
    };
    let word = word.trim_end_matches('_');
    // What is left is well-formed; gpu_time stands in for a value that cannot be.
    word.parse().unwrap_or(Metric::GPU_TIME)
}

/// A benchmark type of any name; none where nothing of the name can stay.
pub(crate) fn benchmark_type(name: &str) -> Option<BenchmarkType> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase().parse().ok()
}

/// An element type, as PyTorch, NumPy or CUDA spell it.
pub(crate) fn dtype(text: &str) -> Option<Dtype> {
    match text.strip_prefix("torch.").unwrap_or(text).to_ascii_lowercase().as_str() {
        "f32" | "float32" | "float" | "fp32" => Some(Dtype::F32),
        "f16" | "float16" | "half" | "fp16" => Some(Dtype::F16),
        "bf16" | "bfloat16" => Some(Dtype::Bf16),
        _ => None,
    }
}

/// Puts a parameter into the dimension it names, or among the parameters.
pub(crate) fn set_parameter(case: &mut Case, name: &str, value: &str) {
    let slot = match name {
        "batch_size" | "batch" => &mut case.batch_size,
        "seq_len" | "sequence_length" | "seq_length" => &mut case.seq_len,
        "num_heads" | "heads" | "n_heads" => &mut case.num_heads,
        "head_dim" | "dim_head" => &mut case.head_dim,
        "dtype" => {
            match dtype(value) {
                Some(dtype) => case.dtype = Some(dtype),
                None => drop(case.parameters.insert(name.to_owned(), value.to_owned())),
            }
            return;
        }
        _ => return drop(case.parameters.insert(name.to_owned(), value.to_owned())),
    };
    match value.parse::<i64>().ok().and_then(|value| u64::try_from(value).ok()) {
        Some(number) => *slot = Some(number),
        None => drop(case.parameters.insert(name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_metric_unit_and_scale() {
        let told = |name: &str| {
            let Quantity { metric, unit, scale } = quantity(name);
            format!("{metric} {unit} {scale}")
        };
        assert_eq!(told("mean_time_ms"), "mean_time ns 1000000");
        assert_eq!(told("peak_memory_gb"), "peak_memory bytes 1073741824");
        assert_eq!(told("throughput_tokens_per_sec"), "throughput tokens/s 1");
        assert_eq!(told("cache_hits"), "cache_hits 1 1");
        assert_eq!(told("_ms"), "ms 1 1");
        assert_eq!(told("Größe (%)"), "gr_e 1 1");
        assert_eq!(told("50%"), "value_50 1 1");
        assert_eq!(told("%"), "value 1 1");
    }

    #[test]
    fn names_of_types() {
        assert_eq!(benchmark_type("My Bench_2").unwrap().as_str(), "my-bench-2");
        assert_eq!(benchmark_type("../.."), None);
    }

    #[test]
    fn dimensions_are_whole_numbers() {
        let mut case = Case::default();
        for (name, value) in
            [("heads", "4"), ("seq_len", "1e3"), ("dtype", "torch.float16"), ("ring_size", "2")]
        {
            set_parameter(&mut case, name, value);
        }
        assert_eq!(case.config(), "dtype=f16 num_heads=4 ring_size=2 seq_len=1e3");
    }
}
