"""Extracts untrusted .7z archives as safely as .zip archives, if the package py7zr is installed."""

import contextlib
import lzma
import shutil
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from fer_core import tasks
from fer_core.datasets.importing.archives import (
    MAX_DEPTH,
    MAX_EXTRACTED_BYTES,
    NOT_OF_A_MEMBER,
    check_empty,
    check_size,
    create,
    is_wanted,
    leads_out,
    size_on_disk,
)
from fer_core.datasets.importing.zip_directory import MAX_MEMBERS
from fer_core.datasets.layouts.csv_reader import TABLE_SUFFIXES
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.storage import open_regular
from fer_core.text import Tally, counted, is_one_line, shortened
from fer_core.vision import IMAGE_SUFFIXES

_START = b"7z\xbc\xaf\x27\x1c"
_START_SIZE = 32  # bytes, the last of which tell where the header is
_MAX_ENCODED = 2**20  # bytes that tell how it is; others have 40
_ENCODED = b"\x17"  # first byte of a header that is compressed itself
# Copy, LZMA, LZMA2, Deflate and BZip2, for which there are Python's own decoders, and the filter
# BCJ, by the numbers of 7-Zip's Methods.txt. Other decoders of py7zr crash on damaged data.
_METHODS = frozenset(
    {b"\x00", b"\x03\x01\x01", b"\x21", b"\x04\x01\x08", b"\x04\x02\x02", b"\x03\x03\x01\x03"}
)
_ENCRYPTION = b"\x06\xf1\x07\x01"
_WANTED = IMAGE_SUFFIXES | TABLE_SUFFIXES | {".npy"}
# py7zr raises all of these for damaged archives, beside errors of its own.
_DAMAGE: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, TypeError, LookupError)
_DAMAGE += (ArithmeticError, AttributeError, AssertionError, RuntimeError, MemoryError)
_DAMAGE += (lzma.LZMAError, zlib.error, struct.error)


def is_seven_zip(path: Path) -> bool:
    """Returns whether a file is a .7z archive by its first bytes."""
    with open_regular(path) as file:
        return file.read(len(_START)) == _START


def extract_seven_zip(archive: Path, target: Path, report: Report) -> list[str]:
    """Extracts the images and tables of a .7z into `target`; returns notes on skipped files.

    Raises:
        FerError: py7zr is not installed; the archive is damaged, encrypted or too large, or has a
            member that would be written outside `target`. Some files may have been extracted
            then.
    """
    try:
        import py7zr
        from py7zr import exceptions
    except ImportError as error:
        raise FerError(
            f"{archive.name} is a .7z archive, and reading it needs the package py7zr. Install it "
            "(pip install py7zr), or extract the archive and add the folder."
        ) from error
    errors: tuple[type[Exception], ...] = (*_DAMAGE, exceptions.ArchiveError)
    errors += (exceptions.AbsolutePathError,)
    try:
        with open_regular(archive) as packed:
            _check_header(packed)
            with py7zr.SevenZipFile(packed, max_extract_size=MAX_EXTRACTED_BYTES) as file:
                _check_methods(file.header.main_streams)
                return _extract_members(file, archive.stat().st_size, target, report)
    except FerError:
        raise
    except errors as error:
        if isinstance(error, OSError) and error.errno in NOT_OF_A_MEMBER:
            raise FerError(f"The archive could not be extracted: {error.strerror}") from error
        raise FerError(
            f"The archive must be a complete .7z file. Received: {shortened(str(error))}"
        ) from error


def _check_header(packed: IO[bytes]) -> None:
    """Checks how the header is packed, which py7zr unpacks when it opens an archive."""
    from py7zr.archiveinfo import HeaderStreamsInfo

    place, size = struct.unpack("<12xQQ4x", packed.read(_START_SIZE))
    packed.seek(_START_SIZE + place)
    if packed.read(1) == _ENCODED:
        _check_methods(HeaderStreamsInfo.retrieve(BytesIO(packed.read(min(size, _MAX_ENCODED)))))
    packed.seek(0)


