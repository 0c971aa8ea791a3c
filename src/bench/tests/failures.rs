//! Kernels and cases that go wrong: each is one row that says how, and the next job is none the worse.

use pipe_kernels::Overrides;
use pipe_model::{Measurement, Metric, Status};

use crate::support::{COPY, Kernels, launch, manifest, primary, run, runner};

/// The row of a broken implementation that ran between two right ones.
fn row_of(ptx: &str, manifest: &str) -> Measurement {
    let kernels = Kernels::new().with_copy().implementation("bad", manifest, ptx).benchmark(
        "mixed",
        &["bad", "copy"],
        &[1],
    );
    let overrides = Overrides { batch_size: vec![1, 2], ..Overrides::default() };
    let outcome = run(&mut runner(), &kernels.library(), "mixed", overrides);
    let (bad, good): (Vec<_>, Vec<_>) =
        outcome.measurements.iter().partition(|row| row.implementation == "bad");
    assert_eq!(primary(&outcome).len(), 4);
    assert!(good.iter().all(|row| row.status == Status::Ok), "{:?}", good[0]);
    assert_eq!(bad.len(), 2, "a failed case is one row");
    for row in &bad {
        assert_eq!(row.metric, Metric::EMULATION_TIME);
        assert!(row.samples.is_empty());
        assert!(!row.message.contains(" said "), "{}", row.message);
    }
    // Messages name the kernel's file, which lies in the test's folder.
    let folder = format!("{}/", kernels.path().display());
    Measurement { message: bad[0].message.replace(&folder, ""), ..bad[0].clone() }
}

fn copy_manifest() -> String {
    manifest(&launch("copy", r#"["v", "out", { u32 = "elements" }]"#))
}

#[test]
fn a_wrong_result() {
    let row = row_of(
        &COPY.replace("st.global.f32 [%rd7], %f1;", "add.f32 %f1, %f1, %f1; st.global.f32 [%rd7], %f1;"),
        &copy_manifest(),
    );
    assert_eq!(row.status, Status::WrongResult);
    assert!(
        row.message.starts_with("relative error 1.000e0 is over the bound 1e-5; worst at out["),
        "{}",
        row.message
    );
    assert!(!row.kernel_digest.is_empty());
}

#[test]
fn an_output_that_is_not_written() {
    let row = row_of(COPY, &manifest(&launch("copy", r#"["v", "out", { u32 = "elements - 1" }]"#)));
    assert_eq!(row.status, Status::WrongResult);
    assert!(
        row.message.starts_with("1 elements of the output are not finite; worst at out[0, 0, 0, 31]: NaN"),
        "{}",
        row.message
    );
}

#[test]
fn a_trap() {
    let row = row_of(
        COPY,
        &manifest(&launch("copy", r#"["v", "out", { u32 = "elements + 128" }]"#))
            .replace("ceil_div(elements, 128)", "2"),
    );
    assert_eq!(row.status, Status::Trap, "{}", row.message);
    for part in ["copy", "line ", "block", "thread"] {
        assert!(row.message.contains(part), "{part}: {}", row.message);
    }
}

#[test]
fn an_endless_loop() {
    let row = row_of(&COPY.replace("DONE:\n    ret;", "DONE:\n    bra DONE;"), &copy_manifest());
    assert_eq!(row.status, Status::Trap, "{}", row.message);
    assert!(row.message.contains("copy"), "{}", row.message);
}

#[test]
fn ptx_that_does_not_load() {
    let row = row_of(&COPY.replace("mul.wide.u32", "mull.wide.u32"), &copy_manifest());
    assert_eq!(row.status, Status::Error);
    let line = COPY.lines().position(|line| line.contains("mul.wide")).unwrap() + 1;
    assert!(row.message.starts_with("bad/kernel.ptx"), "{}", row.message);
    assert!(row.message.contains(&line.to_string()) && row.message.contains("mull"), "{}", row.message);
}

#[test]
fn a_manifest_that_does_not_fit_the_ptx() {
    let row = row_of(COPY, &manifest(&launch("copie", r#"["v", "out", { u32 = "elements" }]"#)));
    assert_eq!(row.status, Status::Error);
    assert_eq!(row.message, "kernel.toml launches `copie`, and kernel.ptx has no such entry");
    let row = row_of(COPY, &manifest(&launch("copy", r#"["v", "out"]"#)));
    assert_eq!(row.message, "entry `copy` has 3 parameters, kernel.toml gives 2 arguments");
    let row = row_of(COPY, &manifest(&launch("copy", r#"["v", "out", { u64 = "elements" }]"#)));
    assert_eq!(row.message, "parameter 3 of entry `copy` has 4 bytes, kernel.toml gives it 8");
}

#[test]
fn a_manifest_that_is_broken() {
    let row = row_of(COPY, &copy_manifest().replace("ceil_div", "cell_div"));
    assert_eq!(row.status, Status::Error);
    assert!(row.message.starts_with("bad/kernel.toml:"), "{}", row.message);
    assert!(row.kernel_digest.is_empty());
}

#[test]
fn a_case_that_the_kernel_does_not_do() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy"], &[1]);
    let overrides = Overrides { head_dim: vec![48, 32], ..Overrides::default() };
    let outcome = run(&mut runner(), &kernels.library(), "tiny", overrides);
    let rows = primary(&outcome);
    assert_eq!(rows[0].status, Status::Skipped);
    assert_eq!(rows[0].message, "head_dim 48 is not one of 32");
    assert_eq!(rows[1].status, Status::Ok);
}

#[test]
fn a_case_that_does_not_fit() {
    let kernels = Kernels::new().with_copy().benchmark("tiny", &["copy"], &[1]);
    // Four tensors of 32 MiB on a device of 64.
    let overrides = Overrides { batch_size: vec![1 << 18, 1], ..Overrides::default() };
    let mut runner = runner();
    for _ in 0..2 {
        let outcome = run(&mut runner, &kernels.library(), "tiny", overrides.clone());
        let rows = primary(&outcome);
        assert_eq!(rows[0].status, Status::OutOfMemory);
        assert_eq!(rows[0].message, "the case needs 128.0 MiB of the device's 64.0 MiB; 'v' did not fit");
        assert_eq!(rows[1].status, Status::Ok, "what did fit was freed");
    }
}
