//! `libcuda.so.1` without a GPU: the embedded device under the name of NVIDIA's driver, for programs that know
//! nothing of pipe.
//!
//! ```text
//! cargo build --release -p pipe-libcuda          builds target/release/libcuda.so
//! scripts/on-embedded python train.py            runs a program with it as libcuda.so.1
//! ```
//!
//! By hand: a folder with the library under both of its names, `libcuda.so` and `libcuda.so.1`, on
//! `LD_LIBRARY_PATH`. Programs that load the driver (Python's `cuda-bindings` and `cuda-core`, `cudarc`, tinygrad) and
//! programs that were linked with `-lcuda` then run their kernels on the CPU. They need PTX: machine code alone
//! (cubins, libraries such as cuBLAS) is refused with `CUDA_ERROR_NO_BINARY_FOR_GPU`. The library never looks for
//! NVIDIA's: who puts it on the path wants this one.
//!
//! # Settings
//!
//! Read from the environment when the library is loaded; those of the `pipe` command have the same names there.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `PIPE_EMBEDDED_MEMORY` | memory of a device, as `512MiB` or `8GiB` | `8GiB` |
//! | `PIPE_EMBEDDED_DEVICES` | number of devices, 1 to 64 | 1 |
//! | `PIPE_THREADS` | threads that run blocks | one a core |
//! | `PIPE_INSTRUCTION_BUDGET` | instructions of a warp that count as an endless loop | 68719476736 |
//! | `CUDA_LOG_FILE` | `stderr`, `stdout` or a file: says in words why a call failed, kernel, PTX line and thread included | silent |
//!
//! `CUDA_LOG_FILE` is NVIDIA's own variable for the same purpose. A setting that cannot be read is named on standard
//! error and left at its default.
//!
//! # The device
//!
//! It says that it is of compute capability 8.0 and speaks CUDA 13.5. PTX of any version and target is taken as long
//! as every instruction in it is known: NVRTC's output for `sm_75`, `sm_90` or `sm_120` too. What kernels `printf` goes to
//! standard output when the program synchronises, as CUDA has it. Managed and mapped host memory are a device's own, at the
//! same addresses, and count against its capacity. What it lacks of the API
//! (textures, arrays, virtual memory management, interprocess handles, graphics) `cuGetProcAddress` does not find, and
//! the functions that are exported for linking answer `CUDA_ERROR_NOT_SUPPORTED`.

mod settings;

use pipe_driver as _;

/// Runs when the library is loaded, before any driver call can.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = {
    extern "C" fn start() {
        settings::apply();
    }
    start
};
