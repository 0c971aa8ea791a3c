//! Launches and occupancy.

use std::ffi::{c_int, c_uint, c_void};

use super::graph::launch_work;
use super::{Out, bytes_at, list_at, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::launch::Launch;
use crate::embedded::module::Function;

/// `CU_LAUNCH_PARAM_…`: the keys of `extra`.
const PARAM_END: usize = 0;
const PARAM_BUFFER_POINTER: usize = 1;
const PARAM_BUFFER_SIZE: usize = 2;

pub(crate) unsafe fn cuLaunchKernel(
    driver: &Driver,
    function: CUfunction,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared_bytes: c_uint,
    stream: CUstream,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer {
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    let of = driver.function(function)?;
    // SAFETY: as the module demands.
    let launch = unsafe { launch_at(&of, grid, block, shared_bytes, params, extra) }?;
    submit_launch(driver, function, stream, launch)
}

pub(crate) unsafe fn cuLaunchCooperativeKernel(
    driver: &Driver,
    function: CUfunction,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared_bytes: c_uint,
    stream: CUstream,
    params: *mut *mut c_void,
) -> Answer {
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    let (of, no_extra) = (driver.function(function)?, std::ptr::null_mut());
    // SAFETY: as the module demands.
    let launch = unsafe { launch_at(&of, grid, block, shared_bytes, params, no_extra) }?;
    submit_launch(driver, function, stream, Launch { cooperative: true, ..launch })
}

/// Launches, or notes the launch down where the stream captures.
fn submit_launch(driver: &Driver, handle: CUfunction, stream: CUstream, launch: Launch) -> Answer {
    let function = driver.function(handle)?;
    match driver.capture(stream, || launch_work(handle, &function, launch.clone()))? {
        true => Ok(()),
        false => driver.launch(&function, stream, launch),
    }
}

pub(crate) unsafe fn cuLaunchKernelEx(
    driver: &Driver,
    config: *const LaunchConfig,
    function: CUfunction,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer {
    if config.is_null() {
        return Err(null());
    }
    // SAFETY: as the module demands.
    let (config, launch) = unsafe {
        let config = config.read_unaligned();
        let of = driver.function(function)?;
        let mut launch = launch_at(&of, config.grid, config.block, config.shared_bytes, params, extra)?;
        for attribute in list_at(config.attributes, config.count as usize)? {
            heed_attribute(&attribute, &mut launch)?;
        }
        (config, launch)
    };
    submit_launch(driver, function, config.stream, launch)
}

/// Heeds an attribute, and refuses what a launch cannot have. Hints on caches, priorities and scheduling change nothing.
fn heed_attribute(attribute: &LaunchAttribute, launch: &mut Launch) -> Answer {
    /// `CU_LAUNCH_ATTRIBUTE_…`
    const COOPERATIVE: c_uint = 2;
    const CLUSTER_DIMENSION: c_uint = 4;
    const HINTS: [c_uint; 10] = [0, 1, 3, 5, 6, 8, 9, 10, 14, 16];
    let words = attribute.value.words;
    match attribute.id {
        COOPERATIVE => {
            launch.cooperative = words[0] != 0;
            Ok(())
        }
        CLUSTER_DIMENSION if words[..3] == [1; 3] => Ok(()),
        CLUSTER_DIMENSION => Err(Failure::new(
            CUDA_ERROR_INVALID_CLUSTER_SIZE,
            format!("clusters of {:?} blocks are not offered", &words[..3]),
        )),
        id if HINTS.contains(&id) => Ok(()),
        id => Err(Failure::not_supported(&format!("launch attribute {id}"))),
    }
}

/// A launch of a kernel, with a copy of its parameters.
///
/// # Safety
///
/// As for [`params_at`].
pub(super) unsafe fn launch_at(
    function: &Function,
    grid: [c_uint; 3],
    block: [c_uint; 3],
    dynamic_shared_bytes: c_uint,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer<Launch> {
    // SAFETY: as this function demands.
    let params = unsafe { params_at(function, params, extra) }?;
    Ok(Launch { grid, block, dynamic_shared_bytes, cooperative: false, params })
}

/// The kernel's parameters, laid out as it declares them: from an array of pointers to each, or from one
/// buffer.
///
/// # Safety
///
/// `params` is null or points to a pointer for each parameter, to as many bytes as it has; `extra` is null or
/// a list of keys and values that ends with `CU_LAUNCH_PARAM_END`.
unsafe fn params_at(
    function: &Function,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer<Vec<u8>> {
    let kernel = function.kernel()?;
    match (params.is_null(), extra.is_null()) {
        (true, true) if kernel.params().is_empty() => Ok(Vec::new()),
        (true, true) => Err(Failure::invalid_value(format!(
            "kernel `{}` takes {} parameters and got none",
            function.name,
            kernel.params().len()
        ))),
        (false, true) => {
            let mut bytes = vec![0; kernel.param_bytes() as usize];
            for (i, param) in kernel.params().iter().enumerate() {
                // SAFETY: the kernel declares parameter `i`, so the caller gave a pointer to its bytes.
                let value = unsafe { bytes_at(*params.add(i), param.size as usize) }?;
                bytes[param.offset as usize..][..value.len()].copy_from_slice(value);
            }
            Ok(bytes)
        }
        // SAFETY: as this function demands.
        (true, false) => unsafe { param_buffer_at(function, extra) },
        (false, false) => Err(Failure::invalid_value(
            "a launch takes its parameters from kernelParams or from extra, not from both",
        )),
    }
}

/// The parameters of a launch through `extra`.
///
/// # Safety
///
/// As for [`params_at`].
unsafe fn param_buffer_at(function: &Function, extra: *mut *mut c_void) -> Answer<Vec<u8>> {
    let (mut buffer, mut size) = (std::ptr::null(), None);
    let mut at = extra;
    loop {
        // SAFETY: the end of the list was not reached, so there is a key, and a value where it is not the
        // end's.
        unsafe {
            match (*at).addr() {
                PARAM_END => break,
                PARAM_BUFFER_POINTER => buffer = *at.add(1),
                PARAM_BUFFER_SIZE => size = Some((*at.add(1)).cast::<usize>()),
                key => return Err(Failure::invalid_value(format!("launch option {key} is not known"))),
            }
            at = at.add(2);
        }
    }
    let missing = || Failure::invalid_value("extra lacks the parameter buffer or its size");
    let size = size.filter(|size| !size.is_null()).ok_or_else(missing)?;
    // SAFETY: the caller vouches for the size it points to, and for a buffer of that size.
    let bytes = unsafe { bytes_at(buffer, size.read_unaligned()) }?;
    let needed = function.kernel()?.param_bytes() as usize;
    if bytes.len() < needed {
        return Err(Failure::invalid_value(format!(
            "kernel `{}` takes {needed} bytes of parameters and got {}",
            function.name,
            bytes.len()
        )));
    }
    Ok(bytes[..needed].to_vec())
}

pub(crate) unsafe fn cuOccupancyAvailableDynamicSMemPerBlock(
    driver: &Driver,
    bytes: *mut usize,
    function: CUfunction,
    blocks: c_int,
    block_size: c_int,
) -> Answer {
    // SAFETY: as the module demands.
    let bytes = unsafe { Out::new(bytes) }?;
    bytes.set(driver.function(function)?.shared_bytes_for(blocks, block_size)?)
}

pub(crate) unsafe fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
    driver: &Driver,
    blocks: *mut c_int,
    function: CUfunction,
    block_size: c_int,
    dynamic_shared_bytes: usize,
) -> Answer {
    // SAFETY: as the module demands.
    let blocks = unsafe { Out::new(blocks) }?;
    let fitting = driver.function(function)?.blocks_per_multiprocessor(block_size, dynamic_shared_bytes)?;
    blocks.set(fitting as c_int)
}

pub(crate) unsafe fn cuOccupancyMaxPotentialBlockSize(
    driver: &Driver,
    grid_size: *mut c_int,
    block_size: *mut c_int,
    function: CUfunction,
    shared_bytes_of_block: CUoccupancyB2DSize,
    dynamic_shared_bytes: usize,
    block_size_limit: c_int,
) -> Answer {
    // SAFETY: as the module demands.
    let (grid_size, block_size) = unsafe { (Out::new(grid_size)?, Out::new(block_size)?) };
    let best =
        driver.function(function)?.best_block_size(
            block_size_limit,
            |threads| match shared_bytes_of_block {
                // SAFETY: the caller vouches for a function that may be called with any block size.
                Some(shared_bytes) => unsafe { shared_bytes(threads) },
                None => dynamic_shared_bytes,
            },
        )?;
    grid_size.set(best.0 as c_int)?;
    block_size.set(best.1 as c_int)
}

/// `CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE`, which there is nothing of to override.
fn check_occupancy_flags(flags: c_uint) -> Answer {
    match flags {
        0 | 1 => Ok(()),
        flags => Err(Failure::invalid_value(format!("occupancy flags {flags:#x} are not known"))),
    }
}

pub(crate) unsafe fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    driver: &Driver,
    blocks: *mut c_int,
    function: CUfunction,
    block_size: c_int,
    dynamic_shared_bytes: usize,
    flags: c_uint,
) -> Answer {
    check_occupancy_flags(flags)?;
    // SAFETY: as the module demands.
    unsafe {
        cuOccupancyMaxActiveBlocksPerMultiprocessor(
            driver,
            blocks,
            function,
            block_size,
            dynamic_shared_bytes,
        )
    }
}

pub(crate) unsafe fn cuOccupancyMaxPotentialBlockSizeWithFlags(
    driver: &Driver,
    grid_size: *mut c_int,
    block_size: *mut c_int,
    function: CUfunction,
    shared_bytes_of_block: CUoccupancyB2DSize,
    dynamic_shared_bytes: usize,
    block_size_limit: c_int,
    flags: c_uint,
) -> Answer {
    check_occupancy_flags(flags)?;
    // SAFETY: as the module demands.
    unsafe {
        cuOccupancyMaxPotentialBlockSize(
            driver,
            grid_size,
            block_size,
            function,
            shared_bytes_of_block,
            dynamic_shared_bytes,
            block_size_limit,
        )
    }
}
