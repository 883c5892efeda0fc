"""Seals what the program writes for itself, so that it can tell it from what was copied in.

A folder in `runs/` or `tasks/` may come from anywhere and name any path, also its own. The key of
the seal lies outside of these folders, and is different in every workspace.
"""

import hmac
import json
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from fer_core.errors import FerError
from fer_core.storage import paths, read_bytes, replacing

_LENGTH = 32  # bytes


def seal(record: Any) -> str:
    """Returns the seal of a JSON value; makes the workspace's key if there is none yet."""
    key = _read_key()
    if not key:
        paths.workspace().mkdir(parents=True, exist_ok=True)
        with FileLock(f"{_key_file()}.lock"):
            key = _read_key() or _new_key()
    return _seal(record, key)


def is_sealed(record: Any, found: str) -> bool:
    """Returns whether `found` is the seal that this workspace gave to a JSON value."""
    key = _read_key()
    return bool(key) and hmac.compare_digest(_seal(record, key).encode(), found.encode())


def _seal(record: Any, key: bytes) -> str:
    text = json.dumps(record, sort_keys=True)
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _key_file() -> Path:
    return paths.workspace() / "seal.key"


def _read_key() -> bytes:
    """Returns the workspace's key; empty if there is none or it is damaged."""
    key = b""
    with suppress(FileNotFoundError, FerError):
        key = read_bytes(_key_file(), max_bytes=_LENGTH)
    return key if len(key) == _LENGTH else b""


def _new_key() -> bytes:
    key = secrets.token_bytes(_LENGTH)
    with replacing(_key_file()) as temporary:
        temporary.touch(0o600)
        temporary.write_bytes(key)
    return key
