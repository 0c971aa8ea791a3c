//! The dashboard over small histories, through the real query engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking"
)]

#[allow(dead_code, unreachable_pub, reason = "what the tests of the reports need besides")]
#[path = "../../../report/tests/it/fixture.rs"]
mod fixture;

use fixture::{Project, failed, measured};
use pipe_dashboard::{Dashboard, Look, Scope};
use pipe_history::{Acceptance, AcceptedChange, Baselines};
use pipe_model::Status;

/// Nine commits: `improved-dilated` becomes slower at the sixth and stays so, with more instructions; `dilated` fails once at the
/// last, where `attention` is not measured any more.
fn project() -> Project {
    let mut project = Project::new();
    for number in 0..9_u32 {
        let day = u64::from(number);
        let commit = project.commit(&format!("Commit {number}"), day);
        let mut run = project.run(&commit, day);
        // Some noise, so that there is a level to speak of.
        let noise = 1.0 + 0.004 * f64::from(number * 7 % 3);
        let (slower, more) = if number < 5 { (1.0, 1.0) } else { (1.3, 1.5) };
        run.measurements = [
            measured("improved-dilated", 1024, 2.0 * noise * slower, more),
            measured("improved-dilated", 2048, 4.0 * noise * slower, more),
            measured("dilated", 1024, 5.0 * noise, 2.0),
        ]
        .concat();
        if number < 8 {
            run.measurements.extend(measured("attention", 1024, 20.0 * noise, 3.0));
        } else {
            run.measurements.push(failed("dilated", 2048, Status::Trap, "an access out of bounds"));
        }
        project.record(&run);
    }
    project
}

fn text(project: &Project, look: Look) -> String {
    Dashboard::read(&project.session(), &Scope::default()).unwrap().render(&look)
}

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(text(&Project::new(), Look::default()), @"the history has nothing yet; `pipe bench` measures");
}

#[test]
fn the_state_of_a_history() {
    insta::assert_snapshot!(text(&project(), Look::default()), @r"
    9 commits, last run 2026-11-09 13:00, 4 open regressions

    types
     type                 device           commit      cases  failed  fastest           next takes  change  trend      of
     all-implementations  Embedded (AVX2)  33e8b7233c      2       1  improved-dilated       1.92×  +0.4 %  ▁▁▁▁▁████  emulation_time

    regressions
     state  since       subject   type                 implementation    metric                cases  worse by  worst case
     open   76bac82cb9  Commit 5  all-implementations  improved-dilated  emulation_time            2   +30.2 %  2.01 ms → 2.61 ms
     open   76bac82cb9  Commit 5  all-implementations  improved-dilated  global_load_sectors       2   +50.0 %  131,072 → 196,608
     open   76bac82cb9  Commit 5  all-implementations  improved-dilated  global_store_sectors      2   +50.0 %  32,768 → 49,152
     open   76bac82cb9  Commit 5  all-implementations  improved-dilated  instructions              2   +50.0 %  5,120,000 → 7,680,000

    commits in git's order, the latest last
     commit      date        subject   runs  cases  failed    times  instructions
     440f60269e  2026-11-02  Commit 1     1      4       –   +0.4 %         0.0 %
     f67803e1e1  2026-11-03  Commit 2     1      4       –   +0.4 %         0.0 %
     8fb03390e1  2026-11-04  Commit 3     1      4       –   -0.8 %         0.0 %
     cbeabc2d9b  2026-11-05  Commit 4     1      4       –   +0.4 %         0.0 %
     76bac82cb9  2026-11-06  Commit 5     1      4       –  +14.5 %       +22.5 %
     c1f2efc06b  2026-11-07  Commit 6     1      4       –   -0.8 %         0.0 %
     91615a65bc  2026-11-08  Commit 7     1      4       –   +0.4 %         0.0 %
     33e8b7233c  2026-11-09  Commit 8     1      4       1   +0.4 %         0.0 %

    last runs
     began             type                 commit      device           rows  failed  by
     2026-11-09 13:00  all-implementations  33e8b7233c  Embedded (AVX2)    25       1  pipe 0.1.0
     2026-11-08 13:00  all-implementations  91615a65bc  Embedded (AVX2)    32       –  pipe 0.1.0
     2026-11-07 13:00  all-implementations  c1f2efc06b  Embedded (AVX2)    32       –  pipe 0.1.0
     2026-11-06 13:00  all-implementations  76bac82cb9  Embedded (AVX2)    32       –  pipe 0.1.0
     2026-11-05 13:00  all-implementations  cbeabc2d9b  Embedded (AVX2)    32       –  pipe 0.1.0
     2026-11-04 13:00  all-implementations  8fb03390e1  Embedded (AVX2)    32       –  pipe 0.1.0
     2026-11-03 13:00  all-implementations  f67803e1e1  Embedded (AVX2)    32       –  pipe 0.1.0
     2026-11-02 13:00  all-implementations  440f60269e  Embedded (AVX2)    32       –  pipe 0.1.0

    trends, from the first commit of the window to the last
     type                 device           implementation       time  change  over all  trend      failed  behind
     all-implementations  Embedded (AVX2)  improved-dilated  3.93 ms  +0.4 %   +31.0 %  ▁▁▁▁▁████       –       –
     all-implementations  Embedded (AVX2)  dilated           5.04 ms  +0.4 %    +0.8 %  ▄▄▄▄▄▄▄▄▄       1       –
     all-implementations  Embedded (AVX2)  attention         20.1 ms  +0.4 %    +0.4 %  ▄▄▄▄▄▄▄▄        –       1

    stale: not measured at the latest commit
     type                 device           implementation  last commit  behind  last measured
     all-implementations  Embedded (AVX2)  attention       91615a65bc        1  2026-11-08 13:00
    ");
}

#[test]
fn a_narrow_terminal_is_kept_to_and_colours_are_only_for_one() {
    let project = project();
    let narrow = text(&project, Look { width: Some(80), styled: false });
    for line in narrow.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!narrow.contains('\x1b'));
    let styled = text(&project, Look { width: None, styled: true });
    assert!(styled.contains("\x1b[38;5;9m") || styled.contains("\x1b[31m"), "{styled:?}");
}

