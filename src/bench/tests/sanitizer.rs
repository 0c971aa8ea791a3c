//! Kernels under the sanitizer: those that pipe carries have no fault, and one that has is told of and not timed.

use std::{env, process::Command};

use pipe_bench::{Job, Observer, Request, Schedule, small_cases};
use pipe_kernels::{Library, Profile};
use pipe_model::{Metric, Status};
use pipe_simt::Finding;

use crate::support::{COPY, Kernels, SAMPLING, SANITIZE, launch, manifest, runner};

/// What a test below prints in a process of its own, whose device has the sanitizer on.
fn sanitized(test: &str) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(SANITIZE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_kernels_that_pipe_carries_have_no_fault() {
    let text = sanitized("sanitizer::run_all_kernels");
    assert!(text.matches("clean: ").count() >= 3, "{text}");
    assert!(!text.contains("fault: "), "{text}");
}

/// Not a test: see above.
#[test]
#[ignore = "run by the_kernels_that_pipe_carries_have_no_fault"]
fn run_all_kernels() {
    let library = Library::built_in();
    let mut runner = runner();
    for implementation in library.implementations() {
        let cases = small_cases(&library, implementation);
        assert!(!cases.is_empty(), "{} has no case", implementation.name());
        for case in cases {
            let (findings, outcome) = runner.sanitize(implementation, &case);
            println!("clean: {} {}", implementation.name(), case.config());
            findings.iter().for_each(|finding| println!("fault: {finding}"));
            outcome.unwrap();
        }
    }
}

#[test]
fn a_fault_is_told_of_and_not_timed() {
    let text = sanitized("sanitizer::run_a_racy_kernel");
    assert!(text.contains("found: race in global memory in kernel `copy`, line 27, "), "{text}");
    assert!(text.contains("row: emulation_time trap race in global memory"), "{text}");
    assert_eq!(text.matches("row: ").count(), 1, "{text}");
}

/// Not a test: see above.
#[test]
#[ignore = "run by a_fault_is_told_of_and_not_timed"]
fn run_a_racy_kernel() {
    /// Prints what is found.
    struct Printer;
    impl Observer for Printer {
        fn found(&mut self, _: &Job, findings: &[Finding]) {
            findings.iter().for_each(|finding| println!("found: {finding}"));
        }
    }
    // Every thread writes its own value to the first element as well.
    let racy = COPY
        .replace("st.global.f32 [%rd7], %f1;", "st.global.f32 [%rd4], %f1;\n    st.global.f32 [%rd7], %f1;");
    let kernels = Kernels::new()
        .implementation("racy", &manifest(&launch("copy", r#"["v", "out", { u32 = "elements" }]"#)), &racy)
        .benchmark("racy", &["racy"], &[1]);
    let request = Request { profile: Profile::Quick, ..Request::default() };
    let schedule = Schedule::new(&kernels.library(), "racy", &request).unwrap();
    let outcome = runner().run(&schedule, &SAMPLING, &false.into(), &mut Printer);
    for row in outcome.measurements {
        assert_eq!((row.metric.clone(), row.status), (Metric::EMULATION_TIME, Status::Trap));
        println!("row: {} {} {}", row.metric, row.status, row.message);
    }
}
