//! NVIDIA's driver library: found, opened, and every function of the table resolved in it once.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::PathBuf;

use crate::abi::*;
use crate::backend::NoCuda;

/// The name under which NVIDIA's driver installs its library.
pub(crate) const LIBRARY_NAME: &str = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };

/// Makes [`Functions`]: a field for each symbol, `None` where the library lacks it.
macro_rules! functions {
    (
        embedded { $($name:ident($($arg:ident: $type:ty),*);)* }
        forwarded { $($other:ident($($other_arg:ident: $other_type:ty),*);)* }
        later { $($later:ident($($later_arg:ident: $later_type:ty),*);)* }
    ) => {
        functions!(@all
            $($name($($arg: $type),*);)*
            $($other($($other_arg: $other_type),*);)*
            $($later($($later_arg: $later_type),*);)*
        );
    };
    (@all $($name:ident($($arg:ident: $type:ty),*);)*) => {
        /// The library's functions.
        #[allow(non_snake_case)]
        pub(crate) struct Functions {
            $(pub(crate) $name: Option<unsafe extern "C" fn($($type),*) -> CUresult>,)*
        }

        impl Functions {
            fn resolve(library: &libloading::Library) -> Self {
                Self {
                    $($name: {
                        // SAFETY: the library exports this name with the C signature that the table gives,
                        // which is `cuda.h`'s; the pointer outlives no library, since `Library` keeps it
                        // open.
                        unsafe { library.get(concat!(stringify!($name), "\0")) }.ok().map(|symbol| *symbol)
                    },)*
                }
            }
        }
    };
}

crate::for_each_symbol!(functions);

/// An open driver library that has a device.
pub(crate) struct Library {
    /// The library's functions.
    pub(crate) functions: Functions,
    /// The file it was loaded from.
    pub(crate) path: PathBuf,
    /// CUDA version of the driver, 1000 · major + 10 · minor.
    pub(crate) version: c_int,
    /// Number of devices.
    pub(crate) devices: c_int,
    /// Open as long as the pointers in `functions` are.
    _handle: libloading::Library,
}

impl Library {
    /// Opens the installed driver library and initialises it.
    ///
    /// # Errors
    ///
    /// Why it cannot be used: absent, unusable, or without a device.
    pub(crate) fn open() -> Result<Self, NoCuda> {
        // SAFETY: loading runs the library's constructors; that is what using NVIDIA's driver takes. Its
        // symbols stay local to the handle, so that it cannot take pipe's functions of the same names for its
        // own.
        let handle = unsafe { libloading::Library::new(LIBRARY_NAME) }.map_err(|error| {
            let text = describe(&error);
            // A missing file is dlopen's complaint about the very name; anything else is a library that is
            // there.
            if text.starts_with(LIBRARY_NAME) && text.contains("No such file") || cfg!(windows) {
                NoCuda::NoLibrary
            } else {
                NoCuda::NotLoadable { error: text }
            }
        })?;
        // SAFETY: the symbol is only looked for. NVIDIA's library has none of that name.
        if unsafe { handle.get::<extern "C" fn() -> c_int>(b"pipe_embedded_device\0") }.is_ok() {
            return Err(NoCuda::Itself);
        }
        let functions = Functions::resolve(&handle);
        let missing = |symbol| NoCuda::NotADriver { symbol };
        let init = functions.cuInit.ok_or(missing("cuInit"))?;
        let count = functions.cuDeviceGetCount.ok_or(missing("cuDeviceGetCount"))?;

        // SAFETY: cuInit takes no pointers and may be called at any time.
        let result = unsafe { init(0) };
        if result != CUDA_SUCCESS {
            return Err(NoCuda::Refused { call: "cuInit", result });
        }
        let mut devices = 0;
        // SAFETY: the pointer is to a live local, and the library is initialised.
        let result = unsafe { count(&mut devices) };
        if result != CUDA_SUCCESS {
            return Err(NoCuda::Refused { call: "cuDeviceGetCount", result });
        }
        if devices < 1 {
            return Err(NoCuda::NoDevice);
        }
        let mut version = 0;
        if let Some(driver_version) = functions.cuDriverGetVersion {
            // SAFETY: the pointer is to a live local. Where the call fails, the version stays 0: unknown.
            unsafe { driver_version(&mut version) };
        }
        let path = path_of(init as *const c_void).unwrap_or_else(|| PathBuf::from(LIBRARY_NAME));
        Ok(Self { functions, path, version, devices, _handle: handle })
    }
}

/// The loader's own message, without libloading's wrapping where it has one.
fn describe(error: &libloading::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The file that the code at an address was loaded from.
#[cfg(unix)]
fn path_of(code: *const c_void) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;

    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: `dladdr` takes any address and fills `info`, which is all zero (null pointers) where it finds
    // nothing.
    let info = unsafe {
        libc::dladdr(code, info.as_mut_ptr());
        info.assume_init()
    };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a name that `dladdr` gives is a C string that lives as long as the library is loaded, and it is
    // copied here.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(name.to_bytes()));
    Some(path.canonicalize().unwrap_or(path))
}

/// Other systems: the name it was asked for is all that is known.
#[cfg(not(unix))]
fn path_of(_code: *const c_void) -> Option<PathBuf> {
    None
}
