//! The C side of the embedded device: one function for each symbol, which turns pointers into values and
//! calls the driver.
//!
//! All the unsafe code about arguments is here. A pointer is checked for null before anything happens, so
//! that a call that cannot give its answer has no effect; that it is otherwise good is what the C API demands
//! of its caller.
//!
//! # Safety
//!
//! Every function here: pointer arguments are null or valid for what the CUDA documentation says the function
//! reads or writes.
#![allow(non_snake_case, clippy::too_many_arguments)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;

use crate::embedded::error::{Answer, Failure};

mod capture;
mod context;
mod device;
mod entry_points;
mod graph;
mod launch;
mod library;
mod link;
mod memory;
mod module;
mod pointer;
mod pool;
mod stream;
mod unified;

pub(crate) use capture::*;
pub(crate) use context::*;
pub(crate) use device::*;
pub(crate) use entry_points::*;
pub(crate) use graph::*;
pub(crate) use launch::*;
pub(crate) use library::*;
pub(crate) use link::*;
pub(crate) use memory::*;
pub(crate) use module::*;
pub(crate) use pointer::*;
pub(crate) use pool::*;
pub(crate) use stream::*;
pub(crate) use unified::*;

/// Where a call puts an answer.
struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// Takes a caller's pointer, which must not be null.
    ///
    /// # Safety
    ///
    /// The pointer is null or valid for a write while the call runs.
    unsafe fn new(pointer: *mut T) -> Answer<Self> {
        NonNull::new(pointer).map(Self).ok_or_else(null)
    }

    /// As [`new`](Self::new), for an answer that the caller may leave out.
    ///
    /// # Safety
    ///
    /// As [`new`](Self::new).
    unsafe fn optional(pointer: *mut T) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }

    /// Gives the answer.
    fn set(self, value: T) -> Answer {
        // SAFETY: `new` was promised that this write is valid; no alignment is assumed of C callers.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }
}

fn null() -> Failure {
    Failure::invalid_value("a pointer is null that must not be")
}

/// A caller's list of values.
///
/// # Safety
///
/// `pointer` is null or valid for reads of `count` values while the call runs.
unsafe fn list_at<T: Copy>(pointer: *const T, count: usize) -> Answer<Vec<T>> {
    if count > 0 && pointer.is_null() {
        return Err(null());
    }
    // SAFETY: promised by the caller; no alignment is assumed of C callers.
    Ok((0..count).map(|i| unsafe { pointer.add(i).read_unaligned() }).collect())
}

/// A caller's bytes, read.
///
/// # Safety
///
/// `pointer` is null or valid for reads of `bytes` bytes while the call runs.
unsafe fn bytes_at<'a>(pointer: *const c_void, bytes: usize) -> Answer<&'a [u8]> {
    if bytes == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() || isize::try_from(bytes).is_err() {
        return Err(null());
    }
    // SAFETY: promised by the caller; the length was checked, and any byte is a `u8`.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), bytes) })
}

/// A caller's bytes, to be written.
///
/// # Safety
///
/// `pointer` is null or valid for reads and writes of `bytes` bytes while the call runs, and nothing else
/// uses them.
unsafe fn bytes_at_mut<'a>(pointer: *mut c_void, bytes: usize) -> Answer<&'a mut [u8]> {
    if bytes == 0 {
        return Ok(&mut []);
    }
    if pointer.is_null() || isize::try_from(bytes).is_err() {
        return Err(null());
    }
    // SAFETY: promised by the caller; the length was checked, and any byte is a `u8`.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), bytes) })
}

/// A caller's string.
///
/// # Safety
///
/// `pointer` is null or points to a NUL-terminated string that stays as it is while the call runs.
unsafe fn text_at<'a>(pointer: *const c_char) -> Answer<&'a CStr> {
    if pointer.is_null() {
        return Err(null());
    }
    // SAFETY: promised by the caller.
    Ok(unsafe { CStr::from_ptr(pointer) })
}
