"""Keeps the server's memory small and the collections of its garbage short."""

import ctypes
import gc
import sys

import streamlit as st


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


def release_free_memory() -> None:
    """Gives memory back that Linux's C library keeps: 30 MB once a model is loaded."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in every C library
        if trim is not None:
            trim(0)
