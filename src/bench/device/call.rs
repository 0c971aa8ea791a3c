//! Driver calls that cust has no function for: their result code as cust's error.

use cust::{
    error::{CudaError, CudaResult},
    sys::cudaError_enum,
};

/// A result code as cust's error, the codes that the bench tells apart by name.
pub(super) fn check(code: cudaError_enum) -> CudaResult<()> {
    match code {
        cudaError_enum::CUDA_SUCCESS => Ok(()),
        cudaError_enum::CUDA_ERROR_OUT_OF_MEMORY => Err(CudaError::OutOfMemory),
        cudaError_enum::CUDA_ERROR_INVALID_VALUE => Err(CudaError::InvalidValue),
        cudaError_enum::CUDA_ERROR_NOT_SUPPORTED => Err(CudaError::NotSupported),
        cudaError_enum::CUDA_ERROR_ILLEGAL_ADDRESS => Err(CudaError::IllegalAddress),
        cudaError_enum::CUDA_ERROR_LAUNCH_FAILED => Err(CudaError::LaunchFailed),
        cudaError_enum::CUDA_ERROR_LAUNCH_TIMEOUT => Err(CudaError::LaunchTimeout),
        _ => Err(CudaError::UnknownError),
    }
}
