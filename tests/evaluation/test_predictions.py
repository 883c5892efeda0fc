"""Answers one by one: which come first, and where their images lie."""

import pandas as pd
import pytest

from fer_core.evaluation import predictions as answers

TABLE = answers.with_predicted_label(
    pd.DataFrame(
        [
            ("a.png", "", "happy", 0.9, 0.1),
            ("b.png", "", "happy", 0.4, 0.6),
            ("c.png", "", "happy", 0.2, 0.8),
            ("d.png", "", "happy", 0.7, 0.3),
            ("e.png", "", "sad", 0.6, 0.4),
            ("f.png", "", "happy", 0.2, 0.8),
        ],
        columns=["path", "row", "expression", "p_happy", "p_sad"],
    )
)


def names(rows: list[int]) -> str:
    return "".join(TABLE["path"].iloc[rows].str[0])


def test_the_prediction_is_the_most_probable_expression() -> None:
    assert TABLE["predicted"].tolist() == ["happy", "sad", "sad", "happy", "happy", "sad"]
    assert TABLE["confidence"].tolist() == [0.9, 0.6, 0.8, 0.7, 0.6, 0.8]


@pytest.mark.parametrize(
    ("truth", "answered", "order", "found"),
    [
        ("happy", "sad", answers.LARGEST_ERROR, "cfb"),
        ("happy", "sad", answers.LEAST_CONFIDENT, "bcf"),
        ("happy", "happy", answers.LARGEST_ERROR, "da"),
        ("happy", "happy", answers.MOST_CONFIDENT, "ad"),
        ("happy", None, answers.LARGEST_ERROR, "cfbda"),
        (None, "happy", answers.MOST_CONFIDENT, "ade"),
        (None, answers.WRONG, answers.LARGEST_ERROR, "cfbe"),
        ("sad", "sad", answers.LARGEST_ERROR, ""),
        (None, None, answers.LARGEST_ERROR, "cfbeda"),
    ],
)
def test_images_of_a_cell_are_chosen_in_the_requested_order(
    truth: str | None, answered: str | None, order: str, found: str
) -> None:
    assert names(answers.choose(TABLE, truth, answered, order).tolist()) == found


def test_images_are_found_by_path_and_row() -> None:
    index = pd.DataFrame({"path": ["x.npy", "x.npy", "b.png", "a.png"]})
    index["row"] = pd.array([1, 0, None, None], dtype="Int64")
    asked = pd.DataFrame(
        {"path": ["a.png", "x.npy", "x.npy", "gone.png"], "row": ["", "0", "1", ""]}
    )
    assert answers.find_images(asked, index).tolist() == [3, 1, 0, -1]


def test_an_ambiguous_image_is_not_found() -> None:
    index = pd.DataFrame(
        {"path": ["a.png", "a.png", "b.png"], "row": pd.array([None] * 3, "Int64")}
    )
    asked = pd.DataFrame({"path": ["a.png", "b.png"], "row": ["", ""]})
    assert answers.find_images(asked, index).tolist() == [-1, 2]
