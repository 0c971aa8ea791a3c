//! Templates of users over the real query engine.

use pipe_model::Commit;

use crate::fixture::{Project, measured};

fn project() -> Project {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    run.measurements = measured("dilated", 1024, 4.0, 1.0);
    project.record(&run);
    project
}

#[test]
fn a_template_may_hold_its_own_sql() {
    let template = r#"{{ sql("SELECT implementation, max(median) AS time FROM measurements WHERE metric = $metric GROUP BY 1", metric="emulation_time") | table("implementation", "time | ns") }}"#;
    insta::assert_snapshot!(project().render(template).unwrap(), @r#"
    | implementation |    time |
    | -------------- | ------: |
    | dilated        | 4.00 ms |
    "#);
}

#[test]
fn wrong_sql_is_named_with_its_place() {
    let error = project().render("\n{{ sql('SELECT mediann FROM measurements') }}").unwrap_err();
    assert!(
        error.starts_with("reports/mine.md.j2:2:4: the query 'SELECT mediann FROM measurements' failed: "),
        "{error}"
    );
    assert!(error.contains("mediann"), "{error}");
}

#[test]
fn an_unknown_query_is_named_and_near_ones_suggested() {
    let error = project().render("{{ query('report-ranking') }}").unwrap_err();
    assert!(error.contains("the query 'report-ranking' failed"), "{error}");
    assert!(error.contains("report-rankings"), "{error}");
}

#[test]
fn every_query_of_a_report_runs_by_itself() {
    let project = project();
    let session = project.session();
    let named = session.queries().unwrap().iter().filter(|query| query.name.starts_with("report-"));
    let named: Vec<_> = named.collect();
    assert!(named.len() >= 10, "{named:?}");
    for query in named {
        let name = &query.name;
        // The project has no commit that `new` could stand for by itself.
        let is_revision = |name: &str| name == "new";
        let required = query
            .parameters
            .iter()
            .filter(|parameter| parameter.default.is_none() || is_revision(&parameter.name));
        let params: pipe_query::Params =
            required.map(|parameter| (parameter.name.as_str(), "unversioned")).collect();
        let answer = session.named(name, &params).unwrap_or_else(|e| panic!("{name}: {e}"));
        answer.cells().unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
