"""The table of the faces before a camera."""

import tracemalloc
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from fer_core.inference.face_log import FaceLog
from fer_core.inference.tracking import TrackedFace
from fer_core.vision.images import Box

NAMES = ("happy", "sad")


def face(number: int, happy: float, smoothed: float) -> TrackedFace:
    rows = (np.array([share, 1 - share]) for share in (happy, smoothed))
    return TrackedFace(number, Box(number, 2, 30, 40), *rows, since=0.0)


def test_a_row_has_time_box_and_probabilities() -> None:
    log = FaceLog(NAMES)
    log.add(1_700_000_000.1234, [face(1, 0.25, 0.625), face(2, 0.5, 0.375)])
    log.add(1_700_000_000.5, [face(1, 1.0, 0.75)])
    table = log.table(threshold=0.7)
    assert list(table) == [
        *("time", "seconds", "face", "x", "y", "width", "height"),
        *("detection", "blurred"),
        *("p_happy", "p_sad", "smoothed_happy", "smoothed_sad", "expression", "answer"),
    ]
    assert table["seconds"].tolist() == [0, 0, 0.377]
    assert datetime.fromisoformat(table["time"][0]).timestamp() == pytest.approx(1_700_000_000.123)
    assert table.iloc[1, 2:].tolist() == (
        [2, 2, 2, 30, 40, "detected", False, 0.5, 0.5, 0.375, 0.625, "sad", "not sure"]
    )
    assert table["expression"].tolist() == ["happy", "sad", "happy"]
    assert table["answer"].tolist() == ["not sure", "not sure", "happy"]


def test_a_weak_face_is_never_sure_unless_any_answer_will_do() -> None:
    log = FaceLog(NAMES)
    log.add(0.0, [replace(face(1, 0.9, 0.9), is_doubtful=True)])
    log.add(1.0, [replace(face(1, 0.9, 0.9), is_blurred=True)])
    table = log.table(threshold=0.5)
    assert table["detection"].tolist() == ["doubtful", "detected"]
    assert table["blurred"].tolist() == [False, True]
    assert set(table["answer"]) == {"not sure"} and set(log.table()["answer"]) == {"happy"}


def test_an_empty_table_has_its_columns() -> None:
    table = FaceLog(NAMES).table()
    assert table.empty and list(table)[-2:] == ["expression", "answer"]


def test_a_full_log_ignores_further_rows() -> None:
    log = FaceLog(NAMES, max_rows=3)
    for second in range(3):
        log.add(second, [face(1, 0.5, 0.5), face(2, 0.5, 0.5)])
    assert log.is_full and len(log) == 3
    assert log.table()["face"].tolist() == [1, 2, 1]
    log.clear()
    assert len(log) == 0 and not log.is_full


def test_the_log_needs_little_memory() -> None:
    log, one = FaceLog(NAMES), [face(1, 0.5, 0.5)]
    tracemalloc.start()
    for second in range(10_000):
        log.add(second, one)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 10_000 * 100  # bytes: ten numbers a row and what an array keeps in hand
