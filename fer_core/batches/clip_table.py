"""Reads the table of clips: which part of which file, of which participant and condition."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fer_core.errors import FerError
from fer_core.markers import MarkedTimes, parse_seconds, parse_times
from fer_core.storage import parse_edited_table, undefused
from fer_core.text import counted, is_one_line, shortened, some

FILE, START, END = "file", "start", "end"
MARKERS, EXCLUDED, BASELINE = "markers", "excluded", "baseline"
_TIMES = (FILE, START, END, MARKERS, EXCLUDED, BASELINE)  # the others are joined to results
PARTICIPANT, CONDITION = "participant", "condition"
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_ROW = 2_000  # characters: the row is repeated for every frame of its file


@dataclass(frozen=True)
class Clip:
    """Describes a row of the table: a part of a file, and what is known of it."""

    file: str  # as the table says
    line: int  # of the table, from 1, which is the header
    start: float = 0.0  # seconds
    end: float | None = None  # seconds; None for the end of the file
    columns: Mapping[str, str] = field(default_factory=dict)  # participant, condition and others
    marks: MarkedTimes = MarkedTimes()
    baseline: str = ""  # a range such as "0-5", or another file of the batch


@dataclass(frozen=True)
class ClipTable:
    """Holds the rows of a table of clips, in order."""

    clips: tuple[Clip, ...]
    columns: tuple[str, ...]  # names of those other than file, start and end


@dataclass(frozen=True)
class Matching:
    """Tells which clips belong to which files."""

    clips: Mapping[str, Clip]  # by the name of a file of the batch
    unlisted: tuple[str, ...]  # files without a row
    problems: tuple[str, ...]  # a sentence for each row that belongs to no file


def read_clip_table(data: bytes, reserved: Collection[str] = ()) -> ClipTable:
    """Reads a CSV table with a column `file`, and optionally `start` and `end`.

    Optional too are `markers` ("0:12 picture shown; 0:20 pause"), `excluded` ("5-10; 1:05-1:10
    talks") and `baseline` ("0-5", or the name of a file with the participant's neutral face).

    Columns are separated by commas or by semicolons. Times are seconds, or minutes and seconds as
    in 1:05, or hours too as in 1:01:05.5; an empty one stands for the file's beginning or end.

    Args:
        reserved: names that no other column may have.

    Raises:
        FerError: it is no such table, a time is malformed, an end is not after its start, or two
            rows name the same file.
    """
    table = _parse(data)
    columns = _other_columns(table, reserved)
    clips = tuple(_clip(line, row, columns) for line, row in _rows(table))
    _check_files(clips)
    return ClipTable(clips, columns)


def match_clips(table: ClipTable, names: Sequence[str]) -> Matching:
    """Finds the file of each row: by its path, or else by its name if only one file has it.

    Args:
        names: of the files of a batch, relative paths with slashes.

    Raises:
        FerError: two rows belong to the same file.
    """
    find, problems = find_name(names), []
    clips: dict[str, Clip] = {}
    for clip in table.clips:
        found = find(clip.file)
        if len(found) != 1:
            problems.append(_unknown(clip, found))
        elif found[0] in clips:
            raise _twice(found[0], clips[found[0]], clip)
        else:
            clips[found[0]] = clip
    unlisted = tuple(name for name in names if name not in clips)
    return Matching(clips, unlisted, tuple(problems))


def find_name(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Returns a function that finds the files that a path, or else a mere name, may stand for.

    Args:
        names: of the files of a batch, relative paths with slashes.
    """
    known = set(names)
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault(name.rpartition("/")[2], []).append(name)

    def find(text: str) -> list[str]:
        path = text.replace("\\", "/").removeprefix("./")
        return [path] if path in known else by_name.get(path, [])

    return find


def _parse(data: bytes) -> pd.DataFrame:
    known = (*_TIMES, PARTICIPANT, CONDITION)
    table = parse_edited_table(data, "table of clips", known, MAX_ROWS)
    if FILE not in table:
        found = some(list(table.columns), 8)
        raise FerError(f"The table of clips must have a column named file. It has: {found}")
    if len(table.columns) > MAX_COLUMNS:
        raise FerError(
            f"The table of clips must have at most {MAX_COLUMNS} columns. "
            f"Received: {len(table.columns):,}"
        )
    return table


def _other_columns(table: pd.DataFrame, reserved: Collection[str]) -> tuple[str, ...]:
    columns = tuple(str(name) for name in table if name not in _TIMES)
    for name in columns:
        if name in reserved:
            raise FerError(
                f"No column of the table of clips may have the name of one of the summary. Rename: "
                f"{shortened(name)}"
            )
    if not all(map(is_one_line, columns)) or "" in columns or not table.columns.is_unique:
        raise FerError(
            "Each column of the table of clips must have a name of its own, in one line. "
            f"Received: {some(columns, 8)}"
        )
    return columns


def _rows(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the line and the cells of each row that is not empty."""
    cells = table.fillna("").astype("str")
    for line, row in enumerate(cells.to_dict("records"), 2):
        texts = {str(name): undefused(text).strip() for name, text in row.items()}
        length = sum(map(len, texts.values()))
        if length > MAX_ROW:
            raise FerError(
                f"Line {line:,} of the table must have at most {MAX_ROW:,} characters. Received: "
                f"{length:,}"
            )
        if length:
            yield line, texts


def _clip(line: int, row: Mapping[str, str], columns: Sequence[str]) -> Clip:
    name = row[FILE]
    try:
        start, end = parse_seconds(row.get(START, "")) or 0.0, parse_seconds(row.get(END, ""))
        marks = parse_times(row.get(MARKERS, ""), row.get(EXCLUDED, ""))
    except FerError as error:
        raise FerError(f"Line {line:,} of the table: {error}") from error
    if not name:
        raise FerError(f"Line {line:,} of the table must name a file. Its cell is empty.")
    if end is not None and end <= start:
        raise FerError(
            f"Line {line:,} of the table: the end of {shortened(name)} must be after its start. "
            f"Received: from {start:g} to {end:g} s"
        )
    cells = {column: row[column] for column in columns}
    return Clip(name, line, start, end, cells, marks, row.get(BASELINE, ""))


def _check_files(clips: Sequence[Clip]) -> None:
    seen: dict[str, Clip] = {}
    for clip in clips:
        if clip.file in seen:
            raise _twice(clip.file, seen[clip.file], clip)
        seen[clip.file] = clip
    if not clips:
        raise FerError("The table of clips must have at least one row. It has none.")


def _twice(name: str, one: Clip, other: Clip) -> FerError:
    return FerError(
        f"The table of clips must have one row for a file. Received two for {shortened(name)}: "
        f"lines {one.line:,} and {other.line:,}"
    )


def _unknown(clip: Clip, found: Sequence[str]) -> str:
    if found:
        return (
            f"Line {clip.line:,} of the table names {shortened(clip.file)}, and so are "
            f"{counted(len(found), 'file')} called: {some(found)}. Write the path."
        )
    return (
        f"Line {clip.line:,} of the table names {shortened(clip.file)}, and no photo or video of "
        "the batch is called so."
    )
