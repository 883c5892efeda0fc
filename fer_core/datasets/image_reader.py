"""The pictures that an index names, read by their position."""

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.storage import read_row, read_rows, row_shape
from fer_core.vision import Box, crop_face, decode

BOX = ["x", "y", "width", "height"]


class ImageReader:
    """The pictures of an index. Keeps no file open; may be used by many threads."""

    def __init__(self, index: pd.DataFrame, root: Path) -> None:
        self._root = root
        self._paths: list[str] = index["path"].tolist()
        self._rows = index["row"].to_numpy(dtype=np.int64, na_value=-1)
        self._boxes = None
        if "width" in index.columns:
            self._boxes = index[BOX].astype("Int64").to_numpy(dtype=np.int64, na_value=-1)

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, position: int) -> str:
        """What the picture is called: its path, or its row in the table that it came from."""
        row = self._rows[position]
        return self._paths[position] if row < 0 else f"row {row + 1:,} of the table"

    def stat(self, position: int) -> tuple[int, int]:
        """Size in bytes and time of change in ns of the picture's file."""
        stat = self._path(position).stat()
        return stat.st_size, stat.st_mtime_ns

    def read(self, position: int) -> bytes:
        """What is stored of a picture: its file, or its pixels where it is a row of an array.

        Raises:
            FerError: the file is gone or may not be read; names it.
        """
        path, row = self._path(position), self._rows[position]
        with self._named_errors(position):
            return path.read_bytes() if row < 0 else read_row(path, int(row))

    def contents(self, positions: Iterable[int]) -> Iterator[str]:
        """The `content_hash` of many pictures; a file that holds several is opened once.

        Raises:
            FerError: as `read`.
        """
        for path, group in itertools.groupby(positions, key=self._paths.__getitem__):
            together = list(group)
            rows = self._rows[together].tolist()
            if rows[0] < 0:
                yield from (content_hash(self.read(position)) for position in together)
                continue
            with self._named_errors(together[0]):
                yield from map(content_hash, read_rows(self._root / path, rows))

    def decode(self, position: int, data: bytes) -> np.ndarray:
        """The picture in what `read` gave: uint8 RGB, cut out by its box where it has one.

        Raises:
            FerError: it is damaged, or its box lies outside; names it.
        """
        if self._rows[position] < 0:
            image = decode(data, self.name(position))
        else:
            pixels = np.frombuffer(data, np.uint8).reshape(row_shape(self._path(position)))
            image = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        if self._boxes is None or self._boxes[position, 2] < 0:
            return image
        try:
            return crop_face(image, Box(*map(int, self._boxes[position])))
        except ValueError as error:
            raise FerError(f"{self.name(position)}: {error}") from error

    def image(self, position: int) -> np.ndarray:
        """Reads and decodes a picture.

        Raises:
            FerError: the file is gone or damaged; names it.
        """
        return self.decode(position, self.read(position))

    @contextlib.contextmanager
    def _named_errors(self, position: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise FerError(
                f"{self.name(position)} must be a file in {self._root} that can be read. "
                f"Received: {reason}"
            ) from error

    def _path(self, position: int) -> Path:
        return self._root / self._paths[position]


def content_hash(data: bytes) -> str:
    """32 hexadecimal digits that two different pictures do not share."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
