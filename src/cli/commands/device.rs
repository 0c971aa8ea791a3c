//! `pipe device`: which device is used, and why.

use std::io::Write as _;

use pipe_bench::Device;
use pipe_driver::{Backend, Choice, Config, Sanitize};

use crate::{
    args::{DeviceArgs, DeviceChoice, EmbeddedArgs},
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
    let device = open(args)?;
    writeln!(out, "  name: {}", device.name())?;
    for (name, value) in device.environment() {
        writeln!(out, "  {name}: {value}")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Opens the device that the flags name; [`select`] comes first.
pub(super) fn open(args: &DeviceArgs) -> Result<Device, CommandError> {
    let ordinal = match args.device {
        DeviceChoice::Cuda(ordinal) => ordinal,
        DeviceChoice::Auto | DeviceChoice::Embedded => 0,
    };
    Device::open(ordinal).map_err(|error| {
        CommandError::failed(error).with_hint("`pipe device` says which device is used, and why")
    })
}

/// Opens the first embedded device; [`select_embedded`] comes first.
pub(super) fn open_embedded() -> Result<Device, CommandError> {
    Device::open(0).map_err(CommandError::failed)
}

/// Configures the driver front as the flags say, before anything uses it.
pub(super) fn select(args: &DeviceArgs) -> Result<(), CommandError> {
    select_sanitized(args, Sanitize::Off)
}

/// As [`select`], with some launches of the embedded device under the sanitizer.
pub(super) fn select_sanitized(args: &DeviceArgs, sanitize: Sanitize) -> Result<(), CommandError> {
    let choice = match args.device {
        DeviceChoice::Auto => Choice::Auto,
        DeviceChoice::Embedded => Choice::Embedded,
        DeviceChoice::Cuda(ordinal) => Choice::Cuda(ordinal),
    };
    configure(choice, &args.embedded, sanitize)
}

/// Configures the embedded device, even where there is a GPU.
pub(super) fn select_embedded(args: &EmbeddedArgs, sanitize: Sanitize) -> Result<(), CommandError> {
    configure(Choice::Embedded, args, sanitize)
}

fn configure(choice: Choice, args: &EmbeddedArgs, sanitize: Sanitize) -> Result<(), CommandError> {
    let config = Config {
        choice,
        embedded_devices: args.embedded_devices.into(),
        embedded_memory: args.embedded_memory,
        threads: args.threads.map(usize::from),
        instruction_budget: Some(args.instruction_budget),
        sanitize,
    };
    // What kernels print is no result of a command: it goes where messages go.
    pipe_driver::embedded::observe_prints(|text| {
        let _ = std::io::stderr().lock().write_all(text);
    });
    pipe_driver::configure(config).map_err(CommandError::failed)
}
