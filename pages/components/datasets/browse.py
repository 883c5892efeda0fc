"""The Faces and Mean faces tabs: galleries of a dataset's images."""

import numpy as np
import streamlit as st

from fer_core import expressions, vision
from fer_core.datasets import (
    GROUP_NOUNS,
    Corrections,
    Dataset,
    images_per_group,
    positions_of,
)
from fer_core.errors import FerError
from fer_core.text import visible
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.dataset_cache import thumbnail
from pages.components.shared.face_dialog import show_face
from pages.components.shared.formatting import SPLITS, plain
from pages.components.shared.gallery import Tile, gallery

ALL = "all"  # not the name of a split
EXCLUDED, RELABELED = "Excluded", "Relabeled"
_PER_PAGE = 40
_MOST_GROUPS = 5_000  # subjects or sequences to choose from, those with most images


@st.fragment
def show_faces(dataset: Dataset, page_corrections: Corrections | None) -> None:
    """Shows a page of images of the chosen split and class, in order or shuffled.

    Args:
        page_corrections: those shown by the surrounding page, which reruns when they change.
    """
    corrections = corrections_or_empty(dataset)
    split, expression, correction, draw, group = _choose(dataset, corrections)
    positions = dataset.select(None if split == ALL else split, expression)
    for column, name in group.items():
        positions = positions[(dataset.index[column].iloc[positions] == name).to_numpy()]
    if correction is not None:
        positions = np.intersect1d(
            positions, _corrected_positions(dataset, corrections, correction)
        )
    if draw:
        positions = np.random.default_rng(draw).permutation(positions)
    pages = max(1, -(-len(positions) // _PER_PAGE))
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = f"{split}-{expression}-{correction}-{draw}-{group}"
        page = st.pagination(pages, key=f"page-{dataset.name}-{chosen}")
        st.caption(f"{len(positions):,} images", width="content")
    shown = positions[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    pressed = gallery(_tiles(dataset, corrections, shown), key=f"faces-{dataset.name}")
    place = np.flatnonzero(positions == pressed)
    if len(place):  # it may have been corrected in another session
        show_face(dataset, positions, int(place[0]))
    elif page_corrections is not None and corrections != page_corrections:
        st.rerun()


def _choose(
    dataset: Dataset, corrections: Corrections
) -> tuple[str, str | None, str | None, int, dict[str, str]]:
    """Shows the filters; returns split, class or None, correction or None, shuffle seed, group.

    A seed of 0 means in order. The group is a subject or a sequence by its column, if any.
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
        correction = None
        if corrections:
            correction = st.selectbox(
                "Corrections",
                [None, EXCLUDED, RELABELED],
                format_func=lambda name: name or "All images",
                width=180,
                key=f"correction-{dataset.name}",
            )
        group = _choose_group(dataset)
        st.button("Shuffle", icon=":material/shuffle:", on_click=_shuffle, args=(key,))
        draw = int(st.session_state.setdefault(key, 1))
        if draw:
            st.button("Original order", icon=":material/sort:", on_click=_unshuffle, args=(key,))
    return str(split), expression, correction, draw, group


def _choose_group(dataset: Dataset) -> dict[str, str]:
    """Shows a filter of subjects and one of sequences, those of the chosen subject."""
    index, chosen = dataset.index, dict[str, str]()
    for column in GROUP_NOUNS:
        images = images_per_group(index, column)
        if not len(images):
            continue
        name = _choose_name(dataset, column, sorted(images.index[:_MOST_GROUPS]))
        if name is not None:
            chosen[column] = name
            index = index[index[column] == name]
    return chosen


def _choose_name(dataset: Dataset, column: str, names: list[str]) -> str | None:
    one, several = GROUP_NOUNS[column]
    return st.selectbox(
        one.capitalize(),
        [None, *names],
        format_func=lambda name: f"All {several}" if name is None else visible(name),
        width=180,
        key=f"{column}-{dataset.name}",
    )


def _corrected_positions(dataset: Dataset, corrections: Corrections, correction: str) -> np.ndarray:
    """Returns the positions of the excluded or of the relabeled images."""
    keys = {EXCLUDED: corrections.excluded, RELABELED: corrections.relabeled}[correction]
    positions = positions_of(dataset.index, keys).values()
    return np.array([position for group in positions for position in group], dtype=int)


def _shuffle(key: str) -> None:
    st.session_state[key] += 1


def _unshuffle(key: str) -> None:
    st.session_state[key] = 0


def _tiles(dataset: Dataset, corrections: Corrections, positions: np.ndarray) -> list[Tile]:
    """Builds the tiles; excluded images are faded, relabeled ones show both labels."""
    names = dataset.class_names
    color = dict(zip(names, expressions.colors(names), strict=True))
    labels = dataset.index["expression"].iloc[positions]
    tiles = []
    for position, label, key in zip(positions, labels, dataset.keys(positions), strict=True):
        name = corrections.relabeled.get(key, label)
        caption = label if name == label else f"{label} → {name}"
        picture = thumbnail(dataset, int(position))
        tiles.append(
            Tile(picture, caption, color[name], int(position), faded=key in corrections.excluded)
        )
    return tiles


def show_mean_faces(dataset: Dataset) -> None:
    """Shows the mean image of each class."""
    st.markdown(
        "The mean of all images of a class. Sharp features are common to the class; classes with "
        "similar means are easily confused."
    )
    try:
        faces = dataset.mean_faces()
    except FerError as error:
        st.warning(plain(f"{error} Add the dataset again to compute the mean faces."))
        return
    counts = dataset.counts().sum(axis=1)
    colors = expressions.colors(dataset.class_names)
    tiles = [
        Tile(vision.encode(face, "JPEG"), f"{name} · {counts[name]:,}", color)
        for (name, face), color in zip(faces.items(), colors, strict=True)
    ]
    gallery(tiles, key=f"means-{dataset.name}", min_width=110, clickable=False)
