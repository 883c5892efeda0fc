"""Of duplicates one stays; which one is asked if their labels differ."""

import numpy as np
import pandas as pd
import pytest

from fer_core.datasets.quality.exclusions import (
    Differing,
    differing_groups,
    excluded_images,
    images_left,
)
from fer_core.datasets.quality.findings import Finding

INDEX = pd.DataFrame(
    {
        "expression": ["happy", "happy", "sad", "happy", "sad", "sad", "happy", "sad", "sad"],
        "split": ["train"] * 6 + ["test", "train", "train"],
    }
)
# Groups: two labels with a majority, one label, and a tie of which one image is in test.
GROUPS = np.array([0, 0, 0, 1, 1, 2, 2])
POSITIONS = np.array([0, 1, 2, 4, 5, 6, 7])


def finding(kind: str = "near") -> Finding:
    excess = np.array([1, 2, 5, 7])
    return Finding(kind, 7, 9, POSITIONS, excess, GROUPS)


@pytest.mark.parametrize(
    ("differing", "excluded"),
    [("majority", [1, 2, 5, 7]), ("none", [0, 1, 2, 5, 7]), ("all", [5])],
)
def test_the_chosen_images_of_groups_whose_labels_differ_are_excluded(
    differing: Differing, excluded: list[int]
) -> None:
    assert differing_groups(finding(), INDEX).tolist() == [0, 2]
    assert excluded_images(finding(), INDEX, differing).tolist() == excluded


def test_leaks_leave_no_group_to_decide_about() -> None:
    assert not len(differing_groups(finding("leak-train-test"), INDEX))
    assert excluded_images(finding("leak-train-test"), INDEX, "all").tolist() == [1, 2, 5, 7]


def test_the_images_left_are_counted_by_class() -> None:
    left = images_left(INDEX, np.array([0, 1, 2]), ["happy", "sad", "angry"])
    assert left == {"happy": 1, "sad": 4, "angry": 0}
