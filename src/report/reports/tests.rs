//! Rendering and error tests over a source that needs no query engine.

use std::{fs, sync::Arc};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{SourceError, Table};

/// Answers the query `two` with two rows and `echo` with its parameters; every other query fails.
struct Fixed;

impl Source for Fixed {
    fn named(&self, name: &str, params: &Params) -> Result<Table, SourceError> {
        match name {
            "two" => Ok(Table {
                columns: vec!["zeta".into(), "alpha".into()],
                rows: vec![vec![json!(1), json!("a")], vec![json!(2.5), json!(null)]],
            }),
            "echo" => Ok(Table {
                columns: params.keys().cloned().collect(),
                rows: vec![params.values().map(|value| json!(value)).collect()],
            }),
            _ => Err(format!("there is no query '{name}'").into()),
        }
    }

    fn sql(&self, text: &str, _: &Params) -> Result<Table, SourceError> {
        Err(format!("cannot read {} characters", text.len()).into())
    }
}

fn folder(files: &[(&str, &str)]) -> (TempDir, Reports) {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let reports = Reports::new(Arc::new(Fixed), Some(folder.path())).unwrap();
    (folder, reports)
}

fn render(template: &str) -> Result<String, String> {
    let (folder, reports) = folder(&[("mine.md.j2", template)]);
    let root = format!("{}/", folder.path().display());
    reports.render("mine", &Params::new()).map_err(|error| error.to_string().replace(&root, ""))
}

#[test]
fn rows_keep_the_order_of_their_columns() {
    insta::assert_snapshot!(render("{{ query('two') | table }}").unwrap(), @r"
    | zeta | alpha |
    | ---: | ----- |
    |    1 | a     |
    |  2.5 | –     |
    ");
}

#[test]
fn parameters_reach_queries_and_none_is_left_out() {
    let template = "{# Echoes.\nparam who; a name\nparam what; a thing\nparam n = 3 #}\n{{ query('echo', who=params.who, what=params.what, n=params.n) | table }}";
    let (_folder, reports) = folder(&[("mine.md.j2", template)]);
    let params = Params::from([("who".to_owned(), "me".to_owned())]);
    insta::assert_snapshot!(reports.render("mine", &params).unwrap(), @r"
    |   n | who |
    | --: | --- |
    |   3 | me  |
    ");
}

#[test]
fn several_queries_are_answered_in_their_order() {
    let template = "{% set rows, own, shared = queries('two', ['echo', {'c': 3, 'd': none}], 'echo', a=1) %}\n\
        {{ rows | length }} {{ own | first }} {{ shared | first }}";
    insta::assert_snapshot!(render(template).unwrap(), @"2 {'a': '1', 'c': '3'} {'a': '1'}");
    insta::assert_snapshot!(render("{% set a, b = queries('two', 'three') %}").unwrap_err(), @"mine.md.j2:1:15: the query 'three' failed: there is no query 'three'");
    insta::assert_snapshot!(render("{% set a = queries(['two', 3]) %}").unwrap_err(), @"mine.md.j2:1:12: invalid operation: queries takes names, and pairs of a name and a map of parameters; correct the expression there");
}

#[test]
fn the_opening_comment_describes_a_report() {
    let (_folder, reports) = folder(&[
        (
            "mine.md.j2",
            "{#- Answers a question\nin two lines.\n\nparam commits = 5; how many\n  to show\nparam now; the time -#}\nx",
        ),
        ("_part.md.j2", "a part"),
    ]);
    let mine = reports.list().into_iter().find(|info| info.name == "mine").unwrap();
    assert_eq!(mine.description, "Answers a question in two lines.");
    let parameter = |name: &str, default: Option<&str>, description: &str| Parameter {
        name: name.to_owned(),
        default: default.map(str::to_owned),
        description: description.to_owned(),
    };
    assert_eq!(
        mine.parameters,
        [parameter("commits", Some("5"), "how many to show"), parameter("now", None, "the time")]
    );
    assert!(reports.list().iter().all(|info| !info.name.contains("part")));
}

#[test]
fn blank_lines_do_not_pile_up() {
    let text = render("\n\n# A\n{% if true %}\n\n\nb  \n{% endif %}\n\n\n```\n\n\nc\n```\n\n").unwrap();
    assert_eq!(text, "# A\n\nb\n\n```\n\n\nc\n```\n");
}

#[test]
fn broken_templates_name_file_line_and_column() {
    let errors: Vec<String> = [
        "one\ntwo {% if %}\n",
        "{{ query('two') | tabel }}",
        "one\n  {{ missing }}",
        "{% for row in query('two') %}\n{{ row.beta }}\n{% endfor %}",
        "{{ 'fast' | ns }}",
        "{% include 'gone.md.j2' %}",
        "{% for x in query('two') %}",
    ]
    .into_iter()
    .map(|template| render(template).unwrap_err())
    .collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    mine.md.j2:2:11: syntax error: unexpected end of block; correct the template there
    mine.md.j2:1:19: unknown filter: filter tabel is unknown; use one of pipe's filters (ns, bytes, count, percent, ratio, table …) or minijinja's
    mine.md.j2:2:6: undefined value: `missing` is undefined; use a column that the query gives, a parameter that the opening comment declares, or 'is defined'
    mine.md.j2:2:4: undefined value: `row.beta` is undefined; use a column that the query gives, a parameter that the opening comment declares, or 'is defined'
    mine.md.j2:1:13: invalid operation: 'ns' takes a number, not string fast; correct the expression there
    mine.md.j2:1:4: template not found: tried to include non-existing template 'gone.md.j2'; put the included template in the same folder, with its full file name
    mine.md.j2:1:26: syntax error: unexpected end of input, expected end of block; correct the template there
    ");
}

#[test]
fn a_failing_query_is_named_with_its_place() {
    let errors: Vec<String> = ["\n {{ query('rankigs') }}", "{{ sql('select\n1') }}"]
        .into_iter()
        .map(|template| render(template).unwrap_err())
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    mine.md.j2:2:5: the query 'rankigs' failed: there is no query 'rankigs'
    mine.md.j2:1:4: the query 'select' failed: cannot read 8 characters
    ");
}

#[test]
fn an_error_in_an_included_part_names_the_part() {
    let (_folder, reports) =
        folder(&[("mine.md.j2", "a\n{% include '_part.md.j2' %}"), ("_part.md.j2", "\n\n {{ nothing }}")]);
    match reports.render("mine", &Params::new()).unwrap_err() {
        ReportError::Template { file, line, column, .. } => {
            assert!(file.ends_with("_part.md.j2"), "{file}");
            assert_eq!((line, column), (3, 5));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn unknown_names_suggest_near_ones() {
    let (_folder, reports) = folder(&[("mine.md.j2", "{# Mine.\nparam commits; how many #}")]);
    let error = |name: &str, params: &Params| reports.render(name, params).unwrap_err().to_string();
    assert_eq!(error("mien", &Params::new()), "there is no report 'mien'; did you mean mine?");
    let unknown = error("xyz", &Params::new());
    assert!(unknown.contains("known: ") && unknown.contains("mine"), "{unknown}");
    let params = Params::from([("comits".to_owned(), "3".to_owned())]);
    assert_eq!(error("mine", &params), "the report 'mine' has no parameter 'comits'; did you mean commits?");
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Reports::new(Arc::new(Fixed), Some(file.path())).err().unwrap().to_string();
    assert!(error.contains(&file.path().display().to_string()), "{error}");
}
