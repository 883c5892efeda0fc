"""Refuses small image files that would take gigabytes or minutes to decode.

Pillow's decoders trust counts and sizes in a file's header. What is checked here costs little, and
comes before Pillow sees the file.
"""

import io
import re
import struct
import time
from collections.abc import Iterator

from fer_core.errors import FerError

MAX_PIXELS = 64_000_000  # these decode to 192 MB
MAX_SIDE = 32_000  # pixels; OpenCV's transformations count them in 16 bits
MAX_IMAGE_BYTES = 4 * MAX_PIXELS  # no image within the pixel limit needs more

_MAX_SCANS = 50  # encoders write up to 14; each takes as long as a decoding of its own
_MAX_SEGMENTS = 10_000  # of a JPEG
_MAX_EXIF = 16  # segments of EXIF data; Pillow joins them in quadratic time
_MAX_TAGS = 4_000  # of a TIFF or of EXIF data; cameras write a hundred
_MAX_VALUES = 100_000  # of one TIFF tag, such as the offsets of strips
_MAX_HEADER_READS = 10_000  # a GIF's comment is joined from blocks in quadratic time
_MAX_READS = 2_000_000
_MAX_SECONDS = 60.0  # of a processor, for the pixels; a usual image of the largest size takes 1
_MAX_COMMENTS = 100  # of a PNM whose pixels are text; Pillow removes them in quadratic time
_SLACK = 1_000_000  # bytes that are read again, whatever the size of the file

_JPEG_START = b"\xff\xd8\xff"
_SCAN, _END = 0xDA, 0xD9
# A marker that begins a segment: 0 is an escaped byte, D0 to D7 are within a scan, FF is padding.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_WITHOUT_LENGTH = (0x01, 0xD8)
_EXIF, _MPF = b"Exif\0\0", b"MPF\0"

_TIFF = re.compile(rb"(?:II|MM)(?:[\x2a\x2b]\0|\0[\x2a\x2b])")  # what Pillow takes for one
_PLAIN_PNM = re.compile(rb"P[123]\s")
_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_TILE_WIDTH, _TILE_HEIGHT = 322, 323


class BoundedFile(io.BytesIO):
    """Stops decoders which read a file in memory far more often than once.

    Its methods raise FerError then, with a clause that follows the file's name.
    """

    def __init__(self, data: bytes) -> None:
        """Allows what a header needs, until `begin_pixels` is called."""
        super().__init__(data)
        self._reads = _MAX_HEADER_READS
        self._bytes = 2 * len(data) + _SLACK
        self._end = float("inf")  # on the clock of this thread's processor time

    def begin_pixels(self) -> None:
        """Allows what pixels need, now that the header was read."""
        self._reads = _MAX_READS
        self._bytes = 4 * len(self.getbuffer()) + _SLACK
        self._end = time.thread_time() + _MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads up to `size` bytes."""
        data = super().read(size)
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise FerError("must be a usual image. Its parts overlap or are too many.")
        if time.thread_time() > self._end:
            raise FerError("must be a usual image. Decoding it takes more than a minute.")
        return data


def checked_file(data: bytes) -> BoundedFile:
    """Returns an encoded image that Pillow may open.

    Raises:
        FerError: decoding it may take too long or too much memory. The message is a clause that
            follows the file's name.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise FerError(
            f"must have at most {MAX_IMAGE_BYTES / 1e6:.0f} MB. Received: {len(data) / 1e6:.0f} MB."
        )
    if data.startswith(_JPEG_START):
        data = _checked_jpeg(data)
    elif data[8:12] == b"WEBP":
        check_size(*_webp_size(data))
    elif _PLAIN_PNM.match(data) and data.count(b"#") > _MAX_COMMENTS:
        raise FerError(f"must have at most {_MAX_COMMENTS} comments.")
    elif _TIFF.match(data) and not has_honest_tags(data):
        raise FerError("must be a usual TIFF. Its tags take more than the file.")
    return BoundedFile(data)


