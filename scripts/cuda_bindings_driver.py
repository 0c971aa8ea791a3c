"""The few things scripts do with NVIDIA's cuda-bindings: compile CUDA C, load the PTX, launch, copy."""

import contextlib
import os
import pathlib
import site
import sys
import tempfile

import numpy as np
from cuda.bindings import driver, nvrtc


class Refused(Exception):
    """A call of the driver or of NVRTC failed."""


def check(answer: tuple):
    """The values of a call's answer; raises `Refused` where its first is an error."""
    error, *values = answer
    if int(error) != 0:
        raise Refused(f"{error.name}")
    return values[0] if len(values) == 1 else values


def include_folder() -> str:
    """Where the PyPI packages put CUDA's headers."""
    for folder in site.getsitepackages():
        found = next(pathlib.Path(folder, "nvidia").glob("*/include/cuda_fp16.h"), None)
        if found:
            return str(found.parent)
    raise Refused("there are no CUDA headers: install nvidia-cuda-runtime")


def compile_ptx(source: str, name: str, arch: str) -> bytes:
    """CUDA C to PTX for an architecture as `sm_80`."""
    program = check(nvrtc.nvrtcCreateProgram(source.encode(), name.encode(), 0, [], []))
    options = [f"--gpu-architecture={arch.replace('sm_', 'compute_')}", f"--include-path={include_folder()}", "--std=c++17", "--device-int128", f"--include-path={include_folder()}/cccl"]
    options = [option.encode() for option in options]
    (error,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    if int(error) != 0:
        log = b" " * check(nvrtc.nvrtcGetProgramLogSize(program))
        check(nvrtc.nvrtcGetProgramLog(program, log))
        raise Refused(f"{name} for {arch}: {error.name}\n{log.decode().rstrip()}")
    ptx = b" " * check(nvrtc.nvrtcGetPTXSize(program))
    check(nvrtc.nvrtcGetPTX(program, ptx))
    check(nvrtc.nvrtcDestroyProgram(program))
    return ptx


@contextlib.contextmanager
def standard_output():
    """What libraries write to standard output meanwhile: a function that gives it."""
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        before = os.dup(1)
        text = []
        os.dup2(file.fileno(), 1)
        try:
            yield lambda: text[0]
        finally:
            os.dup2(before, 1)
            os.close(before)
            file.seek(0)
            text.append(file.read().decode())


class Module:
    """A loaded module: `kernels[name](grid, block, *arguments)` uploads arrays, launches, and downloads them again."""

    def __init__(self, ptx: bytes):
        log = bytearray(1 << 16)
        options = [driver.CUjit_option.CU_JIT_ERROR_LOG_BUFFER, driver.CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES]
        error, self.module = driver.cuModuleLoadDataEx(ptx, len(options), options, [log, len(log)])
        if int(error) != 0:
            words = log.split(b"\0")[0].decode().rstrip()
            raise Refused(f"{error.name}\n{words}")

    def unload(self) -> None:
        check(driver.cuModuleUnload(self.module))

    def launch(self, name: str, grid, block, *arguments, shared: int = 0, cooperative: bool = False, printed: str = "") -> None:
        """Arrays are copied to the device and back; numpy scalars are passed by value.

        What the kernel prints must be `printed`."""
        function = check(driver.cuModuleGetFunction(self.module, name.encode()))
        if shared > 48 << 10:
            attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            check(driver.cuFuncSetAttribute(function, attribute, shared))
        grid, block = [(*side, 1, 1)[:3] if isinstance(side, tuple) else (side, 1, 1) for side in (grid, block)]
        arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
        addresses = [check(driver.cuMemAlloc(max(array.nbytes, 1))) for array in arrays]
        try:
            for array, address in zip(arrays, addresses):
                check(driver.cuMemcpyHtoD(address, array, array.nbytes))
            of_array = iter(addresses)
            values = [np.array([int(next(of_array))], np.uint64) if isinstance(argument, np.ndarray) else np.array([argument])
                      for argument in arguments]
            pointers = np.array([value.ctypes.data for value in values], np.uint64)
            with standard_output() as output:
                if cooperative:
                    check(driver.cuLaunchCooperativeKernel(function, *grid, *block, shared, 0, pointers.ctypes.data))
                else:
                    check(driver.cuLaunchKernel(function, *grid, *block, shared, 0, pointers.ctypes.data, 0))
                check(driver.cuCtxSynchronize())
            assert output() == printed, f"printed {output()!r}, not {printed!r}"
            for array, address in zip(arrays, addresses):
                check(driver.cuMemcpyDtoH(array, address, array.nbytes))
        finally:
            for address in addresses:
                driver.cuMemFree(address)


def fresh_context(context=None):
    """A new context, current; the one before it, broken perhaps, is destroyed."""
    if context is None:
        check(driver.cuInit(0))
    else:
        driver.cuCtxDestroy(context)
    return check(driver.cuCtxCreate(None, 0, check(driver.cuDeviceGet(0))))
