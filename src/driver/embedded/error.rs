//! Failures of driver calls with the words behind them, which a `CUresult` alone cannot carry.

use std::cell::RefCell;
use std::fmt;
use std::sync::OnceLock;

use pipe_simt::Trap;

use crate::abi::*;

/// What an embedded function answers.
pub(crate) type Answer<T = ()> = Result<T, Failure>;

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: CUresult,
    pub(crate) message: String,
    pub(crate) trap: Option<Trap>,
}

impl Failure {
    pub(crate) fn new(code: CUresult, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), trap: None }
    }

    pub(crate) fn invalid_value(message: impl Into<String>) -> Self {
        Self::new(CUDA_ERROR_INVALID_VALUE, message)
    }

    pub(crate) fn invalid_handle(kind: &str) -> Self {
        Self::new(CUDA_ERROR_INVALID_HANDLE, format!("there is no such {kind}, or it was destroyed"))
    }

    pub(crate) fn not_supported(what: &str) -> Self {
        Self::new(CUDA_ERROR_NOT_SUPPORTED, format!("the embedded device does not offer {what}"))
    }
}

/// The last driver call that failed on this thread.
#[derive(Clone, Debug)]
pub struct ErrorReport {
    /// The function that failed; for a kernel's trap, the one that reported it.
    pub call: &'static str,
    /// What it answered.
    pub code: CUresult,
    /// What went wrong, in full: a trap with kernel, PTX line, block and thread; a module's diagnostics, one
    /// a line.
    pub message: String,
    /// The kernel's trap, where that is what went wrong.
    pub trap: Option<Trap>,
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} said {}: {}", self.call, self.code, self.message)
    }
}

thread_local! {
    static LAST: RefCell<Option<ErrorReport>> = const { RefCell::new(None) };
}

static OBSERVER: OnceLock<fn(&ErrorReport)> = OnceLock::new();

/// Has a function told of every driver call that fails on the embedded device, on the thread that made it. The first
/// observer stays.
pub fn observe_errors(observer: fn(&ErrorReport)) {
    let _ = OBSERVER.set(observer);
}

/// Keeps a failure for [`last_error`] and tells the observer.
pub(crate) fn remember(call: &'static str, Failure { code, message, trap }: Failure) {
    let report = ErrorReport { call, code, message, trap };
    if let Some(observer) = OBSERVER.get() {
        observer(&report);
    }
    LAST.set(Some(report));
}

/// The last driver call that failed on this thread on the embedded device; `None` before the first failure
/// and on a GPU.
pub fn last_error() -> Option<ErrorReport> {
    LAST.with_borrow(Clone::clone)
}
