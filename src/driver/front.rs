//! The exported C functions: each asks which backend is in use and hands its arguments on.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::*;
use crate::backend::{Active, active};
use crate::edge;
use crate::embedded::error::{Answer, Failure, remember};

/// Tells this library from NVIDIA's, whatever file it was built into: a process that looks for a GPU must not take an embedded
/// device for one. Returns 1, and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn pipe_embedded_device() -> c_int {
    1
}

/// Defines every function of the table.
macro_rules! define {
    (
        embedded { $($name:ident($($arg:ident: $type:ty),*);)* }
        forwarded { $($other:ident($($other_arg:ident: $other_type:ty),*);)* }
        later { $($later:ident($($later_arg:ident: $later_type:ty),*);)* }
    ) => {
        $(define!(@embedded $name($($arg: $type),*));)*
        $(define!(@embedded $later($($later_arg: $later_type),*));)*
        $(define!(@function $other($($other_arg: $other_type),*), |driver| {
            Err(Failure::not_supported(stringify!($other)))
        });)*

        /// The function that the embedded device answers a symbol with, if it does.
        pub(crate) fn address_of(symbol: &str) -> Option<*const c_void> {
            Some(match symbol {
                $(stringify!($name) => $name as *const c_void,)*
                $(stringify!($later) => $later as *const c_void,)*
                _ => return None,
            })
        }
    };
    (@embedded $name:ident($($arg:ident: $type:ty),*)) => {
        define!(@function $name($($arg: $type),*), |driver| {
            // SAFETY: the caller vouches for its arguments, as `edge` demands.
            unsafe { edge::$name(driver, $($arg),*) }
        });
    };
    (@function $name:ident($($arg:ident: $type:ty),*), |$driver:ident| $embedded:block) => {
        #[doc = concat!("`", stringify!($name), "` of the CUDA driver API.")]
        ///
        /// # Safety
        ///
        /// As NVIDIA's: pointers are null or point to what the function reads and writes, for as long as it
        /// does.
        #[allow(clippy::too_many_arguments)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> CUresult {
            match active() {
                Active::Cuda(library) => match library.functions.$name {
                    // SAFETY: the function is the library's own of this name and gets the caller's own
                    // arguments.
                    Some(function) => unsafe { function($($arg),*) }.known(),
                    None => CUDA_ERROR_NOT_SUPPORTED,
                },
                Active::Embedded($driver, _) | Active::Unavailable($driver, _) => answer(stringify!($name), || {
                    $driver.admit(stringify!($name))?;
                    $embedded
                }),
            }
        }
    };
}

crate::for_each_symbol!(define);

/// Runs an embedded function, turns its answer into a result code and keeps the words behind a failure for
/// [`last_error`](crate::embedded::last_error). A panic ends here: it must not unwind into C.
fn answer(call: &'static str, function: impl FnOnce() -> Answer) -> CUresult {
    let answer = catch_unwind(AssertUnwindSafe(function)).unwrap_or_else(|payload| {
        let text = (payload.downcast_ref::<&str>().copied())
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Err(Failure::new(CUDA_ERROR_UNKNOWN, format!("fault of the embedded device: {text}")))
    });
    match answer {
        Ok(()) => CUDA_SUCCESS,
        Err(failure) => {
            let code = failure.code;
            // "Not ready" is an answer to a question, not a failure that anyone asks about.
            if code != CUDA_ERROR_NOT_READY {
                remember(call, failure);
            }
            code
        }
    }
}
