//! Who answers the driver calls: NVIDIA's library, the embedded device, or nobody; decided once, at the first
//! call.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::abi::CUresult;
use crate::embedded::Driver;
use crate::forward::{LIBRARY_NAME, Library};

/// Which device to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A GPU where there is one, else the embedded device.
    #[default]
    Auto,
    /// The embedded device, even where there is a GPU.
    Embedded,
    /// The GPU of this ordinal; without it every driver call fails. The caller opens that ordinal: devices
    /// keep their numbers.
    Cuda(u32),
}

/// Which launches of the embedded device run under the sanitizer: slowly, one block after another, looking for reads of
/// what nothing wrote and for races. What it finds is asked for with
/// [`take_findings`](crate::embedded::take_findings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sanitize {
    /// None.
    #[default]
    Off,
    /// Those in [`record_launches`](crate::embedded::record_launches).
    Recorded,
    /// All.
    All,
}

/// What the embedded device is like and whether it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which device to use.
    pub choice: Choice,
    /// Number of embedded devices, at least 1.
    pub embedded_devices: usize,
    /// Memory of each embedded device, in bytes.
    pub embedded_memory: u64,
    /// Host threads that run the blocks of a launch; `None` is one for each core. Counts and results do not
    /// depend on it.
    pub threads: Option<usize>,
    /// Instructions that a warp may execute in one launch before that is taken for an endless loop
    /// (`CUDA_ERROR_LAUNCH_TIMEOUT`); `None` is `pipe-simt`'s default.
    pub instruction_budget: Option<u64>,
    /// Which launches run under the sanitizer.
    pub sanitize: Sanitize,
}

impl Config {
    /// Memory of an embedded device unless configured: the same on every machine, so that what fits is the
    /// same too.
    pub const DEFAULT_EMBEDDED_MEMORY: u64 = 8 << 30;
}

impl Default for Config {
    fn default() -> Self {
        Self {
            choice: Choice::Auto,
            embedded_devices: 1,
            embedded_memory: Self::DEFAULT_EMBEDDED_MEMORY,
            threads: None,
            instruction_budget: None,
            sanitize: Sanitize::Off,
        }
    }
}

/// A configuration came after the first driver call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device was already in use when it was configured; configure it before the first driver call")]
pub struct AlreadyStarted;

/// Why no GPU is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCuda {
    /// The embedded device was asked for.
    #[error("the embedded device was asked for")]
    NotAsked,
    /// NVIDIA's driver is not installed.
    #[error("no {LIBRARY_NAME} found")]
    NoLibrary,
    /// There is a library but the loader refuses it.
    #[error("{LIBRARY_NAME} found but not loadable: {error}")]
    NotLoadable {
        /// The loader's message.
        error: String,
    },
    /// A library of that name that is no CUDA driver.
    #[error("{LIBRARY_NAME} found but it has no {symbol}")]
    NotADriver {
        /// The function it lacks.
        symbol: &'static str,
    },
    /// The library found is this one.
    #[error("{LIBRARY_NAME} found but it is pipe's own")]
    Itself,
    /// The driver does not start.
    #[error("{LIBRARY_NAME} found but {call} said {result}")]
    Refused {
        /// The function that failed.
        call: &'static str,
        /// Its answer.
        result: CUresult,
    },
    /// The driver starts and has nothing to drive.
    #[error("{LIBRARY_NAME} found but it has no device")]
    NoDevice,
    /// The GPU asked for does not exist.
    #[error("cuda:{ordinal} was asked for but the devices are cuda:0 to cuda:{}", .devices - 1)]
    NoSuchDevice {
        /// The ordinal asked for.
        ordinal: u32,
        /// How many devices there are.
        devices: u32,
    },
}

/// Why there is no device at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// A GPU was asked for and cannot be had.
    #[error(transparent)]
    NoCuda(#[from] NoCuda),
    /// The embedded devices' memory cannot be reserved.
    #[error("cannot reserve {bytes} bytes of memory for each of {devices} embedded devices: {error}")]
    NoMemory {
        /// Memory of a device.
        bytes: u64,
        /// Number of devices.
        devices: usize,
        /// The system's message.
        error: String,
    },
}

/// Who answers the driver calls, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// NVIDIA's library.
    Cuda {
        /// The file that was loaded.
        library: PathBuf,
        /// The CUDA version it speaks, as (major, minor).
        driver_version: (u32, u32),
        /// How many devices it has.
        devices: u32,
    },
    /// The embedded device.
    Embedded {
        /// Why it is not a GPU.
        reason: NoCuda,
    },
    /// Nobody. Every driver call answers `CUDA_ERROR_NO_DEVICE`.
    Unavailable {
        /// Why not.
        reason: Unavailable,
    },
}

/// The backend in use.
#[allow(clippy::large_enum_variant)] // there is one, in a static
pub(crate) enum Active {
    Cuda(Library),
    Embedded(Driver, NoCuda),
    Unavailable(Driver, Unavailable),
}

/// What the first call will start with, until it has.
enum Settings {
    Pending(Config),
    Taken,
}

static SETTINGS: Mutex<Option<Settings>> = Mutex::new(None);
static ACTIVE: OnceLock<Active> = OnceLock::new();

/// Sets what the first driver call will start; without it that is [`Config::default`].
///
/// # Errors
///
/// [`AlreadyStarted`] after the first driver call or the first [`backend`].
pub fn configure(config: Config) -> Result<(), AlreadyStarted> {
    let mut settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*settings, Some(Settings::Taken)) {
        return Err(AlreadyStarted);
    }
    *settings = Some(Settings::Pending(config));
    Ok(())
}

/// Who answers the driver calls, and why. Decides it if nothing has yet.
pub fn backend() -> Backend {
    match active() {
        Active::Cuda(library) => Backend::Cuda {
            library: library.path.clone(),
            driver_version: version(library.version.unsigned_abs()),
            devices: library.devices.unsigned_abs(),
        },
        Active::Embedded(_, reason) => Backend::Embedded { reason: reason.clone() },
        Active::Unavailable(_, reason) => Backend::Unavailable { reason: reason.clone() },
    }
}

/// CUDA counts versions as 1000 · major + 10 · minor.
fn version(number: u32) -> (u32, u32) {
    (number / 1000, number % 1000 / 10)
}

/// The backend, started at the first call.
pub(crate) fn active() -> &'static Active {
    ACTIVE.get_or_init(|| {
        let mut settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
        match settings.replace(Settings::Taken) {
            Some(Settings::Pending(config)) => start(&config),
            _ => start(&Config::default()),
        }
    })
}

fn start(config: &Config) -> Active {
    let unavailable = |reason: Unavailable| Active::Unavailable(Driver::unavailable(config, &reason), reason);
    let embedded = |reason| match Driver::new(config) {
        Ok(driver) => Active::Embedded(driver, reason),
        Err(error) => unavailable(Unavailable::NoMemory {
            bytes: config.embedded_memory,
            devices: config.embedded_devices,
            error: error.to_string(),
        }),
    };
    match config.choice {
        Choice::Embedded => embedded(NoCuda::NotAsked),
        Choice::Auto => Library::open().map_or_else(embedded, Active::Cuda),
        Choice::Cuda(ordinal) => match Library::open() {
            Ok(library) if ordinal < library.devices.unsigned_abs() => Active::Cuda(library),
            Ok(library) => {
                unavailable(NoCuda::NoSuchDevice { ordinal, devices: library.devices.unsigned_abs() }.into())
            }
            Err(reason) => unavailable(reason.into()),
        },
    }
}
