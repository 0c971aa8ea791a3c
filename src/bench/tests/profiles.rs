//! Counts line by line, and bounds, of kernels that pipe carries.

use pipe_bench::{Roofline, roofline::Resource, small_cases};
use pipe_kernels::{Library, Overrides};
use pipe_model::{Basis, Measurement, Status};
use pipe_simt::Counts;

use crate::support::{Kernels, run, runner};

#[test]
fn lines_add_up_to_the_kernel() {
    let library = Library::built_in();
    let implementation = library.implementation("dilated").unwrap();
    let case = small_cases(&library, implementation).remove(0);
    let profile = runner().profile(implementation, &case).unwrap();
    assert!(profile.relative_error < 1e-5);
    assert!(profile.kernels.len() > 1, "dilated is several kernels");
    for kernel in &profile.kernels {
        let mut sum: Counts = kernel.lines.values().copied().sum();
        let whole = &kernel.counts;
        assert_eq!(sum.instructions, whole.instructions);
        // What is not told apart by line.
        sum.unique_load_bytes = whole.unique_load_bytes;
        sum.unique_store_bytes = whole.unique_store_bytes;
        sum.block_unique_load_bytes = whole.block_unique_load_bytes;
        assert_eq!(sum, *whole, "{}", kernel.entry);
        assert!(whole.unique_store_bytes > 0 && whole.unique_store_bytes <= 32 * whole.global_store_sectors);
        assert!(kernel.lines.keys().all(|line| kernel.extent.contains(line)), "{}", kernel.entry);
        let header = kernel.source.ptx().lines().nth(*kernel.extent.start() as usize - 1).unwrap();
        assert!(header.contains(".entry") && header.contains(&kernel.entry), "{header}");
    }
}

#[test]
fn bounds_are_rows_of_every_counted_case() {
    let kernels = Kernels::new().benchmark("bounds", &["attention", "improved-dilated"], &[64]);
    let library = kernels.library();
    let mut runner = runner();
    runner.model(Roofline::new(library.gpu("a100").unwrap().clone(), None));
    let outcome = run(&mut runner, &library, "bounds", Overrides::default());
    for name in ["attention", "improved-dilated"] {
        let value = |metric: &str| -> f64 {
            let row: &Measurement = outcome
                .measurements
                .iter()
                .find(|row| row.implementation == name && row.metric.as_str() == metric)
                .unwrap_or_else(|| panic!("{name} has no {metric}"));
            assert_eq!((row.basis, row.status), (Basis::Modelled, Status::Ok));
            row.samples[0]
        };
        let times = Resource::ALL.map(|resource| value(&format!("roofline_{}_time", resource.name())));
        let (time, longest) = (value("roofline_time"), times.into_iter().fold(0.0, f64::max));
        assert!(time > 0.0 && time >= longest && time <= times.iter().sum(), "{time} {times:?}");
        assert!((0.0..=1.0).contains(&value("roofline_occupancy")));
    }
}

#[test]
fn a_gpu_that_cannot_run_it_says_why() {
    let kernels = Kernels::new().benchmark("bounds", &["improved-dilated"], &[64]);
    let library = kernels.library();
    let mut gpu = pipe_kernels::Gpu::clone(library.gpu("a100").unwrap());
    gpu.limits.shared_bytes_per_block = 1024;
    let mut runner = runner();
    runner.model(Roofline::new(gpu.into(), None));
    let outcome = run(&mut runner, &library, "bounds", Overrides::default());
    let row = outcome.measurements.iter().find(|row| row.metric.as_str() == "roofline_time").unwrap();
    assert_eq!(row.status, Status::Skipped);
    assert!(row.message.contains("bytes of shared memory"), "{}", row.message);
}
