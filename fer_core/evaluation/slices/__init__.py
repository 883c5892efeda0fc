"""Scores of a model by slices of the images: by subject, sex, age, brightness and so on."""

from fer_core.evaluation.slices.columns import (
    SliceColumn,
    SliceColumns,
    slice_columns,
)
from fer_core.evaluation.slices.cutting import MAX_SLICES, Slices, cut, parse_borders
from fer_core.evaluation.slices.table import (
    MIN_IMAGES,
    MIN_SUBJECTS,
    Gap,
    SliceReport,
    evaluate_slices,
)
from fer_core.evaluation.slices.words import (
    CAVEAT,
    describe_differing,
    describe_gap,
    describe_method,
    describe_skipped,
    slice_record,
)

__all__ = [
    "CAVEAT",
    "MAX_SLICES",
    "MIN_IMAGES",
    "MIN_SUBJECTS",
    "Gap",
    "SliceColumn",
    "SliceColumns",
    "SliceReport",
    "Slices",
    "cut",
    "describe_differing",
    "describe_gap",
    "describe_method",
    "describe_skipped",
    "evaluate_slices",
    "parse_borders",
    "slice_columns",
    "slice_record",
]
