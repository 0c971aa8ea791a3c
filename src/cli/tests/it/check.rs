//! The gate: every exit code proven, every format, acceptance, baselines and bisection.

use std::fs;

use crate::repository::{Repository, attention, stderr, stdout};

const BENCH: [&str; 6] = ["bench", "tiny", "--implementation", "mine", "--device", "embedded"];

/// `main` with a measured kernel, and a branch on which it has `extra` instructions a warp more, measured too.
fn branch(extra: usize) -> Repository {
    let repository = Repository::new();
    attention(&repository, "mine", 4);
    repository.commit("a kernel");
    repository.pipe(&BENCH).success();
    repository.git(&["switch", "--quiet", "--create", "topic"]);
    attention(&repository, "mine", extra);
    repository.commit("a change");
    repository.pipe(&BENCH).success();
    repository
}

/// Commits and hashes replaced, so that a snapshot holds.
fn anonymous(repository: &Repository, text: &str) -> String {
    let mut text = text.to_owned();
    for (rev, name) in [("HEAD", "<head>"), ("main", "<base>")] {
        let hash = repository.git(&["rev-parse", rev]).trim().to_owned();
        text = text.replace(&hash, name).replace(&hash[..10], name);
    }
    text
}

#[test]
fn no_regression_ends_with_0() {
    for extra in [4, 2] {
        let repository = branch(extra);
        let assert = repository.pipe(&["check"]).success();
        assert!(stdout(&assert).contains("merge base with main"), "{}", stdout(&assert));
        assert!(stdout(&assert).contains("no regression"), "{}", stdout(&assert));
    }
}

#[test]
fn slower_ends_with_10_and_is_worded_for_everybody() {
    let repository = branch(7);
    // Counts and what follows from them: wall times of the embedded device are another thing in every run.
    let check = ["check", "--metric", "roofline_time"];
    let assert = repository.pipe(&check).code(10);
    assert!(stderr(&assert).contains("pipe baseline accept"), "{}", stderr(&assert));
    insta::assert_snapshot!("check_table", anonymous(&repository, &stdout(&assert)));
    for format in ["markdown", "github", "junit"] {
        let assert = repository.command(&check).args(["--format", format]).assert().code(10);
        insta::assert_snapshot!(format!("check_{format}"), anonymous(&repository, &stdout(&assert)));
    }
    let all = stdout(&repository.pipe(&["check"]).code(10));
    assert!(all.contains("instructions ×1.0039, instructions_move ×1.031"), "why it is slower: {all}");
    let json = stdout(&repository.pipe(&["check", "--format", "json"]).code(10));
    assert!(json.contains("\"exit_code\": 10") && json.contains("\"kind\": \"slower\""), "{json}");
    let file = repository.path().join("comment.md");
    repository.pipe(&["check", "--format", "markdown", "-o", file.to_str().unwrap()]).code(10);
    assert!(fs::read_to_string(&file).unwrap().starts_with("<!-- pipe check -->"));
}

#[test]
fn unmeasured_ends_with_11_unless_that_is_allowed() {
    let repository = branch(4);
    attention(&repository, "mine", 9);
    repository.commit("not measured");
    let assert = repository.pipe(&["check"]).code(11);
    assert!(stderr(&assert).contains("pipe bench --rev"), "{}", stderr(&assert));
    repository.write("pipe.toml", "[check]\nallow_unclear = true\n");
    repository.pipe(&["check"]).success();
}

/// Records times of a GPU, of another tool, on two commits.
fn times(repository: &Repository, base: &[f64], new: &[f64]) {
    let row = |rev: &str, samples: &[f64]| {
        let commit = repository.git(&["rev-parse", rev]).trim().to_owned();
        format!(
            r#"{{"implementation": "mine", "metric": "gpu_time", "unit": "us", "samples": {samples:?}, "seq_len": 512,
                "type": "tiny", "device": "GPU X", "commit": "{commit}", "recorded_at": "2026-11-24T12:00:00Z"}}"#
        )
    };
    repository.write("times.json", &format!("[{}, {}]", row("main", base), row("HEAD", new)));
    repository.pipe(&["import", "times.json"]).success();
}

