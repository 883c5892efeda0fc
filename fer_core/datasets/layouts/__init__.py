"""Reads common dataset layouts: folders, CSV tables, FER2013, FER+ and RAF-DB."""

from pathlib import Path

from fer_core.datasets.layouts.csv_paths import read_path_table
from fer_core.datasets.layouts.csv_pixels import read_pixel_table
from fer_core.datasets.layouts.folders import read_any, read_expressions
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.layouts.raf_db import read_raf_db
from fer_core.errors import FerError

__all__ = ["read_index"]

# Each returns None if the source has another layout; the first match wins.
LAYOUTS = (read_raf_db, read_pixel_table, read_expressions, read_path_table, read_any)


def read_index(source: Path, copied: Path, report: Report) -> ParsedLayout:
    """Recognizes the layout of a folder or CSV file and lists its images.

    Args:
        copied: the new dataset's directory, for pixels that must be copied.

    Raises:
        FerError: no layout matches, or the matching one is incomplete.
    """
    for read in LAYOUTS:
        parsed = read(source, copied, report)
        if parsed is not None:
            return parsed
    raise FerError(
        f"The layout of {source.name} is not recognized. It must have folders named after "
        "expressions (also below train, validation and test), fer2013.csv, RAF-DB as distributed, "
        "or a CSV with a column of image paths and one of expressions."
    )
