//! Change points held against the answers that Apache Otava and the makers of the series give.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and what it skips on standard error"
)]

use std::path::Path;

use pipe_stats::change_points::{self, Kind, Options, e_divisive};
use serde_json::Value;

/// The series with the answers; `None`, said on standard error, where they are not beside the checkout.
fn oracle() -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/oracles/change_points.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let oracle: Value = serde_json::from_str(&text).unwrap();
    Some(oracle["cases"].as_array().unwrap().clone())
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|index| usize::try_from(index.as_u64().unwrap()).unwrap()).collect()
}

#[test]
fn with_otavas_parameters_the_points_are_otavas() {
    let Some(cases) = oracle() else { return };
    let mut compared = 0;
    for case in &cases {
        let series = floats(&case["series"]);
        for answer in case["otava"].as_array().unwrap() {
            let options = e_divisive::Options {
                window: usize::try_from(answer["window_len"].as_u64().unwrap()).unwrap(),
                max_p_value: answer["max_pvalue"].as_f64().unwrap(),
                min_magnitude: answer["min_magnitude"].as_f64().unwrap(),
            };
            let points = e_divisive::find(&series, &options);
            let found: Vec<usize> = points.iter().map(|point| point.index).collect();
            assert_eq!(found, indices(&answer["index"]), "{} with {options:?}", case["name"]);
            for (point, p_value) in points.iter().zip(floats(&answer["pvalue"])) {
                let close = (point.p_value - p_value).abs() <= 1e-9 * p_value.max(1e-9);
                assert!(close, "{}: {point:?} has p {p_value}", case["name"]);
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 38 * 36);
}

#[test]
fn with_our_defaults_what_is_there_is_found_and_nothing_else() {
    let Some(cases) = oracle() else { return };
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let truth = indices(&case["truth"]);
        let changes = change_points::find(&floats(&case["series"]), &Options::default()).unwrap();
        let found: Vec<(usize, Kind)> = changes.iter().map(|change| (change.index, change.kind)).collect();
        let steps: Vec<(usize, Kind)> = truth.iter().map(|index| (*index, Kind::Step)).collect();
        let plain = ["flat", "spike", "bimodal", "const_"];
        if name.starts_with("lastpoint") {
            assert_eq!(found, [(59, Kind::Unconfirmed)], "{name}");
        } else if name.starts_with("drift") {
            assert_eq!(found, [(0, Kind::Drift)], "{name}: {changes:?}");
        } else if plain.iter().any(|plain| name.starts_with(plain))
            || name.starts_with("updown10") && !name.ends_with("0.03")
            || name.ends_with("sd0.002")
            || name.starts_with("conststep")
        {
            assert_eq!(found, steps, "{name}: {changes:?}");
        } else {
            // Steps of no more than five noises: no false one, and the place to within a few values.
            assert!(found.len() <= truth.len(), "{name}: {changes:?}");
            for (index, _) in found {
                assert!(truth.iter().any(|truth| truth.abs_diff(index) <= 3), "{name}: {changes:?}");
            }
        }
    }
}
