"""What this machine computes with."""

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
# What processors call the instructions that multiply bfloat16: Intel and AMD, and Arm.
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


@cache
def describe() -> str:
    """What TensorFlow computes on here, with the processor's cores and memory, in a few words."""
    memory = psutil.virtual_memory().total / 2**30
    processor = f"{psutil.cpu_count(logical=False) or psutil.cpu_count()} cores, {memory:.0f} GiB"
    names = ", ".join(graphics_processors())
    return f"{names} ({processor})" if names and has_cuda() else f"CPU, {processor}"


def hint() -> str:
    """A sentence where a graphics processor lies idle, else an empty string."""
    if not graphics_processors() or has_cuda():
        return ""
    return (
        f"There is a graphics processor, {', '.join(graphics_processors())}. TensorFlow uses it on "
        "Linux, with `pip install tensorflow[and-cuda]`."
    )


@cache
def has_bfloat16() -> bool:
    """Whether half precision is fast here: what training computes on multiplies bfloat16 itself.

    Processors do that since Cooper Lake, Zen 4 and Armv8.6, NVIDIA's cards since Ampere (compute
    capability 8.0). Others imitate it, and are slower than in float32.
    """
    if graphics_processors() and has_cuda():
        # An old driver does not know the question: then nothing, or "[N/A]", is answered.
        generations = [answer.partition(".")[0].strip() for answer in _ask_cards("compute_cap")]
        known = bool(generations) and all(map(str.isdecimal, generations))
        return known and all(int(generation) >= 8 for generation in generations)
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # Linux alone tells so simply
        return False
    names = [line.partition(":") for line in lines]
    of_first = [rest for name, _, rest in names if name.strip() in ("flags", "Features")][:1]
    return any(_BFLOAT16 & set(rest.split()) for rest in of_first)


def subprocess_env(*, low_latency: bool = False) -> dict[str, str]:
    """The environment of a process that computes; what a person has set in this one stays.

    TensorFlow's remarks to those who develop it are left out; its errors come as exceptions, too.

    By itself it leaves oneDNN's convolutions alone unless the processor has AVX-512 VNNI or what
    came after it. With AVX2 alone they train the classic CNN 1.6 times as fast, its wide variant
    1.2 times, the residual network 1.5 times, a VGG19 of which two blocks learn 1.6 to 2 times
    (`python -m tests.benchmarks.training_step` with the variant "without oneDNN", two cores of Zen
    3). A single face takes a third longer by them, and so the app is left as it is.

    Args:
        one_by_one: whether it looks at a face or a frame at a time.
    """
    ours = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if not low_latency and platform.machine().lower() in ("x86_64", "amd64"):
        ours["TF_ENABLE_ONEDNN_OPTS"] = "1"
    return ours | os.environ


@cache
def graphics_processors() -> tuple[str, ...]:
    """Names of NVIDIA's graphics processors, the only ones for which TensorFlow has a build."""
    return _ask_cards("name")


def _ask_cards(what: str) -> tuple[str, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    listing = [program, f"--query-gpu={what}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(listing, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()  # a driver without a card, or one that hangs
    return tuple(answer.stdout.splitlines())


def has_cuda() -> bool:
    """Whether the CUDA libraries that TensorFlow needs were installed with it."""
    # The app must not load TensorFlow to ask it.
    try:
        return sys.platform == "linux" and find_spec("nvidia.cudnn") is not None
    except ModuleNotFoundError:
        return False
