//! What an embedded device is like: its name, limits and attributes, and its memory.
//!
//! The limits are those of compute capability 8.0 (CUDA C++ Programming Guide, "Technical Specifications per
//! Compute Capability"). Nothing depends on the host: a kernel that sizes its grid by the device does the
//! same work everywhere, and a series of measurements has one device name. What the host is belongs to a
//! run's environment.

use std::collections::HashMap;
use std::sync::Mutex;

use pipe_simt::GlobalMemory;

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::context::Primary;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::pool::DevicePools;

/// The name of every embedded device.
pub const NAME: &str = "pipe embedded device";

/// Version of the driver API that the embedded device speaks: CUDA 13.5, the newest that the functions of the table
/// are taken from. What it lacks of that, `cuGetProcAddress` says.
pub(crate) const API_VERSION: i32 = 13050;

/// Compute capability, major and minor. It says which limits the device has, not which PTX it takes: modules for
/// newer targets load as long as the executor knows their instructions.
pub(crate) const COMPUTE_CAPABILITY: (i32, i32) = (8, 0);
/// Threads in a warp.
pub(crate) const WARP: u32 = 32;
/// Most threads in a block.
pub(crate) const MAX_BLOCK_THREADS: u32 = 1024;
/// Largest block in x, y, z.
pub(crate) const MAX_BLOCK: [u32; 3] = [1024, 1024, 64];
/// Largest grid in x, y, z.
pub(crate) const MAX_GRID: [u32; 3] = [i32::MAX as u32, 65535, 65535];
/// Shared memory that a block can have without asking, in bytes.
pub(crate) const SHARED_BYTES: u32 = 48 << 10;
/// Shared memory that a block can have where its kernel's attribute asks for it, in bytes.
pub(crate) const SHARED_BYTES_OPT_IN: u32 = 163 << 10;
/// Shared memory that the system takes for each block, in bytes.
pub(crate) const SHARED_BYTES_RESERVED: u32 = 1 << 10;
/// Shared memory of a multiprocessor, in bytes.
pub(crate) const SM_SHARED_BYTES: u32 = 164 << 10;
/// Most threads on a multiprocessor.
pub(crate) const SM_THREADS: u32 = 2048;
/// Most blocks on a multiprocessor.
pub(crate) const SM_BLOCKS: u32 = 32;
/// Multiprocessors. A fixed number, not the host's cores.
pub(crate) const SM_COUNT: u32 = 16;
/// Registers of a multiprocessor and of a block, 32 bits each.
const REGISTERS: i32 = 65536;
/// Constant memory, in bytes.
const CONSTANT_BYTES: i32 = 64 << 10;
/// Largest pitch of a 2-D copy, in bytes.
pub(crate) const MAX_PITCH: usize = i32::MAX as usize;
/// Alignment of textures and of the rows of pitched allocations, in bytes.
pub(crate) const PITCH_ALIGNMENT: usize = 512;

