"""The pictures of one finding, page by page, and as a file."""

import numpy as np
import streamlit as st

from fer_core import expressions
from fer_core.datasets import Dataset, quality
from fer_core.datasets.quality import WORDS, Finding, Seen
from pages.components.dataset_cache import thumbnail
from pages.components.gallery import Tile, gallery
from pages.components.one_face import show_face

_PER_PAGE = 40


def show_finding(dataset: Dataset, seen: Seen, finding: Finding) -> None:
    """What it is, how many images, and a page of them; a press shows one large."""
    words = WORDS[finding.kind]
    st.subheader(words.title, anchor=False)
    st.markdown(words.meaning)
    starts = quality.page_starts(finding, _PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_counted(finding), width="content")
        st.download_button(
            "Download as CSV",
            lambda: quality.table_of(finding, seen, dataset.index).to_csv(index=False),
            file_name=f"{dataset.name}-{finding.kind}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"csv-{dataset.name}-{finding.kind}",
        )
    page = st.pagination(len(starts), key=f"page-{dataset.name}-{finding.kind}-{finding.images}")
    ends = [*starts[1:], len(finding.positions)]
    here = slice(starts[page - 1], ends[page - 1])
    pressed = gallery(
        _tiles(dataset, finding.positions[here]),
        key=f"finding-faces-{dataset.name}",
        least=92,
        groups=None if finding.groups is None else finding.groups[here].tolist(),
    )
    if pressed is not None:
        places = np.flatnonzero(finding.positions == pressed)
        if len(places):
            show_face(dataset, finding.positions, int(places[0]))


def _counted(finding: Finding) -> str:
    share = finding.images / max(1, finding.of)
    text = f"**{finding.images:,}** of {finding.of:,} {WORDS[finding.kind].of} ({share:.1%})"
    groups = finding.group_count
    if groups:
        text += f", in {groups:,} group{'s' if groups > 1 else ''}"
    others = len(finding.positions) - finding.images
    return f"{text}. Shown with {others:,} that they are copies of." if others else f"{text}."


def _tiles(dataset: Dataset, positions: np.ndarray) -> list[Tile]:
    names = dataset.class_names
    color = dict(zip(names, expressions.colors(names), strict=True))
    rows = dataset.index[["expression", "split"]].iloc[positions]
    return [
        Tile(thumbnail(dataset, int(position)), f"{label} · {split}", color[label], int(position))
        for position, label, split in zip(positions, rows["expression"], rows["split"], strict=True)
    ]
