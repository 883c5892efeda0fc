"""Limits the memory that uploaded files may take."""

import threading
from collections.abc import Callable

from starlette.exceptions import HTTPException
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fer_core.access import Access

_OVERHEAD = 4096  # bytes of a file beside its content: any number of empty files takes memory too
_TOO_LARGE = 413  # HTTP status
_lock = threading.Lock()


class LimitedUploads(MemoryUploadedFileManager):
    """Streamlit's uploads, which are kept in memory without limit, with one.

    Streamlit (seen in 1.67) limits the size of a file, not the number of files; and whoever has the
    number of a session may send files to any page, even one without an upload field.
    """

    permissions: Callable[[], Access]

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keeps a file, or answers that it is too large."""
        limits = self.permissions()
        with _lock:
            sizes = {each: self._size(each) for each in list(self.file_storage)}
            own = sizes.pop(session_id, 0) - self._size(session_id, file.file_id) + _size(file)
            everything = sum(sizes.values()) + own
            if _exceeds(limits.session_upload_bytes, own) or _exceeds(
                limits.upload_bytes, everything
            ):
                raise HTTPException(_TOO_LARGE, "Uploads would take too much memory")
            super().add_file(session_id, file)

    def _size(self, session_id: str, file_id: str | None = None) -> int:
        """Returns the bytes of a session's files, or of one of them."""
        files = self.file_storage.get(session_id, {}).copy()
        return sum(_size(each) for key, each in files.items() if file_id in (None, key))


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