#[test]
fn an_accepted_change_is_no_alarm() {
    let project = project();
    let before = Dashboard::read(&project.session(), &Scope::default()).unwrap();
    let changes = before.regressions.iter().map(|row| AcceptedChange {
        benchmark_type: row.benchmark_type.clone(),
        device: row.device.clone(),
        implementation: row.implementation.clone(),
        config: row.config.clone(),
        metric: row.metric.clone(),
        base: row.before,
        value: row.after,
    });
    let acceptance = Acceptance {
        reason: "more accurate".to_owned(),
        accepted_at: "2026-11-24T12:00:00Z".to_owned(),
        base: "unknown".to_owned(),
        commit: "unknown".to_owned(),
        changes: changes.collect(),
    };
    assert!(!acceptance.changes.is_empty());
    Baselines::of_history(&project.history_folder()).accept(&acceptance).unwrap();
    let after = Dashboard::read(&project.session(), &Scope::default()).unwrap();
    assert!(after.regressions.iter().all(|row| row.state == "accepted"), "{:?}", after.regressions);
    assert!(after.render(&Look::default()).contains("0 open regressions"));
}

#[test]
fn a_scope_leaves_the_rest_out() {
    let project = project();
    let scope = Scope { benchmark_type: Some("long-sequences".to_owned()), ..Scope::default() };
    let nothing = Dashboard::read(&project.session(), &scope).unwrap();
    assert!(nothing.types.is_empty() && nothing.regressions.is_empty() && nothing.runs.is_empty());
    let scope = Scope { rows: 2, commits: 3, ..Scope::default() };
    let some = Dashboard::read(&project.session(), &scope).unwrap();
    assert_eq!((some.commits.len(), some.runs.len(), some.trends[0].trend.len()), (2, 2, 3));
    // Three commits after the change know nothing of it.
    assert!(some.regressions.is_empty(), "{:?}", some.regressions);
}