def _check_methods(streams: Any) -> None:
    """Checks that nothing is packed by a method that cannot be unpacked safely.

    Args:
        streams: a `py7zr.archiveinfo.StreamsInfo`; None if there are no files.
    """
    folders = streams.unpackinfo.folders if streams is not None else []
    methods = {coder["method"] for folder in folders for coder in folder.coders}
    if _ENCRYPTION in methods:
        raise FerError("The archive is encrypted. Extract it, and add the folder.")
    if others := methods - _METHODS:
        raise FerError(
            "Files in the archive must be packed by LZMA, LZMA2, Deflate, BZip2 or not at all. "
            f"Received method {min(others).hex()}: pack it again, or extract it and add the folder."
        )


def _extract_members(file: Any, size: int, target: Path, report: Report) -> list[str]:
    """Extracts what is wanted.

    Args:
        file: a `py7zr.SevenZipFile`.
        size: of the archive in bytes.
    """
    members = [member for member in file.files if not member.is_directory]
    if len(members) > MAX_MEMBERS:
        raise FerError(f"An archive must have at most {MAX_MEMBERS:,} files.")
    for member in members:
        if leads_out(member.filename):
            raise FerError(
                "The archive must only contain plain files. Received a path outside the archive: "
                f"{shortened(member.filename)}"
            )
    available = min(MAX_EXTRACTED_BYTES, shutil.disk_usage(target).free, tasks.room_left())
    wanted, others, empty, skipped = set[str](), 0, 0, Tally()
    total = 0
    for member in members:
        if not is_wanted(member.filename, _WANTED):
            total += member.uncompressed  # it is unpacked all the same
            others += 1
        elif member.uncompressed == 0:
            empty += 1
            check_empty(empty)
        elif member.filename in wanted or not _is_plain(member):
            skipped.add(member.filename)
        else:
            wanted.add(member.filename)
            total += size_on_disk(member.uncompressed)
    check_size(total, size, available)
    files = _Files(target, wanted, skipped, report)
    with contextlib.closing(files):
        file.extract(targets=wanted, factory=files)
    notes = [f"Skipped {counted(others, 'file')} that are not images."] if others else []
    if empty:
        notes.append(f"Skipped {counted(empty, 'empty file')} of the archive.")
    if skipped:
        notes.append(
            f"Skipped {counted(len(skipped), 'file')} of the archive that are links, repeated or "
            f"have names that no file can have: {skipped}"
        )
    return notes


def _is_plain(member: Any) -> bool:
    is_usual = is_one_line(member.filename) and member.filename.count("/") < MAX_DEPTH
    return is_usual and not (member.is_symlink or member.is_junction or member.is_socket)


class _Files:
    """Creates the files that py7zr writes to, so that it creates none itself."""

    def __init__(self, target: Path, wanted: set[str], skipped: Tally, report: Report) -> None:
        self._target, self._wanted, self._skipped = target, wanted, skipped
        self._report = report
        self._open: _File | None = None
        self._done = 0

    def create(self, filename: str) -> "_File":
        """Returns a new file for a member; one that keeps nothing if it cannot be created."""
        self.close()
        self._open = _File(self._place(filename), lambda: self._skipped.add(filename))
        self._done += 1
        if self._done % 100 == 0:
            message = f"Extracted {self._done:,} of {len(self._wanted):,} files"
            self._report(self._done, len(self._wanted), message)
        return self._open

    def _place(self, filename: str) -> Path | None:
        return self._target / filename if filename in self._wanted else None

    def close(self) -> None:
        """Closes the file that is being written."""
        if self._open is not None:
            self._open.close()


class _File:
    """Writes a member to a file, as a `Py7zIO`."""

    def __init__(self, place: Path | None, refuse: Callable[[], None]) -> None:
        self._file: IO[bytes] | None = None
        self._size = 0
        try:
            if place is not None:
                self._file = create(place, "xb")
        except OSError as error:
            if error.errno in NOT_OF_A_MEMBER:
                raise
        if self._file is None:
            refuse()

    def write(self, data: bytes) -> int:
        """Appends to the file."""
        self._size += len(data)
        return len(data) if self._file is None else self._file.write(data)

    def read(self, size: int | None = None) -> bytes:
        """Reads nothing: links, whose target py7zr reads, are not extracted."""
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Leaves the position at the end."""
        return self._size

    def flush(self) -> None:
        """Does nothing; `close` writes what is left."""

    def size(self) -> int:
        """Returns the bytes written."""
        return self._size

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
