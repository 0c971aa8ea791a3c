//! Loaded PTX: one module an implementation, found again by digest, and the signatures of its entries.

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_void},
    ptr,
    rc::Rc,
};

use cust::{
    error::{CudaError, CudaResult},
    function::Function,
    module::Module as CudaModule,
    sys::{
        CUfunction_attribute, CUjit_option, cuFuncSetAttribute, cuModuleLoadDataEx, cuModuleUnload,
        cudaError_enum,
    },
};
use pipe_kernels::{Implementation, Launch};
use pipe_ptx::ast;

use crate::Failure;

/// Dynamic shared memory that a kernel gets without asking.
const SHARED_BYTES_FOR_ALL: u32 = 48 << 10;
/// Bytes of the driver's error log that are kept.
const LOG_BYTES: usize = 16 << 10;

/// A module in the current context.
#[derive(Debug)]
pub(crate) struct Module {
    inner: CudaModule,
    /// Bytes of each parameter, by entry. Empty where the PTX is newer than what [`pipe_ptx`] reads.
    signatures: HashMap<String, Vec<u64>>,
}

impl Module {
    fn load(implementation: &Implementation) -> Result<Self, Failure> {
        let file = implementation.ptx_file();
        let source = CString::new(implementation.ptx())
            .map_err(|_| Failure::error(format!("{file}: there is a NUL byte in it; PTX is text")))?;
        let inner = CudaModule::from_ptx_cstr(&source, &[]).map_err(|error| {
            let log = error_log(&source);
            let log = if log.is_empty() { format!("{error:?}, and the driver's log is empty") } else { log };
            Failure::error(format!("{file}: {log}"))
        })?;
        Ok(Self { inner, signatures: signatures(implementation.ptx()) })
    }

    /// The entry of `launch`, whose arguments fit its parameters.
    pub(super) fn function(&self, launch: &Launch) -> Result<Function<'_>, Failure> {
        let Launch { entry, args, .. } = launch;
        if let Some(parameters) = self.signatures.get(entry) {
            let given: Vec<u64> = args.iter().map(|argument| argument.size()).collect();
            if given.len() != parameters.len() {
                let (takes, gives) = (parameters.len(), given.len());
                let message =
                    format!("entry `{entry}` has {takes} parameters, kernel.toml gives {gives} arguments");
                return Err(Failure::error(message));
            }
            if let Some(at) = given.iter().zip(parameters).position(|(given, wanted)| given != wanted) {
                let (number, given, wanted) = (at + 1, given[at], parameters[at]);
                return Err(Failure::error(format!(
                    "parameter {number} of entry `{entry}` has {wanted} bytes, kernel.toml gives it {given}"
                )));
            }
        }
        let function = self.inner.get_function(entry).map_err(|_| {
            Failure::error(format!("kernel.toml launches `{entry}`, and kernel.ptx has no such entry"))
        })?;
        if launch.shared_bytes > SHARED_BYTES_FOR_ALL {
            allow_shared(&function, launch.shared_bytes)
                .map_err(|error| Failure::of_driver(error, &format!("giving {entry} shared memory")))?;
        }
        Ok(function)
    }
}

/// Lets a kernel have `bytes` of dynamic shared memory.
fn allow_shared(function: &Function<'_>, bytes: u32) -> CudaResult<()> {
    let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    // SAFETY: the function is of a loaded module; a size that the device does not have is refused.
    match unsafe { cuFuncSetAttribute(function.to_raw(), attribute, bytes) } {
        cudaError_enum::CUDA_SUCCESS => Ok(()),
        _ => Err(CudaError::InvalidValue),
    }
}

/// The parameters of every entry.
fn signatures(ptx: &str) -> HashMap<String, Vec<u64>> {
    let Ok(module) = pipe_ptx::parse(ptx) else { return HashMap::new() };
    let entries = module.items.iter().filter_map(|item| match item {
        ast::Item::Function(function) if function.entry => Some(function),
        _ => None,
    });
    entries
        .map(|entry| (entry.name.name.to_string(), entry.params.iter().map(parameter_bytes).collect()))
        .collect()
}

fn parameter_bytes(parameter: &ast::Variable) -> u64 {
    use ast::Type::*;
    let element = match parameter.ty {
        B8 | U8 | S8 | Pred => 1,
        B16 | U16 | S16 | F16 | Bf16 => 2,
        B32 | U32 | S32 | F32 | F16x2 | Bf16x2 => 4,
        B64 | U64 | S64 | F64 | Texref | Samplerref | Surfref => 8,
        B128 => 16,
    };
    let count: u64 = parameter.dimensions.iter().map(|extent| extent.unwrap_or(1)).product();
    element * u64::from(parameter.vector.max(1)) * count
}

/// What the driver has against `source`. cust passes no log buffer, so that a PTX which does not load is
/// loaded once more for it.
fn error_log(source: &CStr) -> String {
    let mut log = vec![0_u8; LOG_BYTES];
    let mut options =
        [CUjit_option::CU_JIT_ERROR_LOG_BUFFER, CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
    let mut values: [*mut c_void; 2] = [log.as_mut_ptr().cast(), ptr::without_provenance_mut(LOG_BYTES)];
    let mut module = ptr::null_mut();
    // SAFETY: the source is NUL-terminated; both options have their values; the log outlives the call and has
    // the size that is given.
    let code = unsafe {
        cuModuleLoadDataEx(&mut module, source.as_ptr().cast(), 2, options.as_mut_ptr(), values.as_mut_ptr())
    };
    if code == cudaError_enum::CUDA_SUCCESS {
        // SAFETY: the module was loaded just now, and nobody else knows it.
        unsafe { cuModuleUnload(module) };
    }
    // The last byte is still 0, whatever the driver wrote.
    if let Some(last) = log.last_mut() {
        *last = 0;
    }
    let text = CStr::from_bytes_until_nul(&log).unwrap_or_default();
    text.to_string_lossy().trim().to_owned()
}

/// The modules that are loaded in the current context, by digest: each is loaded, or fails to, once.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    loaded: HashMap<String, Result<Rc<Module>, Failure>>,
}

impl Modules {
    /// The module of `implementation`.
    pub(crate) fn get(&mut self, implementation: &Implementation) -> Result<Rc<Module>, Failure> {
        let load = || Module::load(implementation).map(Rc::new);
        self.loaded.entry(implementation.digest().to_owned()).or_insert_with(load).clone()
    }

    /// Unloads them all, before their context ends.
    pub(crate) fn clear(&mut self) {
        self.loaded.clear();
    }
}
