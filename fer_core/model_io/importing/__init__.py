"""Imports models that other programs wrote: from files that anybody may have made, as runs."""

from fer_core.model_io.importing.choices import COLORS, SCALINGS, ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.import_model import (
    convert_model,
    import_model,
    imported_run,
    inspect_model,
    submit_import,
)
from fer_core.model_io.importing.inspection import (
    check_model_path,
    dataset_of_inspection,
    discard_inspection,
    files_of,
    inspect_again,
    inspected_model,
    pending_inspections,
    proposals_of,
    submit_inspection,
    submit_uploads,
    try_on_dataset,
)
from fer_core.model_io.importing.proposal import Proposal, Proposals

__all__ = [
    "COLORS",
    "Files",
    "ForeignModel",
    "ImportChoices",
    "Proposal",
    "Proposals",
    "SCALINGS",
    "check_model_path",
    "convert_model",
    "dataset_of_inspection",
    "discard_inspection",
    "files_of",
    "import_model",
    "imported_run",
    "inspect_again",
    "inspect_model",
    "inspected_model",
    "pending_inspections",
    "proposals_of",
    "submit_import",
    "submit_inspection",
    "submit_uploads",
    "try_on_dataset",
]
