"""What the network shall answer, and what it sees laid over one another."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_core.runs.config import TrainConfig
from fer_core.training.targets import make_targets, mix

CLASSES = ("happy", "sad")
CONFIG = TrainConfig(dataset="faces")
INDEX = pd.DataFrame(
    {
        "votes_happy": [6, 0, 0],
        "votes_sad": [2, 5, 0],
        "votes_contempt": [2, 0, 4],  # the run does not know it
    }
)


def targets(labels: list[int], **changes: float) -> list[list[float]]:
    config = replace(CONFIG, **changes)
    made = make_targets(INDEX.iloc[: len(labels)], np.array(labels), CLASSES, config)
    assert made.dtype == np.float32
    return made.tolist()


def test_the_target_of_a_label_is_one_hot() -> None:
    assert targets([1, 0]) == [[0, 1], [1, 0]]


def test_label_smoothing_spreads_its_fraction_over_all_classes() -> None:
    assert targets([1], label_smoothing=0.2) == [pytest.approx([0.1, 0.9])]


def test_votes_replace_a_fraction_of_the_label() -> None:
    assert targets([1], votes=1.0) == [pytest.approx([0.75, 0.25])]
    assert targets([1], votes=0.5) == [pytest.approx([0.375, 0.625])]


def test_images_without_votes_keep_the_label() -> None:
    assert targets([0, 0, 0], votes=1.0)[2] == [1, 0]


def test_votes_and_smoothing_together_still_sum_to_one() -> None:
    made = targets([0, 1, 0], votes=0.7, label_smoothing=0.1)
    assert np.sum(made, axis=1) == pytest.approx([1, 1, 1])


def test_teacher_predictions_replace_a_fraction_of_the_target() -> None:
    answers = np.array([[0.7, 0.3]], "float32")
    config = replace(CONFIG, label_smoothing=0.2, distillation=0.75)
    made = make_targets(INDEX[:1], np.array([1]), CLASSES, config, answers)
    assert made.tolist() == [pytest.approx([0.25 * 0.1 + 0.75 * 0.7, 0.25 * 0.9 + 0.75 * 0.3])]


def test_a_second_head_has_the_votes_as_targets_beside_those_of_the_first() -> None:
    assert targets([1, 0, 1], vote_head=0.5, label_smoothing=0.2) == [
        pytest.approx([0.1, 0.9, 0.75, 0.25]),
        pytest.approx([0.9, 0.1, 0, 1]),
        pytest.approx([0.1, 0.9, 0, 1]),  # without votes: the label
    ]


def test_votes_are_refused_for_a_dataset_without_them() -> None:
    with pytest.raises(ValueError, match="`votes` needs a dataset with FER.'s votes.* faces has"):
        make_targets(pd.DataFrame(index=[0]), np.array([0]), CLASSES, replace(CONFIG, votes=0.5))


def test_mixup_blends_images_and_targets_equally_each_with_a_ratio_of_its_own() -> None:
    images = np.arange(8, dtype="float32").reshape(8, 1, 1, 1) * 10
    ones = np.eye(8, dtype="float32")
    mixed, answers = mix(images, ones, mixup=1.0, seed=(3,))
    # Each target tells by which shares its image was made.
    assert mixed[:, 0, 0, 0] == pytest.approx(answers @ images[:, 0, 0, 0], abs=1e-3)
    assert answers.sum(axis=1) == pytest.approx(np.ones(8))
    assert len(np.unique(answers.max(axis=1).round(4))) > 4
    again, _ = mix(images, ones, mixup=1.0, seed=(3,))
    assert np.array_equal(mixed, again)
    assert not np.array_equal(mixed, mix(images, ones, mixup=1.0, seed=(4,))[0])
    assert mixed.dtype == answers.dtype == np.float32


def test_cutmix_pastes_a_rectangle_and_mixes_targets_by_its_area() -> None:
    images = np.repeat(np.arange(40, dtype="float32"), 24 * 12).reshape(40, 24, 12, 1)
    mixed, answers = mix(images, np.eye(40, dtype="float32"), cutmix=1.0, seed=(0,))
    for number, (image, answer) in enumerate(zip(mixed[..., 0], answers, strict=True)):
        assert set(np.unique(image)) <= set(np.flatnonzero(answer)) | {number}
        assert (image == number).mean() == pytest.approx(answer[number], abs=1e-6)
        rows, columns = np.nonzero(image != number)
        if len(rows):
            assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)  # filled
    kept = answers[np.arange(40), np.arange(40)]
    assert 0.4 < kept.mean() < 0.9 and len(np.unique(kept)) > 20


def test_with_mixup_and_cutmix_half_of_the_images_get_one_and_half_the_other() -> None:
    images = np.repeat(np.arange(1, 201, dtype="float32") ** 2, 64).reshape(200, 8, 8, 1)
    mixed, _ = mix(images, np.eye(200, dtype="float32"), mixup=1.0, cutmix=1.0, seed=(0,))
    is_pasted = [set(np.unique(each)) <= set(np.unique(images)) for each in mixed]
    assert 70 < sum(is_pasted) < 130


def test_features_are_blended_by_mixup_too() -> None:
    features = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    mixed, answers = mix(features, np.eye(6, dtype="float32"), mixup=1.0, seed=(0,))
    assert mixed == pytest.approx(answers @ features, abs=1e-5)
