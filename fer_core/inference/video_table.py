"""The table of a video's faces: a row per face and frame, and what it says of each face."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.errors import FerError

SHORT = 0.5  # seconds; a face that is seen for less may be none
_COLUMNS = ("seconds", "frame", "face", "expression", "answer")


@dataclass(frozen=True)
class FaceSummary:
    """A face of a video."""

    number: int
    first: float  # seconds: when it was first and last seen
    last: float
    frames: int  # in which it was seen
    answers: dict[str, float]  # share of these frames by answer, the most frequent first

    @property
    def is_brief(self) -> bool:
        """Whether it was seen so shortly that it may be no face."""
        return self.last - self.first < SHORT


def read_video_table(file: Path) -> pd.DataFrame | None:
    """The table as `video.columns` has it; None where there is none.

    A last row that was cut off, as where the process was killed, is left out.

    Raises:
        FerError: the file is damaged.
    """
    try:
        # As text first: half a row would make numbers of something else.
        table = pd.read_csv(file, keep_default_na=False, on_bad_lines="skip")
        table = table[table["answer"] != ""].reset_index(drop=True)
        numbers = [name for name in table.columns if name not in ("expression", "answer")]
        return table.astype(dict.fromkeys(numbers, float)).astype({"face": int, "frame": int})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, pd.errors.EmptyDataError) as error:
        raise FerError(f"{file.name} must hold a video's faces. It is damaged.") from error


def summarize_faces(table: pd.DataFrame) -> list[FaceSummary]:
    """What a table says of each face, the one that is seen in most frames first."""
    found = []
    for number, rows in table.groupby("face"):
        shares = rows["answer"].value_counts(normalize=True)
        answers = {str(name): float(share) for name, share in shares.items()}
        seconds = rows["seconds"]
        first, last = float(seconds.iloc[0]), float(seconds.iloc[-1])
        found.append(FaceSummary(int(str(number)), first, last, len(rows), answers))
    return sorted(found, key=lambda face: (-face.frames, face.number))


def course(
    table: pd.DataFrame, number: int, class_names: Sequence[str], most: int = 600
) -> tuple[np.ndarray, np.ndarray]:
    """A face's smoothed probabilities over time, as means over parts of it, at most so many.

    Returns:
        Seconds, (n,), rising, and probabilities, (n, classes).
    """
    rows = table[table["face"] == number]
    seconds = rows["seconds"].to_numpy(float)
    values = rows[[f"smoothed_{name}" for name in class_names]].to_numpy(float)
    if len(rows) <= most:
        return seconds, values
    edges = np.linspace(seconds[0], seconds[-1], most + 1)[1:-1]
    parts = np.searchsorted(edges, seconds, side="right")
    starts = np.flatnonzero(np.diff(parts, prepend=-1))
    counts = np.diff(starts, append=len(parts))
    means = np.add.reduceat(np.column_stack([seconds, values]), starts) / counts[:, None]
    return means[:, 0], means[:, 1:]
