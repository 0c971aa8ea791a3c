//! Modules with their JIT options, kernels and variables.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::with_exposed_provenance_mut;
use std::time::Instant;

use super::context::{cache_config, shared_config};
use super::{Out, bytes_at_mut, null, text_at};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};

pub(crate) unsafe fn cuModuleLoad(driver: &Driver, module: *mut CUmodule, path: *const c_char) -> Answer {
    // SAFETY: as the module demands.
    let (module, path) = unsafe { (Out::new(module)?, text_at(path)?) };
    module.set(driver.load_module(&read_image(path)?)?)
}

/// The image in a file.
pub(super) fn read_image(path: &CStr) -> Answer<Vec<u8>> {
    let path = path.to_str().map_err(|_| Failure::invalid_value("the path of the module is not UTF-8"))?;
    std::fs::read(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => CUDA_ERROR_FILE_NOT_FOUND,
            _ => CUDA_ERROR_OPERATING_SYSTEM,
        };
        Failure::new(code, format!("cannot read `{path}`: {error}"))
    })
}

pub(crate) unsafe fn cuModuleLoadFatBinary(
    driver: &Driver,
    module: *mut CUmodule,
    image: *const c_void,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuModuleLoadData(driver, module, image) }
}

pub(crate) unsafe fn cuModuleLoadData(
    driver: &Driver,
    module: *mut CUmodule,
    image: *const c_void,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuModuleLoadDataEx(driver, module, image, 0, std::ptr::null_mut(), std::ptr::null_mut()) }
}

pub(crate) unsafe fn cuModuleLoadDataEx(
    driver: &Driver,
    module: *mut CUmodule,
    image: *const c_void,
    count: c_uint,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
) -> Answer {
    // SAFETY: as the module demands.
    let (module, mut options) = unsafe { (Out::new(module)?, JitOptions::read(count, options, values)?) };
    // SAFETY: as the module demands: an image is a NUL-terminated text, or machine code, whose first bytes
    // are looked at only.
    let image = unsafe { image_at(image) }?;
    module.set(options.watch(|| driver.load_module(image))?)
}

/// An image's bytes. Machine code is recognised by the four bytes it starts with, which have no NUL among
/// them, and need not be terminated: it is cut off after them.
///
/// # Safety
///
/// `image` is null, or points to a NUL-terminated text or to the image of a GPU binary.
pub(super) unsafe fn image_at<'a>(image: *const c_void) -> Answer<&'a [u8]> {
    const MAGIC_BYTES: usize = 4;
    if image.is_null() {
        return Err(null());
    }
    let image: *const u8 = image.cast();
    for magic in [*b"\x7fELF", 0xba55_ed50_u32.to_le_bytes()] {
        // SAFETY: the bytes are read one by one and only as long as they match, so never beyond a terminator.
        if (0..MAGIC_BYTES).all(|i| unsafe { *image.add(i) } == magic[i]) {
            // SAFETY: these bytes were just read.
            return Ok(unsafe { std::slice::from_raw_parts(image, MAGIC_BYTES) });
        }
    }
    // SAFETY: it is no binary, so it is a terminated text.
    Ok(unsafe { CStr::from_ptr(image.cast()) }.to_bytes())
}

/// The options of `cuModuleLoadDataEx` that the embedded device heeds: the two logs and the time. The rest
/// tune code generation.
#[derive(Default)]
pub(super) struct JitOptions {
    info: Log,
    error: Log,
    wall_time: Option<usize>,
}

/// The addresses of a caller's log buffer and of the place of its size, which becomes the number of bytes written.
#[derive(Default)]
struct Log {
    buffer: Option<usize>,
    size: Option<usize>,
}

impl JitOptions {
    const WALL_TIME: CUjit_option = 2;
    const INFO_LOG_BUFFER: CUjit_option = 3;
    const INFO_LOG_BUFFER_SIZE_BYTES: CUjit_option = 4;
    const ERROR_LOG_BUFFER: CUjit_option = 5;
    const ERROR_LOG_BUFFER_SIZE_BYTES: CUjit_option = 6;
    /// One more than the last option of CUDA 13.
    const COUNT: CUjit_option = 36;

    /// Reads the options. The value of an option that is not heeded is not looked at: some have none.
    ///
    /// # Safety
    ///
    /// `options` points to `count` options and `values` to the values of those that have one.
    pub(super) unsafe fn read(
        count: c_uint,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    ) -> Answer<Self> {
        let mut heeded = Self::default();
        if count == 0 {
            return Ok(heeded);
        }
        if options.is_null() || values.is_null() {
            return Err(null());
        }
        for i in 0..count as usize {
            // SAFETY: `i` is below the number of options that the caller vouches for.
            let option = unsafe { *options.add(i) };
            let place = values.wrapping_add(i);
            // SAFETY: the log buffers have a value, which the caller vouches for.
            let value = || unsafe { *place };
            match option {
                Self::WALL_TIME => heeded.wall_time = Some(place.expose_provenance()),
                Self::INFO_LOG_BUFFER => heeded.info.buffer = Some(value().expose_provenance()),
                Self::INFO_LOG_BUFFER_SIZE_BYTES => heeded.info.size = Some(place.expose_provenance()),
                Self::ERROR_LOG_BUFFER => heeded.error.buffer = Some(value().expose_provenance()),
                Self::ERROR_LOG_BUFFER_SIZE_BYTES => heeded.error.size = Some(place.expose_provenance()),
                0..Self::COUNT => {}
                unknown => return Err(Failure::invalid_value(format!("JIT option {unknown} is not known"))),
            }
        }
        Ok(heeded)
    }

