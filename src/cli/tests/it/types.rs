//! `pipe bench TYPE` for the types whose procedure is not just to time: what is printed and what is recorded.

use crate::repository::{Repository, stdout};

fn query(repository: &Repository, sql: &str) -> String {
    stdout(&repository.pipe(&["query", sql, "--format", "csv"]).success())
}

/// The header of the table that `pipe bench` prints.
fn header(printed: &str) -> &str {
    printed.lines().find(|line| line.trim_start().starts_with("implementation")).unwrap_or("").trim_end()
}

#[test]
fn memory_pool() {
    let repository = Repository::new();
    let assert = repository.pipe(&["bench", "memory-pool", "--device", "embedded"]).success();
    let printed = stdout(&assert);
    for column in
        ["trace", "allocation_time", "reuse_time", "fragmentation", "peak_memory", "device_allocations"]
    {
        assert!(header(&printed).contains(column), "{column}: {printed}");
    }
    let failed = "select implementation, message from measurements where status <> 'ok'";
    assert_eq!(query(&repository, failed), "implementation,message\n");
    // Each strategy takes the same traces; without a pool every allocation of both passes reaches the device.
    let traces = "select implementation, count(distinct config) as traces from measurements \
                  where metric = 'reuse_time' and unit = 'ns' group by implementation order by implementation";
    insta::assert_snapshot!(query(&repository, traces), @r"
    implementation,traces
    bucketed-pool,3
    driver-pool,3
    plain,3
    ");
    let plain = "select distinct median from measurements where metric = 'device_allocations' and implementation = 'plain'";
    assert_eq!(query(&repository, plain), "median\n480.0\n");
    let only = ["bench", "memory-pool", "--device", "embedded", "--implementation", "bucketed-pool"];
    assert!(!stdout(&repository.pipe(&only).success()).contains("plain"));
}

#[test]
fn sequence_limits() {
    let repository = Repository::new();
    let arguments =
        ["bench", "sequence-limits", "--device", "embedded", "--implementation", "improved-dilated"];
    let assert = repository.command(&arguments).args(["--embedded-memory", "16MiB"]).assert().success();
    assert!(header(&stdout(&assert)).contains("max_seq_len"), "{}", stdout(&assert));
    // A token takes four tensors of 2 heads of 64 halves, 1 KiB, and the table of groups a little: 16 MiB are not whole.
    let limit = "select median, unit, basis, seq_len is null as is_of_no_length from measurements where metric = 'max_seq_len'";
    assert_eq!(
        query(&repository, limit),
        "median,unit,basis,is_of_no_length\n15872.0,tokens,measured,true\n"
    );
    let refused = "select min(seq_len) as shortest from measurements where status = 'out_of_memory'";
    assert_eq!(query(&repository, refused), "shortest\n16384\n");
}

#[test]
fn a_million_tokens_and_a_billion() {
    let repository = Repository::new();
    let bench = ["bench", "extreme-sequences", "ring-billion-tokens", "--device", "embedded"];
    let assert = repository.pipe(&bench).success();
    let printed = stdout(&assert);
    assert!(printed.contains("slice_time") && printed.contains("ring_step_time"), "{printed}");
    let multiplied = "select distinct type, implementation, seq_len, message from measurements \
                      where basis = 'extrapolated' order by type, implementation, seq_len";
    insta::assert_snapshot!(query(&repository, multiplied), @r#"
    type,implementation,seq_len,message
    extreme-sequences,improved-dilated,1048576,"from 3 of 1024 slices of 1024 tokens, which ran and were checked"
    extreme-sequences,improved-dilated,4194304,"from 3 of 4096 slices of 1024 tokens, which ran and were checked"
    extreme-sequences,ring-dilated,1048576,"from 3 of 1024 slices of 1024 tokens, which ran and were checked"
    extreme-sequences,ring-dilated,4194304,"from 3 of 4096 slices of 1024 tokens, which ran and were checked"
    ring-billion-tokens,ring-dilated,1073741824,"from 3 of 16384 steps of one of 16384 participants with 65536 tokens each, which ran and were checked"
    "#);
    let failed = "select implementation, message from measurements where status <> 'ok'";
    assert_eq!(query(&repository, failed), "implementation,message\n");
}

#[test]
fn distributed() {
    let repository = Repository::new();
    let bench = ["bench", "distributed", "--device", "embedded"];
    let assert = repository.command(&bench).env("PIPE_EMBEDDED_DEVICES", "4").assert().success();
    assert!(header(&stdout(&assert)).contains("weak_scaling"), "{}", stdout(&assert));
    let rows = "select parameters['devices'] as devices, metric, unit, count(*) as rows from measurements \
                where status = 'ok' and metric like '%ing%' group by 1, 2, 3 order by 1, 2";
    insta::assert_snapshot!(query(&repository, rows), @r"
    devices,metric,unit,rows
    2,ring_time,ns,1
    2,strong_scaling,1,1
    2,weak_scaling,1,1
    4,ring_time,ns,1
    4,strong_scaling,1,1
    4,weak_scaling,1,1
    ");
    let repository = Repository::new();
    let assert = repository.pipe(&bench).success();
    assert!(stdout(&assert).contains("skipped"), "{}", stdout(&assert));
    let skipped = "select distinct status from measurements where message like '%PIPE_EMBEDDED_DEVICES=4%'";
    assert_eq!(query(&repository, skipped), "status\nskipped\n");
}
