"""Reads the layouts that people have: folders, tables, FER2013, FER+ and RAF-DB."""

from pathlib import Path

from fer_core.datasets.layouts.csv_paths import read_path_table
from fer_core.datasets.layouts.csv_pixels import read_pixel_table
from fer_core.datasets.layouts.folders import read_any, read_expressions
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.layouts.raf_db import read_raf_db
from fer_core.errors import FerError

__all__ = ["read_index"]

# Each gives None where the source is none of its kind; the first that recognises it reads it.
LAYOUTS = (read_raf_db, read_pixel_table, read_expressions, read_path_table, read_any)


def read_index(source: Path, copied: Path, report: Report) -> ParsedLayout:
    """Recognises the layout of a folder or a CSV file and lists its images.

    Args:
        copied: the new data set's directory, for what has to be copied in.

    Raises:
        FerError: no layout fits, or the one that does lacks something.
    """
    for read in LAYOUTS:
        found = read(source, copied, report)
        if found is not None:
            return found
    raise FerError(
        "The data must be folders named for expressions (also below train, validation and test), "
        "fer2013.csv, RAF-DB as distributed, or a CSV with a column for the image's path and one "
        f"for its expression. Nothing of the kind is in {source.name}."
    )
