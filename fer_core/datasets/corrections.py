"""Exclusions and corrected labels, kept beside the images; and labels that were found right."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from fer_core.datasets.splits import EXCLUDED
from fer_core.errors import FerError
from fer_core.storage import retry_while_locked, workspace, write_text

Key = tuple[str, int | None]  # of an image: path and row, as the index has them

CORRECTIONS_FILE = "overlay.csv"
LONGEST_REASON = 200  # characters
_EXCLUDE, _RELABEL, _KEEP = "exclude", "relabel", "keep"
_COLUMNS = ["path", "row", "what", "expression", "reason", "time"]
_NEEDED = _COLUMNS[:5]


@dataclass(frozen=True)
class Correction:
    """What a person decided about one image: another expression, or that it is left out."""

    key: Key
    expression: str = ""  # the one that it gets; empty where it is excluded
    reason: str = ""  # why it is excluded
    time: str = ""  # ISO 8601, to the second

    def __post_init__(self) -> None:
        if bool(self.expression) == bool(self.reason):
            raise FerError(
                "A correction must give either another expression or the reason to exclude. "
                f"Received: {self.expression!r} and {self.reason!r} for {named(self.key)}"
            )
        if len(self.reason) > LONGEST_REASON or len(self.reason.splitlines()) > 1:
            raise FerError(
                f"A reason must be one line of at most {LONGEST_REASON} characters. "
                f"Received: {len(self.reason):,} in {len(self.reason.splitlines())}"
            )


@dataclass(frozen=True)
class Corrections:
    """The corrections of a data set, at most one for an image; the images are never touched.

    Its length is the number of corrections: a label that is kept changes nothing.
    """

    corrections: tuple[Correction, ...] = ()
    kept: tuple[Correction, ...] = ()  # labels that a person looked at and found right, by image

    def __len__(self) -> int:
        return len(self.corrections)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # of 20,000 corrections it takes a while, and pages ask for it often
        return hash((self.corrections, self.kept))

    @cached_property
    def excluded(self) -> dict[Key, str]:
        """The reasons by image."""
        return {each.key: each.reason for each in self.corrections if not each.expression}

    @cached_property
    def relabelled(self) -> dict[Key, str]:
        """The new expressions by image."""
        return {each.key: each.expression for each in self.corrections if each.expression}

    @cached_property
    def confirmed(self) -> dict[Key, str]:
        """The labels by image that were found right."""
        return {each.key: each.expression for each in self.kept}

    def is_settled(self, key: Key, expression: str) -> bool:
        """Whether a person has decided about that image, or found that label of it right."""
        decided = key in self.excluded or key in self.relabelled
        return decided or self.confirmed.get(key) == expression

    def excluding(self, keys: Iterable[Key], reason: str) -> "Corrections":
        """The overlay in which these images are left out, whatever was decided before."""
        return self.taking_over(Correction(key, reason=reason, time=_now()) for key in keys)

    def relabelling(self, keys: Iterable[Key], expression: str) -> "Corrections":
        """The overlay in which these images have that expression and are not excluded."""
        return self.taking_over(Correction(key, expression, time=_now()) for key in keys)

    def taking_over(self, corrections: Iterable[Correction]) -> "Corrections":
        """The overlay with these corrections, in place of any for the same images."""
        by_key = {each.key: each for each in corrections}
        corrections = (*self.restoring(by_key).corrections, *by_key.values())
        return replace(self, corrections=corrections)

    def restoring(self, keys: Collection[Key]) -> "Corrections":
        """The overlay without a correction for these images."""
        known = set(keys)
        left = tuple(each for each in self.corrections if each.key not in known)
        return replace(self, corrections=left)

    def confirming(self, labels: Mapping[Key, str]) -> "Corrections":
        """The overlay in which these labels were found right: an image's own by its key.

        Of an image that is relabelled it is the label that it has now.
        """
        now, relabelled = _now(), self.relabelled
        return self.keeping(
            Correction(key, relabelled.get(key, label), time=now) for key, label in labels.items()
        )

    def keeping(self, kept: Iterable[Correction]) -> "Corrections":
        """The overlay with these labels as kept, in place of any for the same images."""
        by_key = {each.key: each for each in kept}
        return replace(self, kept=(*self.doubting(by_key).kept, *by_key.values()))

    def doubting(self, keys: Collection[Key]) -> "Corrections":
        """The overlay in which no label of these images is kept."""
        known = set(keys)
        return replace(self, kept=tuple(each for each in self.kept if each.key not in known))

    def applied(self, index: pd.DataFrame) -> pd.DataFrame:
        """A copy of the index with the corrections; rows and their order stay.

        Excluded images are in the split EXCLUDED. Corrections of images that the index does not
        have change nothing.
        """
        index = index.copy()
        out = dict.fromkeys(self.excluded, EXCLUDED)
        for column, words in (("split", out), ("expression", self.relabelled)):
            values = index[column].to_numpy(dtype=object, copy=True)
            for key, positions in positions_of(index, words).items():
                values[positions] = words[key]
            index[column] = pd.Series(values, index.index, dtype="str")
        return index

    def check_known(self, index: pd.DataFrame, name: str) -> None:
        """Raises a ValueError where some are of images that the data set of that name lacks."""
        keys = [each.key for each in (*self.corrections, *self.kept)]
        found = positions_of(index, keys)
        strange = [key for key in keys if key not in found]
        if strange:
            raise FerError(
                f"Corrections must be of images of {name}. {len(strange):,} of {len(keys):,} are "
                f"not, the first is {named(strange[0])}. None was taken over."
            )

    def to_csv(self) -> str:
        """The file's content: a row per correction, then one per label that is kept."""
        rows = [
            (*each.key, _RELABEL if each.expression else _EXCLUDE, *_texts(each))
            for each in self.corrections
        ]
        rows += [(*each.key, _KEEP, *_texts(each)) for each in self.kept]
        table = pd.DataFrame(rows, columns=_COLUMNS).astype({"row": "Int64"})
        return table.to_csv(index=False, lineterminator="\n")


