//! The procedures that do more than time a case: slices, ring steps, limits, rings over several devices.

use pipe_bench::Outcome;
use pipe_kernels::Overrides;
use pipe_model::{Basis, Measurement, Metric, Status, Unit};

use crate::support::{Kernels, run, runner, runner_of};

/// A type with one quick case; what varies is given.
fn declared(
    procedure: &str,
    implementations: &str,
    seq_len: &str,
    dtype: &str,
    groups: &str,
    more: &str,
) -> String {
    format!(
        "description = \"a test\"\nprocedure = \"{procedure}\"\nimplementations = {implementations}\nstandard = []\nfull = []\n\
         [[quick]]\nbatch_size = 1\nseq_len = {seq_len}\nnum_heads = 2\nhead_dim = 32\ndtype = \"{dtype}\"\ncausal = false\n\
         groups = {groups}\n{more}\n"
    )
}

fn outcome(text: &str) -> Outcome {
    let kernels = Kernels::new().with_copy().benchmark_text("this", text);
    run(&mut runner(), &kernels.library(), "this", Overrides::default())
}

fn row<'a>(rows: &'a [Measurement], metric: &Metric) -> &'a Measurement {
    let found = rows.iter().find(|row| row.metric == *metric);
    found.unwrap_or_else(|| panic!("no {metric} in {rows:#?}"))
}

const GROUPS: &str = "{ segment_lengths = [16, 32], dilation_rates = [1, 2] }";

