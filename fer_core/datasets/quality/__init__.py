"""What is wrong with a data set: unreadable, flat, dark, blurred, odd, double, leaking."""

from fer_core.datasets.quality.descriptions import WORDS, Words
from fer_core.datasets.quality.findings import Finding, find, page_starts, table_of
from fer_core.datasets.quality.scan_results import (
    FaceSearch,
    ScanResult,
    face_search_file,
    has_changed,
    images_key,
    read_face_search,
    read_scan_result,
    scan_result_file,
)

__all__ = [
    "WORDS",
    "FaceSearch",
    "Finding",
    "ScanResult",
    "Words",
    "face_search_file",
    "find",
    "has_changed",
    "images_key",
    "page_starts",
    "read_face_search",
    "read_scan_result",
    "scan_result_file",
    "table_of",
]