def positions_of(index: pd.DataFrame, keys: Collection[Key]) -> dict[Key, list[int]]:
    """Where in the index the images are; one that is not there is missing."""
    rows = index["row"].to_numpy(dtype=np.int64, na_value=-1)
    on_path = index["path"].isin({path for path, _ in keys}).to_numpy()
    wanted = on_path & np.isin(rows, list({-1 if row is None else row for _, row in keys}))
    known, found = set(keys), dict[Key, list[int]]()
    names = index["path"].to_numpy()
    for position in np.flatnonzero(wanted).tolist():
        key = str(names[position]), None if rows[position] < 0 else int(rows[position])
        if key in known:
            found.setdefault(key, []).append(position)
    return found


def keys_at(index: pd.DataFrame, positions: Sequence[int]) -> list[Key]:
    """What names the images at these positions.

    Raises:
        FerError: there is no such position.
    """
    odd = [position for position in positions if not 0 <= position < len(index)]
    if odd:
        raise FerError(f"A position must be from 0 to {len(index) - 1}. Received: {odd[0]}")
    chosen = index.iloc[list(positions)]
    rows = chosen["row"].to_numpy(dtype=np.int64, na_value=-1).tolist()
    paths = chosen["path"].tolist()
    return [(path, None if row < 0 else row) for path, row in zip(paths, rows, strict=True)]


def read_corrections(path: Path) -> Corrections:
    """The corrections in a file; none where there is no file.

    Raises:
        FerError: it is damaged.
    """
    try:
        status = path.stat()
    except OSError:
        return Corrections()
    return _read_then(path, (status.st_mtime_ns, status.st_size, status.st_ino))


def parse_corrections(text: str) -> Corrections:
    """The corrections in the text of such a file; columns that it has besides do not matter.

    Raises:
        FerError: a column is missing, a row cannot be understood, or an image has two.
    """
    try:
        table = pd.read_csv(StringIO(text.removeprefix("\ufeff")), dtype="str", na_filter=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise FerError(f"Corrections must be a table: {str(error).strip()}") from error
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise FerError(
            f"Corrections must have the columns {', '.join(_NEEDED)}. Missing: {missing[0]}"
        )
    rows = table.reindex(columns=_COLUMNS, fill_value="").itertuples(index=False, name=None)
    parsed = [_parse(number, *row) for number, row in enumerate(rows, start=1)]
    is_kept = table["what"] == _KEEP
    parts = [
        tuple(each for each, keep in zip(parsed, is_kept, strict=True) if keep == wanted)
        for wanted in (False, True)
    ]
    for part in parts:
        keys: set[Key] = set()
        for each in part:
            if each.key in keys:
                raise FerError(f"An image must be corrected once. {named(each.key)} stands twice.")
            keys.add(each.key)
    return Corrections(*parts)


def edit_corrections(directory: Path, change: Callable[[Corrections], Corrections]) -> None:
    """Replaces the overlay in a data set's directory by what `change` makes of it.

    Raises:
        FerError: the data set was deleted, or its overlay is damaged.
    """
    with FileLock(workspace() / "overlay.lock"):  # two sessions must not lose a correction
        if not (directory / "data_set.json").exists():
            raise FerError(f"{directory.name} must be there to be corrected. It was deleted.")
        write_text(
            directory / CORRECTIONS_FILE,
            change(read_corrections(directory / CORRECTIONS_FILE)).to_csv(),
        )


def named(key: Key) -> str:
    """An image in words, counting rows from 1 as everywhere on the screen."""
    path, row = key
    return path if row is None else f"row {row + 1:,} of {path}"


@lru_cache(maxsize=32)
def _read_then(path: Path, stamp: tuple[int, int, int]) -> Corrections:
    """What the file held at that moment: pages ask for it again and again."""
    try:
        return parse_corrections(retry_while_locked(lambda: path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise FerError(f"{path} is damaged: {error}") from error


def _parse(
    number: int, path: str, row: str, what: str, expression: str, reason: str, time: str
) -> Correction:
    if what not in (_EXCLUDE, _RELABEL, _KEEP):
        raise FerError(
            f"`what` must be {_EXCLUDE}, {_RELABEL} or {_KEEP}. Received: {what!r} in {number}"
        )
    if row and not row.isdecimal():
        raise FerError(f"`row` must be a whole number or empty. Received: {row!r} in {number}")
    key = path, int(row) if row else None
    if what == _EXCLUDE:
        return Correction(key, reason=reason, time=time)
    return Correction(key, expression, time=time)


def _texts(correction: Correction) -> tuple[str, str, str]:
    return correction.expression, correction.reason, correction.time


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
