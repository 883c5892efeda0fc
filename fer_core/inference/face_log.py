"""A table of faces over time that takes no more than so much memory."""

from array import array
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from fer_core.evaluation import NOT_SURE
from fer_core.inference.tracking import Tracked
from fer_core.vision import Box

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

    def table(self, threshold: float = 0.0) -> pd.DataFrame:
        """The rows in the order of time.

        Args:
            threshold: what is less probable is "not sure", in [0, 1].

        Returns:
            `time` (this machine's, ISO 8601, milliseconds), `seconds` since the first row, `face`,
            the box in pixels; probabilities of the frame alone and smoothed over time; the most
            probable `expression` by the smoothed ones, and `answer`: the same, or "not sure".
        """
        whole = len(self) * self._width  # without a row that is just being written
        rows = np.array(self._numbers[:whole]).reshape(-1, self._width)
        times, names = rows[:, 0], self.class_names
        table = pd.DataFrame({"time": _local(times), "seconds": (times - times[:1]).round(3)})
        for position, name in enumerate(("face", "x", "y", "width", "height"), start=1):
            table[name] = rows[:, position].astype(int)
        shares = [f"{kind}_{name}" for kind in ("p", "smoothed") for name in names]
        smoothed = rows[:, 6 + len(names) :]
        expressions = np.array(names, object)[smoothed.argmax(axis=1)]
        sure = smoothed.max(axis=1, initial=0.0) >= threshold
        return table.join(pd.DataFrame(rows[:, 6:].round(4), columns=shares)).assign(
            expression=expressions, answer=np.where(sure, expressions, NOT_SURE)
        )


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.width, box.height


def _local(times: np.ndarray) -> list[str]:
    """Seconds since 1970 began as this machine's clock shows them."""
    return [datetime.fromtimestamp(time).isoformat(timespec="milliseconds") for time in times]
