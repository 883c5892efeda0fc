"""What was found about the quality of data sets, kept in memory between reruns."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fer_core.datasets import Corrections, Dataset, quality
from fer_core.datasets.quality import FaceSearch, Finding, ScanResult
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.dataset_cache import open_cached, with_corrections


@dataclass(frozen=True)
class QualityReport:
    """The last look at a data set, up to date or not, and what it means now."""

    seen: ScanResult
    faces: FaceSearch | None  # up to date
    findings: tuple[Finding, ...]  # empty where it is out of date
    is_current: bool


def quality_report(dataset: Dataset) -> QualityReport | None:
    """What is known about the data set's images with the corrections of now; None without a look.

    What a person left out is in no finding any more.
    """
    seen_at = _changed(quality.scan_result_file(dataset))
    faces_at = _changed(quality.face_search_file(dataset))
    result = _found(dataset.name, _stamp(dataset), seen_at, faces_at, corrections_or_empty(dataset))
    if result is None or not result.is_current:
        return result
    if _has_changed(dataset.name, result.seen.looked):
        return QualityReport(result.seen, None, (), is_current=False)
    return result


def _changed(file: Path) -> int:
    """When the file was written; 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _stamp(dataset: Dataset) -> int:
    return _changed(dataset.directory / "index.csv")


@st.cache_resource(
    max_entries=4, show_spinner="Reading what was seen …", hash_funcs={Corrections: hash}
)
def _found(
    name: str, index: int, seen_at: int, faces_at: int, overlay: Corrections
) -> QualityReport | None:
    dataset = open_cached(name)
    seen = quality.read_scan_result(dataset)
    if seen is None:
        return None
    key = quality.images_key(dataset.index)
    if seen.key != key:
        return QualityReport(seen, None, (), is_current=False)
    faces = quality.read_face_search(dataset)
    if faces is not None and faces.key != key:
        faces = None
    findings = quality.find(seen, with_corrections(dataset).index, faces)
    return QualityReport(seen, faces, tuple(findings), is_current=True)


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _has_changed(name: str, looked: str) -> bool:
    """Whether files have changed since; asked once a minute, since there may be many."""
    dataset = open_cached(name)
    seen = quality.read_scan_result(dataset)
    return seen is not None and seen.looked == looked and quality.has_changed(dataset, seen)