    /// Loads something, and gives the caller the logs and the time of that.
    pub(super) fn watch<T>(&mut self, load: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let begin = Instant::now();
        let answer = load();
        let milliseconds = begin.elapsed().as_secs_f32() * 1e3;
        match &answer {
            Ok(_) => {
                self.report(&format!("checked and decoded in {milliseconds:.3} ms\n"), "", milliseconds)?
            }
            Err(failure) => self.report("", &failure.message, milliseconds)?,
        }
        answer
    }

    /// Gives the caller the logs and the time.
    fn report(&mut self, info: &str, error: &str, milliseconds: f32) -> Answer {
        self.info.write(info)?;
        self.error.write(error)?;
        if let Some(place) = self.wall_time {
            // SAFETY: the option says that its value is a place for a float, and `read` was promised that it
            // is there.
            unsafe { with_exposed_provenance_mut::<f32>(place).write_unaligned(milliseconds) };
        }
        Ok(())
    }
}

impl Log {
    /// Writes what fits with a terminator, and sets the size to that.
    fn write(&mut self, text: &str) -> Answer {
        let (Some(buffer), Some(place)) = (self.buffer, self.size) else { return Ok(()) };
        let (buffer, place) =
            (with_exposed_provenance_mut(buffer), with_exposed_provenance_mut::<*mut c_void>(place));
        // SAFETY: `JitOptions::read` was promised that the size's value is there; a size is passed by value,
        // in 32 bits.
        let size = unsafe { *place }.addr() as u32 as usize;
        if size == 0 {
            return Ok(());
        }
        // SAFETY: the caller vouches for a buffer of that many bytes.
        let buffer = unsafe { bytes_at_mut(buffer, size) }?;
        let kept = text.floor_char_boundary(size - 1);
        buffer[..kept].copy_from_slice(&text.as_bytes()[..kept]);
        buffer[kept] = 0;
        // SAFETY: as for the read above.
        unsafe { *place = std::ptr::without_provenance_mut(kept + 1) };
        Ok(())
    }
}

pub(crate) unsafe fn cuModuleUnload(driver: &Driver, module: CUmodule) -> Answer {
    driver.unload_module(module)
}

pub(crate) unsafe fn cuModuleGetFunction(
    driver: &Driver,
    function: *mut CUfunction,
    module: CUmodule,
    name: *const c_char,
) -> Answer {
    // SAFETY: as the module demands.
    let (function, name) = unsafe { (Out::new(function)?, text_at(name)?) };
    function.set(driver.find_function(module, &name.to_string_lossy())?)
}

pub(crate) unsafe fn cuModuleGetGlobal_v2(
    driver: &Driver,
    address: *mut CUdeviceptr,
    bytes: *mut usize,
    module: CUmodule,
    name: *const c_char,
) -> Answer {
    // SAFETY: as the module demands; either of the first two may be null.
    let (address, bytes, name) = unsafe { (Out::optional(address), Out::optional(bytes), text_at(name)?) };
    let global = driver.find_global(module, &name.to_string_lossy())?;
    address.map_or(Ok(()), |out| out.set(global.0))?;
    bytes.map_or(Ok(()), |out| out.set(global.1))
}

pub(crate) unsafe fn cuFuncGetAttribute(
    driver: &Driver,
    value: *mut c_int,
    attribute: CUfunction_attribute,
    function: CUfunction,
) -> Answer {
    // SAFETY: as the module demands.
    let value = unsafe { Out::new(value) }?;
    value.set(driver.function(function)?.attribute(attribute)?)
}

pub(crate) unsafe fn cuFuncSetAttribute(
    driver: &Driver,
    function: CUfunction,
    attribute: CUfunction_attribute,
    value: c_int,
) -> Answer {
    driver.function(function)?.set_attribute(attribute, value)
}

pub(crate) unsafe fn cuFuncSetCacheConfig(
    driver: &Driver,
    function: CUfunction,
    config: CUfunc_cache,
) -> Answer {
    // A preference, and there is no cache to divide.
    driver.function(function)?;
    cache_config(config).map(drop)
}

pub(crate) unsafe fn cuFuncSetSharedMemConfig(
    driver: &Driver,
    function: CUfunction,
    config: CUsharedconfig,
) -> Answer {
    // A preference: banks have four bytes on devices of this compute capability.
    driver.function(function)?;
    shared_config(config).map(drop)
}
