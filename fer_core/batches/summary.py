"""Summarizes the faces of a file: a row per person, and what each of its columns means."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_core.batches.columns import FRONTAL_DEGREES
from fer_core.evaluation import NOT_SURE
from fer_core.markers import TimeRange, mean_columns, without_ranges

# A person that is not seen for longer has gone, and comes back later. In files of which few frames
# were processed, for so many frames.
_MAX_GAP = 1.0  # seconds
_GAP_STEPS = 3.0

Assigned = Mapping[int, str | None]  # name by track; None: to be ignored


def assign_people(frames: pd.DataFrame, assigned: Assigned) -> pd.DataFrame:
    """Returns the rows with a face, with its `person`, and without those to be ignored.

    Tracks of the same name are one person, of whom a frame has one face: the one of which the
    detector is most confident.

    Args:
        frames: with the columns of `inference.table_columns`; `face`, the track, may be missing.
    """
    faces = frames[frames["face"].notna()]
    names = {track: assigned.get(track, str(track)) for track in faces["face"].astype(int).unique()}
    people = faces["face"].astype(int).map(names)
    faces = faces.assign(person=people)[people.notna()]
    order = faces.sort_values(["seconds", "confidence"], ascending=[True, False], kind="stable")
    return order.drop_duplicates(["person", "frame"])


def summarize_people(
    frames: pd.DataFrame,
    class_names: Sequence[str],
    assigned: Assigned | None = None,
    *,
    excluded: Sequence[TimeRange] = (),
    frontal: bool = False,
) -> list[dict[str, Any]]:
    """Returns a row per person, most frames first.

    Its columns are those of `columns.describe_summary` from `person` on.

    Args:
        frames: of one file, every processed frame, with the columns of `inference.table_columns`;
            of a frame without a face, `face` is missing.
        class_names: in label order.
        assigned: names of tracks.
        excluded: ranges whose frames do not count; they end spells, as an absence does.
        frontal: count only frames in which the face is frontal; see `is_frontal`.
    """
    step = frame_step(frames["seconds"].to_numpy(float))
    faces = without_ranges(assign_people(frames, assigned or {}), excluded)
    people = [
        _summarize(str(person), rows, class_names, step, excluded)
        for person, rows in (faces[is_frontal(faces)] if frontal else faces).groupby(
            "person", sort=False
        )
    ]
    people.sort(key=lambda row: (-row["frames"], row["first_seconds"]))
    for position, row in enumerate(people):
        row["is_main"] = int(position == 0)
    return people


def minus_baseline(
    row: Mapping[str, Any],
    class_names: Sequence[str],
    baseline: np.ndarray | None,
    description: str,
) -> dict[str, Any]:
    """Returns the means of a row minus a baseline, and what the baseline is.

    Args:
        row: with a `mean_` of each class.
        baseline: (classes,); None if the person has none: nothing is known then.
        description: of the baseline.
    """
    columns = mean_columns(class_names, minus_baseline=True)
    if baseline is None:
        return {"baseline": ""} | dict.fromkeys(columns)
    means = [row[name] for name in mean_columns(class_names, minus_baseline=False)]
    differences = [
        None if mean is None or pd.isna(mean) else _rounded(mean - base)
        for mean, base in zip(means, baseline.tolist(), strict=True)
    ]
    return {"baseline": description} | dict(zip(columns, differences, strict=True))


def is_frontal(faces: pd.DataFrame) -> pd.Series:
    """Tells of each face whether it looks within `FRONTAL_DEGREES` of the direction to the camera.

    A face whose pose is unknown does not.
    """
    radians = np.radians(faces[["yaw", "pitch"]].astype(float))
    cosine = np.cos(radians["yaw"]) * np.cos(radians["pitch"])
    return cosine >= np.cos(np.radians(FRONTAL_DEGREES))


def frame_step(seconds: np.ndarray) -> float:
    """Returns the median time between successive frames; 0 if there is only one."""
    steps = np.diff(np.unique(seconds))
    return float(np.median(steps)) if len(steps) else 0.0


def _summarize(
    person: str,
    rows: pd.DataFrame,
    class_names: Sequence[str],
    step: float,
    excluded: Sequence[TimeRange],
) -> dict[str, Any]:
    seconds, answers = rows["seconds"].to_numpy(float), rows["answer"].to_numpy(object)
    durations, stays = _durations(seconds, step, excluded)
    is_unsure = answers == NOT_SURE
    record: dict[str, Any] = {
        "person": person,
        "tracks": " ".join(map(str, sorted(rows["face"].astype(int).unique().tolist()))),
        "is_main": 0,
        "frames": len(rows),
        "seconds": _rounded(durations.sum()),
        "first_seconds": _rounded(seconds[0]),
        "last_seconds": _rounded(seconds[-1]),
    }
    record |= {f"share_{name}": _rounded((answers == name).mean()) for name in class_names}
    record["not_sure_share"] = _rounded(is_unsure.mean())
    record["not_sure_seconds"] = _rounded(durations[is_unsure].sum())
    record["transitions"] = _transitions(answers[~is_unsure], stays[~is_unsure])
    record["frontal_share"] = _rounded(is_frontal(rows).mean())
    for name in ("yaw", "pitch", "roll"):
        mean = rows[name].mean()
        record[f"mean_{name}"] = None if pd.isna(mean) else _rounded(mean)
    record |= _longest_spell(seconds, answers, durations, stays)
    record |= {f"mean_{name}": _rounded(rows[f"p_{name}"].mean()) for name in class_names}
    for name in class_names:
        smoothed = rows[f"smoothed_{name}"].to_numpy(float)
        peak = int(smoothed.argmax())
        record[f"peak_{name}"] = _rounded(smoothed[peak])
        record[f"peak_{name}_seconds"] = _rounded(seconds[peak])
    return record


def _durations(
    seconds: np.ndarray, step: float, excluded: Sequence[TimeRange]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns for how long each frame counts, and the number of the stay that it belongs to.

    A frame counts until the next one with the person; before an absence, for a step; never into an
    excluded range, before which a stay ends.
    """
    elapsed = np.diff(seconds)
    leaves = elapsed > max(_MAX_GAP, _GAP_STEPS * step)
    durations = np.append(np.where(leaves, step, elapsed), step)
    for each in excluded:
        last = int(np.searchsorted(seconds, each.start)) - 1
        if last >= 0:
            durations[last] = min(durations[last], step, each.start - seconds[last])
            leaves[last : last + 1] = True
    return durations, np.concatenate([[0], np.cumsum(leaves)])


def _transitions(expressions: np.ndarray, stays: np.ndarray) -> int:
    changes = expressions[1:] != expressions[:-1]
    return int((changes & (stays[1:] == stays[:-1])).sum())


def _longest_spell(
    seconds: np.ndarray, answers: np.ndarray, durations: np.ndarray, stays: np.ndarray
) -> dict[str, Any]:
    """Returns the longest uninterrupted time with the same expression; the first of equals."""
    begins = np.append(True, (answers[1:] != answers[:-1]) | (stays[1:] != stays[:-1]))
    starts = np.flatnonzero(begins)
    lengths = np.where(answers[starts] == NOT_SURE, -1.0, np.add.reduceat(durations, starts))
    # Times are sums of floats: equal spells must not differ by their last digits.
    longest = int(lengths.round(6).argmax())
    if lengths[longest] < 0:
        return dict.fromkeys(
            ("longest_spell_expression", "longest_spell_seconds", "longest_spell_start")
        )
    return {
        "longest_spell_expression": str(answers[starts[longest]]),
        "longest_spell_seconds": _rounded(lengths[longest]),
        "longest_spell_start": _rounded(seconds[starts[longest]]),
    }


def _rounded(value: Any) -> float:
    return round(float(value), 6)
