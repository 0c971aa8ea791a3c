//! `pipe device`: which device is used, and why.

use std::io::Write as _;

use pipe_driver::{Backend, Choice, Config};

use crate::{
    args::{DeviceArgs, DeviceChoice},
    error::{CommandError, Exit},
    ui::Ui,
};

pub(super) fn run(args: &DeviceArgs, ui: &Ui) -> Result<Exit, CommandError> {
    select(args)?;
    let mut out = ui.out();
    match pipe_driver::backend() {
        Backend::Cuda { library, driver_version: (major, minor), devices } => {
            writeln!(out, "NVIDIA GPU, because {} has {devices} device(s)", library.display())?;
            writeln!(out, "driver speaks CUDA {major}.{minor}")?;
        }
        Backend::Embedded { reason } => {
            writeln!(out, "embedded device, because {reason}")?;
            writeln!(out, "it executes PTX on the CPU: counts are exact, times are not a GPU's")?;
        }
        Backend::Unavailable { reason } => {
            return Err(CommandError::failed(format!("no device: {reason}"))
                .with_hint("--device auto falls back to the embedded device"));
        }
    }
    for (name, value) in pipe_bench::environment().map_err(CommandError::failed)? {
        writeln!(out, "  {name}: {value}")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Configures the driver front as the flags say, before anything uses it.
pub(super) fn select(args: &DeviceArgs) -> Result<(), CommandError> {
    let config = Config {
        choice: match args.device {
            DeviceChoice::Auto => Choice::Auto,
            DeviceChoice::Embedded => Choice::Embedded,
            DeviceChoice::Cuda(ordinal) => Choice::Cuda(ordinal),
        },
        embedded_devices: args.embedded_devices.into(),
        embedded_memory: args.embedded_memory,
        threads: args.threads.map(usize::from),
        ..Config::default()
    };
    pipe_driver::configure(config).map_err(CommandError::failed)
}
