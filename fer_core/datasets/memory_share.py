"""Bounds the memory of threads that decode images at the same time."""

import threading
from contextlib import ExitStack
from typing import Self

from fer_core.vision import MAX_PIXELS

_MAX_PIXELS = 2 * MAX_PIXELS  # decoded at once; decoding takes up to 16 bytes a pixel
_SMALL_PIXELS = 1_000_000  # images up to this size never wait
_SMALL_BYTES = 32_000_000  # files up to this size never wait

_large_file = threading.Lock()
_changed = threading.Condition()
_free = _MAX_PIXELS


class MemoryShare:
    """Limits the memory of all threads that read and decode images and use their pixels.

    A thread waits while others have taken too much, and gives its part back at the end of the
    `with` block. Without it a machine of 64 cores would decode 64 images of 64 megapixels at once.
    """

    def __init__(self) -> None:
        """Takes nothing yet."""
        self._pixels = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Gives everything back."""
        global _free
        self._stack.close()
        if self._pixels:
            with _changed:
                _free += self._pixels
                _changed.notify_all()

    def take_bytes(self, count: int) -> None:
        """Takes memory for a file of so many bytes. Must precede `take_pixels`."""
        if count > _SMALL_BYTES:
            self._stack.enter_context(_large_file)

    def take_pixels(self, count: int) -> None:
        """Takes memory to decode an image of so many pixels."""
        global _free
        wanted = min(count, _MAX_PIXELS)
        if count > _SMALL_PIXELS:
            with _changed:
                _changed.wait_for(lambda: _free >= wanted)
                _free -= wanted
            self._pixels += wanted
