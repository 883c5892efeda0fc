"""Writes and reads the table of a file's frames: a row per face, and one per frame without any."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation import NO_FACE, WHOLE_PICTURE
from fer_core.inference import face_cells, table_columns
from fer_core.storage import DamagedFileError, check_ranges, read_csv

if TYPE_CHECKING:  # they load SciPy and the detector
    from fer_core.inference import TrackedFace
    from fer_core.vision import Face

_TEXTS = ("detection", "expression", "answer")
_LATER = ("detection", "blurred")  # columns that tables of earlier versions do not have
_INTEGERS = ("face", "x", "y", "width", "height", "blurred")
_RANGES = {"seconds": (0.0, 1e10), "frame": (0.0, 2.0**53)}
_FACE_RANGES = {"face": (1.0, 2.0**53)} | dict.fromkeys(("x", "y", "width", "height"), (-1e9, 1e9))


class FrameWriter:
    """Writes the rows of a file's frames, in order of time."""

    def __init__(self, file: IO[str], class_names: Sequence[str], scale: float = 1.0) -> None:
        """Writes the header.

        Args:
            scale: pixels of the frames per pixel of the file.
        """
        self._names, self.scale = tuple(class_names), scale
        self._writer = csv.writer(file, lineterminator="\n")
        self._columns = table_columns(class_names)
        self._writer.writerow(self._columns)
        self.frames, self.rows = 0, 0

    def add(
        self, seconds: float, number: int, faces: Sequence[tuple["Face", "TrackedFace", str]]
    ) -> None:
        """Writes the rows of a frame.

        Args:
            faces: with the answer for each.
        """
        start = [f"{seconds:.3f}", number]
        for face, tracked, answer in faces:
            cells = face_cells(face, tracked, answer, self._names, self.scale)
            self._writer.writerow(start + cells)
        if not faces:
            self._writer.writerow(start + [""] * (len(self._columns) - 3) + [NO_FACE])
        self.frames += 1
        self.rows += len(faces)


def read_frames(file: Path, class_names: Sequence[str]) -> pd.DataFrame:
    """Reads the table of a file's frames; of a frame without a face, `face` is missing.

    Raises:
        DamagedFileError: the file is missing or damaged.
    """
    try:
        table = read_csv(file, dtype=dict.fromkeys(_TEXTS, "str"), na_values=[""])
        columns = table_columns(class_names)
        missing = [name for name in columns if name not in table]
        if set(missing) - set(_LATER):
            raise FerError(f"The column {missing[0]} is missing.")
        table = table.reindex(columns=columns)
        numbers = [name for name in columns if name not in _TEXTS and table[name].dtype != float]
        _convert(table, {"detection": "str"} | dict.fromkeys(numbers, float))
        check_ranges(table, _RANGES)
        faces = table[table["face"].notna()]
        shares = [f"{kind}_{name}" for kind in ("p", "smoothed") for name in class_names]
        detected = faces[faces["detection"] != WHOLE_PICTURE]
        check_ranges(detected, {"confidence": (0.0, 1.0)})
        check_ranges(faces, _FACE_RANGES | dict.fromkeys(shares, (0.0, 1.0)))
        if faces["answer"].isna().any():
            raise FerError("An answer is missing.")
        if (table[["yaw", "pitch", "roll"]].abs() > 180).any(axis=None):
            raise FerError("A head is turned by more than 180 degrees.")
    except FileNotFoundError as error:
        raise DamagedFileError(file, "is missing") from error
    except (FerError, ValueError) as error:  # a word where a number should be
        raise DamagedFileError(file, f"must be a table of faces. It is damaged: {error}") from error
    _convert(table, {"frame": int} | dict.fromkeys(_INTEGERS, "Int64"))
    return table


def _convert(table: pd.DataFrame, types: Mapping[str, Any]) -> None:
    """Converts columns in place: `DataFrame.astype` takes 2 ms, which is much for a photo."""
    for name, dtype in types.items():
        table[name] = table[name].astype(dtype)
