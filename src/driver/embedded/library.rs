//! Libraries: modules that belong to no context. Each context that uses one gets a module of it, made when it is first
//! asked for, and a kernel's handle means that context's kernel.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, Mutex};

use pipe_simt::Program;

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::module::{Function, load_program};
use crate::embedded::table::lock;

/// A library.
pub(crate) struct Library {
    program: Arc<Program>,
    /// The module in each context that has one.
    modules: Mutex<HashMap<CUcontext, CUmodule>>,
    /// The kernels that were asked for, by name: each has one handle.
    kernels: Mutex<HashMap<String, CUkernel>>,
}

/// A kernel of a library.
pub(crate) struct LibraryKernel {
    pub(crate) library: CUlibrary,
    pub(crate) name: CString,
    /// Attributes that were set for all contexts.
    attributes: Mutex<HashMap<CUfunction_attribute, i32>>,
}

impl Driver {
    /// Loads a library from an image.
    pub(crate) fn load_library(&self, image: &[u8]) -> Answer<CUlibrary> {
        let program = load_program(image)?;
        let handle = CUlibrary(self.numbers.next());
        let library = Library { program, modules: Mutex::default(), kernels: Mutex::default() };
        self.libraries.insert(handle, library);
        Ok(handle)
    }

    /// Unloads a library and the modules that were made of it.
    pub(crate) fn unload_library(&self, handle: CUlibrary) -> Answer {
        let library = self.libraries.remove(handle).ok_or_else(|| Failure::invalid_handle("library"))?;
        self.kernels.take_if(|kernel| kernel.library == handle);
        for module in lock(&library.modules).values() {
            // A context that was destroyed has unloaded its own; one that broke keeps it until then.
            let _ = self.unload_module(*module);
        }
        Ok(())
    }

    fn library(&self, handle: CUlibrary) -> Answer<Arc<Library>> {
        self.libraries.get(handle).ok_or_else(|| Failure::invalid_handle("library"))
    }

    /// The handle of a kernel.
    pub(crate) fn find_kernel(&self, handle: CUlibrary, name: &str) -> Answer<CUkernel> {
        let library = self.library(handle)?;
        let missing = || Failure::new(CUDA_ERROR_NOT_FOUND, format!("the library has no kernel `{name}`"));
        library.program.kernel(name).ok_or_else(missing)?;
        let c_name = CString::new(name).map_err(|_| missing())?;
        let mut kernels = lock(&library.kernels);
        let kernel = *kernels.entry(name.to_owned()).or_insert_with(|| {
            let kernel = CUkernel(self.numbers.next());
            let object = LibraryKernel { library: handle, name: c_name, attributes: Mutex::default() };
            self.kernels.insert(kernel, object);
            kernel
        });
        Ok(kernel)
    }

    /// The names of a library's kernels.
    pub(crate) fn kernel_names(&self, handle: CUlibrary) -> Answer<Vec<String>> {
        let library = self.library(handle)?;
        Ok(library.program.kernels().map(|kernel| kernel.name().to_owned()).collect())
    }

    /// A library's kernel.
    pub(crate) fn kernel(&self, handle: CUkernel) -> Answer<Arc<LibraryKernel>> {
        self.kernels.get(handle).ok_or_else(|| Failure::invalid_handle("kernel"))
    }

    /// The module of a library in the current context.
    pub(crate) fn library_module(&self, handle: CUlibrary) -> Answer<CUmodule> {
        let library = self.library(handle)?;
        let context = self.context()?;
        let mut modules = lock(&library.modules);
        if let Some(module) = modules.get(&context.handle).filter(|module| self.has_module(**module)) {
            return Ok(*module);
        }
        let module = self.place_module(Arc::clone(&library.program))?;
        modules.insert(context.handle, module);
        Ok(module)
    }

    /// A library's kernel in the current context.
    pub(crate) fn kernel_function(&self, handle: CUkernel) -> Answer<CUfunction> {
        let kernel = self.kernel(handle)?;
        let module = self.library_module(kernel.library)?;
        let (function, new) = self.find_or_add_function(module, &kernel.name.to_string_lossy())?;
        if new {
            for (attribute, value) in lock(&kernel.attributes).iter() {
                self.plain_function(function)?.set_attribute(*attribute, *value)?;
            }
        }
        Ok(function)
    }

    /// Sets an attribute of a kernel, in this context and in those that use it later.
    pub(crate) fn set_kernel_attribute(
        &self,
        handle: CUkernel,
        attribute: CUfunction_attribute,
        value: i32,
    ) -> Answer {
        let function = self.kernel_function(handle)?;
        self.plain_function(function)?.set_attribute(attribute, value)?;
        lock(&self.kernel(handle)?.attributes).insert(attribute, value);
        Ok(())
    }

    /// A kernel by its handle, which a library's kernel may stand for.
    pub(crate) fn function(&self, handle: CUfunction) -> Answer<Arc<Function>> {
        let of_library = CUkernel(handle.0);
        match self.kernels.get(of_library) {
            Some(_) => self.plain_function(self.kernel_function(of_library)?),
            None => self.plain_function(handle),
        }
    }
}
