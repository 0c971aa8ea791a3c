//! pipe's own kernels against the reference and the predecessor's results, over sizes that divide and sizes
//! that do not.

use pipe_kernels::{Overrides, Profile};
use pipe_model::{Metric, Status};
use std::sync::atomic::AtomicBool;

use pipe_bench::{Request, Schedule};

use crate::support::{Kernels, SAMPLING, runner};

const IMPLEMENTATIONS: &[&str] = &["attention", "dilated", "improved-dilated"];

#[test]
fn every_implementation_is_right_for_every_size() {
    let groups = [
        "segment_lengths = [32, 64], dilation_rates = [1, 2]",
        "segment_lengths = [64, 96, 192], dilation_rates = [2, 3, 5]",
        "segment_lengths = [48], dilation_rates = [1]",
    ];
    for (index, groups) in groups.iter().enumerate() {
        let text = format!(
            "description = \"a test\"\nimplementations = {IMPLEMENTATIONS:?}\nstandard = []\nfull = []\n\
             [[quick]]\nbatch_size = [1, 3]\nseq_len = 192\nnum_heads = [1, 5]\nhead_dim = [32, 64, 128]\ndtype = \"f32\"\n\
             causal = [false, true]\ngroups = [{{ {groups} }}]\n"
        );
        let kernels = Kernels::new().benchmark_text(&format!("grid-{index}"), &text);
        let request = Request { profile: Profile::Quick, ..Request::default() };
        let schedule = Schedule::new(&kernels.library(), &format!("grid-{index}"), &request).unwrap();
        assert_eq!(schedule.jobs.len(), 3 * 24);
        let outcome = runner().run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ());
        for row in &outcome.measurements {
            let what = || format!("{} {}: {}", row.implementation, row.case.config(), row.message);
            assert_eq!(row.status, Status::Ok, "{}", what());
        }
        let errors = outcome.measurements.iter().filter(|row| row.metric == Metric::RELATIVE_ERROR);
        assert_eq!(errors.count(), schedule.jobs.len());
    }
}

#[test]
fn a_sequence_that_does_not_divide_is_skipped() {
    let kernels = Kernels::new().benchmark("odd", &["dilated", "improved-dilated"], &[24]);
    let request = Request { profile: Profile::Quick, overrides: Overrides::default(), ..Request::default() };
    let schedule = Schedule::new(&kernels.library(), "odd", &request).unwrap();
    let outcome = runner().run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ());
    assert_eq!(outcome.measurements.len(), 2);
    for row in &outcome.measurements {
        assert_eq!(row.status, Status::Skipped);
        assert!(row.message.contains("24") && row.message.contains("16"), "{}", row.message);
    }
}
