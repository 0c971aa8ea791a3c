//! Files that do not belong, or no longer are what they were.

use std::{fs, path::Path, sync::Arc};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::properties::WriterProperties,
};
use pipe_model::Commit;
use pipe_query::{Params, SessionOptions};

use crate::fixture::{ALL, Fixture, csv, embedded, error, time};

const COUNT: &str = "SELECT count(*) AS n, sum(sample_count) AS samples FROM measurements";

/// A history of one good run and one file that `spoil` has been at; what a session says of it.
fn with_spoilt(spoil: impl FnOnce(&Path)) -> (String, String, String) {
    let mut fixture = Fixture::empty();
    fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("good", 1, &[1.0, 2.0])]);
    let path = fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("bad", 1, &[1.0])]);
    spoil(&path);
    let session = fixture.session();
    let answer = csv(&session, COUNT);
    // Asked twice, named once.
    assert_eq!(csv(&session, COUNT), answer);
    let [warning] = &session.warnings()[..] else { panic!("{:?}", session.warnings()) };
    assert_eq!(warning.path, path);
    let strict = fixture.session_with(SessionOptions { strict: true, ..SessionOptions::default() });
    let failure = error(&strict, COUNT);
    assert!(failure.starts_with(path.to_str().unwrap()), "{failure}");
    let name = path.display().to_string();
    (answer, warning.to_string().replace(&name, "FILE"), failure.replace(&name, "FILE"))
}

#[test]
fn not_parquet() {
    insta::assert_debug_snapshot!(with_spoilt(|path| fs::write(path, "hello").unwrap()), @r#"
(
    "n,samples\n1,2\n",
    "FILE: not readable as Parquet: EOF: Parquet file too small. Size is 5 but need 8; its rows are missing from the answer",
    "FILE: not readable as Parquet: EOF: Parquet file too small. Size is 5 but need 8",
)
"#);
}

#[test]
fn empty() {
    insta::assert_debug_snapshot!(with_spoilt(|path| fs::write(path, "").unwrap()), @r#"
(
    "n,samples\n1,2\n",
    "FILE: not readable as Parquet: EOF: Parquet file too small. Size is 0 but need 8; its rows are missing from the answer",
    "FILE: not readable as Parquet: EOF: Parquet file too small. Size is 0 but need 8",
)
"#);
}

#[test]
fn truncated() {
    insta::assert_debug_snapshot!(with_spoilt(|path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 100]).unwrap();
    }), @r#"
(
    "n,samples\n1,2\n",
    "FILE: not readable as Parquet: Invalid Parquet file. Corrupt footer; its rows are missing from the answer",
    "FILE: not readable as Parquet: Invalid Parquet file. Corrupt footer",
)
"#);
}

#[test]
fn damaged_pages() {
    let (answer, warning, _) = with_spoilt(|path| {
        let mut bytes = fs::read(path).unwrap();
        // The pages lie before the footer, whose length is its last word but one.
        let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
        let pages = bytes.len() - 8 - footer;
        bytes[4..pages].fill(0xff);
        fs::write(path, bytes).unwrap();
    });
    assert_eq!(answer, "n,samples\n1,2\n");
    assert!(warning.starts_with("FILE: not readable as Parquet: "), "{warning}");
}

#[test]
fn foreign() {
    insta::assert_debug_snapshot!(with_spoilt(|path| {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        save(path, &RecordBatch::try_from_iter([("run_id", column)]).unwrap());
    }), @r#"
(
    "n,samples\n1,2\n",
    "FILE: not a file of a pipe history: its column `run_id` is Int64, not Utf8; its rows are missing from the answer",
    "FILE: not a file of a pipe history: its column `run_id` is Int64, not Utf8",
)
"#);
}

#[test]
fn vanished() {
    let mut fixture = Fixture::empty();
    let path = fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("a", 1, &[1.0])]);
    let session = fixture.session();
    // Planned with the file, read without it.
    let answer = session.sql("SELECT metric FROM measurements", &Params::new()).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(answer.rows().unwrap(), []);
    let warning = session.warnings()[0].to_string();
    assert!(warning.contains("cannot read it: No such file"), "{warning}");
}

