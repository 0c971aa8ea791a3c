//! The profile for programs: every count of every line.

use std::io::{self, Write};

use pipe_bench::{BoundLaunch, roofline::Resource};
use pipe_simt::Counts;
use serde_json::{Map, Value, json};

use super::Profiled;

/// One object: the case, and a kernel's counts, bounds and lines.
pub(super) fn json(out: &mut dyn Write, profiled: &Profiled<'_>) -> io::Result<()> {
    let kernels: Vec<Value> = profiled
        .profile
        .kernels
        .iter()
        .map(|kernel| {
            let launches: Vec<Value> = kernel
                .launches
                .iter()
                .zip(&kernel.bounds)
                .map(|(launch, bound)| {
                    json!({
                        "grid": launch.grid,
                        "block": launch.block,
                        "static_shared_bytes": launch.static_shared_bytes,
                        "dynamic_shared_bytes": launch.dynamic_shared_bytes,
                        "registers": bound.work.registers,
                        "registers_from": if bound.registers_assembled { "ptxas" } else { "embedded device" },
                        "roofline": roofline(bound),
                    })
                })
                .collect();
            let source: Vec<&str> = kernel.source.ptx().lines().collect();
            let lines: Vec<Value> = kernel
                .lines
                .iter()
                .map(|(line, counts)| {
                    let text = source.get(*line as usize - 1).copied().unwrap_or_default();
                    json!({ "line": line, "text": text, "counts": object(counts) })
                })
                .collect();
            json!({
                "kernel": kernel.entry,
                "file": kernel.source.file(),
                "launches": launches,
                "counts": object(&kernel.counts),
                "lines": lines,
            })
        })
        .collect();
    let document = json!({
        "implementation": profiled.implementation.name(),
        "config": profiled.case.config(),
        "kernel_digest": profiled.implementation.digest(),
        "gpu": profiled.gpu.name,
        "relative_error": profiled.profile.relative_error,
        "kernels": kernels,
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::from)?;
    writeln!(out)
}

fn object(counts: &Counts) -> Map<String, Value> {
    counts.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn roofline(launch: &BoundLaunch) -> Value {
    match &launch.bound {
        Err(unfit) => json!({ "unfit": unfit.to_string() }),
        Ok(bound) => {
            let times: Map<String, Value> = Resource::ALL
                .into_iter()
                .map(|resource| (resource.name().to_owned(), bound.of(resource).into()))
                .collect();
            json!({
                "time_ns": bound.time(),
                "binding": bound.binding().name(),
                "times_ns": times,
                "occupancy": bound.occupancy.share,
                "resident_blocks": bound.occupancy.blocks,
                "waves": bound.occupancy.waves,
            })
        }
    }
}

/// A row a line with instructions: kernel, line, every count, text.
pub(super) fn csv(out: &mut dyn Write, profiled: &Profiled<'_>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let names: Vec<&str> = Counts::default().iter().map(|(name, _)| name).collect();
    let header = ["kernel", "line"].into_iter().chain(names).chain(["text"]);
    writer.write_record(header)?;
    for kernel in &profiled.profile.kernels {
        let source: Vec<&str> = kernel.source.ptx().lines().collect();
        for (line, counts) in &kernel.lines {
            let text = source.get(*line as usize - 1).copied().unwrap_or_default();
            let values = counts.iter().map(|(_, value)| value.to_string());
            let row =
                [kernel.entry.clone(), line.to_string()].into_iter().chain(values).chain([text.to_owned()]);
            writer.write_record(row)?;
        }
    }
    writer.flush()
}
