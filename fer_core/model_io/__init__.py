"""Exports models to the formats of other programs, and checks what became of them."""

from fer_core.model_io.export import (
    Export,
    check_export,
    exports_of,
    list_exports,
    submit_export,
)
from fer_core.model_io.formats import FORMATS, Format
from fer_core.model_io.keras_formats import write_h5
from fer_core.model_io.report import DRAWN, ExportReport, Timing
from fer_core.model_io.usage import PROHIBITED_USES, ModelUsage, usage_of

__all__ = [
    "DRAWN",
    "Export",
    "ExportReport",
    "FORMATS",
    "Format",
    "ModelUsage",
    "PROHIBITED_USES",
    "Timing",
    "check_export",
    "exports_of",
    "list_exports",
    "submit_export",
    "usage_of",
    "write_h5",
]
