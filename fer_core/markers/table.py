"""Reads tables of markers, excluded ranges and baselines, and cells with several of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from fer_core.errors import FerError
from fer_core.markers.annotations import Marker, TimeRange
from fer_core.markers.times import parse_range, parse_seconds
from fer_core.storage import parse_edited_table, undefused
from fer_core.text import shortened, some

_FILE, _KIND, _TIME, _START, _END = "file", "kind", "time", "start", "end"
_LABEL, _REASON = "label", "reason"
_COLUMNS = (_FILE, _KIND, _TIME, _START, _END, _LABEL, _REASON)
_MARKER, _EXCLUDED, _BASELINE = "marker", "excluded", "baseline"
_MAX_ROWS = 100_000  # of all files of a batch
_NAMED_TIME = re.compile(r"(\S+)(?:\s+(.*))?")  # "0:12 picture shown"


@dataclass(frozen=True)
class MarkedTimes:
    """Holds what a table marks on one file, in order of time."""

    markers: tuple[Marker, ...] = ()
    excluded: tuple[TimeRange, ...] = ()
    baseline: TimeRange | None = None

    def __bool__(self) -> bool:
        return bool(self.markers or self.excluded or self.baseline)


@dataclass
class _Marks:
    """Collects the marks of one file."""

    markers: set[Marker] = field(default_factory=set)
    excluded: set[TimeRange] = field(default_factory=set)
    baseline: TimeRange | None = None

    def done(self) -> MarkedTimes:
        return MarkedTimes(tuple(sorted(self.markers)), tuple(sorted(self.excluded)), self.baseline)


def read_marker_table(data: bytes, *, per_file: bool = False) -> dict[str, MarkedTimes]:
    """Reads a CSV table of markers and ranges.

    A row with a `time` and a `label` is a marker. A row with a `start` and an `end` is a range to
    exclude, with an optional `reason`, or `label`; if its `kind` is "baseline", it is the baseline.
    Columns are separated by commas or semicolons. Times are seconds, or as clocks show them.

    Args:
        per_file: the table must have a column `file`.

    Returns:
        What is marked, by file; by "" if a row names none.

    Raises:
        FerError: it is no such table, or a row of it has an error.
    """
    table = _parse(data)
    if per_file and _FILE not in table:
        raise FerError(
            "The table of markers must have a column named file. It has: "
            f"{some(list(map(str, table)), 8)}"
        )
    marks: dict[str, _Marks] = {}
    for line, row in _rows(table):
        try:
            name = row.get(_FILE, "")
            if per_file and not name:
                raise FerError("A row must name a file. Its cell is empty.")
            _add(marks.setdefault(name, _Marks()), row)
        except FerError as error:
            raise FerError(f"Line {line:,} of the table of markers: {error}") from error
    if not marks:
        raise FerError("The table of markers must have at least one row. It has none.")
    return {name: found.done() for name, found in marks.items()}


def parse_times(markers: str = "", excluded: str = "") -> MarkedTimes:
    """Returns what cells of a table mark.

    Args:
        markers: such as "0:12 picture shown; 0:20 pause".
        excluded: such as "5-10; 1:05-1:10.5 talks to somebody".

    Raises:
        FerError: a part of a cell is no marker, or no range.
    """
    marks = _Marks()
    for text, label in _named_times(markers):
        marks.markers.add(_marker(text, label))
    for text, reason in _named_times(excluded):
        marks.excluded.add(TimeRange(*parse_range(text), reason))
    return marks.done()


def _named_times(cell: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, map(str.strip, cell.split(";"))):
        found = _NAMED_TIME.fullmatch(part)
        if found:
            yield found[1], (found[2] or "").strip()


def _parse(data: bytes) -> pd.DataFrame:
    table = parse_edited_table(data, "table of markers", _COLUMNS, _MAX_ROWS)
    names = list(table.columns)
    has_times = _TIME in names or (_START in names and _END in names)
    if not has_times or len(set(names)) < len(names):
        raise FerError(
            "The table of markers must have the columns time and label, or start and end, each "
            f"once. It has: {some(names, 8)}"
        )
    return table


def _rows(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the line and the cells of each row that is not empty."""
    known = table[[name for name in table if name in _COLUMNS]].fillna("").astype("str")
    for line, row in enumerate(known.to_dict("records"), 2):
        texts = {str(name): undefused(text).strip() for name, text in row.items()}
        if any(texts.values()):
            yield line, texts


def _add(marks: _Marks, row: Mapping[str, str]) -> None:
    kind = _kind(row)
    if kind == _MARKER:
        marks.markers.add(_marker(row.get(_TIME, ""), row.get(_LABEL, "")))
        return
    start, end = parse_seconds(row.get(_START, "")), parse_seconds(row.get(_END, ""))
    if start is None or end is None:
        raise FerError(
            "A row must have a time, or both a start and an end. Received: start "
            f"{_said(row.get(_START, ''))}, end {_said(row.get(_END, ''))}"
        )
    found = TimeRange(start, end, row.get(_REASON, "") or row.get(_LABEL, ""))
    if kind == _EXCLUDED:
        marks.excluded.add(found)
    elif marks.baseline not in (None, found):
        raise FerError("A file must have one baseline. This row is the second.")
    else:
        marks.baseline = found


def _kind(row: Mapping[str, str]) -> str:
    """Returns what a row is, by its kind or else by its times."""
    time, kind = row.get(_TIME, ""), row.get(_KIND, "").lower()
    has_range = bool(row.get(_START) or row.get(_END))
    if kind not in ("", _MARKER, _EXCLUDED, _BASELINE):
        raise FerError(
            f"A kind must be {_MARKER}, {_EXCLUDED} or {_BASELINE}. Received: {shortened(kind)}"
        )
    if (time and has_range) or (time and kind in (_EXCLUDED, _BASELINE)):
        raise FerError(
            "A row must be a marker with a time, or a range with a start and an end, not both. "
            f"Received: the time {shortened(time)}"
        )
    return kind or (_MARKER if time else _EXCLUDED)


def _marker(time: str, label: str) -> Marker:
    seconds = parse_seconds(time)
    if seconds is None:
        raise FerError("A marker must have a time. Its cell is empty.")
    return Marker(seconds, label)


def _said(text: str) -> str:
    return shortened(text) if text else "empty"
