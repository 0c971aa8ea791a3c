//! The tables: their rows, what of them is read, and their descriptions.

use pipe_model::Commit;
use pipe_query::{Format, Params, Value};

use crate::fixture::{ALL, Fixture, answer, csv, embedded, time};

#[test]
fn measurements_have_the_partitions_as_columns() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT type, device, count(*) AS rows, count(DISTINCT commit) AS commits FROM measurements GROUP BY type, device ORDER BY type, device"), @"
    type,device,rows,commits
    all-implementations,NVIDIA H200,2,1
    all-implementations,embedded,12,3
    long-sequences,embedded,1,1
    ");
    insta::assert_snapshot!(
        answer(&session, "SELECT * EXCEPT (run_id, commit) FROM measurements WHERE metric = 'instructions'", Format::Ndjson), @r#"{"recorded_at":"2026-09-21T14:15:20Z","type":"all-implementations","dirty":false,"implementation":"improved-dilated","config":"causal=false dtype=f32 seq_len=1024","batch_size":null,"seq_len":1024,"num_heads":null,"head_dim":null,"dtype":"f32","parameters":{"causal":"false"},"metric":"instructions","unit":"count","basis":"counted","samples":[9.007199254740992e15],"sample_count":1,"mean":9.007199254740992e15,"std_dev":null,"min":9.007199254740992e15,"q1":9.007199254740992e15,"median":9.007199254740992e15,"q3":9.007199254740992e15,"max":9.007199254740992e15,"status":"ok","message":null,"device":"embedded","device_kind":"embedded","kernel_digest":"d1","environment":{"os":"linux"},"source":"pipe 0.1.0"}"#);
}

#[test]
fn parameters_are_looked_up_by_name() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT DISTINCT parameters['causal'] AS causal, environment['os'] AS os, parameters['none'] AS none FROM measurements"), @"
    causal,os,none
    false,linux,
    ");
}

#[test]
fn samples_are_rows() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT seq_len, sample_index, sample, unit FROM samples WHERE implementation = 'improved-dilated' AND commit = latest_commit() AND basis = 'measured' ORDER BY seq_len, sample_index"), @"
    seq_len,sample_index,sample,unit
    1024,1,44.0,ns
    1024,2,45.0,ns
    2048,1,150.0,ns
    2048,2,151.0,ns
    2048,3,152.0,ns
    ");
    // A case without samples has no row.
    assert_eq!(
        csv(&session, "SELECT count(*) AS n FROM samples WHERE implementation = 'ring-dilated'"),
        "n\n0\n"
    );
    assert_eq!(
        csv(&session, "SELECT sum(sample) AS a FROM samples"),
        csv(&session, "SELECT sum(mean * sample_count) AS a FROM measurements")
    );
}

#[test]
fn runs_are_files() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT recorded_at, type, device, device_kind, source, dirty, rows, failures FROM runs ORDER BY recorded_at"), @"
    recorded_at,type,device,device_kind,source,dirty,rows,failures
    2026-09-21T14:14:20Z,all-implementations,embedded,embedded,pipe 0.1.0,false,2,0
    2026-09-21T14:15:20Z,all-implementations,embedded,embedded,pipe 0.1.0,false,7,1
    2026-09-21T14:16:20Z,all-implementations,NVIDIA H200,cuda,pipe 0.1.0,false,2,0
    2026-09-21T14:17:20Z,all-implementations,embedded,embedded,pipe 0.1.0,false,2,1
    2026-09-21T14:18:20Z,all-implementations,embedded,embedded,pipe 0.1.0,false,1,0
    2026-09-21T14:19:20Z,long-sequences,embedded,embedded,pipe 0.1.0,false,1,0
    ");
}

#[test]
fn commits_are_in_git_order() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT position, on_head, subject, author, committed_at, array_length(parents) AS parents, runs, first_recorded_at, last_recorded_at FROM commits ORDER BY position NULLS FIRST"), @"
    position,on_head,subject,author,committed_at,parents,runs,first_recorded_at,last_recorded_at
    ,false,,,,,1,2026-09-21T14:19:20Z,2026-09-21T14:19:20Z
    0,true,base,Ada,2023-11-14T22:13:20Z,0,1,2026-09-21T14:14:20Z,2026-09-21T14:14:20Z
    1,true,left,Ada,2023-11-14T22:15:20Z,1,1,2026-09-21T14:17:20Z,2026-09-21T14:17:20Z
    3,true,merge,Ada,2023-11-14T22:16:20Z,2,3,2026-09-21T14:15:20Z,2026-09-21T14:18:20Z
    ");
    insta::assert_snapshot!(csv(&session, "SELECT subject FROM commits WHERE position > 0 ORDER BY position"), @"
    subject
    left
    merge
    ");
}

