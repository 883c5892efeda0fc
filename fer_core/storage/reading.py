"""Reads files that may be anything: whatever is wrong with one is one kind of error.

A workspace is copied, edited and cut off by power failures, and folders are added from anywhere.
So a file of a known name may be missing, empty, truncated, another format, a folder, a link to
itself, a pipe on which reading would wait for ever, or a device that never ends.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec

from fer_core.errors import FerError
from fer_core.storage.files import retry_while_locked

MAX_JSON_BYTES = 8_000_000  # lists of lists take twenty times as much in memory
MAX_TEXT_BYTES = 8_000_000

# A pipe without a writer must not block; Windows would translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class DamagedFileError(FerError):
    """Tells that a file does not hold what it should; `path` and `problem` say which and why."""

    def __init__(self, path: Path, problem: str) -> None:
        """Takes the problem as a clause that follows the file's name: "is empty"."""
        super().__init__(f"{path} {problem.rstrip('.')}.")
        self.path, self.problem = path, problem

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        # By default the message would be passed as the path.
        return type(self), (self.path, self.problem)


@contextmanager
def open_regular(
    path: Path, *, max_bytes: int | None = None, buffering: int = -1
) -> Iterator[IO[bytes]]:
    """Opens a regular file for reading; links are followed.

    Args:
        max_bytes: of the file; None for any number.
        buffering: bytes that are read at once; -1 for the default.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it is no regular file, or too large, or the system cannot read it.
    """
    try:
        with retry_while_locked(lambda: _open(path, buffering)) as file:
            size = os.fstat(file.fileno()).st_size
            if max_bytes is not None and size > max_bytes:
                raise DamagedFileError(
                    path, f"must have at most {max_bytes:,} bytes. Received: {size:,}"
                )
            yield file
    except NotADirectoryError as error:  # a folder on the way is a file
        raise FileNotFoundError(*error.args) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedFileError(path, f"cannot be read: {error.strerror or error}") from error


def _open(path: Path, buffering: int) -> IO[bytes]:
    # Before opening, since that alone may change a device, and after, since the path may now be
    # another file's.
    _check_regular(path, path.stat())
    file = open(  # noqa: PTH123, SIM115 (Path.open takes no opener)
        path, "rb", buffering, opener=lambda name, _: os.open(name, _FLAGS)
    )
    try:
        _check_regular(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a socket or a device"
        raise DamagedFileError(path, f"must be a file. It is {kind}")


def read_bytes(path: Path, *, max_bytes: int) -> bytes:
    """Returns the content of a regular file.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: as for `open_regular`.
    """
    with open_regular(path, max_bytes=max_bytes) as file:
        return file.read(max_bytes)  # no more, even if it is growing


def read_text(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Returns the content of a UTF-8 text file, without its byte order mark.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: as for `open_regular`, or it is not UTF-8.
    """
    try:
        return read_bytes(path, max_bytes=max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedFileError(path, f"must be UTF-8 text: {error}") from error


def read_json(path: Path, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Returns the content of a JSON file, or None if there is no such file.

    Stricter than the standard library: numbers are finite and strings can be encoded. Of a
    repeated key the last value counts.

    Raises:
        DamagedFileError: as for `open_regular`, or it does not hold JSON.
    """
    try:
        return parse_json(read_bytes(path, max_bytes=max_bytes))
    except FileNotFoundError:
        return None
    except DamagedFileError:
        raise
    except FerError as error:
        raise DamagedFileError(path, f"must hold JSON. {error}") from error


def parse_json(text: str | bytes) -> Any:
    """Returns a JSON value other than null; see `read_json`.

    Raises:
        FerError: it is no JSON.
    """
    try:
        data = msgspec.json.decode(text)
    except RecursionError as error:
        raise FerError("It is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise FerError(f"It is damaged: {error}.") from error
    if data is None:  # or a file would count as missing
        raise FerError("It is null.")
    return data


def read_tail(path: Path, max_bytes: int) -> str:
    """Returns the last bytes of a text file; an empty string if it cannot be read."""
    with suppress(FileNotFoundError, DamagedFileError), open_regular(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - max_bytes))
        return file.read(max_bytes).decode("utf-8", errors="replace")
    return ""
