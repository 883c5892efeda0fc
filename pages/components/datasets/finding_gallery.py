"""Shows the images of one finding as a gallery and a download."""

import numpy as np
import streamlit as st

from fer_core import expressions
from fer_core.datasets import Dataset, quality
from fer_core.datasets.quality import DESCRIPTIONS, DIFFERING, Differing, Finding, ScanResult
from fer_core.storage import export_csv
from fer_core.text import counted
from pages.components.shared.access import writing
from pages.components.shared.dataset_cache import thumbnail, with_corrections
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.face_dialog import show_face
from pages.components.shared.gallery import Tile, gallery

_PER_PAGE = 40
_DIFFERING: dict[Differing, str] = {
    "majority": "Keep one with the label that most of them have; none if there is a tie",
    "none": "Keep none in training: the right label is unknown",
    "all": "Keep these groups as they are",
}


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
    _offer_exclusion(dataset, finding)
    offer_download(
        "Download as CSV",
        lambda: export_csv(quality.finding_table(finding, result, with_corrections(dataset).index)),
        f"{dataset.name}-{finding.kind}.csv",
        "text/csv",
        key=f"csv-{dataset.name}-{finding.kind}",
    )
    starts = quality.page_starts(finding, _PER_PAGE)
    page = st.pagination(len(starts), key=f"page-{dataset.name}-{finding.kind}-{finding.images}")
    ends = [*starts[1:], len(finding.positions)]
    here = slice(starts[page - 1], ends[page - 1])
    pressed = gallery(
        _tiles(dataset, finding, here),
        key=f"finding-faces-{dataset.name}",
        min_width=92,
        groups=None if finding.groups is None else finding.groups[here].tolist(),
    )
    places = np.flatnonzero(finding.positions == pressed)
    if len(places):  # it may have been excluded in another session
        show_face(dataset, finding.positions, int(places[0]))
    return len(places) > 0


def _offer_exclusion(dataset: Dataset, finding: Finding) -> None:
    """Shows a button that excludes the images that cause the finding, and what will be left.

    Asks first which image stays if labels differ within a group.
    """
    index = with_corrections(dataset).index
    asked = len(quality.differing_groups(finding, index))
    if not len(finding.excess) and not asked:
        return
    differing: Differing | None = "none"
    if asked:
        differing = st.radio(
            f"Labels differ in {counted(asked, 'group')}",
            DIFFERING,
            index=None,
            format_func=lambda answer: _DIFFERING[answer],
            key=f"differing-{dataset.name}-{finding.kind}",
        )
    excluded = quality.excluded_images(finding, index, differing or "none")
    images = counted(len(excluded), "image")
    if st.button(
        f"Exclude {images}" if differing else "Exclude images",
        icon=":material/block:",
        **writing(
            disabled=differing is None or not len(excluded),
            help="Saved as corrections: the image files are not changed, and you can undo it on "
            "the Corrections tab. Runs use it if “Use corrections” is checked.",
        ),
        key=f"exclude-{dataset.name}-{finding.kind}",
    ):
        reason = DESCRIPTIONS[finding.kind].title
        if run_or_report(lambda: dataset.exclude(excluded.tolist(), reason)):
            st.toast(f"{images} excluded: {reason}.", icon=":material/block:")
        st.rerun()  # the whole page, which shows the corrections
    if differing and len(excluded):
        left = quality.images_left(index, excluded, dataset.class_names)
        counts = ", ".join(f"{name} {count:,}" for name, count in left.items())
        st.caption(f"{DESCRIPTIONS[finding.kind].advice} Training images left: {counts}.")
    else:
        st.caption(DESCRIPTIONS[finding.kind].advice)


def _summary(finding: Finding) -> str:
    share = finding.images / max(1, finding.of)
    population = DESCRIPTIONS[finding.kind].population
    text = f"**{finding.images:,}** of {finding.of:,} {population} ({share:.1%})"
    groups = finding.group_count
    if groups:
        text += f", in {counted(groups, 'group')}"
    others = len(finding.positions) - finding.images
    return f"{text}. Shown with the {others:,} images they duplicate." if others else f"{text}."


def _tiles(dataset: Dataset, finding: Finding, here: slice) -> list[Tile]:
    names, positions = dataset.class_names, finding.positions[here]
    color = dict(zip(names, expressions.colors(names), strict=True))
    rows = with_corrections(dataset).index[["expression", "split"]].iloc[positions]
    wanted = rows["split"] if finding.stay_in is None else finding.stay_in[here]
    return [
        Tile(
            thumbnail(dataset, int(position)),
            f"{label} · {split}" + (f" (must stay in {stay})" if stay != split else ""),
            color[label],
            int(position),
        )
        for position, label, split, stay in zip(
            positions, rows["expression"], rows["split"], wanted, strict=True
        )
    ]
