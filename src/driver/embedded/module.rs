//! Modules: PTX text that was checked, decoded and placed in a device's memory, and the kernels in it.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use pipe_simt::{Instance, Kernel, Program};

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::context::Context;
use crate::embedded::device::{MAX_BLOCK_THREADS, SHARED_BYTES, SHARED_BYTES_OPT_IN};
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;

/// `CU_FUNC_ATTRIBUTE_…`
const MAX_THREADS_PER_BLOCK: CUfunction_attribute = 0;
const SHARED_SIZE_BYTES: CUfunction_attribute = 1;
const CONST_SIZE_BYTES: CUfunction_attribute = 2;
const LOCAL_SIZE_BYTES: CUfunction_attribute = 3;
const NUM_REGS: CUfunction_attribute = 4;
const PTX_VERSION: CUfunction_attribute = 5;
const BINARY_VERSION: CUfunction_attribute = 6;
const CACHE_MODE_CA: CUfunction_attribute = 7;
const MAX_DYNAMIC_SHARED_SIZE_BYTES: CUfunction_attribute = 8;
const PREFERRED_SHARED_MEMORY_CARVEOUT: CUfunction_attribute = 9;
const CLUSTER_SIZE_MUST_BE_SET: CUfunction_attribute = 10;
const DEVICE_NODE_UPDATE_SUPPORTED: CUfunction_attribute = 16;

/// A module on a device.
pub(crate) struct Module {
    pub(crate) context: CUcontext,
    handle: CUmodule,
    pub(crate) program: Arc<Program>,
    pub(crate) instance: Instance,
    /// The kernels that were asked for, by name: each has one handle.
    functions: Mutex<HashMap<String, CUfunction>>,
}

impl Module {
    pub(crate) fn handle(&self) -> CUmodule {
        self.handle
    }
}

/// A kernel of a module, with the attributes that callers set.
pub(crate) struct Function {
    pub(crate) module: Arc<Module>,
    pub(crate) name: String,
    c_name: CString,
    max_dynamic_shared_bytes: AtomicU32,
    shared_carveout: Mutex<i32>,
}

impl Function {
    /// The kernel's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The kernel's name for C.
    pub(crate) fn c_name(&self) -> &CStr {
        &self.c_name
    }

    /// The decoded kernel.
    pub(crate) fn kernel(&self) -> Answer<&Kernel> {
        let kernel = self.module.program.kernel(&self.name);
        kernel.ok_or_else(|| {
            Failure::new(CUDA_ERROR_NOT_FOUND, format!("the module has no kernel `{}`", self.name))
        })
    }

    /// Most threads a block of this kernel can have.
    pub(crate) fn max_block_threads(&self) -> Answer<u32> {
        Ok(self.kernel()?.max_threads_per_block().min(MAX_BLOCK_THREADS))
    }

    /// Most shared memory that a launch can ask for beside the static, in bytes.
    pub(crate) fn max_dynamic_shared_bytes(&self) -> u32 {
        self.max_dynamic_shared_bytes.load(Ordering::Relaxed)
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, attribute: CUfunction_attribute) -> Answer<i32> {
        let kernel = self.kernel()?;
        Ok(match attribute {
            MAX_THREADS_PER_BLOCK => self.max_block_threads()? as i32,
            SHARED_SIZE_BYTES => kernel.static_shared_bytes() as i32,
            CONST_SIZE_BYTES | CACHE_MODE_CA => 0,
            LOCAL_SIZE_BYTES => kernel.local_bytes() as i32,
            NUM_REGS => kernel.registers() as i32,
            PTX_VERSION | BINARY_VERSION => 80,
            MAX_DYNAMIC_SHARED_SIZE_BYTES => self.max_dynamic_shared_bytes() as i32,
            PREFERRED_SHARED_MEMORY_CARVEOUT => *lock(&self.shared_carveout),
            // There are no clusters.
            CLUSTER_SIZE_MUST_BE_SET..=DEVICE_NODE_UPDATE_SUPPORTED => 0,
            unknown => {
                return Err(Failure::invalid_value(format!("function attribute {unknown} is not known")));
            }
        })
    }

    /// Sets an attribute that can be set.
    pub(crate) fn set_attribute(&self, attribute: CUfunction_attribute, value: i32) -> Answer {
        match attribute {
            MAX_DYNAMIC_SHARED_SIZE_BYTES => {
                let most = SHARED_BYTES_OPT_IN.saturating_sub(self.kernel()?.static_shared_bytes());
                let bytes = u32::try_from(value).ok().filter(|bytes| *bytes <= most).ok_or_else(|| {
                    Failure::invalid_value(format!(
                        "kernel `{}` can have 0 to {most} bytes of dynamic shared memory, not {value}",
                        self.name
                    ))
                })?;
                self.max_dynamic_shared_bytes.store(bytes, Ordering::Relaxed);
                Ok(())
            }
            PREFERRED_SHARED_MEMORY_CARVEOUT if (-1..=100).contains(&value) => {
                *lock(&self.shared_carveout) = value;
                Ok(())
            }
            _ => Err(Failure::invalid_value(format!(
                "function attribute {attribute} cannot be set to {value}"
            ))),
        }
    }
}

impl Driver {
    /// Loads a module into the current context. The failure's message has the diagnostics, one `line:column:
    /// message` a line.
    pub(crate) fn load_module(&self, image: &[u8]) -> Answer<CUmodule> {
        self.context()?;
        self.place_module(load_program(image)?)
    }

