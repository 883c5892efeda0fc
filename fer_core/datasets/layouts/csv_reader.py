"""Opens tables: CSV in any delimiter and encoding, and lists of words, with or without header."""

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.layouts.numberings import parse_number
from fer_core.errors import FerError
from fer_core.expressions import is_known
from fer_core.storage import BoundedLines, open_regular
from fer_core.text import counted, shortened, some
from fer_core.vision import IMAGE_SUFFIXES

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".lst"})
_DELIMITED = frozenset({".csv", ".tsv"})  # the others must list images to be tables
WORDS = " "  # the delimiter of lists, in which any run of spaces and tabs separates words

# FER+'s columns (Barsoum et al. 2016).
VOTES = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "nf"),  # unclear, not a face
)
_FERPLUS_LIST = ("image", "box", *VOTES)  # label.csv, which has no header
# ExpW's label.lst (Zhang et al. 2018), which has none either.
_EXPW_LIST = (
    *("image_name", "face_id_in_image", "face_box_top", "face_box_left", "face_box_right"),
    *("face_box_bottom", "face_box_cascade", "expression_label"),
)

MAX_ROWS = 2_000_000  # no dataset of the field has more images

_REPORT_EVERY = 500  # rows
_MAX_ROW = 2**24  # characters; 2,000×2,000 pixels
_MAX_SAMPLE = 2**25  # characters
_MAX_SAMPLE_CELLS = 1_000_000
_BLOCK = 2**20  # bytes
_HEAD = 200_000  # characters that the header and the first rows are taken from

_SUFFIXES = "|".join(re.escape(suffix) for suffix in sorted(IMAGE_SUFFIXES, key=len)[::-1])
_IMAGE = re.compile(rf"[^\s,;].*?(?:{_SUFFIXES})", re.IGNORECASE)
_LIST_LINE = re.compile(
    rf"(?P<image>\S.*?(?:{_SUFFIXES}))[ \t]+(?P<words>\S.*)"
    rf"|(?P<label>[\w-]+)[ \t]+(?P<path>\S.*(?:{_SUFFIXES}))",
    re.IGNORECASE,
)
_NO_ROW = re.compile(r"\s*#[^,;|\t]*|\ufeff?\"?sep=.\"?\s*", re.IGNORECASE)
_BOX = re.compile(r"\(\d+, *\d+, *\d+, *\d+\)")
_NUMBER = re.compile(r"-?\d+(\.\d*)?(e-?\d+)?", re.IGNORECASE)
PIXELS = re.compile(
    r"\W*(?:\d[\d.e-]*[^\w.-]+){8}"
)  # a cell of many numbers rather than a file name
# Runs of bytes beyond ASCII; in GB18030 nearly all characters are pairs of such bytes.
_HIGH = re.compile(rb"[\x80-\xff]+")

csv.field_size_limit(_MAX_ROW)  # pixels in one cell exceed the default limit of 128 KB


