//! The linker: PTX modules in, one out, checked. Machine code is refused in words, which the error log has too.

use std::ffi::{c_char, c_uint, c_void};
use std::sync::{Mutex, OnceLock};

use super::module::{JitOptions, read_image};
use super::{Out, bytes_at, text_at};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::link::{Part, merge};
use crate::embedded::module::{load_program, ptx_text};
use crate::embedded::table::lock;

/// `CU_JIT_INPUT_PTX`
const PTX: CUjitInputType = 1;

/// A linker at work.
pub(crate) struct Link {
    /// Where the caller wants the logs.
    options: Mutex<JitOptions>,
    /// What was added.
    parts: Mutex<Vec<Part>>,
    /// The PTX of the linked module, with its terminator.
    module: OnceLock<Vec<u8>>,
}

impl Link {
    /// Takes a module in; `what` names it to the reader of the log.
    fn add(&self, kind: CUjitInputType, image: &[u8], what: &str) -> Answer {
        lock(&self.options).watch(|| {
            if kind != PTX {
                return Err(Failure::new(
                    CUDA_ERROR_NO_BINARY_FOR_GPU,
                    format!("{what} is no PTX: the embedded device executes PTX, not machine code (input type {kind})"),
                ));
            }
            if self.module.get().is_some() {
                return Err(Failure::invalid_value("the linker has completed; nothing more can be added"));
            }
            let text = ptx_text(image.split(|byte| *byte == 0).next().unwrap_or_default())?;
            let module = pipe_ptx::parse(text).map_err(|diagnostics| {
                Failure::new(CUDA_ERROR_INVALID_PTX, format!("{what}:\n{diagnostics}"))
            })?;
            lock(&self.parts).push(Part { name: what.to_owned(), module });
            Ok(())
        })
    }

    /// Links what was added.
    fn complete(&self) -> Answer<&[u8]> {
        if let Some(module) = self.module.get() {
            return Ok(module);
        }
        let linked = lock(&self.options).watch(|| {
            let text = merge(&lock(&self.parts))?.to_string();
            load_program(text.as_bytes())?;
            Ok(text)
        })?;
        Ok(self.module.get_or_init(|| (linked + "\0").into_bytes()))
    }
}

pub(crate) unsafe fn cuLinkCreate_v2(
    driver: &Driver,
    count: c_uint,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
    state: *mut CUlinkState,
) -> Answer {
    // SAFETY: as the module demands; the values stay where they are as long as the linker does.
    let (options, state) = unsafe { (JitOptions::read(count, options, values)?, Out::new(state)?) };
    driver.context()?;
    state.set(driver.add_link(Link {
        options: Mutex::new(options),
        parts: Mutex::default(),
        module: OnceLock::new(),
    }))
}

pub(crate) unsafe fn cuLinkAddData_v2(
    driver: &Driver,
    state: CUlinkState,
    kind: CUjitInputType,
    data: *mut c_void,
    bytes: usize,
    name: *const c_char,
    _count: c_uint,
    _options: *mut CUjit_option,
    _values: *mut *mut c_void,
) -> Answer {
    // SAFETY: as the module demands; the name may be left out.
    let image = unsafe { bytes_at(data, bytes) }?;
    let name = if name.is_null() { "the input".into() } else { unsafe { text_at(name) }?.to_string_lossy() };
    driver.link(state)?.add(kind, image, &name)
}

pub(crate) unsafe fn cuLinkAddFile_v2(
    driver: &Driver,
    state: CUlinkState,
    kind: CUjitInputType,
    path: *const c_char,
    _count: c_uint,
    _options: *mut CUjit_option,
    _values: *mut *mut c_void,
) -> Answer {
    // SAFETY: as the module demands.
    let path = unsafe { text_at(path) }?;
    let link = driver.link(state)?;
    link.add(kind, &read_image(path)?, &path.to_string_lossy())
}

pub(crate) unsafe fn cuLinkComplete(
    driver: &Driver,
    state: CUlinkState,
    image: *mut *mut c_void,
    bytes: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the size may be left out.
    let (image, bytes) = unsafe { (Out::new(image)?, Out::optional(bytes)) };
    let link = driver.link(state)?;
    let module = link.complete()?;
    // It is the linker's, and lives as long.
    image.set(module.as_ptr().cast_mut().cast())?;
    bytes.map_or(Ok(()), |out| out.set(module.len()))
}

pub(crate) unsafe fn cuLinkDestroy(driver: &Driver, state: CUlinkState) -> Answer {
    driver.remove_link(state)
}
