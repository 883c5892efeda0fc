"""Shows the images of one finding as a gallery and a download."""

import numpy as np
import streamlit as st

from fer_core import expressions
from fer_core.datasets import Dataset, quality
from fer_core.datasets.quality import DESCRIPTIONS, Finding, ScanResult
from fer_core.storage import export_csv
from fer_core.text import counted
from pages.components.shared.access import writing
from pages.components.shared.dataset_cache import thumbnail, with_corrections
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.face_dialog import show_face
from pages.components.shared.gallery import Tile, gallery

_PER_PAGE = 40


def show_finding(dataset: Dataset, result: ScanResult, finding: Finding) -> bool:
    """Shows the explanation, the number of images, and a page of them.

    Returns:
        Whether an image was just selected and is shown in a dialog.
    """
    description = DESCRIPTIONS[finding.kind]
    show_reported_errors()
    st.subheader(description.title, anchor=False)
    st.markdown(description.meaning)
    st.markdown(_summary(finding))
    with st.container(horizontal=True, vertical_alignment="center"):
        _offer_exclusion(dataset, finding)
        st.download_button(
            "Download as CSV",
            lambda: export_csv(
                quality.finding_table(finding, result, with_corrections(dataset).index)
            ),
            file_name=f"{dataset.name}-{finding.kind}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"csv-{dataset.name}-{finding.kind}",
        )
    if len(finding.excess):
        st.caption(description.advice)
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
    if len(places):  # it may have been excluded in another session
        show_face(dataset, finding.positions, int(places[0]))
    return len(places) > 0


def _offer_exclusion(dataset: Dataset, finding: Finding) -> None:
    """Shows a button that excludes the images that cause the finding."""
    count = len(finding.excess)
    if not count:
        return
    images = counted(count, "image")
    if st.button(
        f"Exclude {images}",
        icon=":material/block:",
        **writing(
            help="Saved as corrections: the image files are not changed, and you can undo it on "
            "the Corrections tab. Runs use it if “Use corrections” is checked."
        ),
        key=f"exclude-{dataset.name}-{finding.kind}",
    ):
        reason = DESCRIPTIONS[finding.kind].title
        if run_or_report(lambda: dataset.exclude(finding.excess.tolist(), reason)):
            st.toast(f"{images} excluded: {reason}.", icon=":material/block:")
        st.rerun()  # the whole page, which shows the corrections


def _summary(finding: Finding) -> str:
    share = finding.images / max(1, finding.of)
    population = DESCRIPTIONS[finding.kind].population
    text = f"**{finding.images:,}** of {finding.of:,} {population} ({share:.1%})"
    groups = finding.group_count
    if groups:
        text += f", in {counted(groups, 'group')}"
    others = len(finding.positions) - finding.images
    return f"{text}. Shown with the {others:,} images they duplicate." if others else f"{text}."


def _tiles(dataset: Dataset, positions: np.ndarray) -> list[Tile]:
    names = dataset.class_names
    color = dict(zip(names, expressions.colors(names), strict=True))
    rows = with_corrections(dataset).index[["expression", "split"]].iloc[positions]
    return [
        Tile(thumbnail(dataset, int(position)), f"{label} · {split}", color[label], int(position))
        for position, label, split in zip(positions, rows["expression"], rows["split"], strict=True)
    ]
