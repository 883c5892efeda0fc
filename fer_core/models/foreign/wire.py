"""Walks through the bytes of a protocol buffer before a library builds objects from them.

A message of two bytes becomes an object of a hundred, so a small file could take much memory.
"""

from typing import Any

from fer_core.errors import FerError

_MAX_FIELDS = 300_000  # of the whole file; a network of 200 layers has 10,000
_MAX_DEPTH = 16
_MAX_PACKED_BYTES = 2**24  # of numbers of one byte each, which take eight in memory
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # how the wire names what follows


class WireWalk:
    """Counts the fields of a message and of all within it."""

    def __init__(self, data: bytes) -> None:
        """Takes the bytes of the outermost message."""
        self._data = data
        self._fields = 0
        self._packed = 0

    def check(self, descriptor: Any) -> None:
        """Checks that the bytes are a message of this type, of moderate size in memory.

        Args:
            descriptor: of the message's class, `Message.DESCRIPTOR`.

        Raises:
            FerError: they are not, or it would take much more memory than its file.
        """
        self._message(descriptor, 0, len(self._data), 0)

    def _message(self, descriptor: Any, start: int, end: int, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise FerError("It is nested too deeply.")
        place = start
        while place < end:
            self._fields += 1
            if self._fields > _MAX_FIELDS:
                raise FerError(f"It must have at most {_MAX_FIELDS:,} fields.")
            tag, place = self._varint(place, end)
            number, kind = tag >> 3, tag & 7
            field = descriptor.fields_by_number.get(number)
            if kind == _VARINT:
                _, place = self._varint(place, end)
            elif kind in (_FIXED32, _FIXED64):
                place += 4 if kind == _FIXED32 else 8
            elif kind == _BYTES:
                size, place = self._varint(place, end)
                if place + size > end:
                    raise FerError("It is cut off.")
                self._content(field, place, size, depth)
                place += size
            else:
                raise FerError(f"It has a field of an unknown kind: {kind}.")
        if place != end:
            raise FerError("It is cut off.")

    def _content(self, field: Any, place: int, size: int, depth: int) -> None:
        if field is None:
            return
        if field.message_type is not None:
            self._message(field.message_type, place, place + size, depth + 1)
        elif field.type not in (field.TYPE_BYTES, field.TYPE_STRING) and field.type not in (
            field.TYPE_FLOAT,
            field.TYPE_DOUBLE,
        ):
            self._packed += size
            if self._packed > _MAX_PACKED_BYTES:
                raise FerError("Its whole numbers must be stored as raw data.")

    def _varint(self, place: int, end: int) -> tuple[int, int]:
        """Returns a number and the place after it."""
        value = shift = 0
        while place < end and shift < 64:
            byte = self._data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place
            shift += 7
        raise FerError("It has a number that is cut off.")
