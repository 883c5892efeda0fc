"""Keeps the server's memory small and the collections of its garbage short."""

import ctypes
import gc
import sys

import streamlit as st

_ARENA_MAX = -8  # number of this parameter of mallopt, in glibc's malloc.h
_HEAPS = 2


def freeze_imports() -> None:
    """Exempts imported modules from collections; call it after a page, since pages import more.

    Streamlit (seen in 1.67, `ScriptRunner._on_script_finished`) calls `gc.collect(2)` after every
    rerun, which takes 0.1 s, and 0.4 s once Grad-CAM has loaded TensorFlow. Can go when that call
    does, or when the option `runner.postScriptGC = false` is set for the server.
    """
    _freeze_imports(len(sys.modules) // 100)


@st.cache_resource(max_entries=1, show_spinner=False)
def _freeze_imports(hundreds: int) -> None:
    gc.freeze()  # the first page need not wait for a collection


def limit_heaps() -> None:
    """Makes all threads of the server share two heaps; call it before it starts threads.

    Linux's C library (glibc) gives each thread its own, up to eight a core, and each heap keeps the
    memory of the largest photo that was decoded in it: 22 MB more for each of the first ten tabs.
    """
    _call_libc("mallopt", _ARENA_MAX, _HEAPS)


def release_free_memory() -> None:
    """Gives memory back that Linux's C library keeps; takes 1 to 5 ms.

    That is 30 MB once a model is loaded, and 10 MB after a photo.
    """
    _call_libc("malloc_trim", 0)


def _call_libc(function: str, *arguments: int) -> None:
    """Calls a function of Linux's C library, if it has it: others than glibc do not."""
    if sys.platform == "linux":
        found = getattr(ctypes.CDLL(None), function, None)
        if found is not None:
            found(*arguments)