    /// Makes a module of a program in the current context.
    pub(crate) fn place_module(&self, program: Arc<Program>) -> Answer<CUmodule> {
        let context = self.context()?;
        let instance = (program.instantiate(&self.device_of(&context).memory))
            .map_err(|error| Failure::new(CUDA_ERROR_OUT_OF_MEMORY, error.to_string()))?;
        let handle = CUmodule(self.numbers.next());
        let functions = Mutex::new(HashMap::new());
        self.modules.insert(handle, Module { context: context.handle, handle, program, instance, functions });
        Ok(handle)
    }

    /// Whether a module is loaded.
    pub(crate) fn has_module(&self, handle: CUmodule) -> bool {
        self.modules.get(handle).is_some()
    }

    /// Unloads a module: its kernels and variables are gone.
    pub(crate) fn unload_module(&self, handle: CUmodule) -> Answer {
        let module = self.module(handle)?;
        let context = self.context_of(module.context)?;
        if self.modules.remove(handle).is_some() {
            self.forget(&context, &module);
        }
        Ok(())
    }

    /// Unloads all modules of a context.
    pub(crate) fn unload_modules_of(&self, context: &Context) {
        for module in self.modules.take_if(|module| module.context == context.handle) {
            self.forget(context, &module);
        }
    }

    fn forget(&self, context: &Context, module: &Module) {
        self.functions.take_if(|function| function.module.handle == module.handle);
        // A launch of another thread may still hold the module; what it accesses from now on is out of
        // bounds.
        module.instance.clone().release(&self.device_of(context).memory);
    }

    fn module(&self, handle: CUmodule) -> Answer<Arc<Module>> {
        let module = self.modules.get(handle).ok_or_else(|| Failure::invalid_handle("module"))?;
        self.context_of(module.context)?.check()?;
        Ok(module)
    }

    /// The handle of a kernel.
    pub(crate) fn find_function(&self, module: CUmodule, name: &str) -> Answer<CUfunction> {
        Ok(self.find_or_add_function(module, name)?.0)
    }

    /// The handle of a kernel, and whether nobody has asked for it before.
    pub(crate) fn find_or_add_function(&self, module: CUmodule, name: &str) -> Answer<(CUfunction, bool)> {
        let module = self.module(module)?;
        let missing = || Failure::new(CUDA_ERROR_NOT_FOUND, format!("the module has no kernel `{name}`"));
        let kernel = module.program.kernel(name).ok_or_else(missing)?;
        let c_name = CString::new(name).map_err(|_| missing())?;
        let mut functions = lock(&module.functions);
        if let Some(handle) = functions.get(name) {
            return Ok((*handle, false));
        }
        let handle = CUfunction(self.numbers.next());
        let function = Function {
            module: Arc::clone(&module),
            name: name.to_owned(),
            c_name,
            max_dynamic_shared_bytes: AtomicU32::new(
                SHARED_BYTES.saturating_sub(kernel.static_shared_bytes()),
            ),
            shared_carveout: Mutex::new(-1),
        };
        self.functions.insert(handle, function);
        functions.insert(name.to_owned(), handle);
        Ok((handle, true))
    }

    /// The names of a module's kernels.
    pub(crate) fn function_names(&self, module: CUmodule) -> Answer<Vec<String>> {
        Ok(self.module(module)?.program.kernels().map(|kernel| kernel.name().to_owned()).collect())
    }

    /// Address and bytes of a module's variable.
    pub(crate) fn find_global(&self, module: CUmodule, name: &str) -> Answer<(CUdeviceptr, usize)> {
        let (address, bytes) = (self.module(module)?.instance.symbol(name)).ok_or_else(|| {
            Failure::new(CUDA_ERROR_NOT_FOUND, format!("the module has no variable `{name}`"))
        })?;
        Ok((address, bytes as usize))
    }

    /// A module's kernel by its handle.
    pub(crate) fn plain_function(&self, handle: CUfunction) -> Answer<Arc<Function>> {
        let function = self.functions.get(handle).ok_or_else(|| Failure::invalid_handle("function"))?;
        self.context_of(function.module.context)?.check()?;
        Ok(function)
    }
}

/// Parses and decodes an image.
pub(crate) fn load_program(image: &[u8]) -> Answer<Arc<Program>> {
    let program = Program::load(ptx_text(image)?);
    program.map(Arc::new).map_err(|error| Failure::new(CUDA_ERROR_INVALID_PTX, error.to_string()))
}

/// The text of a PTX image, which is what the embedded device can load.
pub(crate) fn ptx_text(image: &[u8]) -> Answer<&str> {
    const ELF: &[u8] = b"\x7fELF";
    const FATBIN: &[u8] = &0xba55_ed50_u32.to_le_bytes();
    if image.starts_with(ELF) || image.starts_with(FATBIN) {
        return Err(Failure::new(
            CUDA_ERROR_NO_BINARY_FOR_GPU,
            "the module is machine code for a GPU; the embedded device executes PTX: load the text that `nvcc -ptx` or \
             NVRTC writes, or that `cuobjdump -ptx` finds beside the machine code",
        ));
    }
    std::str::from_utf8(image).map_err(|error| {
        let line = 1 + image[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Failure::new(CUDA_ERROR_INVALID_IMAGE, format!("the module is no text: line {line} is not UTF-8"))
    })
}
