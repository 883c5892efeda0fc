"""Reads common dataset layouts: folders, tables of pixels or paths, lists, and label files."""

from pathlib import Path

from fer_core.datasets.layouts.choices import (
    COLUMNS,
    MAX_FRAMES,
    Choices,
    Question,
    choices_of,
    parse_pairs,
)
from fer_core.datasets.layouts.class_names import ClassNames, Conventions, meaning
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.layouts.numberings import (
    FREE,
    NUMBERING_NAMES,
    NUMBERINGS,
    parse_number,
    parse_numbering,
)
from fer_core.datasets.layouts.plan import ImportPlan, make_plan, read_names
from fer_core.datasets.layouts.recognition import (
    LAYOUTS,
    UnreadableSourceError,
    recognize,
)
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.layouts.subject_patterns import EXAMPLE, MAX_PATTERN, read_pattern
from fer_core.datasets.layouts.subjects import with_subjects
from fer_core.errors import FerError

__all__ = [
    "COLUMNS",
    "EXAMPLE",
    "FREE",
    "LAYOUTS",
    "MAX_FRAMES",
    "MAX_PATTERN",
    "NUMBERINGS",
    "NUMBERING_NAMES",
    "Choices",
    "ClassNames",
    "Conventions",
    "ImportPlan",
    "Question",
    "UnreadableSourceError",
    "choices_of",
    "make_plan",
    "meaning",
    "parse_number",
    "parse_numbering",
    "parse_pairs",
    "plan_import",
    "read_names",
    "read_pattern",
]


def plan_import(
    path: Path, copied: Path, choices: Choices | None = None, report: Report | None = None
) -> ImportPlan:
    """Recognizes the layout of a folder or table, and plans its import.

    Args:
        copied: the new dataset's directory, for pixels that must be copied.

    Raises:
        UnreadableSourceError: no layout matches, or the matching one is incomplete.
        FerError: a choice does not fit.
    """
    source = Source(path, copied, choices, report)
    try:
        found = recognize(source)
    except FerError as error:
        # A table that cannot be read may be the one that was meant.
        message = " ".join([str(error), *source.damaged.first[:1]])
        raise UnreadableSourceError(message, source) from error
    parsed = with_subjects(found.parsed, source)
    plan = make_plan(parsed, source.choices, found.layout.name, found.others)
    return plan.noting(*source.notes())
