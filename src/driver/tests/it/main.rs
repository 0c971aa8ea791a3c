//! The driver front as `cust` and other C callers see it.
//!
//! The backend is chosen once in a process, so each test that uses it runs in a process of its own: this
//! binary again, told to run that one test.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail tests

use pipe_driver as _;

mod capture;
mod contexts;
mod errors;
mod forwarding;
mod kernels;
mod memory;
mod sanitizer;
mod streams;
mod symbols;
mod unified;

use std::process::Command;

use pipe_driver::{Choice, Config};

/// Set in the process that runs one test's body.
const INSIDE: &str = "PIPE_DRIVER_TEST_INSIDE";

/// Runs a test's body in a process of its own, which `prepare` may set up. `name` is the test's path.
fn isolated(name: &str, prepare: impl FnOnce(&mut Command), body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(INSIDE, "1");
    prepare(&mut command);
    let output = command.output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "no test is called {name}\n{text}");
}

/// Runs a test's body on embedded devices of 64 MiB.
fn on_embedded(name: &str, devices: usize, body: impl FnOnce()) {
    isolated(
        name,
        |_| {},
        || {
            let config = Config {
                choice: Choice::Embedded,
                embedded_devices: devices,
                embedded_memory: 64 << 20,
                instruction_budget: Some(1 << 20),
                ..Config::default()
            };
            pipe_driver::configure(config).unwrap();
            cust::init(cust::CudaFlags::empty()).unwrap();
            body();
        },
    );
}
