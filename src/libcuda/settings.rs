//! The library's settings: environment variables, since its callers know no other way to reach it.

#![allow(
    clippy::print_stderr,
    reason = "a library that nobody here calls has no other way to say what is wrong"
)]

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use pipe_driver::embedded::{ErrorReport, observe_errors, observe_prints};
use pipe_driver::{Choice, Config};

/// Configures the driver from the environment.
pub(crate) fn apply() {
    let (config, complaints) = read(|name| std::env::var(name).ok());
    for complaint in complaints {
        eprintln!("libcuda of pipe: {complaint}");
    }
    // Nothing can have called the driver yet: the library is just being loaded.
    let _ = pipe_driver::configure(config);
    // Standard output is where CUDA has kernels print.
    observe_prints(|text| {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text).and_then(|()| out.flush());
    });
    if let Ok(place) = std::env::var("CUDA_LOG_FILE")
        && !place.is_empty()
    {
        log_to(&place);
    }
}

/// The configuration that variables ask for, and what is wrong with them.
fn read(variable: impl Fn(&str) -> Option<String>) -> (Config, Vec<String>) {
    let mut config = Config { choice: Choice::Embedded, ..Config::default() };
    let mut complaints = Vec::new();
    let mut each = |name: &str, expected: &str, set: &mut dyn FnMut(&str) -> Option<()>| {
        if let Some(text) = variable(name).filter(|text| !text.is_empty())
            && set(text.trim()).is_none()
        {
            complaints.push(format!("{name} is `{text}`, expected {expected}; it is left at its default"));
        }
    };
    each("PIPE_EMBEDDED_MEMORY", "a size such as 512MiB or 8GiB", &mut |text| {
        config.embedded_memory = size(text)?;
        Some(())
    });
    each("PIPE_EMBEDDED_DEVICES", "a number from 1 to 64", &mut |text| {
        config.embedded_devices = text.parse().ok().filter(|devices| (1..=64).contains(devices))?;
        Some(())
    });
    each("PIPE_THREADS", "a number of threads", &mut |text| {
        config.threads = Some(text.parse().ok().filter(|threads| *threads > 0)?);
        Some(())
    });
    each("PIPE_INSTRUCTION_BUDGET", "a number of instructions", &mut |text| {
        config.instruction_budget = Some(text.parse().ok().filter(|budget| *budget > 0)?);
        Some(())
    });
    (config, complaints)
}

/// Bytes: a number and a unit, as the `pipe` command takes them.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" | "K" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        "TiB" | "T" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|size| *size > 0)
}

/// Writes a line for each driver call that fails.
fn log_to(place: &str) {
    static LOG: OnceLock<Mutex<Box<dyn Write + Send>>> = OnceLock::new();

    fn write(report: &ErrorReport) {
        if let Some(log) = LOG.get() {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // A log that cannot be written must not fail the program.
            let _ = writeln!(log, "{report}").and_then(|()| log.flush());
        }
    }

    let log: Box<dyn Write + Send> = match place {
        "stderr" => Box::new(std::io::stderr()),
        "stdout" => Box::new(std::io::stdout()),
        path => match File::options().create(true).append(true).open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                eprintln!("libcuda of pipe: CUDA_LOG_FILE is `{path}`, which cannot be written: {error}");
                return;
            }
        },
    };
    if LOG.set(Mutex::new(log)).is_ok() {
        observe_errors(write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> (Config, Vec<String>) {
        read(|name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn variables_are_read() {
        let (config, complaints) = with(&[
            ("PIPE_EMBEDDED_MEMORY", "512MiB"),
            ("PIPE_EMBEDDED_DEVICES", "2"),
            ("PIPE_THREADS", "3"),
            ("PIPE_INSTRUCTION_BUDGET", "1000"),
        ]);
        let expected = Config {
            choice: Choice::Embedded,
            embedded_memory: 512 << 20,
            embedded_devices: 2,
            threads: Some(3),
            instruction_budget: Some(1000),
            ..Config::default()
        };
        assert_eq!((config, complaints), (expected, Vec::new()));
        let (config, _) = with(&[]);
        assert_eq!(config, Config { choice: Choice::Embedded, ..Config::default() });
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let (config, complaints) =
            with(&[("PIPE_EMBEDDED_MEMORY", "eight"), ("PIPE_EMBEDDED_DEVICES", "65"), ("PIPE_THREADS", "")]);
        assert_eq!(config, Config { choice: Choice::Embedded, ..Config::default() });
        assert_eq!(
            complaints,
            [
                "PIPE_EMBEDDED_MEMORY is `eight`, expected a size such as 512MiB or 8GiB; it is left at its default",
                "PIPE_EMBEDDED_DEVICES is `65`, expected a number from 1 to 64; it is left at its default",
            ]
        );
    }
}
