"""Averages probabilities before and after events, and over baselines."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fer_core.markers.annotations import Marker, TimeRange

BEFORE, AFTER, CHANGE = "before", "after", "change"  # CHANGE: after minus before


def is_in_ranges(seconds: np.ndarray, ranges: Sequence[TimeRange]) -> np.ndarray:
    """Tells of each time, (n,), whether a range includes it."""
    found = np.zeros(len(seconds), bool)
    for each in ranges:
        found |= (seconds >= each.start) & (seconds < each.end)
    return found


def without_ranges(rows: pd.DataFrame, ranges: Sequence[TimeRange]) -> pd.DataFrame:
    """Returns the rows whose `seconds` no range includes."""
    return rows[~is_in_ranges(rows["seconds"].to_numpy(float), ranges)] if ranges else rows


def baseline_means(
    faces: pd.DataFrame, class_names: Sequence[str], baseline: TimeRange
) -> dict[str, np.ndarray]:
    """Returns the mean probabilities, (classes,), of each person seen in a range.

    Args:
        faces: with `seconds`, `person` and a `p_` of each class, without excluded ranges.
    """
    rows = faces[is_in_ranges(faces["seconds"].to_numpy(float), [baseline])]
    columns = [f"p_{name}" for name in class_names]
    return {
        str(person): each[columns].to_numpy(float).mean(axis=0)
        for person, each in rows.groupby("person", sort=False)
    }


def means_around(
    faces: pd.DataFrame,
    class_names: Sequence[str],
    markers: Sequence[Marker],
    window: float,
    baselines: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Returns the mean probabilities of each person before and after each marker.

    Means are of the single frames, not of the smoothed probabilities, in which what comes after an
    event still depends on what was before. A frame at the time of the marker is after it.

    Args:
        faces: with `seconds`, `person` and a `p_` of each class, without excluded ranges.
        window: seconds before and after.
        baselines: (classes,) by person, subtracted in more columns; missing for persons without
            one. Changes do not depend on it.

    Returns:
        In order of the markers, three rows per marker and person: marker (its label), seconds,
        person, period (before, after, change), frames, and for each class `mean_<class>`, missing
        if no frame is in the window; with baselines `mean_<class>_minus_baseline` too.
    """
    columns = ["marker", "seconds", "person", "period", "frames"]
    columns += mean_columns(class_names, minus_baseline=False)
    if baselines is not None:
        columns += mean_columns(class_names, minus_baseline=True)
    times = np.array([marker.seconds for marker in markers])
    tables = []
    for person, rows in faces.groupby("person", sort=False) if len(markers) else ():
        counts, values = _periods(rows, class_names, times, window)
        if baselines is not None:
            less = values.copy()
            less[:, :2] -= baselines.get(str(person), np.full(len(class_names), np.nan))
            values = np.concatenate([values, less], axis=2)
        table = pd.DataFrame(values.reshape(-1, values.shape[2]).round(6), columns=columns[5:])
        tables.append(
            table.assign(
                marker=np.repeat([marker.label for marker in markers], 3),
                seconds=np.repeat(times, 3),
                person=str(person),
                period=[BEFORE, AFTER, CHANGE] * len(markers),
                frames=counts.ravel(),
                order=np.repeat(np.arange(len(markers)), 3),
            )
        )
    if not tables:
        return pd.DataFrame({name: [] for name in columns})
    found = pd.concat(tables).sort_values("order", kind="stable", ignore_index=True)
    return found[columns]


def mean_columns(class_names: Sequence[str], *, minus_baseline: bool) -> list[str]:
    """Returns the names of the columns of means, which say whether a baseline is subtracted."""
    end = "_minus_baseline" if minus_baseline else ""
    return [f"mean_{name}{end}" for name in class_names]


def _periods(
    rows: pd.DataFrame, class_names: Sequence[str], times: np.ndarray, window: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns numbers of frames, (markers, 3), and means, (markers, 3, classes), of a person."""
    seconds, sums = _sums(rows, class_names)
    edges = times[:, None] + np.array([-window, 0.0, window])
    places = np.searchsorted(seconds, edges.round(6))  # 1.1 - 0.2 is above 0.9
    counts = np.diff(places, axis=1)
    with np.errstate(invalid="ignore"):  # no frame: the mean is missing
        means = np.diff(sums[places], axis=1) / counts[..., None]
    change = means[:, 1] - means[:, 0]
    return (
        np.column_stack([counts, counts.sum(axis=1)]),
        np.concatenate([means, change[:, None]], axis=1),
    )


def _sums(rows: pd.DataFrame, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns a person's times, ascending, and the sums of probabilities before each of them."""
    rows = rows.sort_values("seconds", kind="stable")
    values = rows[[f"p_{name}" for name in class_names]].to_numpy(float)
    sums = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
    return rows["seconds"].to_numpy(float), sums
