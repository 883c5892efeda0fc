"""Exclusions, corrected labels and confirmed labels, stored beside the untouched images."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from fer_core.datasets.splits import EXCLUDED
from fer_core.errors import FerError
from fer_core.storage import (
    MAX_TABLE_BYTES,
    DamagedFileError,
    Stamp,
    parse_csv,
    read_text,
    stamp,
    workspace,
    write_text,
)

Key = tuple[str, int | None]  # identifies an image: path and row, as in the index

CORRECTIONS_FILE = "overlay.csv"
MAX_REASON_LENGTH = 200  # characters
_MAX_TIME_LENGTH = 40  # characters of an ISO 8601 time, with microseconds and zone
_MAX_ROW_DIGITS = 15
_EXCLUDE, _RELABEL, _CONFIRM = "exclude", "relabel", "keep"  # in the file's column "what"
_COLUMNS = ["path", "row", "what", "expression", "reason", "time"]
_REQUIRED = _COLUMNS[:5]


@dataclass(frozen=True)
class Correction:
    """A decision about one image: another expression, or its exclusion."""

    key: Key
    expression: str = ""  # the new one; empty if the image is excluded
    reason: str = ""  # why it is excluded
    time: str = ""  # ISO 8601, to the second

    def __post_init__(self) -> None:
        if bool(self.expression) == bool(self.reason):
            raise FerError(
                "A correction must have either an expression or a reason to exclude the image. "
                f"Received: {self.expression!r} and {self.reason!r} for {image_name(self.key)}"
            )
        if len(self.reason) > MAX_REASON_LENGTH or not _is_one_line(self.reason):
            raise FerError(
                f"A reason must be one line of at most {MAX_REASON_LENGTH} characters. Received: "
                f"{len(self.reason):,} characters in {len(self.reason.splitlines())} lines"
            )
        if len(self.time) > _MAX_TIME_LENGTH or not _is_one_line(self.time + self.expression):
            raise FerError(
                "The time and the expression of a correction must be one line each. Received: "
                f"{self.time[:50]!r} and {self.expression[:50]!r} for {image_name(self.key)}"
            )


@dataclass(frozen=True)
class Corrections:
    """The corrections of a dataset, at most one per image.

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
        """The reason of each excluded image."""
        return {each.key: each.reason for each in self.corrections if not each.expression}

    @cached_property
    def relabeled(self) -> dict[Key, str]:
        """The new expression of each relabeled image."""
        return {each.key: each.expression for each in self.corrections if each.expression}

    @cached_property
    def confirmed(self) -> dict[Key, str]:
        """The confirmed label of each image that has one."""
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
                f"Corrections must be of images of {name}. {len(unknown):,} of {len(keys):,} are "
                f"not, starting with {image_name(unknown[0])}. Nothing was imported."
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
    return _read_cached(path, stamp(path))


def parse_corrections(text: str) -> Corrections:
    """Parses the content of a corrections file; other columns are ignored.

    Raises:
        FerError: a column is missing, a row is malformed, or an image has two corrections.
    """
    try:
        table = parse_csv(text.encode(), dtype="str", na_filter=False)
    except FerError as error:
        raise FerError(f"Corrections must be a CSV table. {error}") from error
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        raise FerError(
            f"Corrections must have the columns {', '.join(_REQUIRED)}. Missing: {missing[0]}"
        )
    rows = table.reindex(columns=_COLUMNS, fill_value="").itertuples(index=False, name=None)
    parsed = [_parse(number, *row) for number, row in enumerate(rows, start=1)]
    is_confirmation = table["what"] == _CONFIRM
    parts = [
        tuple(each for each, flag in zip(parsed, is_confirmation, strict=True) if flag == wanted)
        for wanted in (False, True)
    ]
    for part in parts:
        keys: set[Key] = set()
        for each in part:
            if each.key in keys:
                raise FerError(
                    "An image must have at most one correction. "
                    f"{image_name(each.key)} has two: delete one of the rows."
                )
            keys.add(each.key)
    return Corrections(*parts)


def edit_corrections(directory: Path, change: Callable[[Corrections], Corrections]) -> None:
    """Replaces the corrections in a dataset's directory by the result of `change`.

    Raises:
        FerError: the dataset was deleted, or its corrections are damaged.
    """
    with FileLock(workspace() / "overlay.lock"):  # two sessions must not lose a correction
        if not (directory / "data_set.json").exists():
            raise FerError(f"{directory.name} was deleted, so it cannot be corrected.")
        write_text(
            directory / CORRECTIONS_FILE,
            change(read_corrections(directory / CORRECTIONS_FILE)).to_csv(),
        )


def image_name(key: Key) -> str:
    """Returns an image's name for messages; rows count from 1, as everywhere on the screen."""
    path, row = key
    return path if row is None else f"row {row + 1:,} of {path}"


@lru_cache(maxsize=32)
def _read_cached(path: Path, version: Stamp) -> Corrections:
    """Reads a file once per version of it, since pages ask on every rerun."""
    try:
        return parse_corrections(read_text(path, max_bytes=MAX_TABLE_BYTES))
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
            f"Received: {what[:50]!r} in row {number}"
        )
    if row and not (row.isdecimal() and len(row) <= _MAX_ROW_DIGITS):
        raise FerError(
            f"`row` must be a whole number or empty. Received: {row[:50]!r} in row {number}"
        )
    key = path, int(row) if row else None
    if what == _EXCLUDE:
        return Correction(key, reason=reason, time=time)
    return Correction(key, expression, time=time)


def _is_one_line(text: str) -> bool:
    return text.splitlines() in ([], [text])


def _texts(correction: Correction) -> tuple[str, str, str]:
    return correction.expression, correction.reason, correction.time


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
