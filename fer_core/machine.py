"""What this machine computes with."""

import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec

import psutil


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
def graphics_processors() -> tuple[str, ...]:
    """Names of NVIDIA's graphics processors, the only ones for which TensorFlow has a build."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    listing = [program, "--query-gpu=name", "--format=csv,noheader"]
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
