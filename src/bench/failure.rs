//! Why a case could not be measured: the status and message of its row.

use cust::error::CudaError;
use pipe_kernels::{Broken, PlanError};
use pipe_model::Status;
use pipe_simt::Finding;

use crate::op::Mismatch;

/// What became of a case instead of a measurement. The rest of the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// How the case ended, never `ok`.
    pub status: Status,
    /// Why, for the user.
    pub message: String,
}

impl Failure {
    /// A failure of a driver call, while `doing` something: `launching dilated_softmax`.
    ///
    /// The driver front knows more than the code where the embedded device answered: the JIT log, or the
    /// kernel, line, block and thread of a trap. NVIDIA's driver gives the code alone.
    pub(crate) fn of_driver(error: CudaError, doing: &str) -> Self {
        let report = pipe_driver::embedded::last_error();
        let status = match &report {
            // A budget that runs out is an endless loop, which is the kernel's fault like any other.
            Some(report) if report.trap.is_some() => Status::Trap,
            _ => status_of(error),
        };
        let message = match report {
            Some(report) => report.message,
            None if status == Status::Trap => {
                format!(
                    "{error:?} while {doing}; run it with --device embedded to see line, block and thread"
                )
            }
            None => format!("{error:?} while {doing}"),
        };
        Self { status, message }
    }

    /// What the sanitizer found: a kernel with a fault is not timed.
    pub(crate) fn of_findings(findings: &[Finding]) -> Self {
        let first = findings.first().map(ToString::to_string).unwrap_or_default();
        let message = match findings.len() {
            0 | 1 => first,
            more => format!("{first}; and {} more", more - 1),
        };
        Self { status: Status::Trap, message }
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self { status: Status::Error, message: message.into() }
    }
}

/// How a case ends that meets this error.
fn status_of(error: CudaError) -> Status {
    match error {
        CudaError::OutOfMemory => Status::OutOfMemory,
        CudaError::LaunchTimeout => Status::Timeout,
        CudaError::IllegalAddress
        | CudaError::AssertError
        | CudaError::HardwareStackError
        | CudaError::IllegalInstruction
        | CudaError::MisalignedAddress
        | CudaError::InvalidAddressSpace
        | CudaError::InvalidProgramCounter
        | CudaError::LaunchFailed => Status::Trap,
        _ => Status::Error,
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let status = match error {
            PlanError::Unsupported(_) => Status::Skipped,
            PlanError::Case { .. } | PlanError::Expression { .. } => Status::Error,
        };
        Self { status, message: error.to_string() }
    }
}

impl From<Broken> for Failure {
    fn from(error: Broken) -> Self {
        Self::error(error.to_string())
    }
}

impl From<Mismatch> for Failure {
    fn from(mismatch: Mismatch) -> Self {
        Self { status: Status::WrongResult, message: mismatch.to_string() }
    }
}
