//! The charts beside a report: that they are linked, the same every time, and what is in them.

use crate::{
    fixture::{Project, measured},
    regressions,
};

/// Two implementations at four lengths; they cross between the second and the third.
fn lengths() -> Project {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    let mut run = project.run(&commit, 1);
    run.measurements = (0..4)
        .flat_map(|step| {
            let (length, step) = (512 << step, f64::from(step));
            let full = measured("attention", length, 0.5 * 4_f64.powf(step), 1.0);
            full.into_iter().chain(measured("dilated", length, 1.5 * 2_f64.powf(step), 2.0))
        })
        .collect();
    project.record(&run);
    project
}

#[test]
fn time_by_length_is_a_line_an_implementation() {
    let (text, charts) = lengths().report_with_charts("sequence-lengths");
    let files: Vec<&str> = charts.iter().map(|chart| chart.file.as_str()).collect();
    assert_eq!(files, ["report-time.svg", "report-memory.svg"]);
    for file in files {
        assert!(text.contains(&format!("](<{file}>)")), "{text}");
    }
    insta::assert_snapshot!("time_by_length", charts[0].svg);
    assert_eq!(charts, lengths().report_with_charts("sequence-lengths").1);
}

#[test]
fn a_trend_has_bands_and_marks_where_the_level_changed() {
    let (text, charts) = regressions::project().report_with_charts("performance");
    let trend = charts.iter().find(|chart| chart.file == "report-trend.svg").expect("there is a trend");
    assert!(text.contains("](<report-trend.svg>)"), "{text}");
    assert!(trend.svg.contains("level changed") && trend.svg.contains("middle half"), "{}", trend.svg);
    assert!(text.contains("Where the level changed:\n\n- `dilated` at `"), "{text}");
    insta::assert_snapshot!("trend", trend.svg);
}

#[test]
fn ratios_stand_around_the_line_of_no_change() {
    let (text, charts) = crate::comparison::project().report_with_charts("comparison");
    assert!(text.contains("](<report-ratios.svg>)"), "{text}");
    let svg = &charts[0].svg;
    for part in ["improved-dilated", "slower", "faster", "ratio of medians with its 95 % interval", "1×"] {
        assert!(svg.contains(part), "no '{part}' in {svg}");
    }
}

#[test]
fn a_regression_has_its_series() {
    let (_, charts) = regressions::project().report_with_charts("regressions");
    let files: Vec<&str> = charts.iter().map(|chart| chart.file.as_str()).collect();
    assert_eq!(files.first(), Some(&"report-regression.svg"));
    assert!(files.contains(&"report-regression-2.svg"), "{files:?}");
}

#[test]
fn one_length_or_commit_is_no_line() {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    let mut run = project.run(&commit, 1);
    run.measurements = measured("dilated", 1024, 4.0, 1.0);
    project.record(&run);
    for report in ["performance", "sequence-lengths"] {
        let (text, charts) = project.report_with_charts(report);
        assert!(charts.is_empty() && !text.contains(".svg"), "{text}");
    }
}
