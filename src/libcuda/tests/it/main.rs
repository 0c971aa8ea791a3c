//! `libcuda.so.1` as programs meet it: `linked` calls it through `cust`, as any program that was linked with `-lcuda`;
//! `loaded` through `cudarc`, which opens it by name. This binary holds no code of the driver itself.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail tests

mod linked;
mod loaded;

/// `out[i] = a * x[i] + y[i]` for the first `n` elements, as NVRTC's front end would write it.
const SAXPY: &str = include_str!("saxpy.ptx");

/// The library's file, as the loader knows it.
fn mapped_libraries() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut files: Vec<_> = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .filter(|file| file.contains("libcuda"))
        .collect();
    files.dedup();
    files.into_iter().map(str::to_owned).collect()
}