#[test]
fn unclear_ends_with_11() {
    let repository = branch(4);
    // Three samples decide nothing, however far they lie apart.
    times(&repository, &[10.0, 10.1, 10.2], &[20.0, 20.1, 20.2]);
    let assert = repository.pipe(&["check", "--case", "seq_len=512"]).code(11);
    assert!(stdout(&assert).contains("not decided: 1 unclear"), "{}", stdout(&assert));
    repository.write("pipe.toml", "[check]\nallow_unclear = true\n");
    repository.pipe(&["check", "--case", "seq_len=512"]).success();
}

#[test]
fn times_told_apart_end_with_10_or_0() {
    let around = |middle: f64| -> Vec<f64> { (0..12).map(|n| middle + 0.01 * f64::from(n)).collect() };
    for (new, code) in [(around(11.0), 10), (around(9.0), 0), (around(10.0), 0)] {
        let repository = branch(4);
        times(&repository, &around(10.0), &new);
        repository.pipe(&["check", "--case", "seq_len=512"]).code(code);
    }
}

#[test]
fn a_wrong_kernel_ends_with_12() {
    let repository = branch(4);
    let path = "kernels-ptx/mine/kernel.ptx";
    let ptx = fs::read_to_string(repository.path().join(path)).unwrap();
    repository.write(
        path,
        &ptx.replace("shl.b32         %query, %query, 2;", "shl.b32         %query, %query, 1;"),
    );
    repository.commit("wrong");
    repository.pipe(&BENCH).code(12);
    let assert = repository.pipe(&["check"]).code(12);
    assert!(stdout(&assert).contains("wrong_result"), "{}", stdout(&assert));
}

#[test]
fn usage_errors_end_with_2_and_a_failure_with_1() {
    let repository = branch(4);
    repository.write("pipe.toml", "[check]\nthreshhold = 0.1\n");
    let assert = repository.pipe(&["check"]).code(2);
    assert!(
        stderr(&assert).contains("threshhold") && stderr(&assert).contains("pipe.toml"),
        "{}",
        stderr(&assert)
    );
    fs::remove_file(repository.path().join("pipe.toml")).unwrap();
    repository.pipe(&["check", "--baseline", "nonsense"]).code(2);
    fs::create_dir_all(repository.path().join("history/_baselines")).unwrap();
    repository.write("history/_baselines/broken.toml", "commit = 1\n");
    let assert = repository.pipe(&["check", "--baseline", "broken"]).code(1);
    assert!(stderr(&assert).contains("broken.toml"), "{}", stderr(&assert));
}

#[test]
fn rules_set_thresholds_and_take_metrics_out_of_the_gate() {
    let repository = branch(7);
    let loose = |metric| format!("[[check.rule]]\ntype = 'tiny'\nmetric = '{metric}'\nthreshold = '50%'\n");
    repository.write("pipe.toml", &loose("instructions"));
    let assert = repository.pipe(&["check"]).code(10);
    assert!(stdout(&assert).contains("roofline_time"), "{}", stdout(&assert));
    repository.write("pipe.toml", &(loose("instructions") + &loose("roofline_time")));
    repository.pipe(&["check"]).success();
    repository
        .write("pipe.toml", "[[check.rule]]\nimplementation = 'mine'\ncase = 'seq_len=64'\ngate = false\n");
    let assert = repository.pipe(&["check"]).success();
    assert!(stdout(&assert).contains("outside of the gate"), "{}", stdout(&assert));
    repository.write("pipe.toml", "[[check.rule]]\ncase = 'seq_len=65'\ngate = false\n");
    repository.pipe(&["check"]).code(10);
}

#[test]
fn an_accepted_change_is_no_alarm_and_a_further_one_is() {
    let repository = branch(7);
    repository.pipe(&["check"]).code(10);
    let assert = repository.pipe(&["baseline", "accept"]).code(2);
    assert!(stderr(&assert).contains("--reason"), "{}", stderr(&assert));
    repository.pipe(&["baseline", "accept", "--reason", "more accurate"]).success();
    let assert = repository.pipe(&["check"]).success();
    assert!(stdout(&assert).contains("accepted: more accurate"), "{}", stdout(&assert));
    let list = stdout(&repository.pipe(&["baseline", "list"]).success());
    assert!(list.contains("2 changes: more accurate"), "{list}");

    attention(&repository, "mine", 9);
    repository.commit("a further change");
    repository.pipe(&BENCH).success();
    repository.pipe(&["check"]).code(10);
    // The history's own readers pass over the folder.
    let assert = repository.pipe(&["query", "select count(*) as n from runs", "--format", "csv"]).success();
    assert_eq!((stdout(&assert).as_str(), stderr(&assert).as_str()), ("n\n3\n", ""));
}