#[test]
fn timings_are_the_primary_time_of_a_case() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(csv(&session, "SELECT device_kind, implementation, seq_len, metric, status, median_ns, sample_count FROM timings WHERE commit = latest_commit('all-implementations') ORDER BY device_kind, implementation, seq_len, recorded_at"), @"
    device_kind,implementation,seq_len,metric,status,median_ns,sample_count
    cuda,dilated,1024,gpu_time,ok,7.0,1
    embedded,dilated,1024,emulation_time,ok,99.0,1
    embedded,dilated,1024,emulation_time,ok,88.0,1
    embedded,dilated,2048,emulation_time,ok,410.0,2
    embedded,improved-dilated,1024,emulation_time,ok,44.5,2
    embedded,improved-dilated,2048,emulation_time,ok,151.0,3
    embedded,ring-dilated,1024,emulation_time,wrong_result,,0
    embedded,ring-dilated,2048,emulation_time,skipped,,0
    ");
}

#[test]
fn a_history_that_does_not_exist_has_empty_tables() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    for table in ["measurements", "timings", "samples", "runs", "commits"] {
        assert_eq!(csv(&session, &format!("SELECT count(*) AS n FROM {table}")), "n\n0\n", "{table}");
        assert_eq!(
            session.sql(&format!("SELECT * FROM {table}"), &Params::new()).unwrap().rows().unwrap(),
            [],
            "{table}"
        );
    }
    assert_eq!(csv(&session, "SELECT latest_commit() AS a, latest_commit('x', 'y') AS b"), "a,b\n,\n");
    assert!(!fixture.history().root().exists(), "asking makes no folder");
}

#[test]
fn a_new_run_is_there_at_once() {
    let mut fixture = Fixture::empty();
    let session = fixture.session();
    let count = "SELECT count(*) AS n FROM runs";
    assert_eq!(csv(&session, count), "n\n0\n");
    fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("a", 1, &[1.0])]);
    assert_eq!(csv(&session, count), "n\n1\n");
}

#[test]
fn only_the_files_of_a_partition_are_read() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let scan = |text: &str| {
        let rows = session.sql(&format!("EXPLAIN {text}"), &Params::new()).unwrap().rows().unwrap();
        let plan = rows.iter().find(|row| row["plan_type"] == "physical_plan").unwrap()["plan"]
            .as_str()
            .unwrap()
            .to_owned();
        plan.lines().find(|line| line.contains("HistoryScan")).unwrap().trim().to_owned()
    };
    insta::assert_snapshot!(scan("SELECT median FROM measurements WHERE type = 'long-sequences' AND metric = 'gpu_time'"), @"HistoryScan: files=1 of 6, columns=[median], filter=metric@0 = gpu_time");
    insta::assert_snapshot!(scan("SELECT median FROM measurements WHERE commit = latest_commit(type)"), @"HistoryScan: files=4 of 6, columns=[median]");
    insta::assert_snapshot!(scan("SELECT median_ns FROM timings WHERE commit = revision('HEAD^') AND device = 'embedded'"), @"HistoryScan: files=1 of 6, columns=[run_id, commit, type, implementation, config, metric, unit, median, status, device, device_kind], filter=(status@2 != ok OR unit@0 IN (SET) ([ns, us, ms, s]) AND basis@1 = measured) AND device@3 = embedded");
    insta::assert_snapshot!(scan("SELECT count(*) FROM measurements"), @"HistoryScan: files=6 of 6, columns=[]");
    insta::assert_snapshot!(scan("SELECT count(*) FROM measurements WHERE commit IN (SELECT commit FROM commits WHERE subject = 'left')"), @"HistoryScan: files=6 of 6, columns=[commit]");
}

#[test]
fn partitions_prune_files_that_cannot_be_read() {
    let mut fixture = Fixture::empty();
    fixture.record(Commit::Unversioned, ALL, embedded(), vec![time("a", 1, &[1.0])]);
    let broken = fixture.record(Commit::Unknown, ALL, embedded(), vec![time("a", 1, &[1.0])]);
    std::fs::write(broken, "no parquet").unwrap();
    let session = fixture.session();
    assert_eq!(
        csv(&session, "SELECT count(*) AS n FROM measurements WHERE commit = 'unversioned'"),
        "n\n1\n"
    );
    assert_eq!(csv(&session, "SELECT commit FROM commits ORDER BY commit"), "commit\nunknown\nunversioned\n");
    assert_eq!(session.warnings(), [], "no other file was opened");
}