#[test]
fn misplaced_files_are_named() {
    let mut fixture = Fixture::empty();
    let path = fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("a", 1, &[1.0])]);
    let stray = fixture.history().root().join("notes.parquet");
    fs::copy(&path, &stray).unwrap();
    let session = fixture.session();
    assert_eq!(csv(&session, COUNT), "n,samples\n1,1\n");
    assert_eq!(session.warnings()[0].path, stray);
}

/// Rewrites a file through a change of its batch.
fn rewrite(path: &Path, change: impl Fn(RecordBatch) -> RecordBatch) {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
    let batches: Vec<_> = reader.map(|batch| change(batch.unwrap())).collect();
    save(path, &batches[0]);
}

fn save(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_file_may_have_many_row_groups() {
    let mut fixture = Fixture::empty();
    let rows = (1..=100).map(|seq_len| time("a", seq_len, &[seq_len as f64])).collect();
    let path = fixture.record(Commit::Unversioned, ALL, embedded(), rows);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
    let file = fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    assert_eq!(writer.close().unwrap().num_row_groups(), 10);

    let session = fixture.session();
    let sums = "SELECT count(*) AS n, sum(median) AS median FROM measurements";
    assert_eq!(csv(&session, sums), "n,median\n100,5050.0\n");
    assert_eq!(csv(&session, &format!("{sums} WHERE seq_len BETWEEN 25 AND 31")), "n,median\n7,196.0\n");
    assert_eq!(csv(&session, &format!("{sums} WHERE seq_len > 100")), "n,median\n0,\n");
    assert_eq!(csv(&session, &format!("{sums} WHERE kernel_digest IS NULL")), "n,median\n0,\n");
    assert_eq!(session.warnings(), []);
}

#[test]
fn an_older_file_lacks_columns() {
    let mut fixture = Fixture::empty();
    fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("new", 1, &[1.0])]);
    let old = fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("old", 1, &[3.0])]);
    rewrite(&old, |batch| {
        let kept: Vec<usize> = (0..batch.num_columns())
            .filter(|column| {
                !["kernel_digest", "q1", "q3"].contains(&batch.schema().field(*column).name().as_str())
            })
            .collect();
        batch.project(&kept).unwrap()
    });
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT implementation, kernel_digest, q1, median FROM measurements ORDER BY 1"), @"
    implementation,kernel_digest,q1,median
    new,d1,1.0,1.0
    old,,,3.0
    ");
    assert_eq!(
        csv(&session, "SELECT implementation FROM measurements WHERE q1 IS NULL AND commit = 'unversioned'"),
        "implementation\nold\n"
    );
    assert_eq!(
        csv(&session, "SELECT implementation FROM measurements WHERE kernel_digest = 'd1'"),
        "implementation\nnew\n"
    );
    assert_eq!(session.warnings(), []);
}

#[test]
fn a_newer_file_has_columns_and_order_of_its_own() {
    let mut fixture = Fixture::empty();
    let path = fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("a", 1, &[3.0])]);
    rewrite(&path, |batch| {
        let schema = batch.schema();
        let mut columns: Vec<(String, ArrayRef)> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .zip(batch.columns().iter().cloned())
            .collect();
        columns.push(("flavour".to_owned(), Arc::new(Int64Array::from(vec![7]))));
        columns.reverse();
        // Plain text instead of dictionaries, as other writers have it.
        let plain = |column: ArrayRef| match column.data_type() {
            arrow::datatypes::DataType::Dictionary(..) => {
                arrow::compute::cast(&column, &arrow::datatypes::DataType::Utf8).unwrap()
            }
            _ => column,
        };
        RecordBatch::try_from_iter(columns.into_iter().map(|(name, column)| (name, plain(column)))).unwrap()
    });
    let session = fixture.session();
    assert_eq!(
        csv(
            &session,
            "SELECT implementation, metric, samples, type FROM measurements WHERE implementation = 'a' AND seq_len < 2"
        ),
        "implementation,metric,samples,type\na,emulation_time,[3.0],all-implementations\n"
    );
    assert_eq!(session.warnings(), []);
}
