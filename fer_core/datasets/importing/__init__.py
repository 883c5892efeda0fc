"""Imports folders, CSV tables and .zip archives into the workspace."""

from fer_core.datasets.importing.archives import (
    MAX_EXTRACTED_BYTES,
    archive_errors,
    check_member,
    check_packing,
    check_total,
    has_suffix,
    read_member,
)
from fer_core.datasets.importing.import_task import check_source, import_source, preview_source
from fer_core.datasets.importing.zip_directory import open_archive

__all__ = [
    "MAX_EXTRACTED_BYTES",
    "archive_errors",
    "check_member",
    "check_packing",
    "check_source",
    "check_total",
    "has_suffix",
    "import_source",
    "open_archive",
    "preview_source",
    "read_member",
]
