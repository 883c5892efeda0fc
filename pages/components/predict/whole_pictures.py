"""Proposes to take pictures that are cropped faces already as they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.text import counted
from pages.components.shared.models import FaceSearch

if TYPE_CHECKING:
    from fer_core.inference import PhotoResult

WHOLE = "the-picture-is-the-face"  # key of the toggle
_MAX_SIDE = 100  # pixels; pictures up to this size are mostly cropped faces


def propose_whole_pictures(results: Sequence["PhotoResult"], search: FaceSearch) -> None:
    """Shows why pictures may be cropped faces already, and a button, if that goes for most."""
    small = sum(_is_small(result) for result in results)
    without = sum(not result.recognitions for result in results)
    either = sum(_is_small(result) or not result.recognitions for result in results)
    if search.whole or either <= len(results) / 2:
        return
    if small >= without:
        some = f"{small:,} of {counted(len(results), 'picture')}"
        why = f"{some} with at most {_MAX_SIDE} pixels a side: probably cropped faces already."
    else:
        some = f"{without:,} of {counted(len(results), 'picture')}"
        why = f"No face was found in {some}. Are they cropped faces already?"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(why, width="stretch")
        st.button("Take each whole picture as a face", icon=":material/crop_free:", on_click=_take)


def _is_small(result: "PhotoResult") -> bool:
    return max(result.height, result.width) <= _MAX_SIDE


def _take() -> None:
    st.session_state[WHOLE] = True
