"""The pictures of one finding, page by page, and as a file."""

import numpy as np
import streamlit as st

from fer_core import expressions
from fer_core.datasets import Dataset, quality
from fer_core.datasets.quality import WORDS, Finding, ScanResult
from pages.components.shared.dataset_cache import thumbnail, with_corrections
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.face_dialog import show_face
from pages.components.shared.gallery import Tile, gallery

_PER_PAGE = 40


def show_finding(dataset: Dataset, seen: ScanResult, finding: Finding) -> bool:
    """What it is, how many images, and a page of them.

    Returns:
        Whether one was just pressed, and is shown large over the page.
    """
    words = WORDS[finding.kind]
    show_reported_errors()
    st.subheader(words.title, anchor=False)
    st.markdown(words.meaning)
    st.markdown(_counted(finding))
    with st.container(horizontal=True, vertical_alignment="center"):
        _offer_to_leave_out(dataset, finding)
        st.download_button(
            "Download as CSV",
            lambda: quality.table_of(finding, seen, with_corrections(dataset).index).to_csv(
                index=False
            ),
            file_name=f"{dataset.name}-{finding.kind}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"csv-{dataset.name}-{finding.kind}",
        )
    if len(finding.excess):
        st.caption(words.advice)
    starts = quality.page_starts(finding, _PER_PAGE)
    page = st.pagination(len(starts), key=f"page-{dataset.name}-{finding.kind}-{finding.images}")
    ends = [*starts[1:], len(finding.positions)]
    here = slice(starts[page - 1], ends[page - 1])
    pressed = gallery(
        _tiles(dataset, finding.positions[here]),
        key=f"finding-faces-{dataset.name}",
        min_width=92,
        groups=None if finding.groups is None else finding.groups[here].tolist(),
    )
    places = np.flatnonzero(finding.positions == pressed)
    if len(places):  # it may have been decided about elsewhere meanwhile
        show_face(dataset, finding.positions, int(places[0]))
    return len(places) > 0


def _offer_to_leave_out(dataset: Dataset, finding: Finding) -> None:
    """A button that excludes what it takes to be rid of the finding."""
    count = len(finding.excess)
    if not count:
        return
    images = f"{count:,} image{'s' if count > 1 else ''}"
    if st.button(
        f"Leave out {images}",
        icon=":material/block:",
        help="A correction of the data set, beside the images, which stay as they are. It can be "
        "taken back, and training uses it when asked.",
        key=f"exclude-{dataset.name}-{finding.kind}",
    ):
        reason = WORDS[finding.kind].title
        if run_or_report(lambda: dataset.exclude(finding.excess.tolist(), reason)):
            st.toast(f"{images} left out: {reason}.", icon=":material/block:")
        st.rerun()  # the whole page: it tells of the corrections


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
    rows = with_corrections(dataset).index[["expression", "split"]].iloc[positions]
    return [
        Tile(thumbnail(dataset, int(position)), f"{label} · {split}", color[label], int(position))
        for position, label, split in zip(positions, rows["expression"], rows["split"], strict=True)
    ]
