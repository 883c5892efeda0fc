"""Exclusions, corrected labels and confirmed labels, stored beside the untouched images."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from fer_core import access
from fer_core.datasets.splits import EXCLUDED
from fer_core.errors import FerError
from fer_core.storage import (
    BoundedLines,
    DamagedFileError,
    defused_csv,
    read_text,
    undefused,
    workspace,
    write_text,
)
from fer_core.text import is_one_line, shortened

Key = tuple[str, int | None]  # identifies an image: path and row, as in the index

CORRECTIONS_FILE = "overlay.csv"
MAX_CORRECTIONS_BYTES = 64_000_000
MAX_REASON_LENGTH = 200  # characters
_EXCLUDE, _RELABEL, _CONFIRM = "exclude", "relabel", "keep"  # in the file's column "what"
_COLUMNS = ["path", "row", "what", "expression", "reason", "time"]
_REQUIRED = _COLUMNS[:5]
_MAX_ROW = 10**9
_MAX_TEXT = 4096  # characters; no path of a file has more
_MAX_LINE = 100_000  # characters of a row with all its columns


@dataclass(frozen=True)
class Correction:
    """Holds a decision about one image: another expression, or its exclusion."""

    key: Key
    expression: str = ""  # the new one; empty if the image is excluded
    reason: str = ""  # why it is excluded
    time: str = ""  # ISO 8601, to the second

    def __post_init__(self) -> None:
        if bool(self.expression) == bool(self.reason):
            raise FerError(
                "A correction must have either an expression or a reason to exclude the image. "
                f"Received: {shortened(self.expression)!r} and {shortened(self.reason)!r} "
                f"for {image_name(self.key)}"
            )
        if len(self.reason) > MAX_REASON_LENGTH or not is_one_line(self.reason):
            raise FerError(
                f"A reason must be one line of at most {MAX_REASON_LENGTH} characters. Received: "
                f"{len(self.reason):,} characters in {len(self.reason.splitlines())} lines"
            )
        path, row = self.key
        for text in (path, self.expression, self.time):
            if len(text) > _MAX_TEXT or not is_one_line(text):
                raise FerError(
                    f"An image, an expression and a time must be one line of at most {_MAX_TEXT:,} "
                    f"characters. Received: {shortened(text)}"
                )
        if row is not None and not 0 <= row <= _MAX_ROW:
            raise FerError(f"`row` must be from 0 to {_MAX_ROW:,}. Received: {shortened(str(row))}")


@dataclass(frozen=True)
class Corrections:
    """Holds the corrections of a dataset, at most one per image.

    Its length is the number of corrections; confirmed labels do not count, since they change
    nothing.
    """

    corrections: tuple[Correction, ...] = ()
    confirmations: tuple[Correction, ...] = ()  # labels reviewed and found right, one per image

    def __len__(self) -> int:
        return len(self.corrections)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # slow for 20,000 corrections, and pages need it on every rerun
        return hash((self.corrections, self.confirmations))

    @cached_property
    def excluded(self) -> dict[Key, str]:
        """Returns the reason of each excluded image."""
        return {each.key: each.reason for each in self.corrections if not each.expression}

    @cached_property
    def relabeled(self) -> dict[Key, str]:
        """Returns the new expression of each relabeled image."""
        return {each.key: each.expression for each in self.corrections if each.expression}

    @cached_property
    def confirmed(self) -> dict[Key, str]:
        """Returns the confirmed label of each image that has one."""
        return {each.key: each.expression for each in self.confirmations}

    def is_reviewed(self, key: Key, expression: str) -> bool:
        """Returns whether the image was corrected, or this label of it confirmed."""
        corrected = key in self.excluded or key in self.relabeled
        return corrected or self.confirmed.get(key) == expression

    def with_excluded(self, keys: Iterable[Key], reason: str) -> "Corrections":
        """Returns corrections that exclude these images, replacing earlier decisions."""
        return self.merged(Correction(key, reason=reason, time=_now()) for key in keys)

    def with_relabeled(self, keys: Iterable[Key], expression: str) -> "Corrections":
        """Returns corrections that relabel these images, replacing earlier decisions."""
        return self.merged(Correction(key, expression, time=_now()) for key in keys)

    def merged(self, corrections: Iterable[Correction]) -> "Corrections":
        """Returns corrections with these added, replacing any for the same images."""
        by_key = {each.key: each for each in corrections}
        corrections = (*self.with_restored(by_key).corrections, *by_key.values())
        return replace(self, corrections=corrections)

    def with_restored(self, keys: Collection[Key]) -> "Corrections":
        """Returns corrections without any for these images."""
        restored = set(keys)
        left = tuple(each for each in self.corrections if each.key not in restored)
        return replace(self, corrections=left)

    def with_confirmed(self, labels: Mapping[Key, str]) -> "Corrections":
        """Returns corrections that confirm these labels.

        Args:
            labels: each image's label as imported; if it is relabeled, its new label is
                confirmed instead.
        """
        now, relabeled = _now(), self.relabeled
        return self.with_confirmations(
            Correction(key, relabeled.get(key, label), time=now) for key, label in labels.items()
        )

    def with_confirmations(self, confirmations: Iterable[Correction]) -> "Corrections":
        """Returns corrections with these labels confirmed, replacing any for the same images."""
        by_key = {each.key: each for each in confirmations}
        left = self.without_confirmed(by_key).confirmations
        return replace(self, confirmations=(*left, *by_key.values()))

    def without_confirmed(self, keys: Collection[Key]) -> "Corrections":
        """Returns corrections that confirm no label of these images."""
        removed = set(keys)
        left = tuple(each for each in self.confirmations if each.key not in removed)
        return replace(self, confirmations=left)

    def applied(self, index: pd.DataFrame) -> pd.DataFrame:
        """Returns a copy of the index with the corrections applied; row order is kept.

        Excluded images get the split EXCLUDED. Corrections of unknown images are ignored.
        """
        index = index.copy()
        splits = dict.fromkeys(self.excluded, EXCLUDED)
        for column, new in (("split", splits), ("expression", self.relabeled)):
            values = index[column].to_numpy(dtype=object, copy=True)
            for key, positions in positions_of(index, new).items():
                values[positions] = new[key]
            index[column] = pd.Series(values, index.index, dtype="str")
        return index

    def check_known(self, index: pd.DataFrame, name: str) -> None:
        """Checks that every corrected or confirmed image is in the index of dataset `name`.

        Raises:
            FerError: some are not.
        """
        keys = [each.key for each in (*self.corrections, *self.confirmations)]
        known = positions_of(index, keys)
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise FerError(
                f"{len(unknown):,} of {len(keys):,} corrections are of images that {name} does not "
                f"have, starting with {image_name(unknown[0])}. Nothing was imported."
            )

    def to_export(self) -> str:
        """Returns a file for other programs: as `to_csv`, but no cell is a formula to them."""
        return defused_csv(self.to_csv())

    def from_export(self) -> "Corrections":
        """Returns corrections that were parsed from a file that `to_export` made."""
        return replace(
            self,
            corrections=tuple(map(_undefused, self.corrections)),
            confirmations=tuple(map(_undefused, self.confirmations)),
        )

    def to_csv(self) -> str:
        """Returns the content of the file: a row per correction, then one per confirmed label."""
        rows = [
            (*each.key, _RELABEL if each.expression else _EXCLUDE, *_texts(each))
            for each in self.corrections
        ]
        rows += [(*each.key, _CONFIRM, *_texts(each)) for each in self.confirmations]
        table = pd.DataFrame(rows, columns=_COLUMNS).astype({"row": "Int64"})
        return table.to_csv(index=False, lineterminator="\n")


def positions_of(index: pd.DataFrame, keys: Collection[Key]) -> dict[Key, list[int]]:
    """Finds the positions of images in the index; unknown ones are left out."""
    rows = index["row"].to_numpy(dtype=np.int64, na_value=-1)
    on_path = index["path"].isin({path for path, _ in keys}).to_numpy()
    candidates = on_path & np.isin(rows, list({-1 if row is None else row for _, row in keys}))
    wanted, positions = set(keys), dict[Key, list[int]]()
    names = index["path"].to_numpy()
    for position in np.flatnonzero(candidates).tolist():
        key = str(names[position]), None if rows[position] < 0 else int(rows[position])
        if key in wanted:
            positions.setdefault(key, []).append(position)
    return positions


def keys_at(index: pd.DataFrame, positions: Sequence[int]) -> list[Key]:
    """Returns the keys of the images at these positions.

    Raises:
        FerError: a position is out of range.
    """
    invalid = [position for position in positions if not 0 <= position < len(index)]
    if invalid:
        raise FerError(f"A position must be from 0 to {len(index) - 1}. Received: {invalid[0]}")
    chosen = index.iloc[list(positions)]
    rows = chosen["row"].to_numpy(dtype=np.int64, na_value=-1).tolist()
    paths = chosen["path"].tolist()
    return [(path, None if row < 0 else row) for path, row in zip(paths, rows, strict=True)]


def read_corrections(path: Path) -> Corrections:
    """Reads corrections from a file; a missing file means none.

    Raises:
        FerError: the file is damaged.
    """
    try:
        status = path.stat()
    except OSError:
        return Corrections()
    return _read_cached(path, (status.st_mtime_ns, status.st_size, status.st_ino))


def parse_corrections(text: str, max_rows: int | None = None) -> Corrections:
    """Parses the content of a corrections file; other columns are ignored.

    Ends at the first row that is wrong, and so soon if the text is something else.

    Args:
        max_rows: that may be right, since there are so many images.

    Raises:
        FerError: a column is missing, a row is malformed, or an image has two corrections.
    """
    parts: tuple[dict[Key, Correction], dict[Key, Correction]] = {}, {}
    for number, row in enumerate(_rows(text.removeprefix("\ufeff")), start=1):
        if max_rows is not None and number > max_rows:
            raise FerError(
                f"A table for these images can have at most {max_rows:,} rows. It has more."
            )
        correction = _parse(number, *row)
        part = parts[row[2] == _CONFIRM]
        if correction.key in part:
            raise FerError(
                f"{image_name(correction.key)} has two corrections, and can have one. Delete one "
                "of the rows."
            )
        part[correction.key] = correction
    return Corrections(*(tuple(part.values()) for part in parts))


def _rows(text: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yields the cells of each row in the order of `_COLUMNS`."""
    lines = BoundedLines(StringIO(text, newline=""), "a table of corrections", _MAX_LINE)
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        if not header:
            raise FerError("The table of corrections is empty.")
        missing = [name for name in _REQUIRED if name not in header]
        if missing:
            raise FerError(
                f"Corrections must have the columns {', '.join(_REQUIRED)}. Missing: {missing[0]}"
            )
        places = [header.index(name) if name in header else len(header) for name in _COLUMNS]
        lines.begin_row()
        for cells in filter(None, reader):
            if len(cells) > len(header):
                raise FerError(
                    f"Corrections must be a CSV table: line {reader.line_num:,} has more values "
                    "than the header."
                )
            padded = cells + [""] * (len(header) + 1 - len(cells))
            path, row, what, expression, reason, time = (padded[place] for place in places)
            yield path, row, what, expression, reason, time
            lines.begin_row()
    except csv.Error as error:
        raise FerError(
            f"Corrections must be a CSV table. Received in line {reader.line_num:,}: {error}"
        ) from error


