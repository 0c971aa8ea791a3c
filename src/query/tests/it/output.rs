//! The formats.

use std::io::{self, Write};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipe_query::{Error, Format, Layout, Params, write};

use crate::fixture::{Fixture, answer};

const ROWS: &str = "SELECT * FROM (VALUES (9007199254740993, 'a|b', 1.5, [1.0, NULL], TIMESTAMP '2026-11-24T01:02:03.5Z'), (NULL, E'two\nlines, \"quoted\"', NULL, NULL, NULL)) AS t (count, text, ratio, list, at)";

#[test]
fn every_format() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    insta::assert_snapshot!(answer(&session, ROWS, Format::Table), @r#"
    ┌──────────────────┬─────────────────┬───────┬─────────────┬─────────────────────────┐
    │            count ┆ text            ┆ ratio ┆ list        ┆ at                      │
    ╞══════════════════╪═════════════════╪═══════╪═════════════╪═════════════════════════╡
    │ 9007199254740993 ┆ a|b             ┆   1.5 ┆ [1.0, NULL] ┆ 2026-11-24T01:02:03.500 │
    │             NULL ┆ two             ┆  NULL ┆ NULL        ┆ NULL                    │
    │                  ┆ lines, "quoted" ┆       ┆             ┆                         │
    └──────────────────┴─────────────────┴───────┴─────────────┴─────────────────────────┘
    "#);
    insta::assert_snapshot!(answer(&session, ROWS, Format::Csv), @r#"
    count,text,ratio,list,at
    9007199254740993,a|b,1.5,"[1.0,null]",2026-11-24T01:02:03.500
    ,"two
    lines, ""quoted""",,,
    "#);
    insta::assert_snapshot!(answer(&session, ROWS, Format::Json), @r#"[{"count":9007199254740993,"text":"a|b","ratio":1.5,"list":[1.0,null],"at":"2026-11-24T01:02:03.500"},{"count":null,"text":"two\nlines, \"quoted\"","ratio":null,"list":null,"at":null}]"#);
    insta::assert_snapshot!(answer(&session, ROWS, Format::Ndjson), @r#"
    {"count":9007199254740993,"text":"a|b","ratio":1.5,"list":[1.0,null],"at":"2026-11-24T01:02:03.500"}
    {"count":null,"text":"two\nlines, \"quoted\"","ratio":null,"list":null,"at":null}
    "#);
    insta::assert_snapshot!(answer(&session, ROWS, Format::Markdown), @r#"
    |            count | text                   | ratio | list        | at                      |
    | ---------------: | ---------------------- | ----: | ----------- | ----------------------- |
    | 9007199254740993 | a\|b                   |   1.5 | [1.0, NULL] | 2026-11-24T01:02:03.500 |
    |             NULL | two<br>lines, "quoted" |  NULL | NULL        | NULL                    |
    "#);
}

#[test]
fn nothing_has_columns_too() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let nothing = "SELECT run_id, samples, median FROM measurements";
    insta::assert_snapshot!(answer(&session, nothing, Format::Table), @"
    ┌────────┬─────────┬────────┐
    │ run_id ┆ samples ┆ median │
    ╞════════╪═════════╪════════╡
    └────────┴─────────┴────────┘
    ");
    assert_eq!(answer(&session, nothing, Format::Csv), "run_id,samples,median\n");
    assert_eq!(answer(&session, nothing, Format::Json), "[]\n");
    assert_eq!(answer(&session, nothing, Format::Ndjson), "");
    insta::assert_snapshot!(answer(&session, nothing, Format::Markdown), @"
    | run_id | samples | median |
    | ------ | ------- | -----: |
    ");
}

#[test]
fn parquet_reads_back() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let mut file = Vec::new();
    let all = session.sql("SELECT * FROM measurements", &Params::new()).unwrap();
    write(all, Format::Parquet, &Layout::default(), &mut file).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap().build().unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 15);
}

#[test]
fn whole_numbers_are_exact_as_rows() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let rows = session.sql(ROWS, &Params::new()).unwrap().rows().unwrap();
    insta::assert_snapshot!(serde_json::to_string(&rows).unwrap(), @r#"[{"at":"2026-11-24T01:02:03.500","count":9007199254740993,"list":[1.0,null],"ratio":1.5,"text":"a|b"},{"at":null,"count":null,"list":null,"ratio":null,"text":"two\nlines, \"quoted\""}]"#);
    let numbers = "SELECT 18446744073709551615::BIGINT UNSIGNED AS big, 'NaN'::DOUBLE AS nan, MAP {'a': 1} AS map, true AS yes";
    let rows = session.sql(numbers, &Params::new()).unwrap().rows().unwrap();
    insta::assert_snapshot!(serde_json::to_string(&rows).unwrap(), @r#"[{"big":18446744073709551615,"map":{"a":1},"nan":null,"yes":true}]"#);
}

#[test]
fn names_are_unique() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let twice = "SELECT a.x, b.x FROM (SELECT 1 AS x) a, (SELECT 2 AS x) b";
    assert_eq!(answer(&session, twice, Format::Ndjson), "{\"x\":1,\"x_2\":2}\n");
    assert_eq!(session.sql(twice, &Params::new()).unwrap().columns(), ["x", "x_2"]);
}

#[test]
fn a_table_fits_its_terminal() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    let mut out = Vec::new();
    let layout = Layout { width: Some(40), max_rows: Some(2) };
    let rows = "SELECT value, repeat('word ', 12) AS text FROM generate_series(1, 5)";
    write(session.sql(rows, &Params::new()).unwrap(), Format::Table, &layout, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    insta::assert_snapshot!(text, @"
    ┌───────┬──────────────────────────┐
    │ value ┆ text                     │
    ╞═══════╪══════════════════════════╡
    │     1 ┆ word word word word word │
    │       ┆ word word word word word │
    │       ┆ word word                │
    │     2 ┆ word word word word word │
    │       ┆ word word word word word │
    │       ┆ word word                │
    └───────┴──────────────────────────┘
    2 of 5 rows; another format has them all
    ");
}

/// Takes some bytes and then breaks.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_broken_pipe_ends_the_answer() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    for format in Format::ALL {
        // Far more than could be computed in a test, where the format is written on the way.
        let most = if matches!(format, Format::Csv | Format::Json | Format::Ndjson) {
            1_000_000_000_000_i64
        } else {
            1000
        };
        let endless = session
            .sql("SELECT * FROM generate_series(1, $most)", &Params::new().with("most", most))
            .unwrap();
        let error = write(endless, format, &Layout::default(), &mut Pipe(100)).unwrap_err();
        assert!(
            matches!(&error, Error::Output(source) if source.kind() == io::ErrorKind::BrokenPipe),
            "{format}: {error}"
        );
    }
}

#[test]
fn a_format_has_a_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    assert_eq!(
        "jsn".parse::<Format>().unwrap_err(),
        "'jsn' is not a format; expected table, csv, json, ndjson, parquet, markdown; did you mean 'json'?"
    );
}
