"""Caches quality reports of datasets in memory between reruns."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fer_core.datasets import Corrections, Dataset, quality
from fer_core.datasets.quality import FaceSearch, Finding, ScanResult
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.dataset_cache import open_cached, with_corrections


@dataclass(frozen=True)
class QualityReport:
    """Holds the last scan of a dataset, up to date or not, and its findings."""

    result: ScanResult
    faces: FaceSearch | None  # None if out of date
    findings: tuple[Finding, ...]  # empty if out of date
    is_current: bool


def quality_report(dataset: Dataset) -> QualityReport | None:
    """Returns the findings with the current corrections applied; None without a scan.

    Excluded images are in no finding.
    """
    scanned_at = _modified(quality.scan_result_file(dataset))
    searched_at = _modified(quality.face_search_file(dataset))
    report = _report(
        dataset.name, _stamp(dataset), scanned_at, searched_at, corrections_or_empty(dataset)
    )
    if report is None or not report.is_current:
        return report
    if _has_changed(dataset.name, report.result.started):
        return QualityReport(report.result, None, (), is_current=False)
    return report


def _modified(file: Path) -> int:
    """Returns the modification time of a file in ns; 0 if it does not exist."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _stamp(dataset: Dataset) -> int:
    return _modified(dataset.directory / "index.csv")


@st.cache_resource(
    max_entries=4, show_spinner="Reading the scan result …", hash_funcs={Corrections: hash}
)
def _report(
    name: str, index: int, scanned_at: int, searched_at: int, corrections: Corrections
) -> QualityReport | None:
    dataset = open_cached(name)
    result = quality.read_scan_result(dataset)
    if result is None:
        return None
    key = quality.images_key(dataset.index)
    if result.key != key or len(result.table) != len(dataset.index):
        return QualityReport(result, None, (), is_current=False)
    faces = quality.read_face_search(dataset)
    if faces is not None and (faces.key != key or (faces.positions >= len(dataset.index)).any()):
        faces = None
    findings = quality.find_problems(result, with_corrections(dataset).index, faces)
    return QualityReport(result, faces, tuple(findings), is_current=True)


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _has_changed(name: str, started: str) -> bool:
    """Returns whether files changed since the scan; checked once a minute, since it is slow."""
    dataset = open_cached(name)
    result = quality.read_scan_result(dataset)
    if result is None or result.started != started:
        return False
    return quality.has_changed(dataset, result)
