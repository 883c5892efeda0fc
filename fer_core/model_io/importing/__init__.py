"""Imports models that other programs wrote: from files that anybody may have made, as runs."""

from fer_core.model_io.importing.choices import COLORS, SCALINGS, ImportChoices
from fer_core.model_io.importing.foreign import ForeignModel
from fer_core.model_io.importing.import_model import (
    convert_model,
    import_model,
    imported_run,
    inspect_model,
    submit_import,
)

__all__ = [
    "COLORS",
    "ForeignModel",
    "ImportChoices",
    "SCALINGS",
    "convert_model",
    "import_model",
    "imported_run",
    "inspect_model",
    "submit_import",
]
