//! Named queries: golden results of the built-in ones, and a folder laid over them.

use pipe_query::{Format, Layout, Params, Session, Value, write};

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
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(golden(&session, "rankings", &Params::new()), @"
    type,commit,device,rank,implementation,metric,unit,mean,median,ratio,cases,failed,skipped
    all-implementations,dd5f712704,NVIDIA H200,1,dilated,gpu_time,ns,7.0,7.0,1.0,1,0,0
    all-implementations,dd5f712704,embedded,1,improved-dilated,emulation_time,ns,97.75,97.75,1.0,2,0,0
    all-implementations,dd5f712704,embedded,2,dilated,emulation_time,ns,249.0,249.0,2.547,2,0,0
    all-implementations,dd5f712704,embedded,,ring-dilated,,,,,,0,1,1
    long-sequences,unversioned,embedded,1,attention,emulation_time,ns,1000000000.0,1000000000.0,1.0,1,0,0
    ");
    let params =
        Params::new().with("type", "all-implementations").with("device", "embedded").with("commit", "HEAD~1");
    insta::assert_snapshot!(golden(&session, "rankings", &params), @"
    type,commit,device,rank,implementation,metric,unit,mean,median,ratio,cases,failed,skipped
    all-implementations,a93c448f3b,embedded,1,dilated,emulation_time,ns,108.0,108.0,1.0,1,0,0
    all-implementations,a93c448f3b,embedded,,improved-dilated,,,,,,0,1,0
    ");
    let params = Params::new().with("metric", "instructions").with("device", "embedded");
    insta::assert_snapshot!(golden(&session, "rankings", &params), @"
    type,commit,device,rank,implementation,metric,unit,mean,median,ratio,cases,failed,skipped
    all-implementations,dd5f712704,embedded,1,improved-dilated,instructions,count,9007199254740992.0,9007199254740992.0,1.0,1,0,0
    all-implementations,dd5f712704,embedded,,ring-dilated,,,,,,0,1,1
    ");
}

#[test]
fn latest() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(golden(&session, "latest", &Params::new().with("metric", "emulation_time")), @"
    type,device,implementation,config,metric,unit,median,mean,std_dev,min,max,sample_count,status,message,commit,dirty,recorded_at
    all-implementations,NVIDIA H200,dilated,causal=false dtype=f32 seq_len=1024,emulation_time,ns,1.0,1.0,,1.0,1.0,1,ok,,dd5f712704,false,2026-09-21T14:16:20Z
    all-implementations,embedded,dilated,causal=false dtype=f32 seq_len=1024,emulation_time,ns,88.0,88.0,,88.0,88.0,1,ok,,dd5f712704,false,2026-09-21T14:18:20Z
    all-implementations,embedded,dilated,causal=false dtype=f32 seq_len=2048,emulation_time,ns,410.0,410.0,14.142135623730951,400.0,420.0,2,ok,,dd5f712704,false,2026-09-21T14:15:20Z
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=1024,emulation_time,ns,,,,,,0,out_of_memory,needs 2 GiB,a93c448f3b,false,2026-09-21T14:17:20Z
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=2048,emulation_time,ns,151.0,151.0,1.0,150.0,152.0,3,ok,,dd5f712704,false,2026-09-21T14:15:20Z
    all-implementations,embedded,ring-dilated,causal=false dtype=f32 seq_len=1024,emulation_time,ns,,,,,,0,wrong_result,relative error 0.5,dd5f712704,false,2026-09-21T14:15:20Z
    all-implementations,embedded,ring-dilated,causal=false dtype=f32 seq_len=2048,emulation_time,ns,,,,,,0,skipped,seq_len is not a multiple of 512,dd5f712704,false,2026-09-21T14:15:20Z
    long-sequences,embedded,attention,causal=false dtype=f32 seq_len=65536,emulation_time,ns,1000000000.0,1000000000.0,,1000000000.0,1000000000.0,1,ok,,unversioned,false,2026-09-21T14:19:20Z
    ");
}

#[test]
fn history() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(golden(&session, "history", &Params::new().with("type", "all-implementations")), @"
    type,device,implementation,config,position,commit,subject,metric,unit,median,ratio,sample_count,status,dirty
    all-implementations,NVIDIA H200,dilated,causal=false dtype=f32 seq_len=1024,3,dd5f712704,merge,gpu_time,ns,7.0,,1,ok,false
    all-implementations,embedded,dilated,causal=false dtype=f32 seq_len=1024,0,5226c3dec0,base,emulation_time,ns,110.0,,3,ok,false
    all-implementations,embedded,dilated,causal=false dtype=f32 seq_len=1024,1,a93c448f3b,left,emulation_time,ns,108.0,0.982,1,ok,false
    all-implementations,embedded,dilated,causal=false dtype=f32 seq_len=1024,3,dd5f712704,merge,emulation_time,ns,88.0,0.815,1,ok,false
    all-implementations,embedded,dilated,causal=false dtype=f32 seq_len=2048,3,dd5f712704,merge,emulation_time,ns,410.0,,2,ok,false
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=1024,0,5226c3dec0,base,emulation_time,ns,55.0,,3,ok,false
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=1024,1,a93c448f3b,left,,,,,0,out_of_memory,false
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=1024,3,dd5f712704,merge,emulation_time,ns,44.5,0.809,2,ok,false
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=2048,3,dd5f712704,merge,emulation_time,ns,151.0,,3,ok,false
    all-implementations,embedded,ring-dilated,causal=false dtype=f32 seq_len=1024,3,dd5f712704,merge,,,,,0,wrong_result,false
    all-implementations,embedded,ring-dilated,causal=false dtype=f32 seq_len=2048,3,dd5f712704,merge,,,,,0,skipped,false
    ");
    let params = Params::new().with("metric", "instructions").with("config", "seq_len=1024");
    insta::assert_snapshot!(golden(&session, "history", &params), @"
    type,device,implementation,config,position,commit,subject,metric,unit,median,ratio,sample_count,status,dirty
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=1024,1,a93c448f3b,left,,,,,0,out_of_memory,false
    all-implementations,embedded,improved-dilated,causal=false dtype=f32 seq_len=1024,3,dd5f712704,merge,instructions,count,9007199254740992.0,,1,ok,false
    all-implementations,embedded,ring-dilated,causal=false dtype=f32 seq_len=1024,3,dd5f712704,merge,,,,,0,wrong_result,false
    ");
}

#[test]
fn commits() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(golden(&session, "commits", &Params::new()), @"
    position,commit,subject,author,committed_at,runs,first_recorded_at,last_recorded_at
    ,unversioned,,,,1,2026-09-21T14:19:20Z,2026-09-21T14:19:20Z
    0,5226c3dec0,base,Ada,2023-11-14T22:13:20Z,1,2026-09-21T14:14:20Z,2026-09-21T14:14:20Z
    1,a93c448f3b,left,Ada,2023-11-14T22:15:20Z,1,2026-09-21T14:17:20Z,2026-09-21T14:17:20Z
    3,dd5f712704,merge,Ada,2023-11-14T22:16:20Z,3,2026-09-21T14:15:20Z,2026-09-21T14:18:20Z
    ");
    insta::assert_snapshot!(golden(&session, "commits", &Params::new().with("limit", 1)), @"
    position,commit,subject,author,committed_at,runs,first_recorded_at,last_recorded_at
    3,dd5f712704,merge,Ada,2023-11-14T22:16:20Z,3,2026-09-21T14:15:20Z,2026-09-21T14:18:20Z
    ");
}

#[test]
fn failures() {
    let fixture = Fixture::golden();
    let session = fixture.session();
    insta::assert_snapshot!(golden(&session, "failures", &Params::new()), @"
    type,commit,device,implementation,config,status,message,dirty,recorded_at
    all-implementations,dd5f712704,embedded,ring-dilated,causal=false dtype=f32 seq_len=1024,wrong_result,relative error 0.5,false,2026-09-21T14:15:20Z
    ");
}

#[test]
fn every_query_answers_an_empty_history() {
    let fixture = Fixture::empty();
    let session = fixture.session();
    for query in session.queries().unwrap() {
        // What must be given, and HEAD where there is no repository.
        let is_missing =
            |value: &Option<Value>| value.as_ref().is_none_or(|value| *value == Value::from("HEAD"));
        let missing = query.parameters.iter().filter(|parameter| is_missing(&parameter.default));
        let params: Params = missing.map(|parameter| (parameter.name.as_str(), "unversioned")).collect();
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
    fixture.query("wrong", "-- What.\nSELECT median\nFROM runs");
    fixture.query("open", "-- What.\nSELECT (1 +\n");
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
    insta::assert_snapshot!(failure("broken", &Params::new()), @"QUERIES/broken.sql:2: 'float' is not a type; expected text, integer, real or boolean");
    insta::assert_snapshot!(failure("sloppy", &Params::new()), @"query 'sloppy' uses $x and does not declare it; add a line '-- param x: TYPE = DEFAULT'");
    insta::assert_snapshot!(failure("wrong", &Params::new()), @r"
    QUERIES/wrong.sql:2:8: there is no column 'median'
      |
    2 | SELECT median
      |        ^^^^^^
    ");
    insta::assert_snapshot!(failure("open", &Params::new()), @r"
    QUERIES/open.sql:2:12: expected an expression, found the end
      |
    2 | SELECT (1 +
      |            ^
    ");
    insta::assert_snapshot!(failure("count", &Params::new()), @"query 'count' needs parameter 'type': the type");
    insta::assert_snapshot!(failure("rankigns", &Params::new()), @"there is no query 'rankigns'; did you mean 'rankings'?");
    insta::assert_snapshot!(failure("latest", &Params::new().with("devise", "x")), @"query 'latest' has no parameter 'devise'; it has type, implementation, device, metric");
    insta::assert_snapshot!(failure("commits", &Params::new().with("limit", "many")), @"parameter 'limit' of query 'commits' is not a whole number: 'many'");
}
