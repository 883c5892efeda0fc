"""Writes files whole or not at all, so that no reader ever sees half of one."""

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WINDOWS_RETRIES = 50  # of 20 ms: on Windows a file cannot be replaced while someone reads it


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside `path`; when the block ends well, it becomes `path`.

    When the block raises, nothing is left behind and an older `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: Keras tells file formats by it.
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Writes indented JSON, whole or not at all; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """What `write_json` wrote, or None where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def append_row(path: Path, row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Adds a row to a CSV table of numbers, after the header where there is none yet.

    Another process may read meanwhile: the row arrives in one write, its end of line last.
    """
    with path.open("a", encoding="utf-8") as file:
        header = "" if file.tell() else ",".join(columns) + "\n"
        file.write(header + ",".join(str(row[name]) for name in columns) + "\n")


def _replace(source: Path, target: Path) -> None:
    for _ in range(_WINDOWS_RETRIES):
        try:
            source.replace(target)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.02)
    source.replace(target)
