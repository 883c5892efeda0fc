"""Writes files whole or not at all, so that no reader ever sees half of one."""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_WINDOWS_RETRIES = 50  # of 20 ms: on Windows a file cannot be replaced while someone reads it


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Gives a temporary name beside `path`; when the block ends well, it becomes `path`.

    When the block raises, nothing is left behind and an older `path` stays as it was. The folder
    must be there: what writes into a run that was just deleted shall not bring it back. With
    `durable` the content is on the disk before the name is, so that a power cut leaves no empty
    file.
    """
    # The suffix stays last: Keras tells file formats by it.
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        if durable:
            _to_disk(temporary)
        patiently(lambda: temporary.replace(path))
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
        ValueError: the file holds no JSON.
    """
    try:
        return json.loads(patiently(lambda: path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def append_row(path: Path, row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Adds a row to a CSV table of numbers, after the header where there is none yet.

    Another process may read meanwhile: the row arrives in one write, its end of line last.
    """
    with path.open("a", encoding="utf-8") as file:
        header = "" if file.tell() else ",".join(columns) + "\n"
        file.write(header + ",".join(str(row[name]) for name in columns) + "\n")


def patiently(action: Callable[[], T]) -> T:
    """What the action gives; on Windows tried again while another process holds the file."""
    for _ in range(_WINDOWS_RETRIES):
        try:
            return action()
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.02)
    return action()


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
