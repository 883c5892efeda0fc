"""Extracts untrusted .tar archives, also compressed ones, as safely as .zip archives."""

import bz2
import gzip
import io
import lzma
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from fer_core import tasks
from fer_core.datasets.importing.archives import (
    HARMLESS,
    MAX_DEPTH,
    MAX_EXTRACTED_BYTES,
    MAX_RATIO,
    NOT_OF_A_MEMBER,
    check_empty,
    check_size,
    create,
    file_at,
    is_wanted,
    leads_out,
    size_on_disk,
)
from fer_core.datasets.importing.seven_zip import is_seven_zip
from fer_core.datasets.importing.zip_directory import MAX_MEMBERS
from fer_core.datasets.layouts.csv_reader import TABLE_SUFFIXES, is_table_file
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.storage import open_regular
from fer_core.text import Tally, counted, is_one_line, shortened
from fer_core.vision import IMAGE_SUFFIXES

_WANTED = IMAGE_SUFFIXES | TABLE_SUFFIXES | {".npy"}
_MAX_HEADER = 2**18  # bytes, with what extends it, such as a long name
_LONG_NUMBER = re.compile(rb"\d{21}")  # for which tarfile's patterns take quadratic time
_BLOCK = 2**20  # bytes
_RECORD = 512  # bytes of a header
_REPORT_EVERY = 1_000  # members
_OPENERS: dict[bytes, Callable[..., Any]] = {  # by the first bytes of a file
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def is_archive(path: Path) -> bool:
    """Returns whether a file is a .zip, .tar or .7z archive by its suffix or its first bytes."""
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return True
    return is_tar(path) or is_seven_zip(path)


def is_tar(path: Path) -> bool:
    """Returns whether a file is a .tar archive or compressed by gzip, bzip2 or xz."""
    with open_regular(path) as file:
        start = file.read(_RECORD)
    return start.startswith(tuple(_OPENERS)) or _is_header(start)


def extract_tar(archive: Path, target: Path, report: Report) -> list[str]:
    """Extracts the images and tables of a .tar into `target`; returns notes on skipped files.

    Raises:
        FerError: it is damaged, too large, or has a member that would be written outside
            `target`. Some files may have been extracted then.
    """
    plain = target / ".archive.tar"
    try:
        if not _decompress(archive, plain, report):
            plain.rename(target / archive.stem)
            return []
        with plain.open("rb") as file:
            return _Extraction(file, target, archive.stat().st_size, report).run()
    except FerError:
        raise
    except _DAMAGE as error:
        raise FerError(
            f"The archive must be a complete .tar file. Received: {shortened(str(error))}"
        ) from error
    finally:
        plain.unlink(missing_ok=True)


def _decompress(archive: Path, plain: Path, report: Report) -> bool:
    """Writes what is in the archive to a new file; returns whether that is a .tar, or a table.

    Raises:
        FerError: it is neither, or too large.
    """
    size = archive.stat().st_size
    free = min(shutil.disk_usage(plain.parent).free // 2, tasks.room_left())
    limit = min(MAX_EXTRACTED_BYTES, free, max(HARMLESS, MAX_RATIO * size))
    with open_regular(archive) as packed, plain.open("wb") as out:
        start = packed.read(8)
        opener = next((each for magic, each in _OPENERS.items() if start.startswith(magic)), None)
        if opener is gzip.open:
            _check_limit(_declared_size(packed), limit)
        packed.seek(0)
        source = opener(packed) if opener else packed
        first = source.read(_RECORD)
        is_table = not _is_header(first)
        if is_table:
            _check_table(archive)
        out.write(first)
        while block := source.read(_BLOCK):
            out.write(block)
            report(min(packed.tell(), size), size, f"Unpacked {out.tell() / 2**20:,.0f} MB")
            _check_limit(out.tell(), limit)
    return not is_table


def _is_header(record: bytes) -> bool:
    return record[257:262] == b"ustar"


def _declared_size(packed: IO[bytes]) -> int:
    """Returns the size after decompression, modulo 4 GB, that the end of a .gz declares."""
    packed.seek(-4, io.SEEK_END)
    return int.from_bytes(packed.read(4), "little")


def _check_limit(size: int, limit: int) -> None:
    if size > limit:
        raise FerError(
            f"The archive must take at most {limit / 2**30:.1f} GB when extracted. Received more."
        )


def _check_table(archive: Path) -> None:
    """Checks that the only file of a .gz that is no .tar is a table, such as fer2013.csv.gz."""
    if not is_table_file(Path(archive.stem)):
        raise FerError(
            f"{archive.name} must be a .tar archive or a compressed table. It is neither: extract "
            "it, and add what is in it."
        )


class _Extraction:
    """Extracts members one by one, and keeps none of them in memory."""

    def __init__(self, file: IO[bytes], target: Path, size: int, report: Report) -> None:
        """Reads nothing yet.

        Args:
            file: not compressed.
            size: of the archive as it came, in bytes.
        """
        self._bounded = _BoundedHeaders(file)
        self._target, self._size, self._report = target, size, report
        self._room = min(MAX_EXTRACTED_BYTES, shutil.disk_usage(target).free, tasks.room_left())
        self._taken = self._others = self._empty = 0
        self._skipped = Tally()

    def run(self) -> list[str]:
        """Extracts what is wanted; returns notes on the rest.

        Raises:
            FerError: it takes too much, or a member would be written outside the target.
        """
        with tarfile.open(fileobj=cast(IO[bytes], self._bounded), mode="r:") as file:
            for number, member in enumerate(self._members(file), 1):
                if number > MAX_MEMBERS:
                    raise FerError(f"An archive must have at most {MAX_MEMBERS:,} files.")
                if number % _REPORT_EVERY == 0:
                    self._report(number, 0, f"Extracted {number:,} files")
                if not member.isdir():
                    self._extract_or_skip(file, member)
        return self._notes()

    def _members(self, file: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        while True:
            with self._bounded.reading_header():
                member = file.next()
            if member is None:
                return
            yield member
            file.members.clear()  # type: ignore[attr-defined]  # a kilobyte for each

    def _extract_or_skip(self, file: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if leads_out(member.name):
            raise FerError(
                "The archive must only contain plain files. Received a path outside the archive: "
                f"{shortened(member.name)}"
            )
        if not is_wanted(member.name, _WANTED):
            self._others += 1
        elif not _is_plain(member):
            self._skipped.add(member.name)
        elif member.size == 0:
            self._empty += 1
            check_empty(self._empty)
        else:
            self._taken += size_on_disk(member.size)
            check_size(self._taken, self._size, self._room)
            if not _extract(file, member, file_at(self._target, member.name)):
                self._skipped.add(member.name)

    def _notes(self) -> list[str]:
        notes = []
        if self._others:
            notes.append(f"Skipped {counted(self._others, 'file')} that are not images.")
        if self._empty:
            notes.append(f"Skipped {counted(self._empty, 'empty file')} of the archive.")
        if self._skipped:
            notes.append(
                f"Skipped {counted(len(self._skipped), 'file')} of the archive that are links, "
                f"repeated or have names that no file can have: {self._skipped}"
            )
        return notes


class _BoundedHeaders:
    """Wraps a file so that tarfile reads no header that would take much memory or time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left: int | None = _MAX_HEADER  # None outside headers
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    @contextmanager
    def reading_header(self) -> Iterator[None]:
        """Bounds what is read within the block."""
        self._left = _MAX_HEADER
        try:
            yield
        finally:
            self._left = None

    def read(self, size: int) -> bytes:
        """Returns the next bytes.

        Raises:
            FerError: they are of a header, and too many, or have an odd number.
        """
        if self._left is None:
            return self._file.read(size)
        is_bounded = 0 <= size <= self._left
        data = self._file.read(size) if is_bounded else b""
        self._left -= len(data)
        if not is_bounded or (size > _RECORD and _LONG_NUMBER.search(data)):
            raise FerError("The archive has a file with an unusually long name or header.")
        return data


def _is_plain(member: tarfile.TarInfo) -> bool:
    is_usual = is_one_line(member.name) and member.name.count("/") < MAX_DEPTH
    return is_usual and member.isreg() and not member.issparse()


def _extract(file: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> bool:
    """Extracts a member to a new file; returns whether there can be a file of that name."""
    content = file.extractfile(member)
    if content is None:
        return False
    try:
        with content, create(place, "xb") as out:
            shutil.copyfileobj(content, out, _BLOCK)
    except OSError as error:
        if error.errno in NOT_OF_A_MEMBER:
            raise
        return False
    return True
