"""Reads the table of a video's faces and summarizes each face."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation import DETECTED, DOUBTFUL, WHOLE_PICTURE
from fer_core.storage import DamagedFileError, check_ranges, read_csv

if TYPE_CHECKING:  # they load SciPy and the detector
    from fer_core.inference.tracking import TrackedFace
    from fer_core.vision import Face

BRIEF_SECONDS = 0.5  # a face that appears for less may be a false detection
_COLUMNS = ("seconds", "frame", "face", "expression", "answer")
_TEXTS = ("detection", "expression", "answer")
_RANGES = {"seconds": (0, 1e10), "frame": (0, 2**53), "face": (0, 2**53)}
POSE = ("yaw", "pitch", "roll")  # missing in tables of earlier versions
_STEP = 0.04  # seconds between frames, if no two of the table follow each other
_ANY = (-1e9, 1e9)  # boxes and probabilities


@dataclass(frozen=True)
class FaceSummary:
    """Summarizes a face of a video."""

    number: int
    first: float  # seconds: first and last appearance
    last: float
    frames: int  # in which it appears
    answers: dict[str, float]  # share of these frames by answer, most frequent first

    @property
    def is_brief(self) -> bool:
        """Tells whether it appears too briefly to be certainly a face."""
        return self.last - self.first < BRIEF_SECONDS


@dataclass(frozen=True)
class AnswerSpell:
    """Holds successive frames in which a face has the same answer."""

    face: int  # number
    start: float  # seconds
    end: float  # seconds; a frame at that time does not belong to it
    answer: str


def table_columns(class_names: Sequence[str]) -> list[str]:
    """Returns the columns of the table, which has a row per face and frame in order of time.

    `seconds` and `frame` (from 0) of the video, `face` (from 1), the box in pixels of the video,
    the detector's `confidence`, the `detection` ("detected", or "doubtful" by that confidence), and
    whether the face is `blurred` (0 or 1; both are missing in tables of earlier versions);
    probabilities `p_` of the single frame and `smoothed_` over time;
    the head's `yaw`, `pitch` and `roll` in degrees, see `vision.HeadPose`, empty if unknown;
    the most probable `expression` of the smoothed ones, and `answer`: the same, or "not sure".
    """
    return [
        *("seconds", "frame", "face", "x", "y", "width", "height"),
        *("confidence", "detection", "blurred"),
        *(f"p_{name}" for name in class_names),
        *(f"smoothed_{name}" for name in class_names),
        *(*POSE, "expression", "answer"),
    ]


def face_cells(
    face: "Face", tracked: "TrackedFace", answer: str, class_names: Sequence[str], scale: float
) -> list[Any]:
    """Returns the cells of a row from the column `face` on; see `table_columns`.

    Args:
        scale: pixels of the frame in which the face was found per pixel of the video.
    """
    box = face.box.scaled(1 / scale)
    return [
        *(tracked.number, box.x, box.y, box.width, box.height),
        *_detection_cells(face, is_blurred=tracked.is_blurred),
        *(f"{p:.4f}" for p in (*tracked.probabilities, *tracked.smoothed)),
        *_pose_cells(face),
        *(class_names[int(tracked.smoothed.argmax())], answer),
    ]


def _detection_cells(face: "Face", *, is_blurred: bool) -> list[Any]:
    if face.is_whole:
        return ["", WHOLE_PICTURE, int(is_blurred)]
    found = DOUBTFUL if face.is_doubtful else DETECTED
    return [f"{face.confidence:.3f}", found, int(is_blurred)]


def _pose_cells(face: "Face") -> list[str]:
    from fer_core.vision import head_pose  # loads OpenCV

    pose = head_pose(face.landmarks) if face.landmarks else None
    return [""] * 3 if pose is None else list(map(str, astuple(pose)))


def read_video_table(file: Path, class_names: Sequence[str] = ()) -> pd.DataFrame | None:
    """Reads a table with the columns of `table_columns`; None if there is no file.

    Drops an incomplete last row, which a killed process leaves.

    Args:
        class_names: that the table must have smoothed probabilities of.

    Raises:
        FerError: the file is damaged.
    """
    try:
        table = read_csv(file, on_bad_lines="skip", dtype="str")
    except FileNotFoundError:
        return None
    try:
        return _checked(table, class_names)
    except (FerError, ValueError) as error:  # a word where a number should be
        raise DamagedFileError(file, f"must be a table of faces. It is damaged: {error}") from error


def _checked(table: pd.DataFrame, class_names: Sequence[str]) -> pd.DataFrame:
    smoothed = [f"smoothed_{name}" for name in class_names]
    missing = [name for name in (*_COLUMNS, *smoothed) if name not in table]
    if missing:
        raise FerError(f"The column {missing[0]} is missing.")
    # Rows are complete if their last column is; only then are numbers parsed.
    table = table[table["answer"].fillna("") != ""].reset_index(drop=True)
    table = table.replace(dict.fromkeys(POSE, ""), "nan")
    numbers = [str(name) for name in table if name not in _TEXTS]
    table = table.astype(dict.fromkeys(numbers, float))
    numbers = [name for name in numbers if name not in POSE]
    check_ranges(table, {name: _RANGES.get(name, _ANY) for name in numbers})
    return table.astype({"face": int, "frame": int})


def summarize_faces(table: pd.DataFrame) -> list[FaceSummary]:
    """Summarizes each face of a table, by descending number of frames."""
    summaries = []
    for number, rows in table.groupby("face"):
        shares = rows["answer"].value_counts(normalize=True)
        answers = {str(name): float(share) for name, share in shares.items()}
        seconds = rows["seconds"]
        first, last = float(seconds.iloc[0]), float(seconds.iloc[-1])
        summaries.append(FaceSummary(int(str(number)), first, last, len(rows), answers))
    return sorted(summaries, key=lambda face: (-face.frames, face.number))


def answer_spells(table: pd.DataFrame, every: int = 1) -> list[AnswerSpell]:
    """Returns the spells of all faces of a table, by face and time.

    Args:
        every: frames from one that was processed to the next; a longer way ends a spell.
    """
    table = table.sort_values(["face", "frame"], kind="stable")
    faces, answers = table["face"].to_numpy(), table["answer"].to_numpy()
    seconds, frames = table["seconds"].to_numpy(float), table["frame"].to_numpy()
    if not len(table):
        return []
    follows = (np.diff(faces) == 0) & (np.diff(frames) <= every)
    steps = np.diff(seconds)[follows]
    step = float(np.median(steps)) if len(steps) else _STEP * every
    # A frame is seen until the next one, or for the usual time if the face is not in that.
    ends = seconds + step
    ends[:-1][follows] = seconds[1:][follows]
    firsts = np.flatnonzero(np.append(True, ~follows | (answers[1:] != answers[:-1])))
    lasts = np.append(firsts[1:], len(table)) - 1
    return [
        AnswerSpell(
            int(faces[first]), float(seconds[first]), float(ends[last]), str(answers[first])
        )
        for first, last in zip(firsts, lasts, strict=True)
    ]


def probability_curve(
    table: pd.DataFrame, number: int, class_names: Sequence[str], max_points: int = 600
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a face's smoothed probabilities over time, averaged to at most `max_points`.

    Returns:
        Increasing seconds, (n,), and probabilities, (n, classes).
    """
    rows = table[table["face"] == number]
    seconds = rows["seconds"].to_numpy(float)
    values = rows[[f"smoothed_{name}" for name in class_names]].to_numpy(float)
    if len(rows) <= max_points:
        return seconds, values
    edges = np.linspace(seconds[0], seconds[-1], max_points + 1)[1:-1]
    parts = np.searchsorted(edges, seconds, side="right")
    starts = np.flatnonzero(np.diff(parts, prepend=-1))
    counts = np.diff(starts, append=len(parts))
    means = np.add.reduceat(np.column_stack([seconds, values]), starts) / counts[:, None]
    return means[:, 0], means[:, 1:]