#[test]
fn the_latest_commit_is_gits_not_the_clocks() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let merge = fixture.commit("merge");
    let latest = |arguments: &str| csv(&session, &format!("SELECT latest_commit({arguments}) AS c"));
    assert_eq!(latest(""), format!("c\n{merge}\n"));
    assert_eq!(latest("'all-implementations', 'NVIDIA H200'"), format!("c\n{merge}\n"));
    assert_eq!(latest("'long-sequences'"), "c\nunversioned\n");
    assert_eq!(latest("NULL, 'embedded'"), format!("c\n{merge}\n"));
    assert_eq!(latest("'all-implementations', 'NVIDIA B200'"), "c\n\"\"\n");
}

#[test]
fn without_a_repository_the_latest_run_decides() {
    let mut fixture = Fixture::empty();
    let hash = |digit: char| digit.to_string().repeat(40).parse::<Commit>().unwrap();
    fixture.record(hash('f'), ALL, embedded(), vec![time("a", 1, &[1.0])]);
    fixture.record(hash('0'), ALL, embedded(), vec![time("a", 1, &[1.0])]);
    let session = fixture.session();
    assert_eq!(csv(&session, "SELECT short(latest_commit()) AS c"), "c\n0000000000\n");
    assert_eq!(
        csv(&session, "SELECT short(revision('ffff')) AS c, short('unversioned') AS d"),
        "c,d\nffffffffff,unversioned\n"
    );
    insta::assert_snapshot!(crate::fixture::error(&session, "SELECT revision('main')"), @"the query failed: revision 'main' names no commit of the history");
}

#[test]
fn a_revision_is_gits() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let params = Params::new().with("rev", Value::Untyped("HEAD^2~1".to_owned()));
    let rows = session.sql("SELECT revision($rev) AS c", &params).unwrap().rows().unwrap();
    assert_eq!(rows[0]["c"], fixture.commit("base").as_str());
    let message =
        crate::fixture::error(&session, "SELECT count(*) FROM measurements WHERE commit = revision('mian')");
    assert!(message.starts_with("revision 'mian' names no commit of "), "{message}");
}

#[test]
fn every_column_is_described() {
    let fixture = Fixture::empty();
    let tables = fixture.session().describe().unwrap();
    let undescribed: Vec<_> = tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| (&table.name, column)))
        .filter(|(_, column)| column.meaning.is_empty())
        .collect();
    assert_eq!(undescribed, []);
    let columns: Vec<_> = tables[0].columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect();
    insta::assert_snapshot!(columns.join("\n"), @"
    run_id Utf8
    recorded_at Timestamp
    commit Utf8
    type Utf8
    dirty Boolean
    implementation Utf8
    config Utf8
    batch_size Int64
    seq_len Int64
    num_heads Int64
    head_dim Int64
    dtype Utf8
    parameters Map(Utf8, Utf8)
    metric Utf8
    unit Utf8
    basis Utf8
    samples List(Float64)
    sample_count Int64
    mean Float64
    std_dev Float64
    min Float64
    q1 Float64
    median Float64
    q3 Float64
    max Float64
    status Utf8
    message Utf8
    device Utf8
    device_kind Utf8
    kernel_digest Utf8
    environment Map(Utf8, Utf8)
    source Utf8
    ");
}

