//! The profile for people: a summary of each kernel, then its text with counts in front, the hottest lines marked.

use std::io::{self, Write};

use pipe_bench::{BoundLaunch, KernelProfile, roofline::Resource};
use pipe_report::format;
use pipe_simt::Counts;

use super::{Profiled, count_of};

/// Lines with at least this share of the kernel's whole are marked, and in an unrolled kernel, where none has as much, those
/// with at least half of what the hottest has.
const HOT: f64 = 0.05;
/// Lines with at least this share are worth a look.
const WARM: f64 = 0.005;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[32m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

pub(super) fn write(out: &mut dyn Write, profiled: &Profiled<'_>) -> io::Result<()> {
    let name = profiled.implementation.name();
    writeln!(out, "{BOLD}{name}{RESET} on {}", profiled.case.config())?;
    writeln!(out, "result right, relative error {}", format::scientific(profiled.profile.relative_error))?;
    for kernel in &profiled.profile.kernels {
        summary(out, profiled, kernel)?;
        listing(out, profiled, kernel)?;
    }
    Ok(())
}

fn summary(out: &mut dyn Write, profiled: &Profiled<'_>, kernel: &KernelProfile) -> io::Result<()> {
    let number = |value: u64| format::count(value as f64);
    let bytes = |value: u64| format::bytes(value as f64);
    let counts = &kernel.counts;
    writeln!(out, "\n{BOLD}{}{RESET}", kernel.entry)?;
    if let Some(first) = kernel.launches.first() {
        let size = |[x, y, z]: [u32; 3]| format!("{x} × {y} × {z}");
        let shared = u64::from(first.static_shared_bytes + first.dynamic_shared_bytes);
        let (many, more) = match kernel.launches.len() {
            1 => (String::new(), ""),
            launches => (format!("{launches} launches, "), " the first"),
        };
        let registers = kernel.bounds.first().map_or(String::new(), |bound| {
            let whose = if bound.registers_assembled { "ptxas" } else { "estimated" };
            format!(", {} registers ({whose})", bound.work.registers)
        });
        let (grid, block) = (size(first.grid), size(first.block));
        writeln!(out, "  {many}{more}grid {grid}, block {block}, {} shared{registers}", bytes(shared))?;
    }
    let mut row = |name: &str, text: String| writeln!(out, "  {name:<15}{text}");
    row(
        "instructions",
        format!(
            "{} warp instructions, {:.1} of 32 lanes active",
            number(counts.instructions),
            ratio(counts.thread_instructions, counts.instructions)
        ),
    )?;
    let classes: Vec<String> = counts
        .iter()
        .filter_map(|(name, value)| Some((class(name)?, value)))
        .filter(|(_, value)| *value > 0)
        .map(|(name, value)| format!("{name} {}", percent(value, counts.instructions)))
        .collect();
    row("", classes.join(", "))?;
    row(
        "branches",
        format!(
            "{}, {} divergent",
            number(counts.branches),
            percent(counts.divergent_branches, counts.branches)
        ),
    )?;
    let flops = counts.flops + counts.tensor_flops;
    row(
        "flops",
        format!(
            "{}, {:.2} a byte of compulsory traffic; {} special functions",
            number(flops),
            ratio(flops, counts.unique_load_bytes + counts.unique_store_bytes),
            number(counts.special_operations)
        ),
    )?;
    for (name, requests, sectors, asked, unique) in [
        (
            "global loads",
            counts.global_load_requests,
            counts.global_load_sectors,
            counts.global_load_bytes,
            counts.unique_load_bytes,
        ),
        (
            "global stores",
            counts.global_store_requests,
            counts.global_store_sectors,
            counts.global_store_bytes,
            counts.unique_store_bytes,
        ),
    ] {
        let moved = 32 * sectors;
        row(
            name,
            format!(
                "{} requests, {:.1} sectors each, {} of their bytes asked for; {} moved, {} different",
                number(requests),
                ratio(sectors, requests),
                percent(asked, moved),
                bytes(moved),
                bytes(unique)
            ),
        )?;
    }
    if counts.shared_wavefronts > 0 {
        row(
            "shared memory",
            format!(
                "{} wavefronts, {} of them conflicts",
                number(counts.shared_wavefronts),
                percent(counts.shared_bank_conflicts, counts.shared_wavefronts)
            ),
        )?;
    }
    if counts.local_load_requests + counts.local_store_requests > 0 {
        row(
            "local memory",
            format!("{} loaded, {} stored", bytes(counts.local_load_bytes), bytes(counts.local_store_bytes)),
        )?;
    }
    let atomics = counts.global_atomic_requests + counts.shared_atomic_requests;
    if atomics > 0 {
        row("atomics", format!("{} requests", number(atomics)))?;
    }
    if counts.barriers > 0 {
        row("barriers", number(counts.barriers))?;
    }
    row("roofline", bound(profiled, &kernel.bounds))
}

/// What the model says of a kernel's launches.
fn bound(profiled: &Profiled<'_>, launches: &[BoundLaunch]) -> String {
    let mut times = [0.0; Resource::ALL.len()];
    let mut total = 0.0;
    for launch in launches {
        match &launch.bound {
            Err(unfit) => return format!("none: {unfit}"),
            Ok(bound) => {
                total += bound.time();
                times.iter_mut().zip(bound.times).for_each(|(sum, time)| *sum += time);
            }
        }
    }
    let mut ranked: Vec<(Resource, f64)> = Resource::ALL.into_iter().zip(times).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (binding, _) = ranked[0];
    let share =
        |(resource, time): &(Resource, f64)| format!("{} {:.0} %", resource.name(), 100.0 * time / total);
    let others: Vec<String> =
        ranked[1..].iter().filter(|(_, time)| *time > 0.01 * total).map(share).collect();
    let occupancy =
        launches.iter().find_map(|launch| launch.bound.as_ref().ok()).map(|bound| bound.occupancy);
    let filled = occupancy.map_or(String::new(), |occupancy| {
        format!("; {:.0} % occupancy, {:.2} waves", 100.0 * occupancy.share, occupancy.waves)
    });
    format!(
        "at least {} on {}, bound by {} ({}); next {}{filled}",
        format::nanoseconds(total),
        profiled.gpu.name,
        binding.name(),
        binding.description(),
        others.iter().take(4).cloned().collect::<Vec<_>>().join(", ")
    )
}

fn listing(out: &mut dyn Write, profiled: &Profiled<'_>, kernel: &KernelProfile) -> io::Result<()> {
    let total = count_of(&kernel.counts, profiled.by);
    writeln!(out)?;
    if profiled.by != "instructions" {
        writeln!(out, "  % is of {}", profiled.by)?;
    }
    writeln!(
        out,
        "{DIM}{:>8} {:>7} {:>5} {:>8} {:>5} {:>8} {:>8} {:>6}  source{RESET}",
        "%", "issued", "lanes", "sectors", "used", "wavefr.", "conflict", "line"
    )?;
    let lines: Vec<&str> = kernel.source.ptx().lines().collect();
    let hottest = kernel.lines.values().map(|counts| count_of(counts, profiled.by)).max().unwrap_or_default();
    let scale = Scale { total, hot: HOT.min(0.5 * ratio(hottest, total)) };
    for line in kernel.extent.clone() {
        let text = lines.get(line as usize - 1).copied().unwrap_or_default();
        match kernel.lines.get(&line) {
            None => writeln!(out, "{:55} {line:>6}  {DIM}{text}{RESET}", "")?,
            Some(counts) => writeln!(out, "{}", annotated(profiled.by, &scale, counts, line, text))?,
        }
    }
    Ok(())
}

/// What a line's count is held against.
struct Scale {
    /// The kernel's count.
    total: u64,
    /// The share from which a line is marked.
    hot: f64,
}

/// A line with instructions.
fn annotated(by: &str, scale: &Scale, counts: &Counts, line: u32, text: &str) -> String {
    let own = count_of(counts, by);
    let share = ratio(own, scale.total);
    let (color, mark) = match share {
        share if own > 0 && share >= scale.hot => (RED, ">"),
        share if share >= WARM => (GREEN, " "),
        _ => ("", " "),
    };
    let some = |value: u64| if value == 0 { String::new() } else { format::count(value as f64) };
    let sectors = counts.global_load_sectors + counts.global_store_sectors + counts.global_atomic_sectors;
    let asked = counts.global_load_bytes + counts.global_store_bytes;
    let used = if asked == 0 { String::new() } else { percent(asked, 32 * sectors) };
    let percent = if own == 0 { String::new() } else { format!("{:.2}", 100.0 * share) };
    let lanes = match counts.instructions {
        0 => String::new(),
        issued => format!("{:.1}", ratio(counts.thread_instructions, issued)),
    };
    format!(
        "{color}{mark}{percent:>7} {:>7} {lanes:>5} {:>8} {used:>5} {:>8} {:>8} {line:>6}  {text}{RESET}",
        some(counts.instructions),
        some(sectors),
        some(counts.shared_wavefronts),
        some(counts.shared_bank_conflicts),
    )
}

/// The name of a class of instructions, of its count's; half and single precision are no classes of their own.
fn class(name: &str) -> Option<&str> {
    name.strip_prefix("instructions_").filter(|class| !matches!(*class, "f16" | "bf16" | "f32" | "f64"))
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0} %", 100.0 * ratio(part, whole))
}
