//! Measuring: what is recorded, what is said, and how failures end.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Stdio, time::Duration};

use crate::repository::{Repository, pipe, stderr, stdout};

/// An implementation of `attention` whose one entry runs `body`.
fn implementation(repository: &Repository, name: &str, body: &str) {
    repository.write(
        &format!("kernels-ptx/{name}/kernel.ptx"),
        &format!(
            ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry run(.param .u64 out)\n{{\n{body}\n}}\n"
        ),
    );
    repository.write(
        &format!("kernels-ptx/{name}/kernel.toml"),
        r#"
op = "attention"
summary = "for a test"
dtypes = ["f32"]
head_dims = [32]

[[launch]]
entry = "run"
grid = [1, 1, 1]
block = [32, 1, 1]
args = ["out"]
"#,
    );
}

fn query(repository: &Repository, sql: &str) -> String {
    stdout(&repository.pipe(&["query", sql, "--format", "csv"]).success())
}

#[test]
fn a_run_is_recorded_under_its_commit() {
    let repository = Repository::new();
    let head = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let assert = repository.bench().success();
    assert!(stdout(&assert).contains("attention"), "{}", stdout(&assert));
    let runs = repository.runs();
    assert_eq!(runs.len(), 1);
    assert!(runs[0].to_str().unwrap().contains(&format!("commit={head}/type=tiny/")), "{runs:?}");
    assert_eq!(
        query(&repository, "select distinct device_kind, dirty from measurements"),
        "device_kind,dirty\nembedded,false\n"
    );
}

#[test]
fn dirty_is_what_differs_from_the_commit() {
    let repository = Repository::new();
    repository.write("unrelated.txt", "changed\n");
    repository.bench().success();
    implementation(&repository, "mine", "ret;");
    repository.pipe(&["bench", "tiny", "--device", "embedded"]).code(12);
    let dirty = "select distinct implementation from measurements where dirty";
    assert_eq!(query(&repository, dirty), "implementation\nmine\n");
}

#[test]
fn counts_are_the_same_on_every_run_and_for_any_number_of_threads() {
    let repository = Repository::new();
    for threads in ["1", "2", "5"] {
        let bench = ["bench", "tiny", "--device", "embedded", "--threads", threads];
        repository.pipe(&bench).success();
    }
    let differing = "select implementation, metric from measurements where basis = 'counted' \
                     group by implementation, config, metric having count(distinct median) > 1 or count(*) <> 3";
    assert_eq!(query(&repository, differing), "implementation,metric\n");
    let counted = query(
        &repository,
        "select count(distinct metric) > 10 as many from measurements where basis = 'counted'",
    );
    assert_eq!(counted, "many\ntrue\n");
}

#[test]
fn outside_git_and_before_the_first_commit_results_are_unversioned() {
    for repository in [Repository::plain(), Repository::unborn()] {
        let assert = repository.bench().success();
        assert!(stderr(&assert).contains("unversioned"), "{}", stderr(&assert));
        assert_eq!(query(&repository, "select distinct commit from measurements"), "commit\nunversioned\n");
        let assert = repository.pipe(&["bench", "tiny", "--rev", "HEAD"]).code(2);
        assert!(stderr(&assert).contains("--rev") || stderr(&assert).contains("HEAD"), "{}", stderr(&assert));
    }
}

#[test]
fn any_commit_can_be_measured_without_a_checkout() {
    let repository = Repository::new();
    implementation(&repository, "mine", "trap;");
    let old = repository.commit("a kernel that traps");
    implementation(&repository, "mine", "ret;");
    let new = repository.commit("a kernel that does nothing");
    let range = format!("{old}~1..{new}");
    repository
        .pipe(&["bench", "tiny", "--implementation", "mine", "--device", "embedded", "--rev", &range])
        .code(12);
    let rows = query(
        &repository,
        "select m.commit, status from measurements m join commits c on c.commit = m.commit order by c.position",
    );
    assert_eq!(rows, format!("commit,status\n{old},trap\n{new},wrong_result\n"));
}