def check_size(width: int, height: int) -> None:
    """Checks the size of an image in pixels.

    Raises:
        FerError: it has too many. The message is a clause that follows the file's name.
    """
    if width * height > MAX_PIXELS:
        raise FerError(
            f"must have at most {MAX_PIXELS // 1_000_000} megapixels. "
            f"Received: {width}×{height}, {width * height / 1e6:.0f} megapixels."
        )
    if max(width, height) > MAX_SIDE:
        raise FerError(f"must have at most {MAX_SIDE:,} pixels a side. Received: {width}×{height}.")


def has_honest_tags(data: bytes) -> bool:
    """Returns whether the tags of a TIFF or of EXIF data can be stored in it, without overlap.

    Pillow copies the value of every tag: 65,000 tags of a megabyte that share one place would
    become 65 GB. Also checks that no list of numbers and no tile is huge.
    """
    data = data.removeprefix(_EXIF)
    total = 0
    tile = {_TILE_WIDTH: 1, _TILE_HEIGHT: 1}
    try:
        for tag, kind, count, value in _tags(data):
            unit = _UNITS.get(kind, 0)
            total += unit * count
            tile[tag] = value
            if total > len(data) or (unit > 1 and count > _MAX_VALUES):
                return False
    except (struct.error, OverflowError):  # truncated: Pillow stops there too
        pass
    return tile[_TILE_WIDTH] * tile[_TILE_HEIGHT] <= MAX_PIXELS


def _tags(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yields tag, type, count and value (or its offset) of the entries of the first directory."""
    if not _TIFF.match(data):
        return
    order = "<" if data[:1] == b"I" else ">"
    is_big = data[2] == 43
    (start,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}L", data, 8 if is_big else 4)
    (entries,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}H", data, start)
    if entries > _MAX_TAGS:
        yield 0, 1, len(data) + 1, 0  # more than any file
        return
    first, size = (start + 8, 20) if is_big else (start + 2, 12)
    for place in range(first, min(first + entries * size, len(data)), size):
        tag, kind, count = struct.unpack_from(
            f"{order}HHQ" if is_big else f"{order}HHL", data, place
        )
        form = {3: "H", 16: "Q"}.get(kind, "L")
        (value,) = struct.unpack_from(f"{order}{form}", data, place + (12 if is_big else 8))
        yield tag, kind, count, value


def _checked_jpeg(data: bytes) -> bytes:
    """Returns the file, without EXIF data and an index of further images that are not honest."""
    scans, exif, odd = 0, list[int](), list[int]()
    parts = []
    for number, (marker, start, end) in enumerate(_segments(data)):
        if number >= _MAX_SEGMENTS:
            raise FerError(f"must have at most {_MAX_SEGMENTS:,} segments.")
        scans += marker == _SCAN
        if marker == 0xE1 and data.startswith(_EXIF, start):
            exif.append(start)
            parts.append(data[start + len(_EXIF) : end])
        elif marker == 0xE2 and data.startswith(_MPF, start):
            odd += [] if has_honest_tags(data[start + len(_MPF) : end]) else [start]
    if scans > _MAX_SCANS:
        raise FerError(f"must have at most {_MAX_SCANS} scans. Received: {scans:,}.")
    if len(exif) > _MAX_EXIF or not has_honest_tags(b"".join(parts)):
        odd += exif
    if not odd:
        return data
    cleaned = bytearray(data)
    for place in odd:
        cleaned[place] = 0  # no longer the name of a segment that Pillow reads
    return bytes(cleaned)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields the marker of each segment of a JPEG, and where its content begins and ends."""
    place = 2
    while found := _MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        if marker == _END:
            return
        if marker in _WITHOUT_LENGTH:
            continue
        end = place + int.from_bytes(data[place : place + 2])
        yield marker, place + 2, end
        place = max(end, place + 2)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Returns the width and height of a WebP's canvas; zeros if it is none."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[place : place + 3], "little") for place in (24, 27))
        return 1 + width, 1 + height
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = (int.from_bytes(data[place : place + 2], "little") for place in (26, 28))
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0
