"""The Quality tab: starts quality scans, shows their progress and their findings."""

from datetime import timedelta

import streamlit as st

from fer_core import tasks
from fer_core.datasets import Corrections, Dataset, quality
from fer_core.datasets.quality import DESCRIPTIONS, Finding
from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.tasks import Task, kinds, queue
from pages.components.datasets.finding_gallery import show_finding
from pages.components.datasets.quality_cache import QualityReport, quality_report
from pages.components.shared.access import writing
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_duration, plain
from pages.components.shared.task_progress import TaskLabels, show_task

_MESSAGES = TaskLabels("Stop scan", "The scan failed.")
_SAMPLE = 500  # default number of images of a face search


def show_quality(dataset: Dataset, page_corrections: Corrections | None) -> None:
    """Shows the findings, or how to get them, and the progress of a running scan.

    Args:
        page_corrections: those shown by the surrounding page, which reruns when they change.
    """
    active = show_scan_progress(dataset.name)
    report = quality_report(dataset)
    if not active and (report is None or report.faces is None):
        _show_damage(dataset)
    if report is None:
        if not active:
            _offer_first_scan(dataset)
    elif not report.is_current:
        st.warning(
            "The images or the checks have changed since the last scan. Scan again to update the "
            "findings.",
            icon=":material/history:",
        )
        _offer_scan(dataset, "Scan again", primary=True, disabled=active)
    else:
        _show_findings(dataset, page_corrections, active)


def _show_damage(dataset: Dataset) -> None:
    """Shows which saved results cannot be read, so that they do not look as if there were none."""
    for sentence in quality.damaged_results(dataset):
        st.warning(
            plain(f"{sentence} Repeat the scan or the face search to replace it."),
            icon=":material/broken_image:",
        )


def submit_scan(name: str, faces: int = 0) -> Task:
    """Queues a quality scan of a dataset, or a face search in that many of its images.

    Raises:
        FerError: one is queued or running already.
    """
    with queue.lock():  # so that two sessions cannot both start one
        if any(task.state.is_active for task in _scans(name)):
            raise FerError(f"A scan of {name} is running already. Wait until it has ended.")
        directory = tasks.new_directory(paths.tasks_root(), kinds.EXAMINE)
        return queue.submit(directory, kinds.EXAMINE, {"dataset": name, "faces": faces})


def show_scan_progress(name: str) -> bool:
    """Shows the newest scan's progress or error; returns whether it is active.

    Reruns the page when it ends.
    """
    scans = _scans(name)
    return bool(scans) and show_task(scans[0], _MESSAGES)


def _scans(name: str) -> list[Task]:
    """Returns the scans and face searches of a dataset, newest first."""
    scans = tasks.list_tasks(kinds.EXAMINE)
    return [task for task in scans if task.request and task.request.arguments["dataset"] == name]


def _offer_first_scan(dataset: Dataset) -> None:
    st.markdown(
        "A scan checks every image and compares all pairs. It finds images that are unreadable, "
        "blank, too dark, too bright, blurred or of an unusual size; exact and near duplicates, "
        "also those with different labels; and **leaks**: validation or test images that are in "
        "the training split too, which make scores too optimistic."
    )
    _offer_scan(dataset, "Scan images", primary=True)


def _offer_scan(
    dataset: Dataset, label: str, *, primary: bool = False, disabled: bool = False
) -> None:
    if st.button(
        label,
        type="primary" if primary else "tertiary",
        icon=":material/search:",
        **writing(disabled=disabled),
        key=f"scan-{dataset.name}",
    ):
        _start_scan(dataset)


def _start_scan(dataset: Dataset, faces: int = 0) -> None:
    """Queues a scan and reruns the whole page, whose progress bar is outside the fragment."""
    run_or_toast(lambda: submit_scan(dataset.name, faces))
    st.rerun()


@st.fragment
def _show_findings(dataset: Dataset, page_corrections: Corrections | None, active: bool) -> None:
    report = quality_report(dataset)
    if report is None or not report.is_current:
        st.rerun()
    present = {finding.kind: finding for finding in report.findings if finding.images}
    names, faces = st.columns([3, 5], gap="medium")
    with names:
        kind = _pick(dataset, present)
        _show_summary(report)
        _offer_scan(dataset, "Scan again", disabled=active)
        _offer_face_search(dataset, report, active)
    with faces:
        if kind is None:
            st.success("No problems found.", icon=":material/check:")
            is_dialog_open = False
        else:
            is_dialog_open = show_finding(dataset, report.result, present[kind])
    corrections_changed = (
        page_corrections is not None and corrections_or_empty(dataset) != page_corrections
    )
    if not is_dialog_open and corrections_changed:
        st.rerun()


def _pick(dataset: Dataset, present: dict[str, Finding]) -> str | None:
    """Shows the list of findings; returns the selected kind, or None if there are none."""
    if not present:
        return None
    key = f"finding-{dataset.name}"
    if st.session_state.get(key) not in present:  # all its images may be excluded by now
        st.session_state[key] = next(iter(present))
    kind = st.radio(
        "Findings", list(present), format_func=lambda kind: _label(present[kind]), key=key
    )
    return str(kind)


def _show_summary(report: QualityReport) -> None:
    """Shows what was not found, and when the scan took place."""
    absent = [DESCRIPTIONS[each.kind].title for each in report.findings if not each.images]
    if absent:
        st.caption(f"Not found: {'; '.join(absent)}.")
    result = report.result
    duration = format_duration(timedelta(seconds=result.seconds))
    st.caption(
        f"Scanned {len(result.table):,} images on {result.time:%B %d, %Y at %H:%M} in {duration}."
    )


def _label(finding: Finding) -> str:
    return f"{DESCRIPTIONS[finding.kind].title} · **{finding.images:,}**"


def _offer_face_search(dataset: Dataset, report: QualityReport, active: bool) -> None:
    label = "Face search" if report.faces is None else "Repeat face search"
    with st.expander(label, icon=":material/face:"):
        st.caption(
            "Finds images without a face, using MTCNN on a random sample (about 30 ms per image)."
        )
        most, key = len(report.result.table), f"sample-{dataset.name}"
        count = st.number_input("Images", 1, most, min(_SAMPLE, most), key=key)
        if st.button(
            "Search for faces", key=f"search-faces-{dataset.name}", **writing(disabled=active)
        ):
            _start_scan(dataset, int(count))
