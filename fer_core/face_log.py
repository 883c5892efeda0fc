"""A table of faces over time that takes no more than so much memory."""

from array import array
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from fer_core.images import Box
from fer_core.tracking import Tracked

MOST_ROWS = 200_000  # 30 MB with seven expressions; an hour and more of four faces


class FaceLog:
    """A row for every face of every frame that was looked at, until it is full.

    May be shared by threads as far as one of them writes.
    """

    def __init__(self, class_names: Sequence[str], most_rows: int = MOST_ROWS) -> None:
        self.class_names = tuple(class_names)
        self.most_rows = most_rows
        self._width = 6 + 2 * len(self.class_names)
        self._numbers = array("d")  # row after row: 8 bytes a number, where a tuple takes 32

    def __len__(self) -> int:
        return len(self._numbers) // self._width

    @property
    def is_full(self) -> bool:
        """Whether no more rows are taken."""
        return len(self) >= self.most_rows

    def add(self, time: float, faces: Sequence[Tracked]) -> None:
        """A row for each face of a frame, while there is room.

        Args:
            time: when the frame was taken, in seconds since 1970 began (UTC).
        """
        for face in faces[: max(0, self.most_rows - len(self))]:
            row = (time, face.number, *_corners(face.box), *face.probabilities, *face.smoothed)
            self._numbers.extend(row)

    def clear(self) -> None:
        """Forgets all rows."""
        self._numbers = array("d")

    def table(self) -> pd.DataFrame:
        """The rows in the order of time.

        Returns:
            `time` (local, ISO 8601, milliseconds), `seconds` since the first row, `face`, box in
            pixels, p_<expression> of the frame alone, smoothed_<expression>, `expression`: the
            most probable one by the smoothed probabilities.
        """
        whole = len(self) * self._width  # a row that is being written is left out
        rows = np.array(self._numbers[:whole]).reshape(-1, self._width)
        names = self.class_names
        table = pd.DataFrame({"time": _local(rows[:, 0]), "seconds": _since_first(rows[:, 0])})
        for position, name in enumerate(("face", "x", "y", "width", "height"), start=1):
            table[name] = rows[:, position].astype(int)
        shares = [f"{kind}_{name}" for kind in ("p", "smoothed") for name in names]
        table = table.join(pd.DataFrame(rows[:, 6:].round(4), columns=shares))
        answers = rows[:, 6 + len(names) :].argmax(axis=1)
        return table.assign(expression=np.array(names, object)[answers])


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.width, box.height


def _local(times: np.ndarray) -> list[str]:
    """Times since 1970 began as this machine's clock shows them."""
    return [datetime.fromtimestamp(time).isoformat(timespec="milliseconds") for time in times]


def _since_first(times: np.ndarray) -> np.ndarray:
    return (times - times[:1]).round(3)
