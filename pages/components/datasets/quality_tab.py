"""What is wrong with a data set's images: a list of findings, each with its pictures."""

from datetime import timedelta

import streamlit as st

from fer_core.datasets import Corrections, Dataset
from fer_core.datasets.quality import WORDS, Finding
from pages.components.datasets.finding_gallery import show_finding
from pages.components.datasets.quality_cache import QualityReport, quality_report
from pages.components.datasets.quality_task import show_examination, submit_examination
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_duration

_SAMPLE = 500  # images in which faces are looked for, unless another number is chosen


def show_quality(dataset: Dataset, told: Corrections | None) -> None:
    """The findings, the way to them, and how far that is.

    Args:
        told: the corrections that the page around it tells of; with others it is shown anew.
    """
    active = show_examination(dataset.name)
    known = quality_report(dataset)
    if known is None:
        if not active:
            _offer_first_look(dataset)
    elif not known.is_current:
        st.warning(
            "The data set has changed since its images were looked at, so what was found then is "
            "out of date.",
            icon=":material/history:",
        )
        _offer_look(dataset, "Look again", primary=True, disabled=active)
    else:
        _show_findings(dataset, told, active)


def _offer_first_look(dataset: Dataset) -> None:
    st.markdown(
        "Every image is looked at once, and compared with every other one. What comes of it: "
        "images that cannot be read, are blank, too dark, too bright, blurred or of an odd size; "
        "duplicates, exact and near; duplicates with different labels; and **leaks**, images of "
        "validation or test that are in training too and make a score better than the network."
    )
    _offer_look(dataset, "Look for problems", primary=True)


def _offer_look(
    dataset: Dataset, label: str, *, primary: bool = False, disabled: bool = False
) -> None:
    if st.button(
        label,
        type="primary" if primary else "tertiary",
        icon=":material/search:",
        disabled=disabled,
        key=f"look-{dataset.name}",
    ):
        _look(dataset)


def _look(dataset: Dataset, faces: int = 0) -> None:
    """Asks for a look, and shows the whole page anew: its progress is outside of the fragment."""
    run_or_toast(lambda: submit_examination(dataset.name, faces))
    st.rerun()


@st.fragment
def _show_findings(dataset: Dataset, told: Corrections | None, active: bool) -> None:
    known = quality_report(dataset)
    if known is None or not known.is_current:
        st.rerun()
    some = {finding.kind: finding for finding in known.findings if finding.images}
    names, faces = st.columns([3, 5], gap="medium")
    with names:
        kind = _pick(dataset, some)
        _show_look(known)
        _offer_look(dataset, "Look again", disabled=active)
        _offer_face_search(dataset, known, active)
    with faces:
        if kind is None:
            st.success("Nothing was found.", icon=":material/check:")
            is_large = False
        else:
            is_large = show_finding(dataset, known.seen, some[kind])
    if not is_large and told is not None and corrections_or_empty(dataset) != told:
        st.rerun()


def _pick(dataset: Dataset, some: dict[str, Finding]) -> str | None:
    """The kind of finding to show; None where nothing was found."""
    if not some:
        return None
    key = f"finding-{dataset.name}"
    if st.session_state.get(key) not in some:  # all its images may be left out by now
        st.session_state[key] = next(iter(some))
    kind = st.radio("Findings", list(some), format_func=lambda kind: _named(some[kind]), key=key)
    return str(kind)


def _show_look(known: QualityReport) -> None:
    """What was not found, and when that was."""
    nothing = [WORDS[finding.kind].title for finding in known.findings if not finding.images]
    if nothing:
        st.caption(f"Nothing found: {'; '.join(nothing)}.")
    seen = known.seen
    took = format_duration(timedelta(seconds=seen.seconds))
    st.caption(
        f"All {len(seen.table):,} images were looked at on {seen.time:%d %B %Y at %H:%M}, in "
        f"{took}."
    )


def _named(finding: Finding) -> str:
    return f"{WORDS[finding.kind].title} · **{finding.images:,}**"


def _offer_face_search(dataset: Dataset, known: QualityReport, active: bool) -> None:
    label = "Look for faces" if known.faces is None else "Look for faces again"
    with st.expander(label, icon=":material/face:"):
        st.caption(
            "MTCNN looks for a face in images drawn at random, which takes about 30 ms each; "
            "those without one become a finding."
        )
        most, key = len(known.seen.table), f"sample-{dataset.name}"
        count = st.number_input("Images", 1, most, min(_SAMPLE, most), key=key)
        if st.button("Look for faces", disabled=active, key=f"look-for-faces-{dataset.name}"):
            _look(dataset, int(count))
