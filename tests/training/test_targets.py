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


def test_votes_are_refused_for_a_dataset_without_them() -> None:
    with pytest.raises(ValueError, match="`votes` needs a dataset with FER.'s votes. faces has"):
        make_targets(pd.DataFrame(index=[0]), np.array([0]), CLASSES, replace(CONFIG, votes=0.5))


def test_mixup_blends_images_and_targets_equally() -> None:
    images = np.arange(8, dtype="float32").reshape(8, 1, 1, 1) * 10
    ones = np.eye(8, dtype="float32")
    mixed, answers = mix(images, ones, 1.0, (3,))
    # Each target tells by which shares its image was made.
    assert mixed[:, 0, 0, 0] == pytest.approx(answers @ images[:, 0, 0, 0], abs=1e-3)
    assert answers.sum(axis=1) == pytest.approx(np.ones(8))
    assert 0 < np.sort(answers, axis=1)[:, -2].max() <= 0.5
    again, _ = mix(images, ones, 1.0, (3,))
    assert np.array_equal(mixed, again)
    assert not np.array_equal(mixed, mix(images, ones, 1.0, (4,))[0])
