"""Keeps a table of faces over time in bounded memory."""

from array import array
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from fer_core.evaluation import DETECTED, DOUBTFUL, NOT_SURE
from fer_core.inference.tracking import TrackedFace
from fer_core.vision import Box

MAX_ROWS = 200_000  # 30 MB with seven expressions; over an hour of four faces


class FaceLog:
    """Keeps a row for each face of each processed frame, until the log is full.

    Safe for one writing thread and any number of readers.
    """

    def __init__(self, class_names: Sequence[str], max_rows: int = MAX_ROWS) -> None:
        self.class_names = tuple(class_names)
        self.max_rows = max_rows
        self._width = 8 + 2 * len(self.class_names)
        self._numbers = array("d")  # row by row: 8 bytes a number, where a tuple takes 32

    def __len__(self) -> int:
        return len(self._numbers) // self._width

    @property
    def is_full(self) -> bool:
        """Tells whether no more rows fit."""
        return len(self) >= self.max_rows

    def add(self, time: float, faces: Sequence[TrackedFace]) -> None:
        """Adds a row for each face of a frame, while there is room.

        Args:
            time: of the frame, as Unix time.
        """
        for face in faces[: max(0, self.max_rows - len(self))]:
            weak = (face.is_doubtful, face.is_blurred)
            shares = (*face.probabilities, *face.smoothed)
            self._numbers.extend((time, face.number, *_corners(face.box), *weak, *shares))

    def clear(self) -> None:
        """Removes all rows."""
        self._numbers = array("d")

    def table(self, threshold: float = 0.0) -> pd.DataFrame:
        """Returns the rows in order of time.

        Args:
            threshold: probability below which the answer is "not sure", in [0, 1].

        Returns:
            Columns: `time` (local, ISO 8601, milliseconds), `seconds` since the first row, `face`,
            the box in pixels, `detection` and `blurred` as for photos; `p_<expression>` of the
            single frame and `smoothed_<expression>` over time; the most probable `expression` of
            the smoothed ones, and `answer`: the same, or "not sure".
        """
        complete = len(self) * self._width  # without a row that is being written
        rows = np.array(self._numbers[:complete]).reshape(-1, self._width)
        times, names = rows[:, 0], self.class_names
        table = pd.DataFrame({"time": _local(times), "seconds": (times - times[:1]).round(3)})
        for position, name in enumerate(("face", "x", "y", "width", "height"), start=1):
            table[name] = rows[:, position].astype(int)
        table["detection"] = np.where(rows[:, 6] == 1, DOUBTFUL, DETECTED)
        table["blurred"] = rows[:, 7].astype(bool)
        columns = [f"{kind}_{name}" for kind in ("p", "smoothed") for name in names]
        smoothed = rows[:, 8 + len(names) :]
        expressions = np.array(names, object)[smoothed.argmax(axis=1)]
        is_weak = rows[:, 6:8].any(axis=1) & (threshold > 0)
        is_sure = (smoothed.max(axis=1, initial=0.0) >= threshold) & ~is_weak
        return table.join(pd.DataFrame(rows[:, 8:].round(4), columns=columns)).assign(
            expression=expressions, answer=np.where(is_sure, expressions, NOT_SURE)
        )


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.width, box.height


def _local(times: np.ndarray) -> list[str]:
    """Formats Unix times as local ISO 8601 with milliseconds."""
    return [datetime.fromtimestamp(time).isoformat(timespec="milliseconds") for time in times]
