"""The faces of a quiz, and who knew more."""

import numpy as np
import pandas as pd
import pytest

from fer_core.evaluation import quiz

ANSWERS = pd.DataFrame(
    {
        "expression": ["happy", "sad"] * 30,
        "predicted": ["happy"] * 60,
        "p_happy": 0.9,
        "p_sad": 0.1,
    }
)
HERE = np.arange(60)


def test_another_seed_draws_another_twenty_faces() -> None:
    rows = quiz.draw_faces(ANSWERS, HERE, 0)
    assert len(rows) == len(set(rows)) == 20
    assert np.array_equal(rows, quiz.draw_faces(ANSWERS, HERE, 0))
    assert not np.array_equal(rows, quiz.draw_faces(ANSWERS, HERE, 1))


def test_leaked_and_missing_images_are_not_drawn() -> None:
    positions = np.where(HERE < 40, HERE, -1)
    rows = quiz.draw_faces(ANSWERS.assign(leaked=HERE < 25), positions, 0)
    assert sorted(rows) == list(range(25, 40))


def test_user_and_model_accuracy_are_of_the_same_faces() -> None:
    rows = np.array([0, 1, 2, 3])
    mine = quiz.user_accuracy(ANSWERS, rows, ["happy", "sad", "sad"])
    assert (mine.correct, mine.total) == (2, 3)
    network = quiz.model_accuracy(ANSWERS, rows)
    assert (network.correct, network.total) == (2, 4)


def test_there_is_no_user_accuracy_without_a_guess() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        quiz.user_accuracy(ANSWERS, HERE, [])
