"""Imports folders, tables and archives into the workspace, safely."""

from fer_core.datasets.importing import image_check
from fer_core.datasets.importing.archives import (
    MAX_EXTRACTED_BYTES,
    check_member,
    check_total,
    damage_in_words,
    holds,
    read_member,
)
from fer_core.datasets.importing.import_task import check_source, import_source

__all__ = [
    "MAX_EXTRACTED_BYTES",
    "check_member",
    "check_source",
    "check_total",
    "damage_in_words",
    "holds",
    "image_check",
    "import_source",
    "read_member",
]