#[test]
fn a_failing_kernel_is_a_row_and_the_rest_goes_on() {
    let repository = Repository::new();
    implementation(
        &repository,
        "a-trap",
        "  .reg .u64 %p;\n  .reg .f32 %x;\n  mov.u64 %p, 64;\n  ld.global.f32 %x, [%p];\n  ret;",
    );
    implementation(&repository, "b-wrong", "ret;");
    implementation(&repository, "c-loop", "again:\n  bra again;");
    implementation(&repository, "d-syntax", "  mov.u32 %r1 1;");
    let bench = ["bench", "tiny", "--device", "embedded", "--instruction-budget", "1000000"];
    let assert = repository.pipe(&bench).code(12);
    let rows = query(
        &repository,
        "select distinct implementation, status from measurements order by implementation",
    );
    assert_eq!(
        rows,
        "implementation,status\na-trap,trap\nattention,ok\nb-wrong,wrong_result\nblock-sparse-ring-dilated,ok\n\
         block-sparse-ring-multihead-dilated,ok\nc-loop,trap\nd-syntax,error\ndilated,ok\nflash-attention-scalar,ok\n\
         improved-dilated,ok\nimproved-multihead-dilated,ok\nmultihead-dilated,ok\nring-dilated,ok\n\
         ring-multihead-dilated,ok\n"
    );
    let trap = query(&repository, "select message from measurements where implementation = 'a-trap'");
    for part in ["run", "line 9", "block", "thread"] {
        assert!(trap.contains(part), "the message names {part}: {trap}");
    }
    let syntax = query(&repository, "select message from measurements where implementation = 'd-syntax'");
    assert!(syntax.contains("6:"), "the message names the line: {syntax}");
    assert!(stdout(&assert).contains("wrong_result"), "{}", stdout(&assert));
}

#[test]
fn a_case_that_does_not_fit_or_cannot_be_done_is_a_row() {
    let repository = Repository::new();
    let bench = ["bench", "tiny", "--device", "embedded", "--implementation", "dilated"];
    let assert = repository.command(&bench).args(["--embedded-memory", "16KiB"]).assert().success();
    assert!(stdout(&assert).contains("out_of_memory"), "{}", stdout(&assert));
    let assert = repository.command(&bench).args(["--seq-len", "48"]).assert().success();
    assert!(stdout(&assert).contains("skipped"), "{}", stdout(&assert));
    let rows = query(&repository, "select status, message from measurements order by recorded_at");
    assert!(rows.contains("out_of_memory"), "{rows}");
    assert!(rows.contains("seq_len 48 is not a multiple"), "{rows}");
}

#[test]
fn unknown_names_are_suggested_and_nothing_is_measured() {
    let repository = Repository::new();
    for (arguments, near) in [
        (&["bench", "al-implementations"][..], "all-implementations"),
        (&["bench", "tiny", "--implementation", "atention"], "attention"),
        (&["bench", "tiny", "--rev", "mian"], "main"),
    ] {
        let assert = repository.pipe(arguments).code(2);
        assert!(stderr(&assert).contains(near), "{arguments:?}: {}", stderr(&assert));
    }
    assert_eq!(repository.runs().len(), 0);
}

#[test]
fn broken_manifests_and_kernels_are_named_with_their_place() {
    let repository = Repository::new();
    implementation(&repository, "mine", "  mov.u32 %r1 1;");
    let assert = repository.pipe(&["kernels", "check", "mine"]).code(12);
    assert!(stdout(&assert).contains("mine/kernel.ptx:6:"), "{}", stdout(&assert));
    repository.write("kernels-ptx/mine/kernel.toml", "op = 'attention'\nsumary = 'x'\n");
    let assert = repository.pipe(&["kernels", "list"]).success();
    assert!(stderr(&assert).contains("mine/kernel.toml:2:"), "{}", stderr(&assert));
    let assert = repository.bench().success();
    assert!(stdout(&assert).contains("attention"), "the others still run: {}", stdout(&assert));
}

#[test]
fn an_unwritable_history_is_told_before_anything_is_measured() {
    let repository = Repository::new();
    repository.write("history", "a file is in the way");
    let assert = repository.bench().code(1);
    assert!(stderr(&assert).contains("history"), "{}", stderr(&assert));
    assert!(stderr(&assert).contains("--history") || stderr(&assert).contains("move"), "{}", stderr(&assert));
    assert_eq!(stdout(&assert), "", "nothing was measured");

    let locked = repository.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write anywhere, so no folder is unwritable");
        return;
    }
    let assert =
        pipe().current_dir(repository.path()).args(["bench", "tiny", "--history", "locked"]).assert().code(1);
    assert!(stderr(&assert).contains("locked"), "{}", stderr(&assert));
}

#[test]
fn two_benches_at_once_both_land() {
    let repository = Repository::new();
    let start = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_pipe"))
            .args(["bench", "tiny", "--implementation", "attention", "--device", "embedded"])
            .current_dir(repository.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    for mut child in [start(), start()] {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(query(&repository, "select count(*) as n from runs"), "n\n2\n");
}

#[test]
fn interrupted_it_records_what_is_finished() {
    let repository = Repository::new();
    // The first case takes milliseconds, the second many seconds.
    let arguments =
        ["bench", "tiny", "--implementation", "attention", "--device", "embedded", "--seq-len", "64,4096"];
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_pipe"))
        .args(arguments)
        .current_dir(repository.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let interrupt =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("1 of 2"), "{message}");
    assert_eq!(
        query(&repository, "select distinct seq_len, status from measurements"),
        "seq_len,status\n64,ok\n"
    );
}
