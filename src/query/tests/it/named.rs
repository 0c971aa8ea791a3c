//! Named queries: golden results of the built-in ones, and a folder laid over them.

use pipe_query::{Format, Layout, Params, Session, write};

use crate::fixture::Fixture;

fn golden(session: &Session, name: &str, params: &Params) -> String {
    let mut out = Vec::new();
    let answer = session.named(name, params).unwrap_or_else(|error| panic!("{name}: {error}"));
    write(answer, Format::Csv, &Layout::default(), &mut out)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    // Hashes depend on git's version no more than on anything else; names and times are all the fixture's.
    String::from_utf8(out).unwrap()
}

#[test]
fn rankings() {
    let session = Fixture::golden().session();
    insta::assert_snapshot!(golden(&session, "rankings", &Params::new()), @"");
    let params =
        Params::new().with("type", "all-implementations").with("device", "embedded").with("commit", "HEAD~1");
    insta::assert_snapshot!(golden(&session, "rankings", &params), @"");
    let params = Params::new().with("metric", "instructions").with("device", "embedded");
    insta::assert_snapshot!(golden(&session, "rankings", &params), @"");
}

#[test]
fn latest() {
    let session = Fixture::golden().session();
    insta::assert_snapshot!(golden(&session, "latest", &Params::new().with("metric", "emulation_time")), @"");
}

#[test]
fn history() {
    let session = Fixture::golden().session();
    insta::assert_snapshot!(golden(&session, "history", &Params::new().with("type", "all-implementations")), @"");
    let params = Params::new().with("metric", "instructions").with("config", "seq_len=1024");
    insta::assert_snapshot!(golden(&session, "history", &params), @"");
}

#[test]
fn commits() {
    let session = Fixture::golden().session();
    insta::assert_snapshot!(golden(&session, "commits", &Params::new()), @"");
    insta::assert_snapshot!(golden(&session, "commits", &Params::new().with("limit", 1)), @"");
}

#[test]
fn failures() {
    let session = Fixture::golden().session();
    insta::assert_snapshot!(golden(&session, "failures", &Params::new()), @"");
}

#[test]
fn every_query_answers_an_empty_history() {
    let session = Fixture::empty().session();
    for query in session.queries().unwrap() {
        let missing = query.parameters.iter().filter(|parameter| parameter.default.is_none());
        let params: Params = missing.map(|parameter| (parameter.name.as_str(), "x")).collect();
        let rows = session
            .named(&query.name, &params)
            .unwrap_or_else(|error| panic!("{}: {error}", query.name))
            .rows();
        assert!(rows.is_ok(), "{}: {rows:?}", query.name);
    }
}

#[test]
fn a_folder_is_laid_over() {
    let fixture = Fixture::golden();
    fixture.query("rankings", "-- Mine.\nSELECT 'mine' AS x");
    fixture.query("count", "-- How many runs?\n-- param type: text; the type\nSELECT count(*) AS runs FROM runs WHERE type = $type");
    fixture.query("broken", "-- What.\n-- param x: float\nSELECT $x");
    fixture.query("sloppy", "-- What.\nSELECT $x");
    let session = fixture.session();
    assert_eq!(golden(&session, "rankings", &Params::new()), "x\nmine\n");
    assert_eq!(golden(&session, "count", &Params::new().with("type", "long-sequences")), "runs\n1\n");

    let names: Vec<_> = session.queries().unwrap().iter().map(|query| query.name.as_str()).collect();
    assert!(names.contains(&"count") && names.contains(&"latest") && !names.contains(&"broken"), "{names:?}");

    let failure = |name: &str, params: &Params| {
        session
            .named(name, params)
            .unwrap_err()
            .to_string()
            .replace(&fixture.queries().display().to_string(), "QUERIES")
    };
    insta::assert_snapshot!(failure("broken", &Params::new()), @"");
    insta::assert_snapshot!(failure("sloppy", &Params::new()), @"");
    insta::assert_snapshot!(failure("count", &Params::new()), @"");
    insta::assert_snapshot!(failure("rankigns", &Params::new()), @"");
    insta::assert_snapshot!(failure("latest", &Params::new().with("devise", "x")), @"");
    insta::assert_snapshot!(failure("commits", &Params::new().with("limit", "many")), @"");
}
