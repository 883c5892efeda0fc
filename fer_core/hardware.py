"""Detects the GPU and fast half precision, and sets up the environment of child processes."""

import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil

CPU_INFO = Path("/proc/cpuinfo")
# CPU flags for bfloat16 multiplication on Intel and AMD, and on Arm.
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


@cache
def describe() -> str:
    """Returns the device that TensorFlow uses, with cores and memory: "CPU, 2 cores, 16 GiB"."""
    memory = psutil.virtual_memory().total / 2**30
    cpu = f"{psutil.cpu_count(logical=False) or psutil.cpu_count()} cores, {memory:.0f} GiB"
    gpus = ", ".join(gpu_names())
    return f"{gpus} ({cpu})" if gpus and has_cuda() else f"CPU, {cpu}"


def hint() -> str:
    """Returns how to use a GPU that TensorFlow does not use; an empty string if there is none."""
    if not gpu_names() or has_cuda():
        return ""
    return (
        f"This machine has a GPU, {', '.join(gpu_names())}. To use it, install TensorFlow on Linux "
        "with `pip install tensorflow[and-cuda]`."
    )


@cache
def has_bfloat16() -> bool:
    """Returns whether the device that trains multiplies bfloat16 in hardware.

    CPUs do since Cooper Lake, Zen 4 and Armv8.6, NVIDIA's GPUs since Ampere (compute capability
    8.0). Others emulate it, which is slower than float32. CPUs are only recognized on Linux.
    """
    if gpu_names() and has_cuda():
        # An old driver does not know this query, and prints nothing or "[N/A]".
        majors = [line.partition(".")[0].strip() for line in _query_gpus("compute_cap")]
        known = bool(majors) and all(map(str.isdecimal, majors))
        return known and all(int(major) >= 8 for major in majors)
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    fields = [line.partition(":") for line in lines]
    flags = [value for name, _, value in fields if name.strip() in ("flags", "Features")]
    return bool(flags) and bool(_BFLOAT16_FLAGS & set(flags[0].split()))


def subprocess_env(*, low_latency: bool = False) -> dict[str, str]:
    """Returns the environment for a child process that runs TensorFlow.

    Variables that the user has set win. TensorFlow's log messages are turned off; its errors are
    exceptions anyway.

    TensorFlow uses oneDNN's convolutions by default only on CPUs with AVX-512 VNNI or newer. With
    AVX2 alone, oneDNN trains the classic CNN 1.6 times as fast, its wide variant 1.2 times, the
    residual CNN 1.5 times, and a VGG19 with two unfrozen blocks 1.6 to 2 times
    (`python -m tests.benchmarks.training_step` with the variant "without oneDNN", two cores of Zen
    3). A single face takes a third longer, so the app keeps TensorFlow's default.

    Args:
        low_latency: for a process that predicts one face or frame at a time: no oneDNN.
    """
    defaults = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if not low_latency and platform.machine().lower() in ("x86_64", "amd64"):
        defaults["TF_ENABLE_ONEDNN_OPTS"] = "1"
    return defaults | os.environ


@cache
def gpu_names() -> tuple[str, ...]:
    """Returns the names of NVIDIA's GPUs, the only ones that TensorFlow's packages support."""
    return _query_gpus("name")


def gpu_memory() -> int:
    """Returns the bytes of memory of the first of NVIDIA's GPUs, or 0 if that is not known."""
    mebibytes = next(iter(_query_gpus("memory.total")), "").partition(" ")[0]
    return int(mebibytes) * 2**20 if mebibytes.isdecimal() else 0


def _query_gpus(field: str) -> tuple[str, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()  # a driver without a GPU, or one that hangs
    return tuple(done.stdout.splitlines())


def has_cuda() -> bool:
    """Returns whether TensorFlow's CUDA libraries are installed, without loading TensorFlow."""
    try:
        return sys.platform == "linux" and find_spec("nvidia.cudnn") is not None
    except ModuleNotFoundError:
        return False