def edit_corrections(directory: Path, change: Callable[[Corrections], Corrections]) -> None:
    """Replaces the corrections in a dataset's directory by the result of `change`.

    Raises:
        FerError: the dataset was deleted, its corrections are damaged, or changes are switched off.
    """
    access.current().require_write()
    with FileLock(workspace() / "overlay.lock"):  # two sessions must not lose a correction
        if not (directory / "data_set.json").exists():
            raise FerError(f"{directory.name} was deleted, so it cannot be corrected.")
        changed = change(read_corrections(directory / CORRECTIONS_FILE))
        text = changed.to_csv()
        if parse_corrections(text) != changed:  # a table that cannot be read would be lost
            raise FerError(
                f"Nothing was saved: the corrections of {directory.name} could not have been read "
                "again."
            )
        write_text(directory / CORRECTIONS_FILE, text)


def image_name(key: Key) -> str:
    """Returns an image's name for messages; rows count from 1, as everywhere on the screen."""
    path, row = key
    path = shortened(path)
    return path if row is None else f"row {row + 1:,} of {path}"


@lru_cache(maxsize=32)
def _read_cached(path: Path, stamp: tuple[int, int, int]) -> Corrections:
    """Reads a file once per version of it, since pages ask on every rerun."""
    try:
        return parse_corrections(read_text(path, max_bytes=MAX_CORRECTIONS_BYTES))
    except FileNotFoundError:  # deleted at this moment
        return Corrections()
    except DamagedFileError:
        raise
    except FerError as error:
        raise DamagedFileError(path, f"is damaged: {error}") from error


def _parse(
    number: int, path: str, row: str, what: str, expression: str, reason: str, time: str
) -> Correction:
    if what not in (_EXCLUDE, _RELABEL, _CONFIRM):
        raise FerError(
            f"`what` must be {_EXCLUDE}, {_RELABEL} or {_CONFIRM}. "
            f"Received: {shortened(what)!r} in row {number}"
        )
    if row and not (row.isdecimal() and len(row) <= len(str(_MAX_ROW))):
        raise FerError(
            f"`row` must be a whole number or empty. Received: {shortened(row)!r} in row {number}"
        )
    key = path, int(row) if row else None
    if what == _EXCLUDE:
        return Correction(key, reason=reason, time=time)
    return Correction(key, expression, time=time)


def _undefused(correction: Correction) -> Correction:
    path, row = correction.key
    return replace(
        correction,
        key=(undefused(path), row),
        expression=undefused(correction.expression),
        reason=undefused(correction.reason),
    )


def _texts(correction: Correction) -> tuple[str, str, str]:
    return correction.expression, correction.reason, correction.time


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
