"""Permissions: what the people who reach this process may read, write and upload.

Everything, until a process installs other permissions: the dashboard does so when people on other
machines can reach it, and a task's process takes over those of whoever submitted the task.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_core.errors import FerError

PUBLIC, PATHS, WRITE = "FER_PUBLIC", "FER_ALLOW_PATHS", "FER_ALLOW_WRITE"
WORKSPACE_GB = "FER_MAX_WORKSPACE_GB"
SESSION_MB, UPLOADS_MB = "FER_MAX_UPLOAD_MB", "FER_MAX_UPLOADS_MB"

HIDDEN_PATH = "(a path of the server)"
# From a slash or a drive on, with the spaces that a later slash shows to belong to it.
_PATH = re.compile(
    r"""(?<![\w/\\])(?:[a-z]:\\|\\\\|/(?![/\s]))[^\s'"`]*"""
    r"""(?:(?:[ ][^\s/\\'"`]+){1,4}[/\\][^\s'"`]*)*""",
    re.IGNORECASE,
)
_ON, _OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_PUBLIC_WORKSPACE_GB = 50.0
_PUBLIC_SESSION_MB = 512.0  # fer2013.csv has 301 MB
_PUBLIC_UPLOADS_MB = 2048.0


class AccessError(FerError):
    """Tells that an action is switched off for the people who reach this server."""


@dataclass(frozen=True)
class Access:
    """Holds what may be done; by default everything, for the owner of the machine."""

    is_public: bool = False  # people on other machines can reach the server
    may_write: bool = True  # import, train, evaluate, correct, stop, delete
    folders: tuple[Path, ...] | None = None  # whose files may be read; None: all of the machine's
    workspace_bytes: int | None = None  # that the workspace may take; None: no limit
    session_upload_bytes: int | None = None  # in memory at a time, of one session
    upload_bytes: int | None = None  # in memory at a time, of all sessions

    @property
    def may_read_paths(self) -> bool:
        """Tells whether any folder of the machine may be read."""
        return self.folders is None or bool(self.folders)

    def may_read(self, path: str | Path, *others: Path) -> bool:
        """Tells whether a file or folder may be read, wherever links lead.

        Args:
            others: folders whose files may be read too; they must not be links.
        """
        if self.folders is None:
            return True
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):  # too long, or with a null character
            return False
        return any(real.is_relative_to(folder) for folder in (*self.folders, *others))

    def without_paths(self, text: str, *others: Path) -> str:
        """Returns a message without the paths of the machine that must not be read.

        Where everything may be read, that is the message itself.

        Args:
            others: folders whose paths stay, relative to them.
        """
        if self.folders is None:
            return text
        for folder in sorted(map(str, others), reverse=True):
            text = text.replace(f"{folder}{os.sep}", "")
        return _PATH.sub(lambda found: found[0] if self.may_read(found[0]) else HIDDEN_PATH, text)

    def require_write(self) -> None:
        """Checks that changes are allowed.

        Raises:
            AccessError: they are not.
        """
        if not self.may_write:
            raise AccessError(
                f"Changes are switched off on this server. Its owner can allow them with {WRITE}=1."
            )

    def require_room(self, used: int, more: int = 0) -> None:
        """Checks that the workspace may grow.

        Args:
            used: bytes that it takes now.
            more: bytes to come, as far as known.

        Raises:
            AccessError: it would exceed its quota.
        """
        if self.workspace_bytes is not None and used + more > self.workspace_bytes:
            raise AccessError(
                f"The workspace would take {(used + more) / 1e9:,.1f} GB, and this server allows "
                f"{self.workspace_bytes / 1e9:,.1f} GB ({WORKSPACE_GB}). Delete datasets, runs or "
                "videos first."
            )

    def to_record(self) -> dict[str, Any] | None:
        """Returns what a task's request keeps of it; None if there is no limit to what it may do.

        Whether changes are allowed is not kept: the task is one that was.
        """
        folders = None if self.folders is None else [str(path) for path in self.folders]
        if folders is None and self.workspace_bytes is None:
            return None
        return {"folders": folders, "workspace_bytes": self.workspace_bytes}

    @classmethod
    def from_record(cls, record: object, *others: Path) -> "Access":
        """Returns the permissions of a task whose submitter had those of `to_record`.

        Args:
            others: folders that the task may read too.
        """
        if record is None:
            return cls()
        known = record if isinstance(record, dict) else {"folders": []}
        folders, quota = known.get("folders"), known.get("workspace_bytes")
        return cls(
            folders=None if folders is None else (*map(Path, map(str, folders)), *others),
            workspace_bytes=quota if isinstance(quota, int) else None,
        )

    @classmethod
    def of_server(
        cls, address: str | None, environment: Mapping[str, str], *, is_forwarded: bool = False
    ) -> "Access":
        """Returns the permissions of people who reach a server.

        Args:
            address: that the server listens on; None for all of the machine's addresses.
            environment: with the variables whose names this module defines.
            is_forwarded: whether the connection seems to come from another machine all the same,
                through a proxy; FER_PUBLIC=0 says that it does not.

        Raises:
            FerError: a variable has a value that is not understood.
        """
        is_private = not _flag(environment, PUBLIC, is_forwarded) and is_local(address)
        is_public = not is_private
        quota = _number(environment, WORKSPACE_GB, _PUBLIC_WORKSPACE_GB if is_public else None)
        workspace_bytes = None if quota is None else int(quota * 1e9)
        if not is_public:
            return cls(workspace_bytes=workspace_bytes)
        return cls(
            is_public=True,
            may_write=_flag(environment, WRITE),
            folders=_folders(environment.get(PATHS, "")),
            workspace_bytes=workspace_bytes,
            session_upload_bytes=_megabytes(environment, SESSION_MB, _PUBLIC_SESSION_MB),
            upload_bytes=_megabytes(environment, UPLOADS_MB, _PUBLIC_UPLOADS_MB),
        )


