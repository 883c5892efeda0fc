"""Means over participants and their intervals, against known answers."""

import pandas as pd
import pytest

from fer_core.batches.groups import condition_means, participant_means

SUMMARY = pd.DataFrame(
    {
        "file": ["a", "a", "b", "c", "d", "e"],
        "participant": ["P1", "P1", "P1", "P2", "P3", ""],
        "condition": ["calm", "calm", "calm", "calm", "loud", "loud"],
        "is_main": [1, 0, 1, 1, 1, 1],
        "frames": [30, 20, 10, 7, 5, 9],
        "share_happy": [0.2, 1.0, 0.6, 0.5, 0.9, 0.0],
    }
)


def test_files_of_a_participant_count_by_their_frames_and_only_with_the_main_person() -> None:
    found = participant_means(SUMMARY, ["share_happy"])
    assert found.to_dict("list") == {
        "participant": ["P1", "P2", "P3"],
        "condition": ["calm", "calm", "loud"],
        "files": [2, 1, 1],
        "frames": [40, 7, 5],
        "share_happy": pytest.approx([0.3, 0.5, 0.9]),
    }


def test_intervals_are_over_participants_not_frames() -> None:
    calm, loud = condition_means(participant_means(SUMMARY, ["share_happy"]), ["share_happy"])
    assert (calm.condition, calm.participants, calm.value) == ("calm", 2, pytest.approx(0.4))
    # t with one degree of freedom is 12.7: standard error 0.1.
    assert (calm.low, calm.high) == (0.0, 1.0)
    assert (loud.participants, loud.value, loud.low, loud.high) == (1, 0.9, None, None)
    four = (
        SUMMARY.head(1)
        .loc[[0] * 4]
        .assign(participant=list("abcd"), share_happy=[0.4, 0.5, 0.5, 0.6])
    )
    (mean,) = condition_means(participant_means(four, ["share_happy"]), ["share_happy"])
    # Standard deviation 0.0816, standard error 0.0408, t with three degrees of freedom 3.182.
    assert (mean.low, mean.high) == (
        pytest.approx(0.3701, abs=1e-4),
        pytest.approx(0.6299, abs=1e-4),
    )


def test_without_a_table_each_file_is_its_own_participant() -> None:
    plain = SUMMARY.drop(columns=["participant", "condition"])
    found = participant_means(plain, ["share_happy"])
    assert found["participant"].tolist() == ["a", "b", "c", "d", "e"]
    assert set(found["condition"]) == {""}
