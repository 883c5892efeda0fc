"""Opens .zip archives whose list of members may be hostile."""

import io
import struct
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
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


def open_archive(
    file: BinaryIO, max_members: int = MAX_MEMBERS
) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo], int]:
    """Opens an archive; returns it, its files, and the number of files whose name is not UTF-8.

    `zipfile` refuses the whole archive for one such name, and reads its list whatever its length.

    Raises:
        FerError: it has more members than `max_members`.
        BadZipFile: it is no archive.
    """
    entries = enumerate(_entries(file, max_members))
    odd = {number: place for number, (place, name) in entries if name and not _is_utf8(name)}
    file.seek(0)
    archive = zipfile.ZipFile(cast(BinaryIO, _WithoutFlags(file, odd.values())) if odd else file)
    members = [
        (member, number in odd)
        for number, member in enumerate(archive.infolist())
        if not member.is_dir()
    ]
    return archive, [each for each, is_odd in members if not is_odd], sum(odd for _, odd in members)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _entries(file: BinaryIO, max_members: int) -> Iterator[tuple[int, bytes]]:
    """Yields where each entry of the list of members begins, and its name if that is UTF-8."""
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
        yield place + used, block[start : start + name] if flags & _IS_UTF8 else b""
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
    """A file in which the entries at these places do not claim that their names are UTF-8."""

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
