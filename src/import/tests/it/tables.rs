//! The generic tables.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{Float64Array, RecordBatch, StringArray};
use pipe_history::History;

use crate::support::{import, import_bytes, import_text, told};

#[test]
fn csv() {
    let text = "implementation,metric,value,unit,samples,seq_len,note,status,message,commit\n\
        a,time,,ms,1.5;1.75,128,x,,,0123456789abcdef0123456789abcdef01234567\n\
        b,time,2,s,,128,,,,\n\
        c,time,,,,256,,out_of_memory,no room,\n\
        d,size_mb,4,,,,\"a, b\",,,\n\
        e,time,fast,ms,,,,,,\n\
        f,time\n\
        ,time,1,ms,,,,,,\n";
    insta::assert_snapshot!(told(&import_text("a.csv", text).unwrap()), @r#"
    imported 0123456789abcdef0123456789abcdef01234567 on unknown by import:csv
      a [note=x seq_len=128] time ns 2 samples from 1500000
    imported unknown on unknown by import:csv
      b [seq_len=128] time ns 2000000000
      c [seq_len=256] time ns out_of_memory: no room
      d [note="a, b"] size bytes 4194304
    skipped 1: it has 2 fields, and the header 10
    skipped 1: it has no implementation
    skipped 1: value is 'fast', not a number
    "#);
}

#[test]
fn json_lists_objects_and_lines() {
    let rows = r#"{"implementation": "a", "samples": [1, 2], "unit": "us", "parameters": {"k": 1}, "environment": {"os": "x"}}"#;
    let list = told(&import_text("a.json", &format!("[{rows}, {{\"x\": 1}}]")).unwrap());
    insta::assert_snapshot!(list, @r"
    imported unknown on unknown by import:json
      a [k=1] time ns 2 samples from 1000
    skipped 1: it has no implementation
    ");
    let object =
        told(&import_text("a.json", &format!("{{\"measurements\": [{rows}, {{\"x\": 1}}]}}")).unwrap());
    assert_eq!(list, object);
    let lines = told(&import_text("a.jsonl", &format!("{rows}\n{rows}\nnot json\n[1]\n")).unwrap());
    insta::assert_snapshot!(lines, @r"
    imported unknown on unknown by import:json
      a [k=1] time ns 2 samples from 1000
      a [entry=2 k=1] time ns 2 samples from 1000
    skipped 1: expected ident at line 1 column 2
    skipped 1: not an object
    ");
}

#[test]
fn a_table_without_implementations_says_what_it_has() {
    let error = import_text("a.csv", "name,speed\na,1\n").unwrap_err();
    insta::assert_snapshot!(error, @"a.csv has an unknown shape: neither JSON nor Parquet, and as CSV no column is called implementation; the columns are name, speed");
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_tables() {
    let batch = RecordBatch::try_from_iter([
        ("implementation", Arc::new(StringArray::from(vec!["a", "b"])) as _),
        ("value", Arc::new(Float64Array::from(vec![Some(1.5), None])) as _),
        ("unit", Arc::new(StringArray::from(vec!["ms", "ms"])) as _),
        ("colour", Arc::new(StringArray::from(vec![Some("red"), None])) as _),
    ])
    .unwrap();
    insta::assert_snapshot!(told(&import_bytes("a.parquet", &parquet(&batch)).unwrap()), @r"
    imported unknown on unknown by import:parquet
      a [colour=red] time ns 1500000
    skipped 1: it has neither value nor samples nor mean, and does not say that it failed
    ");
}

#[test]
fn a_run_of_another_history_comes_over_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"[{"implementation": "a", "samples": [1, 2], "unit": "us", "parameters": {"k": "v w"}, "environment": {"os": "x"}}]"#;
    let mut run = import_text("a.json", text).unwrap().runs.remove(0).run;
    run.source = "pipe 9.9".to_owned();
    run.device.kind = pipe_model::DeviceKind::Cuda;
    run.recorded_at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
    let path = History::at(folder.path()).write(&run).unwrap();
    let imported = import(&path).unwrap();
    assert!(imported.skipped.is_empty(), "{:?}", imported.skipped);
    assert_eq!(imported.runs.len(), 1);
    assert_eq!(imported.runs[0].run, run);
    // In another place it still knows where it belongs.
    let elsewhere = folder.path().join("x.parquet");
    std::fs::rename(path, &elsewhere).unwrap();
    assert_eq!(import(&elsewhere).unwrap().runs[0].run, run);
}

#[test]
fn a_mean_alone_keeps_the_statistics_beside_it() {
    let imported =
        import_text("a.csv", "implementation,metric,unit,mean,std_dev,min\na,time,ms,2,0.5,1\n").unwrap();
    insta::assert_snapshot!(told(&imported), @r"
    imported unknown on unknown by import:csv
      a [] mean_time ns 2000000 sd=500000 min=1000000
    ");
    let folder = tempfile::tempdir().unwrap();
    let read = &imported.runs[0];
    let path = History::at(folder.path()).write_stated(&read.run, &read.stated).unwrap();
    let batch = pipe_history::read_batch(&path).unwrap();
    let columns: BTreeMap<&str, Option<f64>> = ["mean", "std_dev", "min", "median", "max", "q1"]
        .map(|name| {
            let column =
                batch.column_by_name(name).unwrap().as_any().downcast_ref::<Float64Array>().unwrap().clone();
            (name, column.iter().next().unwrap())
        })
        .into();
    assert_eq!(columns["mean"], Some(2e6));
    assert_eq!((columns["std_dev"], columns["min"]), (Some(5e5), Some(1e6)));
    assert_eq!((columns["median"], columns["max"], columns["q1"]), (Some(2e6), None, None));
}
