"""Imports folders, CSV tables and .zip archives into the workspace."""

from fer_core.datasets.importing.archives import (
    MAX_EXTRACTED_BYTES,
    archive_errors,
    check_member,
    check_packing,
    check_total,
    extract_archive,
    has_suffix,
    read_member,
)
from fer_core.datasets.importing.image_check import MAX_CLASSES
from fer_core.datasets.importing.import_task import (
    EXTRACTED,
    EXTRACTION,
    check_source,
    import_progress,
    import_source,
    plan_source,
    previewing,
    task_arguments,
)
from fer_core.datasets.importing.preview import (
    FACES,
    MOST_CLASSES,
    PREVIEW,
    PROPOSAL,
    Group,
    Preview,
    Proposal,
    preview_of,
    preview_of_dataset,
    preview_of_unread,
)
from fer_core.datasets.importing.samples import example_strips, sample_images
from fer_core.datasets.importing.zip_directory import open_archive

__all__ = [
    "EXTRACTED",
    "EXTRACTION",
    "FACES",
    "Group",
    "MAX_CLASSES",
    "MAX_EXTRACTED_BYTES",
    "MOST_CLASSES",
    "PREVIEW",
    "PROPOSAL",
    "Preview",
    "Proposal",
    "archive_errors",
    "check_member",
    "check_packing",
    "check_source",
    "check_total",
    "example_strips",
    "extract_archive",
    "has_suffix",
    "import_progress",
    "import_source",
    "open_archive",
    "plan_source",
    "preview_of",
    "preview_of_dataset",
    "preview_of_unread",
    "previewing",
    "read_member",
    "sample_images",
    "task_arguments",
]
