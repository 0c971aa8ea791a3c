//! Statements: mistakes with their place, placeholders, and what is refused.

use pipe_query::{Error, Params, Value};

use crate::fixture::{Fixture, csv, error};

#[test]
fn mistakes_have_a_place() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(error(&session, "SELECT metrik FROM measurements"), @"
    line 1, column 8: there is no column 'metrik'
      |
    1 | SELECT metrik FROM measurements
      |        ^^^^^^
      |
      = help: did you mean 'metric'?
    ");
    insta::assert_snapshot!(error(&session, "SELECT metric\nFROM measurments\nLIMIT 1"), @"
    line 2, column 6: there is no table 'measurments'
      |
    2 | FROM measurments
      |      ^^^^^^^^^^^
      |
      = help: did you mean 'measurements'?
    ");
    insta::assert_snapshot!(error(&session, "SELECT * FROM nothing_like_it"), @r"
    line 1, column 15: there is no table 'nothing_like_it'
      |
    1 | SELECT * FROM nothing_like_it
      |               ^^^^^^^^^^^^^^^
      |
      = help: the tables are measurements, timings, latest_measurements, latest_times, series, points, steps, samples, runs, commits, accepted_changes
    ");
    insta::assert_snapshot!(error(&session, "SELECT metric name other FROM measurements"), @"
    line 1, column 20: expected end of statement, found other
      |
    1 | SELECT metric name other FROM measurements
      |                    ^^^^^
    ");
    insta::assert_snapshot!(error(&session, "SELECT mediann(mean) FROM measurements"), @"
    line 1, column 8: there is no function 'mediann'
      |
    1 | SELECT mediann(mean) FROM measurements
      |        ^^^^^^^
      |
      = help: did you mean 'median'?
    ");
    insta::assert_snapshot!(error(&session, "SELECT 'abc"), @r"
    line 1, column 8: unterminated string literal
      |
    1 | SELECT 'abc
      |        ^
    ");
    insta::assert_snapshot!(error(&session, "SELECT m.metric, r.commit, commit FROM measurements m, runs r"), @"
    line 1, column 28: column 'commit' is in more than one table
      |
    1 | SELECT m.metric, r.commit, commit FROM measurements m, runs r
      |                            ^^^^^^
      |
      = help: name its table as well, as in table.column
    ");
    insta::assert_snapshot!(error(&session, "SELECT metric, count(*) FROM measurements"), @"
    line 1, column 8: 'measurements.metric' must appear in GROUP BY clause because it's not an aggregate expression
      |
    1 | SELECT metric, count(*) FROM measurements
      |        ^^^^^^
    ");
    insta::assert_snapshot!(error(&session, "SELECT metric + 1 FROM measurements WHERE"), @r"
    line 1, column 42: expected an expression, found the end
      |
    1 | SELECT metric + 1 FROM measurements WHERE
      |                                          ^
    ");
    insta::assert_snapshot!(error(&session, "SELECT true + 1"), @"cannot coerce arithmetic expression Boolean + Int64 to valid types");
    insta::assert_snapshot!(error(&session, "SELECT CAST('x' AS INT)"), @"cast error: Cannot cast string 'x' to value of Int32 type");
    insta::assert_snapshot!(error(&session, "SELECT 1 / (sample_count - sample_count) FROM measurements"), @"the query failed: Divide by zero error");
}

#[test]
fn the_place_is_in_characters() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let Err(Error::Sql(error)) = session.sql("SELECT 'größe', metrik FROM measurements", &Params::new())
    else {
        panic!()
    };
    assert_eq!((error.line, error.column), (Some(1), Some(17)));
    assert_eq!(error.help, "did you mean 'metric'?");
}

#[test]
fn writing_is_refused() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    for text in [
        "INSERT INTO runs SELECT * FROM runs",
        "COPY runs TO '/tmp/x.csv'",
        "SELECT * INTO copy FROM runs",
        "CREATE VIEW a AS SELECT 1",
        "SET datafusion.execution.batch_size = 1",
    ] {
        let error = error(&session, text);
        assert!(error.contains("the history is only read here"), "{text}: {error}");
    }
    assert!(error(&session, "SELECT 1; DROP TABLE runs").contains("expected one statement, found 2"));
    assert_eq!(
        error(&session, "-- nothing\n"),
        "expected one statement, found 0; separate answers need separate statements"
    );
    // No file but those of the history can be asked for.
    assert!(error(&session, "SELECT * FROM '/etc/passwd'").contains("there is no table"));
}

#[test]
fn the_tables_can_be_listed() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name"), @r"
    table_name
    accepted_changes
    commits
    latest_measurements
    latest_times
    measurements
    points
    runs
    samples
    series
    steps
    timings
    ");
    assert!(csv(&session, "DESCRIBE commits").contains("first_recorded_at"));
    assert!(csv(&session, "SHOW TABLES").contains("timings"));
    assert!(csv(&session, "SHOW COLUMNS FROM runs").contains("recorded_at"));
}

#[test]
fn placeholders_are_typed_values() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let text = "SELECT DISTINCT metric, seq_len FROM measurements WHERE seq_len = $n AND implementation = $name AND metric LIKE $metric LIMIT $limit";
    let params = Params::new()
        .with("n", Value::Untyped("2048".to_owned()))
        .with("name", "dilated")
        .with("metric", "%time")
        .with("limit", 3);
    assert_eq!(
        session.sql(text, &params).unwrap().cells().unwrap(),
        [["emulation_time".into(), serde_json::Value::from(2048)]]
    );

    let injection = Params::new().with("name", "' OR 1 = 1 --");
    let rows = session
        .sql("SELECT * FROM measurements WHERE implementation = $name", &injection)
        .unwrap()
        .rows()
        .unwrap();
    assert_eq!(rows, []);
}

#[test]
fn placeholders_and_values_must_match() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let asked = |text: &str, params: &Params| session.sql(text, params).unwrap_err().to_string();
    assert_eq!(asked("SELECT $a", &Params::new()), "the statement needs parameter 'a'");
    assert_eq!(
        asked("SELECT $a", &Params::new().with("a", 1).with("b", 2)),
        "the statement has no parameter 'b'; it has a"
    );
    assert_eq!(
        asked("SELECT 1", &Params::new().with("b", 2)),
        "the statement has no parameter 'b'; it has none"
    );
}

#[test]
fn a_deep_statement_is_an_error() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let text = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(error(&session, &text).contains("nested too deeply"), "{}", error(&session, &text));
}

#[test]
fn statements_may_come_from_several_threads() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(csv(&session, "SELECT count(*) AS n FROM runs"), "n\n6\n"));
        }
    });
}

#[test]
fn a_part_can_be_computed_once() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let text = |word: &str| {
        format!(
            "WITH a AS {word} (SELECT implementation, count(*) AS n FROM measurements GROUP BY implementation),
             b AS {word} (SELECT n, count(*) AS alike FROM a GROUP BY n)
             SELECT a.implementation, a.n, b.alike FROM a JOIN b ON b.n = a.n ORDER BY a.implementation"
        )
    };
    assert_eq!(csv(&session, &text("MATERIALIZED")), csv(&session, &text("")));
    let twice =
        "WITH a AS MATERIALIZED (SELECT random() AS x) SELECT p.x = q.x AS same FROM a p CROSS JOIN a q";
    assert_eq!(csv(&session, twice), "same\ntrue\n");
    let mistake = error(
        &session,
        "WITH a AS MATERIALIZED (SELECT 1 AS x), b AS MATERIALIZED (SELECT y FROM a) SELECT * FROM b",
    );
    assert!(mistake.contains("line 1, column 67"), "{mistake}");
}
