"""Python clients of CUDA on the embedded device: what the scripts that run some have in common.

`enter` restarts a script inside target/venv, with the packages it needs, and with pipe's libcuda as the driver.
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / "target" / "venv"
# Set where `enter` has done its work already.
INSIDE = "PIPE_CLIENT_INSIDE"

# Versions are fixed: what clients ask of a driver changes from one to the next.
CUDA_BINDINGS = ["cuda-bindings==13.5.0", "nvidia-cuda-nvrtc==13.5.37", "numpy>=2"]
CUDA_HEADERS = ["nvidia-cuda-cccl==13.3.5.0.6", "nvidia-cuda-runtime==13.5.37", "nvidia-cuda-crt==13.5.37"]
CUDA_CORE = ["cuda-core==1.2.2"]
TINYGRAD = ["tinygrad==0.14.0", "numpy>=2"]


def enter(packages: list[str]) -> None:
    """Returns inside the environment; outside it, replaces this process by one that is inside."""
    if os.environ.get(INSIDE):
        return
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    # Quick where they are installed already.
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
    command = [str(ROOT / "scripts" / "on-embedded"), str(python), *sys.argv]
    # An endless loop is a failure soon, not late.
    budget = os.environ.get("PIPE_INSTRUCTION_BUDGET", "20000000")
    os.execve(command[0], command, {**os.environ, INSIDE: "1", "PIPE_INSTRUCTION_BUDGET": budget})


def print_table(header: list[str], rows: list[tuple]) -> None:
    """Prints rows of text under a header, columns aligned."""
    lines = [header, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
