"""What this machine computes with."""

import shutil
import subprocess
from functools import cache

import psutil


@cache
def describe() -> str:
    """The processor's cores and memory, and the graphics processors, in a few words."""
    memory = psutil.virtual_memory().total / 2**30
    processor = f"{psutil.cpu_count(logical=False) or psutil.cpu_count()} cores, {memory:.0f} GiB"
    names = ", ".join(graphics_processors())
    return f"{names} ({processor})" if names else f"CPU, {processor}"


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