/// `CUdevice_attribute` numbers and their values; what the embedded device does not offer is 0.
const ATTRIBUTES: &[(CUdevice_attribute, i32)] = &[
    (1, MAX_BLOCK_THREADS as i32),       // MAX_THREADS_PER_BLOCK
    (2, MAX_BLOCK[0] as i32),            // MAX_BLOCK_DIM_X
    (3, MAX_BLOCK[1] as i32),            // MAX_BLOCK_DIM_Y
    (4, MAX_BLOCK[2] as i32),            // MAX_BLOCK_DIM_Z
    (5, MAX_GRID[0] as i32),             // MAX_GRID_DIM_X
    (6, MAX_GRID[1] as i32),             // MAX_GRID_DIM_Y
    (7, MAX_GRID[2] as i32),             // MAX_GRID_DIM_Z
    (8, SHARED_BYTES as i32),            // MAX_SHARED_MEMORY_PER_BLOCK
    (9, CONSTANT_BYTES),                 // TOTAL_CONSTANT_MEMORY
    (10, WARP as i32),                   // WARP_SIZE
    (11, MAX_PITCH as i32),              // MAX_PITCH
    (12, REGISTERS),                     // MAX_REGISTERS_PER_BLOCK
    (13, 1_000_000),                     // CLOCK_RATE, kHz: nominal
    (14, PITCH_ALIGNMENT as i32),        // TEXTURE_ALIGNMENT
    (16, SM_COUNT as i32),               // MULTIPROCESSOR_COUNT
    (18, 1),                             // INTEGRATED
    (19, 1),                             // CAN_MAP_HOST_MEMORY
    (31, 1),                             // CONCURRENT_KERNELS
    (36, 1_000_000),                     // MEMORY_CLOCK_RATE, kHz: nominal
    (37, 64),                            // GLOBAL_MEMORY_BUS_WIDTH, bits: nominal
    (39, SM_THREADS as i32),             // MAX_THREADS_PER_MULTIPROCESSOR
    (41, 1),                             // UNIFIED_ADDRESSING: an address names its device
    (51, 32),                            // TEXTURE_PITCH_ALIGNMENT
    (75, COMPUTE_CAPABILITY.0),          // COMPUTE_CAPABILITY_MAJOR
    (76, COMPUTE_CAPABILITY.1),          // COMPUTE_CAPABILITY_MINOR
    (78, 1),                             // STREAM_PRIORITIES_SUPPORTED
    (79, 1),                             // GLOBAL_L1_CACHE_SUPPORTED
    (80, 1),                             // LOCAL_L1_CACHE_SUPPORTED
    (81, SM_SHARED_BYTES as i32),        // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    (82, REGISTERS),                     // MAX_REGISTERS_PER_MULTIPROCESSOR
    (83, 1),                             // MANAGED_MEMORY
    (87, 2),                             // SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO
    (89, 1),                             // CONCURRENT_MANAGED_ACCESS
    (95, 1),                             // COOPERATIVE_LAUNCH
    (97, SHARED_BYTES_OPT_IN as i32),    // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    (99, 1),                             // HOST_REGISTER_SUPPORTED
    (106, SM_BLOCKS as i32),             // MAX_BLOCKS_PER_MULTIPROCESSOR
    (111, SHARED_BYTES_RESERVED as i32), // RESERVED_SHARED_MEMORY_PER_BLOCK
    (115, 1),                            // MEMORY_POOLS_SUPPORTED
];

/// The PCI device number is the ordinal.
const PCI_DEVICE_ID: CUdevice_attribute = 34;
/// One more than the last attribute of CUDA 13.
const ATTRIBUTE_COUNT: CUdevice_attribute = 162;

/// An embedded device.
pub(crate) struct Device {
    pub(crate) ordinal: usize,
    pub(crate) primary: Primary,
    pub(crate) memory: GlobalMemory,
    /// For each allocation of a caller the context that it belongs to.
    pub(crate) owners: Mutex<HashMap<CUdeviceptr, CUcontext>>,
    pub(crate) pools: DevicePools,
}

impl Device {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, attribute: CUdevice_attribute) -> Answer<i32> {
        match attribute {
            PCI_DEVICE_ID => Ok(self.ordinal as i32),
            1..ATTRIBUTE_COUNT => {
                let found = ATTRIBUTES.iter().find(|(number, _)| *number == attribute);
                Ok(found.map_or(0, |(_, value)| *value))
            }
            _ => Err(Failure::invalid_value(format!("device attribute {attribute} is not known"))),
        }
    }

    /// The device's identity: the same in every process.
    pub(crate) fn uuid(&self) -> [u8; 16] {
        let mut uuid = *b"pipe-embedded\0\0\0";
        uuid[15] = self.ordinal as u8;
        uuid
    }
}

impl Driver {
    /// A device by its ordinal.
    pub(crate) fn device(&self, ordinal: CUdevice) -> Answer<&Device> {
        usize::try_from(ordinal).ok().and_then(|ordinal| self.devices.get(ordinal)).ok_or_else(|| {
            Failure::new(
                CUDA_ERROR_INVALID_DEVICE,
                format!(
                    "there is no device {ordinal}: the embedded devices are 0 to {}",
                    self.devices.len() - 1
                ),
            )
        })
    }
}
