"""Writes files atomically, so that no reader ever sees half of one."""

import errno
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from fer_core.errors import FerError

T = TypeVar("T")

_WINDOWS_RETRIES = 50  # of 20 ms: Windows does not replace a file while someone reads it
_RESERVED = 4096  # bytes: a sentence, and a block of most disks
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}(\.[^.]*)?")
# Neither follows a link nor waits for the reader of a pipe; Windows has neither.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
# Libraries in C raise errors of their own types, but with the system's message.
_DISK_FULL = {number: os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT)}


class DiskFullError(OSError, FerError):
    """Tells that a file could not be written because the disk is full; shown as it is."""


@contextmanager
def disk_full_as_error(path: Path) -> Iterator[None]:
    """Turns any error that a full disk causes while `path` is written into a DiskFullError.

    Raises:
        DiskFullError: the disk is full, or the disk quota is used up.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DiskFullError) or not _is_disk_full(error):
            raise
        filename = error.filename if isinstance(error, OSError) else None
        path = Path(filename) if isinstance(filename, str) else path
        folder = _existing_parent(path)
        free = shutil.disk_usage(folder).free / 1e6
        raise DiskFullError(
            f"The disk of {folder} must have room for {path.name.lstrip('.')}; it is full, or the "
            f"disk quota is used up. Received: {free:,.1f} MB free."
        ) from error


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yields a temporary path next to `path` that becomes `path` when the block succeeds.

    If the block raises, an older `path` stays unchanged and nothing else is left. The folder must
    exist: a run that was just deleted must not come back because its process still writes.

    Args:
        durable: flushes the content to disk before the rename, so that a power failure leaves no
            empty file.

    Raises:
        DiskFullError: the disk is full.
    """
    # The suffix stays last because Keras tells file formats apart by it.
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        with disk_full_as_error(path):
            yield temporary
            if durable:
                fsync_file(temporary)
            retry_while_locked(lambda: temporary.replace(path))
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Returns whether a file has a name that `replacing` gives."""
    return _TEMPORARY.fullmatch(name) is not None


def delete_folder(folder: Path) -> None:
    """Deletes a folder so that nobody sees it half deleted; of a link only the link.

    Does nothing if there is no such folder.

    Raises:
        FerError: the system refuses to rename it, because a program uses it.
    """
    doomed = folder.with_name(f".deleted-{folder.name}")
    _remove(doomed)  # left by an earlier attempt to delete it
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return  # another session has deleted it
    except OSError as error:
        raise FerError(
            f"{folder.name} is in use and was not deleted. Close what uses it. {error}"
        ) from error
    _remove(doomed)


def _remove(folder: Path) -> None:
    if folder.is_symlink():  # its target is not ours to delete
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def open_log(path: Path) -> IO[bytes]:
    """Opens a log for appending; it is created if it is missing.

    Raises:
        OSError: it cannot be opened, or is a link or a pipe.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK
    return os.fdopen(os.open(path, flags, 0o644), "ab")


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Writes UTF-8 text atomically; see `replacing`."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any, *, durable: bool = True) -> None:
    """Writes indented JSON atomically, if `read_json` can read it.

    Raises:
        ValueError: there is a NaN, which JSON does not have.
        FerError: a text is not UTF-8, as a file's name may be.
    """
    text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise FerError(
            f"Nothing was saved: {path.name} could not have been read again. {error}"
        ) from error
    write_text(path, text, durable=durable)


def file_size(file: IO[bytes]) -> int:
    """Returns the bytes from an open file's position to its end; the position stays."""
    place = file.tell()
    size = file.seek(0, os.SEEK_END) - place
    file.seek(place)
    return size


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's content, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reserve(path: Path) -> None:
    """Reserves disk space with which `write_reserved` can write `path` even on a full disk.

    Raises:
        DiskFullError: the disk is already full.
    """
    with replacing(_reserved_file(path)) as temporary:
        temporary.write_bytes(os.urandom(_RESERVED))  # some file systems do not store zeros


def write_reserved(path: Path, text: str) -> None:
    """Writes text atomically into the reserved space, or as `write_text` if there is none.

    Text beyond the size of the space (4,096 bytes) is cut off.
    """
    reserved, data = _reserved_file(path), text.encode()[:_RESERVED]
    try:
        with reserved.open("rb+") as file:
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        retry_while_locked(lambda: reserved.replace(path))
    except OSError:  # nothing was reserved, or the file system does not write in place
        reserved.unlink(missing_ok=True)
        write_text(path, text)


def release_reserved(path: Path) -> None:
    """Frees the disk space that `reserve` took."""
    _reserved_file(path).unlink(missing_ok=True)


def truncate_log(path: Path, max_bytes: int) -> None:
    """Cuts a log larger than `max_bytes` down to its newest lines, half of `max_bytes`.

    Another process may be appending to it; a line written at the moment of the cut is lost.
    """
    with suppress(FileNotFoundError):
        if path.is_symlink() or path.stat().st_size <= max_bytes:
            return
        with path.open("rb+", buffering=0) as file:
            file.seek(-(max_bytes // 2), os.SEEK_END)
            kept = 0
            # Read until there is no more: the other process may be in the middle of a long write.
            while newest := file.read():
                # The first block begins within a line. Writing in place needs no disk space.
                lines = newest if kept else newest[newest.find(b"\n") + 1 :]
                end = file.tell()
                file.seek(kept)
                kept += file.write(lines)
                file.seek(end)
            file.truncate(kept)


def retry_while_locked(action: Callable[[], T]) -> T:
    """Returns the action's result; on Windows it is retried while another process has the file."""
    for _ in range(_WINDOWS_RETRIES):
        try:
            return action()
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.02)
    return action()


def fsync_file(path: Path) -> None:
    """Flushes the file's content to disk, so that it survives a power failure."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _reserved_file(path: Path) -> Path:
    # Not hidden: hidden files count as half-written and are removed.
    return path.with_name(f"{path.name}.reserved")


def _existing_parent(path: Path) -> Path:
    return next(folder for folder in path.parents if folder.exists())


def _is_disk_full(error: BaseException | None) -> bool:
    """Returns whether the error, or one that it was raised from, means that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            return True
        if any(message in str(error) for message in _DISK_FULL.values()):
            return True
        error = error.__cause__ or error.__context__
    return False
