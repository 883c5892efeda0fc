"""Stores the votes of raters in the folder of the dataset: one append-only file per rater.

A vote names its image by path and row, as the index does, so that later changes of the dataset do
not shift it. The last vote of a rater on an image counts; one without an answer withdraws it.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from filelock import FileLock

from fer_core import access
from fer_core.datasets.corrections import Key
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.names import is_name
from fer_core.errors import FerError
from fer_core.storage import (
    cached_by_mtime,
    disk_full_as_error,
    fsync_file,
    open_log,
    open_regular,
    read_bytes,
    workspace,
)
from fer_core.text import shortened

_MAX_BYTES = 256_000_000  # of a file: a million votes
_SUFFIX = ".jsonl"
Row = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


@dataclass(frozen=True)
class Vote:
    """Holds a rater's answer to one image."""

    path: str
    row: Row | None
    answer: str | None  # None withdraws the earlier vote
    time: str = ""  # ISO 8601, to the second
    id: str = ""  # of the key press, so that one that is sent twice counts once

    @property
    def key(self) -> Key:
        """Returns what identifies the image."""
        return self.path, self.row


@dataclass(frozen=True)
class RaterVotes:
    """Holds what is in a rater's file."""

    answers: Mapping[Key, str]  # that count
    times: Mapping[Key, str] = field(repr=False)
    ids: frozenset[str] = field(repr=False)  # of all lines
    damaged: int  # lines left out, as of a power failure


def rater_names(dataset: Dataset) -> list[str]:
    """Returns the raters who have voted, by name."""
    try:
        names = [path.name for path in _folder(dataset).iterdir()]
    except OSError:
        return []
    stems = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
    return sorted(filter(is_name, stems), key=str.lower)


def rater_name(dataset: Dataset, wanted: str) -> str:
    """Returns the name of a rater, as it was first written: upper and lower case are the same.

    Raises:
        FerError: it is not valid.
    """
    wanted = wanted.strip()
    if not is_name(wanted):
        raise FerError(
            "A rater's name must be 1 to 64 letters, digits, dashes, underscores or dots, and "
            f"start with a letter or digit. Received: {shortened(wanted)!r}"
        )
    known = {name.lower(): name for name in rater_names(dataset)}
    return known.get(wanted.lower(), wanted)


def votes_file(dataset: Dataset, rater: str) -> Path:
    """Returns the path of a rater's votes, whether it exists or not."""
    return _folder(dataset) / f"{rater}{_SUFFIX}"


def read_rater(dataset: Dataset, rater: str) -> RaterVotes:
    """Reads a rater's votes; those of an unknown one are empty. The result is shared.

    Raises:
        DamagedFileError: the file cannot be read; damaged lines alone are left out.
    """
    return _read(votes_file(dataset, rater))


def add_votes(dataset: Dataset, votes: Mapping[str, Iterable[Vote]]) -> int:
    """Appends votes to the files of their raters; returns how many were new.

    All are written or none. A vote whose id a file has already is left out, so that a browser may
    send votes again until it knows that they have arrived.

    Raises:
        FerError: a name is not valid, the dataset was deleted, or changes are switched off.
        DiskFullError: the disk is full.
    """
    access.current().require_write()
    # Two sessions, also of one rater, must neither mix their lines nor count a vote twice.
    with FileLock(workspace() / "raters.lock"):
        if not (dataset.directory / "data_set.json").exists():
            raise FerError(f"{dataset.name} was deleted, so its images cannot be labeled.")
        named = [(rater_name(dataset, rater), list(new)) for rater, new in votes.items()]
        _folder(dataset).mkdir(parents=True, exist_ok=True)
        new = {rater: _unknown(read_rater(dataset, rater).ids, votes) for rater, votes in named}
        undo: list[Callable[[], None]] = []
        try:
            for rater, lines in new.items():
                if lines:
                    undo.append(_append(votes_file(dataset, rater), lines))
        except BaseException:
            for restore in undo:
                restore()
            raise
    return sum(map(len, new.values()))


def now() -> str:
    """Returns the time for a vote."""
    return datetime.now().isoformat(timespec="seconds")


def _folder(dataset: Dataset) -> Path:
    return dataset.directory / "raters" / "votes"


def _unknown(ids: Collection[str], votes: Iterable[Vote]) -> list[Vote]:
    return [vote for vote in votes if not vote.id or vote.id not in ids]


def _append(path: Path, votes: list[Vote]) -> Callable[[], None]:
    """Appends lines in one write; returns what takes them back."""
    lines = b"".join(msgspec.json.encode(vote) + b"\n" for vote in votes)
    size, is_whole = _end(path)

    def restore() -> None:
        with suppress(OSError):
            if size:
                os.truncate(path, size)
            else:
                path.unlink()

    with disk_full_as_error(path):
        try:
            with open_log(path) as file:
                # A line that a power failure cut off must not swallow the next one.
                file.write(lines if is_whole else b"\n" + lines)
            fsync_file(path)
        except OSError:
            restore()
            raise
    return restore


def _end(path: Path) -> tuple[int, bool]:
    """Returns a file's size in bytes, and whether its last line is whole."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            return size, file.read() in (b"", b"\n")
    except FileNotFoundError:
        return 0, True


@cached_by_mtime
def _read(path: Path) -> RaterVotes:
    try:
        data = read_bytes(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        data = b""
    decode = msgspec.json.Decoder(Vote).decode
    answers, times, ids, damaged = dict[Key, str](), dict[Key, str](), set[str](), 0
    for line in data.split(b"\n"):
        if not line:
            continue
        try:
            vote = decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += 1
            continue
        ids.add(vote.id)
        answers.pop(vote.key, None)  # so that the newest is the last one
        if vote.answer is not None:
            answers[vote.key], times[vote.key] = vote.answer, vote.time
    return RaterVotes(answers, times, frozenset(ids), damaged)
