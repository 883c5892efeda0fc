"""Reads and decodes the images of an index by position."""

import contextlib
import errno
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core import access
from fer_core.datasets.memory_share import MemoryShare
from fer_core.errors import FerError
from fer_core.storage import read_bytes, read_row, read_rows, row_shape
from fer_core.text import shortened
from fer_core.vision import MAX_IMAGE_BYTES, Box, crop_face, decode

BOX = ["x", "y", "width", "height"]
_MAX_BOX = 2  # times the image's width or height; faces at the edge extend beyond it


class ImageReader:
    """Reads the images of an index. Keeps no file open and is thread-safe."""

    def __init__(self, index: pd.DataFrame, root: Path) -> None:
        self._root = root
        self._paths: list[str] = index["path"].tolist()
        rows = index["row"].to_numpy(dtype=np.int64, na_value=-1)
        # Elsewhere a row is the number of a face in its image.
        self._faces = rows
        self._rows = np.where(index["path"].str.endswith(".npy"), rows, -1)
        self._boxes = None
        if "width" in index.columns:
            self._boxes = index[BOX].astype("Int64").to_numpy(dtype=np.int64, na_value=-1)

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, position: int) -> str:
        """Returns the image's path, or its row number in the CSV it was imported from."""
        row, face = self._rows[position], self._faces[position]
        if row >= 0:
            return f"row {row + 1:,} of the table"
        return shortened(self._paths[position]) + (f", face {face + 1}" if face >= 0 else "")

    def stat(self, position: int) -> tuple[int, int]:
        """Returns the size in bytes and the modification time in ns of the image's file.

        Raises:
            FerError: it is missing; the message names it.
        """
        with self._named_errors(position):
            stat = self._path(position).stat()
        return stat.st_size, stat.st_mtime_ns

    def read(self, position: int, share: MemoryShare | None = None) -> bytes:
        """Reads an image's encoded file, or its raw pixels if it is a row of an array.

        Raises:
            FerError: the file is missing, no regular file, too large, or not readable; the
                message names it.
        """
        row = self._rows[position]
        with self._named_errors(position):
            path = self._path(position)
            if row >= 0:
                return read_row(path, int(row))
            if share:
                share.take_bytes(path.stat().st_size)
            return read_bytes(path, max_bytes=MAX_IMAGE_BYTES)

    def contents(self, positions: Iterable[int]) -> Iterator[str]:
        """Yields the `content_hash` of each image; opens a file with several images once.

        Raises:
            FerError: a file is missing or not readable; the message names it.
        """
        for _, group in itertools.groupby(positions, key=self._paths.__getitem__):
            together = list(group)
            rows = self._rows[together].tolist()
            if rows[0] < 0:
                yield from (content_hash(self.read(position)) for position in together)
                continue
            with self._named_errors(together[0]):
                yield from map(content_hash, read_rows(self._path(together[0]), rows))

    def decode(self, position: int, data: bytes, share: MemoryShare | None = None) -> np.ndarray:
        """Decodes the output of `read` to uint8 RGB, cropped to the image's face box if any.

        Raises:
            FerError: the data is damaged, or the box is outside the image or far larger; the
                message names it.
        """
        if self._rows[position] < 0:
            image = decode(data, self.name(position), share.take_pixels if share else None)
        else:
            image = self._reshaped(position, data)
        if self._boxes is None or self._boxes[position, 2] < 0:
            return image
        box = Box(*map(int, self._boxes[position]))
        height, width = image.shape[:2]
        try:
            if box.width > _MAX_BOX * width or box.height > _MAX_BOX * height:
                raise FerError(
                    f"The box must be at most {_MAX_BOX} times as large as the image of "
                    f"{width}×{height}. Received: {box}"
                )
            return crop_face(image, box)
        except FerError as error:
            raise FerError(f"{self.name(position)}: {error}") from error

    def image(self, position: int) -> np.ndarray:
        """Reads and decodes an image to uint8 RGB.

        Raises:
            FerError: the file is missing or damaged; the message names it.
        """
        return self.decode(position, self.read(position))

    def reduced(self, position: int, reduce: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Returns a function of an image, for many threads: few decode large images at once.

        Args:
            reduce: its result must be small.

        Raises:
            FerError: the file is missing or damaged; the message names it.
        """
        with MemoryShare() as share:
            return reduce(self.decode(position, self.read(position, share), share))

    def _reshaped(self, position: int, data: bytes) -> np.ndarray:
        """Returns a row of an array as uint8 RGB; it may be gray, (height, width)."""
        with self._named_errors(position):
            shape = row_shape(self._path(position))
            if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or min(shape) < 1:
                raise ValueError(f"rows of shape {shape}, which are no images")
            pixels = np.frombuffer(data, np.uint8).reshape(shape)
        return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)

    @contextlib.contextmanager
    def _named_errors(self, position: int) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # NumPy raises ValueError for a damaged array
            reason = getattr(error, "problem", None) or getattr(error, "strerror", None)
            reason = reason or str(error) or type(error).__name__
            raise FerError(
                f"{self.name(position)} must be a readable file in {self._root}. Received: {reason}"
            ) from error

    def _path(self, position: int) -> Path:
        path = self._root / self._paths[position]
        # Not there and not allowed are one error, which does not tell what exists.
        if not access.current().may_read(path, self._root):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return path


def content_hash(data: bytes) -> str:
    """Computes the BLAKE2b hash of an image's bytes: 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
