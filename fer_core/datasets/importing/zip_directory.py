"""Opens .zip archives whose list of members may be hostile."""

import io
import re
import struct
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from fer_core.errors import FerError

MAX_MEMBERS = 2_000_000  # of any archive; each takes a kilobyte of memory

# APPNOTE.TXT of PKWARE, sections 4.3.12 and 4.3.14 to 4.3.16.
_END, _END_SIZE = b"PK\5\6", 22
_LOCATOR, _LOCATOR_SIZE = b"PK\6\7", 20
_END64, _END64_SIZE = b"PK\6\6", 56
_ENTRY, _ENTRY_SIZE = b"PK\1\2", 46
_MAX_COMMENT = 2**16
_IS_UTF8 = 0x800  # of an entry's flags
_MAX_ENTRY = _ENTRY_SIZE + 3 * 2**16  # bytes, with name, extra field and comment
_BLOCK = 2**20  # bytes
_HIGH = re.compile(rb"[\x80-\xff]+")  # of a name


@dataclass(frozen=True)
class OpenArchive:
    """Represents a .zip archive and what can be extracted from it."""

    file: zipfile.ZipFile
    members: list[zipfile.ZipInfo]  # without folders and files whose name cannot be read
    misnamed: int  # files whose name says that it is UTF-8, and is not
    encoding: str | None  # of names that do not tell it, where it was guessed


def open_archive(file: BinaryIO, max_members: int = MAX_MEMBERS) -> OpenArchive:
    """Opens an archive and lists its files.

    `zipfile` refuses the whole archive for one such name, and reads its list whatever its length.
    Names that do not say how they are encoded are read as UTF-8 or GB18030 if they are likely to
    be that, or else as CP437.

    Raises:
        FerError: it has more members than `max_members`.
        BadZipFile: it is no archive.
    """
    odd, guess = dict[int, int](), _Encoding()
    for number, (place, name, says_utf8) in enumerate(_entries(file, max_members)):
        if says_utf8 and not _is_utf8(name):
            odd[number] = place
        elif not says_utf8:
            guess.add(name)
    file.seek(0)
    encoding = None if odd else guess.encoding
    whole = cast(BinaryIO, _WithoutFlags(file, odd.values())) if odd else file
    archive = zipfile.ZipFile(whole, metadata_encoding=encoding)
    members = [
        (member, number in odd)
        for number, member in enumerate(archive.infolist())
        if not member.is_dir()
    ]
    plain = [each for each, is_odd in members if not is_odd]
    return OpenArchive(archive, plain, len(members) - len(plain), encoding)


def _is_utf8(name: bytes) -> bool:
    return _is_in(name, "utf-8")


def _is_in(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class _Encoding:
    """Guesses how names are encoded that do not tell it; CP437, says the standard."""

    def __init__(self) -> None:
        self._is_utf8 = self._is_gb18030 = True
        self._runs = self._paired = 0

    def add(self, name: bytes) -> None:
        """Adds a name."""
        if name.isascii():
            return
        runs = _HIGH.findall(name)
        self._runs += len(runs)
        # In Chinese, letters beyond ASCII come in pairs of high bytes; in CP437 these are lines
        # and boxes, and letters with accents are below.
        self._paired += sum(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs)
        self._is_utf8 = self._is_utf8 and _is_utf8(name)
        self._is_gb18030 = self._is_gb18030 and _is_in(name, "gb18030")

    @property
    def encoding(self) -> str | None:
        """Returns the encoding; None for CP437."""
        if not self._runs:
            return None
        if self._is_utf8:
            return "utf-8"
        return "gb18030" if self._is_gb18030 and self._paired > 0.9 * self._runs else None


def _entries(file: BinaryIO, max_members: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yields where each entry of the list of members begins, its name, and if it says UTF-8."""
    place, end = _directory(file)
    number = used = 0
    block = b""
    while place + used + _ENTRY_SIZE <= end:
        if len(block) - used < _MAX_ENTRY:
            place += used
            file.seek(place)
            block, used = file.read(_BLOCK), 0
        if not block.startswith(_ENTRY, used):
            return  # damaged: zipfile tells how
        flags, name, extra, comment = struct.unpack_from("<8xH18xHHH", block, used)
        start = used + _ENTRY_SIZE
        yield place + used, block[start : start + name], bool(flags & _IS_UTF8)
        used = start + name + extra + comment
        number += 1
        if number > max_members:
            raise FerError(f"An archive must have at most {max_members:,} files.")


def _directory(file: BinaryIO) -> tuple[int, int]:
    """Returns where the list of members begins and ends; zeros if there is none."""
    size = file.seek(0, io.SEEK_END)
    start = file.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE - _END64_SIZE))
    tail = file.read(size - start)
    place = len(tail) - _END_SIZE
    if not (tail.startswith(_END, max(0, place)) and tail.endswith(b"\0\0")):  # there is a comment
        place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        return 0, 0
    length = int.from_bytes(tail[place + 12 : place + 16], "little")
    locator = place - _LOCATOR_SIZE
    if locator >= _END64_SIZE and tail.startswith(_LOCATOR, locator):
        place = locator - _END64_SIZE
        length = int.from_bytes(tail[place + 40 : place + 48], "little")
    end = start + place
    return max(0, end - length), end


class _WithoutFlags(io.RawIOBase):
    """Reads a file as if these entries did not claim that their names are UTF-8."""

    def __init__(self, file: BinaryIO, entries: Iterable[int]) -> None:
        self._file, self._places = file, sorted(entry + 9 for entry in entries)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        start = self._file.tell()
        data = bytearray(self._file.read(size))
        first = bisect_left(self._places, start)
        for place in self._places[first : bisect_left(self._places, start + len(data))]:
            data[place - start] &= ~(_IS_UTF8 >> 8) & 0xFF
        return bytes(data)
