"""Finds problems in a dataset: unreadable, dark, blurred, duplicate and leaking images."""

from fer_core.datasets.quality.descriptions import DESCRIPTIONS, Description
from fer_core.datasets.quality.exclusions import (
    DIFFERING,
    Differing,
    differing_groups,
    excluded_images,
    images_left,
)
from fer_core.datasets.quality.findings import (
    Finding,
    find_problems,
    finding_table,
    page_starts,
)
from fer_core.datasets.quality.properties import IMAGE_PROPERTIES, image_properties
from fer_core.datasets.quality.scan_results import (
    FaceSearch,
    ScanResult,
    damaged_results,
    face_search_file,
    has_changed,
    images_key,
    read_face_search,
    read_scan_result,
    scan_result_file,
)

__all__ = [
    "DESCRIPTIONS",
    "DIFFERING",
    "IMAGE_PROPERTIES",
    "Description",
    "Differing",
    "differing_groups",
    "excluded_images",
    "images_left",
    "FaceSearch",
    "Finding",
    "ScanResult",
    "damaged_results",
    "face_search_file",
    "find_problems",
    "finding_table",
    "has_changed",
    "image_properties",
    "images_key",
    "page_starts",
    "read_face_search",
    "read_scan_result",
    "scan_result_file",
]
