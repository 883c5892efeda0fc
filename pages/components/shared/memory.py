"""Keeps Python's garbage collection, which Streamlit asks for after every run, short."""

import gc
import sys
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    pass


def freeze_garbage() -> None:
    """Spares all that is there now the collections to come."""
    gc.unfreeze()  # or a model that was dropped would never be collected
    gc.collect()
    gc.freeze()


def freeze_imports() -> None:
    """Keeps Streamlit's collection after every run from walking through all that was imported.

    To be called after a page ran, since pages import more.
    """
    _freeze_imports(len(sys.modules) // 100)


@st.cache_resource(max_entries=1, show_spinner=False)
def _freeze_imports(hundreds: int) -> None:
    freeze_garbage()
