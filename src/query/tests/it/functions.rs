//! The functions of our own: the documented examples, and the aggregates over real rows.

use pipe_query::Params;

use crate::fixture::{Fixture, csv, error};

#[test]
fn every_documented_example_answers_what_it_says() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    for function in session.functions() {
        let answer = csv(&session, function.example);
        let first = answer.lines().nth(1).unwrap_or_else(|| panic!("{}: {answer}", function.usage));
        // A field that holds JSON is quoted.
        let first = first.trim_matches('"').replace("\"\"", "\"");
        assert!(function.example.contains(function.name()), "{}", function.usage);
        if let Some(expected) = function.answer {
            assert_eq!(first, expected, "{}", function.example);
        }
    }
}

#[test]
fn aggregates_take_the_samples_of_measurements_and_their_rows_alike() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let both = "WITH \
        of_lists AS (SELECT implementation, median_ci(samples) AS ci FROM measurements WHERE metric = 'emulation_time' GROUP BY implementation), \
        of_rows AS (SELECT implementation, median_ci(sample) AS ci FROM samples WHERE metric = 'emulation_time' GROUP BY implementation) \
        SELECT count(*) > 1 AS many, bool_and(l.ci['median'] = r.ci['median']) AS agree \
        FROM of_lists l JOIN of_rows r ON r.implementation = l.implementation";
    assert_eq!(csv(&session, both), "many,agree\ntrue,true\n");
    let sides = "SELECT mann_whitney(CASE WHEN side = 'a' THEN x END, CASE WHEN side = 'b' THEN x END)['p_value'] AS p \
        FROM (VALUES ('a', 1), ('a', 2), ('a', 3), ('a', 4), ('b', 5), ('b', 6), ('b', 7), ('b', 8)) AS t(side, x)";
    assert!(csv(&session, sides).starts_with("p\n0.02857142857142857"), "{}", csv(&session, sides));
}

#[test]
fn what_has_no_answer_is_null() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let text =
        "SELECT median_ci(x) AS m, ratio_ci(x, x)['ratio'] AS r FROM (VALUES (CAST(NULL AS DOUBLE))) AS t(x)";
    assert_eq!(csv(&session, text), "m,r\n,\n");
    assert_eq!(
        csv(&session, "SELECT verdict(NULL, [1.0]) AS v, change_points(NULL::DOUBLE[]) AS c"),
        "v,c\n,\n"
    );
    assert_eq!(
        csv(&session, "SELECT verdict(100, 100) AS a, verdict(100, 101) AS b, verdict([1.0], [2.0]) AS c"),
        "a,b,c\nsame,slower,unclear\n"
    );
    assert_eq!(
        csv(&session, "SELECT verdict(100, 101, 0.05) AS a, verdict(100, 101, 0, 'higher') AS b"),
        "a,b\nsame,faster\n"
    );
}

#[test]
fn wrong_arguments_are_named() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    for (text, expected) in [
        ("SELECT median_ci('a')", "median_ci takes numbers or lists of numbers, not Utf8"),
        ("SELECT ratio_ci(1)", "ratio_ci takes 2 arguments, 1 are given"),
        ("SELECT verdict(1, [1])", "both lists of samples or both numbers"),
        ("SELECT verdict(1, 2, 0, 'down')", "'down' is not a direction"),
        ("SELECT change_points(1)", "array_agg"),
    ] {
        let message = match session.sql(text, &Params::new()).and_then(|answer| answer.cells()) {
            Ok(cells) => panic!("{text}: {cells:?}"),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{text}: {message}");
    }
    assert!(error(&session, "SELECT median_cy(1)").contains("median_ci"));
}

#[test]
fn a_series_can_be_made_in_git_order() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let text = "SELECT change['position'] AS position, change['kind'] AS kind, round(change['ratio'], 2) AS ratio FROM ( \
        SELECT unnest(change_points(array_agg(v ORDER BY i))) AS change \
        FROM (SELECT i, CASE WHEN i BETWEEN 20 AND 22 THEN 110 ELSE 100 END + (i * 7 % 5) / 5.0 AS v \
              FROM (SELECT unnest(range(1, 41)) AS i)))";
    assert_eq!(csv(&session, text), "position,kind,ratio\n20,step,1.1\n23,step,0.91\n");
}
