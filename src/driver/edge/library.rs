//! Libraries, their kernels, and what can be asked of a kernel of either kind.

use std::ffi::{c_char, c_int, c_uint, c_void};

use super::module::{JitOptions, image_at, read_image};
use super::{Out, null, text_at};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::module::Function;

pub(crate) unsafe fn cuLibraryLoadData(
    driver: &Driver,
    library: *mut CUlibrary,
    code: *const c_void,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
    count: c_uint,
    library_options: *mut c_uint,
    _library_values: *mut *mut c_void,
    library_count: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let (library, mut options) = unsafe { (Out::new(library)?, JitOptions::read(count, options, values)?) };
    // SAFETY: as the module demands.
    unsafe { check_library_options(library_options, library_count) }?;
    // SAFETY: as the module demands.
    let image = unsafe { image_at(code) }?;
    library.set(options.watch(|| driver.load_library(image))?)
}

pub(crate) unsafe fn cuLibraryLoadFromFile(
    driver: &Driver,
    library: *mut CUlibrary,
    path: *const c_char,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
    count: c_uint,
    library_options: *mut c_uint,
    _library_values: *mut *mut c_void,
    library_count: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let (library, mut options) = unsafe { (Out::new(library)?, JitOptions::read(count, options, values)?) };
    // SAFETY: as the module demands.
    let image = unsafe {
        check_library_options(library_options, library_count)?;
        read_image(text_at(path)?)?
    };
    library.set(options.watch(|| driver.load_library(&image))?)
}

/// Accepts that the image stays where it is, which it need not; refuses the table of a host program.
///
/// # Safety
///
/// `options` is null or valid for `count` reads.
unsafe fn check_library_options(options: *const c_uint, count: c_uint) -> Answer {
    const BINARY_IS_PRESERVED: c_uint = 1;
    // SAFETY: as this function demands.
    for option in unsafe { super::list_at(options, count as usize) }? {
        if option != BINARY_IS_PRESERVED {
            return Err(Failure::not_supported(&format!("library option {option}")));
        }
    }
    Ok(())
}

pub(crate) unsafe fn cuLibraryUnload(driver: &Driver, library: CUlibrary) -> Answer {
    driver.unload_library(library)
}

pub(crate) unsafe fn cuLibraryGetKernel(
    driver: &Driver,
    kernel: *mut CUkernel,
    library: CUlibrary,
    name: *const c_char,
) -> Answer {
    // SAFETY: as the module demands.
    let (kernel, name) = unsafe { (Out::new(kernel)?, text_at(name)?) };
    kernel.set(driver.find_kernel(library, &name.to_string_lossy())?)
}

pub(crate) unsafe fn cuLibraryGetKernelCount(
    driver: &Driver,
    count: *mut c_uint,
    library: CUlibrary,
) -> Answer {
    // SAFETY: as the module demands.
    let count = unsafe { Out::new(count) }?;
    count.set(driver.kernel_names(library)?.len() as c_uint)
}

pub(crate) unsafe fn cuLibraryEnumerateKernels(
    driver: &Driver,
    kernels: *mut CUkernel,
    count: c_uint,
    library: CUlibrary,
) -> Answer {
    for (i, name) in driver.kernel_names(library)?.iter().take(count as usize).enumerate() {
        // SAFETY: as the module demands: there is room for so many.
        let place = unsafe { Out::new(kernels.wrapping_add(i)) }?;
        place.set(driver.find_kernel(library, name)?)?;
    }
    Ok(())
}

pub(crate) unsafe fn cuLibraryGetModule(
    driver: &Driver,
    module: *mut CUmodule,
    library: CUlibrary,
) -> Answer {
    // SAFETY: as the module demands.
    let module = unsafe { Out::new(module) }?;
    module.set(driver.library_module(library)?)
}

pub(crate) unsafe fn cuLibraryGetGlobal(
    driver: &Driver,
    address: *mut CUdeviceptr,
    bytes: *mut usize,
    library: CUlibrary,
    name: *const c_char,
) -> Answer {
    let module = driver.library_module(library)?;
    // SAFETY: as the module demands.
    unsafe { super::cuModuleGetGlobal_v2(driver, address, bytes, module, name) }
}

pub(crate) unsafe fn cuKernelGetFunction(
    driver: &Driver,
    function: *mut CUfunction,
    kernel: CUkernel,
) -> Answer {
    // SAFETY: as the module demands.
    let function = unsafe { Out::new(function) }?;
    function.set(driver.kernel_function(kernel)?)
}

pub(crate) unsafe fn cuKernelGetLibrary(
    driver: &Driver,
    library: *mut CUlibrary,
    kernel: CUkernel,
) -> Answer {
    // SAFETY: as the module demands.
    let library = unsafe { Out::new(library) }?;
    library.set(driver.kernel(kernel)?.library)
}

pub(crate) unsafe fn cuKernelGetName(driver: &Driver, name: *mut *const c_char, kernel: CUkernel) -> Answer {
    // SAFETY: as the module demands.
    let name = unsafe { Out::new(name) }?;
    // The name lives as long as the library.
    name.set(driver.kernel(kernel)?.name.as_ptr())
}

