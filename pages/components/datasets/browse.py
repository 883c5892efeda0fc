"""Looks into a data set: a gallery of its faces, one face large, the mean face of each class."""

import numpy as np
import streamlit as st

from fer_core import expressions, vision
from fer_core.datasets import Corrections, Dataset, positions_of
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.dataset_cache import thumbnail
from pages.components.shared.face_dialog import show_face
from pages.components.shared.formatting import SPLITS
from pages.components.shared.gallery import Tile, gallery

ALL = "all"  # splits; none is named so
OUT, RELABELLED = "Left out", "Relabelled"
_PER_PAGE = 40


@st.fragment
def show_faces(dataset: Dataset, told: Corrections | None) -> None:
    """A page of faces of the chosen split and class, in order or drawn at random.

    Args:
        told: the corrections that the page around it tells of; with others it is shown anew.
    """
    overlay = corrections_or_empty(dataset)
    split, expression, decided, draw = _choose(dataset, overlay)
    positions = dataset.select(None if split == ALL else split, expression)
    if decided is not None:
        positions = np.intersect1d(positions, _decided_on(dataset, overlay, decided))
    if draw:
        positions = np.random.default_rng(draw).permutation(positions)
    pages = max(1, -(-len(positions) // _PER_PAGE))
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = f"{split}-{expression}-{decided}-{draw}"
        page = st.pagination(pages, key=f"page-{dataset.name}-{chosen}")
        st.caption(f"{len(positions):,} images", width="content")
    shown = positions[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    pressed = gallery(_tiles(dataset, overlay, shown), key=f"faces-{dataset.name}")
    place = np.flatnonzero(positions == pressed)
    if len(place):  # it may have been decided about elsewhere meanwhile
        show_face(dataset, positions, int(place[0]))
    elif told is not None and overlay != told:
        st.rerun()


def _choose(dataset: Dataset, overlay: Corrections) -> tuple[str, str | None, str | None, int]:
    """The widgets above the gallery: split, class and decision (or None), which random draw.

    A draw of 0 is none.
    """
    key = f"draw-{dataset.name}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Split",
            [ALL, *dataset.counts().columns],
            format_func=lambda name: "All" if name == ALL else SPLITS[name],
            default=ALL,
            required=True,
            key=f"split-{dataset.name}",
        )
        expression = st.selectbox(
            "Expression",
            [None, *dataset.class_names],  # a class may be named "all"
            format_func=lambda name: "All expressions" if name is None else name,
            width=180,
            key=f"class-{dataset.name}",
        )
        decided = None
        if overlay:
            decided = st.selectbox(
                "Decision",
                [None, OUT, RELABELLED],
                format_func=lambda name: name or "All images",
                width=180,
                key=f"decided-{dataset.name}",
            )
        st.button("Draw at random", icon=":material/shuffle:", on_click=_draw, args=(key,))
        draw = int(st.session_state.setdefault(key, 1))
        if draw:
            st.button("In order", icon=":material/sort:", on_click=_order, args=(key,))
    return str(split), expression, decided, draw


def _decided_on(dataset: Dataset, overlay: Corrections, decided: str) -> np.ndarray:
    """Positions of the images that are left out, or of those that are relabelled."""
    keys = {OUT: overlay.excluded, RELABELLED: overlay.relabelled}[decided]
    found = positions_of(dataset.index, keys).values()
    return np.array([place for places in found for place in places], dtype=int)


def _draw(key: str) -> None:
    st.session_state[key] += 1


def _order(key: str) -> None:
    st.session_state[key] = 0


def _tiles(dataset: Dataset, overlay: Corrections, positions: np.ndarray) -> list[Tile]:
    """Images that are left out look so; relabelled ones say what they are called now."""
    names = dataset.class_names
    color = dict(zip(names, expressions.colors(names), strict=True))
    labels = dataset.index["expression"].iloc[positions]
    tiles = []
    for position, label, key in zip(positions, labels, dataset.keys(positions), strict=True):
        name = overlay.relabelled.get(key, label)
        words = label if name == label else f"{label} → {name}"
        picture = thumbnail(dataset, int(position))
        tiles.append(
            Tile(picture, words, color[name], int(position), faded=key in overlay.excluded)
        )
    return tiles


def show_mean_faces(dataset: Dataset) -> None:
    """The average picture of every class."""
    st.markdown(
        "Every face of a class laid over the others. What is sharp is common to the class; what "
        "looks alike in two classes is easily confused."
    )
    counts = dataset.counts().sum(axis=1)
    colors = expressions.colors(dataset.class_names)
    tiles = [
        Tile(vision.encode(face, "JPEG"), f"{name} · {counts[name]:,}", color)
        for (name, face), color in zip(dataset.mean_faces().items(), colors, strict=True)
    ]
    gallery(tiles, key=f"means-{dataset.name}", min_width=110, clickable=False)
