"""Makes tables for spreadsheet programs, and reads those that were edited there.

Such programs run what a cell says if it begins like a formula. `defused` is only for files that
leave the program: tables that are read again keep every cell as it is, but `undefused` turns the
cells of an exported table back.
"""

import csv
import io
import re
from collections.abc import Collection

import pandas as pd

from fer_core.errors import FerError
from fer_core.storage.csv_tables import parse_csv
from fer_core.text import shortened

MAX_EDITED_BYTES = 8_000_000

# Apostrophes too, so that every cell can be turned back. The last four are =, +, - and @ in full
# width, which some programs read alike.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf", re.ASCII)


def defused(cell: str) -> str:
    """Returns a cell's text, after an apostrophe if it begins like a formula; numbers stay."""
    return f"'{cell}" if _is_formula(cell) else cell


def undefused(cell: str) -> str:
    """Returns the text that `defused` has returned this cell for."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def export_csv(table: pd.DataFrame) -> str:
    """Returns a table as CSV without its index; cells that begin like a formula are defused."""
    return defused_csv(table.to_csv(index=False, lineterminator="\r\n"))


def defused_csv(text: str) -> str:
    """Returns a table that was saved as CSV; cells that begin like a formula are defused."""
    lines = _Lines()
    # Only with this end of lines are cells with a carriage return quoted: unquoted, it would end
    # the row, and what follows would be a cell of its own.
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerows(map(defused, row) for row in csv.reader(io.StringIO(text, newline="")))
    return "".join(lines.written)


def parse_edited_table(
    data: bytes,
    name: str,
    known: Collection[str],
    max_rows: int,
    *,
    max_bytes: int = MAX_EDITED_BYTES,
) -> pd.DataFrame:
    """Parses a CSV table that a person has edited, with commas or semicolons.

    Args:
        name: what messages call it, such as "table of clips".
        known: column names in lower case, which may be written in another case.

    Returns:
        A row per line, empty ones included, all cells text; column names are stripped.

    Raises:
        FerError: it is too large, or no CSV table.
    """
    if len(data) > max_bytes:
        raise FerError(
            f"The {name} must have at most {max_bytes / 1e6:.0f} MB. Received: "
            f"{len(data) / 1e6:.1f} MB"
        )
    try:
        table = parse_csv(_with_commas(data), dtype="str", skip_blank_lines=False)
    except FerError as error:
        raise FerError(f"The {name} must be a CSV table. {error}") from error
    names = [str(column).strip() for column in table.columns]
    table.columns = pd.Index([one.lower() if one.lower() in known else one for one in names])
    if len(table) > max_rows:
        raise FerError(f"The {name} must have at most {max_rows:,} rows. Received: {len(table):,}")
    return table


def _with_commas(data: bytes) -> bytes:
    """Returns a table with commas between its columns, if it has semicolons there.

    Raises:
        FerError: it is no such table.
    """
    header = data.split(b"\n", 1)[0]
    if b"," in header or b";" not in header:
        return data
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        written = io.StringIO(newline="")
        csv.writer(written).writerows(csv.reader(text, delimiter=";", strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FerError(f"It is damaged: {shortened(str(error))}") from error
    return written.getvalue().encode()


class _Lines:
    """Takes the rows of a CSV writer, and ends them as files on Linux do."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, row: str) -> None:
        self.written.append(row.removesuffix("\r\n") + "\n")


def _is_formula(cell: str) -> bool:
    return _FORMULA.match(cell) is not None and _NUMBER.fullmatch(cell) is None
