"""The request of a task, and whether it may be carried out where it lies."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from fer_core.errors import FerError
from fer_core.storage import Timestamp, check_record, read_record
from fer_core.tasks.kinds import KINDS, Kind
from fer_core.tasks.seal import is_sealed, seal
from fer_core.text import shortened

_MAX_DIGITS = 6  # of an attempt's number
_FILES = ("request.json", "place.json", "progress.json", "result.json")


@dataclass(frozen=True)
class Request:
    """Says what to do; the content of `request.json`.

    Raises:
        FerError: the arguments are not those of the kind.
    """

    kind: str  # a key of `kinds.KINDS`, or a kind of another version
    arguments: dict[str, Any]
    submitted: Timestamp  # the oldest runs first
    task: str = ""  # the directory in which it was made; "" by versions that did not record it
    access: dict[str, Any] | None = None  # permissions of who submitted it; None: all
    seal: str = ""  # of all of the above; "" by versions that did not seal it

    def __post_init__(self) -> None:
        if self.kind in KINDS:
            try:
                check_record(KINDS[self.kind].arguments, self.arguments)
            except FerError as error:
                raise FerError(f"The request to {self.kind} {error}") from error

    def sealed(self) -> Self:
        """Returns the request with the seal of this workspace."""
        return replace(self, seal=seal(self._content()))

    def was_made_in(self, directory: Path) -> bool:
        """Returns whether this workspace's program made the request, and in this directory."""
        is_here = bool(self.task) and Path(self.task) == directory
        return is_here and is_sealed(self._content(), self.seal)

    def _content(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "seal"}


def read_request(file: Path) -> Request | None:
    """Returns the content of a `request.json`; None if it is missing or malformed."""
    try:
        return read_record(file, Request)
    except FerError:
        return None


def is_attempt(name: str) -> bool:
    """Returns whether an entry of `attempts` has the name of an attempt: its number, from 0."""
    return name.isascii() and name.isdecimal() and len(name) <= _MAX_DIGITS


def next_attempt(attempts: Path) -> int:
    """Returns the number of the next attempt; that of a damaged one is not used again.

    Raises:
        FerError: there is none.
    """
    number = max(
        (int(path.name) for path in attempts.iterdir() if is_attempt(path.name)), default=-1
    )
    if number + 1 >= 10**_MAX_DIGITS:
        raise FerError(f"{attempts} must have fewer attempts. Received: {number:,}.")
    return number + 1


def check_queued(directory: Path) -> None:
    """Checks that the request in a task's directory, if there is one, may be carried out.

    Raises:
        FerError: it must not; see `check_request` and `check_entries`.
    """
    check_entries(directory)
    request = read_record(directory / "request.json", Request)
    if request is not None:
        check_request(directory, request)


def check_request(directory: Path, request: Request) -> Kind:
    """Returns the kind of a request that may be carried out in the directory.

    A folder that was copied into the workspace must not make the program do anything: a request
    is only carried out in the directory in which the program made it, and only if its kind of task
    belongs there.

    Raises:
        FerError: it must not be carried out.
    """
    kind = KINDS.get(request.kind)
    if kind is None or directory.parent != kind.root():
        raise FerError(
            f"Its request must be of a kind of task that the folder {directory.parent.name} holds. "
            f"Received: {shortened(request.kind)}"
        )
    if not request.was_made_in(directory):
        raise FerError(
            "Its request was made in another folder or workspace, or by an earlier version."
        )
    return kind


def check_entries(directory: Path) -> None:
    """Checks the entries of a task's directory, but not those of its folders.

    Raises:
        FerError: as `check_tree`, or a file of the protocol is a folder, or the reverse.
    """
    with suppress(FileNotFoundError):  # deleted at this moment
        _check(directory)
    for name in _FILES:
        if (directory / name).is_dir():
            raise _not_plain(directory / name)
    attempts = directory / "attempts"
    if attempts.is_dir():
        next_attempt(attempts)
    elif os.path.lexists(attempts):
        raise _not_plain(attempts)


def check_tree(directory: Path) -> None:
    """Checks that a directory, to which a process is about to write, leads nowhere else.

    Raises:
        FerError: the directory, or anything in it, is neither a file nor a folder: a link could
            lead to files that are not the program's, and a pipe would be waited for.
    """
    for folder, _, _ in os.walk(directory):
        _check(Path(folder))


def _check(folder: Path) -> None:
    if folder.is_symlink():
        raise _not_plain(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
                raise _not_plain(Path(entry.path))


def _not_plain(path: Path) -> FerError:
    return FerError(
        f"{path} must be an ordinary file or folder, not a link or anything else. Remove it, or "
        "replace it by what it leads to."
    )
