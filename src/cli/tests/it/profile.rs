//! Profiles, and what the sanitizer finds, as users see them.

use serde_json::Value;

use crate::repository::{Repository, stderr, stdout};

/// An implementation of `attention` in which every thread of a block stores its number to the same word.
fn racy(repository: &Repository) {
    repository.write(
        "kernels-ptx/racy/kernel.ptx",
        "\
.version 7.0
.target sm_75
.address_size 64
.visible .entry run(.param .u64 out)
{
  .reg .b64 %p;
  .reg .b32 %t;
  ld.param.u64 %p, [out];
  mov.u32 %t, %tid.x;
  st.global.u32 [%p], %t;
  ret;
}
",
    );
    repository.write(
        "kernels-ptx/racy/kernel.toml",
        r#"
op = "attention"
summary = "for a test"
dtypes = ["f32"]
head_dims = [32]

[[launch]]
entry = "run"
grid = [1, 1, 1]
block = [64, 1, 1]
args = ["out"]
"#,
    );
}

#[test]
fn every_line_is_printed_with_what_it_did() {
    let repository = Repository::new();
    let assert = repository.pipe(&["profile", "improved-dilated", "--type", "tiny"]).success();
    let text = stdout(&assert);
    for part in [
        "improved_dilated_f32_d32",
        "warp instructions, ",
        "of their bytes asked for",
        "on NVIDIA H100 SXM5 80GB, bound by ",
        "(estimated)",
        "ld.param.u64",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\x1b'), "no colour where nobody looks");
    assert!(text.lines().any(|line| line.starts_with('>')), "hot lines are marked: {text}");
    assert!(!text.contains("improved_dilated_f32_d64"), "kernels that did not run are left out");
    let colored =
        repository.pipe(&["profile", "improved-dilated", "--type", "tiny", "--color", "always"]).success();
    assert!(stdout(&colored).contains("\x1b[1;31m>"));
}

#[test]
fn programs_get_every_count() {
    let repository = Repository::new();
    let profile = ["profile", "dilated", "--type", "tiny", "--gpu", "RTX 4090", "--format"];
    let json: Value =
        serde_json::from_str(&stdout(&repository.command(&profile).arg("json").assert().success())).unwrap();
    assert_eq!(json["gpu"], "NVIDIA GeForce RTX 4090");
    let kernels = json["kernels"].as_array().unwrap();
    let sum = |kernel: &Value, count: &str| -> u64 {
        kernel["lines"].as_array().unwrap().iter().map(|line| line["counts"][count].as_u64().unwrap()).sum()
    };
    for kernel in kernels {
        for count in ["instructions", "global_load_sectors", "flops_f32"] {
            assert_eq!(Some(sum(kernel, count)), kernel["counts"][count].as_u64(), "{count}");
        }
        let launch = &kernel["launches"][0];
        let binding = launch["roofline"]["binding"].as_str().unwrap();
        assert_eq!(launch["roofline"]["times_ns"][binding], launch["roofline"]["time_ns"]);
    }
    repository.command(&profile).args(["csv", "-o", "lines.csv"]).assert().success();
    let csv = std::fs::read_to_string(repository.path().join("lines.csv")).unwrap();
    assert!(csv.starts_with("kernel,line,instructions,"), "{csv}");
    let instructions: u64 =
        csv.lines().skip(1).filter_map(|row| row.split(',').nth(2)?.parse::<u64>().ok()).sum();
    assert_eq!(instructions, kernels.iter().map(|kernel| sum(kernel, "instructions")).sum::<u64>());
}

#[test]
fn wrong_names_are_suggested() {
    let repository = Repository::new();
    for (arguments, near) in [
        (&["profile", "atention"][..], "attention"),
        (&["profile", "attention", "--by", "instruction"], "instructions"),
        (&["profile", "attention", "--gpu", "h10"], "h100"),
        (&["profile", "dilated", "--type", "tiny", "--seq-len", "48"], "not a multiple"),
        (&["bench", "tiny", "--gpu", "a10"], "a100"),
    ] {
        let assert = repository.pipe(arguments).code(2);
        assert!(stderr(&assert).contains(near), "{arguments:?}: {}", stderr(&assert));
    }
}

#[test]
fn which_resource_binds_is_in_the_history() {
    let repository = Repository::new();
    repository.bench().success();
    let rows = stdout(
        &repository
            .pipe(&[
                "query",
                "select environment['roofline_gpu'] as gpu, metric, basis from measurements \
                 where metric like 'roofline_%_time' order by median desc limit 1",
                "--format",
                "csv",
            ])
            .success(),
    );
    assert!(rows.contains("NVIDIA H100 SXM5 80GB,roofline_") && rows.contains(",modelled"), "{rows}");
}

#[test]
fn a_race_is_found_by_check_and_by_bench() {
    let repository = Repository::new();
    racy(&repository);
    let assert = repository.pipe(&["kernels", "check", "racy"]).code(12);
    let text = stdout(&assert);
    assert!(text.contains("racy/kernel.ptx:10: race in global memory in kernel `run`, line 10"), "{text}");
    assert!(text.contains("thread (1,0,0)") && text.contains("thread (0,0,0)"), "both threads: {text}");
    assert!(text.contains(" times)"), "{text}");
    repository.pipe(&["kernels", "check", "racy", "--no-run"]).success();

    let bench = ["bench", "tiny", "--implementation", "racy,attention", "--device", "embedded", "--sanitize"];
    let assert = repository.pipe(&bench).code(12);
    assert!(stderr(&assert).contains("race in global memory"), "{}", stderr(&assert));
    let statuses = "select distinct implementation, status from measurements order by implementation";
    let rows = stdout(&repository.pipe(&["query", statuses, "--format", "csv"]).success());
    assert_eq!(rows, "implementation,status\nattention,ok\nracy,trap\n");
}

#[test]
fn the_kernels_that_pipe_carries_pass_the_check() {
    let repository = Repository::new();
    let assert = repository.pipe(&["kernels", "check"]).success();
    let table = stdout(&assert);
    assert!(table.lines().count() >= 11 && table.lines().all(|line| line.contains("  ok, ")), "{table}");
}
