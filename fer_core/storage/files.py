"""Writes files whole or not at all, so that no reader ever sees half of one."""

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from fer_core.errors import FerError

T = TypeVar("T")

_WINDOWS_RETRIES = 50  # of 20 ms: on Windows a file cannot be replaced while someone reads it
_RESERVED = 4096  # bytes: a sentence, and a block of most disks
# Libraries in C tell it in their own kinds of errors, but always with the system's words.
_FULL = {number: os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT)}


class DiskFullError(OSError, FerError):
    """What could not be written for want of room, in a sentence that can be shown."""


@contextmanager
def disk_full_as_error(path: Path) -> Iterator[None]:
    """Turns what a full disk raises while `path` is written, of whatever kind, into its sentence.

    Raises:
        DiskFullError: the disk is full, or the quota there is used up.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DiskFullError) or not _tells_of_full_disk(error):
            raise
        named = error.filename if isinstance(error, OSError) else None
        path = Path(named) if isinstance(named, str) else path
        folder = _existing(path.parent)
        free = shutil.disk_usage(folder).free / 1e6
        raise DiskFullError(
            f"The disk of {folder} must have room for {path.name.lstrip('.')}; it is full, or the "
            f"quota there is used up. Received: {free:,.1f} MB free."
        ) from error


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Gives a temporary name beside `path`; when the block ends well, it becomes `path`.

    When the block raises, nothing is left behind and an older `path` stays as it was. The folder
    must be there: what writes into a run that was just deleted shall not bring it back. With
    `durable` the content is on the disk before the name is, so that a power cut leaves no empty
    file.

    Raises:
        DiskFullError: there is no room for it.
    """
    # The suffix stays last: Keras tells file formats by it.
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        with disk_full_as_error(path):
            yield temporary
            if durable:
                fsync_file(temporary)
            retry_while_locked(lambda: temporary.replace(path))
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Writes UTF-8 text, whole or not at all; see `replacing`."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any, *, durable: bool = True) -> None:
    """Writes indented JSON, whole or not at all; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n", durable=durable)


def read_json(path: Path) -> Any:
    """What `write_json` wrote, or None where there is no such file.

    Raises:
        FerError: the file holds no JSON.
    """
    try:
        return json.loads(retry_while_locked(lambda: path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def reserve(path: Path) -> None:
    """Takes room now in which `write_reserved` can write `path` when the disk is full.

    Raises:
        DiskFullError: it is full already.
    """
    with replacing(_room(path)) as temporary:
        temporary.write_bytes(os.urandom(_RESERVED))  # some disks keep no room for zeros


def write_reserved(path: Path, text: str) -> None:
    """Writes text, whole or not at all, into the room that `reserve` took; else as `write_text`.

    What does not fit into the room is cut off.
    """
    room, data = _room(path), text.encode()[:_RESERVED]
    try:
        with room.open("rb+") as file:
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        retry_while_locked(lambda: room.replace(path))
    except OSError:  # nobody reserved, or a disk that writes over nothing: there the room is freed
        room.unlink(missing_ok=True)
        write_text(path, text)


def release_reserved(path: Path) -> None:
    """Frees the room that `reserve` took, where it was not needed."""
    _room(path).unlink(missing_ok=True)


def truncate_log(path: Path, most_bytes: int) -> None:
    """Cuts a log that another process appends to down to its newest lines once it is too large.

    Half of `most_bytes` is kept. What is written in the very moment of the cut is lost.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size <= most_bytes:
            return
        with path.open("rb+", buffering=0) as file:
            file.seek(-(most_bytes // 2), os.SEEK_END)
            kept = 0
            # Until there is no more: the other process may be in the middle of a long write.
            while newest := file.read():
                # The first begins with the rest of a line. Written over what is there: no room.
                whole = newest if kept else newest[newest.find(b"\n") + 1 :]
                end = file.tell()
                file.seek(kept)
                kept += file.write(whole)
                file.seek(end)
            file.truncate(kept)


def retry_while_locked(action: Callable[[], T]) -> T:
    """What the action gives; on Windows tried again while another process holds the file."""
    for _ in range(_WINDOWS_RETRIES):
        try:
            return action()
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.02)
    return action()


def fsync_file(path: Path) -> None:
    """Returns when the file's content would outlive a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _room(path: Path) -> Path:
    # Not hidden: what is hidden counts as half written, and is swept away.
    return path.with_name(f"{path.name}.reserved")


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _tells_of_full_disk(error: BaseException | None) -> bool:
    """Whether the error, or one that it came from, says so."""
    while error is not None:
        told = isinstance(error, OSError) and error.errno in _FULL
        if told or any(words in str(error) for words in _FULL.values()):
            return True
        error = error.__cause__ or error.__context__
    return False