#[test]
fn slices_run_and_the_whole_is_said_to_be_extrapolated() {
    let slices = "parameters = { slice_len = 64, slices = 3 }";
    let text = declared("slices", r#"["improved-dilated"]"#, "1048576", "f32", GROUPS, slices);
    let rows = outcome(&text).measurements;
    assert!(
        rows.iter().all(|row| row.status == Status::Ok && row.case.seq_len == Some(1 << 20)),
        "{rows:#?}"
    );
    let slice = row(&rows, &Metric::SLICE_TIME);
    assert_eq!((slice.basis, slice.samples.len()), (Basis::Measured, 3));
    assert_eq!(row(&rows, &Metric::RELATIVE_ERROR).samples.len(), 3, "each was checked");
    // Four tensors of 64 positions, and a table: bounded by the slice.
    let memory = row(&rows, &Metric::PEAK_MEMORY).samples[0];
    assert!((4.0 * 16384.0..5.0 * 16384.0).contains(&memory), "{memory}");
    let whole = row(&rows, &Metric::EMULATION_TIME);
    let mut times = slice.samples.clone();
    times.sort_by(f64::total_cmp);
    assert_eq!((whole.basis, whole.samples[0]), (Basis::Extrapolated, times[1] * 16384.0));
    assert_eq!(whole.message, "from 3 of 16384 slices of 64 tokens, which ran and were checked");
    let launches = rows.iter().find(|row| row.metric.as_str() == "launches").unwrap();
    assert_eq!((launches.basis, launches.samples[0]), (Basis::Extrapolated, 16384.0));
}

#[test]
fn where_every_slice_runs_nothing_is_extrapolated_in_time() {
    let slices = "parameters = { slice_len = 64, slices = 9 }";
    let text = declared("slices", r#"["improved-dilated", "attention"]"#, "128", "f32", GROUPS, slices);
    let rows = outcome(&text).measurements;
    let (sliced, other): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.implementation == "improved-dilated");
    let whole = row(&sliced, &Metric::EMULATION_TIME);
    assert_eq!(whole.basis, Basis::Measured);
    assert_eq!(whole.samples[0], row(&sliced, &Metric::SLICE_TIME).samples.iter().sum::<f64>());
    assert_eq!((other.len(), other[0].status), (1, Status::Skipped));
    assert!(
        other[0].message.starts_with("full attention is over the whole sequence"),
        "{}",
        other[0].message
    );
}

#[test]
fn a_wrong_slice_is_named() {
    let wrong = "op = \"dilated-attention\"\nsummary = \"a test\"\ndtypes = [\"f32\"]\nhead_dims = [32]\n\
                 [[launch]]\nentry = \"copy\"\ngrid = [\"ceil_div(batch_size * seq_len * num_heads * head_dim, 128)\", 1, 1]\n\
                 block = [128, 1, 1]\nargs = [\"v\", \"out\", { u32 = \"batch_size * seq_len * num_heads * head_dim\" }]\n";
    let text =
        declared("slices", r#"["bad"]"#, "256", "f32", GROUPS, "parameters = { slice_len = 64, slices = 2 }");
    let kernels =
        Kernels::new().implementation("bad", wrong, crate::support::COPY).benchmark_text("this", &text);
    let rows = run(&mut runner(), &kernels.library(), "this", Overrides::default()).measurements;
    assert_eq!((rows.len(), rows[0].status, &rows[0].metric), (1, Status::WrongResult, &Metric::SLICE_TIME));
    assert!(rows[0].message.starts_with("slice 0 of 4: relative error"), "{}", rows[0].message);
}

#[test]
fn a_ring_of_a_billion_tokens_takes_the_memory_of_a_chunk() {
    let groups = "{ segment_lengths = [1073741824], dilation_rates = [64] }";
    let ring = "parameters = { ring_size = 16384, steps = 3 }";
    let text =
        declared("ring-steps", r#"["ring-dilated", "improved-dilated"]"#, "1073741824", "f16", groups, ring)
            .replace("num_heads = 2", "num_heads = 1");
    let rows = outcome(&text).measurements;
    let (ring, other): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.implementation == "ring-dilated");
    assert!(
        ring.iter().all(|row| row.status == Status::Ok && row.case.seq_len == Some(1 << 30)),
        "{ring:#?}"
    );
    // Six chunks of 65,536 positions of 32 halves, and the state.
    let memory = row(&ring, &Metric::PEAK_MEMORY).samples[0];
    assert!((24.0 * 1048576.0..26.0 * 1048576.0).contains(&memory), "{memory}");
    let error = row(&ring, &Metric::RELATIVE_ERROR).samples[0];
    assert!(error > 0.0 && error < 2e-3, "{error}");
    let step = row(&ring, &Metric::RING_STEP_TIME);
    assert_eq!((step.basis, step.samples.len()), (Basis::Measured, 3));
    let turn = row(&ring, &Metric::RING_TIME);
    assert_eq!(turn.basis, Basis::Extrapolated);
    assert_eq!(
        turn.message,
        "from 3 of 16384 steps of one of 16384 participants with 65536 tokens each, which ran and were checked"
    );
    assert_eq!(row(&ring, &Metric::EMULATION_TIME).samples[0], turn.samples[0] * 16384.0);
    assert_eq!((other[0].status, other.len()), (Status::Skipped, 1));
    assert_eq!(
        other[0].message,
        "improved-dilated cannot be part of a ring: its manifest has no ring_size and ring_queries"
    );
}

#[test]
fn a_limit_is_found_and_every_probe_is_a_row() {
    // The device has 64 MiB; a token takes four tensors of 2 heads of 32 floats, 1 KiB.
    let text = declared("limits", r#"["improved-dilated", "dilated"]"#, "64", "f32", GROUPS, "");
    let rows = outcome(&text).measurements;
    let (rows, of_dilated): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.implementation == "improved-dilated");
    let limit = row(&rows, &Metric::MAX_SEQ_LEN);
    assert_eq!((limit.basis, &limit.unit, limit.case.seq_len), (Basis::Measured, &Unit::TOKENS, None));
    let longest = limit.samples[0] as u64;
    // The table of groups takes what the last 64 tokens would need.
    assert_eq!(longest, 65536 - 64);
    assert!(
        limit.message.starts_with("allocated at 65472, launched and checked at 64; at 65536: the case needs"),
        "{}",
        limit.message
    );
    let probes: Vec<_> = rows.iter().filter(|row| row.case.seq_len.is_some_and(|len| len > 64)).collect();
    let refused: Vec<_> = probes.iter().filter(|row| row.status == Status::OutOfMemory).collect();
    assert!(!refused.is_empty() && refused.iter().all(|row| row.case.seq_len.unwrap() > longest));
    let fits: Vec<_> = probes.iter().filter(|row| row.status == Status::Ok).collect();
    assert_eq!(refused.len() + fits.len(), probes.len());
    assert!(fits.iter().any(|row| row.case.seq_len == Some(longest)), "the limit itself was allocated");
    assert!(fits.iter().all(|row| row.samples[0] <= f64::from(64 << 20)));
    assert!(probes.iter().any(|row| row.case.seq_len == Some(longest + 64)), "and one more was not");
    assert!(row(&rows, &Metric::RELATIVE_ERROR).samples[0] < 1e-5);
    // What is gathered and scored in memory leaves less for the sequence.
    assert!(row(&of_dilated, &Metric::MAX_SEQ_LEN).samples[0] < limit.samples[0]);
}

#[test]
fn a_kernel_that_is_wrong_has_no_limit() {
    let text = declared(
        "limits",
        r#"["copy"]"#,
        "64",
        "f32",
        "{ segment_lengths = [64], dilation_rates = [1] }",
        "",
    );
    let rows = outcome(&text).measurements;
    assert_eq!((rows.len(), rows[0].status, &rows[0].metric), (1, Status::WrongResult, &Metric::MAX_SEQ_LEN));
}

#[test]
fn a_ring_over_devices_computes_what_one_does() {
    let groups = "{ segment_lengths = [1024, 1024], dilation_rates = [1, 2] }";
    let devices = "parameters = { devices = [2, 4] }";
    let text = declared("distributed", r#"["ring-dilated"]"#, "1024", "f16", groups, devices);
    let kernels = Kernels::new().benchmark_text("this", &text);
    let rows = run(&mut runner_of(4), &kernels.library(), "this", Overrides::default()).measurements;
    for devices in ["2", "4"] {
        let of: Vec<_> =
            rows.iter().filter(|row| row.case.parameters["devices"] == devices).cloned().collect();
        assert!(of.iter().all(|row| row.status == Status::Ok), "{of:#?}");
        let error = row(&of, &Metric::RELATIVE_ERROR).samples[0];
        assert!(error > 0.0 && error < 2e-3, "{devices}: {error}");
        assert_eq!(row(&of, &Metric::RING_TIME).samples.len(), 3);
        for scaling in [Metric::STRONG_SCALING, Metric::WEAK_SCALING] {
            let scaling = row(&of, &scaling);
            assert!(scaling.basis == Basis::Measured && scaling.samples[0] > 0.0, "{scaling:?}");
        }
    }
    let memory = |devices: &str| {
        let of = |row: &&Measurement| {
            row.case.parameters["devices"] == devices && row.metric == Metric::PEAK_MEMORY
        };
        rows.iter().find(of).unwrap().samples[0]
    };
    assert!(memory("4") < memory("2") / 1.9, "a device holds its share");
}

#[test]
fn a_ring_without_enough_devices_or_with_a_mask_says_what_to_do() {
    let groups = "{ segment_lengths = [2048], dilation_rates = [2] }";
    let text = declared(
        "distributed",
        r#"["ring-dilated"]"#,
        "2048",
        "f16",
        groups,
        "parameters = { devices = 97 }",
    );
    let rows = outcome(&text).measurements;
    assert_eq!((rows.len(), rows[0].status, &rows[0].metric), (1, Status::Skipped, &Metric::RING_TIME));
    assert_eq!(
        rows[0].message,
        "the ring takes 97 devices and there are 96; set PIPE_EMBEDDED_DEVICES=97 for as many embedded ones, or take a case \
         with fewer"
    );
    let text = text.replace("devices = 97", "devices = 2").replace("causal = false", "causal = true");
    let rows = outcome(&text).measurements;
    assert_eq!(
        (rows[0].status, rows[0].message.as_str()),
        (
            Status::Skipped,
            "a device of a ring takes one sequence, no mask, and segments as long as the sequence"
        )
    );
    let text = text.replace("causal = true", "causal = false").replace("parameters = { devices = 2 }", "");
    let rows = outcome(&text).measurements;
    assert_eq!(
        (rows[0].status, rows[0].message.as_str()),
        (Status::Error, "the parameter devices is not given; give a positive number in the type's file")
    );
}
