//! Loaded PTX: a module a file, found again by its text, and the signatures of its entries.

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_void},
    ptr,
    rc::Rc,
    sync::Arc,
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
use pipe_kernels::{Implementation, Launch, Source};
use pipe_ptx::ast;

use crate::Failure;

/// Dynamic shared memory that a kernel gets without asking.
const SHARED_BYTES_FOR_ALL: u32 = 48 << 10;
/// Bytes of the driver's error log that are kept.
const LOG_BYTES: usize = 16 << 10;

/// The modules of an implementation, in the order in which an entry is looked for.
#[derive(Debug)]
pub(crate) struct Module {
    parts: Vec<Rc<Part>>,
}

/// A PTX file in the current context.
#[derive(Debug)]
struct Part {
    file: String,
    inner: CudaModule,
    /// Bytes of each parameter, by entry. Empty where the PTX is newer than what [`pipe_ptx`] reads.
    signatures: HashMap<String, Vec<u64>>,
}

impl Part {
    fn load(source: &Source) -> Result<Self, Failure> {
        let file = source.file();
        let signatures = signatures(source.ptx());
        let source = CString::new(source.ptx())
            .map_err(|_| Failure::error(format!("{file}: there is a NUL byte in it; PTX is text")))?;
        let inner = CudaModule::from_ptx_cstr(&source, &[]).map_err(|error| {
            let log = error_log(&source);
            let log = if log.is_empty() { format!("{error:?}, and the driver's log is empty") } else { log };
            Failure::error(format!("{file}: {log}"))
        })?;
        Ok(Self { file: file.to_owned(), inner, signatures })
    }
}

impl Module {
    /// The entry of `launch`, whose arguments fit its parameters.
    pub(super) fn function(&self, launch: &Launch) -> Result<Function<'_>, Failure> {
        let Launch { entry, args, .. } = launch;
        let found = self.parts.iter().find_map(|part| Some((part, part.inner.get_function(entry).ok()?)));
        let Some((part, function)) = found else {
            let files: Vec<&str> = self.parts.iter().map(|part| part.file.as_str()).collect();
            let which = match files.as_slice() {
                [_] => "kernel.ptx has no such entry".to_owned(),
                files => format!("none of {} has such an entry", files.join(", ")),
            };
            return Err(Failure::error(format!("kernel.toml launches `{entry}`, and {which}")));
        };
        if let Some(parameters) = part.signatures.get(entry) {
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

/// The files that are loaded in the current context, by their text: each is loaded, or fails to, once, however many
/// implementations launch its entries.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    loaded: HashMap<Arc<str>, Result<Rc<Part>, Failure>>,
}

impl Modules {
    /// The modules of `implementation`.
    pub(crate) fn get(&mut self, implementation: &Implementation) -> Result<Module, Failure> {
        let parts = implementation.sources().iter().map(|source| {
            let load = || Part::load(source).map(Rc::new);
            self.loaded.entry(source.shared_ptx()).or_insert_with(load).clone()
        });
        Ok(Module { parts: parts.collect::<Result<_, _>>()? })
    }

    /// Unloads them all, before their context ends.
    pub(crate) fn clear(&mut self) {
        self.loaded.clear();
    }
}
