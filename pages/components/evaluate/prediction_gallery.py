"""Shows predicted images with the probabilities of every class, page by page."""

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import expressions
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport, class_probabilities
from pages.components.shared.dataset_cache import thumbnail
from pages.components.shared.face_dialog import show_face
from pages.components.shared.formatting import plain
from pages.components.shared.gallery import Bar, Tile, gallery
from pages.components.shared.predictions_cache import LocatedImages, Subject, locate_images

_PER_PAGE = 9
_LEAST_WIDTH = 104  # pixels of a tile


def show_answers(
    subject: Subject, found: EvaluationReport, rows: np.ndarray, key: str, place: str = "answers"
) -> None:
    """Shows the predictions of these rows, in their order; as a table if there are no images.

    Args:
        subject: whose predictions they are.
        found: the report.
        rows: to show.
        key: of the selection; a new key starts on the first page.
        place: identifies the gallery if the page shows several.
    """
    if not len(rows):
        st.info("No such images.", icon=":material/check:")
        return
    page = 1
    pages = -(-len(rows) // _PER_PAGE)
    if pages > 1:
        page = st.pagination(pages, key=f"page-{subject.key}-{key}")
    shown = rows[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    try:
        images = locate_images(subject, found)
    except FerError:
        reason = f"The images of {subject.dataset} are not on this machine. "
        _show_without_images(f"{reason}Add the dataset to see the faces.", found, shown)
        st.page_link("pages/datasets.py", label="Datasets", icon=":material/arrow_forward:")
        return
    missing = int((images.positions < 0).sum())
    if missing == len(images.positions):
        name = subject.dataset
        _show_without_images(
            f"The dataset {name} on this machine does not contain these images. Add the files that "
            "the run was evaluated on to see the faces.",
            found,
            shown,
        )
        return
    if missing:
        st.caption(
            f"{missing:,} of {len(images.positions):,} images are not in the dataset anymore."
        )
    _show_gallery(f"{place}-{subject.key}", images, found, rows, shown)


def _show_gallery(
    key: str, images: LocatedImages, found: EvaluationReport, rows: np.ndarray, shown: np.ndarray
) -> None:
    tiles = _tiles(images, found.calibrated.iloc[shown], images.positions[shown])
    pressed = gallery(tiles, key=key, min_width=_LEAST_WIDTH)
    if pressed is not None and pressed >= 0:
        positions = images.positions[rows]
        positions = positions[positions >= 0]
        show_face(images.dataset, positions, int(np.flatnonzero(positions == pressed)[0]))


def _tiles(images: LocatedImages, table: pd.DataFrame, positions: np.ndarray) -> list[Tile]:
    names, probabilities = class_probabilities(table)
    color = dict(zip(names, expressions.colors(names), strict=True))
    rows = zip(table["expression"], table["predicted"], probabilities, positions, strict=True)
    return [
        Tile(
            thumbnail(images.dataset, int(position)) if position >= 0 else b"",
            truth if truth == answered else f"{truth} → {answered}",
            color[answered],
            int(position),
            bars=tuple(
                Bar(name, float(share), color[name], name == truth)
                for name, share in zip(names, shares, strict=True)
            ),
        )
        for truth, answered, shares, position in rows
    ]


def _show_without_images(reason: str, found: EvaluationReport, shown: np.ndarray) -> None:
    st.info(plain(reason), icon=":material/image_not_supported:")
    table = found.calibrated.iloc[shown]
    names, probabilities = class_probabilities(table)
    words = table[["expression", "predicted"]].set_axis(["True", "Predicted"], axis="columns")
    image = table["path"].where(table["row"] == "", table["path"] + ", row " + table["row"])
    shares = pd.DataFrame(100 * probabilities, columns=names, index=table.index)
    st.dataframe(
        pd.concat([image.rename("Image"), words, shares], axis="columns"),
        column_config={
            name: st.column_config.ProgressColumn(name, format="%.1f%%", max_value=100)
            for name in names
        },
        hide_index=True,
    )
