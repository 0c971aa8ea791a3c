//! What the columns mean, for those who write queries.

/// A table, for those who write queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDescription {
    /// Its name.
    pub name: String,
    /// What one row of it is.
    pub row: String,
    /// In order.
    pub columns: Vec<ColumnDescription>,
}

/// A column, for those who write queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// As the engine names it, `Int64` for instance; every kind of text is `Utf8`.
    pub data_type: String,
    /// What it holds.
    pub meaning: String,
}

/// What the column `name` holds, in whichever table it is; the same name always holds the same.
pub(crate) fn meaning(name: &str) -> Option<&'static str> {
    MEANINGS.iter().find_map(|(column, meaning)| (*column == name).then_some(*meaning))
}

/// By column, in the order in which they first appear.
const MEANINGS: &[(&str, &str)] = &[
    ("run_id", "which run; a UUIDv7, so ids sort by the time they were made"),
    ("recorded_at", "when the run began"),
    ("commit", "what was measured: 40 hexadecimal digits, `unversioned` or `unknown`"),
    ("type", "benchmark type"),
    ("dirty", "the kernels differed from the commit's"),
    ("implementation", "`improved-dilated` …"),
    (
        "config",
        "all parameters of the case as text, sorted; a series is type, implementation, config, device, metric",
    ),
    ("batch_size", "independent sequences"),
    ("seq_len", "tokens of a sequence"),
    ("num_heads", "attention heads"),
    ("head_dim", "elements of one head's vector"),
    ("dtype", "`f32`, `f16`, `bf16`"),
    ("parameters", "the case's other parameters by name: parameters['causal']"),
    ("metric", "what was measured: `gpu_time`, `emulation_time`, `peak_memory`, `instructions` …"),
    ("unit", "of the samples: `ns`, `bytes`, `count`, `1`"),
    ("basis", "`measured`, `counted`, `modelled` or `extrapolated`"),
    ("samples", "every raw sample, in the order taken"),
    ("sample_count", "how many samples"),
    ("mean", "arithmetic mean of the samples"),
    ("std_dev", "their standard deviation, divisor n − 1"),
    ("min", "the smallest"),
    ("q1", "first quartile"),
    ("median", "median"),
    ("q3", "third quartile"),
    ("max", "the largest"),
    ("status", "`ok`, `out_of_memory`, `wrong_result`, `trap`, `timeout`, `error` or `skipped`"),
    (
        "message",
        "why the case ended so; of a few metrics that are `ok` what they are of, as the op of op_flops",
    ),
    ("device", "as the driver names it"),
    ("device_kind", "`cuda`, `embedded` or `imported`; never compare times of two kinds"),
    ("kernel_digest", "of the PTX and manifest that ran"),
    ("environment", "driver, clocks, CPU, OS, pipe version, command line by name"),
    ("source", "what wrote the run: `pipe 0.1.0`, `import:nvbench` …"),
    ("median_ns", "median of the row's time, in nanoseconds; NULL where the case has none"),
    ("mean_ns", "mean of the row's time"),
    ("std_dev_ns", "standard deviation of the row's time"),
    ("min_ns", "shortest sample of the row's time"),
    ("q1_ns", "first quartile of the row's time"),
    ("q3_ns", "third quartile of the row's time"),
    ("max_ns", "longest sample of the row's time"),
    ("behind", "how many commits of the history are newer"),
    ("good", "none of the case's rows in the run failed"),
    ("op", "what was computed: implementations of one op compute the same; NULL where it was not recorded"),
    ("cases", "cases that any implementation tried of the type on the device"),
    ("instructions", "warp instructions of the case, counted"),
    ("global_bytes", "bytes loaded from and stored to global memory, counted"),
    ("global_sectors", "32-byte sectors loaded from and stored to global memory, counted"),
    ("peak_memory", "most device memory that the case allocated at once, in bytes"),
    ("relative_error", "of the result against the op's f64 reference"),
    ("slower", "the time against the fastest implementation of the same case"),
    ("measurements", "its measurements in all runs"),
    (
        "is_primary",
        "the time is the one that its case is known by: gpu_time, else emulation_time, else the first by name",
    ),
    ("is_latest", "no later commit measured the type on the device"),
    ("previous_commit", "the commit of the point before in the series; NULL for the first point"),
    ("previous_q1", "its first quartile"),
    ("previous_median", "its median"),
    ("previous_q3", "its third quartile"),
    ("cases_done", "its cases done right"),
    ("cases_compared", "those that a commit before measured, too"),
    ("mean_median", "mean over the cases of their medians"),
    (
        "to_previous",
        "geometric mean over the compared cases of the median against that of the commit before that did the case; NULL where there are none",
    ),
    ("since_first", "product of the ratios `to_previous` from the first commit up to this one"),
    (
        "q1_to_median",
        "geometric mean over the cases with three samples or more of the first quartile against the median; NULL where there are none",
    ),
    ("q3_to_median", "the same of the third quartile"),
    ("sample_index", "place of the sample in its measurement, from 1"),
    ("sample", "one raw sample, in the measurement's unit"),
    ("rows", "measurements of the run"),
    ("failures", "measurements that are neither `ok` nor `skipped`"),
    (
        "position",
        "place in git's order, parents before children; NULL where the repository does not have the commit: sort NULLS FIRST",
    ),
    (
        "ordinal",
        "place among the commits of the history, from 1: in git's order, before it those that git has no place for",
    ),
    ("on_head", "HEAD contains the commit"),
    ("subject", "first line of the commit's message"),
    ("author", "who wrote the commit"),
    ("committed_at", "when it was committed"),
    ("parents", "the commits it follows, the first being the line it continues"),
    ("runs", "runs that measured the commit"),
    ("first_recorded_at", "when the first of them began"),
    ("last_recorded_at", "when the last of them began"),
    ("reason", "why the change was accepted"),
    ("accepted_at", "when, RFC 3339"),
    ("base_commit", "the commit that the change was measured against"),
    ("base_value", "median before the change, in the metric's unit"),
    ("accepted_value", "median after it: accepted up to here"),
];
