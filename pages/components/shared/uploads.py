"""Limits the memory that uploaded files may take, kept and arriving together."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fer_core.access import Access

_OVERHEAD = 4096  # bytes of a file beside its content: any number of empty files takes memory too
_TOO_LARGE = 413  # HTTP status
_NONE: Mapping[str, int] = MappingProxyType({})
_lock = threading.Lock()


class LimitedUploads(MemoryUploadedFileManager):
    """Limits Streamlit's uploads, which it keeps in memory.

    Streamlit (seen in 1.67) limits the size of a file, not the number of files; and whoever has the
    number of a session may send files to any page, even one without an upload field.
    """

    permissions: Callable[[], Access]

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keeps a file, or answers that it is too large."""
        with _lock:
            self.check_room(session_id, _size(file) - self._size(session_id, file.file_id))
            super().add_file(session_id, file)

    def check_room(self, session_id: str, more: int, arriving: Mapping[str, int] = _NONE) -> None:
        """Answers that it is too large if a session's files would take so many more bytes.

        Args:
            arriving: bytes that are being received, by session.
        """
        limits = self.permissions()
        if limits.session_upload_bytes is None and limits.upload_bytes is None:
            return
        own = self._size(session_id) + arriving.get(session_id, 0) + more
        kept = sum(self._size(each) for each in list(self.file_storage))
        everything = kept + sum(arriving.values()) + more
        if _exceeds(limits.session_upload_bytes, own) or _exceeds(limits.upload_bytes, everything):
            raise HTTPException(_TOO_LARGE, "Uploads would take too much memory")

    def _size(self, session_id: str, file_id: str | None = None) -> int:
        """Returns the bytes of a session's files, or of one of them."""
        files = self.file_storage.get(session_id, {}).copy()
        return sum(_size(each) for key, each in files.items() if file_id in (None, key))


class UploadGate:
    """Counts uploads while they arrive, as middleware: any number may at the same time."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps the server."""
        self._app = app
        self._arriving: Counter[str] = Counter()  # bytes, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request; ends an upload that would take too much memory with the others."""
        session = _session(scope)
        if not session:
            await self._app(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            size = len(message.get("body", b"")) + (0 if received else _OVERHEAD)
            received += size
            self._arriving[session] += size
            _manager().check_room(session, 0, self._arriving)
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            self._arriving[session] -= received
            self._arriving += Counter()  # removes those with nothing left


def _session(scope: Scope) -> str:
    """Returns the session of a request that uploads a file; else an empty string."""
    if scope["type"] != "http" or scope["method"] != "PUT":
        return ""
    _, found, place = scope["path"].partition("/_stcore/upload_file/")
    return place.partition("/")[0] if found else ""


def _manager() -> LimitedUploads:
    uploads = runtime.get_instance().uploaded_file_mgr
    if not isinstance(uploads, LimitedUploads):  # before the first page was shown
        from pages.components.shared.access import server_access

        limit_uploads(server_access)
    assert isinstance(uploads, LimitedUploads)
    return uploads


def limit_uploads(permissions: Callable[[], Access]) -> None:
    """Limits the uploads of this server as the permissions say."""
    limits, most = permissions(), int(config.get_option("server.maxUploadSize"))
    if limits.session_upload_bytes is not None:  # of one file, checked while it arrives
        config.set_option("server.maxUploadSize", min(most, limits.session_upload_bytes >> 20))
    uploads = runtime.get_instance().uploaded_file_mgr
    if type(uploads) is MemoryUploadedFileManager:
        uploads.__class__ = LimitedUploads  # its routes hold this object
    if isinstance(uploads, LimitedUploads):
        uploads.permissions = permissions


def _size(file: UploadedFileRec) -> int:
    return len(file.data) + _OVERHEAD


def _exceeds(limit: int | None, size: int) -> bool:
    return limit is not None and size > limit