OWNER = Access()


def _owner() -> Access:
    return OWNER


_provider: Callable[[], Access] = _owner


def current() -> Access:
    """Returns the permissions of whoever this thread works for."""
    return _provider()


def install(provider: Callable[[], Access]) -> None:
    """Makes `current` return what the provider returns.

    It is asked for each action, so that it may tell users apart.
    """
    global _provider  # noqa: PLW0603 (one for the process, like the environment)
    _provider = provider


@contextmanager
def acting_with(permissions: Access) -> Iterator[None]:
    """Makes `current` return these permissions within the block, in all threads."""
    before = _provider
    install(lambda: permissions)
    try:
        yield
    finally:
        install(before)


def is_local(address: str | None) -> bool:
    """Tells whether only this machine can reach a server that listens on this address."""
    name = (address or "").strip().lower().strip("[]")
    if name == "localhost" or name.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:  # nothing, or a name that may stand for any address
        return False


def _flag(environment: Mapping[str, str], name: str, default: bool = False) -> bool:
    value = environment.get(name, "").strip().lower()
    if value and value not in _ON | _OFF:
        raise FerError(f"{name} must be 1 or 0. Received: {value}")
    return value in _ON if value else default


def _number(environment: Mapping[str, str], name: str, default: float | None) -> float | None:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise FerError(f"{name} must be a number, 0 or more. Received: {text}")
    return value


def _megabytes(environment: Mapping[str, str], name: str, default: float) -> int:
    return int((_number(environment, name, default) or 0.0) * 2**20)


def _folders(text: str) -> tuple[Path, ...]:
    """Returns the folders of a list as in PATH, without links."""
    names = [name.strip() for name in text.split(os.pathsep)]
    return tuple(Path(os.path.realpath(Path(name).expanduser())) for name in names if name)
