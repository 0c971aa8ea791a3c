//! How fast PTX is read: a compiler's output, a debug build's, and a long kernel, in bytes a second.
//!
//! `cargo bench -p pipe-ptx --bench parse`
#![allow(missing_docs, reason = "criterion_group writes an undocumented function")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn parse(criterion: &mut Criterion) {
    let control = include_str!("../tests/fixtures/control.ptx");
    // A megabyte of distinct functions.
    let (header, body) = control.split_at(control.find(".entry").map_or(0, |at| at - ".visible ".len()));
    let mut long = header.to_owned();
    for copy in 0..1_000_000 / body.len() {
        long.push_str(&renamed(body, copy));
    }
    let texts = [
        ("control", control.to_owned()),
        ("debug", include_str!("../tests/fixtures/debug.ptx").to_owned()),
        ("megabyte", long),
    ];
    let mut group = criterion.benchmark_group("parse");
    for (name, text) in &texts {
        assert!(pipe_ptx::parse(text).is_ok(), "{name}");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |bencher| bencher.iter(|| pipe_ptx::parse(black_box(text))));
    }
    group.finish();
}

/// The kernels of a text under names of their own.
fn renamed(body: &str, copy: usize) -> String {
    body.replace(".entry ", &format!(".entry copy{copy}_"))
}

criterion_group!(benches, parse);
criterion_main!(benches);