#[test]
fn points_are_the_newest_good_rows_with_those_before() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let points = "
        SELECT type, device, metric, implementation, config, commit, ordinal, median, previous_median
        FROM points ORDER BY type, device, metric, implementation, config, ordinal";
    let by_sql = "
        WITH
          chosen AS (
            SELECT *, CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS ns
            FROM measurements
          ),
          tried AS (
            SELECT type, device, commit, implementation, config, run_id, max(recorded_at) AS recorded_at, bool_and(status = 'ok') AS good
            FROM chosen GROUP BY type, device, commit, implementation, config, run_id
          ),
          newest AS (
            SELECT
              type, device, commit, implementation, config,
              last_value(run_id ORDER BY recorded_at, run_id) AS run_id, last_value(good ORDER BY recorded_at, run_id) AS good
            FROM tried GROUP BY type, device, commit, implementation, config
          )
        SELECT
          m.type, m.device, m.metric, m.implementation, m.config, m.commit, o.ordinal, m.median * coalesce(m.ns, 1) AS median,
          lag(m.median * coalesce(m.ns, 1)) OVER (
            PARTITION BY m.type, m.device, m.metric, m.implementation, m.config ORDER BY o.ordinal
          ) AS previous_median
        FROM chosen m
        JOIN newest n
          ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
          AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
        JOIN commits o ON o.commit = m.commit
        WHERE n.good AND m.basis <> 'modelled'
          AND (m.ns IS NOT NULL AND m.median > 0 OR m.metric IN ('instructions', 'global_load_sectors', 'global_store_sectors',
            'shared_bank_conflicts', 'divergent_branches', 'peak_memory'))
        ORDER BY m.type, m.device, m.metric, m.implementation, m.config, o.ordinal";
    let rows = csv(&session, points);
    assert!(rows.lines().count() > 4, "{rows}");
    assert_eq!(rows, csv(&session, by_sql));
    let primary = csv(&session, "SELECT count(*) AS n FROM points WHERE is_primary");
    let timings = "
        SELECT count(DISTINCT (t.type, t.device, t.implementation, t.config, t.commit)) AS n
        FROM timings t JOIN points p
          ON p.type = t.type AND p.device = t.device AND p.implementation = t.implementation AND p.config = t.config
          AND p.commit = t.commit AND p.metric = t.metric
        WHERE t.status = 'ok'";
    assert_eq!(primary, csv(&session, timings));
}

#[test]
fn series_count_their_rows() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let counted = "SELECT type, device, implementation, config, metric, sum(measurements) AS n FROM series GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5";
    let by_sql = "SELECT type, device, implementation, config, metric, count(*) AS n FROM measurements GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5";
    assert_eq!(csv(&session, counted), csv(&session, by_sql));
}

#[test]
fn what_is_held_stays_as_it_was() {
    let mut fixture = Fixture::golden();
    let session = fixture.session();
    let runs = || csv(&session, "SELECT count(*) AS n FROM runs");
    let before = runs();
    let held = session.hold();
    assert_eq!(runs(), before);
    let commit = "unversioned".parse().unwrap();
    fixture.record(commit, "all-implementations", embedded(), vec![time("dilated", 1024, &[1.0])]);
    assert_eq!(runs(), before);
    drop(held);
    assert_ne!(runs(), before);
}

#[test]
fn steps_take_the_points_of_an_implementation_together() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let steps = "
        SELECT
          type, device, metric, implementation, ordinal, is_primary, cases_done, cases_compared, mean_median,
          round(to_previous, 9) AS to_previous, round(since_first, 9) AS since_first,
          round(q1_to_median, 9) AS lower, round(q3_to_median, 9) AS upper
        FROM steps ORDER BY type, device, metric, implementation, ordinal";
    let by_sql = "
        WITH
          grouped AS (
            SELECT
              type, device, metric, implementation, ordinal, bool_or(is_primary) AS is_primary,
              count(*) AS cases_done, count(previous_median) AS cases_compared, avg(median) AS mean_median,
              exp(avg(ln(median / previous_median))) AS ratio,
              exp(avg(ln(CASE WHEN sample_count >= 3 AND q1 > 0 THEN q1 / median END))) AS lower,
              exp(avg(ln(CASE WHEN sample_count >= 3 AND q3 > 0 THEN q3 / median END))) AS upper
            FROM points
            WHERE unit = 'ns'
            GROUP BY type, device, metric, implementation, ordinal
          )
        SELECT
          type, device, metric, implementation, ordinal, is_primary, cases_done, cases_compared, mean_median,
          round(ratio, 9) AS to_previous,
          round(exp(sum(coalesce(ln(ratio), 0)) OVER (
            PARTITION BY type, device, metric, implementation ORDER BY ordinal
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          )), 9) AS since_first,
          round(lower, 9) AS lower, round(upper, 9) AS upper
        FROM grouped ORDER BY type, device, metric, implementation, ordinal";
    let rows = csv(&session, steps);
    assert!(rows.lines().count() > 4, "{rows}");
    assert_eq!(rows, csv(&session, by_sql));
}

#[test]
fn a_kept_view_has_the_rows_of_the_view() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    let rows = "SELECT type, metric, implementation, config, median_ns, slower FROM latest_times ORDER BY 1, 2, 3, 4";
    let alone = csv(&session, rows);
    assert!(alone.lines().count() > 2, "{alone}");
    let _held = session.hold();
    assert_eq!(csv(&session, rows), alone);
    let some = format!("SELECT count(*) AS n FROM ({rows}) WHERE slower > 1");
    assert_eq!(csv(&session, &some), csv(&fixture.session(), &some));
}
