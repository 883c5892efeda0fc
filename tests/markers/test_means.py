"""Means around markers, against answers that are known."""

import numpy as np
import pandas as pd
import pytest

from fer_core.markers import Marker, TimeRange, baseline_means, means_around, without_ranges

NAMES = ("sad", "happy")


def faces(person: str, happy: list[float], start: float = 0.0) -> pd.DataFrame:
    """A frame every tenth of a second."""
    table = pd.DataFrame({"seconds": np.round(start + np.arange(len(happy)) / 10, 3)})
    return table.assign(person=person, p_happy=happy, p_sad=1 - np.array(happy))


def happy(table: pd.DataFrame, person: str, column: str = "mean_happy") -> list[float]:
    return table[table["person"] == person][column].tolist()


def test_means_are_of_the_frames_in_the_window_of_each_person() -> None:
    table = pd.concat([faces("Ann", [0.2] * 10 + [0.6] * 10), faces("Bob", [0.5] * 5, start=1.0)])
    found = means_around(table, NAMES, [Marker(1.0, "go"), Marker(5.0, "end")], 0.4)
    assert list(found) == [
        *("marker", "seconds", "person", "period", "frames", "mean_sad", "mean_happy")
    ]
    assert found["period"].tolist() == ["before", "after", "change"] * 4
    assert happy(found, "Ann") == pytest.approx([0.2, 0.6, 0.4] + [np.nan] * 3, nan_ok=True)
    assert happy(found, "Ann", "mean_sad")[:3] == pytest.approx([0.8, 0.4, -0.4])
    assert happy(found, "Ann", "frames") == [4, 4, 8, 0, 0, 0]
    # Bob is not seen before.
    assert happy(found, "Bob")[:3] == pytest.approx([np.nan, 0.5, np.nan], nan_ok=True)


def test_the_frame_at_the_marker_is_after_it_and_edges_are_exact() -> None:
    table = faces("Ann", [number / 100 for number in range(20)])
    found = means_around(table, NAMES, [Marker(1.1, "go")], 0.2)
    assert found["mean_happy"].tolist() == pytest.approx([0.095, 0.115, 0.02])


def test_a_baseline_is_subtracted_from_each_person_but_not_from_changes() -> None:
    table = pd.concat([faces("Ann", [0.1] * 10 + [0.7] * 10), faces("Bob", [0.5] * 5, start=1.0)])
    baselines = baseline_means(table, NAMES, TimeRange(0.0, 0.5))
    assert list(baselines) == ["Ann"]
    found = means_around(table, NAMES, [Marker(1.0, "go")], 0.5, baselines)
    assert happy(found, "Ann") == pytest.approx([0.1, 0.7, 0.6])
    assert happy(found, "Ann", "mean_happy_minus_baseline") == pytest.approx([0.0, 0.6, 0.6])
    assert happy(found, "Bob")[1] == pytest.approx(0.5)
    assert np.isnan(happy(found, "Bob", "mean_happy_minus_baseline")).all()


def test_frames_of_excluded_ranges_do_not_count() -> None:
    table = faces("Ann", [0.2] * 8 + [0.9] * 2 + [0.4] * 10)
    left = without_ranges(table, [TimeRange(0.8, 1.0, "looks away")])
    assert len(left) == 18
    found = means_around(left, NAMES, [Marker(1.0, "go")], 1.0)
    assert found["mean_happy"].tolist() == pytest.approx([0.2, 0.4, 0.2])
    assert found["frames"].tolist() == [8, 10, 18]


def test_without_markers_or_faces_the_table_is_empty() -> None:
    columns = ["marker", "seconds", "person", "period", "frames", "mean_sad", "mean_happy"]
    assert list(means_around(faces("Ann", [0.5]), NAMES, [], 1.0)) == columns
    nobody = faces("Ann", [0.5]).iloc[:0]
    assert means_around(nobody, NAMES, [Marker(1.0, "go")], 1.0).empty
    assert baseline_means(nobody, NAMES, TimeRange(0.0, 1.0)) == {}