pub(crate) unsafe fn cuKernelGetAttribute(
    driver: &Driver,
    value: *mut c_int,
    attribute: CUfunction_attribute,
    kernel: CUkernel,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let value = unsafe { Out::new(value) }?;
    driver.device(dev)?;
    driver.kernel(kernel)?;
    value.set(driver.function(CUfunction(kernel.0))?.attribute(attribute)?)
}

pub(crate) unsafe fn cuKernelSetAttribute(
    driver: &Driver,
    attribute: CUfunction_attribute,
    value: c_int,
    kernel: CUkernel,
    dev: CUdevice,
) -> Answer {
    driver.device(dev)?;
    driver.set_kernel_attribute(kernel, attribute, value)
}

pub(crate) unsafe fn cuKernelSetCacheConfig(
    driver: &Driver,
    kernel: CUkernel,
    config: CUfunc_cache,
    dev: CUdevice,
) -> Answer {
    // A preference, and there is no cache to divide.
    driver.device(dev)?;
    driver.kernel(kernel)?;
    super::context::cache_config(config).map(drop)
}

/// Gives offset and bytes of a parameter; the bytes may be left out.
///
/// # Safety
///
/// The pointers are null or valid for a write.
unsafe fn give_param(function: &Function, index: usize, offset: *mut usize, bytes: *mut usize) -> Answer {
    // SAFETY: as this function demands.
    let (offset, bytes) = unsafe { (Out::new(offset)?, Out::optional(bytes)) };
    let kernel = function.kernel()?;
    let param = kernel.params().get(index).ok_or_else(|| {
        Failure::invalid_value(format!(
            "kernel `{}` has {} parameters, none of number {index}",
            function.name(),
            kernel.params().len()
        ))
    })?;
    offset.set(param.offset as usize)?;
    bytes.map_or(Ok(()), |out| out.set(param.size as usize))
}

pub(crate) unsafe fn cuKernelGetParamInfo(
    driver: &Driver,
    kernel: CUkernel,
    index: usize,
    offset: *mut usize,
    bytes: *mut usize,
) -> Answer {
    driver.kernel(kernel)?;
    // SAFETY: as the module demands.
    unsafe { give_param(&*driver.function(CUfunction(kernel.0))?, index, offset, bytes) }
}

pub(crate) unsafe fn cuKernelGetParamCount(driver: &Driver, kernel: CUkernel, count: *mut usize) -> Answer {
    driver.kernel(kernel)?;
    // SAFETY: as the module demands.
    unsafe { cuFuncGetParamCount(driver, CUfunction(kernel.0), count) }
}

pub(crate) unsafe fn cuFuncGetParamInfo(
    driver: &Driver,
    function: CUfunction,
    index: usize,
    offset: *mut usize,
    bytes: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give_param(&*driver.function(function)?, index, offset, bytes) }
}

pub(crate) unsafe fn cuFuncGetParamCount(driver: &Driver, function: CUfunction, count: *mut usize) -> Answer {
    // SAFETY: as the module demands.
    let count = unsafe { Out::new(count) }?;
    count.set(driver.function(function)?.kernel()?.params().len())
}

pub(crate) unsafe fn cuFuncGetName(
    driver: &Driver,
    name: *mut *const c_char,
    function: CUfunction,
) -> Answer {
    // SAFETY: as the module demands.
    let name = unsafe { Out::new(name) }?;
    // The name lives as long as the module.
    name.set(driver.function(function)?.c_name().as_ptr())
}

pub(crate) unsafe fn cuFuncGetModule(driver: &Driver, module: *mut CUmodule, function: CUfunction) -> Answer {
    // SAFETY: as the module demands.
    let module = unsafe { Out::new(module) }?;
    module.set(driver.function(function)?.module.handle())
}

pub(crate) unsafe fn cuFuncIsLoaded(driver: &Driver, state: *mut c_uint, function: CUfunction) -> Answer {
    // SAFETY: as the module demands.
    let state = unsafe { Out::new(state) }?;
    driver.function(function)?;
    // CU_FUNCTION_LOADING_STATE_LOADED
    state.set(1)
}

pub(crate) unsafe fn cuFuncLoad(driver: &Driver, function: CUfunction) -> Answer {
    driver.function(function).map(drop)
}

pub(crate) unsafe fn cuModuleGetLoadingMode(_driver: &Driver, mode: *mut c_uint) -> Answer {
    // SAFETY: as the module demands. CU_MODULE_EAGER_LOADING.
    unsafe { Out::new(mode) }?.set(1)
}

pub(crate) unsafe fn cuModuleGetFunctionCount(
    driver: &Driver,
    count: *mut c_uint,
    module: CUmodule,
) -> Answer {
    // SAFETY: as the module demands.
    let count = unsafe { Out::new(count) }?;
    count.set(driver.function_names(module)?.len() as c_uint)
}

pub(crate) unsafe fn cuModuleEnumerateFunctions(
    driver: &Driver,
    functions: *mut CUfunction,
    count: c_uint,
    module: CUmodule,
) -> Answer {
    if functions.is_null() {
        return Err(null());
    }
    for (i, name) in driver.function_names(module)?.iter().take(count as usize).enumerate() {
        // SAFETY: as the module demands: there is room for so many.
        let place = unsafe { Out::new(functions.wrapping_add(i)) }?;
        place.set(driver.find_function(module, name)?)?;
    }
    Ok(())
}