#[test]
fn on_the_default_branch_the_base_is_the_commit_before_or_head_for_uncommitted_kernels() {
    let repository = branch(7);
    repository.git(&["switch", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--ff-only", "topic"]);
    let assert = repository.pipe(&["check"]).code(10);
    assert!(stdout(&assert).contains("first parent"), "{}", stdout(&assert));
    attention(&repository, "mine", 8);
    repository.pipe(&BENCH).success();
    let assert = repository.pipe(&["check"]).code(10);
    assert!(stdout(&assert).contains("(HEAD)"), "{}", stdout(&assert));
}

#[test]
fn baselines_are_set_listed_used_and_removed() {
    let repository = branch(7);
    let assert = repository.pipe(&["baseline", "set", "../x"]).code(2);
    assert!(stderr(&assert).contains("cannot name a baseline"), "{}", stderr(&assert));
    repository.commit("not measured");
    let assert = repository.pipe(&["baseline", "set", "x"]).code(2);
    assert!(stderr(&assert).contains("pipe bench --rev"), "{}", stderr(&assert));
    repository.pipe(&["baseline", "set", "v1", "main"]).success();
    repository.write("pipe.toml", "baselines = 'perf'\n");
    repository.pipe(&["baseline", "set", "v2", "main"]).success();
    assert!(repository.path().join("perf/v2.toml").is_file());
    let list = stdout(&repository.pipe(&["baseline", "list"]).success());
    assert!(list.starts_with("v2") && list.contains("a kernel"), "{list}");
    repository.pipe(&["check", "HEAD~1", "--baseline", "v2"]).code(10);
    repository.write("pipe.toml", "baselines = 'perf'\n[check]\nbaseline = 'v2'\n");
    repository.pipe(&["check", "HEAD~1"]).code(10);
    repository.pipe(&["baseline", "remove", "v2"]).success();
    let assert = repository.pipe(&["baseline", "remove", "v2"]).code(2);
    assert!(stderr(&assert).contains("there is no baseline 'v2'"), "{}", stderr(&assert));
}

#[test]
fn bisect_finds_the_commit_and_measures_no_kernel_twice() {
    let repository = Repository::new();
    attention(&repository, "mine", 1);
    repository.commit("good");
    let mut culprit = String::new();
    for number in 0..9 {
        match number {
            // A change of the kernel that costs nothing, then the one that does, then another that does not.
            2 => {
                attention(&repository, "mine", 1);
                let path = "kernels-ptx/mine/kernel.ptx";
                let ptx = fs::read_to_string(repository.path().join(path)).unwrap();
                repository.write(path, &format!("// a comment\n{ptx}"));
            }
            5 => attention(&repository, "mine", 6),
            7 => {
                let path = "kernels-ptx/mine/kernel.ptx";
                let ptx = fs::read_to_string(repository.path().join(path)).unwrap();
                repository.write(path, &format!("// another\n{ptx}"));
            }
            _ => repository.write("unrelated.txt", &number.to_string()),
        }
        let commit = repository.commit(&format!("commit {number}"));
        if number == 5 {
            culprit = commit;
        }
    }
    let bisect = ["bisect", "HEAD~9", "--implementation", "mine", "--type", "tiny", "--device", "embedded"];
    let assert = repository.pipe(&bisect).success();
    let text = stdout(&assert);
    assert!(text.contains(&format!("{culprit} is the first commit with the change")), "{text}");
    assert!(text.contains("commit 5, A Tester"), "{text}");
    let runs = repository.runs().len();
    assert!(runs <= 4, "{runs} runs for four kernels");
    repository.pipe(&bisect).success();
    assert_eq!(repository.runs().len(), runs, "what is known is not measured again");

    let assert = repository.pipe(&["bisect", "HEAD~1", "--implementation", "mine", "--type", "tiny"]).code(2);
    assert!(stderr(&assert).contains("same kernel"), "{}", stderr(&assert));
    let assert = repository
        .pipe(&["bisect", "HEAD~3", "--implementation", "mine", "--type", "tiny", "--device", "embedded"])
        .code(2);
    assert!(stderr(&assert).contains("did not change"), "{}", stderr(&assert));
}
