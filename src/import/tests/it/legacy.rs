//! The predecessor's files: the real ones where they are there, and others of every shape.

use pipe_import::Format;
use pipe_model::Status;

use crate::support::{import, import_text, real_results, told};

fn read(text: &str) -> String {
    told(&import_text("results-2025-06-27-1714-UTC.json", text).unwrap())
}

#[test]
fn records_by_implementation_with_samples() {
    insta::assert_snapshot!(read(r#"{
        "metadata": {"benchmark_type": "all-implementations", "timestamp": "2025-06-27-1719-UTC",
            "git_commit": "0123456789abcdef0123456789abcdef01234567", "git_dirty": true,
            "hardware": {"gpu_names": ["GPU X", "GPU Y"], "processor": "x86_64"}, "parameters": {"num_runs": 2}},
        "results": {"A": [
            {"implementation": "A", "seq_len": 1024, "batch_size": 1, "num_heads": 8, "head_dim": 64, "mean_time_ms": 2.0,
             "std_time_ms": 1.4142135623730951, "peak_memory_mb": 12.0, "samples": [1.0, 3.0], "error": null},
            {"implementation": "A", "seq_len": 2048, "batch_size": 1, "num_heads": 8, "head_dim": 64, "mean_time_ms": 0,
             "std_time_ms": 0, "peak_memory_mb": 0, "samples": [], "error": "CUDA out of memory. Tried"}]},
        "summary": {"A": {"avg_time_ms": 2.0, "min_time_ms": 2.0, "max_time_ms": 9.0, "num_configs": 1}}}"#), @r"
    all-implementations 0123456789abcdef0123456789abcdef01234567 on GPU X by import:legacy
      A [batch_size=1 head_dim=64 num_heads=8 seq_len=1024] peak_memory bytes 12582912
      A [batch_size=1 head_dim=64 num_heads=8 seq_len=1024] time ns 2 samples from 1000000
      A [batch_size=1 head_dim=64 num_heads=8 seq_len=2048] time ns out_of_memory: CUDA out of memory. Tried
    skipped 2: restates the samples, which are imported
    skipped 3: sums up rows that are imported
    skipped 3: the 0 of a case that failed is no measurement
    ");
}

#[test]
fn records_with_statistics_only() {
    insta::assert_snapshot!(read(r#"{"metadata": {"timestamp": "2025-06-27-0653-UTC", "device": "GPU X", "dtype": "float16", "num_heads": 8},
        "results": {"B": [
            {"implementation": "B", "seq_len": 32, "ring_size": null, "mean_time_ms": 4.5, "std_time_ms": 0.5, "min_time_ms": 4.0,
             "throughput_tokens_per_sec": 90.5, "success": true, "error": null},
            {"implementation": "B", "seq_len": 64, "mean_time_ms": 0, "std_time_ms": 0, "peak_memory_mb": 0, "success": false, "error": "boom"}]}}"#), @r"
    results unknown on GPU X by import:legacy
      B [dtype=f16 num_heads=8 seq_len=32] throughput tokens/s 90.5
      B [dtype=f16 num_heads=8 seq_len=32] mean_time ns 4500000 sd=500000 min=4000000
      B [dtype=f16 num_heads=8 seq_len=64] mean_time ns error: boom
    skipped 3: the 0 of a case that failed is no measurement
    ");
}

#[test]
fn bare_records() {
    insta::assert_snapshot!(read(r#"{"C": [{"implementation": "C", "seq_len": 8, "mean_time_ms": 1.5, "samples": [1.0, 2.0], "error": null}]}"#), @r"
    results unknown on unknown by import:legacy
      C [seq_len=8] time ns 2 samples from 1000000
    skipped 1: restates the samples, which are imported
    ");
}

#[test]
fn a_bare_list_of_records() {
    insta::assert_snapshot!(read(r#"[{"implementation": "C", "seq_len": 8, "mean_time_ms": 1.5, "success": true}, {"implementation": "C", "seq_len": 16, "success": false, "error": "OOM"}]"#), @r"
    results unknown on unknown by import:legacy
      C [seq_len=8] mean_time ns 1500000
      C [seq_len=16] time ns out_of_memory: OOM
    ");
}

#[test]
fn columns() {
    insta::assert_snapshot!(read(r#"{"metadata": {"benchmark_type": "ring"}, "results": {"comparison_results": {
        "current": {"seq_lens": [16, 32], "ring_sizes": [1, 4], "memory_gb": [0.5, 0.25], "time_ms": [3.5, 4.5]}},
        "plot_path": "docs/plot.png"}}"#), @r"
    ring unknown on unknown by import:legacy
      current [ring_size=1 seq_len=16] memory bytes 536870912
      current [ring_size=1 seq_len=16] time ns 3500000
      current [ring_size=4 seq_len=32] memory bytes 268435456
      current [ring_size=4 seq_len=32] time ns 4500000
    ");
}

#[test]
fn backends_with_a_config() {
    insta::assert_snapshot!(read(r#"{"timestamp": "2025-06-27-1021-UTC", "system": {"gpu": "GPU X", "has_fa2": false},
        "backend_comparison": {"config": {"batch_size": 2, "seq_len": 4096, "dtype": "torch.float16", "num_runs": 5},
        "backends": {"sdpa": {"time_ms": 1365.5, "memory_mb": 42.125}}}}"#), @r"
    results unknown on GPU X by import:legacy
      sdpa [batch_size=2 dtype=f16 num_runs=5 seq_len=4096] time ns 1365500000
      sdpa [batch_size=2 dtype=f16 num_runs=5 seq_len=4096] memory bytes 44171264
    ");
}

#[test]
fn estimates_are_modelled_and_simulations_extrapolated() {
    insta::assert_snapshot!(read(r#"{"configuration": {"num_gpus": 4, "num_heads": 32},
        "estimates": [{"sequence_length": 1024, "num_gpus": 4, "total_memory_mb": 76.5}],
        "speedup_analysis": [{"theoretical_speedup": 4, "actual_speedup": 3.7, "sequence_length": 1024}]}"#), @r"
    results unknown on unknown by import:legacy
      estimates [num_gpus=4 num_heads=32 seq_len=1024] total_memory bytes modelled 80216064
      speedup_analysis [num_gpus=4 num_heads=32 seq_len=1024] theoretical_speedup 1 modelled 4
      speedup_analysis [num_gpus=4 num_heads=32 seq_len=1024] actual_speedup 1 3.7
    ");
    insta::assert_snapshot!(read(r#"{"metadata": {"parameters": {"implementation": "Ring"}}, "results": {"scaling_results": [
        {"seq_len": 1024, "success": true, "simulated": false, "time_ms": 158.5, "estimated_memory_gb": 0.5},
        {"seq_len": 4096, "success": true, "simulated": true, "time_ms": 12800}], "max_verified": 1024}, "summary": {}}"#), @r"
    results unknown on unknown by import:legacy
      Ring [] max_verified 1 1024
      Ring [seq_len=1024] time ns 158500000
      Ring [seq_len=1024] estimated_memory bytes modelled 536870912
      Ring [seq_len=4096] time ns extrapolated 12800000000
    ");
}

#[test]
fn nested_statistics_and_lone_records() {
    insta::assert_snapshot!(read(r#"{"metadata": {"benchmark_type": "memory-pool-performance"}, "results": {
        "basic_results": [{"test_name": "t0", "allocation_time_ms": 1.5, "cache_hits": 4}],
        "pool": {"total_buffers": 4, "by_pool": {"default": 4, "ring": 0}, "frag": {"cuda": {"score": 0.5, "needs_defrag": false}},
                 "config": {"threshold": 0.3}}}, "summary": {"improvement_pct": 0.5}}"#), @r"
    memory-pool unknown on unknown by import:legacy
      basic_results [test_name=t0] allocation_time ns 1500000
      basic_results [test_name=t0] cache_hits 1 4
      pool [threshold=0.3] total_buffers 1 4
      pool [threshold=0.3] by_pool_default 1 4
      pool [threshold=0.3] by_pool_ring 1 0
      pool [threshold=0.3] frag_cuda_score 1 0.5
      pool [threshold=0.3] frag_cuda_needs_defrag 1 0
    ");
}

#[test]
fn what_was_not_measured_is_skipped_and_there() {
    insta::assert_snapshot!(read(r#"{"metadata": {"benchmark_type": "attention-comparison", "parameters": {"heads": 4}}, "results": {
        "sequence_length_0": {"embed_dim": 32, "token_count": "0.0M", "vanilla": null, "dilated": []}}}"#), @r"
    attention-comparison unknown on unknown by import:legacy
      vanilla [embed_dim=32 num_heads=4 token_count=0.0M] time ns skipped: the file has no result for it
      dilated [embed_dim=32 num_heads=4 token_count=0.0M] time ns skipped: the file has no result for it
    skipped 2: nothing was measured; recorded as skipped
    ");
}

#[test]
fn numbers_as_texts_and_constants() {
    insta::assert_snapshot!(read(r#"{"metadata": {}, "results": {"D": [{"implementation": "D", "seq_len": "16", "mean_time_ms": "4.5"},
        {"implementation": "D", "seq_len": 32, "mean_time_ms": NaN, "peak_memory_mb": 2},
        {"implementation": "D", "seq_len": 64, "samples": [1.0, Infinity], "mean_time_ms": 1.0}]}}"#), @r"
    results unknown on unknown by import:legacy
      D [seq_len=16] mean_time ns 4500000
      D [seq_len=32] peak_memory bytes 2097152
      D [seq_len=64] time ns 1000000
    skipped 1: 1 of 2 samples are no finite numbers
    skipped 1: not a finite number
    skipped 1: restates the samples, which are imported
    ");
}

#[test]
fn an_unknown_shape_is_named() {
    let error =
        import_text("a.json", r#"{"metadata": {"x": 1}, "results": {"deep": [[1, 2], [3]]}}"#).unwrap_err();
    insta::assert_snapshot!(error, @"a.json is not legacy as it should be: no result of a known shape under metadata, results; results.deep: a list of an unknown shape; kept in the environment");
    let error = import_text("a.json", r#"{"speed": 1, "colour": "red"}"#).unwrap_err();
    insta::assert_snapshot!(error, @"a.json has an unknown shape: a JSON object with the keys speed, colour");
    let part = import_text(
        "a.json",
        r#"{"metadata": {}, "results": {"deep": [[1]], "E": [{"implementation": "E", "time_ms": 1}]}}"#,
    )
    .unwrap();
    assert_eq!(part.runs[0].run.measurements.len(), 1);
    assert!(
        part.skipped
            .iter()
            .any(|skipped| skipped.to_string().contains("results.deep: a list of an unknown shape"))
    );
}

#[test]
fn all_real_files_come_in() {
    let Some(files) = real_results() else { return };
    let mut text = String::new();
    for path in &files {
        let imported = import(path).unwrap();
        assert_eq!(imported.format, Format::Legacy);
        for imported in &imported.runs {
            let run = &imported.run;
            let failures = run.measurements.iter().filter(|m| m.status != Status::Ok).count();
            let zero = run
                .measurements
                .iter()
                .filter(|m| m.metric.as_str().contains("time") && m.samples.contains(&0.0))
                .count();
            assert_eq!(zero, 0, "{}: a time of 0", path.display());
            text += &format!(
                "{} {} {} {}: {} rows, {failures} failed\n",
                run.benchmark_type,
                run.commit.short(),
                run.recorded_at,
                run.device.name,
                run.measurements.len()
            );
        }
    }
    insta::assert_snapshot!(text, @r"
    all-implementations 61cdef7b06 2025-06-27T17:14:00Z NVIDIA GeForce GTX 1080: 60 rows, 0 failed
    all-implementations 61cdef7b06 2025-06-27T17:19:00Z NVIDIA GeForce GTX 1080: 32 rows, 0 failed
    attention-comparison 0bcc708270 2025-06-27T16:00:00Z NVIDIA GeForce GTX 1080: 3 rows, 3 failed
    extreme-sequences unknown 2025-06-27T09:44:00Z NVIDIA GeForce GTX 1080: 21 rows, 1 failed
    ring-billion-tokens b7c77ea4d5 2025-06-27T19:10:00Z NVIDIA GeForce GTX 1080: 38 rows, 0 failed
    all-implementations unknown 2025-06-27T06:18:00Z unknown: 28 rows, 4 failed
    flash-attention unknown 2025-06-27T10:21:00Z NVIDIA GeForce GTX 1080: 4 rows, 0 failed
    long-sequences unknown 2025-06-27T06:38:00Z NVIDIA GeForce GTX 1080: 14 rows, 2 failed
    long-sequences unknown 2025-06-27T06:53:00Z NVIDIA GeForce GTX 1080: 34 rows, 2 failed
    memory-pool fbade2bf89 2025-06-27T16:28:00Z NVIDIA GeForce GTX 1080: 40 rows, 0 failed
    memory-pool fbade2bf89 2025-06-27T16:16:00Z NVIDIA GeForce GTX 1080: 66 rows, 0 failed
    memory-scaling-report unknown 2025-06-27T15:54:00Z unknown: 32 rows, 0 failed
    ring-attention-comparison ba2fe10691 2025-06-27T17:40:00Z NVIDIA GeForce GTX 1080: 52 rows, 0 failed
    ");
}