@dataclass(frozen=True)
class Table:
    """Represents a file of rows and columns."""

    path: Path
    header: tuple[str, ...]  # names of the columns; "column 1" and so on if the file has none
    delimiter: str
    encoding: str = "utf-8-sig"
    has_header: bool = True
    columns: int = 0  # at least, in every row that is yielded
    preamble: int = 0  # lines before the first row

    def column(self, names: Sequence[str]) -> int | None:
        """Returns the number of the first of these columns that exists.

        Case, spaces, dashes and underscores do not matter: "Image name" is "imagename".
        """
        plain = [plain_name(name) for name in self.header]
        return next((plain.index(name) for name in names if name in plain), None)

    def rows(self, report: Report | None = None) -> Generator[list[str], None, None]:
        """Yields the cells of every row below the header; short rows are padded with "".

        Raises:
            FerError: the file is not a table, has too many or too long rows, or a quotation mark
                that is not closed; the message names the line.
        """
        with open_regular(self.path) as file, _as_text(file, self.encoding) as text:
            size = self.path.stat().st_size
            for _ in range(self.preamble):
                text.readline(_HEAD)
            rows = _split_rows(text, self.delimiter, self.path.name, self.preamble)
            if self.has_header:
                next(rows, None)
            for number, cells in enumerate(filter(None, rows)):
                if number >= MAX_ROWS:
                    raise FerError(f"{self.path.name} must have at most {MAX_ROWS:,} rows.")
                yield cells + [""] * (len(self.header) - len(cells))
                if report and number % _REPORT_EVERY == 0:
                    done = min(size, file.tell())
                    report(done, size, f"Read {number:,} rows of {self.path.name}")

    def sample(self, count: int = 200) -> list[list[str]]:
        """Returns the first rows, fewer if they are long."""
        count = min(count, max(10, _MAX_SAMPLE_CELLS // max(1, len(self.header))))
        sample, chars = [], 0
        with contextlib.closing(self.rows()) as rows:
            for cells in itertools.islice(rows, count):
                sample.append(cells)
                chars += sum(map(len, cells))
                if chars > _MAX_SAMPLE:
                    break
        return sample


def plain_name(name: str) -> str:
    """Returns a column's name in lower case, without anything but letters and digits."""
    return re.sub(r"[\W_]+", "", name.lower())


def open_table(path: Path) -> Table | None:
    """Finds the encoding, the delimiter and the header of a table.

    Returns None for a text that is no table: a .txt or .lst must list an image in its first line.

    Raises:
        FerError: the first line has a quotation mark that is not closed.
    """
    encoding = _encoding(path)
    with open_regular(path) as file, _as_text(file, encoding) as text:
        head = text.read(_HEAD)
    preamble = _preamble(head)
    head = head.split("\n", preamble)[preamble]
    line = next((line for line in head.splitlines() if line.strip()), "")
    delimiter = max(",;\t|", key=line.count)
    if line.count(delimiter) == 0 and len(_words(line)) > 1:
        delimiter = WORDS
    elif path.suffix.lower() not in _DELIMITED and not any(
        map(_IMAGE.fullmatch, map(str.strip, line.split(delimiter)))
    ):
        return None
    first = next(_split_rows(io.StringIO(head), delimiter, path.name), [])
    cells = tuple(cell.strip() for cell in first)
    names, has_header = cells, False
    if known := _known_list(cells):
        names = known
    elif _is_data(cells):
        names = tuple(f"column {number}" for number in range(1, len(cells) + 1))
    else:
        has_header = True
    return Table(path, names, delimiter, encoding, has_header, preamble=preamble)


def _preamble(head: str) -> int:
    """Returns how many lines come before the table: comments, or Excel's "sep=;"."""
    are_rows = (not _NO_ROW.fullmatch(line) for line in head.split("\n"))
    return next((number for number, is_row in enumerate(are_rows) if is_row), 0)


def encoding_note(tables: Sequence[Table]) -> list[str]:
    """Returns a note on tables that are not UTF-8."""
    names = {"utf-16": "UTF-16", "utf-32": "UTF-32", "latin-1": "Latin-1", "gb18030": "GB18030"}
    return [
        f"{table.path.name} is not UTF-8 and was read as {names.get(table.encoding)}."
        for table in tables
        if table.encoding in names
    ]


def unread_note(tables: Sequence[Table]) -> list[str]:
    """Returns a note on matching tables that were not read."""
    names = [table.path.name for table in tables]
    return [f"Ignored {counted(len(names), 'other table')}: {some(names)}."] if names else []


def _as_text(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding, errors="replace", newline="")


def _split_rows(text: TextIO, delimiter: str, name: str, before: int = 0) -> Iterator[list[str]]:
    lines = BoundedLines(text, name, _MAX_ROW)
    if delimiter == WORDS:
        for line in lines:
            yield _words(line) or line.split()
            lines.begin_row()
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line_number = before + reader.line_num + 1
        lines.begin_row()
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FerError(_not_a_row(name, line_number, str(error))) from error


def _not_a_row(name: str, line: int, reason: str) -> str:
    if "expected after" in reason or "end of data" in reason or "field limit" in reason:
        return (
            f"{name} must be a table in which every quotation mark is closed before the next "
            f'comma or end of line. The row in line {line:,} has one (") that is not closed: '
            "remove it, or close it."
        )
    return f"{name} must be a table. Received in line {line:,}: {reason}"


def _words(line: str) -> list[str]:
    """Splits a line such as "my image.jpg happy" or "happy my image.jpg"; [] for others."""
    match = _LIST_LINE.fullmatch(line.strip())
    if match and match["image"]:
        return [match["image"], *match["words"].split()]
    if match and (is_known(match["label"]) or parse_number(match["label"]) is not None):
        return [match["label"], match["path"]]
    return []


def _known_list(cells: tuple[str, ...]) -> tuple[str, ...] | None:
    """Returns the columns of FER+'s and ExpW's lists, which have no header."""
    if not cells or not _IMAGE.fullmatch(cells[0]):
        return None
    if len(cells) == len(_FERPLUS_LIST) and _BOX.fullmatch(cells[1]):
        return _FERPLUS_LIST
    if len(cells) == len(_EXPW_LIST) and all(map(_NUMBER.fullmatch, cells[1:])):
        return _EXPW_LIST
    return None


def _is_data(cells: tuple[str, ...]) -> bool:
    """Returns whether the first row is no header: it has a file name, pixels or only numbers."""
    if any(_IMAGE.fullmatch(cell) or PIXELS.match(cell) for cell in cells):
        return True
    return len(cells) > 1 and all(map(_NUMBER.fullmatch, cells)) and len(set(cells)) < len(cells)


def _encoding(path: Path) -> str:
    """Returns the encoding of a text; "latin-1", which any bytes are, if it is no other."""
    with open_regular(path) as file:
        start = file.read(4096)
        if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            return "utf-32"
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start.count(0) > len(start) // 3:
            return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            file.seek(0)
            return "gb18030" if _is_gb18030(file.read(16 * _BLOCK)) else "latin-1"
    return "utf-8-sig"


def _is_gb18030(data: bytes) -> bool:
    """Tells Chinese from Latin-1, in which letters beyond ASCII seldom come in pairs."""
    runs = _HIGH.findall(data)
    paired = sum(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs)
    return bool(runs) and paired > 0.9 * len(runs)


def is_table_file(path: Path) -> bool:
    """Returns whether a file's suffix is that of a table."""
    return path.suffix.lower() in TABLE_SUFFIXES


def is_image_name(text: str) -> bool:
    """Returns whether a cell ends with the suffix of an image."""
    return _IMAGE.fullmatch(text.strip()) is not None


def shown_header(table: Table) -> str:
    """Names a table's columns for a message; if it has no header, shows its first row too."""
    names = some([shortened(name) for name in table.header], 12)
    if table.has_header:
        return names
    first = next(iter(table.sample(1)), [])
    return f"{names} (there is no header; the first row is {some(first, 4)})"
