"""The arithmetic of the summary, against answers that are known."""

import numpy as np
import pandas as pd
import pytest

from fer_core.batches.columns import describe_summary
from fer_core.batches.summary import summarize_people
from fer_core.evaluation.abstention import NO_FACE, NOT_SURE
from fer_core.markers import TimeRange

NAMES = ("sad", "happy")


def table(rows: list[tuple[float, int | None, str]]) -> pd.DataFrame:
    """Rows of (seconds, track, answer); the probability of an answer is 0.8, of none 0.5."""
    happy = {"happy": 0.8, "sad": 0.2, NOT_SURE: 0.5, NO_FACE: np.nan}
    frames = {seconds: number for number, seconds in enumerate(sorted({row[0] for row in rows}))}
    found = pd.DataFrame(
        {
            "seconds": [row[0] for row in rows],
            "frame": [frames[row[0]] for row in rows],
            "face": pd.array([row[1] for row in rows], "Int64"),
            "confidence": [0.9] * len(rows),
            "answer": [row[2] for row in rows],
            "p_happy": [happy[row[2]] for row in rows],
        }
    )
    found["p_sad"] = 1 - found["p_happy"]
    found[["yaw", "pitch", "roll"]] = 10.0
    return found.assign(smoothed_happy=found["p_happy"], smoothed_sad=found["p_sad"])


def only(rows: list[tuple[float, int | None, str]], **assigned) -> dict:
    (person,) = summarize_people(table(rows), NAMES, assigned.get("assigned"))
    return person


def test_shares_means_and_peaks_are_those_of_the_frames() -> None:
    answers = ["happy", "happy", NOT_SURE, "sad", "sad", "sad", "happy", "sad"]
    person = only([(number / 4, 1, answer) for number, answer in enumerate(answers)])
    assert list(person) == [column.name for column in describe_summary(NAMES)][1:]
    assert (person["person"], person["tracks"], person["is_main"]) == ("1", "1", 1)
    assert (person["frames"], person["seconds"]) == (8, 2.0)
    assert (person["first_seconds"], person["last_seconds"]) == (0.0, 1.75)
    assert (person["share_happy"], person["share_sad"]) == (0.375, 0.5)
    assert (person["not_sure_share"], person["not_sure_seconds"]) == (0.125, 0.25)
    assert person["mean_happy"] == pytest.approx((3 * 0.8 + 0.5 + 4 * 0.2) / 8)
    assert person["mean_happy"] + person["mean_sad"] == pytest.approx(1)
    assert (person["peak_happy"], person["peak_happy_seconds"]) == (0.8, 0.0)
    assert (person["peak_sad"], person["peak_sad_seconds"]) == (0.8, 0.75)
    # happy, (not sure), sad, happy, sad
    assert person["transitions"] == 3
    assert person["longest_spell_expression"] == "sad"
    assert (person["longest_spell_seconds"], person["longest_spell_start"]) == (0.75, 0.75)


def test_an_absence_interrupts_spells_and_transitions_and_is_not_counted() -> None:
    seen = [(0.1 * number, 1, "happy") for number in range(10)]
    away = [(1.0 + 0.1 * number, None, NO_FACE) for number in range(20)]
    back = [(3.0 + 0.1 * number, 1, "sad") for number in range(5)]
    person = only(seen + away + back)
    assert (person["frames"], person["seconds"]) == (15, pytest.approx(1.5))
    assert person["transitions"] == 0
    assert person["longest_spell_expression"] == "happy"
    assert person["longest_spell_seconds"] == pytest.approx(1.0)
    # Missed for a moment, he has not left.
    person = only([(0.0, 1, "happy"), (0.1, 1, "happy"), (0.2, None, NO_FACE), (0.3, 1, "sad")])
    assert (person["seconds"], person["transitions"]) == (pytest.approx(0.4), 1)


def test_times_count_where_frames_are_far_apart_or_uneven() -> None:
    person = only([(5.0 * number, 1, "happy") for number in range(4)])
    assert (person["seconds"], person["longest_spell_seconds"]) == (20.0, 20.0)
    person = only([(0.0, 1, "sad"), (0.1, 1, "happy"), (0.7, 1, NOT_SURE), (0.8, 1, "sad")])
    assert person["longest_spell_expression"] == "happy"
    assert person["longest_spell_seconds"] == pytest.approx(0.6)
    assert person["not_sure_seconds"] == pytest.approx(0.1)


def test_a_photo_has_no_times_and_one_who_is_never_sure_no_spell() -> None:
    person = only([(0.0, 1, NOT_SURE)])
    assert (person["frames"], person["seconds"], person["not_sure_share"]) == (1, 0.0, 1.0)
    assert person["longest_spell_expression"] is None
    assert person["longest_spell_seconds"] is None
    assert summarize_people(table([(0.0, None, NO_FACE)]), NAMES) == []


def test_frontal_faces_look_within_thirty_degrees_of_the_camera() -> None:
    frames = table([(number / 10, 1, "happy") for number in range(5)])
    frames["yaw"] = [0.0, 29.0, 31.0, 29.0, np.nan]
    frames["pitch"] = [0.0, 0.0, 0.0, -20.0, 0.0]  # both together are 35 degrees
    (person,) = summarize_people(frames, NAMES)
    assert (person["frames"], person["frontal_share"]) == (5, 0.4)
    assert person["mean_yaw"] == pytest.approx(89 / 4)
    (person,) = summarize_people(frames, NAMES, frontal=True)
    assert (person["frames"], person["seconds"]) == (2, pytest.approx(0.2))
    assert summarize_people(frames.assign(yaw=60.0), NAMES, frontal=True) == []


def test_tracks_of_one_name_are_one_person_and_others_are_ignored() -> None:
    rows = [(0.0, 1, "happy"), (0.0, 2, "sad"), (0.5, 3, "happy"), (0.5, 4, "sad")]
    people = summarize_people(table(rows), NAMES, {1: "Ann", 3: "Ann", 4: None})
    assert [(row["person"], row["tracks"], row["frames"], row["is_main"]) for row in people] == [
        ("Ann", "1 3", 2, 1),
        ("2", "2", 1, 0),
    ]
    assert people[0]["longest_spell_seconds"] == 1.0
    # Two tracks of one person in one frame count once.
    (person,) = summarize_people(table(rows), NAMES, dict.fromkeys((1, 2, 3, 4), "Ann"))
    assert person["frames"] == 2


def test_excluded_ranges_do_not_count_and_end_spells() -> None:
    answers = ["happy"] * 4 + ["sad"] * 2 + ["happy"] * 4
    frames = table([(number / 10, 1, answer) for number, answer in enumerate(answers)])
    (person,) = summarize_people(frames, NAMES, excluded=[TimeRange(0.4, 0.6)])
    assert (person["frames"], person["share_happy"], person["transitions"]) == (8, 1.0, 0)
    assert person["seconds"] == pytest.approx(0.8)
    assert person["longest_spell_seconds"] == pytest.approx(0.4)
    # A frame does not count into the range, and the person is the same one afterward.
    rare = table([(5.0 * number, 1, "happy") for number in range(4)])
    (person,) = summarize_people(rare, NAMES, excluded=[TimeRange(6.0, 11.0)])
    assert person["seconds"] == pytest.approx(5 + 1 + 5)
    assert summarize_people(rare, NAMES, excluded=[TimeRange(0.0, 99.0)]) == []
