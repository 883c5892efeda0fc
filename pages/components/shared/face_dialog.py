"""One face of a data set, large, over the page."""

import numpy as np
import streamlit as st

from fer_core import datasets, vision
from fer_core.datasets import Dataset
from pages.components.shared.face_decision import offer_decision
from pages.components.shared.formatting import SPLITS, plain

_LARGE = 384  # pixels of the longer side
_PLACE = "place-of-the-large-face"


def show_face(dataset: Dataset, positions: np.ndarray, place: int) -> None:
    """Opens the face at a place in `positions`, with the way to its neighbours."""
    _go(place)
    _show(dataset, positions)


@st.dialog("One face", width="medium", on_dismiss="rerun")  # the gallery shows what was decided
def _show(dataset: Dataset, positions: np.ndarray) -> None:
    place = int(st.session_state[_PLACE])
    position = int(positions[place])
    row = dataset.index.iloc[position]
    st.code(dataset.reader.name(position), language=None, wrap_lines=True)
    try:
        image = dataset.image(position)
    except ValueError as error:
        st.error(plain(str(error)))
    else:
        height, width = image.shape[:2]
        factor = _LARGE / max(height, width)
        large = vision.resize(image, round(height * factor), round(width * factor))
        with st.container(horizontal_alignment="center"):
            st.image(large, alt=row["expression"])
        name, split = plain(row["expression"]), SPLITS.get(row["split"], "Excluded")
        st.markdown(f"**{name}** · {split} · {width}×{height} pixels")
    if votes := datasets.describe_votes(row):
        st.caption(f"FER+ votes: {plain(votes)}")
    offer_decision(dataset, position)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            on_click=_go,
            args=(place - 1,),
            disabled=place == 0,
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            on_click=_go,
            args=(place + 1,),
            disabled=place == len(positions) - 1,
        )
        st.caption(f"{place + 1:,} of {len(positions):,}", width="content")


def _go(place: int) -> None:
    st.session_state[_PLACE] = place
