//! Stands in for `find_cuda_helper`, whose one job is to make `cust_raw`'s build script find a CUDA toolkit.
//!
//! pipe needs none: the `cu*` symbols that cust links against are defined by `pipe-driver`.

/// Does nothing: there is no toolkit to find and no library to link.
pub fn include_cuda() {}
